"""THE PATH, on real parts: a segment becomes its clip, once, and only what is whole is kept."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from edgeproxy.audio import quality
from edgeproxy.cache.clip import ClipFailed, Source
from edgeproxy.core.errors import (
    OriginBabble,
    OriginDown,
    OriginError,
    OriginSilent,
    Overdrawn,
    Overloaded,
)
from edgeproxy.core.events import (
    BreakerMoved,
    CodecChanged,
    Event,
    FillRetried,
    RecordKept,
    RecordRefused,
    TextCharged,
)
from edgeproxy.core.freshness import Freshness
from edgeproxy.core.voice import Voice
from edgeproxy.emulator import Emulator, Knobs
from edgeproxy.speech import Mode, Patience, Use
from edgeproxy.upstream.breaker import State as BreakerState
from edgeproxy.upstream.pool import Order
from edgeproxy.upstream.session import OriginRefused

from .conftest import until
from .fakes.origin import Origin, tone
from .house import ACCOUNT, HELLO, OVER, SCHEMA, VOICE, House, open_house


async def test_first_the_origin_then_memory(house: House, emulator: Emulator) -> None:
    first, clip, how = await house.hear(house.ask())
    assert (how, clip.source) == ("fill", Source.ORIGIN)
    await house.landed()
    second, _, how = await house.hear(house.ask())
    assert how == "hit-memory"
    assert second == first
    assert emulator.counters.flushes == 1


async def test_then_the_disk_when_memory_has_forgotten(
    tmp_path: Path, emulator: Emulator, facts: list[Event]
) -> None:
    async with open_house(tmp_path / "r", emulator, facts, memory_bytes=0) as house:
        first, _, _ = await house.hear(house.ask())
        await house.landed()
        second, clip, _ = await house.hear(house.ask())
    assert clip.source is Source.DISK
    assert second == first
    assert emulator.counters.flushes == 1


async def test_a_record_past_its_time_is_spoken_afresh(
    tmp_path: Path, emulator: Emulator, facts: list[Event]
) -> None:
    async with open_house(tmp_path / "r", emulator, facts, memory_bytes=0, freshness=OVER) as house:
        for _ in range(2):
            await house.hear(house.ask())
            await house.landed()
    assert emulator.counters.flushes == 2


async def test_what_is_in_memory_ages_as_what_is_on_the_disk(
    tmp_path: Path, emulator: Emulator, facts: list[Event]
) -> None:
    async with open_house(tmp_path / "r", emulator, facts, freshness=OVER) as house:
        for _ in range(2):
            _, clip, how = await house.hear(house.ask())
            await house.landed()
            assert (how, clip.source) == ("fill", Source.ORIGIN)
    assert emulator.counters.flushes == 2


async def test_an_encoded_form_is_kept_and_counted_once(house: House) -> None:
    await house.hear(house.ask())
    await house.landed()
    ask = house.ask()
    clip, _ = house.speech.clip(ask)
    before = house.memory.size
    # As by two callers who heard the same clip grow, each with an encoder of its own.
    for ready in (b"x" * 100, b"y" * 100):
        house.speech.keep_ready(ask, clip, ("mp3", "128k"), ready)
    assert clip.ready == {("mp3", "128k"): b"x" * 100}
    assert house.memory.size - before == clip.ready_bytes == 100


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


async def drain(pieces: AsyncIterator[bytes]) -> None:
    async for _ in pieces:
        pass


async def test_what_was_heard_is_never_filled_again(house: House, emulator: Emulator) -> None:
    emulator.change_faults("cut:after=1")
    ask = house.ask("यह वाक्य काफ़ी लंबा है, ताकि बीच में टूट सके और सुना भी जा सके।")
    clip, _ = house.speech.clip(ask)
    heard = aiter(clip)
    assert await anext(heard)
    with pytest.raises(ClipFailed):
        await drain(heard)
    assert emulator.counters.flushes == 1


@pytest.mark.parametrize(
    "fault",
    ["cut:after=1", "missing_final", "error:after=1", "close:after=1:code=1000", "silence"],
)
async def test_nothing_partial_or_silent_is_ever_kept(
    house: House, emulator: Emulator, facts: list[Event], fault: str
) -> None:
    emulator.change_faults(fault)
    ask = house.ask("यह वाक्य टूट जाएगा।")
    clip, _ = house.speech.clip(ask)
    try:
        async for _ in clip:
            pass
    except ClipFailed:
        pass
    await house.landed()
    assert len(house.store) == 0
    assert not [fact for fact in facts if isinstance(fact, RecordKept)]


async def test_silence_is_delivered_but_refused_by_the_record(
    house: House, emulator: Emulator, facts: list[Event]
) -> None:
    emulator.change_faults("silence")
    pcm, _, _ = await house.hear(house.ask())
    assert not any(pcm)
    await house.landed()
    (refused,) = [fact for fact in facts if isinstance(fact, RecordRefused)]
    assert "silence" in refused.reason


async def test_what_may_not_be_kept_is_not(
    tmp_path: Path, emulator: Emulator, facts: list[Event]
) -> None:
    async with open_house(tmp_path / "r", emulator, facts, characters_kept=10) as house:
        await house.hear(house.ask("यह दस अक्षरों से लंबा है।"))
        await house.hear(house.ask("छोटा।", keep=False))
        await house.landed()
        assert len(house.store) == 0


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


async def test_what_has_no_word_in_it_is_a_pause_and_costs_nothing(
    house: House, emulator: Emulator
) -> None:
    for text in ("…", "🙂", "—"):
        pcm, _, how = await house.hear(house.ask(text))
        assert how == "pause"
        assert pcm
        assert not any(pcm)
    assert emulator.counters.flushes == 0


async def test_a_rate_the_websocket_has_not_comes_from_rest(
    house: House, emulator: Emulator
) -> None:
    pcm, clip, _ = await house.hear(house.ask(voice=VOICE.at_rate(48000)))
    assert clip.rate == 48000
    assert len(pcm) > 48000
    assert (emulator.counters.rest_calls, emulator.counters.flushes) == (1, 0)


async def test_a_hundred_ask_at_once_and_some_leave(house: House, emulator: Emulator) -> None:
    asks = [house.ask() for _ in range(100)]
    clips = [house.speech.clip(ask)[0] for ask in asks]
    for ask, clip in zip(asks[::3], clips[::3], strict=True):
        house.speech.leave(ask, clip)
    heard = await asyncio.gather(*(clip.whole() for clip in clips))
    assert len(set(heard)) == 1
    assert emulator.counters.flushes == 1


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


async def break_the_origin(house: House, emulator: Emulator, *, fault: str) -> None:
    """Ten misses, two attempts each."""
    emulator.change_faults(fault)
    misses = [house.hear(house.ask(f"वाक्य {number}")) for number in range(10)]
    for broken in await asyncio.gather(*misses, return_exceptions=True):
        assert isinstance(broken, ClipFailed)
    assert house.breaker.state is BreakerState.OPEN


@pytest.mark.parametrize("fault", ["error:after=0", "cut:after=0", "empty", "missing_final"])
async def test_an_origin_that_fails_is_not_asked_any_more_and_hits_go_on(
    house: House, emulator: Emulator, facts: list[Event], fault: str
) -> None:
    kept, _, _ = await house.hear(house.ask())
    await house.landed()
    await break_the_origin(house, emulator, fault=fault)
    asked, retried = (
        emulator.counters.flushes,
        len([f for f in facts if isinstance(f, FillRetried)]),
    )
    for rate in (8000, 48000):  # the REST door's utterances, too
        with pytest.raises(ClipFailed) as caught:
            await house.hear(house.ask("और एक", voice=VOICE.at_rate(rate)))
        assert isinstance(caught.value.__cause__, OriginDown)
        assert 0 < (caught.value.__cause__.retry_after_s or 0) <= 2
    with pytest.raises(OriginDown):
        await house.speech.fetch(VOICE, "रात का वाक्य", ACCOUNT)
    assert (emulator.counters.flushes, emulator.counters.rest_calls) == (asked, 0)
    assert len([fact for fact in facts if isinstance(fact, FillRetried)]) == retried
    assert (await house.hear(house.ask()))[::2] == (kept, "hit-memory")
    assert [problem for problem in house.pools.problems(ACCOUNT) if "not asked" in problem]


async def test_the_next_miss_in_earnest_is_the_only_probe_and_its_success_opens_the_way(
    house: House, emulator: Emulator, facts: list[Event]
) -> None:
    await break_the_origin(house, emulator, fault="error:after=0")
    emulator.change_faults("stall:after=0:seconds=0.2:count=1")
    house.later_s += 2.0
    asked = emulator.counters.flushes
    probe, _ = house.speech.clip(house.ask("यह पूछकर देखते हैं"))
    await until(lambda: emulator.counters.flushes == asked + 1)
    for number in range(5):
        with pytest.raises(ClipFailed):
            await house.hear(house.ask(f"साथ में {number}"))
    assert emulator.counters.flushes == asked + 1
    assert await probe.whole()
    await house.landed()
    assert (await house.hear(house.ask("अब फिर से")))[0]
    moves = [fact.state for fact in facts if isinstance(fact, BreakerMoved)]
    assert moves == ["open", "half-open", "closed"]
    assert house.pools.problems(ACCOUNT) == []


async def test_refusals_and_callers_who_leave_do_not_open_the_breaker(
    house: House, emulator: Emulator
) -> None:
    for number in range(25):
        nobody = Voice({**VOICE.fields, "speaker": f"nobody-{number}"})
        with pytest.raises(ClipFailed):
            await house.hear(house.ask(voice=nobody))
        ask = house.ask(f"कोई सुनता नहीं {number}")
        clip, _ = house.speech.clip(ask)
        house.speech.leave(ask, clip)
    await house.landed()
    assert house.breaker.state is BreakerState.CLOSED
    assert (await house.hear(house.ask()))[0]


async def test_the_books_balance_after_a_fill_is_cancelled_at_each_await(house: House) -> None:
    (pool,) = [house.pools.of(ACCOUNT, VOICE.model)]
    for steps in range(80):
        ask = house.ask(f"यह वाक्य {steps} कदम के बाद छूट जाता है")
        house.speech.clip(ask)
        for _ in range(steps):
            await asyncio.sleep(0)
        await house.flights.land(timeout_s=0)
        assert len(house.flights) == 0
        assert "0 under way" in repr(house.breaker)
    await until(lambda: "0 leased, 1 idle, 0 resting, 0 dialling, 0 waiting" in repr(pool))
    assert house.breaker.state is BreakerState.CLOSED
    assert (await house.hear(house.ask()))[0]


async def test_who_joins_a_look_ahead_in_silence_does_not_wait_like_it(
    tmp_path: Path, origin: Origin, facts: list[Event]
) -> None:
    async with open_house(tmp_path / "r", origin, facts, account_sessions=1) as house:
        house.speech.clip(house.ask("wait then audio"))
        await until(lambda: origin.waiting == 1)
        for script in ("audio 110", "audio 120", "audio 130"):
            house.speech.clip(house.ask(script, order=Order.AHEAD))
        house.speech.clip(house.ask("audio 140"))
        _, how = house.speech.clip(house.ask("audio 130"))
        assert how == "collapsed"
        await until(lambda: "4 waiting" in repr(house.pools.of(ACCOUNT, VOICE.model)))
        origin.permit.set()
        await house.landed()
    spoken = [script for _, script in origin.asked][1:]
    assert spoken == ["audio 130", "audio 140", "audio 110", "audio 120"]


async def test_beyond_capacity_a_miss_is_turned_away_at_once_and_hits_go_on(
    tmp_path: Path, origin: Origin, facts: list[Event]
) -> None:
    async with open_house(
        tmp_path / "r", origin, facts, account_sessions=1, waiting_most=1
    ) as house:
        kept, _, _ = await house.hear(house.ask("audio"))
        await house.landed()
        house.speech.clip(house.ask("wait then audio"))
        await until(lambda: origin.waiting == 1)
        house.speech.clip(house.ask("audio 200"))
        await until(lambda: "1 waiting" in repr(house.pools.of(ACCOUNT, VOICE.model)))
        with pytest.raises(ClipFailed) as caught:
            await house.hear(house.ask("audio 300"))
        assert isinstance(caught.value.__cause__, Overloaded)
        assert (await house.hear(house.ask("audio")))[::2] == (kept, "hit-memory")
        origin.permit.set()
        await house.landed()
    assert not [fact for fact in facts if isinstance(fact, FillRetried)]


# -- who pays --------------------------------------------------------------------------------------


class Purse:
    """So many characters, and what became of them."""

    def __init__(self, characters: int) -> None:
        self.left = self.least = characters

    def spend(self, characters: int) -> None:
        if characters > self.left:
            raise Overdrawn("nothing left")
        self.left -= characters
        self.least = min(self.least, self.left)

    def give_back(self, characters: int) -> None:
        self.left += characters


async def test_whoever_opens_a_flight_pays_and_hits_and_joiners_do_not(house: House) -> None:
    purses = [Purse(100), Purse(0), Purse(0)]
    first, joiner, late = (replace(house.ask(), purse=purse) for purse in purses)
    await asyncio.gather(house.hear(first), house.hear(joiner))
    await house.landed()
    assert (await house.hear(late))[2] == "hit-memory"
    assert [purse.left for purse in purses] == [100 - len(HELLO), 0, 0]


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
    await house.speech.fetch(VOICE, HELLO, ACCOUNT)
    assert [fact.order for fact in facts if isinstance(fact, TextCharged)] == ["night"]


async def test_switched_off_it_gives_nothing_and_keeps_nothing(
    house: House, emulator: Emulator
) -> None:
    await house.hear(house.ask())
    await house.landed()
    house.speech.mode = Mode.OFF
    for text in (HELLO, "नया।", "नया।"):
        _, clip, how = await house.hear(house.ask(text))
        assert (how, clip.source) == ("bypass", Source.ORIGIN)
        await house.landed()
    assert (emulator.counters.flushes, len(house.store)) == (4, 1)
    house.speech.mode = Mode.ON
    assert (await house.hear(house.ask()))[2] == "hit-memory"


async def test_switched_off_nothing_takes_the_place_of_what_is_kept(house: House) -> None:
    _, kept, _ = await house.hear(house.ask())
    await house.landed()
    house.speech.mode = Mode.OFF
    for text in (HELLO, "नया।"):
        assert (await house.hear(house.ask(text, use=Use.REFRESH)))[2] == "bypass"
        await house.landed()
    assert len(house.store) == 1
    house.speech.mode = Mode.ON
    assert (await house.hear(house.ask()))[1] is kept


async def test_switched_off_who_wants_what_is_kept_only_still_has_it(
    house: House, emulator: Emulator
) -> None:
    await house.hear(house.ask())
    await house.landed()
    house.speech.mode = Mode.OFF
    assert (await house.hear(house.ask(use=Use.ONLY)))[2] == "hit-memory"
    with pytest.raises(ClipFailed):
        await house.hear(house.ask("नया।", use=Use.ONLY))
    assert emulator.counters.flushes == 1


async def test_in_its_shadow_it_fills_up_and_tells_what_it_would_have_had(
    tmp_path: Path, emulator: Emulator, facts: list[Event]
) -> None:
    async with open_house(tmp_path / "r", emulator, facts, memory_bytes=0) as house:
        house.speech.mode = Mode.SHADOW
        woulds = []
        for _ in range(2):
            _, clip, how = await house.hear(house.ask())
            await house.landed()
            assert how == "bypass"
            woulds.append(clip.would)
        assert woulds == ["miss", "hit-disk"]
        assert (emulator.counters.flushes, len(house.store)) == (2, 1)
        house.purge(text=HELLO)
        _, clip, _ = await house.hear(house.ask())
        assert clip.would == "miss"


async def test_in_its_shadow_what_is_memory_s_and_stale_is_told_so(
    tmp_path: Path, emulator: Emulator, facts: list[Event]
) -> None:
    stale = Freshness(ttl_s=1e-9, stale_s=3600)
    async with open_house(tmp_path / "r", emulator, facts, freshness=stale) as house:
        await house.hear(house.ask())
        await house.landed()
        house.speech.mode = Mode.SHADOW
        assert (await house.hear(house.ask()))[1].would == "stale"


async def test_what_is_a_client_s_own_wish_is_no_shadow(house: House) -> None:
    house.speech.mode = Mode.SHADOW
    _, clip, how = await house.hear(house.ask(use=Use.OFF))
    assert (how, clip.would) == ("bypass", None)
