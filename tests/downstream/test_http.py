"""REST and HTTP stream, as their clients need them."""

import asyncio
import gzip
from base64 import b64decode
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest

from edgeproxy.app import Proxy
from edgeproxy.audio.decode import decode_whole
from edgeproxy.core.events import Event
from edgeproxy.emulator.server import Emulator

from ..conftest import KEY, StartProxy, landed, turns, until
from ..fakes.origin import Origin, tone
from ..wire import talk
from .conftest import raw

BODY: dict[str, Any] = {
    "text": "नमस्ते, आप कैसे हैं? हम ठीक हैं।",
    "target_language_code": "hi-IN",
    "speaker": "shubh",
    "model": "bulbul:v3",
    "speech_sample_rate": 8000,
}
Heard = tuple[aiohttp.ClientResponse, bytes]


async def post(url: str, path: str = "", **changes: Any) -> Heard:
    body = {name: value for name, value in {**BODY, **changes}.items() if value is not None}
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            f"{url}/text-to-speech{path}", json=body, headers={"api-subscription-key": KEY}
        ) as response,
    ):
        return response, await response.read()


async def rest(url: str, **changes: Any) -> Heard:
    response, body = await post(url, **changes)
    assert response.status == 200, body
    said = await response.json()
    (audio,) = said["audios"]
    assert said["request_id"] == response.headers["x-request-id"]
    return response, b64decode(audio)


async def stream(url: str, **changes: Any) -> Heard:
    response, body = await post(url, "/stream", **changes)
    assert response.status == 200, body
    return response, body


async def pcm_of(url: str, text: str) -> bytes:
    async with talk(url) as client:
        return (await client.say(text)).audio


async def test_rest_is_a_wav_file_with_a_true_header(proxy: Proxy) -> None:
    response, audio = await rest(proxy.url)
    assert audio[:4] == b"RIFF"
    assert int.from_bytes(audio[40:44], "little") == len(audio) - 44
    assert int.from_bytes(audio[24:28], "little") == 8000
    assert audio[44:] == await pcm_of(proxy.url, BODY["text"])
    assert response.headers["Cache-Status"].startswith("edgeproxy; fwd=uri-miss")
    assert "total;dur=" in response.headers["Server-Timing"]
    assert "origin;dur=" in response.headers["Server-Timing"]


async def test_every_door_shares_the_recordings(proxy: Proxy, emulator: Emulator) -> None:
    heard = await pcm_of(proxy.url, BODY["text"])
    await landed(proxy)
    spent = emulator.counters.flushes
    response, audio = await rest(proxy.url, output_audio_codec="linear16")
    _, streamed = await post(proxy.url, "/stream", output_audio_codec="linear16")
    assert audio == streamed == heard
    assert response.headers["Cache-Status"].startswith("edgeproxy; hit")
    assert emulator.counters.flushes == spent
    assert emulator.counters.rest_calls == emulator.counters.stream_calls == 0


@pytest.mark.parametrize("codec", ["wav", "mp3", "flac", "opus", "aac"])
@pytest.mark.parametrize("path", ["", "/stream"])
async def test_every_file_format_decodes_to_the_sound(proxy: Proxy, codec: str, path: str) -> None:
    pcm = await pcm_of(proxy.url, BODY["text"])
    if path:
        _, audio = await post(proxy.url, path, output_audio_codec=codec)
    else:
        _, audio = await rest(proxy.url, output_audio_codec=codec)
    decoded, _ = await asyncio.to_thread(decode_whole, audio, rate=8000)
    if codec in ("wav", "flac"):
        assert decoded[: len(pcm)] == pcm
    assert len(pcm) <= len(decoded) + 2 * 400
    assert len(decoded) <= len(pcm) + 2 * 4500


@pytest.mark.parametrize("codec", ["mulaw", "alaw"])
async def test_g711_is_a_byte_a_sample(proxy: Proxy, codec: str) -> None:
    pcm = await pcm_of(proxy.url, BODY["text"])
    _, streamed = await post(proxy.url, "/stream", output_audio_codec=codec)
    _, whole = await rest(proxy.url, output_audio_codec=codec)
    assert streamed == whole
    assert len(whole) == len(pcm) // 2


@pytest.mark.parametrize("rate", [32000, 44100, 48000])
async def test_rates_only_rest_has_come_from_the_origins_rest_door_and_are_kept(
    proxy: Proxy, emulator: Emulator, rate: int
) -> None:
    _, audio = await rest(proxy.url, speech_sample_rate=rate)
    await landed(proxy)
    spent = emulator.counters.rest_calls
    response, again = await rest(proxy.url, speech_sample_rate=rate)
    assert int.from_bytes(audio[24:28], "little") == rate
    assert again == audio
    assert response.headers["Cache-Status"].startswith("edgeproxy; hit")
    assert emulator.counters.rest_calls == spent == 2


async def test_the_stream_begins_before_the_origin_is_done(
    proxy: Proxy, emulator: Emulator
) -> None:
    emulator.change_faults("stall:seconds=1.5:after=1")
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            f"{proxy.url}/text-to-speech/stream",
            json={**BODY, "output_audio_codec": "linear16"},
            headers={"api-subscription-key": KEY},
        ) as response,
    ):
        first = await response.content.readany()
        assert first
        assert not response.content.at_eof()
        assert len(proxy.flights) > 0


async def test_what_breaks_after_the_first_byte_is_a_broken_body(
    proxy: Proxy, emulator: Emulator, facts: list[Event]
) -> None:
    emulator.change_faults("cut:after=1")
    with pytest.raises(aiohttp.ClientPayloadError):
        await post(proxy.url, "/stream", text="यह वाक्य काफ़ी लंबा है ताकि बीच में टूट सके।")
    (turn,) = await turns(facts, 1)
    assert turn.outcome == "error"


@pytest.mark.parametrize("path", ["", "/stream"])
async def test_what_breaks_before_it_is_an_honest_status(
    proxy: Proxy, emulator: Emulator, path: str
) -> None:
    emulator.change_faults("cut:after=0")
    response, _ = await post(proxy.url, path)
    assert response.status == 502
    assert (await response.json())["error"]["code"]


@pytest.mark.parametrize("path", ["", "/stream"])
@pytest.mark.parametrize(
    ("changes", "status", "named"),
    [
        ({"text": None}, 422, "text"),
        ({"text": "  "}, 400, "'text' cannot be empty"),
        ({"text": "क" * 4000}, 422, "4000"),
        ({"target_language_code": None}, 422, "language"),
        ({"speech_sample_rate": 11025}, 400, "sample rate"),
        ({"output_audio_codec": "pcm"}, 422, "linear16"),
        ({"pace": 7}, 422, "0.5"),
        ({"pace": "fast"}, 422, "pace"),
        ({"speaker": "nobody"}, 400, "nobody"),
        ({"model": "bulbul:v2"}, 400, "deprecated"),
    ],
)
async def test_bad_bodies_are_answered_in_sarvams_shape(
    proxy: Proxy, emulator: Emulator, path: str, changes: dict[str, Any], status: int, named: str
) -> None:
    response, _ = await post(proxy.url, path, **changes)
    error = (await response.json())["error"]
    assert response.status == status
    assert named.lower() in error["message"].lower()
    assert emulator.counters.utterances == 0


async def test_a_client_that_leaves_is_told_of_and_the_fill_goes_on(
    proxy: Proxy, emulator: Emulator, facts: list[Event]
) -> None:
    emulator.change_faults("stall:seconds=0.3:after=1")
    with pytest.raises(TimeoutError):
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=0.15)) as session,
            session.post(
                f"{proxy.url}/text-to-speech", json=BODY, headers={"api-subscription-key": KEY}
            ) as response,
        ):
            await response.read()
    (turn,) = await turns(facts, 1)
    assert turn.outcome == "left"
    await landed(proxy)
    emulator.change_faults("")
    response, _ = await rest(proxy.url)
    assert "hit" in response.headers["Cache-Status"]


@pytest.mark.parametrize("path", ["/text-to-speech", "/text-to-speech/stream"])
async def test_a_body_that_stops_half_way_is_told_so_in_time(
    start_proxy: StartProxy, emulator: Emulator, path: str
) -> None:
    async with start_proxy(server={"body_timeout_s": 0.1}) as proxy, raw(proxy.url) as slow:
        slow.say(
            f"POST {path} HTTP/1.1\r\nHost: x\r\napi-subscription-key: k\r\n"
            'Content-Length: 500\r\n\r\n{"text": "'.encode()
        )
        status, _, error = await slow.refused()
    assert status == 408
    assert error
    assert emulator.counters.flushes == 0


async def test_requests_that_are_being_answered_when_we_must_go_are_answered_whole(
    start_proxy: StartProxy, origin: Origin
) -> None:
    body = {"output_audio_codec": "linear16"}
    async with AsyncExitStack() as house, asyncio.TaskGroup() as tasks:
        proxy = await house.enter_async_context(start_proxy(origin={"url": origin.url}))
        answers = [
            tasks.create_task(ask(proxy.url, text=text, **body))
            for ask, text in (
                (rest, "wait then audio"),
                (stream, "wait then audio 300"),
                (stream, "audio then wait then audio"),
            )
        ]
        await until(lambda: origin.waiting == 3)
        closing = tasks.create_task(house.aclose())
        # Every new request is sent elsewhere, which is how one knows that the drain has begun.
        while (await post(proxy.url, text="audio"))[0].status != 503:
            pass
        assert not closing.done()
        origin.permit.set()
        heard = [(await answer)[1] for answer in answers]
        await closing
    assert heard == [tone(500, 8000), tone(300, 8000), tone(500, 8000) * 2]


@pytest.mark.parametrize("text", ["नमस्ते जी। अच्छा जी।", "…"])
async def test_a_request_of_silence_is_never_left_out_whole(
    start_proxy: StartProxy, emulator: Emulator, text: str
) -> None:
    emulator.change_faults("silence")
    async with start_proxy(turn={"trim_leading_silence_ms": 2000}) as proxy:
        for ask in (rest, stream):
            assert (await ask(proxy.url, text=text, output_audio_codec="linear16"))[1]


async def test_a_compressed_body_is_no_json_here_as_it_is_none_for_sarvam(
    proxy: Proxy, emulator: Emulator
) -> None:
    # And a few bytes that grow into many never do so here.
    headers = {"api-subscription-key": KEY, "Content-Encoding": "gzip"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            f"{proxy.url}/text-to-speech", data=gzip.compress(b" " * 1_000_000), headers=headers
        ) as response,
    ):
        assert response.status == 422
    assert emulator.counters.flushes == 0
