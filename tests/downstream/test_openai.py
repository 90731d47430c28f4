"""OpenAI's door, as it is on the wire; what the real SDKs make of it is in tests/clients/test_openai.py."""

import asyncio
from base64 import b64decode
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

from edgeproxy.app import Proxy
from edgeproxy.audio import wav
from edgeproxy.audio.decode import decode_whole
from edgeproxy.core.events import Event
from edgeproxy.emulator.server import Emulator

from ..conftest import KEY, StartProxy, landed, proxy_mode, turns, until
from ..fakes.origin import Origin, tone
from ..wire import talk
from .conftest import raw

BODY: dict[str, Any] = {
    "model": "gpt-4o-mini-tts",
    "voice": "shubh@hi-IN",
    "input": "नमस्ते, आप कैसे हैं? हम ठीक हैं।",
    "response_format": "pcm",
}
SPEECH = "/v1/audio/speech"
Heard = tuple[aiohttp.ClientResponse, bytes]


async def ask(
    url: str, path: str = SPEECH, *, method: str = "POST", key: str | None = KEY, **options: Any
) -> Heard:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.request(method, url + path, **options) as response,
    ):
        return response, await response.read()


async def speak(url: str, **changes: Any) -> Heard:
    return await ask(url, json={**BODY, **changes})


async def pcm_of(url: str, text: str, **voice: Any) -> bytes:
    async with talk(url, configured=False) as client:
        fields = {"target_language_code": "hi-IN", "speaker": "shubh", **voice}
        await client.config(speech_sample_rate=24000, **fields)
        return (await client.say(text)).audio


def error_of(body: bytes) -> dict[str, Any]:
    """What went wrong; that it is told in OpenAI's shape."""
    said = orjson.loads(body)
    assert list(said) == ["error"]
    assert list(said["error"]) == ["message", "type", "param", "code"]
    error: dict[str, Any] = said["error"]
    return error


async def test_it_speaks_from_the_recordings_that_every_door_shares(
    proxy: Proxy, emulator: Emulator
) -> None:
    sound = await pcm_of(proxy.url, BODY["input"])
    await landed(proxy)
    spent = emulator.counters.flushes
    response, heard = await speak(proxy.url)
    assert (response.status, response.content_type) == (200, "audio/pcm")
    assert heard == sound
    assert response.headers["Cache-Status"].startswith("edgeproxy; hit")
    assert "total;dur=" in response.headers["Server-Timing"]
    assert response.headers["x-request-id"]
    assert emulator.counters.flushes == spent


async def test_a_miss_is_told_and_kept_and_the_facts_name_the_door(
    proxy: Proxy, emulator: Emulator, facts: list[Event]
) -> None:
    first, one = await speak(proxy.url)
    await landed(proxy)
    second, two = await speak(proxy.url)
    assert one == two
    assert first.headers["Cache-Status"].startswith("edgeproxy; fwd=uri-miss")
    assert second.headers["Cache-Status"].startswith("edgeproxy; hit")
    assert emulator.counters.flushes == 2  # two sentences
    told = await turns(facts, 2)
    assert [(turn.door, turn.outcome) for turn in told] == [("openai", "ok")] * 2


@pytest.mark.parametrize("name", ["mp3", "opus", "aac", "flac", "wav", "pcm"])
async def test_with_events_it_is_the_same_audio(proxy: Proxy, name: str) -> None:
    await speak(proxy.url)
    await landed(proxy)
    _, plain = await speak(proxy.url, response_format=name)
    response, body = await speak(proxy.url, response_format=name, stream_format="sse")
    assert response.content_type == "text/event-stream"
    *events, rest = body.split(b"\n\n")
    assert rest == b""
    *deltas, done = [orjson.loads(event.removeprefix(b"data: ")) for event in events]
    assert {delta["type"] for delta in deltas} == {"speech.audio.delta"}
    assert done["type"] == "speech.audio.done"
    assert b"".join(b64decode(delta["audio"]) for delta in deltas) == plain


async def test_a_speed_is_a_pace(proxy: Proxy) -> None:
    _, heard = await speak(proxy.url, speed=1.5)
    assert heard == await pcm_of(proxy.url, BODY["input"], pace=1.5)
    assert heard != await pcm_of(proxy.url, BODY["input"])


async def test_names_of_voices_mean_what_the_settings_say(start_proxy: StartProxy) -> None:
    async with start_proxy(
        openai={"language": "hi-IN", "voices": {"alloy": "priya@ta-IN", "desk": "ritu"}}
    ) as proxy:
        for voice, speaker, language in (
            ("alloy", "priya", "ta-IN"),
            ("desk", "ritu", "hi-IN"),
            ("ash", "shubh", "hi-IN"),
            ({"id": "desk@ta-IN"}, "ritu", "ta-IN"),
        ):
            _, heard = await speak(proxy.url, voice=voice)
            sound = await pcm_of(
                proxy.url, BODY["input"], speaker=speaker, target_language_code=language
            )
            assert heard == sound


async def test_a_text_of_openais_length_is_heard_whole(proxy: Proxy, emulator: Emulator) -> None:
    sentence = "यह वाक्य काफ़ी लंबा है। "
    text = sentence * (4096 // len(sentence))
    response, heard = await speak(proxy.url, input=text)
    assert response.status == 200
    assert heard == await pcm_of(proxy.url, sentence) * text.count(sentence)
    assert emulator.counters.flushes == 1


async def test_the_stream_begins_before_the_origin_is_done(
    proxy: Proxy, emulator: Emulator
) -> None:
    emulator.change_faults("stall:seconds=1.5:after=1")
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {KEY}"}) as session,
        session.post(proxy.url + SPEECH, json=BODY) as response,
    ):
        assert await response.content.readany()
        assert not response.content.at_eof()
        assert len(proxy.flights) > 0


async def test_what_open_webui_sends_is_heard_as_mp3_and_its_list_of_voices_is_its_own(
    proxy: Proxy,
) -> None:
    # Where it can't have a server's voices (it asks without a key) it shows OpenAI's.
    response, _ = await ask(proxy.url, "/v1/audio/voices", method="GET", key=None)
    assert not response.ok
    for voice in ("alloy", "echo", "fable", "onyx", "nova", "shimmer"):
        body = {"input": "How may I help you?", "voice": voice, "model": "tts-1"}
        response, audio = await ask(proxy.url, json=body)
        assert (response.status, response.content_type) == (200, "audio/mpeg")
        assert decode_whole(audio)[0]


# -- models ----------------------------------------------------------------------------------------


async def test_the_models_are_listed_and_looked_up(proxy: Proxy, emulator: Emulator) -> None:
    response, body = await ask(proxy.url, "/v1/models", method="GET")
    assert (response.status, response.content_type) == (200, "application/json")
    for model in orjson.loads(body)["data"]:
        response, found = await ask(proxy.url, f"/v1/models/{model['id']}", method="GET")
        assert (response.status, orjson.loads(found)) == (200, model)
    response, body = await ask(proxy.url, "/v1/models/whisper-1", method="GET")
    assert response.status == 404
    assert error_of(body)["code"] == "model_not_found"
    assert emulator.counters.flushes == 0


async def test_with_passthrough_a_key_of_sarvams_is_the_key_and_a_wrong_one_is_a_401(
    start_proxy: StartProxy,
) -> None:
    async with (
        Emulator(keys={"theirs"}) as guarded,
        start_proxy(origin={"url": guarded.url}, auth={"mode": "passthrough"}) as proxy,
    ):
        response, audio = await ask(proxy.url, key="theirs", json=BODY)
        assert response.status == 200
        assert audio
        response, body = await ask(proxy.url, key="wrong", json=BODY)
        assert response.status == 401
        assert error_of(body)["code"] == "invalid_api_key"


# -- refusals --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path"), [("POST", SPEECH), ("GET", "/v1/models"), ("GET", "/v1/models/tts-1")]
)
@pytest.mark.parametrize("key", [None, "wrong"])
async def test_a_missing_or_a_wrong_key_is_openais_401(
    start_proxy: StartProxy, tmp_path: Path, method: str, path: str, key: str | None
) -> None:
    async with start_proxy(auth=proxy_mode(tmp_path, one={"tokens": [KEY]})) as proxy:
        response, body = await ask(proxy.url, path, method=method, key=key)
        assert response.status == 401
        assert error_of(body)["code"] == "invalid_api_key"
        assert response.headers["x-request-id"]
        right, _ = await ask(proxy.url, "/v1/models", method="GET")
        assert right.status == 200


@pytest.mark.parametrize(
    ("changes", "status", "param", "named"),
    [
        ({"response_format": "ogg"}, 400, "response_format", "mp3"),
        ({"speed": 3}, 400, "speed", "0.5 to 2.0"),
        ({"input": ""}, 400, "input", "4096"),
        ({"input": "क" * 5000}, 400, "input", "5000"),
        ({"voice": "@hi-IN"}, 400, "voice", "speaker@language"),
        ({"model": "gpt-4o"}, 404, "model", "bulbul:v3"),
        # What only the origin knows, it says.
        ({"voice": "nobody"}, 400, "voice", "shubh"),
        ({"voice": "shubh@xx-IN"}, 400, "voice", "hi-IN"),
        ({"voice": "shubh@as-IN"}, 400, "voice", "hi-IN"),
        ({"model": "bulbul:v2"}, 400, "model", "bulbul:v3"),
        ({"model": "bulbul:v4-flash", "voice": "shubh"}, 400, "voice", "shubh_enhi_ads"),
    ],
)
async def test_what_cant_be_spoken_is_told_in_openais_shape_and_nothing_is_spent(
    proxy: Proxy, emulator: Emulator, changes: dict[str, Any], status: int, param: str, named: str
) -> None:
    response, body = await speak(proxy.url, **changes)
    error = error_of(body)
    assert (response.status, error["param"]) == (status, param)
    assert error["type"] == "invalid_request_error"
    assert named in error["message"]
    assert emulator.counters.utterances == 0


@pytest.mark.parametrize("data", [b"", b'{"input": ', b"[1]", b"\xff\xfe"])
async def test_wrong_json_is_a_400_and_nothing_is_spent(
    proxy: Proxy, emulator: Emulator, data: bytes
) -> None:
    response, body = await ask(proxy.url, data=data)
    assert response.status == 400
    assert "JSON" in error_of(body)["message"]
    assert emulator.counters.flushes == 0


async def test_an_oversized_body_is_413_and_nothing_is_spent(
    proxy: Proxy, emulator: Emulator
) -> None:
    response, body = await ask(proxy.url, data=b"x" * 70_000)
    assert response.status == 413
    assert "65536" in error_of(body)["message"]
    assert emulator.counters.flushes == 0


async def test_a_body_that_stops_half_way_is_told_so_in_time(
    start_proxy: StartProxy, emulator: Emulator
) -> None:
    async with start_proxy(server={"body_timeout_s": 0.1}) as proxy, raw(proxy.url) as slow:
        slow.say(
            f"POST {SPEECH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer k\r\n"
            'Content-Length: 500\r\n\r\n{"input": "'.encode()
        )
        head, _, said = (await slow.heard()).partition(b"\r\n\r\n")
    assert b" 408 " in head
    assert error_of(said)["type"] == "invalid_request_error"
    assert emulator.counters.flushes == 0


async def test_what_a_tenant_may_is_what_it_may_here(
    start_proxy: StartProxy, emulator: Emulator, tmp_path: Path
) -> None:
    terms = {
        "tight": {"tokens": ["tight"], "requests_per_minute": 1, "voices": ["ritu"]},
        "spent": {"tokens": ["spent"], "characters_per_month": 5},
    }
    async with start_proxy(auth=proxy_mode(tmp_path, **terms)) as proxy:
        response, body = await ask(proxy.url, key="tight", json=BODY)
        error = error_of(body)
        assert (response.status, error["param"]) == (400, "voice")
        assert "Allowed: ritu" in error["message"]

        ritu = {**BODY, "voice": "ritu@hi-IN"}
        assert (await ask(proxy.url, key="tight", json=ritu))[0].status == 200
        response, body = await ask(proxy.url, key="tight", json=ritu)
        assert response.status == 429
        assert error_of(body)["code"] == "rate_limit_exceeded"
        assert int(response.headers["Retry-After"]) >= 1
        assert "x-should-retry" not in response.headers

        spent = emulator.counters.flushes
        response, body = await ask(proxy.url, key="spent", json=BODY)
        assert response.status == 429
        assert error_of(body)["code"] == error_of(body)["type"] == "insufficient_quota"
        # A new month is not to be waited for.
        assert response.headers["x-should-retry"] == "false"
        assert emulator.counters.flushes == spent


# -- faults ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream_format", ["audio", "sse"])
async def test_what_breaks_after_the_first_byte_is_a_broken_body(
    proxy: Proxy, emulator: Emulator, facts: list[Event], stream_format: str
) -> None:
    emulator.change_faults("cut:after=1")
    with pytest.raises(aiohttp.ClientPayloadError):
        await speak(proxy.url, stream_format=stream_format)
    (turn,) = await turns(facts, 1)
    assert turn.outcome == "error"


@pytest.mark.parametrize("stream_format", ["audio", "sse"])
@pytest.mark.parametrize(
    ("fault", "status"), [("cut:after=0", 502), ("error:code=500:after=0", 500)]
)
async def test_what_breaks_before_it_is_an_honest_status(
    proxy: Proxy,
    emulator: Emulator,
    caplog: pytest.LogCaptureFixture,
    fault: str,
    status: int,
    stream_format: str,
) -> None:
    emulator.change_faults(fault)
    response, body = await speak(proxy.url, stream_format=stream_format)
    assert (response.status, response.content_type) == (status, "application/json")
    assert error_of(body)["type"] == "server_error"
    assert not [record for record in caplog.records if record.exc_info]


async def test_a_request_that_is_being_answered_when_we_must_go_is_answered_whole(
    start_proxy: StartProxy, origin: Origin
) -> None:
    async with AsyncExitStack() as house, asyncio.TaskGroup() as tasks:
        proxy = await house.enter_async_context(start_proxy(origin={"url": origin.url}))
        answer = tasks.create_task(speak(proxy.url, input="audio then wait then audio"))
        await until(lambda: origin.waiting == 1)
        closing = tasks.create_task(house.aclose())
        # Every new request is sent elsewhere, which is how one knows that the drain has begun.
        while (late := await speak(proxy.url, input="audio"))[0].status != 503:
            pass
        assert error_of(late[1])["type"] == "server_error"
        assert late[0].headers["Connection"] == "close"
        assert not closing.done()
        origin.permit.set()
        _, heard = await answer
        await closing
    assert heard == tone(500, 24000) * 2


async def test_a_wav_is_24_khz_and_its_length_is_left_open_as_it_is_streamed(proxy: Proxy) -> None:
    response, audio = await speak(proxy.url, response_format="wav")
    sound = await pcm_of(proxy.url, BODY["input"])
    assert response.content_type == "audio/wav"
    assert audio == wav.header(rate=24000, size=None) + sound
    assert decode_whole(audio) == (sound, 24000)
