"""THE PATH, on real parts: a segment becomes its clip, once, and only what is whole is kept."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from edgeproxy.ask import Use
from edgeproxy.cache.clip import ClipFailed, Source
from edgeproxy.core.errors import (
    OriginDown,
    Overloaded,
)
from edgeproxy.core.events import (
    BreakerMoved,
    Event,
    FillRetried,
    RecordKept,
    RecordRefused,
)
from edgeproxy.core.freshness import Freshness
from edgeproxy.core.voice import Voice
from edgeproxy.emulator import Emulator
from edgeproxy.speech import Mode
from edgeproxy.upstream.breaker import State as BreakerState
from edgeproxy.upstream.pool import Order

from .conftest import until
from .fakes.origin import Origin
from .house import ACCOUNT, HELLO, OVER, VOICE, House, Purse, open_house


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


async def drain(pieces: AsyncIterator[bytes]) -> None:
    async for _ in pieces:
        pass


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
    assert "silent" in refused.reason


async def test_what_may_not_be_kept_is_not(
    tmp_path: Path, emulator: Emulator, facts: list[Event]
) -> None:
    async with open_house(tmp_path / "r", emulator, facts, characters_kept=10) as house:
        await house.hear(house.ask("यह दस अक्षरों से लंबा है।"))
        await house.hear(house.ask("छोटा।", keep=False))
        await house.landed()
        assert len(house.store) == 0


async def test_what_has_no_word_in_it_is_a_pause_and_costs_nothing(
    house: House, emulator: Emulator
) -> None:
    for text in ("…", "🙂", "—"):
        pcm, _, how = await house.hear(house.ask(text))
        assert how == "pause"
        assert pcm
        assert not any(pcm)
    assert emulator.counters.flushes == 0


async def test_a_hundred_ask_at_once_and_some_leave(house: House, emulator: Emulator) -> None:
    asks = [house.ask() for _ in range(100)]
    clips = [house.speech.clip(ask)[0] for ask in asks]
    for ask, clip in zip(asks[::3], clips[::3], strict=True):
        house.speech.leave(ask, clip)
    heard = await asyncio.gather(*(clip.whole() for clip in clips))
    assert len(set(heard)) == 1
    assert emulator.counters.flushes == 1


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
        await house.origin.fetch(VOICE, "रात का वाक्य", ACCOUNT)
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


async def test_whoever_opens_a_flight_pays_and_hits_and_joiners_do_not(house: House) -> None:
    purses = [Purse(100), Purse(0), Purse(0)]
    first, joiner, late = (replace(house.ask(), purse=purse) for purse in purses)
    await asyncio.gather(house.hear(first), house.hear(joiner))
    await house.landed()
    assert (await house.hear(late))[2] == "hit-memory"
    assert [purse.left for purse in purses] == [100 - len(HELLO), 0, 0]


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
