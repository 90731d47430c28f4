"""Sarvam's REST and HTTP stream: one JSON body is one turn.

Both speak the segments of the text in parallel and hand them on in order; REST gathers them into one file in
base64, the stream passes each on as it grows. Headers are sent with the first audio, so what goes wrong
before it is an honest status, and what goes wrong after it is a broken body, never a clean end.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic

from aiohttp import web

from ..audio import encode
from ..cache.clip import Clip
from ..core.events import Emit, LimitMet, SegmentSpoken
from ..core.freshness import Freshness
from ..core.turn import split
from ..core.voice import Voice
from ..sarvam import messages, models, refusals, requests
from ..sarvam.refusals import Refused
from ..sarvam.request_id import request_id as new_request_id
from ..sarvam.requests import SpeechRequest
from ..speech import Speech
from .answers import refusal
from .asking import TurnSettings, in_time
from .auth import Client
from .cache_status import cache_status
from .encoding import Line, Output, Trim, Wrap
from .facts import Part, turn_ended
from .wishes import Wish


@dataclass(slots=True, eq=False)
class Answer:
    """One request on its way: who asked, what for, and what became of each segment."""

    client: Client
    wish: Wish
    freshness: Freshness
    """By what its hits are told to be fresh or not."""
    request_id: str = field(default_factory=new_request_id)
    received: float = field(default_factory=monotonic)
    parts: list[Part] = field(default_factory=list)

    def spoken(self, *, failed: bool) -> tuple[SegmentSpoken, ...]:
        """The facts of all segments."""
        return tuple(
            part.spoken(received=self.received, failed=failed and part.last_write is None)
            for part in self.parts
        )


@dataclass(frozen=True, slots=True)
class Form:
    """How audio stands in a streamed body. ``door``: whose; ``content_type``: the codec's, if none is given;
    ``wrap``: what is written for a piece; ``end``: what is written when all of it is."""

    door: str
    content_type: str | None = None
    wrap: Wrap = bytes
    end: bytes = b""


class HttpDoors:
    """The handlers of ``POST /text-to-speech`` and ``POST /text-to-speech/stream``."""

    def __init__(
        self,
        *,
        speech: Speech,
        settings: TurnSettings,
        body_timeout_s: float,
        executor: Executor,
        emit: Emit,
    ) -> None:
        self._speech = speech
        self._settings = settings
        self._body_timeout_s = body_timeout_s
        self._executor = executor
        self._emit = emit

    async def rest(self, request: web.Request, client: Client) -> web.Response:
        """Answer with all of the audio, as Sarvam's JSON."""
        wish = Wish.of_request(request.query, request.headers)
        asked = requests.hear_rest(await self.body(request))
        reply, output = self._begin(asked, client, wish)

        async with self.heard(reply, "rest", output, len(asked.text)) as pcm:
            body = await self.off_loop(
                lambda: requests.say_answer(
                    reply.request_id,
                    encode.encode_whole(
                        pcm, output.codec, rate=output.rate, bitrate=output.bitrate
                    ),
                )
            )
        return web.Response(body=body, content_type="application/json", headers=headers(reply))

    async def stream(self, request: web.Request, client: Client) -> web.StreamResponse:
        """Answer with the audio as it comes."""
        asked = requests.hear_stream(await self.body(request))
        return await self.speak(request, client, asked, Form("stream"))

    async def speak(
        self, request: web.Request, client: Client, asked: SpeechRequest, form: Form
    ) -> web.StreamResponse:
        """Answer with the audio as it comes, in this form."""
        wish = Wish.of_request(request.query, request.headers)
        reply, output = self._begin(asked, client, wish)
        line = Line(output, executor=self._executor, wrap=form.wrap)
        response = web.StreamResponse()
        response.content_type = form.content_type or messages.content_type(output.codec)
        try:
            async with self._telling(reply, form.door, output, len(asked.text)):
                await self._send(request, response, reply, line)
                if form.end:
                    await response.write(form.end)
                await response.write_eof()
        except Exception:
            if not response.prepared or request.transport is None:
                raise
            # Half an answer is on its way: break it, so that it can't pass for a whole one.
            request.transport.abort()
        return response

    async def _send(
        self, request: web.Request, response: web.StreamResponse, reply: Answer, line: Line
    ) -> None:
        async for clip, part in self._in_order(reply):
            trim = self._trim(clip)
            async for pcm in clip:
                part.taken = part.taken or monotonic()
                if line.fresh:
                    await _prepare(response, request, reply)
                    for piece in line.opening():
                        await response.write(piece)
                async for piece in line.play(trim(pcm)):
                    part.encoded = part.encoded or monotonic()
                    await response.write(piece)
                    part.last_write = monotonic()
                    part.first_write = part.first_write or part.last_write
        if line.fresh:  # nothing to be heard, and nothing wrong with that
            await _prepare(response, request, reply)
        for piece in await line.finish():
            await response.write(piece)

    @asynccontextmanager
    async def heard(
        self, reply: Answer, door: str, output: Output, characters: int
    ) -> AsyncIterator[bytes]:
        """The PCM of a whole request; the block makes the answer of it, and is told of when it has."""
        async with self._telling(reply, door, output, characters):
            pieces = [
                self._trim(clip)(await clip.whole()) async for clip, _ in self._in_order(reply)
            ]
            yield b"".join(pieces)

    async def body(self, request: web.Request) -> bytes:
        """The body of a request, as long as it may be and take."""
        try:
            async with asyncio.timeout(self._body_timeout_s):
                return await request.read()
        except TimeoutError:
            self._met("body_timeout_s", request)
            no = refusals.slow_body(timeout_s=self._body_timeout_s)
            raise Refused(no) from None
        except web.HTTPRequestEntityTooLarge:
            self._met("body_bytes", request)
            raise

    def _met(self, limit: str, request: web.Request) -> None:
        self._emit(LimitMet(limit, request.remote or "unknown"))

    def _begin(self, asked: SpeechRequest, client: Client, wish: Wish) -> tuple[Answer, Output]:
        fields = models.audible(asked.fields)
        models.check_ranges(fields["model"], asked.fields)
        client.allowance.check_voice(fields)
        settings = self._settings
        asker = settings.asker(client, Voice(fields), wish.use)
        view = settings.library().view(client.tenant)
        reply = Answer(client, wish, self._speech.freshness)
        for cut in split(asked.text, settings.cuts, view.phrasebook):
            ask = asker.ask(cut, view, first=not reply.parts)
            reply.parts.append(Part(ask=ask))
        return reply, Output(asked.codec, fields["rate"], asked.bitrate)

    async def _in_order(self, reply: Answer) -> AsyncIterator[tuple[Clip, Part]]:
        """The clips of a request's segments, the next few of them always filling."""
        waiting = deque(reply.parts)
        filling: deque[Part] = deque()
        try:
            while waiting or filling:
                while waiting and len(filling) < self._settings.parallel_segments:
                    part = waiting.popleft()
                    part.clip, part.how = self._speech.clip(part.ask)
                    filling.append(part)
                part = filling[0]
                assert part.clip is not None
                yield part.clip, part
                filling.popleft()
                self._speech.leave(part.ask, part.clip)
        finally:
            for part in filling:
                if part.clip is not None:
                    self._speech.leave(part.ask, part.clip)

    def _trim(self, clip: Clip) -> Trim:
        return Trim(most_ms=self._settings.trim_leading_silence_ms, rate=clip.rate)

    async def off_loop(self, work: Callable[[], bytes]) -> bytes:
        """Do work that takes long where nobody waits for it but its caller."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)

    @asynccontextmanager
    async def _telling(
        self, reply: Answer, door: str, output: Output, characters: int
    ) -> AsyncIterator[None]:
        """See that a request is allowed and ends in time, and tell what became of it, whatever did."""
        try:
            with reply.client.allowance.turn(characters):
                async with in_time(self._settings.deadline_s):
                    yield
        except BaseException as error:
            self._tell(reply, door, output, error)
            raise
        self._tell(reply, door, output, None)

    def _tell(self, reply: Answer, door: str, output: Output, error: BaseException | None) -> None:
        now = monotonic()
        if error is None:
            outcome, reason = "ok", None
            for part in reply.parts:
                part.first_write = part.first_write or now
                part.last_write = part.last_write or now
        elif isinstance(error, Exception):
            outcome, reason = "error", refusal(error).message
        else:
            outcome, reason = "left", None
        first = next((part.first_write for part in reply.parts if part.first_write), None)
        self._emit(
            turn_ended(
                reply.spoken(failed=error is not None),
                request_id=reply.request_id,
                namespace=reply.client.namespace,
                door=door,
                codec=output.codec,
                outcome=outcome,
                reason=reason,
                received=reply.received,
                first_write=first,
                tag=reply.wish.tag,
            )
        )


async def _prepare(response: web.StreamResponse, request: web.Request, reply: Answer) -> None:
    response.headers.update(headers(reply))
    await response.prepare(request)


def headers(reply: Answer) -> dict[str, str]:
    """``x-request-id``, ``Cache-Status`` (RFC 9211) and ``Server-Timing``, as far as things have come."""
    timing = [f"total;dur={(monotonic() - reply.received) * 1000:.2f}"]
    times = next((part.times for part in reply.parts if part.how), None)
    if times is not None:
        for name, moment in (
            ("lease", times.leased),
            ("sent", times.sent),
            ("origin", times.first_byte),
            ("pcm", times.first_pcm),
        ):
            if moment is not None:
                timing.append(f"{name};dur={(moment - reply.received) * 1000:.2f}")
    return {
        "x-request-id": reply.request_id,
        "Cache-Status": cache_status(reply.parts, freshness=reply.freshness, now=datetime.now(UTC)),
        "Server-Timing": ", ".join(timing),
    }
