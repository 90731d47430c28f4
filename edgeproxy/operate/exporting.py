"""Exporting: all that can be read whole and may be heard, into one file, beside a server that goes on.

What each phrase came to is as it was at the beginning, with those of its generations that are whole on the
disk; nothing is locked. What another process puts or removes meanwhile is in the archive or not.

Counts of demand and of hits are what a backup would miss most after recordings: what is promoted, and what
the report and ``phrases suggest`` say, comes of them. So all days that were saved go along.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import orjson

from ..cache.counts import Counts
from ..cache.disk import Tag
from ..cache.purge import Doom, Purges
from ..cache.store import Store
from ..core.errors import RecordError
from ..phrases.generate import Progress
from ..phrases.generations import Generation, Generations, Pinned
from .archive import MANIFEST, MOST, Manifest, checked, masters, recordings
from .tar import Writer


class Unfit(StrEnum):
    """Why a record is in no archive."""

    BAD = "can't be read"
    PURGED = "purged"
    UNHEARD = "of no phrase that speaks"


@dataclass(slots=True)
class Exported:
    """What went into an archive. ``records``: by what they are kept for; ``days``: of counts."""

    records: Counter[Tag] = field(default_factory=Counter)
    units: int = 0
    days: int = 0
    size: int = 0
    left_out: Counter[Unfit] = field(default_factory=Counter)


async def export(
    into: Path,
    store: Store,
    generations: Generations,
    purges: Purges,
    counts: Mapping[str, Counts[Any]],
    *,
    installation: str,
    now: datetime,
    progress: Progress = lambda done, total, what: None,
) -> Exported:
    """Write an archive to ``into``, whole or not at all. Raises OSError, and ValueError for too much."""
    units = tuple(generations)
    writer = await asyncio.to_thread(Writer, into, when=now)
    try:
        run = _Export(store, purges, writer, progress)
        return await run.write(units, counts, installation, now)
    finally:
        writer.discard()


class _Export:
    """One export: what it reads from, and what came of it."""

    def __init__(self, store: Store, purges: Purges, writer: Writer, progress: Progress) -> None:
        self._store = store
        self._purges = purges
        self._writer = writer
        self._progress = progress
        self._tags: Mapping[str, Tag] = {}
        self._read_so_far = 0
        self._came_to: Final = Exported()

    async def write(
        self,
        units: Iterable[Pinned],
        counts: Mapping[str, Counts[Any]],
        installation: str,
        now: datetime,
    ) -> Exported:
        """All of it, in order."""
        came_to = self._came_to
        # After the units were read: what they name was in the store before.
        await self._store.refresh()
        self._tags = self._store.tags()
        manifest = Manifest(made=now, installation=installation, records=len(self._tags))
        await self._add(MANIFEST, manifest.packed())
        for unit in units:
            await self._write_unit(unit)
        came_to.left_out[Unfit.UNHEARD] = (
            sum(tag is Tag.PINNED for tag in self._tags.values()) - self._read_so_far
        )
        for wanted in (Tag.PROMOTED, Tag.DYNAMIC):
            for key, tag in self._tags.items():
                if tag is wanted and (value := await self._value(key, curated=False)) is not None:
                    await self._write_record(tag, key, value)
        files = await self._write_counts(counts)
        sealed = {"records": came_to.records.total(), "units": came_to.units, "counts": files}
        if sum(sealed.values()) >= MOST:
            raise ValueError(f"there is more than the {MOST:,} files that an archive may hold")
        came_to.size = await asyncio.to_thread(self._writer.finish, sealed)
        return came_to

    async def _write_unit(self, unit: Pinned) -> None:
        """A unit with those of its generations that are whole; nothing where the one that speaks is not."""
        whole: set[int] = set()
        # First the one that speaks: without it the others are of no use.
        for each in sorted(unit.generations, key=lambda each: each.number != unit.speaks):
            values = await self._values(unit, each)
            if all(identity.key in values for identity in masters(unit, each)):
                whole.add(each.number)
                for key, value in values.items():
                    await self._write_record(Tag.PINNED, key, value)
            elif each.number == unit.speaks:
                return
        if (left := unit.only(whole)) is not None:
            await self._add(f"units/{unit.key}.json", orjson.dumps(left))
            self._came_to.units += 1

    async def _values(self, unit: Pinned, generation: Generation) -> dict[str, bytes]:
        values: dict[str, bytes] = {}
        for identity in recordings(unit, generation):
            if (key := identity.key) in self._tags:
                value = await self._value(key, curated=True)
                if value is not None:
                    values[key] = value
        return values

    async def _value(self, key: str, *, curated: bool) -> bytes | None:
        """A record, if it may be heard. A book's speaks on when a purge has made it stale, and its unit says
        so; others could not carry that along."""
        self._read_so_far += 1
        self._progress(self._read_so_far, len(self._tags), "read")
        try:
            value = await self._store.value(key)
            if value is None:
                return None  # gone meanwhile
            identity, record = await asyncio.to_thread(checked, key, value)
        except RecordError:
            self._came_to.left_out[Unfit.BAD] += 1
            return None
        doom = self._purges.doom(identity, since=record.purge)
        if doom is Doom.GONE or (doom is Doom.STALE and not curated):
            self._came_to.left_out[Unfit.PURGED] += 1
            return None
        return value

    async def _write_record(self, tag: Tag, key: str, value: bytes) -> None:
        await self._add(f"records/{tag}/{key}", value)
        self._came_to.records[tag] += 1

    async def _write_counts(self, counts: Mapping[str, Counts[Any]]) -> int:
        """How many files that were."""
        days = []
        for kind, counted in counts.items():
            for day in await asyncio.to_thread(counted.days):
                if (data := await asyncio.to_thread(counted.packed, day)) is not None:
                    await self._add(f"counts/{kind}/{day}.json", data)
                    days.append(day)
        self._came_to.days = len(set(days))
        return len(days)

    async def _add(self, name: str, data: bytes) -> None:
        await asyncio.to_thread(self._writer.add, name, data)
