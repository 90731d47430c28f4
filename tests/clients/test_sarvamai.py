"""Sarvam's own Python SDK at every door, async and sync."""

import asyncio
from base64 import b64decode
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

import httpx
import pytest
from sarvamai import (
    AsyncSarvamAI,
    AudioOutput,
    BadRequestError,
    ErrorResponse,
    EventResponse,
    ForbiddenError,
    SarvamAI,
    UnprocessableEntityError,
)
from sarvamai.core.api_error import ApiError
from sarvamai.environment import SarvamAIEnvironment
from websockets.exceptions import InvalidStatus

from edgeproxy.app import Proxy
from edgeproxy.audio import g711, wav
from edgeproxy.audio.decode import decode_whole
from edgeproxy.core.events import Event
from edgeproxy.emulator.server import Emulator

from ..conftest import KEY, StartProxy, landed, proxy_mode, turns
from .conftest import Original, verdicts
from .sound import lag, likeness

# The SDK imports these names of websockets' lazily, while its clients are used.
pytestmark = [
    pytest.mark.filterwarnings(f"ignore:{message}:DeprecationWarning:{module}")
    for message, module in (
        ("websockets.exceptions.InvalidStatusCode is deprecated", "sarvamai.core.websocket_compat"),
        ("websockets.legacy is deprecated", "websockets.legacy"),
        ("websockets.WebSocketClientProtocol is deprecated", "sarvamai.text_to_speech_streaming"),
    )
]

SENTENCES = ("नमस्ते, आप कैसे हैं?", "आपका अपॉइंटमेंट कल सुबह दस बजे है।", "क्या यह ठीक है?")
TEXT = " ".join(SENTENCES)
RATE = 16000
VOICE: dict[str, Any] = {"speaker": "shubh", "speech_sample_rate": RATE}


# -- the doors -------------------------------------------------------------------------------------

Say = Callable[..., Awaitable[list[bytes]]]
"""``say(url, *texts, codec=…)``: the bytes that one client hears for each text, one after another."""


def environment(url: str) -> SarvamAIEnvironment:
    return SarvamAIEnvironment(
        base=url, creative=f"{url}/dubbing", production=url.replace("http", "ws", 1)
    )


def async_client(url: str, http: httpx.AsyncClient, *, key: str = KEY) -> AsyncSarvamAI:
    return AsyncSarvamAI(api_subscription_key=key, environment=environment(url), httpx_client=http)


def sync_client(url: str, http: httpx.Client, *, key: str = KEY) -> SarvamAI:
    return SarvamAI(api_subscription_key=key, environment=environment(url), httpx_client=http)


class Answer:
    """What a socket says up to a final, message by message."""

    def __init__(self) -> None:
        self.audio = b""
        self.errors: list[ErrorResponse] = []

    def ends_with(self, message: object) -> bool:
        """Take a message in; whether it is the last."""
        match message:
            case AudioOutput():
                self.audio += b64decode(message.data.audio)
            case ErrorResponse():
                self.errors.append(message)
            case EventResponse():
                assert message.data.event_type == "final"
                return True
            case _:
                raise AssertionError(message)
        return False


async def hear(socket: Any) -> Answer:
    answer = Answer()
    while not answer.ends_with(await socket.recv()):
        pass
    return answer


async def websocket(url: str, *texts: str, codec: str, key: str = KEY, **voice: Any) -> list[bytes]:
    async with (
        httpx.AsyncClient() as http,
        async_client(url, http, key=key).text_to_speech_streaming.connect(
            model="bulbul:v3", send_completion_event="true"
        ) as socket,
    ):
        await socket.configure(
            target_language_code="hi-IN", output_audio_codec=codec, **{**VOICE, **voice}
        )
        heard = []
        for text in texts:
            await socket.convert(text)
            await socket.flush()
            answer = await hear(socket)
            assert not answer.errors
            heard.append(answer.audio)
        return heard


def websocket_sync(url: str, *texts: str, codec: str, key: str = KEY, **voice: Any) -> list[bytes]:
    with (
        httpx.Client() as http,
        sync_client(url, http, key=key).text_to_speech_streaming.connect(
            model="bulbul:v3", send_completion_event="true"
        ) as socket,
    ):
        socket.configure(
            target_language_code="hi-IN", output_audio_codec=codec, **{**VOICE, **voice}
        )
        heard = []
        for text in texts:
            socket.convert(text)
            socket.flush()
            answer = Answer()
            while not answer.ends_with(socket.recv()):
                pass
            assert not answer.errors
            heard.append(answer.audio)
        return heard


def asked(text: str, codec: str, voice: dict[str, Any]) -> dict[str, Any]:
    return {
        "text": text,
        "language_code": "hi-IN",
        "model": "bulbul:v3",
        "output_audio_codec": codec,
        **VOICE,
        **voice,
    }


async def rest(url: str, *texts: str, codec: str, key: str = KEY, **voice: Any) -> list[bytes]:
    async with httpx.AsyncClient() as http:
        door = async_client(url, http, key=key).text_to_speech
        answers = [await door.convert(**asked(text, codec, voice)) for text in texts]
    return [b64decode(audio) for answer in answers for audio in answer.audios]


def rest_sync(url: str, *texts: str, codec: str, key: str = KEY, **voice: Any) -> list[bytes]:
    with httpx.Client() as http:
        door = sync_client(url, http, key=key).text_to_speech
        answers = [door.convert(**asked(text, codec, voice)) for text in texts]
    return [b64decode(audio) for answer in answers for audio in answer.audios]


async def stream(url: str, *texts: str, codec: str, key: str = KEY, **voice: Any) -> list[bytes]:
    async with httpx.AsyncClient() as http:
        door = async_client(url, http, key=key).text_to_speech
        return [
            b"".join([piece async for piece in door.convert_stream(**asked(text, codec, voice))])
            for text in texts
        ]


def stream_sync(url: str, *texts: str, codec: str, key: str = KEY, **voice: Any) -> list[bytes]:
    with httpx.Client() as http:
        door = sync_client(url, http, key=key).text_to_speech
        return [b"".join(door.convert_stream(**asked(text, codec, voice))) for text in texts]


def in_a_thread(say: Callable[..., list[bytes]]) -> Say:
    """A sync client's door, off the loop that the proxy runs on."""

    async def threaded(url: str, *texts: str, **options: Any) -> list[bytes]:
        return await asyncio.to_thread(say, url, *texts, **options)

    return threaded


HTTP = {
    "rest": rest,
    "rest, sync": in_a_thread(rest_sync),
    "stream": stream,
    "stream, sync": in_a_thread(stream_sync),
}
DOORS = {
    "websocket": websocket,
    "websocket, sync": in_a_thread(websocket_sync),
    **HTTP,
}


def by_name(doors: dict[str, Say]) -> Iterable[Any]:
    return [pytest.param(name, say, id=name) for name, say in doors.items()]


# -- what is heard ---------------------------------------------------------------------------------


def assert_sounds(sound: bytes, heard: bytes, *, codec: str, whole: bool) -> None:
    """That it is this sound, in this codec: every sample, where none is lost in it.

    ``whole``: a file that knows its length, not a stream.
    """
    match codec:
        case "linear16":
            assert heard == sound
        case "wav":
            assert heard == wav.header(rate=RATE, size=len(sound) if whole else None) + sound
        case "mulaw" | "alaw":
            assert heard == g711.compress(sound, law=codec)
        case "flac":
            assert decode_whole(heard) == (sound, RATE)
        case _:
            pcm, _ = decode_whole(heard, rate=RATE)
            assert likeness(sound, pcm, lag=lag(sound, pcm)) > 0.98


@pytest.mark.parametrize(
    "codec", ["linear16", "wav", "mulaw", "alaw", "flac", "mp3", "aac", "opus"]
)
@pytest.mark.parametrize(("name", "say"), by_name(DOORS))
async def test_every_door_gives_the_speech_of_the_origin_cold_and_from_the_cache(
    proxy: Proxy,
    emulator: Emulator,
    facts: list[Event],
    original: Original,
    name: str,
    say: Say,
    codec: str,
) -> None:
    sound = await original(*SENTENCES, rate=RATE)
    (cold,) = await say(proxy.url, TEXT, codec=codec)
    await landed(proxy)
    warm = await say(proxy.url, TEXT, TEXT, codec=codec)
    for heard in (cold, *warm):
        assert_sounds(sound, heard, codec=codec, whole=name.startswith("rest"))
    assert list(map(verdicts, await turns(facts, 3))) == [
        ["miss"] * 3,
        ["hit-memory"] * 3,
        ["hit-memory"] * 3,
    ]
    assert emulator.counters.flushes == 3


async def test_all_doors_share_their_recordings(proxy: Proxy, emulator: Emulator) -> None:
    heard = [(await say(proxy.url, TEXT, codec="linear16"))[0] for say in DOORS.values()]
    assert len(set(heard)) == 1
    assert emulator.counters.flushes == 3
    assert emulator.counters.rest_calls == emulator.counters.stream_calls == 0


@pytest.mark.parametrize("rate", [32000, 44100, 48000])
async def test_rest_has_the_rates_that_only_rest_has(
    proxy: Proxy, emulator: Emulator, rate: int
) -> None:
    direct = await rest(emulator.url, SENTENCES[0], codec="wav", speech_sample_rate=rate)
    heard = await rest(proxy.url, SENTENCES[0], codec="wav", speech_sample_rate=rate)
    assert heard == direct
    assert int.from_bytes(heard[0][24:28], "little") == rate


async def test_a_second_turn_may_be_sent_while_the_first_is_still_spoken(
    proxy: Proxy, original: Original
) -> None:
    async with (
        httpx.AsyncClient() as http,
        async_client(proxy.url, http).text_to_speech_streaming.connect(
            model="bulbul:v3", send_completion_event="true"
        ) as socket,
    ):
        await socket.configure(target_language_code="hi-IN", output_audio_codec="linear16", **VOICE)
        for sentence in SENTENCES:
            await socket.ping()
            await socket.convert(sentence)
            await socket.flush()
        for sentence in SENTENCES:
            assert (await hear(socket)).audio == await original(sentence, rate=RATE)


async def test_an_empty_flush_is_a_bare_final_and_the_next_turn_is_heard(
    proxy: Proxy, emulator: Emulator, original: Original
) -> None:
    async with (
        httpx.AsyncClient() as http,
        async_client(proxy.url, http).text_to_speech_streaming.connect(
            model="bulbul:v3", send_completion_event="true"
        ) as socket,
    ):
        await socket.configure(target_language_code="hi-IN", output_audio_codec="linear16", **VOICE)
        for _ in range(2):
            await socket.flush()
            assert (await hear(socket)).audio == b""
        assert emulator.counters.flushes == 0
        await socket.convert(SENTENCES[0])
        await socket.flush()
        assert (await hear(socket)).audio == await original(SENTENCES[0], rate=RATE)


async def test_a_client_that_leaves_in_mid_turn_is_no_matter_to_the_next(
    start_proxy: StartProxy, emulator: Emulator, original: Original
) -> None:
    # The turn can't be over when it leaves: its last sentence comes late.
    emulator.change_faults(f"slow:seconds=0.3:text={SENTENCES[2]}")
    async with start_proxy() as proxy, httpx.AsyncClient() as http:
        for _ in range(3):
            async with async_client(proxy.url, http).text_to_speech_streaming.connect(
                model="bulbul:v3", send_completion_event="true"
            ) as socket:
                await socket.configure(
                    target_language_code="hi-IN", output_audio_codec="linear16", **VOICE
                )
                await socket.convert(TEXT)
                await socket.flush()
                assert isinstance(await socket.recv(), AudioOutput)
        (heard,) = await websocket(proxy.url, TEXT, codec="linear16")
        assert heard == await original(*SENTENCES, rate=RATE)
        await landed(proxy)
    assert emulator.counters.flushes == 3


@pytest.mark.parametrize(("name", "say"), by_name(DOORS))
async def test_a_long_text_is_heard_whole(
    proxy: Proxy, emulator: Emulator, original: Original, name: str, say: Say
) -> None:
    long = [f"यह वाक्य संख्या {number} है, और इसके बाद भी बहुत कुछ कहना है।" for number in range(1, 26)]
    (heard,) = await say(proxy.url, " ".join(long), codec="linear16")
    assert heard == await original(*long, rate=RATE)
    assert emulator.counters.flushes == len(long)


# -- errors, typed ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "say"), by_name(HTTP))
async def test_over_http_a_wrong_key_is_a_forbidden_error(
    start_proxy: StartProxy, emulator: Emulator, tmp_path: Path, name: str, say: Say
) -> None:
    async with start_proxy(auth=proxy_mode(tmp_path, one={"tokens": [KEY]})) as proxy:
        with pytest.raises(ForbiddenError) as caught:
            await say(proxy.url, TEXT, codec="wav", key="wrong")
        assert caught.value.status_code == 403
        assert caught.value.body["error"]["code"] == "invalid_api_key_error"
        assert "wrong" not in str(caught.value.body)
        assert emulator.counters.flushes == 0
        assert await say(proxy.url, TEXT, codec="wav")


async def test_at_the_websocket_a_wrong_key_is_a_refused_handshake(
    start_proxy: StartProxy, tmp_path: Path
) -> None:
    async with start_proxy(auth=proxy_mode(tmp_path, one={"tokens": [KEY]})) as proxy:
        with pytest.raises(ApiError) as caught:
            await websocket(proxy.url, TEXT, codec="wav", key="wrong")
        assert caught.value.status_code == 403
        # The sync client lets the exception of its websocket library through.
        with pytest.raises(InvalidStatus) as raw:
            await asyncio.to_thread(websocket_sync, proxy.url, TEXT, codec="wav", key="wrong")
        assert raw.value.response.status_code == 403
        assert await websocket(proxy.url, TEXT, codec="wav")


@pytest.mark.parametrize(("name", "say"), by_name(HTTP))
async def test_over_http_the_origins_refusal_of_a_speaker_is_a_bad_request(
    proxy: Proxy, emulator: Emulator, name: str, say: Say
) -> None:
    refusals = []
    for _ in range(2):
        with pytest.raises(BadRequestError) as caught:
            await say(proxy.url, TEXT, codec="wav", speaker="nobody")
        error = caught.value.body["error"]
        assert error["code"] == "invalid_request_error"
        assert "nobody" in error["message"]
        assert caught.value.headers
        assert caught.value.headers["x-request-id"] == error["request_id"]
        refusals.append(emulator.counters.refusals)
    # It is the voice that was refused, so the second time the origin is not asked.
    assert refusals[0] == refusals[1] > 0
    assert emulator.counters.utterances == 0


@pytest.mark.parametrize(("name", "say"), by_name(HTTP))
@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"codec": "pcm"}, "linear16"),
        ({"pace": 9.0}, "0.5"),
        ({"language_code": 7}, "language_code"),
        ({"text": None}, "text"),
    ],
    ids=lambda value: str(value),
)
async def test_over_http_what_breaks_the_schema_is_an_unprocessable_entity_and_costs_nothing(
    proxy: Proxy,
    emulator: Emulator,
    name: str,
    say: Say,
    wrong: dict[str, Any],
    named: str,
) -> None:
    with pytest.raises(UnprocessableEntityError) as caught:
        await say(proxy.url, TEXT, **{"codec": "wav", **wrong})
    error = caught.value.body["error"]
    assert error["code"] == "unprocessable_entity_error"
    assert named in error["message"]
    assert emulator.counters.characters == 0


async def test_at_the_websocket_errors_are_typed_and_the_socket_stays_usable(
    proxy: Proxy, emulator: Emulator, original: Original
) -> None:
    plain = {"target_language_code": "hi-IN", "output_audio_codec": "linear16", **VOICE}
    async with (
        httpx.AsyncClient() as http,
        async_client(proxy.url, http).text_to_speech_streaming.connect(
            model="bulbul:v3", send_completion_event="true"
        ) as socket,
    ):
        await socket.configure(**{**plain, "min_buffer_size": 10})
        local = await socket.recv()
        assert isinstance(local, ErrorResponse)
        assert local.data.code == 422
        assert emulator.counters.characters == 0

        await socket.configure(**{**plain, "speaker": "nobody"})
        await socket.convert(TEXT)
        await socket.flush()
        answer = await hear(socket)
        (refused,) = answer.errors
        assert refused.data.message.startswith("400: ")
        assert "nobody" in refused.data.message
        assert answer.audio == b""

        await socket.configure(**plain)
        await socket.convert(TEXT)
        await socket.flush()
        assert (await hear(socket)).audio == await original(*SENTENCES, rate=RATE)


async def test_at_the_websocket_a_turn_that_breaks_off_is_an_error_never_a_short_one(
    proxy: Proxy, emulator: Emulator, original: Original
) -> None:
    sound = await original(SENTENCES[1], rate=RATE)
    emulator.change_faults("cut:after=1:count=1")
    async with (
        httpx.AsyncClient() as http,
        async_client(proxy.url, http).text_to_speech_streaming.connect(
            model="bulbul:v3", send_completion_event="true"
        ) as socket,
    ):
        await socket.configure(target_language_code="hi-IN", output_audio_codec="linear16", **VOICE)
        for broken in (True, False):
            await socket.convert(SENTENCES[1])
            await socket.flush()
            answer = await hear(socket)
            assert bool(answer.errors) == broken
            assert (answer.audio == sound) != broken
            assert sound.startswith(answer.audio)


@pytest.mark.parametrize("name", ["stream", "stream, sync"])
async def test_a_stream_that_breaks_off_is_a_broken_body_never_a_short_one(
    proxy: Proxy, emulator: Emulator, facts: list[Event], name: str
) -> None:
    emulator.change_faults("cut:after=1")
    with pytest.raises(httpx.RemoteProtocolError):
        await HTTP[name](proxy.url, SENTENCES[1], codec="linear16")
    (turn,) = await turns(facts, 1)
    assert turn.outcome == "error"
