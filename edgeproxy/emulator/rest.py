"""REST and HTTP stream: one JSON body in, all of its audio out, at once or as it is made."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final, Self

from aiohttp import web

from ..audio import wav
from ..audio.encode import encode_whole
from ..core.audio import duration_s
from ..sarvam.messages import content_type
from ..sarvam.refusals import Refusal, Refused
from ..sarvam.request_id import request_id
from ..sarvam.requests import SpeechRequest, hear_rest, hear_stream, say_answer
from .delivery import Delivery
from .faults import Fault, Scope, midway, refusal_of
from .latency import Timing
from .stage import Stage
from .utterance import Coder, chunks, pronounce, spoil

WRITE_BYTES: Final = 11000
"""PCM in one write of HTTP stream: a typical one (field report F7)."""

_GARBAGE: Final = b"<html>not what you are waiting for</html>"


def refuse(stage: Stage, refusal: Refusal) -> web.Response:
    """An error, as every door says it over HTTP."""
    stage.counters.refusals += 1
    answer = request_id()
    return web.Response(
        status=refusal.status,
        body=refusal.body(answer),
        content_type="application/json",
        headers={"x-request-id": answer},
    )


def abort(request: web.BaseRequest) -> None:
    """Drop the TCP connection: the client sees a reset."""
    if request.transport is not None:
        request.transport.abort()


@dataclass(frozen=True, slots=True)
class _Order:
    """A request that was understood, and what will become of it."""

    text: str
    delivery: Delivery
    faults: Mapping[str, Fault]
    timing: Timing
    begin: float
    """When it came in."""

    @classmethod
    async def take(
        cls,
        stage: Stage,
        request: web.Request,
        hear: Callable[[bytes], SpeechRequest],
        *,
        at: str,
        codec: str,
    ) -> Self:
        """Read a request. Raises :class:`Refused` for what REST and HTTP stream do not take."""
        begin = stage.clock.now()
        asked = hear(await request.read())
        delivery = Delivery.parse(asked.fields, stage=stage, codec=codec)
        counters = stage.counters
        counters.characters += len(asked.text)
        counters.utterances += 1
        counters.recent.append(asked.text)
        faults = stage.weather.strike(Scope.UTTERANCE, at=at, text=asked.text)
        timing = stage.profile.timing(len(asked.text), seed=stage.seed, at=at)
        if (slow := faults.get("slow")) is not None:
            begin += slow.seconds or 0.0
        return cls(asked.text, delivery, faults, timing, begin)

    async def pronounce(self, stage: Stage) -> bytes:
        """Its sound."""
        pcm = await pronounce(stage.speech, self.text, delivery=self.delivery)
        return spoil(pcm, self.faults)


async def answer_rest(stage: Stage, request: web.Request, *, at: str) -> web.StreamResponse:
    """``POST /text-to-speech``. ``at`` names the request, for the draws of chance."""
    stage.counters.rest_calls += 1
    try:
        order = await _Order.take(stage, request, hear_rest, at=at, codec="wav")
    except Refused as refused:
        return refuse(stage, refused.refusal)
    pcm, delivery = await order.pronounce(stage), order.delivery
    audio = b""
    if pcm:
        audio = await asyncio.to_thread(
            encode_whole, pcm, delivery.codec, rate=delivery.rate, bitrate=delivery.bitrate
        )
    if "odd" in order.faults:
        audio = audio[:-1]
    takes_s = stage.profile.rest(len(order.text), seed=stage.seed, at=at)
    await stage.until(order.begin + takes_s)
    for fault in midway(order.faults.values()):
        match fault.kind:
            case "stall":
                await stage.stall(fault)
            case "error":
                return refuse(stage, refusal_of(fault.code or 500))
            case "garbage":
                return web.Response(body=_GARBAGE, content_type="application/json")
            case _:
                abort(request)
    answer = request_id()
    return web.Response(
        body=say_answer(answer, audio),
        content_type="application/json",
        headers={"x-request-id": answer},
    )


async def answer_stream(stage: Stage, request: web.Request, *, at: str) -> web.StreamResponse:
    """``POST /text-to-speech/stream``. A fault after the first byte is a broken body."""
    stage.counters.stream_calls += 1
    try:
        order = await _Order.take(
            stage, request, hear_stream, at=at, codec=stage.knobs.stream_codec
        )
    except Refused as refused:
        return refuse(stage, refused.refusal)
    delivery, begin = order.delivery, order.begin
    pieces = chunks(await order.pronounce(stage), size=WRITE_BYTES // 2 * 2)
    first_s = stage.profile.stream_first_byte(seed=stage.seed, at=at)
    dues = replace(order.timing, first_audio_s=first_s).dues(
        [duration_s(len(piece), delivery.rate) for piece in pieces]
    )
    response = web.StreamResponse(headers={"Content-Type": content_type(delivery.codec)})
    response.enable_chunked_encoding()
    coder = Coder(delivery)
    header = wav.header(rate=delivery.rate, size=None) if delivery.codec == "wav" else b""
    to_come = midway(order.faults.values())
    written = 0
    for piece, due in zip(pieces, dues, strict=True):
        audio = header + await coder.feed(piece)
        header = b""
        if "odd" in order.faults and piece is pieces[-1]:
            audio = audio[:-1]
        while to_come and to_come[0].after <= written:
            fault = to_come.pop(0)
            if fault.kind == "error" and not response.prepared:
                return refuse(stage, refusal_of(fault.code or 500))
            begin += await _strike(stage, fault, request)
            if fault.kind == "garbage":
                audio = _GARBAGE + audio
        await stage.until(begin + due)
        if not response.prepared:
            await response.prepare(request)
        if audio:
            await response.write(audio)
            written += 1
    for fault in to_come:
        await _strike(stage, fault, request)
    if not response.prepared:
        await response.prepare(request)
    await response.write(await coder.finish())
    await response.write_eof()
    return response


async def _strike(stage: Stage, fault: Fault, request: web.Request) -> float:
    """Let it happen; return by how many seconds it delays the rest."""
    match fault.kind:
        case "stall":
            return await stage.stall(fault)
        case "garbage":
            return 0.0
    abort(request)
    # Not an end: whoever reads must not take it for one.
    raise ConnectionResetError(f"fault {fault.kind}")
