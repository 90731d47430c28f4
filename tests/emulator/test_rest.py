import asyncio
import json
from base64 import b64decode
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from edgeproxy.audio.decode import decode_whole
from edgeproxy.audio.wav import header
from edgeproxy.emulator import Clock, Emulator, Knobs
from edgeproxy.emulator.latency import V3

Starter = Callable[..., Any]

LONG = "This is a sentence that takes some seconds to say, so that it has several writes of audio."


class FakeClock(Clock):
    """A clock that nobody waits for."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += max(0.0, seconds)
        await asyncio.sleep(0)


def body(text: str = LONG, **fields: Any) -> dict[str, Any]:
    return {"text": text, "target_language_code": "en-IN", "speaker": "shubh", **fields}


async def rest(client: aiohttp.ClientSession, emulator: Emulator, **fields: Any) -> bytes:
    async with client.post(f"{emulator.url}/text-to-speech", json=body(**fields)) as answer:
        assert answer.status == 200, await answer.text()
        said = await answer.json()
        assert set(said) == {"request_id", "audios"}
        assert answer.headers["x-request-id"] == said["request_id"]
        (audio,) = said["audios"]
        return b64decode(audio)


async def stream(client: aiohttp.ClientSession, emulator: Emulator, **fields: Any) -> bytes:
    url = f"{emulator.url}/text-to-speech/stream"
    async with client.post(url, json=body(**fields)) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.read()


async def test_rest_answers_with_a_whole_wav_unless_told_otherwise(
    emulate: Starter, client: aiohttp.ClientSession
) -> None:
    emulator = await emulate()
    wav = await rest(client, emulator)
    assert wav[:44] == header(rate=22050, size=len(wav) - 44)
    for codec in ("mp3", "flac", "aac"):
        decoded, rate = decode_whole(await rest(client, emulator, output_audio_codec=codec))
        assert rate == 22050
        assert len(decoded) == pytest.approx(len(wav), abs=2 * 4000)
    assert emulator.counters.rest_calls == emulator.counters.spoken(LONG) == 4


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 24000, 32000, 44100, 48000])
async def test_rest_speaks_at_every_rate(
    emulate: Starter, client: aiohttp.ClientSession, rate: int
) -> None:
    emulator = await emulate()
    wav = await rest(client, emulator, text="Hello.", speech_sample_rate=str(rate))
    pcm = await rest(
        client, emulator, text="Hello.", speech_sample_rate=rate, output_audio_codec="linear16"
    )
    assert wav == header(rate=rate, size=len(pcm)) + pcm
    assert len(pcm) / 2 / rate == pytest.approx(0.6, abs=0.3)


async def test_every_door_says_the_same_words_with_the_same_samples(
    emulate: Starter, client: aiohttp.ClientSession, dial: Starter
) -> None:
    emulator = await emulate()
    caller = await dial(emulator)
    await caller.config()
    spoken = await caller.turn(LONG)
    assert await rest(client, emulator, output_audio_codec="linear16") == spoken
    assert await stream(client, emulator, output_audio_codec="linear16") == spoken
    assert emulator.counters.characters == 3 * len(LONG)


async def test_stream_is_chunked_audio_with_its_content_type(
    emulate: Starter, client: aiohttp.ClientSession
) -> None:
    emulator = await emulate()
    for codec, expected in (("linear16", "audio/pcm"), ("wav", "audio/wav"), (None, "audio/mpeg")):
        fields = {} if codec is None else {"output_audio_codec": codec}
        url = f"{emulator.url}/text-to-speech/stream"
        async with client.post(url, json=body(**fields)) as answer:
            assert answer.headers["Content-Type"] == expected
            assert answer.headers["Transfer-Encoding"] == "chunked"
            audio = await answer.read()
        assert audio.startswith(b"RIFF") == (codec == "wav")
    assert emulator.counters.stream_calls == 3


async def test_the_default_codec_of_stream_is_a_knob(
    emulate: Starter, client: aiohttp.ClientSession
) -> None:
    emulator = await emulate(knobs=Knobs(stream_codec="wav"))
    assert (await stream(client, emulator)).startswith(header(rate=22050, size=None))


@pytest.mark.parametrize(
    ("fields", "status", "code", "message"),
    [
        ({"text": " "}, 400, "invalid_request_error", "'text' cannot be empty"),
        ({"speaker": "nobody"}, 400, "invalid_request_error", "Speaker 'nobody' is not compatible"),
        (
            {"model": "bulbul:v2"},
            400,
            "invalid_request_error",
            "Model 'bulbul:v2' has been deprecated",
        ),
        (
            {"speech_sample_rate": 11025},
            400,
            "invalid_request_error",
            "Speech sample rate can only be",
        ),
        ({"output_audio_codec": "pcm"}, 422, "unprocessable_entity_error", "Input parameters"),
    ],
)
async def test_what_sarvam_refuses_is_refused_at_both_doors(
    emulate: Starter,
    client: aiohttp.ClientSession,
    fields: dict[str, Any],
    status: int,
    code: str,
    message: str,
) -> None:
    emulator = await emulate()
    for path in ("/text-to-speech", "/text-to-speech/stream"):
        async with client.post(emulator.url + path, json=body(**fields)) as answer:
            assert answer.status == status
            error = (await answer.json())["error"]
            assert set(error) == {"message", "code", "request_id"}
            assert answer.headers["x-request-id"] == error["request_id"]
            assert error["code"] == code
            assert error["message"].startswith(message)
    assert emulator.counters.refusals == 2
    assert emulator.counters.utterances == 0


async def test_faults_of_the_sound_are_heard_over_http(
    emulate: Starter, client: aiohttp.ClientSession
) -> None:
    emulator = await emulate()
    pcm = await rest(client, emulator, output_audio_codec="linear16")
    for fault, expected in (
        ("silence", bytes(len(pcm))),
        ("empty", b""),
        ("short", pcm[: len(pcm) // 4 * 2]),
        ("odd", pcm[:-1]),
    ):
        emulator.change_faults(fault)
        assert await rest(client, emulator, output_audio_codec="linear16") == expected, fault
        assert await stream(client, emulator, output_audio_codec="linear16") == expected, fault


async def test_a_cut_is_a_broken_answer(emulate: Starter, client: aiohttp.ClientSession) -> None:
    emulator = await emulate(faults="cut:text=sentence")
    with pytest.raises(aiohttp.ClientError):
        await rest(client, emulator)
    for codec in ("linear16", "mp3"):
        with pytest.raises(aiohttp.ClientError):
            await stream(client, emulator, output_audio_codec=codec)
    assert await rest(client, emulator, text="Hello.")


async def test_an_error_is_a_status_before_the_first_byte_and_a_broken_body_after(
    emulate: Starter, client: aiohttp.ClientSession
) -> None:
    emulator = await emulate(faults="error:code=503:after=0")
    for path in ("/text-to-speech", "/text-to-speech/stream"):
        async with client.post(emulator.url + path, json=body()) as answer:
            assert answer.status == 503
            assert (await answer.json())["error"]["code"] == "rate_limit_exceeded_error"
    emulator.change_faults("error:code=503:after=1")
    with pytest.raises(aiohttp.ClientPayloadError):
        await stream(client, emulator)


async def test_garbage_is_not_what_was_asked_for(
    emulate: Starter, client: aiohttp.ClientSession
) -> None:
    emulator = await emulate(faults="garbage:after=0")
    async with client.post(f"{emulator.url}/text-to-speech", json=body()) as answer:
        with pytest.raises(json.JSONDecodeError):
            json.loads(await answer.read())
    assert (await stream(client, emulator)).startswith(b"<html>")


async def test_http_takes_as_long_as_its_profile_says(
    emulate: Starter, client: aiohttp.ClientSession
) -> None:
    clock = FakeClock()
    emulator = await emulate(latency="v3", clock=clock, seed=4, faults="slow:seconds=2")
    await rest(client, emulator)
    assert clock.now() == pytest.approx(2 + V3.rest(len(LONG), seed=4, at="http 1"))
    begin = clock.now()
    await stream(
        client, emulator, text="Hi.", output_audio_codec="linear16", speech_sample_rate=8000
    )
    first_s = V3.stream_first_byte(seed=4, at="http 2")
    assert clock.now() - begin == pytest.approx(2 + first_s, abs=0.001)


async def test_a_stall_for_ever_ends_with_the_emulator(
    emulate: Starter, client: aiohttp.ClientSession
) -> None:
    emulator = await emulate(faults="stall:seconds=forever")
    url = f"{emulator.url}/text-to-speech/stream"
    async with client.post(url, json=body(output_audio_codec="linear16")) as answer:
        assert await answer.content.readany()
        await emulator.stop()
        await answer.content.read()
