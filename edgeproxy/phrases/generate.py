"""The making of pinned texts: fetched or read, judged, kept, and only then heard.

::

    due ─► budget? ─► fetch each take, judged, up to 3 tries ─► all rates into the store ─► pointer ─► saved

A unit that fails leaves what speaks as it is. What is made is saved unit by unit: a run that was killed and
is begun again repeats nothing but what was in the air. One run at a time, also across processes.
"""

import asyncio
import contextlib
import fcntl
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from ..audio import quality
from ..audio.resample import resample
from ..cache.purge import Doom, Purges
from ..cache.record import Record
from ..cache.store import Store
from ..core.audio import duration_s
from ..core.events import Emit, PhraseGenerated, PhraseRefused, StoreFailed, ignore
from ..core.key import NO_EPOCHS, Epochs, Identity
from ..core.voice import Voice
from ..sarvam import models
from . import due as dues
from .due import Due, Unit
from .generations import Generations
from .library import Library
from .pinned import Failure, Generation, Pinned
from .quietly import nothing_collected
from .studio import Allowance, Failed, Fetch, Studio, scaled

AT_ONCE: Final = 4
"""Units being made at a time."""

GRACE: Final = timedelta(days=7)
"""How long what the books no longer say is kept."""

_LOCK_EVERY_S: Final = 0.1
_PURGED: Final = "it was purged while it was made"


@dataclass(frozen=True, slots=True)
class Refused:
    """A unit that was not made, and why: each reason a sentence with its figure."""

    due: Due
    reasons: tuple[str, ...]


@dataclass(slots=True)
class Built:
    """What came of a run. ``skipped``: what the budget did not reach, or what was left when the run had to
    stop; ``stopped`` says why it had to. ``characters``: asked of the origin, failed tries included."""

    made: list[Due] = field(default_factory=list)
    failed: list[Refused] = field(default_factory=list)
    skipped: list[Due] = field(default_factory=list)
    characters: int = 0
    stopped: str | None = None

    @property
    def rupees(self) -> float:
        """What the origin takes for it."""
        return self.characters * models.RUPEES_PER_CHARACTER


BeforeHeard = Callable[[str, Generation], Awaitable[None]]
"""Is told of a unit's key and its generation that is on disk, before callers hear it."""


async def _nothing(_key: str, _generation: Generation) -> None:
    pass


Progress = Callable[[int, int, str], None]
"""(units dealt with, units in all, the phrase that was dealt with)."""


class _Run:
    """One run: what it may use, and what came of it."""

    def __init__(self, total: int, budget_characters: int, progress: Progress) -> None:
        self.allowance = Allowance(budget_characters)
        self.built = Built()
        self._total = total
        self._progress = progress
        self._done = 0

    def done(self, due: Due) -> None:
        """Another unit was dealt with."""
        self._done += 1
        self._progress(self._done, self._total, due.unit.phrases[0])


class Generator:
    """Makes what is due. ``fetch`` has the origin speak.

    ``keep``: generations kept of each unit, besides the one that speaks; ``characters_per_second``: the pace
    at which the origin is asked; ``forget``: lets go of a recording elsewhere that is removed here.
    """

    def __init__(
        self,
        store: Store,
        fetch: Fetch,
        generations: Generations,
        *,
        purges: Purges,
        keep: int = 3,
        characters_per_second: float,
        before_heard: BeforeHeard = _nothing,
        forget: Callable[[Identity], None] = lambda _: None,
        epochs: Epochs = NO_EPOCHS,
        emit: Emit = ignore,
    ) -> None:
        self._store = store
        self._forget = forget
        self._epochs = epochs
        self._purges = purges
        self._studio = Studio(fetch, characters_per_second=characters_per_second)
        self._generations = generations
        self._keep = keep
        self._before_heard = before_heard
        self._emit = emit

    def plan(
        self, library: Library, *, now: datetime, only: str | None = None, all_due: bool = False
    ) -> list[Due]:
        """What :meth:`build` would make, and why; see :func:`~edgeproxy.phrases.due.due`.

        Some 30 ms for each 1,000 units, so that it is for a thread; it only reads.
        """
        with nothing_collected():
            return dues.due(
                library,
                self._generations,
                is_there=self._is_there,
                now=now,
                only=only,
                all_due=all_due,
                epochs=self._epochs,
            )

    async def build(
        self,
        due: Sequence[Due],
        *,
        budget_characters: int,
        progress: Progress = lambda done, total, phrase: None,
    ) -> Built:
        """Make what is due, as far as the budget goes. Waits until no other process makes anything.

        What cannot be made is in the result, never raised. A cancellation loses only what is in the air.
        """
        run = _Run(len(due), budget_characters, progress)
        queue = iter(due)
        async with self.alone():
            try:
                async with asyncio.TaskGroup() as group:
                    for _ in range(AT_ONCE):
                        group.create_task(self._work(queue, run))
            finally:
                # Not off the loop: who is cancelled could not wait for it.
                self._save_now(run)
        run.built.characters = run.allowance.spent
        run.built.stopped = run.allowance.stopped
        return run.built

    async def retire(
        self, library: Library, now: datetime, *, grace: timedelta = GRACE
    ) -> list[Pinned]:
        """Forget what the books have not said for as long as ``grace``, records too; what that was.

        How long is counted from the first call that missed it. Raises OSError if it can't be saved.
        """
        wanted = await asyncio.to_thread(dues.units, library)
        retired = []
        async with self.alone():
            for pinned in self._generations:
                unit = wanted.get(pinned.key)
                if unit is not None:
                    if pinned.unused_since is not None or pinned.phrases != unit.phrases:
                        self._generations.used_by(pinned.key, phrases=unit.phrases)
                elif pinned.unused_since is None:
                    self._generations.used_by(pinned.key, phrases=pinned.phrases, unused_since=now)
                elif now - pinned.unused_since >= grace:
                    for generation in pinned.generations:
                        await self._remove(pinned, generation)
                    self._generations.retire(pinned.key)
                    retired.append(pinned)
            await asyncio.to_thread(self._generations.save)
        return retired

    async def _work(self, queue: Iterator[Due], run: _Run) -> None:
        for due in queue:
            if not self._is_made(due):
                if run.allowance.stopped is None and run.allowance.take(due.characters):
                    await self._make(due, run)
                else:
                    run.built.skipped.append(due)
            run.done(due)

    async def _make(self, due: Due, run: _Run) -> None:
        unit, made, since = due.unit, due.asked, self._purges.number
        try:
            if due.is_rescaled:
                # It was spoken when it was, so that it is not spoken afresh any later.
                takes, made = await self._rescaled(unit)
            else:
                takes = await self._studio.takes(
                    unit, run.allowance, previous_s=self._previous_s(unit)
                )
            generation = Generation(
                number=due.after + 1,
                made=made,
                rate=unit.voice.rate,
                seconds=duration_s(len(takes[0]), unit.voice.rate),
                characters=due.characters,
                loudness_dbfs=await asyncio.to_thread(quality.loudness_dbfs, takes[0]),
                takes=len(takes),
                recording=unit.recording.digest if unit.recording else None,
                normalised=unit.normalise,
                epoch=self._epochs.of(unit.voice),
            )
            await self._put(unit, generation, takes, since, run.allowance)
            if not unit.manual:
                await self._before_heard(unit.key, generation)
            # With no await from here to the pointer.
            identity = _identity(unit, unit.voice, generation, 0)
            if self._purges.doom(identity, since=since) is Doom.GONE:
                raise Failed([_PURGED], attempts=1)
        except Failed as failed:
            self._fail(due, failed, run)
        else:
            self._add(due, generation, run)
        await self._save(run)
        await self._prune(unit.key)

    async def _rescaled(self, unit: Unit) -> tuple[list[bytes], datetime]:
        """The takes of the latest generation, as loud as they are to be now, and when they were spoken.
        Raises :class:`Failed`."""
        pinned = self._generations.find(unit.key)
        latest = pinned.latest if pinned else None
        if latest is None:
            raise Failed(["what was to be scaled was purged"], attempts=1)
        takes = []
        for take in range(unit.takes):
            voice = unit.voice.at_rate(latest.rate)
            record = await self._store.get(_identity(unit, voice, latest, take))
            if record is None:
                raise Failed(["the take to be scaled is gone"], attempts=1)
            rate = unit.voice.rate
            pcm = await asyncio.to_thread(resample, record.pcm, rate=record.rate, to=rate)
            pcm, reasons = await asyncio.to_thread(scaled, pcm, unit)
            if reasons:
                raise Failed(reasons, attempts=1)
            takes.append(pcm)
        return takes, latest.made

    async def _put(
        self,
        unit: Unit,
        generation: Generation,
        takes: Sequence[bytes],
        since: int,
        allowance: Allowance,
    ) -> None:
        """Keep all takes at all rates, or raise :class:`Failed`. ``since``: the last purge before."""
        for take, master in enumerate(takes):
            for rate in unit.rates:
                pcm = await asyncio.to_thread(resample, master, rate=generation.rate, to=rate)
                identity = _identity(unit, unit.voice.at_rate(rate), generation, take)
                if self._purges.doom(identity, since=since) is Doom.GONE:
                    raise Failed([_PURGED], attempts=1)
                record = Record(identity.blob, rate, pcm, generation.made, since)
                if not await self._store.put(identity, record, pinned=True):
                    # What comes next would only be paid for and lost as well.
                    allowance.stopped = "the disk takes nothing more"
                    raise Failed([allowance.stopped], attempts=1)

    def _add(self, due: Due, generation: Generation, run: _Run) -> None:
        unit = due.unit
        pinned = self._generations.add(
            unit.voice,
            unit.text,
            generation,
            scope=unit.scope,
            phrases=unit.phrases,
            move=not unit.manual,
        )
        run.built.made.append(due)
        self._emit(
            PhraseGenerated(
                unit.key,
                unit.phrases[0],
                generation.number,
                speaks=pinned.speaks == generation.number,
                characters=generation.characters,
                seconds=generation.seconds,
            )
        )

    def _fail(self, due: Due, failed: Failed, run: _Run) -> None:
        unit = due.unit
        failure = Failure(when=due.asked, reasons=failed.reasons, attempts=failed.attempts)
        self._generations.fail(
            unit.voice, unit.text, failure, scope=unit.scope, phrases=unit.phrases
        )
        run.built.failed.append(Refused(due, failed.reasons))
        self._emit(PhraseRefused(unit.key, unit.phrases[0], str(failed), failed.attempts))

    def _previous_s(self, unit: Unit) -> float | None:
        """How long what is heard lasts; a human takes another time than the origin."""
        pinned = self._generations.find(unit.key)
        previous = (pinned.spoken or pinned.latest) if pinned else None
        return previous.seconds if previous and previous.recording is None else None

    def _is_made(self, due: Due) -> bool:
        """Whether another has made it since it was found due."""
        pinned = self._generations.find(due.unit.key)
        if pinned is None or (latest := pinned.latest) is None:
            return False
        if latest.number > due.after:
            return True
        gone_only = due.reason == "failed check" and pinned.failed is None
        return gone_only and self._is_there(due.unit, latest)

    def _is_there(self, unit: Unit, generation: Generation) -> bool:
        voice = unit.voice.at_rate(generation.rate)
        return all(
            self._store.is_pinned(_identity(unit, voice, generation, take))
            for take in range(generation.takes)
        )

    async def _prune(self, key: str) -> None:
        """Remove old generations: their records first, so that a crash leaves none that nobody knows of."""
        pinned = self._generations.find(key)
        if pinned is not None and (old := pinned.beyond(self._keep)):
            for generation in old:
                await self._remove(pinned, generation)
            self._generations.drop_beyond(key, self._keep)

    async def _remove(self, pinned: Pinned, generation: Generation) -> None:
        # Whoever asks for a rate that no book lists has it derived, so any rate may be there.
        for rate in models.REST_RATES:
            voice = pinned.at_rate(rate)
            for take in range(generation.takes):
                identity = _identity(pinned, voice, generation, take)
                await self._store.remove(identity.key)
                # Its number may be given again, to another recording.
                self._forget(identity)

    async def _save(self, run: _Run) -> None:
        try:
            await asyncio.to_thread(self._generations.save)
        except OSError as error:
            self._cannot_save(error, run)

    def _save_now(self, run: _Run) -> None:
        try:
            self._generations.save()
        except OSError as error:
            self._cannot_save(error, run)

    def _cannot_save(self, error: OSError, run: _Run) -> None:
        run.allowance.stopped = f"{self._generations.file.name} cannot be written: {error}"
        self._emit(StoreFailed("save generations", f"{type(error).__name__}: {error}"))

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """One run at a time, also across processes; it begins with what the others have done. For whoever
        else brings recordings of phrases, too."""
        file = self._generations.file.with_name("generation.lock")
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            while True:
                if _locked(lock):
                    break
                await asyncio.sleep(_LOCK_EVERY_S)
            if self._generations.changed_on_disk():
                await asyncio.to_thread(self._generations.reload)
            await self._store.refresh()
            yield
        finally:
            os.close(lock)


def _locked(file: int) -> bool:
    # Locks belong to what was opened, not to the process: this also holds against another run in here.
    with contextlib.suppress(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def _identity(of: Unit | Pinned, voice: Voice, generation: Generation, take: int) -> Identity:
    return generation.identity(voice, of.text, take, scope=of.scope)
