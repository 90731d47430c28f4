"""Having the origin speak: attempts, refusals, codecs, and who is charged."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from edgeproxy.audio import quality
from edgeproxy.cache.clip import ClipFailed
from edgeproxy.core.errors import (
    OriginBabble,
    OriginError,
    OriginSilent,
    Overdrawn,
)
from edgeproxy.core.events import (
    CodecChanged,
    Event,
    FillRetried,
    TextCharged,
)
from edgeproxy.core.voice import Voice
from edgeproxy.emulator import Emulator, Knobs
from edgeproxy.origin import Patience
from edgeproxy.upstream.session import OriginRefused

from .conftest import until
from .fakes.origin import Origin, tone
from .house import ACCOUNT, HELLO, SCHEMA, VOICE, House, Purse, open_house


async def drain(pieces: AsyncIterator[bytes]) -> None:
    async for _ in pieces:
        pass


@pytest.mark.parametrize(
    "fault",
    ["cut:after=0", "close:after=0:code=1011", "missing_final", "error:after=0", "empty", "odd"],
)
async def test_what_breaks_unheard_is_filled_again_on_a_fresh_session(
    house: House, emulator: Emulator, facts: list[Event], fault: str
) -> None:
    emulator.change_faults(f"{fault}:count=1")
    healed, clip, _ = await house.hear(house.ask())
    assert clip.times.attempts == 2
    assert sum(isinstance(fact, FillRetried) for fact in facts) == 1
    await house.landed()
    emulator.change_faults("")
    again, _, _ = await house.hear(house.ask("और कुछ"))
    assert again
    assert healed == (await house.hear(house.ask()))[0]


async def test_a_second_failure_is_the_clips(house: House, emulator: Emulator) -> None:
    emulator.change_faults("cut:after=0")
    with pytest.raises(ClipFailed) as caught:
        await house.hear(house.ask())
    assert isinstance(caught.value.__cause__, OriginError)
    assert emulator.counters.spoken(HELLO) == 2


async def test_what_was_heard_is_never_filled_again(house: House, emulator: Emulator) -> None:
    emulator.change_faults("cut:after=1")
    ask = house.ask("यह वाक्य काफ़ी लंबा है, ताकि बीच में टूट सके और सुना भी जा सके।")
    clip, _ = house.speech.clip(ask)
    heard = aiter(clip)
    assert await anext(heard)
    with pytest.raises(ClipFailed):
        await drain(heard)
    assert emulator.counters.flushes == 1


async def test_a_refusal_is_passed_on_with_a_hint_and_costs_the_origin_nothing_twice(
    house: House, emulator: Emulator
) -> None:
    nobody = Voice({**VOICE.fields, "speaker": "nobody"})
    with pytest.raises(ClipFailed) as caught:
        await house.hear(house.ask(voice=nobody))
    assert isinstance(caught.value.__cause__, OriginRefused)
    assert "nobody" in caught.value.__cause__.refusal.message
    refused = emulator.counters.refusals
    for text in (HELLO, "एक और"):
        with pytest.raises(ClipFailed):
            await house.hear(house.ask(text, voice=nobody))
    assert emulator.counters.refusals == refused
    assert (await house.hear(house.ask()))[0]


async def test_a_rate_the_websocket_has_not_comes_from_rest(
    house: House, emulator: Emulator
) -> None:
    pcm, clip, _ = await house.hear(house.ask(voice=VOICE.at_rate(48000)))
    assert clip.rate == 48000
    assert len(pcm) > 48000
    assert (emulator.counters.rest_calls, emulator.counters.flushes) == (1, 0)


async def test_where_raw_pcm_is_refused_mp3_is_asked_for_from_then_on(
    tmp_path: Path, facts: list[Event]
) -> None:
    knobs = Knobs(codecs=frozenset({"mp3"}))
    async with (
        Emulator(knobs=knobs) as emulator,
        open_house(tmp_path / "records", emulator, facts) as house,
    ):
        heard, _, _ = await house.hear(house.ask())
        refused = emulator.counters.refusals
        more, clip, _ = await house.hear(house.ask("और एक वाक्य।"))
        assert heard
        assert more
        assert clip.times.attempts == 1
        assert emulator.counters.refusals == refused == 1
    assert [fact.codec for fact in facts if isinstance(fact, CodecChanged)] == ["mp3"]


async def test_a_codec_refused_unheard_leaves_nothing_of_the_first_attempt(
    tmp_path: Path, origin: Origin, facts: list[Event]
) -> None:
    async with open_house(tmp_path / "records", origin, facts) as house:
        heard, clip, _ = await house.hear(
            house.ask("audio 1000 then refuse 422 output_audio_codec or audio 2000")
        )
    assert [codec for codec, _ in origin.asked] == ["linear16", "mp3"]
    assert clip.times.attempts == 2
    assert 2.0 <= len(heard) / len(tone(1000, 8000)) < 2.5, "MP3 pads, by two frames at most"


async def test_a_codec_refused_after_audio_was_heard_breaks_the_clip_and_keeps_nothing(
    tmp_path: Path, origin: Origin, facts: list[Event]
) -> None:
    async with open_house(tmp_path / "records", origin, facts) as house:
        ask = house.ask("audio then wait then refuse 422 output_audio_codec or audio")
        clip, _ = house.speech.clip(ask)
        pieces = aiter(clip)
        assert await anext(pieces) == tone(500, 8000)
        origin.permit.set()
        with pytest.raises(ClipFailed, match="output_audio_codec"):
            await drain(pieces)
        await house.landed()
        assert clip.pcm() == tone(500, 8000)
        assert (len(house.store), len(house.memory)) == (0, 0)
    assert [codec for codec, _ in origin.asked] == ["linear16"]


async def test_a_refusal_that_names_nothing_does_not_change_the_codec(
    tmp_path: Path, origin: Origin, facts: list[Event]
) -> None:
    async with open_house(tmp_path / "records", origin, facts) as house:
        with pytest.raises(ClipFailed, match=SCHEMA):
            await house.hear(house.ask(f"refuse 422 {SCHEMA} or audio"))
        assert await house.hear(house.ask("audio"))
    assert [codec for codec, _ in origin.asked] == ["linear16", "linear16"]
    assert not [fact for fact in facts if isinstance(fact, CodecChanged)]


async def test_a_refusal_that_names_no_field_of_the_voice_is_remembered_for_its_text_only(
    tmp_path: Path, origin: Origin, facts: list[Event]
) -> None:
    async with open_house(tmp_path / "records", origin, facts) as house:
        for _ in range(2):
            with pytest.raises(ClipFailed, match="nobody knows why"):
                await house.hear(house.ask("refuse 400 nobody knows why or audio"))
        assert len(origin.asked) == 1
        assert (await house.hear(house.ask("audio")))[0] == tone(500, 8000)


async def test_an_account_that_is_turned_away_is_asked_for_again(
    tmp_path: Path, origin: Origin, facts: list[Event]
) -> None:
    async with open_house(tmp_path / "records", origin, facts) as house:
        ask = house.ask("refuse 403 not for the speaker of this account or audio")
        with pytest.raises(ClipFailed, match="account"):
            await house.hear(ask)
        assert (await house.hear(ask))[0] == tone(500, 8000)


@pytest.mark.parametrize(
    ("script", "patience", "error", "said"),
    [
        ("audio for ever", {}, OriginBabble, "more audio than"),
        ("empty for ever", {"first_audio_s": 0.1}, OriginSilent, "no audio within 0.1 s"),
        ("audio 100 then empty for ever", {"stall_s": 0.1}, OriginSilent, "mid-utterance"),
        ("wait", {"answer_s": 0.1}, OriginSilent, "no audio within 0.1 s"),
        # What came of an attempt that nobody has heard does not count as an answer.
        (
            "audio then refuse 500 or wait",
            {"answer_s": 0.2, "first_audio_s": 1.0},
            OriginSilent,
            "no audio within 0.2 s",
        ),
        ("audio 1 for ever", {"fill_s": 0.1}, OriginSilent, "not over within 0.1 s"),
    ],
)
async def test_an_origin_that_never_comes_to_an_end_is_ended_in_time_and_in_size(
    tmp_path: Path,
    origin: Origin,
    facts: list[Event],
    script: str,
    patience: dict[str, float],
    error: type[OriginError],
    said: str,
) -> None:
    patient = replace(Patience(first_audio_s=60, stall_s=60, answer_s=60), **patience)
    async with open_house(tmp_path / "records", origin, facts, patience=patient) as house:
        ask = house.ask(script)
        clip, _ = house.speech.clip(ask)
        async with asyncio.timeout(10):
            with pytest.raises(ClipFailed, match=said) as caught:
                await clip.whole()
        assert isinstance(caught.value.__cause__, error)
        assert clip.size <= quality.longest_s(script) * len(tone(1000, 8000))
        await house.landed()
        assert len(house.store) == 0


async def test_an_empty_purse_is_an_error_before_anything_is_asked_for(
    house: House, emulator: Emulator
) -> None:
    with pytest.raises(ClipFailed) as caught:
        await house.hear(replace(house.ask(), purse=Purse(len(HELLO) - 1)))
    assert isinstance(caught.value.__cause__, Overdrawn)
    assert emulator.counters.connections == 0


@pytest.mark.parametrize(
    ("faults", "paid_for"),
    [("cut:count=1", 2), ("missing_final:count=1", 2), ("refuse:count=1", 1)],
)
async def test_each_attempt_is_paid_for_that_reached_the_origin(
    house: House, emulator: Emulator, facts: list[Event], faults: str, paid_for: int
) -> None:
    purse = Purse(1000)
    emulator.change_faults(faults)
    await house.hear(replace(house.ask(), purse=purse))
    assert 1000 - purse.left == paid_for * len(HELLO) == emulator.counters.characters
    charged = [fact for fact in facts if isinstance(fact, TextCharged)]
    assert charged == [TextCharged(VOICE.model, len(HELLO), "first")] * paid_for


async def test_what_the_origin_refuses_or_nobody_waits_for_is_given_back(
    house: House, emulator: Emulator
) -> None:
    purse = Purse(1000)
    nobody = Voice({**VOICE.fields, "speaker": "nobody"})
    with pytest.raises(ClipFailed):
        await house.hear(replace(house.ask(voice=nobody), purse=purse))
    assert purse.left == 1000
    assert purse.least < 1000
    emulator.change_faults("hang")
    ask = replace(house.ask("नया।", voice=Voice({**VOICE.fields, "model": "x"})), purse=purse)
    clip, _ = house.speech.clip(ask)
    await until(lambda: purse.left < 1000)
    house.speech.leave(ask, clip)
    await until(lambda: purse.left == 1000)


async def test_what_is_spoken_for_books_is_charged_to_the_night(
    house: House, facts: list[Event]
) -> None:
    await house.origin.fetch(VOICE, HELLO, ACCOUNT)
    assert [fact.order for fact in facts if isinstance(fact, TextCharged)] == ["night"]
