"""The sums of the day: what the cache gave, what the origin was asked for, what that is in money.

A day is one of the phrases' time zone. The sums are in a file, so that a restart at noon does not begin the
day anew; what a crash takes of them is the last minute.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, time, timedelta, tzinfo
from pathlib import Path
from typing import Any, Final, Self

import orjson

from ..cache import durable
from ..core.events import Emit, StoreFailed, TextCharged, TurnEnded, ignore
from ..observe.catalogue import FROM_CACHE
from ..observe.later import Told
from ..sarvam.models import RUPEES_PER_CHARACTER

_MOST: Final = 2**53
"""A file with more than what JSON takes for a whole number everywhere is damaged: it could not be told."""


@dataclass(slots=True)
class Sums:
    """Of one day; pauses are no segments.

    Characters ``asked``: sent to the origin, which takes money for them; ``behind``: those of them that no
    caller waited for, for phrases and renewals. ``would``: of the segments spoken while the cache was in its
    shadow, those that it would have had.
    """

    turns: int = 0
    turns_from_cache: int = 0
    """All of whose segments came from it."""
    segments: int = 0
    segments_from_cache: int = 0
    characters: int = 0
    characters_from_cache: int = 0
    characters_asked: int = 0
    characters_behind: int = 0
    shadow_segments: int = 0
    shadow_would: int = 0

    @classmethod
    def of(cls, written: Any) -> Self:
        """What was written. Raises KeyError, TypeError or ValueError."""
        sums = {field.name: written[field.name] for field in fields(cls)}
        for name, value in sums.items():
            if type(value) is not int or not 0 <= value <= _MOST:
                raise ValueError(f"{name} is {value!r}")
        return cls(**sums)

    @property
    def rupees_saved(self) -> float:
        """What the origin would have taken for what came from the cache."""
        return self.characters_from_cache * RUPEES_PER_CHARACTER

    @property
    def rupees_spent(self) -> float:
        """What it takes for what it was asked for."""
        return self.characters_asked * RUPEES_PER_CHARACTER


class Day:
    """Listens to facts and sums up today. Mutable state: which day it is, when it ends, its sums, whether
    they are all written down."""

    def __init__(
        self,
        file: Path,
        *,
        zone: tzinfo,
        emit: Emit = ignore,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Begin at nothing; see :meth:`load`. ``file``: where the sums are kept."""
        self._file = file
        self._zone = zone
        self._emit = emit
        self._now = now
        self._begin()
        self._sums = Sums()
        self._unsaved = False

    def load(self) -> None:
        """Go on with what the file has of today, before anything is heard. Blocks for a small file."""
        self._sums = self._read()

    @property
    def began(self) -> datetime:
        """When today began."""
        return datetime.combine(self._today, time(), self._zone)

    @property
    def sums(self) -> Sums:
        """Those of today so far."""
        if self._now() >= self._ends:
            self._begin()
            self._sums = Sums()
        return self._sums

    def hear(self, told: Sequence[Told]) -> None:
        """Add what facts say of turns or money."""
        for event, _ in told:
            if isinstance(event, TurnEnded) and event.is_of_note:
                self._unsaved = True
                self._add(event)
            elif isinstance(event, TextCharged):
                self._unsaved = True
                sums = self.sums
                sums.characters_asked += event.characters
                sums.characters_behind += event.characters if event.order == "night" else 0

    async def save(self) -> None:
        """Write down what is new. A fault of the disk is told, and mended next time."""
        if not self._unsaved:
            return
        self._unsaved = False
        written = orjson.dumps({"day": self._today, "sums": self.sums})
        try:
            await asyncio.to_thread(durable.replace, self._file, written)
        except OSError as error:
            self._unsaved = True
            self._emit(StoreFailed("save sums of the day", f"{type(error).__name__}: {error}"))

    def _add(self, turn: TurnEnded) -> None:
        sums, spoken, kept = self.sums, 0, 0
        for segment in turn.segments:
            if segment.verdict == "pause":
                continue
            spoken += 1
            sums.characters += segment.characters
            if segment.verdict in FROM_CACHE:
                kept += 1
                sums.characters_from_cache += segment.characters
            if segment.would is not None:
                sums.shadow_segments += 1
                sums.shadow_would += segment.would in FROM_CACHE
        sums.turns += 1
        sums.turns_from_cache += 0 < spoken == kept
        sums.segments += spoken
        sums.segments_from_cache += kept

    def _begin(self) -> None:
        self._today = self._now().astimezone(self._zone).date()
        tomorrow = self._today + timedelta(days=1)
        self._ends = datetime.combine(tomorrow, time(), self._zone).astimezone(UTC)

    def _read(self) -> Sums:
        try:
            found = orjson.loads(self._file.read_bytes())
            return Sums.of(found["sums"]) if found["day"] == self._today.isoformat() else Sums()
        except FileNotFoundError:
            return Sums()
        except (KeyError, OSError, TypeError, ValueError) as error:
            # Figures to look at: with a damaged file the day begins anew.
            self._emit(StoreFailed("read sums of the day", f"{type(error).__name__}: {error}"))
            return Sums()
