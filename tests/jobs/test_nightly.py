"""The night, with a real store and real speech: it refreshes, promotes and reports, and repeats nothing."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson
import pytest

from edgeproxy.audio.resample import resample
from edgeproxy.cache import durable
from edgeproxy.cache.demand import Demand
from edgeproxy.cache.purge import Purges
from edgeproxy.cache.record import Record
from edgeproxy.cache.store import Store
from edgeproxy.core.events import Event, NightEnded, PhraseGenerated, StoreFailed
from edgeproxy.core.key import Identity, Teller
from edgeproxy.core.turn import Cuts
from edgeproxy.core.voice import Voice
from edgeproxy.emulator import speech
from edgeproxy.jobs.nightly import Night
from edgeproxy.jobs.report import Report
from edgeproxy.phrases.cron import Cron
from edgeproxy.phrases.generate import Generator
from edgeproxy.phrases.generations import Generations
from edgeproxy.phrases.hits import open_hits
from edgeproxy.phrases.library import Library
from edgeproxy.sarvam import models

from ..conftest import until

NIGHT = datetime(2026, 11, 23, 21, tzinfo=UTC)  # 02:30 on the 24th in India
DAY = timedelta(days=1)
BOOK = """\
languages: [en-IN]
voice: {speaker: ritu}
refresh_after: 20 hours
phrases:
  hello: Hello, and welcome.
  hold: One moment, please.
  bye: Goodbye, and thank you.
"""
ALL = {"Hello, and welcome.", "One moment, please.", "Goodbye, and thank you."}


@lru_cache
def spoken(text: str, rate: int) -> bytes:
    pcm = speech.speak(text, language="en-IN", speaker="ritu")
    return resample(pcm, rate=speech.RATE, to=rate)


class Shop:
    """What a night works with, as one process has it. ``asked``: the texts the origin had to speak."""

    def __init__(self, folder: Path, store: Store, facts: list[Event]) -> None:
        self.folder, self.store, self.facts = folder, store, facts
        self.asked: list[str] = []
        self.answer: Callable[[str, int], bytes] = spoken
        self.silent_after: int | None = None
        self.stalled = asyncio.Event()
        self.books = folder / "books"
        self.books.mkdir(exist_ok=True)
        self.now = NIGHT
        self.demand = Demand.open(folder, now=lambda: self.now)
        self.hits = open_hits(folder / "hits", now=lambda: self.now)
        self.generations = Generations.load(folder / "generations.json")

    async def fetch(self, voice: Voice, text: str) -> bytes:
        if self.silent_after is not None and len(self.asked) >= self.silent_after:
            self.stalled.set()
            await asyncio.Event().wait()
        self.asked.append(text)
        return self.answer(text, voice.rate)

    def write(self, book: str, name: str = "desk") -> None:
        (self.books / f"{name}.yaml").write_text(book)

    def night(self, **settings: Any) -> Night:
        generator = Generator(
            self.store,
            self.fetch,
            self.generations,
            purges=Purges.load(self.folder / "purges.json"),
            characters_per_second=1e9,
            emit=self.facts.append,
        )
        return Night(
            generator,
            self.generations,
            self.demand,
            self.hits,
            self.store,
            lambda: Library.load(self.books, Cuts()),
            directory=self.folder,
            emit=self.facts.append,
            **{
                "when": Cron.parse("30 2 * * *"),
                "budget_characters": 10_000,
                "promote_top": 5,
                "discard_after_s": 1e9,
                **settings,
            },
        )

    def again(self) -> "Shop":
        """The same after a restart."""
        return Shop(self.folder, self.store, self.facts)

    async def miss(self, text: str, times: int, *, namespace: str = "key-1") -> Identity:
        """A caller's text that the origin was asked for so often, and that is in the store."""
        fields = {"target_language_code": "en-IN", "speaker": "ritu"}
        voice = Voice({**models.audible(fields), "rate": 22050})
        identity = Teller(namespace, voice).identity(text)
        for _ in range(times):
            self.demand.ask(identity)
            self.demand.miss(identity)
        record = Record(identity.blob, 22050, spoken(text, 22050), NIGHT)
        assert await self.store.put(identity, record)
        return identity

    def files(self) -> set[str]:
        return {file.name for file in (self.folder / "reports").glob("*")}

    def report(self, name: str = "2026-11-24.json") -> dict[str, Any]:
        found: dict[str, Any] = orjson.loads((self.folder / "reports" / name).read_bytes())
        return found


@pytest.fixture
async def shop(tmp_path: Path, facts: list[Event]) -> AsyncIterator[Shop]:
    store = await Store.open(
        tmp_path / "records", quota_bytes=100_000_000, min_free_bytes=0, emit=facts.append
    )
    shop = Shop(tmp_path, store, facts)
    shop.write(BOOK)
    yield shop
    await store.close()


def texts(report: Report) -> set[str]:
    return {each.text for each in report.made}


async def cut_short(shop: Shop, night: Night, *, after: int, now: datetime = NIGHT) -> None:
    """Run a night and kill it when so many texts are made."""
    shop.silent_after = after
    running = asyncio.create_task(night.run(now))
    await shop.stalled.wait()
    await until(lambda: sum(isinstance(fact, PhraseGenerated) for fact in shop.facts) == after)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


# -- what a night does -----------------------------------------------------------------------------


async def test_a_night_makes_what_is_due_and_the_next_one_only_what_is_old(shop: Shop) -> None:
    night = shop.night()
    assert texts(await night.run(NIGHT)) == ALL
    assert texts(await night.run(NIGHT + timedelta(hours=19))) == set()
    report = await night.run(NIGHT + DAY)
    assert texts(report) == ALL
    assert {each.generation for each in report.made} == {2}
    assert all(each.speaks for each in report.made)
    assert sorted(shop.asked) == sorted([*ALL, *ALL])


async def test_what_fails_its_check_keeps_the_old_and_is_reported(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    night = shop.night()
    await night.run(NIGHT)
    monkeypatch.setattr("edgeproxy.phrases.studio.BACKOFF_S", 0.0)
    shop.answer = lambda text, rate: bytes(2 * rate) if "Hello" in text else spoken(text, rate)
    report = await night.run(NIGHT + DAY)
    (failed,) = report.failed
    assert (failed.phrase, failed.text) == ("desk/hello", "Hello, and welcome.")
    assert any("it is silent" in reason for reason in failed.reasons)
    (pinned,) = (each for each in shop.generations if "Hello" in each.text)
    assert pinned.speaks == 1
    assert len(report.made) == 2


async def test_a_night_reports_in_json_and_on_a_page(shop: Shop, facts: list[Event]) -> None:
    report = await shop.night().run(NIGHT)
    assert shop.files() == {"2026-11-24.json", "2026-11-24.txt"}
    written = shop.report()
    characters = sum(map(len, ALL))
    assert {each["text"] for each in written["made"]} == ALL
    assert (written["characters"], written["rupees"]) == (characters, round(characters * 0.003, 2))
    page = (shop.folder / "reports" / "2026-11-24.txt").read_text()
    assert page.startswith("Night of Tuesday, 24 November 2026, 02:30 IST")
    assert "made      3" in page
    (ended,) = (fact for fact in facts if isinstance(fact, NightEnded))
    assert (ended.made, ended.failed, ended.characters) == (3, 0, characters)
    assert ended.took_s == report.took_s > 0


async def test_a_night_reports_what_callers_heard_from_the_books_and_what_that_spared(
    shop: Shop,
) -> None:
    shop.write(BOOK)
    await shop.night().run(shop.now)
    (hold,) = [each for each in shop.generations if each.text == "One moment, please."]
    for _ in range(3):
        shop.hits.count(Teller("books:1:0", hold.at_rate(22050)).identity(hold.text))
    shop.now += DAY
    report = await shop.night().run(shop.now)
    assert (report.heard, report.heard_characters) == (3, 3 * len(hold.text))
    assert "heard     3 times from the books: 57 characters, ₹0.17 not spent" in report.as_text()


async def test_another_night_of_the_day_has_a_report_of_its_own(shop: Shop) -> None:
    night = shop.night()
    for _ in range(2):
        await night.run(NIGHT)
    assert shop.files() >= {"2026-11-24.json", "2026-11-24.2.json", "2026-11-24.2.txt"}
    assert len(shop.report()["made"]) == 3


async def test_a_budget_is_never_passed(shop: Shop) -> None:
    report = await shop.night(budget_characters=40).run(NIGHT)
    assert sum(map(len, shop.asked)) == report.characters <= 40
    assert report.skipped == 3 - len(report.made) > 0
    assert "the budget is spent" in report.as_text()


async def test_two_nights_at_once_are_one_after_the_other(shop: Shop) -> None:
    night = shop.night()
    reports = await asyncio.gather(night.run(NIGHT), night.run(NIGHT + timedelta(minutes=1)))
    assert [len(report.made) for report in reports] == [3, 0]
    assert sorted(shop.asked) == sorted(ALL)


async def test_a_record_that_decayed_is_made_again_in_the_same_night(shop: Shop) -> None:
    night = shop.night(verify_share=1.0)
    await night.run(NIGHT)
    victim = next(iter((shop.folder / "records").glob("*/*/*.val")))
    victim.write_bytes(victim.read_bytes()[:-8] + b"decayed!")
    report = await night.run(NIGHT + timedelta(hours=1))
    assert (report.checked, report.bad, len(report.made)) == (3, 1, 1)
    assert (await shop.store.verify(1.0)) == (3, 0)


async def test_what_no_book_says_any_more_is_retired(shop: Shop) -> None:
    night = shop.night()
    await night.run(NIGHT)
    shop.write(BOOK.replace("  hold: One moment, please.\n", ""))
    retired = [(await night.run(NIGHT + number * DAY)).retired for number in (1, 5, 9)]
    assert retired == [0, 0, 1]


# -- what callers asked for ------------------------------------------------------------------------


async def test_what_is_asked_for_most_is_promoted(shop: Shop) -> None:
    often = await shop.miss("We are open all day.", 9)
    theirs = await shop.miss("We are open all day.", 1, namespace="key-2")
    second = await shop.miss("The doctor is in.", 4)
    third = await shop.miss("It is on the left.", 3)
    once = await shop.miss("Mister Rao, please wait.", 1)
    report = await shop.night(promote_top=2).run(NIGHT)
    assert [(each.text, each.asked) for each in report.promoted] == [
        ("We are open all day.", 10),
        ("The doctor is in.", 4),
    ]
    assert report.saved_characters == 10 * 20 + 4 * 17
    await shop.store.discard(older_than_s=-1)
    assert [each in shop.store for each in (often, theirs, second, third, once)] == [
        True,
        True,
        True,
        False,
        False,
    ]


async def test_what_is_personal_in_a_book_or_gone_is_not_promoted(shop: Shop) -> None:
    await shop.miss("Your code is 4 7 1 1.", 9)
    await shop.miss("Hello, and welcome.", 8)
    gone = await shop.miss("The doctor is in.", 7)
    await shop.store.remove(gone.key)
    assert (await shop.night().run(NIGHT)).promoted == ()


async def test_hits_count_for_promotion_and_only_misses_for_what_is_saved(shop: Shop) -> None:
    hit = await shop.miss("We are open all day.", 1)
    for _ in range(8):
        shop.demand.ask(hit)
    await shop.miss("The doctor is in.", 2)
    (first, _) = (report := await shop.night().run(NIGHT)).promoted
    assert (first.text, first.asked, first.missed) == ("We are open all day.", 9, 1)
    assert report.saved_characters == 1 * 20 + 2 * 17


async def test_what_was_promoted_is_kept_while_it_is_asked_for_and_a_refill_stays_so(
    shop: Shop,
) -> None:
    loved = await shop.miss("We are open all day.", 3)
    dropped = await shop.miss("The doctor is in.", 3)
    night = shop.night(discard_after_s=-1)
    await night.run(NIGHT)
    assert shop.store.promoted == {loved.key, dropped.key}
    # Past its ttl it is asked of the origin again, and put.
    record = Record(loved.blob, 22050, spoken(loved.text, 22050), NIGHT)
    assert await shop.store.put(loved, record)
    for days in (5, 10):
        shop.now = NIGHT + days * DAY
        shop.demand.ask(loved)
        report = await night.run(shop.now)
    assert report.demoted == 1
    assert shop.store.promoted == {loved.key}
    assert loved in shop.store
    assert dropped not in shop.store


async def test_old_records_counts_and_reports_go(shop: Shop) -> None:
    old = await shop.miss("The doctor is in.", 1)
    night = shop.night(discard_after_s=-1, keep_days=3)
    await night.run(NIGHT)
    assert old not in shop.store
    shop.hits.count(Teller("books:1:0", old.voice).identity("Hello."))
    await shop.hits.save()
    counts = [shop.folder / each / "2026-11-23.json" for each in ("asks", "misses", "hits")]
    assert all(file.exists() for file in counts)
    shop.now = NIGHT + 5 * DAY
    await night.run(shop.now)
    assert not any(file.exists() for file in counts)
    assert shop.files() == {"2026-11-29.json", "2026-11-29.txt"}


# -- when a night is -------------------------------------------------------------------------------


async def test_a_new_installation_has_missed_no_night_and_then_each_counts(shop: Shop) -> None:
    evening = NIGHT - timedelta(hours=6)
    assert not shop.night().missed(evening)
    assert not shop.again().night().missed(NIGHT - timedelta(minutes=1))
    night = shop.again().night()
    assert night.missed(NIGHT + timedelta(hours=5))
    await night.run(NIGHT + timedelta(hours=5))
    assert not shop.again().night().missed(NIGHT + timedelta(hours=6))
    assert shop.again().night().missed(NIGHT + DAY)


async def test_several_missed_nights_are_made_up_for_once(shop: Shop) -> None:
    night = shop.night()
    await night.run(NIGHT)
    later = NIGHT + 5 * DAY + timedelta(hours=3)
    assert night.missed(later)
    await night.run(later)
    assert not night.missed(later)


async def test_a_night_cut_short_goes_on_and_repeats_nothing(shop: Shop) -> None:
    await cut_short(shop, shop.night(), after=2)
    after = shop.again()
    morning = NIGHT + timedelta(hours=4)
    assert after.night().missed(morning)
    report = await after.night().run(morning)
    assert len(shop.asked) + len(after.asked) == 3
    assert {*shop.asked, *after.asked} == texts(report) == ALL
    assert report.characters == sum(map(len, ALL))
    assert after.files() == {"2026-11-24.json", "2026-11-24.txt"}
    assert not after.night().missed(morning)


async def test_a_night_cut_short_goes_on_with_what_is_left_of_its_budget(shop: Shop) -> None:
    budget = sum(map(len, ALL)) - 1
    await cut_short(shop, shop.night(budget_characters=budget), after=1)
    after = shop.again()
    report = await after.night(budget_characters=budget).run(NIGHT + timedelta(hours=4))
    assert report.skipped == 1
    assert sum(map(len, [*shop.asked, *after.asked])) == report.characters <= budget


async def test_the_next_night_does_not_go_on_with_the_last_one(shop: Shop) -> None:
    await cut_short(shop, shop.night(), after=2)
    after = shop.again()
    report = await after.night().run(NIGHT + DAY)
    assert texts(report) == ALL
    assert len(after.asked) == 3
    assert report.began == NIGHT + DAY


async def test_a_book_with_times_of_its_own_has_nights_of_its_own(shop: Shop) -> None:
    weekly = 'cron: "0 4 * * sun"\n' + BOOK.replace("Hello", "Greetings")
    shop.write(weekly.replace("One moment", "A moment").replace("Goodbye", "Farewell"), "weekly")
    night = shop.night()
    assert not night.missed(NIGHT, book="weekly")
    assert texts(await night.run(NIGHT)) == ALL
    assert not night.missed(NIGHT + DAY, book="weekly")
    sunday = datetime(2026, 11, 29, 4, tzinfo=UTC) - timedelta(hours=5.5)
    assert night.missed(sunday, book="weekly")
    report = await night.run(sunday, book="weekly")
    assert {each.phrase for each in report.made} == {"weekly/hello", "weekly/hold", "weekly/bye"}
    assert not night.missed(sunday, book="weekly")
    assert "2026-11-29.weekly.json" in shop.files()
    assert (report.checked, report.book) == (0, "weekly")


async def test_a_text_of_two_books_belongs_to_the_night_as_well(shop: Shop) -> None:
    top = 'cron: "0 4 * * sun"\nlanguages: [en-IN]\nvoice: {speaker: ritu}\n'
    shop.write(f"{top}phrases:\n  hello: Hello, and welcome. We are open.\n", "weekly")
    assert texts(await shop.night().run(NIGHT)) == ALL


# -- disks -----------------------------------------------------------------------------------------


async def test_a_disk_that_takes_no_report_does_not_stop_the_night(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, facts: list[Event]
) -> None:
    def no_disk(*_: object) -> None:
        raise OSError("no disk today")

    monkeypatch.setattr(durable, "replace", no_disk)
    assert len((await shop.night().run(NIGHT)).made) == 3
    assert StoreFailed("write the report", "OSError: no disk today") in facts


@pytest.mark.parametrize("damage", [b"", b"[]", b'{"":{}}', b'{"":{"ended":"no","begun":[]}}'])
async def test_a_damaged_memory_is_told_of_and_begun_anew(
    shop: Shop, facts: list[Event], damage: bytes
) -> None:
    durable.replace(shop.folder / "night.json", damage)
    night = shop.night()
    assert not night.missed(NIGHT)
    assert [type(fact) for fact in facts] == [StoreFailed]
    assert night.missed(NIGHT + DAY)
