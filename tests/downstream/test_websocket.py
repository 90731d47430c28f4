"""Sarvam's WebSocket as clients need it (R1-R14), over real sockets, before the emulator."""

import asyncio
import json
import os
from base64 import b64decode
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from edgeproxy.app import Proxy
from edgeproxy.core.events import Event, LimitMet, TurnEnded
from edgeproxy.downstream import closing, websocket
from edgeproxy.emulator.server import Emulator

from ..conftest import StartProxy, landed, until
from ..fakes.origin import Origin, tone
from ..wire import CONFIG, talk
from .conftest import talk_slowly

HELLO = "नमस्ते, आप कैसे हैं?"
THREE = "पहला वाक्य यह है। दूसरा वाक्य यह है। तीसरा वाक्य यह है।"


def outcomes(facts: list[Event]) -> list[str]:
    """What became of the turns that were told of."""
    return [fact.outcome for fact in facts if isinstance(fact, TurnEnded)]


async def test_a_turn_is_heard_and_the_second_time_it_is_a_hit(
    proxy: Proxy, emulator: Emulator
) -> None:
    async with talk(proxy.url) as client:
        first = await client.say(HELLO)
        await landed(proxy)
        second = await client.say(HELLO)
    assert first.verdicts == ["miss"]
    assert second.verdicts == ["hit-memory"]
    assert len(first.audio) > 8000
    assert second.audio == first.audio
    assert emulator.counters.flushes == 1


async def test_after_a_restart_it_is_a_hit_from_disk(
    start_proxy: StartProxy, emulator: Emulator
) -> None:
    async with start_proxy() as proxy, talk(proxy.url) as client:
        first = await client.say(HELLO)
    async with start_proxy() as proxy, talk(proxy.url) as client:
        again = await client.say(HELLO)
    assert again.verdicts == ["hit-disk"]
    assert again.audio == first.audio
    assert emulator.counters.flushes == 1


async def test_a_turn_of_sentences_is_its_segments_in_order(
    proxy: Proxy, emulator: Emulator
) -> None:
    async with talk(proxy.url) as client:
        whole = await client.say(THREE)
        await landed(proxy)
        parts = [await client.say(part.strip() + "।") for part in THREE.rstrip("।").split("।")]
    assert whole.verdicts == ["miss"] * 3
    assert [part.verdicts for part in parts] == [["hit-memory"]] * 3
    assert whole.audio == b"".join(part.audio for part in parts)
    assert emulator.counters.flushes == 3


async def test_what_the_origin_says_is_what_the_client_hears(
    proxy: Proxy, emulator: Emulator
) -> None:
    async with talk(proxy.url) as through, talk(emulator.url) as direct:
        assert (await through.say(HELLO)).audio == (await direct.say(HELLO)).audio


@pytest.mark.parametrize("path", ["/text-to-speech/ws", "/text-to-speech/ws/v2"])
async def test_r4_both_paths_serve_the_same(proxy: Proxy, path: str) -> None:
    async with talk(proxy.url, path=path) as client:
        assert (await client.say(HELLO)).audio


async def test_r4_the_model_of_the_query_wins(proxy: Proxy, emulator: Emulator) -> None:
    async with talk(proxy.url, query="model=bulbul:v3&send_completion_event=True") as client:
        await client.config(model="bulbul:v2")
        assert not (await client.say(HELLO)).errors


async def test_r2_a_ping_is_never_answered(proxy: Proxy) -> None:
    async with talk(proxy.url) as client:
        await client.send({"type": "ping"})
        answer = await client.say(HELLO)
    assert {message["type"] for message in answer.messages} == {"audio", "event"}


@pytest.mark.parametrize("flag", ["", "&send_completion_event=false"])
async def test_r5_no_final_comes_unasked(proxy: Proxy, facts: list[Event], flag: str) -> None:
    async with talk(proxy.url, query="model=bulbul:v3" + flag) as client:
        for _ in range(2):
            await client.text(HELLO)
            await client.flush()
        await until(lambda: sum(isinstance(fact, TurnEnded) for fact in facts) == 2)
        await client.socket.close()
        types = [json.loads(message.data)["type"] async for message in client.socket]
    assert set(types) <= {"audio"}


async def test_r5_an_empty_flush_has_its_final_in_its_place(proxy: Proxy) -> None:
    async with talk(proxy.url) as client:
        await client.flush()
        assert (await client.answer()).audio == b""
        await client.text(THREE)
        await client.flush()
        await client.flush()
        assert (await client.answer()).audio
        assert (await client.answer()).messages[0]["type"] == "event"


@pytest.mark.parametrize("blank", ["", "   ", "\n\t"])
async def test_r5_a_blank_turn_has_its_final(proxy: Proxy, emulator: Emulator, blank: str) -> None:
    async with talk(proxy.url) as client:
        answer = await client.say(blank)
    assert [message["type"] for message in answer.messages] == ["event"]
    assert emulator.counters.flushes == 0


async def test_r7_the_next_turn_is_taken_in_while_the_current_one_streams(
    proxy: Proxy,
) -> None:
    async with talk(proxy.url) as client:
        for text in (THREE, HELLO, THREE):
            await client.text(text)
            await client.flush()
        answers = [await client.answer() for _ in range(3)]
        alone = await client.say(HELLO)
    assert answers[0].audio == answers[2].audio
    assert answers[1].audio == alone.audio


async def test_r6_equal_configs_in_other_words_share_a_recording(
    proxy: Proxy, emulator: Emulator
) -> None:
    async with talk(proxy.url) as client:
        first = await client.say(HELLO)
        await landed(proxy)
        await client.send(
            {
                "type": "config",
                "data": {
                    "language_code": "hi-IN",
                    "speaker": "shubh",
                    "speech_sample_rate": "8000",
                    "output_audio_codec": "linear16",
                    "pitch": 0.0,
                    "loudness": 1.0,
                    "pace": 1,
                    "temperature": 0.6,
                    "enable_preprocessing": True,
                    "dict_id": None,
                    "min_buffer_size": 50,
                },
            }
        )
        second = await client.say(HELLO)
    assert second.verdicts == ["hit-memory"]
    assert second.audio == first.audio


async def test_r6_a_config_between_texts_speaks_what_was_buffered_first_in_the_old_voice(
    proxy: Proxy,
) -> None:
    async with talk(proxy.url) as client:
        await client.text("पुरानी आवाज़ में")
        await client.config(speaker="priya")
        mixed = await client.say("नई आवाज़ में")
        new = await client.say("नई आवाज़ में")
        await client.config()
        await landed(proxy)
        old = await client.say("पुरानी आवाज़ में")
    assert mixed.audio == old.audio + new.audio
    assert old.verdicts == ["hit-memory"]


async def test_a_repeated_config_changes_nothing(proxy: Proxy, emulator: Emulator) -> None:
    async with talk(proxy.url) as client:
        for number in range(3):
            await client.config()
            assert (await client.say(f"वाक्य {number}।")).audio
    assert emulator.counters.configs <= emulator.counters.handshakes


async def test_a_client_that_never_flushes_is_heard_all_the_same(
    start_proxy: StartProxy,
) -> None:
    async with start_proxy(turn={"idle_text_ms": 50}) as proxy, talk(proxy.url) as client:
        await client.config(min_buffer_size=30)
        await client.text("यह ग्राहक कभी फ्लश नहीं करता और फिर भी उसे सुना जाना चाहिए")
        assert (await client.hear())["type"] == "audio"


@pytest.mark.parametrize(
    ("message", "named"),
    [
        ({"type": "convert", "data": {"text": "hi"}}, "type"),
        ({"type": "config", "data": {**CONFIG, "min_buffer_size": 10}}, "30 to 200"),
        ({"type": "config", "data": {**CONFIG, "output_audio_codec": "pcm"}}, "linear16"),
        ({"type": "config", "data": {"speaker": "shubh"}}, "language_code"),
        ({"type": "config", "data": {**CONFIG, "pace": 9}}, "0.5"),
        ("not json", "JSON"),
        ('{"type":"text","data":{"text":"\\ud800"}}', "surrogate"),
    ],
)
async def test_a_message_that_breaks_the_schema_is_answered_at_once_and_the_socket_lives(
    proxy: Proxy, emulator: Emulator, message: dict[str, Any] | str, named: str
) -> None:
    async with talk(proxy.url) as client:
        await client.send(message)
        error = await client.hear()
        assert error["type"] == "error"
        assert error["data"]["code"] == 422
        assert error["data"]["message"].startswith("Input parameters has to be a valid dictionary")
        assert named in error["data"]["message"]
        assert emulator.counters.flushes == 0
        await client.config()
        assert (await client.say(HELLO)).audio


async def test_a_wrong_rate_has_sarvams_400(proxy: Proxy) -> None:
    async with talk(proxy.url, configured=False) as client:
        await client.config(speech_sample_rate=11025)
        error = (await client.hear())["data"]
    assert error["code"] == 400
    assert error["message"].startswith(
        "Speech sample rate can only be 8000, 16000, 22050, 24000 Hz"
    )


async def test_text_before_any_config_is_told_so_once_a_turn_and_earns_its_final(
    proxy: Proxy, emulator: Emulator
) -> None:
    async with talk(proxy.url, configured=False) as client:
        for _ in range(2):
            await client.text("एक।")
            await client.text("दो।")
            await client.flush()
            answer = await client.answer()
            assert [message["type"] for message in answer.messages] == ["error", "event"]
            assert answer.errors[0]["code"] == 422
            assert "config" in answer.errors[0]["message"]
    assert emulator.counters.flushes == 0


async def test_a_refused_config_leaves_no_voice(proxy: Proxy, emulator: Emulator) -> None:
    async with talk(proxy.url) as client:
        await client.config(min_buffer_size=1)
        assert (await client.hear())["type"] == "error"
        answer = await client.say(HELLO)
    assert answer.audio == b""
    assert answer.errors[0]["code"] == 422
    assert emulator.counters.flushes == 0


async def test_the_origins_refusal_comes_back_as_it_was_and_is_remembered(
    proxy: Proxy, emulator: Emulator
) -> None:
    async with talk(proxy.url) as client:
        await client.config(speaker="nobody")
        first = await client.say(HELLO)
        spent = emulator.counters.refusals
        second = await client.say("कुछ और।")
        await client.config()
        third = await client.say(HELLO)
    assert [message["type"] for message in first.messages] == ["error", "event"]
    assert "nobody" in first.errors[0]["message"]
    assert second.errors[0]["message"] == first.errors[0]["message"]
    assert emulator.counters.refusals == spent
    assert third.audio


async def test_a_turn_that_breaks_after_its_first_byte_says_error_then_final_and_lives(
    proxy: Proxy, emulator: Emulator
) -> None:
    emulator.change_faults("cut:count=1:after=1")
    async with talk(proxy.url) as client:
        broken = await client.say("यह बहुत लंबा वाक्य है जो बीच में कहीं टूट जाएगा और सुना नहीं जाएगा।")
        whole = await client.say("यह बहुत लंबा वाक्य है जो बीच में कहीं टूट जाएगा और सुना नहीं जाएगा।")
    types = [message["type"] for message in broken.messages]
    assert types[-2:] == ["error", "event"]
    assert broken.errors[0]["code"] >= 500
    assert whole.verdicts == ["miss"]
    assert whole.audio.startswith(broken.audio)
    assert len(whole.audio) > len(broken.audio)


async def test_a_later_segment_that_breaks_is_filled_again_and_nobody_hears_it(
    proxy: Proxy, emulator: Emulator
) -> None:
    emulator.change_faults("cut:count=1:text=तीसरा")
    async with talk(proxy.url) as client:
        healed = await client.say(THREE)
        again = await client.say(THREE)
    assert not healed.errors
    assert healed.audio == again.audio
    assert emulator.counters.spoken("तीसरा वाक्य यह है।") == 2


async def test_r8_an_origin_that_closes_with_1000_is_not_taken_for_an_end(
    proxy: Proxy, emulator: Emulator
) -> None:
    emulator.change_faults("close:code=1000:after=0:count=2")
    async with talk(proxy.url) as client:
        answer = await client.say(HELLO)
    assert [message["type"] for message in answer.messages] == ["error", "event"]


async def test_a_barge_in_is_a_close_and_what_was_paid_for_is_kept(
    proxy: Proxy, emulator: Emulator
) -> None:
    async with talk(proxy.url) as client:
        await client.text(THREE)
        await client.hear()
    await landed(proxy)
    async with talk(proxy.url) as client:
        answer = await client.say(THREE)
    assert answer.verdicts[0] == "hit-memory"
    assert emulator.counters.spoken("पहला वाक्य यह है।") == 1


async def test_an_accept_costs_nothing_upstream(proxy: Proxy, emulator: Emulator) -> None:
    async with talk(proxy.url) as client:
        await client.say(HELLO)
    await until(lambda: all(pool.idle >= 2 for pool in proxy.pools))
    before = emulator.counters.connections
    for _ in range(20):
        async with talk(proxy.url):
            pass
    assert emulator.counters.connections == before


async def test_a_hundred_identical_misses_at_once_are_one_synthesis(
    proxy: Proxy, emulator: Emulator
) -> None:
    async def one() -> bytes:
        async with talk(proxy.url) as client:
            return (await client.say(HELLO)).audio

    heard = await asyncio.gather(*(one() for _ in range(100)))
    assert len(set(heard)) == 1
    assert emulator.counters.flushes == 1


async def test_two_keys_never_share_a_recording(proxy: Proxy, emulator: Emulator) -> None:
    for key in ("one", "two"):
        async with talk(proxy.url, key=key) as client:
            assert (await client.say(HELLO)).verdicts == ["miss"]
    assert emulator.counters.flushes == 2


async def test_r3_the_offered_subprotocol_is_echoed_and_is_a_credential(proxy: Proxy) -> None:
    name = "api-subscription-key.some-key"
    async with talk(proxy.url, key=None, protocols=(name,)) as client:
        assert client.socket.protocol == name
        assert (await client.say(HELLO)).audio


async def test_r3_none_is_sent_when_none_was_offered(proxy: Proxy) -> None:
    async with talk(proxy.url) as client:
        assert client.socket.protocol is None


async def test_permessage_deflate_is_declined(proxy: Proxy) -> None:
    async with talk(proxy.url, compress=15) as client:
        assert client.socket.compress == 0
        assert (await client.say(HELLO)).audio


async def test_a_missing_key_is_refused_at_the_handshake(proxy: Proxy) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        async with talk(proxy.url, key=None):
            pass
    assert caught.value.status == 403


async def test_an_oversized_message_closes_this_socket_only(
    proxy: Proxy, facts: list[Event]
) -> None:
    async with talk(proxy.url) as client, talk(proxy.url) as other:
        await client.send("x" * 600_000)
        assert await client.closed() == aiohttp.WSCloseCode.MESSAGE_TOO_BIG
        assert (await other.say(HELLO)).audio
    assert LimitMet("message_bytes", "127.0.0.1") in facts


async def test_a_binary_message_is_refused_by_name(proxy: Proxy) -> None:
    async with talk(proxy.url) as client:
        await client.socket.send_bytes(b"\xff\x00")
        assert "binary" in (await client.hear())["data"]["message"].lower()


async def test_r9_no_message_comes_near_a_mebibyte(proxy: Proxy) -> None:
    async with talk(proxy.url) as client:
        await client.config(speech_sample_rate=24000)
        for _ in range(2):
            answer = await client.say("यह एक काफ़ी लंबा वाक्य है, ताकि आवाज़ कई सेकंड तक चले।")
            sizes = [len(json.dumps(message)) for message in answer.messages]
            assert max(sizes) < 40_000
            assert len(answer.pieces[0]) == 24000 // 50 * 2, "20 ms first"


async def test_the_process_going_closes_with_1012_after_the_turn(
    start_proxy: StartProxy,
) -> None:
    async with start_proxy() as proxy:
        context = talk(proxy.url)
        client = await context.__aenter__()
        await client.text(HELLO)
        await client.flush()
        first = await client.hear()
    assert first["type"] == "audio"
    assert await client.closed() == 1012
    await context.__aexit__(None, None, None)


async def test_a_client_that_leaves_during_the_drain_is_not_waited_for(
    start_proxy: StartProxy, emulator: Emulator
) -> None:
    emulator.change_faults("stall:seconds=forever:after=1")
    async with start_proxy(server={"drain_s": 60}) as proxy, talk(proxy.url) as client:
        await client.text("यह वाक्य कभी ख़त्म नहीं होगा।")
        await client.hear()
        async with asyncio.TaskGroup() as tasks:
            draining = tasks.create_task(proxy.doors.drain())
            await asyncio.sleep(0)
            await client.socket.close()
            async with asyncio.timeout(10):
                await draining


async def test_a_message_over_the_limit_is_refused_in_sarvams_shape_and_the_socket_lives(
    start_proxy: StartProxy, emulator: Emulator, facts: list[Event]
) -> None:
    async with start_proxy(server={"message_bytes": 2000}) as proxy, talk(proxy.url) as client:
        await client.text("क" * 1000)
        answer = await client.hear()
        assert answer["type"] == "error"
        assert answer["data"]["code"] == 413
        assert "2,000" in answer["data"]["message"] or "2000" in answer["data"]["message"]
        assert emulator.counters.flushes == 0
        assert (await client.say(HELLO)).audio
    assert LimitMet("message_bytes", "127.0.0.1") in facts


@pytest.mark.parametrize("levels", [33, 2000, 30_000])
async def test_what_nests_too_deeply_is_refused_and_the_socket_lives(
    proxy: Proxy, levels: int
) -> None:
    async with talk(proxy.url) as client:
        deep = "[" * levels + "]" * levels
        await client.send(f'{{"type":"config","data":{{"dict_id":{deep}}}}}')
        assert (await client.hear())["data"]["code"] == 422
        await client.config()
        assert (await client.say(HELLO)).audio


async def test_a_text_that_is_no_utf8_closes_this_socket_only(proxy: Proxy) -> None:
    async with talk(proxy.url) as client, talk(proxy.url) as other:
        # A text frame, masked with zeros: 0xff is never in UTF-8.
        frame = b"\x81\x82\x00\x00\x00\x00\xff\xff"
        transport = client.socket.get_extra_info("socket")
        os.write(transport.fileno(), frame)
        assert await client.closed() == aiohttp.WSCloseCode.INVALID_TEXT
        assert (await other.say(HELLO)).audio


async def test_a_client_that_says_nothing_for_too_long_is_told_and_let_go(
    start_proxy: StartProxy,
) -> None:
    async with start_proxy(server={"idle_s": 0.1}) as proxy, talk(proxy.url) as client:
        error = await client.hear()
        assert error["data"]["code"] == 408
        assert await client.closed() == 1012


async def again_and_again(act: Callable[[], Awaitable[None]]) -> None:
    while True:
        await act()
        await asyncio.sleep(0.01)


async def test_a_ping_is_a_message_and_keeps_the_connection(start_proxy: StartProxy) -> None:
    async with (
        start_proxy(server={"idle_s": 0.5}) as proxy,
        talk(proxy.url) as client,
    ):
        pinging = asyncio.create_task(again_and_again(lambda: client.send({"type": "ping"})))
        async with talk(proxy.url) as silent:
            # Came later and said nothing: when its time is over, so would be that of the other.
            assert (await silent.hear())["data"]["code"] == 408
        pinging.cancel()
        assert (await client.say(HELLO)).audio


async def test_a_ping_of_the_protocol_is_no_message(
    start_proxy: StartProxy, facts: list[Event]
) -> None:
    async with (
        start_proxy(server={"idle_s": 0.2}) as proxy,
        talk(proxy.url) as client,
    ):
        pinging = asyncio.create_task(again_and_again(client.socket.ping))
        assert (await client.hear())["data"]["code"] == 408
        pinging.cancel()
    assert LimitMet("idle_s", "127.0.0.1") in facts


async def test_a_client_that_never_flushes_and_is_gone_quiet_is_let_go(
    start_proxy: StartProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket, "_QUIET_S", 0.1)
    async with start_proxy(server={"idle_s": 0.5}) as proxy, talk(proxy.url) as client:
        await client.text(f"{HELLO} ")
        while (message := await client.hear())["type"] != "error":
            assert message["type"] == "audio"
        assert message["data"]["code"] == 408


async def test_a_client_that_never_flushes_holds_a_drain_no_longer_than_it_says_something(
    start_proxy: StartProxy, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket, "_QUIET_S", 0.5)
    async with (
        start_proxy(server={"drain_s": 60}, origin={"url": origin.url}) as proxy,
        talk(proxy.url) as client,
        talk(proxy.url) as flushing,
        asyncio.TaskGroup() as tasks,
    ):
        await flushing.say("audio 100")
        await flushing.text("audio 200।")
        await client.text("audio 300। audio 400 then wait then audio 400।")
        await until(lambda: origin.waiting == 1)
        draining = tasks.create_task(proxy.doors.drain())
        await asyncio.sleep(0.6)  # longer than it must be quiet, while it is being spoken to
        await client.text("audio 500।")
        origin.permit.set()
        heard = b""
        while len(heard) < len(tone(1600, 8000)):
            heard += b64decode((await client.hear())["data"]["audio"])
        async with asyncio.timeout(10):
            assert await client.closed() == 1012
        # That one has flushed before, so it will again: it is waited for.
        assert not draining.done()
        await flushing.flush()
        assert (await flushing.answer()).audio == tone(200, 8000)
        assert await flushing.closed() == 1012


async def test_a_turn_that_is_being_spoken_is_not_idleness(
    start_proxy: StartProxy, origin: Origin
) -> None:
    rooms = {
        "server": {"idle_s": 0.1},
        "origin": {"url": origin.url, "first_audio_timeout_s": 2, "stall_timeout_s": 9},
    }
    async with start_proxy(**rooms) as proxy, talk(proxy.url) as client:
        await client.text("audio then wait then audio")
        await client.flush()
        async with talk(proxy.url) as silent:
            # Came later and said nothing: when its time is over, so is that of the other.
            assert (await silent.hear())["data"]["code"] == 408
        assert origin.waiting == 1
        origin.permit.set()
        answer = await client.answer()
    assert not answer.errors
    assert answer.audio == tone(500, 8000) * 2


async def test_a_drain_ends_in_time_although_a_client_does_not_read(
    start_proxy: StartProxy, origin: Origin, facts: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(closing, "CLOSE_S", 0.1)
    turns = 60  # 19 MB, far more than the sockets between us take in
    async with (
        start_proxy(server={"drain_s": 0.1}, origin={"url": origin.url}) as proxy,
        talk_slowly(proxy.url) as client,
    ):
        await client.config()
        for _ in range(turns):
            await client.text("audio 15000")
            await client.flush()
        await until(lambda: "ok" in outcomes(facts))
        async with asyncio.timeout(10):
            await proxy.doors.drain()
        await until(lambda: len(outcomes(facts)) == turns)
    assert "left" in outcomes(facts), "what was not read was still to be sent"


async def test_a_client_that_expects_its_text_is_heard_during_the_drain_and_closed_last(
    start_proxy: StartProxy, origin: Origin
) -> None:
    async with (
        start_proxy(server={"drain_s": 60}, origin={"url": origin.url}) as proxy,
        talk(proxy.url) as speaking,
        talk(proxy.url) as expecting,
        talk(proxy.url) as spent,
        asyncio.TaskGroup() as tasks,
    ):
        await spent.say("audio 100")
        await speaking.text("wait then audio")
        await speaking.flush()
        await until(lambda: origin.waiting == 1)
        draining = tasks.create_task(proxy.doors.drain())
        # Has nothing under way and is waited for by nobody: closed at once, so the drain has begun.
        assert await spent.closed() == 1012
        assert (await expecting.say("audio 300")).audio == tone(300, 8000)
        assert origin.waiting == 1
        assert not draining.done()
        origin.permit.set()
        assert (await speaking.answer()).audio == tone(500, 8000)
        assert await speaking.closed() == 1012
        assert await expecting.closed() == 1012


@pytest.mark.parametrize("spoken", [False, True], ids=["nothing said", "after a first text"])
async def test_a_refused_client_that_never_flushes_does_not_hold_the_drain(
    start_proxy: StartProxy, origin: Origin, spoken: bool
) -> None:
    async with (
        start_proxy(server={"drain_s": 60}, origin={"url": origin.url}) as proxy,
        talk(proxy.url, configured=spoken) as client,
        asyncio.TaskGroup() as tasks,
    ):
        if spoken:
            await client.text("wait then audio।")
            await until(lambda: origin.waiting == 1)
        await client.text("x" * 2501)
        assert (await client.hear())["type"] == "error"
        draining = tasks.create_task(proxy.doors.drain())
        origin.permit.set()
        async with asyncio.timeout(5):
            assert await client.closed() == 1012
            await draining
