"""How often something happened, by identity and day (UTC): counted in memory, saved in a file a day.

Several processes may share the files. What a file holds is up to its :class:`Form`: identities themselves, or
no more than names of them. Mutable state: ``_unsaved``, what was counted since the last :meth:`Counts.save`.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final, Generic, TypeVar

from ..core.events import Emit, StoreFailed
from ..core.key import Identity
from . import durable

_DAYS_UNSAVED: Final = 2
"""What is older than that and could not be saved is forgotten."""

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Form(Generic[K]):
    """What counts are kept as. ``name``: what stands for an identity, None where it must not be kept;
    ``pack`` and ``unpack``: to and from the bytes of a file. ``unpack`` may raise KeyError, IndexError,
    TypeError or ValueError."""

    name: Callable[[Identity], K | None]
    pack: Callable[[Counter[K]], bytes]
    unpack: Callable[[bytes], Counter[K]]


class Counts(Generic[K]):
    """Counts of one kind, in ``directory``. ``most``: names kept a day, and identities between two saves.

    :meth:`count` and :meth:`save` are for the event loop's thread, the rest for any.
    """

    def __init__(
        self,
        directory: Path,
        form: Form[K],
        *,
        most: int,
        now: Callable[[], datetime],
        emit: Emit,
    ) -> None:
        self._directory = directory
        self._form = form
        self._most = most
        self._now = now
        self._emit = emit
        self._unsaved: dict[date, Counter[Identity]] = {}

    def count(self, identity: Identity) -> None:
        """Note that it happened. About a microsecond; no I/O, and nothing is looked at but the identity.

        Where there are too many already, a new one is not counted until the others are saved.
        """
        today = self._now().date()
        if (counts := self._unsaved.get(today)) is None:
            counts = self._unsaved[today] = Counter()
            for day in sorted(self._unsaved)[:-_DAYS_UNSAVED]:
                del self._unsaved[day]
        if (so_far := counts.get(identity)) is not None or len(counts) < self._most:
            counts[identity] = (so_far or 0) + 1

    async def save(self) -> None:
        """Add what is new to the files of its days. A fault of the disk is told, and mended next time."""
        taken, self._unsaved = self._unsaved, {}
        for day, counts in taken.items():
            try:
                await asyncio.to_thread(self._add, day, counts)
            except OSError as error:
                what = f"save {self._directory.name}"
                self._emit(StoreFailed(what, f"{type(error).__name__}: {error}"))
                self._unsaved.setdefault(day, Counter()).update(counts)

    def of_days(self, days: int, *, now: datetime) -> Counter[K]:
        """All counts of the last ``days`` days, those of today besides. Blocks to read files."""
        now = now.astimezone(UTC)
        first = (now - timedelta(days=days)).date()
        together: Counter[K] = Counter()
        for day, counts in tuple(self._unsaved.items()):
            if first <= day <= now.date():
                together.update(self._named(counts.copy()))
        for number in range((now.date() - first).days + 1):
            together.update(self._read(first + timedelta(days=number)))
        return together

    def days(self) -> list[date]:
        """The days that there is a file of, oldest first. Blocks."""
        return sorted(
            date.fromisoformat(file.stem)
            for file in self._directory.glob("[0-9]*.json")
            if _is_day(file.stem)
        )

    def packed(self, day: date) -> bytes | None:
        """What was saved of a day, to be taken elsewhere; None: nothing that can be read. Blocks."""
        found = self._read(day)
        return self._form.pack(found) if found else None

    def take(self, day: date, found: Counter[K]) -> bool:
        """Let these be the counts of a day that has none here; False where it has some. Blocks; raises
        OSError."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with durable.alone(self._directory):
            if self._file(day).exists():
                return False
            kept = Counter(dict(found.most_common(self._most)))
            durable.replace(self._file(day), self._form.pack(kept))
        return True

    def forget_before(self, day: date) -> None:
        """Remove the counts of the days before ``day``. Blocks; raises OSError."""
        for file in self._directory.glob("????-??-??.json"):
            if file.stem < day.isoformat():
                file.unlink(missing_ok=True)

    def _named(self, counts: Counter[Identity]) -> Counter[K]:
        together: Counter[K] = Counter()
        for identity, times in counts.items():
            if (name := self._form.name(identity)) is not None:
                together[name] += times
        return together

    def _add(self, day: date, counts: Counter[Identity]) -> None:
        named = self._named(counts)
        if not named:
            return
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Against whoever else reads, adds and writes.
        with durable.alone(self._directory):
            # New ones first: of those that happened once, the older ones make room.
            named.update(self._read(day))
            kept = Counter(dict(named.most_common(self._most)))
            durable.replace(self._file(day), self._form.pack(kept))

    def _read(self, day: date) -> Counter[K]:
        try:
            return self._form.unpack(self._file(day).read_bytes())
        except (FileNotFoundError, KeyError, IndexError, TypeError, ValueError):
            # Figures: with a damaged file a day begins anew.
            return Counter()

    def _file(self, day: date) -> Path:
        return self._directory / f"{day.isoformat()}.json"


def _is_day(stem: str) -> bool:
    try:
        return date.fromisoformat(stem).isoformat() == stem
    except ValueError:
        return False
