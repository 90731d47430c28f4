"""Purging: from "this must not be heard any more" to nothing being left of it.

::

    on the file of purges ─► out of memory and flights ─► off the disk ─► generations of books forgotten

First on the file, so that it holds whatever becomes of this process. A phrase that loses its recordings so is
made anew at once, as if it were new. A soft purge takes nothing away: what it covers is renewed when it is
next asked for, and what a book holds by the next night.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from ..cache.purge import DamagedPurges, Doom, Purge, Purges, Scope
from ..cache.store import Store
from ..core.events import Emit, Purged, StoreFailed, ignore
from ..core.key import Identity
from ..phrases.generations import Failure, Generations
from ..phrases.pinned import Pinned, space
from ..speech import Speech

_FILLS_S: Final = 3600.0
"""No fill is in the air for so long, in whatever process."""
_STALE: Final = "marked stale by a purge"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a purge came to. ``records``: that lay on the disk; ``phrases``: recordings of books."""

    purge: Purge
    records: int
    phrases: int


class Purging:
    """Purges here, and follows what other processes purge.

    ``remake``: called when recordings of books are gone. ``records_last_s``: how old a record gets at most.
    """

    def __init__(
        self,
        purges: Purges,
        speech: Speech,
        store: Store,
        generations: Generations,
        *,
        records_last_s: float,
        remake: Callable[[], None],
        emit: Emit = ignore,
    ) -> None:
        self._purges = purges
        self._speech = speech
        self._store = store
        self._generations = generations
        self._records_last_s = records_last_s
        self._remake = remake
        self._emit = emit
        self._followed = purges.number
        """The last purge that memory and flights have been held against."""

    async def purge(self, scope: Scope, *, soft: bool) -> Outcome:
        """Purge what ``scope`` covers. Raises OSError if that can't be written down; then nothing changes."""
        purge = await asyncio.to_thread(self._purges.add, scope, soft=soft)
        self._catch_up()
        covered: list[Identity] | None = []
        if not soft:
            # Of what a disk that fails us keeps no read is served: it is held against the purge.
            covered = await self._store.purge(self._is_gone, text=scope.text)
        phrases = await self._forget_generations(purge)
        records = len(covered or ())
        self._emit(Purged(purge.number, soft, _without_text(scope), records))
        return Outcome(purge, records, phrases)

    @property
    def behind(self) -> bool:
        """Whether another process has purged something that is not known here yet. Blocks for moments."""
        return self._purges.changed_on_disk() or self._purges.number > self._followed

    async def follow(self) -> None:
        """Take note of what another process has purged since the last time. Blocks only in threads."""
        try:
            if await asyncio.to_thread(self._purges.changed_on_disk):
                await asyncio.to_thread(self._purges.reload)
        except (OSError, DamagedPurges) as error:
            self._emit(StoreFailed("read purges", f"{type(error).__name__}: {error}"))
            return
        if self._catch_up():
            self._remake()

    def _catch_up(self) -> bool:
        """Hold memory and flights against every purge they were not held against yet, whoever purged."""
        new = [purge for purge in self._purges if purge.number > self._followed]
        self._followed = self._purges.number
        for purge in new:
            self._speech.purge(purge)
        return bool(new)

    async def finish(self, now: datetime | None = None) -> None:
        """Do again what a crash may have cut short, and let go of purges that no record is left for."""
        now = now or datetime.now(UTC)
        if any(not purge.soft for purge in self._purges):
            await self._store.refresh()  # records of other processes, too
            if await self._store.purge(self._is_gone) is None:
                return  # the disk fails us: what is left of them is not known
        over = [
            purge
            for purge in self._purges
            if now - purge.when
            > timedelta(seconds=self._records_last_s if purge.soft else _FILLS_S)
        ]
        if over:
            try:
                await asyncio.to_thread(self._purges.forget, over)
            except OSError as error:
                self._emit(StoreFailed("forget purges", f"{type(error).__name__}: {error}"))

    def _is_gone(self, identity: Identity, since: int) -> bool:
        return self._purges.doom(identity, since=since) is Doom.GONE

    async def _forget_generations(self, purge: Purge) -> int:
        covered = [pinned for pinned in self._generations if _covers(purge.scope, pinned)]
        for pinned in covered:
            if purge.soft:
                why = Failure(when=purge.when, reasons=(_STALE,), attempts=0)
                voice = pinned.at_rate(pinned.generations[-1].rate)
                self._generations.fail(
                    voice, pinned.text, why, scope=pinned.scope, phrases=pinned.phrases
                )
            else:
                self._generations.retire(pinned.key)
        if covered:
            try:
                await asyncio.to_thread(self._generations.save)
            except OSError as error:
                self._emit(StoreFailed("save generations", f"{type(error).__name__}: {error}"))
            self._remake()
        return len(covered)


def scope_of(pinned: Pinned) -> Scope:
    """What covers all recordings of one text of the books in its voice."""
    return Scope(text=pinned.text, namespace=space(pinned.scope), voice=pinned.voice)


def _covers(scope: Scope, pinned: Pinned) -> bool:
    return any(scope.covers(pinned.identity(each)) for each in pinned.generations)


def _without_text(scope: Scope) -> str:
    given = [name for name in ("text", "prefix", "namespace") if getattr(scope, name) is not None]
    return ", ".join([*given, *scope.voice]) or "everything"
