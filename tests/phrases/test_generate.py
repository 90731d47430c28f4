"""The making of pinned texts, with a real store and real speech: nothing is lost, repeated or overspent."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeproxy.audio import encode, quality
from edgeproxy.audio.resample import resample
from edgeproxy.cache.purge import Purges
from edgeproxy.cache.record import Record
from edgeproxy.cache.store import Store
from edgeproxy.core.errors import OriginSilent
from edgeproxy.core.events import Event, PhraseGenerated, PhraseRefused, StoreFailed
from edgeproxy.core.key import NO_EPOCHS, Epochs, Identity, Teller
from edgeproxy.core.turn import Cuts
from edgeproxy.core.voice import Voice
from edgeproxy.emulator import speech
from edgeproxy.phrases import studio
from edgeproxy.phrases.due import Due, Unit, units
from edgeproxy.phrases.generate import AT_ONCE, GRACE, Built, Generator
from edgeproxy.phrases.generations import Generations, Pinned, namespace, unit_key
from edgeproxy.phrases.library import Library
from edgeproxy.phrases.pinned import SHARED
from edgeproxy.phrases.studio import Fetch
from edgeproxy.sarvam import models

Write = Callable[..., Path]

NOW = datetime(2026, 11, 24, 2, 30, tzinfo=UTC)
TOP = "languages: [en-IN]\nvoice: {speaker: ritu}\n"
SIX = "".join(f"  p{number}: This is sentence {number}.\n" for number in range(6))
PLENTY = 1_000_000


@lru_cache
def spoken(text: str, rate: int = 22050, *, pace: float = 1.0) -> bytes:
    pcm = speech.speak(text, language="en-IN", speaker="ritu", pace=pace)
    return resample(pcm, rate=speech.RATE, to=rate)


class Origin:
    """Speaks what it is asked, unless ``answer`` has something else in mind."""

    def __init__(self, answer: Callable[[Voice, str], bytes] | None = None) -> None:
        self.asked: list[str] = []
        self.at_once = self.most_at_once = 0
        self.answer = answer or (lambda voice, text: spoken(text, voice.rate))

    async def __call__(self, voice: Voice, text: str) -> bytes:
        self.asked.append(text)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await asyncio.sleep(0)
            return self.answer(voice, text)
        finally:
            self.at_once -= 1


class Shop:
    """A generator and what it works with, as one process has them."""

    def __init__(self, folder: Path, store: Store, origin: Origin, facts: list[Event]) -> None:
        self.books, self.store, self.origin, self.facts = folder, store, origin, facts
        self.generations = Generations.load(folder / "data" / "generations.json")
        self.purges = Purges.load(folder / "data" / "purges.json")
        self.generator = self.generator_for(origin)

    def generator_for(self, fetch: Fetch, epochs: Epochs = NO_EPOCHS) -> Generator:
        return Generator(
            self.store,
            fetch,
            self.generations,
            purges=self.purges,
            epochs=epochs,
            characters_per_second=1e9,
            emit=self.facts.append,
        )

    @property
    def library(self) -> Library:
        return Library.load(self.books, Cuts(), now=NOW)

    def plan(self, now: datetime = NOW) -> list[Due]:
        return self.generator.plan(self.library, now=now)

    async def build(self, *, now: datetime = NOW, budget: int = PLENTY) -> Built:
        return await self.generator.build(self.plan(now), budget_characters=budget)

    def pinned(self, text: str) -> Pinned:
        return next(each for each in self.generations if each.text == text)

    async def record(
        self, text: str, number: int = 1, *, take: int = 0, rate: int = 22050
    ) -> Record | None:
        pinned = self.pinned(text)
        return await self.store.get(identity(pinned, number, take=take, rate=rate))

    async def is_whole(self) -> bool:
        """Whether everything that is known of can be heard."""
        wanted = units(self.library)
        return all(
            [
                await self.store.get(identity(each, made.number, take=take, rate=rate))
                for each in self.generations
                for made in each.generations
                for take in range(made.takes)
                for rate in wanted[each.key].rates
            ]
        )


def identity(pinned: Pinned, number: int, *, take: int = 0, rate: int = 22050) -> Identity:
    voice = Voice({**pinned.voice, "rate": rate})
    return Teller(namespace(number, take), voice).identity_of_normal(pinned.text)


@asynccontextmanager
async def open_shop(folder: Path, origin: Origin | None = None) -> AsyncIterator[Shop]:
    facts: list[Event] = []
    store = await Store.open(
        folder / "data" / "records", quota_bytes=10**9, min_free_bytes=0, emit=facts.append
    )
    try:
        yield Shop(folder, store, origin or Origin(), facts)
    finally:
        await store.close()


@pytest.fixture(autouse=True)
def no_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(studio, "BACKOFF_S", 0.0)


@pytest.fixture
async def shop(folder: Path) -> AsyncIterator[Shop]:
    async with open_shop(folder) as shop:
        yield shop


async def test_what_is_due_is_made_kept_and_heard(shop: Shop, write: Write) -> None:
    write("  a: Hello there. How are you?\n")

    built = await shop.build()

    assert {each.unit.text for each in built.made} == {"Hello there.", "How are you?"}
    assert (built.failed, built.skipped, built.stopped) == ([], [], None)
    assert built.characters == 24
    assert built.rupees == pytest.approx(0.072)
    record = await shop.record("Hello there.")
    assert record is not None
    assert (record.pcm, record.made) == (spoken("Hello there."), NOW)
    heard = shop.generations.speaking(built.made[0].unit.voice, "Hello there.")
    assert heard is not None
    assert (heard.number, heard.made, heard.characters) == (1, NOW, 12)
    assert heard.seconds == pytest.approx(len(record.pcm) / 44100)
    assert -40 < heard.loudness_dbfs < -6
    assert shop.plan() == []


async def test_a_tenants_book_is_made_and_retired_in_a_place_of_its_own(
    shop: Shop, write: Write
) -> None:
    write("  a: Hello there.\n", name="open.yaml")
    file = write("  a: Hello there.\n", top=TOP + "tenants: [acme]\n", name="acme.yaml")

    built = await shop.build()

    assert len(built.made) == 2
    voice = built.made[0].unit.voice
    acme = Teller(namespace(1, 0, scope="acme"), voice).identity("Hello there.")
    shared = Teller(namespace(1, 0), voice).identity("Hello there.")
    assert acme in shop.store
    assert shared in shop.store
    assert shop.generations.speaking(voice, "Hello there.", scope="acme") is not None
    file.unlink()
    await shop.generator.retire(shop.library, NOW)
    await shop.generator.retire(shop.library, NOW + GRACE)
    assert acme not in shop.store
    assert shared in shop.store


async def test_another_loudness_is_made_from_the_takes_there_are_and_costs_nothing(
    shop: Shop, write: Write
) -> None:
    top = TOP + "refresh_after: 30 days\n"
    write("  a: {text: Hello there., takes: 2}\n", top=top)
    await shop.build()
    write("  a: {text: Hello there., takes: 2}\n", top=top + "normalise_dbfs: -30\n")
    later = NOW + timedelta(days=29)
    (due, *_) = plan = shop.plan(later)
    assert {(each.reason, each.characters) for each in plan} == {("changed loudness", 0)}
    asked = len(shop.origin.asked)

    built = await shop.build(now=later, budget=0)

    assert (built.failed, built.characters, len(shop.origin.asked)) == ([], 0, asked)
    for take in range(2):
        record = await shop.record("Hello there.", 2, take=take)
        assert record is not None
        assert quality.loudness_dbfs(record.pcm) == pytest.approx(-30, abs=0.5)
    assert shop.plan(later) == []
    # It was spoken when it was, and is due when it would have been.
    assert {each.reason for each in shop.plan(NOW + timedelta(days=30))} == {
        "older than refresh_after"
    }
    assert shop.generations[due.unit.key].speaks == 2


async def test_without_the_field_what_was_scaled_stays_so(shop: Shop, write: Write) -> None:
    write("  a: Hello there.\n", top=TOP + "normalise_dbfs: -30\n")
    await shop.build()

    write("  a: Hello there.\n")

    assert shop.plan() == []


async def test_what_was_made_outlives_the_process(folder: Path, shop: Shop, write: Write) -> None:
    write(SIX)
    await shop.build()

    async with open_shop(folder) as later:
        assert later.plan() == []
        assert await later.is_whole()
        assert list(later.generations) == list(shop.generations)


async def test_every_rate_is_made_from_the_master_and_as_long_as_it(
    shop: Shop, write: Write
) -> None:
    write("  a: Hello there.\n", top=TOP + "sample_rates: [8000, 16000, 22050, 24000]\n")

    await shop.build()

    master = spoken("Hello there.", 24000)
    assert shop.origin.asked == ["Hello there."]
    for rate in (8000, 16000, 22050, 24000):
        record = await shop.record("Hello there.", rate=rate)
        assert record is not None
        assert record.pcm == resample(master, rate=24000, to=rate)
        assert len(record.pcm) // 2 == round(len(master) // 2 * rate / 24000)


async def test_each_take_is_a_recording_of_its_own(shop: Shop, write: Write) -> None:
    paces = iter((1.0, 1.1, 0.9))
    shop.origin.answer = lambda voice, text: spoken(text, voice.rate, pace=next(paces))
    write("  a: {text: Hello there., takes: 3}\n")

    built = await shop.build()

    assert built.characters == 3 * len("Hello there.")
    records = [await shop.record("Hello there.", take=take) for take in range(3)]
    assert len({record.pcm for record in records if record}) == 3
    assert shop.pinned("Hello there.").generations[0].takes == 3
    assert shop.plan() == []


async def test_all_records_are_beyond_eviction(folder: Path, write: Write) -> None:
    write(SIX)
    store = await Store.open(folder / "data" / "records", quota_bytes=0, min_free_bytes=0)
    try:
        shop = Shop(folder, store, Origin(), [])
        await shop.build()
        assert await shop.is_whole()
        assert len(store) == 6
    finally:
        await store.close()


async def test_a_refresh_makes_the_next_generation_and_moves_the_pointer(
    shop: Shop, write: Write
) -> None:
    write("  a: Hello there.\n", top=TOP + "refresh_after: 1 day\n")
    for day in range(6):
        await shop.build(now=NOW + timedelta(days=day))

    pinned = shop.pinned("Hello there.")

    assert pinned.speaks == 6
    assert [each.number for each in pinned.generations] == [4, 5, 6]
    assert [await shop.record("Hello there.", number) is None for number in range(1, 7)] == (
        [True] * 3 + [False] * 3
    )
    assert len(shop.store) == 3


async def test_a_night_of_another_date_is_not_repeated_on_the_same(
    shop: Shop, write: Write
) -> None:
    write(SIX, top=TOP + "refresh_after: 30 days\n")
    await shop.build()
    later = NOW + timedelta(days=365)

    await shop.build(now=later)

    assert len(shop.origin.asked) == 12
    assert shop.plan(later) == []


@pytest.mark.parametrize("held", [True, False], ids=["held by hand", "swap: manual"])
async def test_a_pointer_that_is_held_or_manual_never_moves(
    shop: Shop, write: Write, held: bool
) -> None:
    top = TOP + "refresh_after: 1 day\n"
    write("  a: Hello there.\n", top=top)
    await shop.build()
    if held:
        shop.generations.use(shop.pinned("Hello there.").key, 1)
    else:
        write("  a: Hello there.\n", top=top + "swap: manual\n")

    for day in range(1, 6):
        await shop.build(now=NOW + timedelta(days=day))

    pinned = shop.pinned("Hello there.")
    assert pinned.speaks == 1
    assert [each.number for each in pinned.generations] == [1, 4, 5, 6]
    assert await shop.record("Hello there.", 1) is not None
    told = [each for each in shop.facts if isinstance(each, PhraseGenerated)]
    assert [each.speaks for each in told] == [True] + [False] * 5


async def test_in_a_manual_book_nothing_is_heard_before_it_is_picked(
    shop: Shop, write: Write
) -> None:
    write("  a: Hello there.\n", top=TOP + "swap: manual\n")
    built = await shop.build()
    voice = built.made[0].unit.voice

    before = shop.generations.speaking(voice, "Hello there.")
    shop.generations.use(built.made[0].unit.key, 1)
    after = shop.generations.speaking(voice, "Hello there.")

    assert (before, after and after.number) == (None, 1)
    assert shop.plan() == []


async def test_what_fails_keeps_what_is_heard_and_is_told_with_its_figure(
    shop: Shop, write: Write
) -> None:
    write("  a: Hello there.\n  b: Goodbye.\n", top=TOP + "refresh_after: 1 day\n")
    await shop.build()
    shop.origin.answer = lambda voice, text: spoken(text)[: 3000 if text == "Goodbye." else None]

    built = await shop.build(now=NOW + timedelta(days=1))

    assert [each.unit.text for each in built.made] == ["Hello there."]
    (refused,) = built.failed
    assert refused.due.unit.text == "Goodbye."
    assert refused.reasons[0].startswith("0.07 s is too short for 7 letters: at least 0.1")
    pinned = shop.pinned("Goodbye.")
    assert (pinned.speaks, len(pinned.generations)) == (1, 1)
    assert pinned.failed is not None
    assert pinned.failed.attempts == 3
    assert await shop.record("Goodbye.", 2) is None
    (told,) = [each for each in shop.facts if isinstance(each, PhraseRefused)]
    assert (told.phrase, told.attempts) == ("book/b", 3)
    assert [each.reason for each in shop.plan(NOW + timedelta(days=1))] == ["failed check"]

    shop.origin.answer = lambda voice, text: spoken(text)
    await shop.build(now=NOW + timedelta(days=1))
    assert (shop.pinned("Goodbye.").speaks, shop.pinned("Goodbye.").failed) == (2, None)


async def test_one_bad_take_of_several_fails_them_all(shop: Shop, write: Write) -> None:
    answers = iter([spoken("Hello there."), *[b""] * 9])
    shop.origin.answer = lambda voice, text: next(answers)
    write("  a: {text: Hello there., takes: 3}\n")

    built = await shop.build()

    assert (built.made, len(built.failed), len(shop.store)) == ([], 1, 0)
    assert built.characters == 4 * len("Hello there.")


async def test_a_human_recording_is_decoded_not_fetched(shop: Shop, write: Write) -> None:
    studio_quality = resample(spoken("Hello there. How are you?"), rate=22050, to=48000)
    (shop.books / "a.flac").write_bytes(encode.encode_whole(studio_quality, "flac", rate=48000))
    write(
        "  a: {text: Hello there. How are you?, audio: a.flac}\n",
        top=TOP + "sample_rates: [8000, 24000]\n",
    )

    built = await shop.build()

    assert sorted(shop.origin.asked) == ["Hello there.", "How are you?"]
    assert built.characters == 24
    pinned = shop.pinned("Hello there. How are you?")
    assert pinned.generations[0].recording is not None
    for rate in (8000, 24000):
        record = await shop.record("Hello there. How are you?", rate=rate)
        assert record is not None
        assert len(record.pcm) // 2 == round(len(studio_quality) // 2 * rate / 48000)


async def test_a_recording_that_was_replaced_is_heard_without_a_word_to_the_origin(
    shop: Shop, write: Write
) -> None:
    def record(text: str) -> None:
        wav = encode.encode_whole(spoken(text), "wav", rate=22050)
        (shop.books / "a.wav").write_bytes(wav)

    write("  a: {text: Hello there., audio: a.wav}\n")
    record("Hello there.")
    await shop.build()
    record("A much longer recording, of quite another length, says something else.")

    built = await shop.generator.build(shop.plan(), budget_characters=0)

    assert (len(built.made), built.characters, shop.origin.asked) == (1, 0, [])
    assert shop.pinned("Hello there.").speaks == 2


async def test_what_the_budget_does_not_reach_waits_and_smaller_things_go_before(
    shop: Shop, write: Write
) -> None:
    write("  a: Hello there.\n  b: This one is far too long for what is left.\n  c: Goodbye.\n")

    built = await shop.build(budget=20)

    assert {each.unit.text for each in built.made} == {"Hello there.", "Goodbye."}
    assert [each.unit.phrases for each in built.skipped] == [("book/b",)]
    assert built.characters == 20
    assert [each.unit.phrases for each in shop.plan()] == [("book/b",)]


VOICE = Voice(models.audible({"language": "en-IN", "speaker": "ritu", "rate": 22050}))


def due(text: str, takes: int) -> Due:
    unit = Unit(
        key=unit_key(VOICE, text),
        scope=SHARED,
        text=text,
        voice=VOICE,
        rates=(22050,),
        phrases=("book/a",),
        takes=takes,
        recording=None,
        manual=False,
        refresh_after=None,
    )
    return Due(unit=unit, reason="new", after=0, asked=NOW)


WANTED = st.lists(
    st.tuples(st.integers(1, 4), st.integers(1, 3)),
    min_size=1,
    max_size=6,
    unique_by=lambda each: each[0],
)


@given(
    wanted=WANTED, broken=st.lists(st.sampled_from("ses!"), max_size=20), budget=st.integers(0, 99)
)
def test_no_budget_is_ever_passed(
    wanted: Sequence[tuple[int, int]], broken: list[str], budget: int
) -> None:
    def answer(voice: Voice, text: str) -> bytes:
        match broken.pop() if broken else "s":
            case "e":
                raise OriginSilent("nothing")
            case "!":
                return b""
        return spoken(text)

    async def build() -> tuple[Origin, Built]:
        with TemporaryDirectory() as folder:
            async with open_shop(Path(folder), Origin(answer)) as shop:
                todo = [due("Word." * words, takes) for words, takes in wanted]
                built = await shop.generator.build(todo, budget_characters=budget)
                assert len(built.made) + len(built.failed) + len(built.skipped) == len(todo)
                assert len(Generations.load(shop.generations.file)) == len(todo) - len(
                    built.skipped
                )
                return shop.origin, built

    origin, built = asyncio.run(build())

    assert sum(map(len, origin.asked)) == built.characters <= budget


async def test_few_are_asked_for_at_a_time(shop: Shop, write: Write) -> None:
    write("".join(f"  p{number}: This is sentence {number}.\n" for number in range(20)))

    await shop.build()

    assert shop.origin.most_at_once == AT_ONCE


async def test_progress_is_told_for_each(shop: Shop, write: Write) -> None:
    write(SIX)
    told: list[tuple[int, int, str]] = []

    await shop.generator.build(
        shop.plan(), budget_characters=60, progress=lambda *each: told.append(each)
    )

    assert [done for done, _, _ in told] == [1, 2, 3, 4, 5, 6]
    assert {total for _, total, _ in told} == {6}
    assert {phrase for _, _, phrase in told} == {f"book/p{number}" for number in range(6)}


@pytest.mark.parametrize("moment", range(1, 7))
@pytest.mark.parametrize("where", ["asking", "asked", "putting", "put", "saving", "saved"])
async def test_a_build_that_is_cancelled_anywhere_loses_and_repeats_nothing(
    folder: Path, write: Write, monkeypatch: pytest.MonkeyPatch, where: str, moment: int
) -> None:
    write(SIX, top=TOP + "sample_rates: [8000, 22050]\n")
    async with open_shop(folder) as first:
        task: asyncio.Task[Built]
        left = moment

        def tick(place: str) -> None:
            nonlocal left
            left -= place == where
            if place == where and left == 0:
                loop.call_soon_threadsafe(task.cancel)

        loop = asyncio.get_running_loop()
        put, save = first.store.put, first.generations.save

        async def ticking_put(identity: Identity, record: Record, *, pinned: bool = False) -> bool:
            tick("putting")
            kept = await put(identity, record, pinned=pinned)
            tick("put")
            return kept

        def ticking_save() -> None:
            tick("saving")
            save()
            tick("saved")

        def answer(voice: Voice, text: str) -> bytes:
            tick("asked")
            return spoken(text, voice.rate)

        async def ask(voice: Voice, text: str) -> bytes:
            tick("asking")
            return await first.origin(voice, text)

        first.origin.answer = answer
        monkeypatch.setattr(first.store, "put", ticking_put)
        monkeypatch.setattr(first.generations, "save", ticking_save)
        generator = first.generator_for(ask)
        task = asyncio.create_task(generator.build(first.plan(), budget_characters=PLENTY))
        with contextlib.suppress(asyncio.CancelledError):
            await task
        in_memory = {each.text for each in first.generations}

    async with open_shop(folder) as second:
        saved = {each.text for each in second.generations}
        assert saved == in_memory
        assert await second.is_whole()
        await second.build()
        again = set(second.origin.asked)
        assert not again & saved
        assert len(again | saved) == 6
        # What was in the air, and no more, was asked for twice.
        assert len(first.origin.asked) - len(saved) <= AT_ONCE
        assert await second.is_whole()
        assert len(second.store) == 12
        assert second.plan() == []


BUILDER = """
import asyncio, sys
from pathlib import Path
from edgeproxy.cache.purge import Purges
from edgeproxy.cache.store import Store
from edgeproxy.core.turn import Cuts
from edgeproxy.emulator import speech
from edgeproxy.phrases.generate import Generator
from edgeproxy.phrases.generations import Generations
from edgeproxy.phrases.library import Library
from datetime import UTC, datetime

async def fetch(voice, text):
    print(text, flush=True)
    return await asyncio.to_thread(speech.speak, text, language="en-IN", speaker="ritu")

async def main(folder):
    store = await Store.open(folder / "data" / "records", quota_bytes=10**9, min_free_bytes=0)
    generations = Generations.load(folder / "data" / "generations.json")
    generator = Generator(
        store,
        fetch,
        generations,
        purges=Purges.load(folder / "data" / "purges.json"),
        characters_per_second=1e9,
    )
    due = generator.plan(Library.load(folder, Cuts()), now=datetime.now(UTC))
    await generator.build(due, budget_characters=10**6)

asyncio.run(main(Path(sys.argv[1])))
"""


async def test_a_process_killed_in_the_middle_of_a_build_goes_on_where_it_was(
    folder: Path, write: Write
) -> None:
    write("".join(f"  p{number}: This is sentence {number}.\n" for number in range(30)))
    saved: set[str] = set()
    for _ in range(3):
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-c", BUILDER, str(folder), stdout=asyncio.subprocess.PIPE
        )
        assert child.stdout is not None
        asked = [(await child.stdout.readline()).decode().strip() for _ in range(8)]
        child.kill()
        asked += (await child.stdout.read()).decode().splitlines()
        await child.wait()

        assert not saved & set(asked)
        async with open_shop(folder) as shop:
            # What was asked for is saved, but for what was in the air.
            made = {each.text for each in shop.generations} - saved
            assert made <= set(asked)
            assert len(asked) - len(made) <= AT_ONCE
            assert await shop.is_whole()
            saved |= made

    async with open_shop(folder) as shop:
        await shop.build()
        assert len(shop.origin.asked) == 30 - len(saved)
        assert await shop.is_whole()


async def test_two_processes_make_everything_once(folder: Path, write: Write) -> None:
    write(SIX)
    async with open_shop(folder) as one, open_shop(folder) as other:
        built = await asyncio.gather(one.build(), other.build())

        assert sorted(one.origin.asked + other.origin.asked) == sorted(
            each.text for each in one.generations
        )
        assert sorted(len(each.made) for each in built) == [0, 6]
        assert list(Generations.load(one.generations.file)) == list(one.generations)


async def test_runs_take_turns_also_within_one_process(shop: Shop, write: Write) -> None:
    write(SIX)
    todo = shop.plan()

    await asyncio.gather(*(shop.generator.build(todo, budget_characters=PLENTY) for _ in range(3)))

    assert len(shop.origin.asked) == 6


async def test_what_another_process_has_made_is_known_before_anything_is_repeated(
    folder: Path, write: Write
) -> None:
    write("  a: Hello there.\n")
    async with open_shop(folder) as server, open_shop(folder) as command:
        await command.build()
        server.generations.reload()

        # The server's store does not know the record yet; the run looks again.
        assert [each.reason for each in server.plan()] == ["failed check"]
        await server.build()

        assert server.origin.asked == []
        assert server.plan() == []


async def test_a_record_that_is_gone_is_made_again(shop: Shop, write: Write) -> None:
    write("  a: Hello there.\n")
    await shop.build()
    await shop.store.remove(identity(shop.pinned("Hello there."), 1).key)

    built = await shop.build()

    assert [each.reason for each in built.made] == ["failed check"]
    assert shop.pinned("Hello there.").speaks == 2
    assert await shop.record("Hello there.", 2) is not None


async def test_a_disk_that_takes_nothing_stops_the_run_before_more_is_paid(
    folder: Path, write: Write
) -> None:
    write("".join(f"  p{number}: This is sentence {number}.\n" for number in range(20)))
    store = await Store.open(folder / "data" / "records", quota_bytes=0, min_free_bytes=2**62)
    try:
        shop = Shop(folder, store, Origin(), [])
        built = await shop.build()
    finally:
        await store.close()

    assert built.stopped == "the disk takes nothing more"
    assert len(shop.origin.asked) <= 2 * AT_ONCE
    assert built.made == []
    assert len(built.skipped) == 20 - len(built.failed)


async def test_a_file_that_cannot_be_written_stops_the_run_and_loses_nothing(
    shop: Shop, write: Write
) -> None:
    write("".join(f"  p{number}: This is sentence {number}.\n" for number in range(20)))
    in_the_way = shop.books / "data" / "generations.json.new"
    in_the_way.mkdir()

    built = await shop.build()

    assert built.stopped is not None
    assert "generations.json cannot be written" in built.stopped
    assert any(isinstance(each, StoreFailed) for each in shop.facts)
    assert built.skipped

    in_the_way.rmdir()
    await shop.build()
    assert len(shop.origin.asked) == 20
    assert len(Generations.load(shop.generations.file)) == 20


async def test_what_the_books_say_no_more_is_kept_for_a_while(shop: Shop, write: Write) -> None:
    write("  a: Hello there.\n  b: Goodbye.\n")
    await shop.build()
    write("  a: Hello there.\n")

    async def after(days: int) -> list[str]:
        retired = await shop.generator.retire(shop.library, NOW + timedelta(days=days))
        return [each.text for each in retired]

    assert (await after(0), await after(GRACE.days - 1)) == ([], [])
    assert len(shop.store) == 2

    assert await after(GRACE.days) == ["Goodbye."]
    assert len(shop.store) == 1
    assert [each.text for each in Generations.load(shop.generations.file)] == ["Hello there."]


async def test_what_comes_back_within_that_time_costs_nothing_and_starts_afresh(
    shop: Shop, write: Write
) -> None:
    write("  a: Hello there.\n  b: Goodbye.\n")
    await shop.build()
    write("  a: Hello there.\n")
    await shop.generator.retire(shop.library, NOW)
    write("  a: Hello there.\n  c: Goodbye.\n")
    await shop.generator.retire(shop.library, NOW + timedelta(days=6))
    write("  a: Hello there.\n")
    await shop.generator.retire(shop.library, NOW + timedelta(days=8))

    assert await shop.generator.retire(shop.library, NOW + timedelta(days=14)) == []
    assert shop.pinned("Goodbye.").phrases == ("book/c",)
    assert len(shop.origin.asked) == 2


async def test_rates_that_somebody_had_derived_go_with_their_generation(
    shop: Shop, write: Write
) -> None:
    write("  a: Hello there.\n")
    await shop.build()
    derived = identity(shop.pinned("Hello there."), 1, rate=48000)
    record = Record(derived.blob, 48000, spoken("Hello there.", 48000), NOW)
    await shop.store.put(derived, record, pinned=True)
    write("  a: Another text.\n")

    await shop.generator.retire(shop.library, NOW)
    await shop.generator.retire(shop.library, NOW + GRACE)

    assert len(shop.store) == 0


async def test_a_raised_epoch_has_the_phrases_of_its_voice_made_anew_while_the_old_speak(
    shop: Shop, write: Write
) -> None:
    write("  hello: Hello, and welcome.\n")
    await shop.build()
    before = shop.pinned("Hello, and welcome.")
    assert before.spoken is not None
    raised = shop.generator_for(shop.origin, Epochs({"bulbul:v3/ritu": 1}))
    (due,) = raised.plan(shop.library, now=NOW)
    assert due.reason == "changed voice"
    assert shop.pinned("Hello, and welcome.").spoken == before.spoken
    await raised.build([due], budget_characters=PLENTY)
    assert shop.pinned("Hello, and welcome.").speaks == 2
    assert raised.plan(shop.library, now=NOW) == []
    assert (
        shop.generator_for(shop.origin, Epochs({"bulbul:v3/neha": 1})).plan(shop.library, now=NOW)
        == []
    )
