"""The night: what is due is made afresh, what callers asked for often is kept, what is old is forgotten.

::

    verify a share ─► make what is due ─► retire ─► promote ─► demote ─► discard ─► report

Verified first, so that a phrase whose record has decayed is made again in the same night. ``night.json``
knows which nights have begun and ended: one that was cut short is taken up at the next start, on what is left
of its budget, and repeats nothing; one that never began is made up for, once.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from time import monotonic
from typing import Final

import orjson

from ..cache import durable
from ..cache.demand import Demand
from ..cache.store import Store
from ..core.events import Emit, NightEnded, StoreFailed, ignore
from ..core.voice import Voice
from ..phrases.cron import Cron
from ..phrases.due import Due, Unit
from ..phrases.generate import Generator
from ..phrases.generations import Generations
from ..phrases.hits import Hits
from ..phrases.library import Library
from ..sarvam import models
from .report import Made, NotMade, Promoted, Report
from .schedule import ZONE, following

_OFTEN: Final = 2
"""Asked for less often than this in a day, a text is left to the dynamic cache."""

_UNASKED_DAYS: Final = 7
"""What was promoted and then not asked for in so many days is left to the dynamic cache again."""

_ALL: Final = ""
"""The name of the night that is about no book in particular."""


@dataclass(frozen=True, slots=True)
class _Nights:
    """Of one name: when the last one ended, and all beginnings of the one that has not."""

    ended: datetime
    begun: tuple[datetime, ...] = ()


class Night:
    """Does what is to be done by night, one run at a time.

    ``when`` and ``zone``: the times of the night; a book with a ``cron`` of its own has its own nights, which
    are runs with its name. ``directory``: where ``night.json`` and ``reports`` lie. ``promote_top``: texts
    promoted in a night at most. ``discard_after_s``: age, in seconds, at which dynamic records go;
    ``keep_days``: the same for reports and counts. ``verify_share``: of all records, 0 to 1.
    """

    def __init__(
        self,
        generator: Generator,
        generations: Generations,
        demand: Demand,
        hits: Hits,
        store: Store,
        library: Callable[[], Library],
        *,
        directory: Path,
        when: Cron,
        zone: tzinfo = ZONE,
        budget_characters: int,
        promote_top: int,
        discard_after_s: float,
        keep_days: int = 30,
        verify_share: float = 0.05,
        emit: Emit = ignore,
    ) -> None:
        self._generator = generator
        self._generations = generations
        self._demand = demand
        self._hits = hits
        self._store = store
        self._library = library
        self._state = directory / "night.json"
        self._reports = directory / "reports"
        self._when = when
        self._zone = zone
        self._budget = budget_characters
        self._promote_top = promote_top
        self._discard_after_s = discard_after_s
        self._keep = timedelta(days=keep_days)
        self._verify_share = verify_share
        self._emit = emit
        self._one_at_a_time = asyncio.Lock()

    @property
    def is_running(self) -> bool:
        """Whether one is under way."""
        return self._one_at_a_time.locked()

    def missed(self, now: datetime, *, book: str | None = None) -> bool:
        """Whether a night should have been since the last one, or one was cut short. To be asked at start.

        A new installation has missed none; from then on it may. Blocks for a small file. Raises KeyError for
        an unknown book.
        """
        nights = self._read()
        if (last := nights.get(book or _ALL)) is None:
            self._write({**nights, book or _ALL: _Nights(ended=now)})
            return False
        return bool(last.begun) or following(self._times(book), last.ended, self._zone) <= now

    async def run(self, now: datetime, *, book: str | None = None) -> Report:
        """One night, and the report of it. ``book``: go through this one only, and do nothing else.

        A night that fails or is cancelled counts as cut short. Raises KeyError for an unknown book.
        """
        async with self._one_at_a_time:
            started = monotonic()
            begun = await asyncio.to_thread(self._begin, now, book)
            report = await self._run(now, begun, book)
            report = replace(report, took_s=monotonic() - started)
            await asyncio.to_thread(self._end, now, report)
        self._emit(
            NightEnded(
                made=len(report.made),
                failed=len(report.failed),
                skipped=report.skipped,
                promoted=len(report.promoted),
                characters=report.characters,
                took_s=report.took_s,
            )
        )
        return report

    async def _run(self, now: datetime, begun: tuple[datetime, ...], book: str | None) -> Report:
        library = self._library()
        began = begun[0].astimezone(self._zone)
        checked = bad = 0
        if book is None:
            checked, bad = await self._store.verify(self._verify_share)
        # What failed before it was cut short has cost something as well, but nobody wrote down how much.
        before = await asyncio.to_thread(self._made, begun)
        spent = sum(made.characters for made in before)
        due = await asyncio.to_thread(self._due, library, now, book)
        built = await self._generator.build(due, budget_characters=max(0, self._budget - spent))
        report = Report(
            book=book,
            began=began,
            made=await asyncio.to_thread(self._made, begun),
            failed=tuple(_not_made(each.due.unit, each.reasons) for each in built.failed),
            skipped=len(built.skipped),
            stopped=built.stopped,
            characters=spent + built.characters,
            checked=checked,
            bad=bad,
        )
        if book is not None:
            return report
        await self._hits.save()
        heard, heard_characters = await asyncio.to_thread(self._heard, now)
        return replace(
            report,
            heard=heard,
            heard_characters=heard_characters,
            retired=len(await self._generator.retire(library, now)),
            promoted=tuple(await self._promote(library, now)),
            demoted=await self._demote(now),
            discarded=await self._store.discard(older_than_s=self._discard_after_s),
        )

    def _heard(self, now: datetime) -> tuple[int, int]:
        """How often callers heard the books since the day before, and the characters of it. Blocks."""
        counts = self._hits.of_days(1, now=now)
        texts = {pinned.key: len(pinned.text) for pinned in self._generations}
        return (
            sum(counts.values()),
            sum(times * texts.get(key, 0) for key, times in counts.items()),
        )

    def _due(self, library: Library, now: datetime, book: str | None) -> list[Due]:
        due = self._generator.plan(library, now=now, only=book)
        if book is not None:
            return due
        own = {name for name, each in library.books.items() if each.cron is not None}
        return [
            each
            for each in due
            if not own.issuperset(phrase.partition("/")[0] for phrase in each.unit.phrases)
        ]

    def _made(self, begun: Collection[datetime]) -> tuple[Made, ...]:
        """What this night has made, before it was cut short, too: all of it bears one of its beginnings."""
        return tuple(
            Made(
                phrase=", ".join(pinned.phrases),
                language=pinned.voice["language"],
                speaker=pinned.voice["speaker"],
                text=pinned.text,
                generation=generation.number,
                speaks=generation.number == pinned.speaks,
                seconds=generation.seconds,
                characters=generation.characters,
            )
            for pinned in self._generations
            for generation in pinned.generations
            if generation.made in begun
        )

    async def _promote(self, library: Library, now: datetime) -> list[Promoted]:
        """Keep what callers asked for most, and no book says."""
        await self._demand.save()
        promoted: list[Promoted] = []
        for each in await asyncio.to_thread(self._demand.top, 1, now=now):
            if len(promoted) == self._promote_top or each.asked < _OFTEN:
                break
            voice = Voice({**each.voice, "rate": models.DEFAULT_RATE})
            if library.holds(voice, each.text):
                continue
            if any([await self._store.pin(identity) for identity in each.identities]):
                promoted.append(
                    Promoted(
                        text=each.text,
                        language=voice.language,
                        speaker=voice.speaker,
                        asked=each.asked,
                        missed=each.missed,
                        characters=each.characters,
                    )
                )
        return promoted

    async def _demote(self, now: datetime) -> int:
        """Keep no longer what nobody has asked for lately; how many records."""
        if not (promoted := self._store.promoted):
            return 0
        wanted = await asyncio.to_thread(self._demand.top, _UNASKED_DAYS, now=now)
        asked = {identity.key for each in wanted for identity in each.identities}
        return sum([await self._store.unpin(key) for key in promoted - asked])

    # -- what is on disk ---------------------------------------------------------------------------

    def _begin(self, now: datetime, book: str | None) -> tuple[datetime, ...]:
        """Note that a night begins; all beginnings it has, if it was cut short before."""
        nights = self._read()
        last = nights.get(book or _ALL, _Nights(ended=now))
        begun: tuple[datetime, ...] = (now,)
        if last.begun and following(self._times(book), last.begun[0], self._zone) > now:
            begun = (*last.begun, now)
        self._write({**nights, book or _ALL: replace(last, begun=begun)})
        return begun

    def _end(self, now: datetime, report: Report) -> None:
        """Write the report, note that the night is over, and forget what is too old."""
        day = (now - self._keep).astimezone(self._zone).date()
        name = "" if report.book is None else f".{report.book}"
        file = self._reports / f"{report.began.date()}{name}.json"
        number = 1
        while file.exists():
            number += 1
            file = file.with_name(f"{report.began.date()}{name}.{number}.json")
        try:
            durable.replace(file.with_suffix(".txt"), report.as_text().encode())
            durable.replace(file, report.as_json())
            for old in self._reports.glob("????-??-??*"):
                if old.name < day.isoformat():
                    old.unlink(missing_ok=True)
            self._demand.forget_before(day)
            self._hits.forget_before(day)
        except OSError as error:
            self._cannot("write the report", error)
        self._write({**self._read(), report.book or _ALL: _Nights(ended=now)})

    def _times(self, book: str | None) -> Cron:
        own = None if book is None else self._library().books[book].cron
        return own or self._when

    def _read(self) -> dict[str, _Nights]:
        try:
            written = orjson.loads(self._state.read_bytes())
            return {
                name: _Nights(
                    ended=datetime.fromisoformat(nights["ended"]),
                    begun=tuple(map(datetime.fromisoformat, nights["begun"])),
                )
                for name, nights in written.items()
            }
        except FileNotFoundError:
            return {}
        except (AttributeError, KeyError, OSError, TypeError, ValueError) as error:
            self._cannot("read night.json", error)
            return {}

    def _write(self, nights: Mapping[str, _Nights]) -> None:
        try:
            durable.replace(self._state, orjson.dumps(nights, option=orjson.OPT_INDENT_2))
        except OSError as error:
            self._cannot("write night.json", error)

    def _cannot(self, operation: str, error: Exception) -> None:
        # A night without a memory is better than none.
        self._emit(StoreFailed(operation, f"{type(error).__name__}: {error}"))


def _not_made(unit: Unit, reasons: tuple[str, ...]) -> NotMade:
    return NotMade(
        phrase=", ".join(unit.phrases),
        language=unit.voice.language,
        speaker=unit.voice.speaker,
        text=unit.text,
        reasons=reasons,
    )
