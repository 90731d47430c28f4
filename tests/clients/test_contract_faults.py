"""What clients rely on when something breaks or is full, rule by rule (R8-R14); see test_contract.py.

====  ==============================================================================================
R8    tests/downstream/test_websocket.py: a process that must go closes with 1012, after the turn
R9    tests/downstream/test_encoding.py: 20 ms first, and no large piece, in every codec
R10   tests/test_config.py: settings that could let a client wait too long are refused
R13   tests/downstream/test_http.py, tests/clients/test_sarvamai.py: each refusal over HTTP, typed
R14   tests/upstream/: pings, late audio, sessions that the origin closed, what breaks an utterance
====  ==============================================================================================
"""

import json
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest

from edgeproxy.app import Proxy
from edgeproxy.config import Settings
from edgeproxy.core.events import Event
from edgeproxy.emulator.server import Emulator
from edgeproxy.origin import Patience

from ..conftest import KEY, StartProxy, landed, until
from ..fakes.origin import Origin, tone
from ..wire import Answer, Talk, talk
from .conftest import Original

HELLO = "नमस्ते, आप कैसे हैं?"
LONG = "यह बहुत लंबा वाक्य है जो बीच में कहीं टूट जाएगा और सुना नहीं जाएगा।"
MIDWAY = [
    "cut",
    "close:code=1000",
    "close:code=1001",
    "close:code=1003",
    "close:code=1011",
    "error:code=500",
    "garbage",
]
IMPATIENT: dict[str, dict[str, Any]] = {
    "origin": {
        "connect_timeout_s": 0.3,
        "first_audio_timeout_s": 0.2,
        "stall_timeout_s": 0.2,
    },
    "pool": {"lease_timeout_s": 0.3},
}


def assert_failed(answer: Answer, *codes: int) -> None:
    """An error, then the final, and nothing else after what was heard."""
    assert [message["type"] for message in answer.messages[-2:]] == ["error", "event"]
    (error,) = answer.errors
    assert isinstance(error["code"], int)
    assert error["code"] in codes if codes else error["code"] >= 500


async def recovered(one: Talk) -> Answer:
    """The first turn that is heard again, after some that may still be refused."""
    for _ in range(40):
        answer = await one.say(HELLO)
        if not answer.errors:
            return answer
    raise AssertionError("it never spoke again")


# -- R8: nothing that could be taken for the end of a turn -----------------------------------------


@pytest.mark.parametrize("fault", MIDWAY)
async def test_r8_what_breaks_before_the_first_byte_is_tried_again_and_nobody_hears_of_it(
    proxy: Proxy, emulator: Emulator, original: Original, fault: str
) -> None:
    emulator.change_faults(f"{fault}:after=0:count=1")
    async with talk(proxy.url) as one:
        answer = await one.say(LONG)
    assert not answer.errors
    assert answer.audio == await original(LONG, rate=8000)


@pytest.mark.parametrize("fault", MIDWAY)
async def test_r8_what_breaks_after_it_is_an_error_and_the_socket_stays_open(
    proxy: Proxy, emulator: Emulator, original: Original, fault: str
) -> None:
    sound = await original(LONG, rate=8000)
    emulator.change_faults(f"{fault}:after=1:count=1")
    async with talk(proxy.url) as one:
        broken = await one.say(LONG)
        assert_failed(broken)
        assert broken.audio
        assert sound.startswith(broken.audio)
        whole = await one.say(LONG)
    assert not whole.errors
    assert whole.audio == sound


# -- R9: no large message --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "codec", ["linear16", "wav", "mp3", "mulaw", "alaw", "flac", "aac", "opus"]
)
async def test_r9_the_longest_recording_comes_in_small_messages_from_everywhere(
    start_proxy: StartProxy, origin: Origin, codec: str
) -> None:
    async def sizes(proxy: Proxy) -> list[int]:
        async with talk(proxy.url, configured=False, max_msg_size=1 << 20) as one:
            await one.config(output_audio_codec=codec, speech_sample_rate=24000)
            answer = await one.say("audio 15000")
            assert not answer.errors
            return [len(json.dumps(message)) for message in answer.messages]

    # Its script has a number in it.
    rooms = {"origin": {"url": origin.url}, "cache": {"keep_personal": True}}
    async with start_proxy(**rooms) as proxy:
        live = await sizes(proxy)
        await landed(proxy)
        from_memory = await sizes(proxy)
    async with start_proxy(**rooms) as proxy:
        from_disk = await sizes(proxy)
    assert max(live + from_memory + from_disk) < 64_000
    assert len(origin.asked) == 1


# -- R10: no long silence --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault", ["refuse", "hang", "black_hole", "429", "403", "500", "503", "1003"]
)
async def test_r10_an_origin_that_lets_nobody_in_is_an_error_in_time(
    start_proxy: StartProxy, emulator: Emulator, fault: str
) -> None:
    emulator.change_faults(fault)
    async with start_proxy(**IMPATIENT) as proxy, talk(proxy.url) as one:
        for _ in range(2):
            # 403, too: it is the proxy's own key that the origin does not take, not the client's.
            assert_failed(await one.say(HELLO), *((429,) if fault == "429" else ()))
        if fault == "503":
            emulator.change_faults("")
            assert (await recovered(one)).audio


@pytest.mark.parametrize(
    "fault",
    [
        "stall:seconds=forever:after=0",
        "stall:seconds=forever:after=1",
        "missing_final",
    ],
)
async def test_r10_an_origin_that_falls_silent_is_an_error_in_time(
    start_proxy: StartProxy, emulator: Emulator, fault: str
) -> None:
    async with start_proxy(**IMPATIENT) as proxy, talk(proxy.url) as one:
        emulator.change_faults(fault)
        assert_failed(await one.say(LONG), 504)
        emulator.change_faults("")
        assert (await recovered(one)).audio


async def test_r10_no_free_session_is_an_error_in_time(
    start_proxy: StartProxy, origin: Origin
) -> None:
    rooms = {
        "origin": {"url": origin.url, "first_audio_timeout_s": 3},
        "pool": {"account_sessions": 1, "ready": 1, "reserve": 0, "lease_timeout_s": 0.2},
    }
    async with start_proxy(**rooms) as proxy, talk(proxy.url) as busy, talk(proxy.url) as one:
        await busy.text("wait then audio।")
        await until(lambda: origin.waiting == 1)
        assert_failed(await one.say("audio 100।"), 429, 503)
        origin.permit.set()


def test_r10_the_defaults_are_well_below_livekits_ten_seconds() -> None:
    settings = Settings()
    waits = settings.pool.lease_timeout_s + 2 * settings.origin.first_audio_timeout_s
    assert waits <= Patience().answer_s < 9


# -- R11: refused only for its key -----------------------------------------------------------------


@pytest.mark.parametrize(
    "query",
    [
        "",
        "model=",
        "model=bulbul:v9",
        "model=bulbul:v2",
        "send_completion_event=maybe",
        "model=bulbul:v3&model=bulbul:v2&speaker=nobody",
        "model=%ff%00",
    ],
)
async def test_r11_whatever_the_url_says_the_handshake_is_granted(proxy: Proxy, query: str) -> None:
    async with talk(proxy.url, query=query) as one:
        await one.text(HELLO)
        await one.flush()
        assert (await one.hear())["type"] in ("audio", "error")
        # And it stays open.
        await one.send("?")
        while (heard := await one.hear())["type"] != "error" or "JSON" not in str(heard):
            pass


@pytest.mark.parametrize("fault", ["429", "503", "1003"])
async def test_r11_an_overloaded_origin_is_an_error_to_a_text_and_never_a_close(
    start_proxy: StartProxy, emulator: Emulator, fault: str
) -> None:
    async with start_proxy() as proxy, talk(proxy.url) as one:
        known = await one.say(HELLO)
        await landed(proxy)
    emulator.change_faults(fault)
    # Three sockets in a row that live for less than 5 s would end a Pipecat service for good.
    async with start_proxy(**IMPATIENT) as proxy, AsyncExitStack() as stack:
        for number in range(3):
            one = await stack.enter_async_context(talk(proxy.url))
            assert_failed(await one.say(f"और कुछ, {number}।"), 429, 503)
            # What is known is heard all the same.
            assert (await one.say(HELLO)).audio == known.audio


# -- R12: sound for whatever is not blank, at the rate asked for -----------------------------------


@pytest.mark.parametrize(
    "text", ["?", ".", "…", "!!!", "।", "—", "-", "🙂", "3", "A", "क", "\u200d", "« »", "(", "Hm"]
)
async def test_r12_a_text_that_is_not_blank_has_sound_be_it_a_pause(
    proxy: Proxy, text: str
) -> None:
    async with talk(proxy.url) as one:
        for _ in range(2):
            answer = await one.say(text)
            assert not answer.errors
            assert answer.audio


@pytest.mark.parametrize("codec", ["linear16", "mulaw"])
@pytest.mark.parametrize("rate", [8000, 16000, 22050, 24000])
async def test_r12_the_rate_is_exactly_the_one_asked_for_cold_and_known(
    proxy: Proxy, original: Original, rate: int, codec: str
) -> None:
    sound = await original(HELLO, rate=rate)
    async with talk(proxy.url) as one:
        await one.config(speech_sample_rate=str(rate), output_audio_codec=codec)
        for _ in range(2):
            heard = (await one.say(HELLO)).audio
            assert len(heard) * (2 if codec == "mulaw" else 1) == len(sound)


# -- R13: errors over HTTP -------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["", "/stream"])
@pytest.mark.parametrize(
    ("fault", "status", "code", "wait"),
    [
        ("429", 429, "rate_limit_exceeded_error", True),
        ("503", 503, "rate_limit_exceeded_error", True),
        ("error:code=500:after=0", 500, "internal_server_error", False),
    ],
)
async def test_r13_the_origins_trouble_has_its_status_and_what_sdks_look_at(
    start_proxy: StartProxy,
    emulator: Emulator,
    path: str,
    fault: str,
    status: int,
    code: str,
    wait: bool,
) -> None:
    emulator.change_faults(fault)
    async with (
        start_proxy(**IMPATIENT) as proxy,
        aiohttp.ClientSession() as session,
        session.post(
            f"{proxy.url}/text-to-speech{path}",
            json={"text": HELLO, "language_code": "hi-IN", "model": "bulbul:v3"},
            headers={"api-subscription-key": KEY},
        ) as response,
    ):
        error = (await response.json())["error"]
        assert response.status == status
        assert set(error) == {"message", "code", "request_id"}
        assert error["code"] == code
        assert error["message"]
        assert response.headers["x-request-id"] == error["request_id"]
        assert ("Retry-After" in response.headers) == wait


async def test_r13_the_origins_refusal_comes_through_with_a_hint_behind_its_words(
    proxy: Proxy, emulator: Emulator
) -> None:
    async def ask(url: str) -> tuple[int, dict[str, Any]]:
        async with (
            aiohttp.ClientSession() as session,
            session.post(
                f"{url}/text-to-speech",
                json={"text": HELLO, "language_code": "hi-IN", "speaker": "nobody"},
                headers={"api-subscription-key": KEY},
            ) as response,
        ):
            error = (await response.json())["error"]
            assert response.headers["x-request-id"] == error.pop("request_id")
            return response.status, error

    (status, error), (origins_status, origins) = await ask(proxy.url), await ask(emulator.url)
    assert status == origins_status == 400
    assert error["message"].startswith(origins["message"])
    assert {**error, "message": ""} == {**origins, "message": ""}


# -- R14: towards the origin -----------------------------------------------------------------------


async def test_r14_finals_are_asked_for_though_the_client_does_not(
    proxy: Proxy, emulator: Emulator
) -> None:
    async with talk(proxy.url, query="model=bulbul:v3") as one:
        for number in range(3):
            await one.text(f"वाक्य {number}।")
            await one.flush()
            await until(lambda number=number: emulator.counters.finals == number + 1)  # type: ignore[misc]
    await landed(proxy)
    assert emulator.counters.flushes == 3
    assert Settings().pool.ping_every_s < 60


async def test_r14_turns_that_overlap_are_never_mixed(
    start_proxy: StartProxy, origin: Origin
) -> None:
    async with start_proxy(origin={"url": origin.url}) as proxy, AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(talk(proxy.url)) for _ in range(10)]
        for ms, one in enumerate(clients, 1):
            await one.text(f"audio {ms}0 then audio {ms}0।")
            await one.flush()
        for ms, one in enumerate(clients, 1):
            assert (await one.answer()).audio == tone(ms * 10, 8000) * 2


async def test_r14_a_session_that_the_origin_closed_with_408_is_dialled_anew_unheard(
    start_proxy: StartProxy, facts: list[Event]
) -> None:
    async with Emulator(idle_s=0.1) as sleepy:
        rooms = {"origin": {"url": sleepy.url}, "pool": {"ping_every_s": 10}}
        async with start_proxy(**rooms) as proxy, talk(proxy.url) as one:
            for number in range(3):
                facts.clear()
                answer = await one.say(f"वाक्य {number}।")
                assert not answer.errors
                assert answer.audio
                await until(lambda: any("too long" in repr(fact) for fact in facts))
