import asyncio
import json
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from edgeproxy.audio.decode import STREAMABLE, decode_whole, decoder
from edgeproxy.audio.wav import header
from edgeproxy.emulator import Clock, Knobs
from edgeproxy.emulator.latency import SEED, V3

Starter = Callable[..., Any]

LONG = (
    "This is a sentence that takes some seconds to say, so that it has several messages of audio."
)


WAV_HEADER = header(rate=24000, size=None)


class FakeClock(Clock):
    """A clock that nobody waits for."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += max(0.0, seconds)
        await asyncio.sleep(0)


async def test_linear16_comes_in_messages_of_16384_bytes_and_8800_at_8_khz(
    emulate: Starter, dial: Starter
) -> None:
    caller = await dial(await emulate())
    for rate, size in ((24000, 16384), (8000, 8800)):
        await caller.config(speech_sample_rate=rate)
        await caller.text(LONG)
        await caller.flush()
        *audio, end = await caller.hear_out()
        assert end == "final"
        assert {len(message) for message in audio[:-1]} == {size}
        assert 0 < len(audio[-1]) <= size


async def test_audio_messages_are_as_sarvams(emulate: Starter, dial: Starter) -> None:
    caller = await dial(await emulate())
    await caller.config()
    await caller.text("Hello.")
    await caller.flush()
    said = json.loads((await caller.socket.receive()).data)
    assert set(said) == {"type", "data"}
    assert set(said["data"]) == {"request_id", "content_type", "audio"}
    assert said["data"]["content_type"] == "audio/pcm"


async def test_the_same_turn_sounds_the_same_in_any_place_on_any_socket(
    emulate: Starter, dial: Starter
) -> None:
    emulator, other = await emulate(), await emulate()
    first = await dial(emulator)
    await first.config()
    heard = await first.turn(LONG)
    await first.turn("Something else.")
    assert await first.turn(LONG) == heard
    for somewhere in (emulator, other):
        caller = await dial(somewhere)
        await caller.config()
        assert await caller.turn(LONG) == heard
    different = await dial(await emulate(seed=5))
    await different.config()
    assert await different.turn(LONG) != heard


@pytest.mark.parametrize("codec", ["wav", "mp3", "aac", "flac", "opus", "mulaw", "alaw"])
async def test_each_codec_is_one_stream_per_turn_that_decodes_to_the_same_speech(
    emulate: Starter, dial: Starter, codec: str
) -> None:
    caller = await dial(await emulate())
    await caller.config(speech_sample_rate=24000)
    pcm = await caller.turn(LONG)
    for _ in range(2):
        await caller.config(speech_sample_rate=24000, output_audio_codec=codec)
        audio = await caller.turn(LONG)
        if codec in STREAMABLE:
            # The header of a WAV stream came with the first turn only.
            stream = decoder("linear16" if codec == "wav" else codec, rate=24000)
            decoded = stream.feed(audio.removeprefix(WAV_HEADER)) + stream.finish()
        else:
            decoded, rate = decode_whole(audio, rate=24000)
            assert rate == 24000
        assert len(decoded) == pytest.approx(len(pcm), abs=2 * 4000)


async def test_wav_has_a_bare_header_once_per_socket(emulate: Starter, dial: Starter) -> None:
    caller = await dial(await emulate())
    await caller.config(output_audio_codec="wav")
    await caller.text("Hello.")
    await caller.flush()
    header, *audio, end = await caller.hear_out()
    assert len(header) == 44
    assert header[:4] == b"RIFF"
    assert header[4:8] == header[40:44] == b"\xff\xff\xff\xff"
    assert audio
    assert end == "final"
    await caller.config(output_audio_codec="wav")
    assert not (await caller.turn("Hello.")).startswith(b"RIFF")
    await caller.config(output_audio_codec="wav", speech_sample_rate=8000)
    assert (await caller.turn("Hello.")).startswith(b"RIFF")


async def test_wav_can_have_its_header_once_per_flush(emulate: Starter, dial: Starter) -> None:
    caller = await dial(await emulate(knobs=Knobs(wav_header_per_flush=True)))
    await caller.config(output_audio_codec="wav")
    for _ in range(2):
        assert (await caller.turn("Hello.")).startswith(b"RIFF")


async def test_the_content_type_of_mp3_is_a_knob(emulate: Starter, dial: Starter) -> None:
    for knobs, expected in ((Knobs(), "audio/mp3"), (Knobs(mp3_content_type="audio/x"), "audio/x")):
        caller = await dial(await emulate(knobs=knobs))
        await caller.config(output_audio_codec="mp3")
        await caller.text("Hello.")
        await caller.flush()
        assert json.loads((await caller.socket.receive()).data)["data"]["content_type"] == expected


async def test_a_stall_in_mid_utterance_leaves_the_client_waiting(
    emulate: Starter, dial: Starter
) -> None:
    emulator = await emulate(faults="stall:seconds=forever:after=2")
    caller = await dial(emulator)
    await caller.config()
    await caller.text(LONG)
    await caller.flush()
    assert isinstance(await caller.hear(), bytes)
    assert isinstance(await caller.hear(), bytes)
    # What is said next is the answer to this, and not more audio.
    await caller.say("bogus")
    assert (await caller.hear())["code"] == 422


async def test_a_short_stall_delays_and_loses_nothing(emulate: Starter, dial: Starter) -> None:
    clock = FakeClock()
    caller = await dial(await emulate(faults="stall:seconds=0.8:count=1", clock=clock))
    await caller.config()
    heard = await caller.turn(LONG)
    assert clock.now() == 0.8
    assert await caller.turn(LONG) == heard
    assert clock.now() == 0.8


async def test_a_cut_aborts_the_connection_after_some_audio(
    emulate: Starter, dial: Starter
) -> None:
    emulator = await emulate(faults="cut:text=goodbye:after=2:count=1")
    caller = await dial(emulator)
    await caller.config()
    assert await caller.turn("Hello.")
    await caller.text(f"{LONG} goodbye")
    await caller.flush()
    *audio, end = await caller.hear_out()
    assert len(audio) == 2
    assert end == 1006
    assert emulator.struck == {"cut": 1}


async def test_a_close_in_mid_utterance_has_the_code_asked_for(
    emulate: Starter, dial: Starter
) -> None:
    emulator = await emulate(faults="close:code=1000:count=1,close")
    for code in (1000, 1011):
        caller = await dial(emulator)
        await caller.config()
        await caller.text(LONG)
        await caller.flush()
        assert [type(await caller.hear()), await caller.hear()] == [bytes, code]


async def test_an_error_in_mid_utterance_closes_the_socket_or_ends_the_turn(
    emulate: Starter, dial: Starter
) -> None:
    caller = await dial(await emulate(faults="error:code=503"))
    await caller.config()
    await caller.text(LONG)
    await caller.flush()
    audio, error, end = await caller.hear(), await caller.hear(), await caller.hear()
    assert isinstance(audio, bytes)
    assert (error["code"], error["message"], end) == (503, "model unavailable", 1000)

    knobs = Knobs(close_after_error=False)
    caller = await dial(await emulate(faults="error:after=0:count=1", knobs=knobs))
    await caller.config()
    await caller.text(LONG)
    await caller.flush()
    assert (await caller.hear())["code"] == 500
    assert await caller.turn("Hello.")


async def test_a_missing_final_and_nothing_else_is_missing(emulate: Starter, dial: Starter) -> None:
    emulator = await emulate()
    caller = await dial(emulator)
    await caller.config()
    whole = await caller.turn("Hello.")
    emulator.change_faults("missing_final:count=1")
    await caller.text("Hello.")
    await caller.flush()
    # The next turn's audio follows with no final in between.
    assert await caller.turn("Hello.") == whole + whole
    assert emulator.counters.finals == 2


async def test_late_audio_comes_after_the_final_of_its_own_turn(
    emulate: Starter, dial: Starter
) -> None:
    emulator = await emulate()
    caller = await dial(emulator)
    await caller.config()
    whole = await caller.turn(LONG)
    emulator.change_faults("late_audio:count=1")
    early = await caller.turn(LONG)
    late = await caller.hear()
    assert early + late == whole
    assert late


async def test_spoilt_sound_is_silent_empty_short_or_odd(emulate: Starter, dial: Starter) -> None:
    emulator = await emulate()
    caller = await dial(emulator)
    await caller.config()
    whole = await caller.turn(LONG)
    emulator.change_faults("silence")
    assert await caller.turn(LONG) == bytes(len(whole))
    emulator.change_faults("empty")
    assert await caller.turn(LONG) == b""
    emulator.change_faults("short")
    assert await caller.turn(LONG) == whole[: len(whole) // 4 * 2]
    emulator.change_faults("odd")
    assert await caller.turn(LONG) == whole[:-1]
    emulator.change_faults("")
    assert await caller.turn(LONG) == whole


async def test_garbage_is_a_message_that_is_not_json(emulate: Starter, dial: Starter) -> None:
    caller = await dial(await emulate(faults="garbage:after=0"))
    await caller.config()
    await caller.text("Hello.")
    await caller.flush()
    message = await caller.socket.receive()
    assert message.type is aiohttp.WSMsgType.TEXT
    with pytest.raises(json.JSONDecodeError):
        json.loads(message.data)
    assert (await caller.hear_out())[-1] == "final"


async def test_a_fault_past_the_last_message_strikes_before_the_final(
    emulate: Starter, dial: Starter
) -> None:
    caller = await dial(await emulate(faults="cut:after=1000"))
    await caller.config()
    await caller.text("Hello.")
    await caller.flush()
    *audio, end = await caller.hear_out()
    assert audio
    assert end == 1006


async def test_an_utterance_takes_as_long_as_its_profile_says(
    emulate: Starter, dial: Starter
) -> None:
    for profile in (V3, SEED):
        clock = FakeClock()
        emulator = await emulate(latency=profile, clock=clock, seed=11)
        caller = await dial(emulator)
        assert clock.now() == profile.handshake(seed=11, at="ws 1")
        await caller.config(speech_sample_rate=24000)
        begin = clock.now()
        audio = await caller.turn(LONG)
        timing = profile.timing(len(LONG), seed=11, at="ws 1/1")
        messages = -(-len(audio) // 16384)
        last_due = timing.dues([16384 / 48000] * messages)[-1]
        config_s = profile.config(seed=11, at="ws 1/1")
        assert clock.now() - begin == pytest.approx(config_s + last_due + timing.final_s)


@pytest.mark.parametrize("share", [0.0, 0.5, 200.0])
async def test_a_config_takes_its_time_from_when_it_came_not_from_the_text(
    emulate: Starter, dial: Starter, share: float
) -> None:
    clock = FakeClock()
    knobs = Knobs(close_after_error=False)
    caller = await dial(await emulate(latency=SEED, clock=clock, seed=11, knobs=knobs))
    config_s = SEED.config(seed=11, at="ws 1/1")
    await caller.config(speech_sample_rate=24000)
    # The answer to this shows that the config was heard.
    await caller.say("bogus")
    assert (await caller.hear())["code"] == 422
    await clock.sleep(share * config_s)
    begin = clock.now()
    audio = await caller.turn(LONG)
    timing = SEED.timing(len(LONG), seed=11, at="ws 1/1")
    messages = -(-len(audio) // 16384)
    last_due = timing.dues([16384 / 48000] * messages)[-1]
    still_s = max(0.0, 1 - share) * config_s
    assert clock.now() - begin == pytest.approx(still_s + last_due + timing.final_s)


async def test_slow_adds_its_seconds_to_the_first_audio(emulate: Starter, dial: Starter) -> None:
    clock = FakeClock()
    caller = await dial(await emulate(clock=clock, faults="slow:seconds=3:count=1"))
    await caller.config()
    await caller.turn("Hello.")
    assert clock.now() == 3
    await caller.turn("Hello.")
    assert clock.now() == 3
