"""What the origin had to be asked for, and how often: what to keep for longer, and what to put into a book.

Counted in memory, by identity and day (UTC), and added from time to time to a file a day, which several
processes may share. Texts that look personal are not counted, nor is anything else about who asked.
"""

import asyncio
import fcntl
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Self

import orjson

from ..core.events import Emit, StoreFailed, ignore
from ..core.key import Identity, Teller
from ..core.personal import looks_personal
from ..core.voice import Voice
from . import durable

_FORM: Final = 1
_DAYS_UNSAVED: Final = 2
"""What is older than that and could not be saved is forgotten."""


@dataclass(frozen=True, slots=True)
class Missed:
    """A text the origin was asked for. ``voice``: its fields, without the rate.

    ``asked``: how many times, at all rates and by all clients; ``characters``: what asking once costs;
    ``identities``: what it was asked as, most often first.
    """

    text: str
    voice: Mapping[str, Any]
    asked: int
    characters: int
    identities: tuple[Identity, ...] = ()


class Misses:
    """Counts misses. :meth:`top` and :meth:`forget_before` are for any thread, the rest for the event loop's.

    Mutable state: ``_unsaved``, what was counted since the last :meth:`save`, by day.
    """

    def __init__(
        self, directory: Path, *, most: int, now: Callable[[], datetime], emit: Emit
    ) -> None:
        self._directory = directory
        self._most = most
        self._now = now
        self._emit = emit
        self._unsaved: dict[date, Counter[Identity]] = {}

    @classmethod
    def open(
        cls,
        directory: Path,
        *,
        most: int = 20_000,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        emit: Emit = ignore,
    ) -> Self:
        """The counts that lie, or will lie, in ``directory``; ``most``: identities counted a day."""
        return cls(directory, most=most, now=now, emit=emit)

    def count(self, identity: Identity) -> None:
        """Note that the origin has to be asked. Some microseconds; no I/O.

        Where there are too many already, a new one is not counted until the others are saved.
        """
        today = self._now().date()
        if (counts := self._unsaved.get(today)) is None:
            counts = self._unsaved[today] = Counter()
            for day in sorted(self._unsaved)[:-_DAYS_UNSAVED]:
                del self._unsaved[day]
        if identity in counts or (len(counts) < self._most and not looks_personal(identity.text)):
            counts[identity] += 1

    async def save(self) -> None:
        """Add what is new to the files of its days. A fault of the disk is told, and mended next time."""
        taken, self._unsaved = self._unsaved, {}
        for day, counts in taken.items():
            try:
                await asyncio.to_thread(self._add, day, counts)
            except OSError as error:
                self._emit(StoreFailed("save misses", f"{type(error).__name__}: {error}"))
                self._unsaved.setdefault(day, Counter()).update(counts)

    def top(self, days: int, *, now: datetime) -> list[Missed]:
        """What was asked for in the last ``days`` days, most asked first. Blocks to read files."""
        now = now.astimezone(UTC)
        first = (now - timedelta(days=days)).date()
        together: Counter[Identity] = Counter()
        for day, counts in tuple(self._unsaved.items()):
            if first <= day <= now.date():
                together.update(counts.copy())
        for number in range((now.date() - first).days + 1):
            together.update(self._read(first + timedelta(days=number)))
        return _by_text(together)

    def forget_before(self, day: date) -> None:
        """Remove the counts of the days before ``day``. Blocks; raises OSError."""
        for file in self._directory.glob("????-??-??.json"):
            if file.stem < day.isoformat():
                file.unlink(missing_ok=True)

    def _add(self, day: date, counts: Counter[Identity]) -> None:
        with self._alone():
            # New ones first: of those asked for once, the older ones make room.
            together = Counter(counts)
            together.update(self._read(day))
            durable.replace(self._file(day), _packed(dict(together.most_common(self._most))))

    def _read(self, day: date) -> dict[Identity, int]:
        try:
            return _unpacked(self._file(day).read_bytes())
        except (FileNotFoundError, KeyError, IndexError, TypeError, ValueError):
            # Figures: with a damaged file a day begins anew.
            return {}

    def _file(self, day: date) -> Path:
        return self._directory / f"{day.isoformat()}.json"

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Against whoever else reads, adds and writes, in whatever process."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)


def _by_text(counts: Counter[Identity]) -> list[Missed]:
    """Identities that only differ in their rate or in whose they are, together."""
    voices: dict[Voice, Voice] = {}
    found: dict[tuple[Voice, str], list[tuple[Identity, int]]] = {}
    for identity, asked in counts.most_common():
        voice = identity.voice
        if (rateless := voices.get(voice)) is None:
            rateless = voices[voice] = voice.at_rate(0)
        found.setdefault((rateless, identity.text), []).append((identity, asked))
    missed = [
        Missed(
            text,
            {name: value for name, value in rateless.fields.items() if name != "rate"},
            sum(asked for _, asked in same),
            len(text),
            tuple(identity for identity, _ in same),
        )
        for (rateless, text), same in found.items()
    ]
    return sorted(missed, key=lambda each: -each.asked)


def _packed(counts: Mapping[Identity, int]) -> bytes:
    """As JSON: a voice stands in it once, however much it said."""
    places: dict[bytes, int] = {}
    tellers: list[tuple[str, int, str]] = []
    asked: list[tuple[int, str, int]] = []
    for identity, times in counts.items():
        teller = identity.teller
        place = places.setdefault(teller.head, len(tellers))
        if place == len(tellers):
            # As a string: fields that nobody knows may be more than this JSON can hold.
            tellers.append((teller.namespace, teller.epoch, teller.voice.canonical.decode()))
        asked.append((place, identity.text, times))
    return orjson.dumps({"form": _FORM, "tellers": tellers, "asked": asked})


def _unpacked(data: bytes) -> dict[Identity, int]:
    found = orjson.loads(data)
    if found["form"] != _FORM:
        raise ValueError(f"form {found['form']}")
    tellers = [
        Teller(namespace, Voice(json.loads(voice)), epoch)
        for namespace, epoch, voice in found["tellers"]
    ]
    return {tellers[place].identity_of_normal(text): times for place, text, times in found["asked"]}
