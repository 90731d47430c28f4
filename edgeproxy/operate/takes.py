"""The recordings of the books, for whoever listens to them: what there is, to be played, and "sounds wrong".

What sounds wrong goes back a generation, and its pointer is held there; without an earlier one it is purged,
and made anew at once. Two who hear the same take back that one, and not what came in its place.
"""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from ..audio import wav
from ..cache.store import Store
from ..phrases.books import Books
from ..phrases.generations import Generations
from ..phrases.hits import Hits
from ..phrases.pinned import Generation, Pinned
from ..phrases.quietly import nothing_collected
from ..phrases.standing import Recording, Standing, standings
from .guard import NotDone
from .purging import Purging, scope_of

_HIT_DAYS: Final = 7


class Takes:
    """See the module docstring. Each method raises :class:`NotDone` for what there is not."""

    def __init__(
        self,
        books: Books,
        generations: Generations,
        store: Store,
        hits: Hits,
        purging: Purging,
    ) -> None:
        self._books = books
        self._generations = generations
        self._store = store
        self._hits = hits
        self._purging = purging
        self._one_at_a_time = asyncio.Lock()

    async def all(self) -> list[orjson.Fragment]:
        """How each phrase stands, as JSON."""
        return await asyncio.to_thread(self._rows, datetime.now(UTC))

    def _rows(self, now: datetime) -> list[orjson.Fragment]:
        """Each written by itself: all of ten thousand at once would be one step, for which callers wait."""
        counts = self._hits.of_days(_HIT_DAYS, now=now)
        rows = []
        with nothing_collected():
            found = standings(self._books.library, self._generations)
            while found:
                rows.append(orjson.Fragment(orjson.dumps(_row(found.pop(), counts, now))))
        rows.reverse()
        return rows

    async def wav(self, key: str, number: int | None) -> bytes:
        """A recording as a WAV file. ``number``: of a generation; None: what callers hear."""
        pinned, generation = self._generation(key, number)
        record = await self._store.get(pinned.identity(generation))
        if record is None:
            raise NotDone(404, "unknown", f"the record of generation {generation.number} is gone")
        return wav.header(rate=record.rate, size=len(record.pcm)) + record.pcm

    async def sounds_wrong(self, key: str, made: datetime | None = None) -> dict[str, Any]:
        """Let callers no longer hear what they hear now; what was done instead. ``made``: when that was made
        which is meant; None: whatever they hear."""
        async with self._one_at_a_time:
            pinned, spoken = self._generation(key, None)
            if made is not None and made != spoken.made:
                raise NotDone(409, "moved", "callers hear another by now; listen to that one")
            return await self._take_back(pinned, spoken)

    async def _take_back(self, pinned: Pinned, spoken: Generation) -> dict[str, Any]:
        earlier = [each for each in pinned.generations if each.number < spoken.number]
        for generation in reversed(earlier):
            if pinned.identity(generation) in self._store:
                self._generations.use(pinned.key, generation.number)
                await self._save()
                return {"did": "went back", "generation": generation.number}
        try:
            await self._purging.purge(scope_of(pinned), soft=False)
        except OSError as error:
            raise _cannot("purges", error) from error
        return {"did": "purged", "says": f"“{pinned.text}” is purged, and made anew at once"}

    async def latest(self, key: str) -> dict[str, Any]:
        """Let callers hear the newest generation, and each one that comes after it."""
        self._pinned(key)
        spoken = self._generations.release(key).spoken
        await self._save()
        return {"generation": None if spoken is None else spoken.number}

    async def _save(self) -> None:
        try:
            await asyncio.to_thread(self._generations.save)
        except OSError as error:
            raise _cannot("generations", error) from error
        # What is heard now must be in memory before its next caller.
        self._books.look_again()

    def _pinned(self, key: str) -> Pinned:
        pinned = self._generations.find(key)
        if pinned is None:
            raise NotDone(404, "unknown", "there is no such recording; /admin/phrases has all keys")
        return pinned

    def _generation(self, key: str, number: int | None) -> tuple[Pinned, Generation]:
        pinned = self._pinned(key)
        wanted = pinned.speaks if number is None else number
        for generation in pinned.generations:
            if generation.number == wanted:
                return pinned, generation
        there = ", ".join(str(each.number) for each in pinned.generations) or "none"
        if number is None:
            raise NotDone(
                404, "unknown", f"nothing of it is heard yet; there are generations: {there}"
            )
        raise NotDone(404, "unknown", f"there is no generation {number} of it; there are: {there}")


def _cannot(what: str, error: OSError) -> NotDone:
    return NotDone(500, "disk", f"the {what} can't be written: {error.strerror or error}")


def _row(standing: Standing, counts: Mapping[str, int], now: datetime) -> dict[str, Any]:
    heard, made = standing.heard, standing.made
    return {
        "name": standing.name,
        "language": standing.language,
        "speaker": standing.speaker,
        "text": standing.text,
        "state": standing.state,
        "made": made,
        "age_s": None if made is None else (now - made).total_seconds(),
        "hits": standing.hits(counts),
        "hit_days": _HIT_DAYS,
        "seconds": sum(each.seconds for each in heard) if heard else None,
        "bytes": sum(each.size for each in standing.recordings),
        "takes": max((each.takes for each in heard), default=None),
        "heard": len(heard),
        "wanted": len(standing.recordings),
        "recordings": [_recording(each, counts) for each in standing.recordings],
    }


def _recording(recording: Recording, counts: Mapping[str, int]) -> dict[str, Any]:
    unit, made, spoken = recording.unit, recording.made, recording.spoken
    return {
        "key": unit.key,
        "text": unit.text,
        "state": recording.state,
        "made": None if spoken is None else spoken.made,
        "seconds": None if spoken is None else spoken.seconds,
        "hits": counts.get(unit.key, 0),
        "held": made is not None and made.held,
        "speaks": None if spoken is None else spoken.number,
        "generations": [] if made is None else [each.number for each in made.generations],
        "failed": None if made is None or made.is_stale else made.failed,
    }
