import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from edgeproxy.emulator import Knobs

Starter = Callable[..., Any]

SENTENCE = "This is a sentence of more than fifty characters, all told."


async def test_one_final_per_flush_after_all_of_its_audio(emulate: Starter, dial: Starter) -> None:
    emulator = await emulate()
    caller = await dial(emulator)
    await caller.config()
    await caller.text("Hello.")
    await caller.flush()
    await caller.text("And goodbye.")
    await caller.flush()
    *first, end = await caller.hear_out()
    *second, other_end = await caller.hear_out()
    assert first
    assert second
    assert end == other_end == "final"
    assert (emulator.counters.flushes, emulator.counters.finals) == (2, 2)


async def test_no_final_for_those_who_did_not_ask(emulate: Starter, dial: Starter) -> None:
    emulator = await emulate()
    for query in ("", "send_completion_event=false", "send_completion_event=yes"):
        caller = await dial(emulator, query=query)
        await caller.config()
        await caller.text("Hello.")
        await caller.flush()
        await caller.say("bogus")
        *_, error = await caller.hear_out()
        assert error["code"] == 422
    assert emulator.counters.finals == 0


async def test_completion_is_asked_for_in_any_case(emulate: Starter, dial: Starter) -> None:
    caller = await dial(await emulate(), query="model=bulbul:v3&send_completion_event=True")
    await caller.config()
    assert await caller.turn("Hello.")


async def test_a_full_buffer_is_spoken_before_the_flush(emulate: Starter, dial: Starter) -> None:
    emulator = await emulate()
    caller = await dial(emulator)
    await caller.config(min_buffer_size=30)
    await caller.text("Short.")
    await caller.text("Together they are long enough.")
    assert isinstance(await caller.hear(), bytes)
    assert emulator.counters.spoken("Short.Together they are long enough.") == 1
    assert emulator.counters.flushes == emulator.counters.finals == 0


async def test_less_than_the_buffer_waits_for_the_flush(emulate: Starter, dial: Starter) -> None:
    emulator = await emulate()
    caller = await dial(emulator)
    await caller.config()
    for word in ("One ", "two ", "three."):
        await caller.text(word)
    await caller.flush()
    *_, end = await caller.hear_out()
    assert end == "final"
    assert list(emulator.counters.recent) == ["One two three."]


async def test_early_audio_and_the_rest_share_one_final(emulate: Starter, dial: Starter) -> None:
    emulator = await emulate()
    caller = await dial(emulator)
    await caller.config()
    await caller.text(SENTENCE)
    await caller.text("A little more.")
    await caller.flush()
    *_, end = await caller.hear_out()
    assert end == "final"
    assert list(emulator.counters.recent) == [SENTENCE, "A little more."]
    assert emulator.counters.finals == 1


async def test_texts_can_be_joined_by_a_space(emulate: Starter, dial: Starter) -> None:
    emulator = await emulate(knobs=Knobs(joint=" "))
    caller = await dial(emulator)
    await caller.config()
    await caller.text("One.")
    await caller.turn("Two.")
    assert emulator.counters.spoken("One. Two.") == 1


async def test_an_empty_flush_has_a_bare_final_in_its_place(
    emulate: Starter, dial: Starter
) -> None:
    caller = await dial(await emulate())
    await caller.config()
    await caller.text("Hello.")
    await caller.flush()
    await caller.flush()
    await caller.text("  ")
    await caller.flush()
    *audio, end = await caller.hear_out()
    assert audio
    assert [end, await caller.hear(), await caller.hear()] == ["final"] * 3


async def test_an_empty_flush_can_go_without_an_answer(emulate: Starter, dial: Starter) -> None:
    emulator = await emulate(knobs=Knobs(empty_flush_final=False))
    caller = await dial(emulator)
    await caller.config()
    await caller.flush()
    assert await caller.turn("Hello.")
    assert (emulator.counters.flushes, emulator.counters.finals) == (2, 1)


async def test_a_config_has_what_is_buffered_spoken_in_the_old_voice(
    emulate: Starter, dial: Starter
) -> None:
    emulator = await emulate()
    caller = await dial(emulator)
    await caller.config(speaker="ritu")
    in_the_old_voice = await caller.turn("Hello.")
    await caller.text("Hello.")
    await caller.config(speaker="shubh")
    await caller.flush()
    *audio, end = await caller.hear_out()
    assert b"".join(audio) == in_the_old_voice
    assert end == "final"
    assert await caller.turn("Hello.") != in_the_old_voice


async def test_text_pushed_out_by_a_config_earns_a_final_only_by_knob(
    emulate: Starter, dial: Starter
) -> None:
    for implicit in (False, True):
        emulator = await emulate(knobs=Knobs(implicit_final=implicit))
        caller = await dial(emulator)
        await caller.config()
        await caller.text("Hello.")
        await caller.config()
        await caller.config()
        await caller.turn("Goodbye.")
        if implicit:
            assert (await caller.hear_out())[-1] == "final"
        assert emulator.counters.finals == (2 if implicit else 1)


async def test_text_is_taken_in_while_audio_goes_out(emulate: Starter, dial: Starter) -> None:
    emulator = await emulate(faults="stall:text=first:after=0:seconds=forever")
    caller = await dial(emulator)
    await caller.config()
    await caller.text("The first.")
    await caller.flush()
    for _ in range(200):
        await caller.text(SENTENCE)
    await caller.flush()
    await caller.say("bogus")
    # The error comes while the first turn still stalls: all that was said before it has been heard.
    assert (await caller.hear())["code"] == 422
    assert emulator.counters.texts == 201


async def test_ping_is_never_answered(emulate: Starter, dial: Starter) -> None:
    emulator = await emulate()
    caller = await dial(emulator)
    await caller.say("ping")
    await caller.config()
    await caller.say("ping")
    assert await caller.turn("Hello.")
    assert emulator.counters.pings == 2


async def test_a_bad_message_has_422_and_a_close_with_1000(emulate: Starter, dial: Starter) -> None:
    emulator = await emulate()
    for bad in (
        '{"type":"convert"}',
        "not json",
        '{"type":"text"}',
        '{"type":"config","data":{"speaker":"shubh"}}',
        '{"type":"text","data":{"text":"%s"}}' % ("x" * 2501),
    ):
        caller = await dial(emulator)
        await caller.socket.send_str(bad)
        error = await caller.hear()
        assert error["code"] == 422
        assert error["message"].startswith("Input parameters has to be a valid dictionary")
        assert await caller.hear() == 1000
    caller = await dial(emulator)
    await caller.socket.send_bytes(b"binary")
    assert (await caller.hear())["code"] == 422
    assert emulator.counters.refusals == 6


async def test_an_error_can_leave_the_socket_open(emulate: Starter, dial: Starter) -> None:
    caller = await dial(await emulate(knobs=Knobs(close_after_error=False)))
    await caller.say("bogus")
    assert (await caller.hear())["code"] == 422
    await caller.config()
    assert await caller.turn("Hello.")


async def test_text_before_a_config_is_refused_or_spoken(emulate: Starter, dial: Starter) -> None:
    caller = await dial(await emulate())
    await caller.text("Hello.")
    assert (await caller.hear())["code"] == 422

    caller = await dial(await emulate(knobs=Knobs(text_before_config="spoken")))
    assert await caller.turn("Hello.")


async def test_an_idle_socket_has_408_and_is_closed(emulate: Starter, dial: Starter) -> None:
    caller = await dial(await emulate(idle_s=0.05))
    error = await caller.hear()
    assert error["code"] == 408
    assert error["message"].startswith("Websocket was left open without any messages for too long.")
    assert await caller.hear() == 1000


async def test_a_socket_is_not_idle_while_it_is_spoken_to(emulate: Starter, dial: Starter) -> None:
    emulator = await emulate(idle_s=0.05, faults="slow:seconds=0.3:count=1")
    caller = await dial(emulator)
    await caller.config()
    assert await caller.turn("Hello.")
    assert (await caller.hear())["code"] == 408


async def test_ping_messages_keep_a_socket_open_and_protocol_pings_only_by_knob(
    emulate: Starter, dial: Starter
) -> None:
    async def ping(caller: Any, how: str) -> None:
        for _ in range(60):
            await (caller.say("ping") if how == "message" else caller.socket.ping())
            await asyncio.sleep(0.02)

    messages = await emulate(idle_s=1.0)
    protocol = await emulate(idle_s=1.0, knobs=Knobs(protocol_ping_resets_idle=True))
    plain = await emulate(idle_s=1.0)
    callers = [await dial(emulator) for emulator in (messages, protocol, plain)]
    async with asyncio.TaskGroup() as pings:
        for caller, how in zip(callers, ("message", "protocol", "protocol"), strict=True):
            pings.create_task(ping(caller, how))
    assert messages.counters.refusals == protocol.counters.refusals == 0
    assert plain.counters.refusals == 1


async def test_the_querys_model_wins_over_the_configs(emulate: Starter, dial: Starter) -> None:
    caller = await dial(await emulate(), query="model=bulbul%3Av4-flash")
    await caller.config(model="bulbul:v3")
    error = await caller.hear()
    assert error["message"].startswith(
        "400: Speaker 'shubh' is not compatible with model bulbul:v4-flash. "
        "Available speakers for bulbul:v4-flash are: "
    )
    assert "code" not in error
    assert await caller.hear() == 1000


@pytest.mark.parametrize(
    "fields",
    [
        {"speech_sample_rate": "24000", "pitch": 0.0, "loudness": 1.0, "dict_id": None},
        {
            "min_buffer_size": 30,
            "max_chunk_length": 500,
            "enable_preprocessing": True,
            "temperature": 0.6,
        },
        {"model": "bulbul:v3", "output_audio_bitrate": "32k", "something_new": [1]},
    ],
)
async def test_what_real_clients_send_is_accepted_again_and_again(
    emulate: Starter, dial: Starter, fields: dict[str, Any]
) -> None:
    caller = await dial(await emulate())
    for _ in range(2):
        await caller.config(**fields)
        assert await caller.turn("Hello.")
