"""How things stand at a moment, for the console and, by :mod:`.gauges`, the metrics.

The rooms are asked when somebody looks; between two looks nothing of this costs anything. What takes long to
put together (how ten thousand phrases stand) is counted in a thread, and again only when it has changed.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import Any, Final

from .. import __version__
from ..cache.flight import Flights
from ..cache.memory import Memory
from ..cache.store import Store
from ..observe.later import Later
from ..phrases.books import Books
from ..phrases.generations import Generations, Pinned
from ..phrases.library import Library
from ..phrases.quietly import nothing_collected
from ..phrases.standing import standings
from ..speech import Speech
from ..upstream.pools import Account, Pools
from .day import Day
from .recent import WINDOW_S, Recent

_KEPT_S: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """What only the client half knows, asked when somebody looks."""

    url: Callable[[], str]
    """Where agents reach it."""
    status: Callable[[], str]
    """``ready``, ``degraded`` or ``draining``."""
    connections: Callable[[], int]
    conversations: Callable[[], int]
    tenants_problem: Callable[[], str | None]
    night_running: Callable[[], bool]
    next_night: Callable[[], datetime | None]
    night_ended: Callable[[], datetime | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rooms:
    """Where it is looked. ``origin``: its URL."""

    origin: str
    account: Account
    pools: Pools
    store: Store
    memory: Memory
    flights: Flights
    speech: Speech
    books: Books
    generations: Generations
    later: Later
    recent: Recent
    day: Day
    doors: Doors


@dataclass(frozen=True, slots=True)
class Phrases:
    """How the phrases stood at a look, counted. ``made``: when the oldest recording was made that is heard of
    each, the oldest first. ``library`` and ``units``: of what that was."""

    by_state: Mapping[str, int]
    made: Sequence[datetime]
    library: Library | None
    units: tuple[Pinned, ...]


class Overview:
    """Looks. Mutable state: how the phrases stood a moment ago, and how much disk was free."""

    def __init__(self, rooms: Rooms) -> None:
        self.rooms: Final = rooms
        self.started: Final = datetime.now(UTC)
        self.phrases = Phrases({}, (), None, ())
        """How they stood at the last look."""
        self.free_bytes: int | None = None
        """What was left of the disk then."""
        self._looked_at = float("-inf")
        self._looking = asyncio.Lock()

    async def look(self, *, afresh: bool = False) -> None:
        """Have ready what takes long, and what was told a moment ago. ``afresh``: as it is now, because
        something was changed."""
        self.rooms.later.catch_up()
        async with self._looking:
            if afresh or monotonic() - self._looked_at > _KEPT_S:
                rooms = self.rooms
                self.phrases = await asyncio.to_thread(
                    _counted, rooms.books.library, rooms.generations, self.phrases
                )
                self.free_bytes = await rooms.store.free_bytes()
                self._looked_at = monotonic()

    @property
    def problems(self) -> list[str]:
        """What is the matter, in sentences; empty while all is well."""
        rooms = self.rooms
        found = (
            *(f"the origin: {each}" for each in rooms.pools.problems(rooms.account)),
            rooms.store.problem,
            _after("the newest phrase books are not used: ", rooms.books.problem),
            _after("the newest tenants file is not used: ", rooms.doors.tenants_problem()),
        )
        return [each for each in found if each is not None]

    async def state(self, *, after: int) -> dict[str, Any]:
        """What the console shows, as JSON takes it; ``after``: the number of the last turn it knows."""
        await self.look()
        rooms, day = self.rooms, self.rooms.day
        now = datetime.now(UTC)
        if after > rooms.recent.number:
            after = 0  # the process is another than the one that was asked before
        return {
            "version": __version__,
            "now": now,
            "started": self.started,
            "url": rooms.doors.url(),
            "cache": rooms.speech.mode,
            "status": rooms.doors.status(),
            "problems": self.problems,
            "first_audio": {
                "window_s": WINDOW_S,
                "by_verdict": {
                    verdict: {
                        "turns": wait.turns,
                        "p50_ms": _ms(wait.median_s),
                        "p95_ms": _ms(wait.p95_s),
                    }
                    for verdict, wait in rooms.recent.waits().items()
                },
            },
            "turns": [
                {
                    "seq": turn.number,
                    "at": round(turn.ended.timestamp() * 1000),
                    "door": turn.door,
                    "verdict": turn.verdict,
                    "would": turn.would,
                    "outcome": turn.outcome,
                    "wait_ms": _ms(turn.wait_s),
                    "ttfb_ms": _ms(turn.ttfb_s),
                    "characters": turn.characters,
                    "segments": turn.segments,
                    "from_cache": turn.from_cache,
                }
                for turn in rooms.recent.since(after)
            ],
            "seq": rooms.recent.number,
            "today": {
                "since": day.began,
                "zone": str(day.began.tzinfo),
                **{name: getattr(day.sums, name) for name in day.sums.__slots__},
                "rupees_saved": round(day.sums.rupees_saved, 2),
                "rupees_spent": round(day.sums.rupees_spent, 2),
            },
            "origin": self.origin(),
            "store": self._store(),
            "phrases": {
                "total": sum(self.phrases.by_state.values()),
                "by_state": self.phrases.by_state,
            },
            "night": {
                "running": rooms.doors.night_running(),
                "next": rooms.doors.next_night(),
                "ended": rooms.doors.night_ended(),
            },
        }

    def origin(self) -> dict[str, Any]:
        """The origin, and the sessions with it."""
        rooms = self.rooms
        return {
            "url": rooms.origin,
            "problem": next(iter(rooms.pools.problems(rooms.account)), None),
            "pools": [
                {
                    "account": each.account.name,
                    "model": each.model,
                    **each.sessions,
                    "waiting": each.waiting,
                    "held": each.held,
                    "ceiling": each.ceiling,
                    "breaker": each.breaker,
                    "problem": each.problem,
                }
                for each in rooms.pools.standings()
            ],
        }

    def _store(self) -> dict[str, Any]:
        store, memory = self.rooms.store, self.rooms.memory
        return {
            "pinned_records": store.pinned_records,
            "pinned_bytes": store.pinned_bytes,
            "dynamic_records": store.dynamic_records,
            "dynamic_bytes": store.dynamic_bytes,
            "quota_bytes": store.quota_bytes,
            "free_bytes": self.free_bytes,
            "memory_clips": len(memory),
            "memory_bytes": memory.size,
            "memory_limit_bytes": memory.limit,
            "problem": store.problem,
        }


def _counted(library: Library, generations: Generations, before: Phrases) -> Phrases:
    """How the phrases stand now; ``before``: how they stood. For a thread."""
    units = tuple(generations)
    if library is before.library and units == before.units:
        return before
    by_state: Counter[str] = Counter()
    made = []
    with nothing_collected():
        found = standings(library, generations)
        while found:  # let go of one by one: all of them at once would be one step
            standing = found.pop()
            by_state[str(standing.state)] += 1
            if standing.made is not None:
                made.append(standing.made)
    return Phrases(by_state, sorted(made), library, units)


def _after(said: str, problem: str | None) -> str | None:
    return None if problem is None else said + problem


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 3)
