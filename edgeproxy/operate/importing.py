"""Importing: what an archive has and this installation has not, beside a server that goes on.

::

    verified archive ─► phrases nobody has made here ─► pointers ─► what callers asked for ─► counts ─► told

What is here stays as it is: an archive never replaces anything, and what was purged here since does not come
back with it. A phrase becomes heard when all its records are safe on the disk. Whatever ends an import in the
middle, what it took is whole, and importing again takes the rest.

Counts are taken by the installation that counted them, and by no other: what callers ask for elsewhere would
be told, and promoted, as if they had asked for it here. A day is taken where there is none of it, so that
nothing is ever counted twice; the day of a restore keeps what was counted after it.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from ..cache.counts import Counts
from ..cache.disk import Tag
from ..cache.purge import Doom, Purges
from ..cache.record import Record
from ..cache.store import Store
from ..core.key import Identity
from ..core.personal import looks_personal
from ..phrases.generate import Progress
from ..phrases.generations import Generations, Pinned
from .archive import Archive, Kept, masters, recordings


class Unwanted(StrEnum):
    """Why a record of an archive was not taken."""

    STRANGERS = "of another installation's clients"
    MADE_HERE = "of phrases made here"
    PURGED = "purged here since"
    PERSONAL = "personal"
    OLD = "too old"
    QUOTA = "beyond the quota"
    DISK = "not taken by the disk"


@dataclass(slots=True)
class Taken:
    """What an import came to. ``there``: records and units that were here; ``days``: of counts."""

    records: int = 0
    units: int = 0
    days: int = 0
    there: int = 0
    left_out: Counter[Unwanted] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What this installation takes. ``installation``: its fingerprint; ``is_private``: whether only the
    installation that named a namespace ever finds what lies there; the rest as in its settings."""

    installation: str
    is_private: Callable[[str], bool]
    discard_after_s: float
    keep_personal: bool


class Importing:
    """Takes archives. ``alone``: while nobody else makes phrases; begins with what others have made."""

    def __init__(
        self,
        store: Store,
        generations: Generations,
        purges: Purges,
        counts: Mapping[str, Counts[Any]],
        policy: Policy,
        *,
        alone: Callable[[], AbstractAsyncContextManager[None]],
    ) -> None:
        self._store = store
        self._generations = generations
        self._purges = purges
        self._counts = counts
        self._policy = policy
        self._alone = alone

    async def take(
        self,
        archive: Archive,
        *,
        now: datetime,
        progress: Progress = lambda done, total, what: None,
    ) -> Taken:
        """Take what is wanted of a verified archive. Raises OSError where pointers, purges or counts fail,
        and :class:`BadArchive` where it changes meanwhile."""
        run = _Run(self._store, self._generations, self._purges, self._policy, archive, progress)
        if archive.units:
            async with self._alone():
                await run.take_units()
        else:
            await self._store.refresh()
        await run.take_others(now)
        if archive.manifest.installation == self._policy.installation:
            await run.take_counts(self._counts)
        await self._store.tell_others()
        return run.came_to


class _Run:
    """One import, and what came of it."""

    def __init__(
        self,
        store: Store,
        generations: Generations,
        purges: Purges,
        policy: Policy,
        archive: Archive,
        progress: Progress,
    ) -> None:
        self.came_to = Taken()
        self._store = store
        self._generations = generations
        self._purges = purges
        self._policy = policy
        self._archive = archive
        self._progress = progress
        self._total = len(archive.others) + sum(map(len, archive.curated.values()))
        self._done = 0

    # -- phrases -----------------------------------------------------------------------------------

    async def take_units(self) -> None:
        """The units that nobody has made here, each with its records; the pointers when all of them lie
        safe."""
        safe: list[Pinned] = []
        for key, unit in self._archive.units.items():
            records = self._archive.curated.get(key, [])
            here = self._generations.find(key)
            if here is not None and (here.generations or not unit.generations):
                await self._stay(records)
            elif (wanted := self._unpurged(unit)) is None:
                self._leave_out(Unwanted.PURGED, len(records))
            elif await self._take_records(wanted, records):
                safe.append(wanted)
        # What was purged meanwhile: its records are held against that whenever they are read.
        self._follow_purges()
        for unit in filter(None, map(self._unpurged, safe)):
            self._generations.take(unit)
            self.came_to.units += bool(unit.generations)
        await asyncio.to_thread(self._generations.save)

    async def _stay(self, records: list[Kept]) -> None:
        there = self._store.tags()
        known = sum(kept.key in there for kept in records)
        self.came_to.there += known
        self._leave_out(Unwanted.MADE_HERE, len(records) - known)
        self._tell(known)

    def _unpurged(self, unit: Pinned) -> Pinned | None:
        """A unit without those of its generations that were purged here; None where the one that speaks
        was."""
        return unit.only(
            {
                each.number
                for each in unit.generations
                if not any(
                    self._purges.undoes(identity, made=each.made)
                    for identity in masters(unit, each)
                )
            }
        )

    async def _take_records(self, unit: Pinned, records: list[Kept]) -> bool:
        """Whether all records of a unit are safe on the disk; else none of them stays that was not here."""
        wanted = {identity.key for each in unit.generations for identity in recordings(unit, each)}
        put: list[str] = []
        known = 0
        for kept in records:
            if kept.key not in wanted:
                self._leave_out(Unwanted.PURGED)
                continue
            identity, record = await asyncio.to_thread(self._archive.record, kept)
            if await self._is_here(identity, record):
                known += 1
            elif await self._store.put(identity, self._as_of_now(record), pinned=True):
                put.append(kept.key)
            else:
                for key in put:
                    await self._store.remove(key)
                self._leave_out(Unwanted.DISK, len(wanted & {each.key for each in records}))
                return False
            self._tell()
        self.came_to.records += len(put)
        self.came_to.there += known
        return True

    async def _is_here(self, identity: Identity, record: Record) -> bool:
        """Whether this very record was taken before. Another one that no unit names, which a crash has left
        behind, is nobody's: nobody hears it."""
        here = await self._store.get(identity)
        return (
            here is not None
            and (here.pcm, here.made) == (record.pcm, record.made)
            and self._purges.doom(identity, since=here.purge) is Doom.NONE
        )

    # -- what callers asked for --------------------------------------------------------------------

    async def take_others(self, now: datetime) -> None:
        """What was promoted, and then what is dynamic, as far as the quota goes: of that rather the later."""
        there = self._store.tags()
        wanted = []
        for kept in self._archive.others:
            if kept.key in there:
                self.came_to.there += 1
                self._tell()
            elif (why := self._unwanted(kept, now)) is not None:
                self._leave_out(why)
            else:
                wanted.append(kept)
        dynamic = [kept for kept in wanted if kept.tag is Tag.DYNAMIC]
        over = sum(kept.at.size for kept in dynamic) - self._store.room
        for kept in wanted:
            if over > 0 and kept.tag is Tag.DYNAMIC:
                over -= kept.at.size
                self._leave_out(Unwanted.QUOTA)
            else:
                await self._take_one(kept)

    def _unwanted(self, kept: Kept, now: datetime) -> Unwanted | None:
        policy = self._policy
        if (
            policy.is_private(kept.namespace)
            and self._archive.manifest.installation != policy.installation
        ):
            return Unwanted.STRANGERS
        if kept.tag is Tag.DYNAMIC and now - kept.made > timedelta(seconds=policy.discard_after_s):
            return Unwanted.OLD
        return None

    async def _take_one(self, kept: Kept) -> None:
        identity, record = await asyncio.to_thread(self._archive.record, kept)
        self._follow_purges()
        if self._purges.undoes(identity, made=record.made):
            self._leave_out(Unwanted.PURGED)
            return
        if not self._policy.keep_personal and looks_personal(identity.text):
            self._leave_out(Unwanted.PERSONAL)
            return
        match await self._store.add(identity, self._as_of_now(record), kept.tag):
            case "kept":
                self.came_to.records += 1
            case "there":
                self.came_to.there += 1
            case "quota":
                self._leave_out(Unwanted.QUOTA)
                return
            case "disk":
                self._leave_out(Unwanted.DISK)
                return
        self._tell()

    # -- counts ------------------------------------------------------------------------------------

    async def take_counts(self, counts: Mapping[str, Counts[Any]]) -> None:
        """The days that nothing was counted on."""
        days = set()
        for kind, day, at in self._archive.counts:
            found = await asyncio.to_thread(self._archive.counted, kind, at)
            if await asyncio.to_thread(counts[kind].take, day, found):
                days.add(day)
        self.came_to.days = len(days)

    # -- what all have in common -------------------------------------------------------------------

    def _as_of_now(self, record: Record) -> Record:
        # Numbers of purges are each installation's own: of ours it was held against all there were.
        return replace(record, purge=self._purges.number)

    def _follow_purges(self) -> None:
        if self._purges.changed_on_disk():
            self._purges.reload()

    def _leave_out(self, why: Unwanted, records: int = 1) -> None:
        self.came_to.left_out[why] += records
        self._tell(records)

    def _tell(self, records: int = 1) -> None:
        self._done = min(self._done + records, self._total)
        self._progress(self._done, self._total, "taken")
