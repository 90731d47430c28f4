"""What becomes of recordings with time, and of those that must not be heard any more."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from edgeproxy.ask import Ask, Use
from edgeproxy.cache.clip import Clip, ClipFailed, Source
from edgeproxy.cache.disk import Disk
from edgeproxy.cache.record import Record
from edgeproxy.core.errors import NotKept, OriginUnreachable
from edgeproxy.core.events import Event, RecordKept, Renewed
from edgeproxy.core.freshness import Age, Freshness
from edgeproxy.emulator import Emulator
from edgeproxy.upstream.session import OriginRefused

from .conftest import until
from .fakes.origin import Origin, tone
from .house import HELLO, TELLER, House, open_house

OLD = tone(700, 8000)
"""What was kept before: another sound than the origin has now."""
RULE = Freshness(ttl_s=100, stale_s=100, if_error_s=1000)


async def kept(house: House, text: str = HELLO, *, ago_s: float, pinned: bool = False) -> Ask:
    """A text with a recording made so long ago."""
    ask = house.ask(text)
    made = datetime.now(UTC) - timedelta(seconds=ago_s)
    record = Record(ask.identity.blob, 8000, OLD, made)
    assert await house.store.put(ask.identity, record, pinned=pinned)
    return ask


def verdict(clip: Clip, how: str) -> tuple[str, bool]:
    return how, clip.stale


@pytest.mark.parametrize("memory_bytes", [0, 10_000_000])
async def test_what_is_stale_is_served_at_once_and_renewed_by_a_fill_of_its_own(
    tmp_path: Path, emulator: Emulator, facts: list[Event], memory_bytes: int
) -> None:
    async with open_house(
        tmp_path / "r", emulator, facts, freshness=RULE, memory_bytes=memory_bytes
    ) as house:
        ask = await kept(house, ago_s=150)
        for _ in range(3):  # all at once: nobody waits, and the origin is asked once
            pcm, clip, _ = await house.hear(ask)
            assert (pcm, clip.stale) == (OLD, True)
        await house.landed()
        pcm, clip, _ = await house.hear(ask)
        assert pcm != OLD
        assert not clip.stale
        await house.landed()
    assert emulator.counters.flushes == 1
    assert [fact.ok for fact in facts if isinstance(fact, Renewed)] == [True]


async def test_what_grows_stale_in_memory_is_renewed_as_well(
    tmp_path: Path, emulator: Emulator, facts: list[Event]
) -> None:
    async with open_house(tmp_path / "r", emulator, facts, freshness=RULE) as house:
        await house.hear(house.ask())
        await house.landed()
        clip = house.memory.get(house.ask().identity)
        assert clip is not None
        assert clip.made is not None
        clip.made -= timedelta(seconds=150)
        hows = [(await house.hear(house.ask()))[2] for _ in range(3)]
        assert hows == ["stale", "stale", "stale"]
        await house.landed()
        assert (await house.hear(house.ask()))[2] == "hit-memory"
    assert emulator.counters.flushes == 2


async def test_a_renewal_that_fails_leaves_what_there_was(
    tmp_path: Path, origin: Origin, facts: list[Event]
) -> None:
    async with open_house(tmp_path / "r", origin, facts, freshness=RULE) as house:
        ask = await kept(house, "refuse 500", ago_s=150)
        for _ in range(2):
            pcm, clip, _ = await house.hear(ask)
            assert (pcm, clip.stale) == (OLD, True)
            await house.landed()
    assert [fact.ok for fact in facts if isinstance(fact, Renewed)] == [False, False]


async def test_what_is_older_is_served_when_the_origin_cannot_be_had(
    tmp_path: Path, origin: Origin, facts: list[Event]
) -> None:
    async with open_house(tmp_path / "r", origin, facts, freshness=RULE) as house:
        broken = await kept(house, "audio 100 then refuse 500", ago_s=500)
        well = await kept(house, "audio 300", ago_s=500)
        pcm, clip, how = await house.hear(broken)
        assert (pcm, clip.stale, how) == (OLD, True, "fill")
        pcm, clip, how = await house.hear(well)
        assert (pcm, clip.source) == (tone(300, 8000), Source.ORIGIN)
    assert len(origin.asked) == 2


async def test_a_refusal_of_the_text_is_passed_on_however_much_is_kept(
    tmp_path: Path, origin: Origin, facts: list[Event]
) -> None:
    async with open_house(tmp_path / "r", origin, facts, freshness=RULE) as house:
        ask = await kept(house, "refuse 422 not this", ago_s=500)
        with pytest.raises(ClipFailed) as caught:
            await house.hear(ask)
        assert isinstance(caught.value.__cause__, OriginRefused)


async def test_a_key_of_our_own_that_is_refused_is_no_refusal_of_the_caller(
    tmp_path: Path, origin: Origin, facts: list[Event]
) -> None:
    async with open_house(tmp_path / "r", origin, facts, freshness=RULE) as house:
        ask = house.ask("refuse 403 This key is not known")
        own = replace(ask, account=replace(ask.account, own=True))
        for asked, kind in ((ask, OriginRefused), (own, OriginUnreachable)):
            with pytest.raises(ClipFailed) as caught:
                await house.hear(asked)
            assert type(caught.value.__cause__) is kind


async def test_what_is_too_old_for_anything_is_an_honest_error(
    tmp_path: Path, origin: Origin, facts: list[Event]
) -> None:
    async with open_house(tmp_path / "r", origin, facts, freshness=RULE) as house:
        ask = await kept(house, "refuse 500", ago_s=5000)
        with pytest.raises(ClipFailed):
            await house.hear(ask)


async def test_what_the_night_has_promoted_is_never_too_old_and_is_renewed(
    tmp_path: Path, emulator: Emulator, facts: list[Event]
) -> None:
    async with open_house(tmp_path / "r", emulator, facts, freshness=RULE) as house:
        ask = await kept(house, ago_s=1e7, pinned=True)
        pcm, clip, _ = await house.hear(ask)
        assert (pcm, clip.stale) == (OLD, True)
        await house.landed()
        assert (await house.hear(ask))[0] != OLD
        assert house.store.is_pinned(ask.identity)


async def test_what_a_book_holds_is_never_too_old(
    tmp_path: Path, emulator: Emulator, facts: list[Event]
) -> None:
    async with open_house(tmp_path / "r", emulator, facts, freshness=RULE) as house:
        ask = await kept(house, ago_s=1e7, pinned=True)
        curated = Ask(ask.identity, ask.account, curated=True)
        for _ in range(2):
            pcm, clip, _ = await house.hear(curated)
            assert (pcm, clip.stale) == (OLD, False)
    assert emulator.counters.flushes == 0


async def test_a_book_recording_that_cannot_be_read_just_now_is_not_replaced(
    tmp_path: Path, emulator: Emulator, facts: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_house(tmp_path / "r", emulator, facts, freshness=RULE) as house:
        ask = await kept(house, ago_s=1, pinned=True)
        curated = Ask(ask.identity, ask.account, curated=True)
        with monkeypatch.context() as patched:
            patched.setattr(Disk, "head", bad_sector)
            pcm, clip, _ = await house.hear(curated)
            assert (clip.source, pcm == OLD) == (Source.ORIGIN, False)
            await house.landed()
        for _ in range(2):
            assert (await house.hear(curated))[0] == OLD
        assert house.store.is_pinned(ask.identity)


def bad_sector(*_: object) -> bytes:
    raise OSError(5, "Input/output error")


async def test_who_joined_a_renewal_that_fails_hears_what_there_was(
    tmp_path: Path, origin: Origin, facts: list[Event]
) -> None:
    async with open_house(tmp_path / "r", origin, facts, freshness=RULE) as house:
        ask = await kept(house, "wait then refuse 500", ago_s=1)
        await house.hear(ask)
        clip = house.memory.get(ask.identity)
        assert clip is not None
        assert clip.made is not None
        clip.made -= timedelta(seconds=150)
        assert (await house.hear(ask))[2] == "stale"
        await until(lambda: origin.waiting == 1)
        house.memory.forget(ask.identity)
        joined, how = house.speech.clip(ask)
        assert how == "collapsed"
        origin.permit.set()
        assert await joined.whole() == OLD


async def test_forms_of_a_clip_that_is_not_held_do_not_weigh(house: House) -> None:
    await house.hear(house.ask())
    await house.landed()
    before = house.memory.size
    off = house.ask(use=Use.OFF)
    clip, _ = house.speech.clip(off)
    await clip.whole()
    house.speech.keep_ready(off, clip, ("mp3", "128k"), b"x" * 100_000)
    assert house.memory.size == before


# -- purges ----------------------------------------------------------------------------------------


async def test_what_was_purged_is_asked_of_the_origin_again(
    house: House, emulator: Emulator
) -> None:
    for text in (HELLO, "और कुछ?"):
        await house.hear(house.ask(text))
    await house.landed()
    house.purge(text=HELLO)
    _, clip, how = await house.hear(house.ask())
    assert (how, clip.source) == ("fill", Source.ORIGIN)
    assert (await house.hear(house.ask("और कुछ?")))[2] == "hit-memory"
    await house.landed()
    assert (await house.hear(house.ask()))[2] == "hit-memory"
    assert emulator.counters.flushes == 3


async def test_a_purge_wins_over_the_fill_that_is_in_the_air(
    tmp_path: Path, origin: Origin, facts: list[Event]
) -> None:
    script = "audio 500 then wait then audio 500"
    async with open_house(tmp_path / "r", origin, facts) as house:
        before, _ = house.speech.clip(house.ask(script))
        await until(lambda: origin.waiting == 1)
        house.purge(text=script)
        after, how = house.speech.clip(house.ask(script))
        assert how == "fill"
        await until(lambda: origin.waiting == 2)
        origin.permit.set()
        # Who was listening already hears it to the end.
        assert await before.whole() == await after.whole()
        await house.landed()
        assert len(house.store) == 1
        assert [fact.key for fact in facts if isinstance(fact, RecordKept)] == [after.key]
        assert house.memory.get(house.ask(script).identity) is after


async def test_a_purge_of_all_in_the_middle_keeps_nothing_of_what_was_begun_before(
    tmp_path: Path, origin: Origin, facts: list[Event]
) -> None:
    async with open_house(tmp_path / "r", origin, facts) as house:
        asks = [house.ask(f"audio {ms} then wait") for ms in (100, 200, 300)]
        clips = [house.speech.clip(ask)[0] for ask in asks]
        await until(lambda: origin.waiting == 3)
        house.purge()
        origin.permit.set()
        for clip in clips:
            await clip.whole()
        await house.landed()
        assert (len(house.store), len(house.memory)) == (0, 0)


async def test_a_soft_purge_makes_stale(house: House, emulator: Emulator) -> None:
    await house.hear(house.ask())
    await house.landed()
    house.purge(soft=True, prefix="नमस्ते")
    _, clip, _ = await house.hear(house.ask())
    assert (clip.source, clip.stale) == (Source.DISK, True)
    await house.landed()
    _, clip, how = await house.hear(house.ask())
    assert verdict(clip, how) == ("hit-memory", False)
    assert emulator.counters.flushes == 2


async def test_a_purge_holds_after_a_restart(
    tmp_path: Path, emulator: Emulator, facts: list[Event]
) -> None:
    async with open_house(tmp_path / "r", emulator, facts) as house:
        await house.hear(house.ask())
        await house.landed()
        house.purge(voice={"speaker": "shubh"})
    async with open_house(tmp_path / "r", emulator, facts) as house:
        # Its file lies there still; nobody has swept it.
        assert len(house.store) == 1
        _, clip, _ = await house.hear(house.ask())
        assert clip.source is Source.ORIGIN


# -- what a caller makes of the cache --------------------------------------------------------------


async def test_off_takes_nothing_and_leaves_nothing(house: House, emulator: Emulator) -> None:
    off = house.ask(use=Use.OFF)
    for _ in range(2):
        assert (await house.hear(off))[2] == "bypass"
        await house.landed()
    assert (len(house.store), len(house.memory)) == (0, 0)
    await house.hear(house.ask())
    await house.landed()
    assert (await house.hear(off))[2] == "bypass"
    assert emulator.counters.flushes == 4


async def test_refresh_takes_nothing_and_its_audio_is_the_next_hit(
    tmp_path: Path, emulator: Emulator, facts: list[Event]
) -> None:
    async with open_house(tmp_path / "r", emulator, facts, freshness=RULE) as house:
        await kept(house, ago_s=1)
        pcm, _, how = await house.hear(house.ask(use=Use.REFRESH))
        assert how == "bypass"
        assert pcm != OLD
        await house.landed()
        again, _, how = await house.hear(house.ask())
        assert (again, how) == (pcm, "hit-memory")
    assert emulator.counters.flushes == 1


async def test_only_never_asks_the_origin(
    tmp_path: Path, emulator: Emulator, facts: list[Event]
) -> None:
    async with open_house(tmp_path / "r", emulator, facts, freshness=RULE) as house:
        with pytest.raises(ClipFailed) as caught:
            await house.hear(house.ask(use=Use.ONLY))
        assert isinstance(caught.value.__cause__, NotKept)
        await kept(house, ago_s=150)
        for _ in range(2):
            pcm, clip, _ = await house.hear(house.ask(use=Use.ONLY))
            assert (pcm, clip.stale) == (OLD, True)
            await house.landed()
    assert emulator.counters.flushes == 0


async def test_whoever_only_looks_is_joined_by_nobody_and_holds_up_no_fill(
    house: House, emulator: Emulator
) -> None:
    looks, asks = house.ask(use=Use.ONLY), house.ask()
    first, _ = house.speech.clip(looks)
    second, how = house.speech.clip(asks)
    third, _ = house.speech.clip(looks)
    assert how == "fill"
    # Who asked leaves before the origin was: nothing is asked for the sake of those who only look.
    house.speech.leave(asks, second)
    for clip in (first, third):
        with pytest.raises(ClipFailed) as caught:
            await clip.whole()
        assert isinstance(caught.value.__cause__, NotKept)
        house.speech.leave(looks, clip)
    await house.landed()
    assert emulator.counters.flushes == 0


# -- what is kept ----------------------------------------------------------------------------------


async def test_no_callers_number_lies_on_the_disk_or_in_memory(
    house: House, emulator: Emulator
) -> None:
    for _ in range(2):
        await house.hear(house.ask("आपका नंबर 98765 43210 है।"))
        await house.landed()
    assert (len(house.store), len(house.memory)) == (0, 0)
    assert emulator.counters.flushes == 2


async def test_what_a_book_says_is_kept_whatever_it_looks_like(house: House) -> None:
    await house.hear(house.ask("आपातकाल में 1800 233 445 पर फ़ोन कीजिए।", written=True))
    await house.landed()
    assert (len(house.store), len(house.memory)) == (1, 1)


async def test_the_epoch_is_in_the_identity_and_retires_what_was_before(
    house: House, emulator: Emulator
) -> None:
    await house.hear(house.ask())
    await house.landed()
    raised = type(TELLER)("ns", TELLER.voice, epoch=1).identity(HELLO)
    _, clip, _ = await house.hear(Ask(raised, house.ask().account))
    assert clip.source is Source.ORIGIN
    assert emulator.counters.flushes == 2


async def test_what_a_purge_takes_can_be_told_from_what_it_makes_stale(house: House) -> None:
    ask = house.ask()
    await house.hear(ask)
    await house.landed()
    assert list(house.speech.remembered(HELLO)) == [ask.identity]
    assert house.speech.purged(ask.identity) is None
    found = await house.store.variants(HELLO)
    assert found is not None
    facts = found[ask.identity]
    assert house.speech.age(ask, facts.made, since=facts.purge) is Age.FRESH
    house.purge(text=HELLO, soft=True)
    assert house.speech.age(ask, facts.made, since=facts.purge) is Age.STALE
    house.purge(text=HELLO)
    house.purge(soft=True)
    assert house.speech.age(ask, facts.made, since=facts.purge) is Age.OVER
    purge = house.speech.purged(ask.identity, since=facts.purge)
    assert purge is not None
    assert not purge.soft
    assert house.speech.purged(ask.identity, since=house.purges.number) is None
    assert house.speech.remembered(HELLO) == {}
