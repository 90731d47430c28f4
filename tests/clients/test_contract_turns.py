"""What clients rely on, rule by rule (R5-R7): finals, configs, and being listened to; see test_contract.py.

====  ==============================================================================================
R5    tests/downstream/test_door.py: finals in order whatever becomes of their turns
R6    tests/sarvam/test_fields.py: every field's types and bounds
R7    tests/downstream/test_websocket.py: an accept costs nothing upstream
====  ==============================================================================================
"""

import asyncio
import json
from typing import Any

import aiohttp
import pytest

from edgeproxy.app import Proxy
from edgeproxy.audio import wav
from edgeproxy.core.events import Event
from edgeproxy.emulator.server import Emulator

from ..conftest import KEY, StartProxy, landed, turns, until
from ..fakes.origin import Origin, tone
from ..wire import CONFIG, talk
from .captured import (
    BOLNA,
    EVERY,
    LIVEKIT,
    LIVEKIT_JS,
    LIVEKIT_V4,
    OLD_SDK,
    PIPECAT,
    SDK,
    SDK_JS,
    Captured,
    assert_sounds,
    of,
    speech,
)
from .conftest import Original

HELLO = "नमस्ते, आप कैसे हैं?"
AGAIN = "आपका अपॉइंटमेंट कल सुबह दस बजे है।"


# -- R5: one final for each flush ------------------------------------------------------------------


@of(*EVERY)
async def test_r5_turns_sent_ahead_have_one_final_each_after_all_their_audio(
    proxy: Proxy, original: Original, client: Captured
) -> None:
    turns: tuple[str, ...] = (HELLO, "", AGAIN, HELLO, "", "")
    if client is LIVEKIT_V4:
        turns = tuple("Good morning!" if text else "" for text in turns)
    async with client.talk(proxy.url) as one:
        await one.send(client.config)
        for text in turns:
            if text:
                await one.send(client.text(text))
            await one.send(client.flush)
        for text in turns:
            answer = await one.answer()
            assert not answer.errors
            if text:
                assert_sounds(await speech(original, text, client), answer, client)
            else:
                assert answer.audio == b""
        # And nothing else: what comes next is the answer to this.
        await one.send(client.flush)
        assert (await one.hear())["type"] == "event"


async def test_r5_livekits_extra_flush_after_each_final_is_answered_at_once(proxy: Proxy) -> None:
    for _ in range(3):
        async with LIVEKIT_JS.talk(proxy.url) as one:
            await one.send(LIVEKIT_JS.config)
            await one.send(LIVEKIT_JS.text(HELLO))
            await one.send(LIVEKIT_JS.flush)
            assert (await one.answer()).audio
            await one.send(LIVEKIT_JS.flush)
            assert (await one.hear())["type"] == "event"


async def test_r5_an_interrupted_turns_extra_flush_waits_for_its_place(
    start_proxy: StartProxy, origin: Origin
) -> None:
    # LiveKit's plugin for JavaScript interrupts by a second flush, and waits for any message.
    async with start_proxy(origin={"url": origin.url}) as proxy, LIVEKIT_JS.talk(proxy.url) as one:
        await one.send(LIVEKIT_JS.config)
        await one.send(LIVEKIT_JS.text("audio 100 then wait then audio 100"))
        await one.send(LIVEKIT_JS.flush)
        assert (await one.hear())["type"] == "audio"
        await one.send(LIVEKIT_JS.flush)
        await until(lambda: origin.waiting == 1)
        origin.permit.set()
        assert (await one.answer()).audio
        assert (await one.hear())["type"] == "event"


async def test_r5_no_audio_follows_a_final_though_the_origin_sends_some(
    proxy: Proxy, emulator: Emulator
) -> None:
    emulator.change_faults("late_audio")
    async with PIPECAT.talk(proxy.url) as one:
        await one.send(PIPECAT.config)
        for text in (HELLO, AGAIN):
            await one.send(PIPECAT.text(text))
            await one.send(PIPECAT.flush)
            await one.answer()
            await one.send(PIPECAT.flush)
            assert (await one.hear())["type"] == "event"


async def test_r5_a_config_before_a_turn_has_no_final_that_would_end_it(
    proxy: Proxy, original: Original
) -> None:
    async with LIVEKIT.talk(proxy.url) as one:
        for text in (HELLO, AGAIN, HELLO):
            await one.send(LIVEKIT.config)
            await one.send(LIVEKIT.text(text))
            await one.send(LIVEKIT.flush)
            assert_sounds(await speech(original, text, LIVEKIT), await one.answer(), LIVEKIT)


# -- R6: any config, at any time -------------------------------------------------------------------


async def test_r6_all_clients_share_the_recordings_of_a_rate(
    proxy: Proxy, emulator: Emulator
) -> None:
    for client in (LIVEKIT, LIVEKIT_JS, SDK, OLD_SDK, SDK_JS, PIPECAT, BOLNA):
        async with client.talk(proxy.url) as one:
            await one.send(client.config)
            await one.send(client.text(HELLO))
            await one.send(client.flush)
            assert (await one.answer()).audio
        await landed(proxy)
    # All clients here have one key. 22,050 Hz, and 24,000 of LiveKit JS and Pipecat:
    assert emulator.counters.flushes == 2


@pytest.mark.parametrize(
    "name",
    [
        "model",
        "pace",
        "pitch",
        "loudness",
        "temperature",
        "enable_preprocessing",
        "output_audio_bitrate",
        "min_buffer_size",
        "max_chunk_length",
        "dict_id",
        "enable_cached_responses",
    ],
)
async def test_r6_null_is_as_if_it_had_not_been_said(
    proxy: Proxy, emulator: Emulator, name: str
) -> None:
    async with talk(proxy.url) as one:
        without = await one.say(HELLO)
        await landed(proxy)
        await one.config(**{name: None})
        again = await one.say(HELLO)
    assert not again.errors
    assert again.audio == without.audio
    assert emulator.counters.flushes == 1


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 24000])
async def test_r6_a_rate_is_a_number_or_a_string(
    proxy: Proxy, emulator: Emulator, original: Original, rate: int
) -> None:
    sound = await original(HELLO, rate=rate)
    async with talk(proxy.url) as one:
        for written in (rate, str(rate)):
            await one.config(speech_sample_rate=written)
            assert (await one.say(HELLO)).audio == sound
            await landed(proxy)
    assert emulator.counters.flushes == 1


@pytest.mark.parametrize(
    "neutral",
    [
        {"pitch": 0},
        {"pitch": 0.0, "loudness": 1.0},
        {"loudness": 1},
        {"enable_preprocessing": False},
        {"enable_preprocessing": True},
        {"temperature": 0.6, "pace": 1},
    ],
    ids=str,
)
async def test_r6_what_is_neutral_on_v3_changes_nothing(
    proxy: Proxy, emulator: Emulator, neutral: dict[str, Any]
) -> None:
    async with talk(proxy.url) as one:
        without = await one.say(HELLO)
        await landed(proxy)
        await one.config(**neutral)
        assert (await one.say(HELLO)).audio == without.audio
    assert emulator.counters.flushes == 1


async def test_r6_the_new_name_and_the_old_may_come_together_or_either_as_null(
    proxy: Proxy, emulator: Emulator
) -> None:
    data = {name: value for name, value in CONFIG.items() if name != "target_language_code"}
    async with talk(proxy.url, configured=False) as one:
        for names in (
            {"language_code": "hi-IN"},
            {"target_language_code": "hi-IN"},
            {"language_code": "hi-IN", "target_language_code": "hi-IN"},
            {"language_code": "hi-IN", "target_language_code": None},
            {"language_code": None, "target_language_code": "hi-IN"},
        ):
            await one.send({"type": "config", "data": {**data, **names}})
            answer = await one.say(HELLO)
            assert not answer.errors
            assert answer.audio
            await landed(proxy)
    assert emulator.counters.flushes == 1


# -- R7: it listens while it speaks ----------------------------------------------------------------


@of(LIVEKIT, LIVEKIT_JS, PIPECAT, BOLNA)
async def test_r7_a_ping_is_answered_while_a_turn_streams(
    start_proxy: StartProxy, origin: Origin, client: Captured
) -> None:
    async with (
        start_proxy(origin={"url": origin.url}) as proxy,
        aiohttp.ClientSession() as session,
        session.ws_connect(
            f"{proxy.url}{client.path}?{client.query}",
            headers={"api-subscription-key": KEY},
            autoping=False,
        ) as socket,
    ):
        await socket.send_str(client.config)
        await socket.send_str(client.text("audio 300 then wait then audio 300"))
        await socket.send_str(client.flush)
        assert (await socket.receive()).type is aiohttp.WSMsgType.TEXT
        await until(lambda: origin.waiting == 1)
        await socket.ping(b"are you there?")
        async with asyncio.timeout(10):
            while (message := await socket.receive()).type is aiohttp.WSMsgType.TEXT:
                pass
        assert message.type is aiohttp.WSMsgType.PONG
        assert message.data == b"are you there?"
        assert origin.waiting == 1
        origin.permit.set()
        while json.loads((await socket.receive()).data)["type"] == "audio":
            pass


@of(LIVEKIT, LIVEKIT_JS, PIPECAT, BOLNA)
async def test_r7_a_close_is_answered_at_once_in_mid_utterance_and_the_turn_is_left(
    start_proxy: StartProxy, origin: Origin, facts: list[Event], client: Captured
) -> None:
    async with start_proxy(origin={"url": origin.url}) as proxy, client.talk(proxy.url) as one:
        await one.send(client.config)
        await one.send(client.text("audio 300 then wait then audio 300"))
        await one.send(client.flush)
        assert (await one.hear())["type"] == "audio"
        await until(lambda: origin.waiting == 1)
        await one.socket.close()
        # The peer's answer; without one it would be 1006, after ten seconds.
        assert one.socket.close_code == 1000
        assert origin.waiting == 1
        (turn,) = await turns(facts, 1)
        assert turn.outcome == "left"
        origin.permit.set()
        await landed(proxy)


async def test_r7_the_next_turn_is_heard_while_the_first_is_still_spoken(
    start_proxy: StartProxy, origin: Origin
) -> None:
    async with start_proxy(origin={"url": origin.url}) as proxy, BOLNA.talk(proxy.url) as one:
        await one.send(BOLNA.config)
        await one.send(BOLNA.text("audio 100 then wait then audio 100।"))
        await one.send(BOLNA.flush)
        await until(lambda: origin.waiting == 1)
        for text in ("audio 200।", "audio 300।"):
            await one.send(BOLNA.text(text))
            await one.send(BOLNA.flush)
        # They are already spoken, and wait for their turn.
        await until(lambda: len(origin.asked) == 3)
        origin.permit.set()
        header = wav.header(rate=22050, size=None)
        for ms in ((100, 100), (200,), (300,)):
            heard = (await one.answer()).audio
            assert heard == header + b"".join(tone(each, 22050) for each in ms)


@of(LIVEKIT, LIVEKIT_JS, PIPECAT)
async def test_r7_a_storm_of_barge_ins_costs_the_origin_no_handshake(
    proxy: Proxy, emulator: Emulator, client: Captured
) -> None:
    async def interrupt() -> None:
        async with client.talk(proxy.url) as one:
            await one.send(client.config)
            await one.send(client.text(f"{HELLO} {AGAIN}"))
            if client is not LIVEKIT:
                await one.send(client.flush)
            assert (await one.hear())["type"] == "audio"

    await interrupt()
    await landed(proxy)
    await until(lambda: all(pool.idle >= 2 for pool in proxy.pools))
    before = emulator.counters.connections
    for _ in range(20):
        await interrupt()
    await asyncio.gather(*(interrupt() for _ in range(30)))
    assert emulator.counters.connections == before
    assert emulator.counters.flushes == 2
