"""A warm pool: the origin sessions of one (account, model), dialled and configured ahead of need.

Each state of a session is a list here, and one synchronous function, :meth:`Pool._plan`, decides what
moves and what is dialled; nobody is ever asked what state it is in, so the books can't disagree with
themselves between two awaits::

    dialling ──► idle ──► leased ──► resting ──► idle
                  │          │          │
                  └──────────┴──────────┴──► ended (closed in the background)

* Idle sessions form a stack, the warmest on top; one that already has the voice goes first.
* Waiters are served by order (first segments, look-ahead, night), then by age. The night never takes
  the last `reserve` places.
* There are always `ready` sessions to spare on top of the leased ones, up to the account's ceiling,
  which a 429 or a close 1003 lowers (never below one) and time raises again.
* A session past its age is replaced before it is closed. One that has said `final` rests `rest_s`, in
  which late audio ends it.
* Dials that fail back off, jittered, capped at 3 s.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import count
from time import monotonic
from typing import Final

from ..core.errors import Draining, LeaseTimeout, OriginError, OriginUnreachable
from ..core.events import (
    CeilingMoved,
    ConfigSent,
    DialFailed,
    Emit,
    SessionDialled,
    SessionRetired,
    ignore,
)
from ..core.voice import Voice
from .session import OriginRefused, Session

_DIALS_AT_ONCE: Final = 8
_BACKOFF_CAP_S: Final = 3.0
_TICK_S: Final = 1.0


class Order(IntEnum):
    """Who is served first."""

    FIRST = 0
    """The first segment of a turn: a caller waits in silence."""
    AHEAD = 1
    """Look-ahead: the caller is still listening to what comes before."""
    NIGHT = 2
    """Regeneration: nobody waits."""


@dataclass(frozen=True, slots=True)
class Account:
    """Whose Sarvam credential pays for a session. ``name`` may be logged, ``key`` never."""

    name: str
    key: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How large a pool is and how long things may take, in sessions and seconds."""

    ready: int = 4
    """Idle sessions kept on top of the leased ones."""
    account_sessions: int = 100
    """Hard ceiling: sessions the account may hold at once."""
    reserve: int = 4
    """Places the night leaves free."""
    lease_timeout_s: float = 3.0
    max_age_s: float = 3000.0
    rest_s: float = 0.1
    surplus_s: float = 60.0
    """How long an idle session beyond `ready` is kept."""
    recover_s: float = 10.0
    """How long a lowered ceiling takes to rise by one."""


def backoff(cap_s: float = _BACKOFF_CAP_S) -> Iterator[float]:
    """Delays between dials that fail, in seconds: doubling, jittered so that pools don't march in step."""
    for attempt in count():
        yield random.uniform(0.5, 1.0) * min(cap_s, 0.1 * 2.0 ** min(attempt, 10))


Dial = Callable[[Callable[[Session], None]], Awaitable[Session]]
"""Dials a session, whose end will be told to the callback."""


@dataclass(slots=True, eq=False)
class _Waiter:
    order: Order
    voice: Voice
    session: asyncio.Future[Session]


class Pool:
    """See the module docstring. Mutable state: the five books, the ceiling, the backoff."""

    def __init__(
        self,
        model: str,
        dial: Dial,
        *,
        limits: Limits,
        voices: Sequence[Voice] = (),
        emit: Emit = ignore,
    ) -> None:
        self._model = model
        self._dial = dial
        self._limits = limits
        self._voices = list(voices)
        self._emit = emit
        self._idle: list[Session] = []
        self._leased: set[Session] = set()
        self._resting: set[Session] = set()
        self._dials: dict[asyncio.Task[Session | None], Voice | None] = {}
        self._waiters: list[_Waiter] = []
        self._closers: set[asyncio.Task[None]] = set()
        self.codec: str | None = None
        """What sessions are asked for, where that is not what they were dialled for: an account or a
        model may not have it."""
        self.ceiling = limits.account_sessions
        self._lowered_at = 0.0
        self._backoff: Iterator[float] | None = None
        self._dial_not_before = 0.0
        self._expired_before = 0.0
        self._rested: dict[Session, asyncio.TimerHandle] = {}
        self._surplus_since: float | None = None
        self._last_problem: OriginError | None = None
        self._draining = False
        self._ticker = asyncio.create_task(self._tick(), name=f"pool {model}")
        self._plan()

    @property
    def size(self) -> int:
        """Sessions that count against the account: open, or about to be."""
        return len(self._idle) + len(self._leased) + len(self._resting) + len(self._dials)

    @property
    def idle(self) -> int:
        """Sessions ready to be leased."""
        return len(self._idle)

    @property
    def problem(self) -> OriginError | None:
        """Why the last dial failed; None since one succeeded."""
        return self._last_problem

    def __repr__(self) -> str:
        return (
            f"<Pool {self._model}: {len(self._leased)} leased, {len(self._idle)} idle, "
            f"{len(self._resting)} resting, {len(self._dials)} dialling, "
            f"{len(self._waiters)} waiting | ceiling {self.ceiling}>"
        )

    @asynccontextmanager
    async def lease(self, voice: Voice, *, order: Order) -> AsyncIterator[Session]:
        """Hold a session for one utterance, one that has ``voice`` if there is one.

        Raises LeaseTimeout (all are busy), OriginUnreachable (none can be had), OriginRefused (the
        origin turns the account away) or Draining.
        """
        session = await self._take(voice, order)
        try:
            yield session
        finally:
            self._give_back(session)

    def expire(self) -> None:
        """Replace every session by a new one, gently: each before it is closed."""
        self._expired_before = monotonic()
        self._plan()

    async def close(self) -> None:
        """Turn waiters away, close every session, wait for all tasks."""
        self._draining = True
        for waiter in self._waiters:
            if not waiter.session.done():
                waiter.session.set_exception(Draining("the proxy is shutting down"))
        self._waiters.clear()
        self._ticker.cancel()
        for task in self._dials:
            task.cancel()
        for session in [*self._idle, *self._resting, *self._leased]:
            session.end("pool closed")
        await asyncio.gather(self._ticker, *self._dials, return_exceptions=True)
        while self._closers:
            await asyncio.gather(*self._closers)

    async def _take(self, voice: Voice, order: Order) -> Session:
        if self._draining:
            raise Draining("the proxy is shutting down")
        waiter = _Waiter(order, voice, asyncio.get_running_loop().create_future())
        self._waiters.append(waiter)
        self._waiters.sort(key=lambda each: each.order)  # stable: by age within an order
        self._plan()
        if waiter.session.done():
            return waiter.session.result()
        try:
            async with asyncio.timeout(self._limits.lease_timeout_s):
                return await waiter.session
        except BaseException as error:
            if waiter in self._waiters:
                self._waiters.remove(waiter)
            elif (
                waiter.session.done()
                and not waiter.session.cancelled()
                and waiter.session.exception() is None
            ):
                # Leased in the same breath in which we were cancelled or ran out of time.
                self._put_idle(waiter.session.result())
            if not isinstance(error, TimeoutError):
                raise
            if self._last_problem is not None:
                raise OriginUnreachable(str(self._last_problem)) from self._last_problem
            raise LeaseTimeout(
                f"no origin session became free within {self._limits.lease_timeout_s:g} s"
            ) from None

    def _put_idle(self, session: Session) -> None:
        self._leased.discard(session)
        if session.reusable:
            self._idle.append(session)
        self._plan()

    def _give_back(self, session: Session) -> None:
        if session not in self._leased:
            return  # it ended while leased, and has left the books
        self._leased.discard(session)
        self._resting.add(session)
        self._rested[session] = asyncio.get_running_loop().call_later(
            self._limits.rest_s, self._rest_over, session
        )
        self._plan()

    def _rest_over(self, session: Session) -> None:
        del self._rested[session]
        self._resting.discard(session)
        self._put_idle(session)

    # -- deciding: synchronous, so that nothing can come in between --------------------------------

    def _plan(self) -> None:
        """Serve who can be served, start the dials that are wanted, let go of what is too old."""
        if self._draining:
            return
        while self._waiters:
            waiter = self._waiters[0]
            if waiter.session.done():  # cancelled; it removes itself, too
                self._waiters.pop(0)
                continue
            if not self._idle or (
                waiter.order is Order.NIGHT and self._spare <= self._limits.reserve
            ):
                break
            self._waiters.pop(0)
            session = self._choose(waiter.voice)
            self._leased.add(session)
            waiter.session.set_result(session)
        now = monotonic()
        fresh = [session for session in self._idle if not self._is_old(session, now)]
        wanted = len(self._waiters) + self._limits.ready
        coming = len(fresh) + len(self._resting) + len(self._dials)
        room = min(self.ceiling - self.size, _DIALS_AT_ONCE - len(self._dials))
        if now >= self._dial_not_before:
            for _ in range(min(wanted - coming, room)):
                self._start_dial()
        for session in self._idle[:]:
            # Old ones go when their replacement stands ready, or at once where there is no room for
            # one beside them.
            if self._is_old(session, now) and (
                len(fresh) >= self._limits.ready or self.size >= self.ceiling
            ):
                session.end("past its age")

    @property
    def _spare(self) -> int:
        return len(self._idle) + max(0, self.ceiling - self.size)

    def _is_old(self, session: Session, now: float) -> bool:
        return now - session.born > self._limits.max_age_s or session.born < self._expired_before

    def _choose(self, voice: Voice) -> Session:
        for position in range(len(self._idle) - 1, -1, -1):
            if self._idle[position].voice == voice:
                return self._idle.pop(position)
        for position in range(len(self._idle) - 1, -1, -1):
            if self._idle[position].voice is None:
                return self._idle.pop(position)
        return self._idle.pop()

    # -- doing -------------------------------------------------------------------------------------

    def _start_dial(self) -> None:
        voice = self._voice_to_warm()
        task = asyncio.create_task(self._dial_one(voice), name=f"dial {self._model}")
        self._dials[task] = voice
        task.add_done_callback(self._dial_over)

    def _dial_over(self, task: asyncio.Task[Session | None]) -> None:
        # From one book to the other in one step, so that nothing is ever counted twice or not at all.
        del self._dials[task]
        session = None if task.cancelled() else task.result()
        if session is not None and session.reusable:
            self._idle.append(session)
            if self._draining:
                session.end("pool closed")
        self._plan()

    async def _dial_one(self, voice: Voice | None) -> Session | None:
        began = monotonic()
        try:
            session = await self._dial(self._ended)
        except OriginError as error:
            self._dial_failed(error)
            return None
        self._emit(SessionDialled(self._model, monotonic() - began))
        self._last_problem = self._backoff = None
        self._dial_not_before = 0.0
        try:
            if voice is not None and await session.configure(voice, codec=self.codec):
                self._emit(ConfigSent(self._model))
        except OriginError as error:
            session.end(str(error))
        return session

    def _dial_failed(self, error: OriginError) -> None:
        self._last_problem = error
        self._emit(DialFailed(self._model, str(error)))
        if isinstance(error, OriginRefused):
            if error.status == 429:
                self._lower_ceiling()
            elif error.is_clients_fault:
                # The account itself is turned away: waiting would not help anyone.
                for waiter in self._waiters:
                    if not waiter.session.done():
                        waiter.session.set_exception(OriginRefused(error.refusal))
                self._waiters.clear()
        if self._backoff is None:
            self._backoff = backoff()
        delay = next(self._backoff)
        self._dial_not_before = monotonic() + delay
        asyncio.get_running_loop().call_later(delay, self._plan)

    def _voice_to_warm(self) -> Voice | None:
        if not self._voices:
            return None
        held = (*self._idle, *self._leased, *self._resting)
        told = [*(session.voice for session in held), *self._dials.values()]
        return min(self._voices, key=told.count)

    def _ended(self, session: Session) -> None:
        """A session ended, whoever wished it: out of the books, and closed in the background."""
        if session in self._idle:
            self._idle.remove(session)
            if isinstance(session.problem, OriginRefused) and session.problem.is_clients_fault:
                # The origin does not take the voice this session was warmed with: dialling another
                # with it would go on for ever.
                self._voices = [voice for voice in self._voices if voice != session.voice]
        self._leased.discard(session)
        self._resting.discard(session)
        if (rest := self._rested.pop(session, None)) is not None:
            rest.cancel()
        self._emit(SessionRetired(self._model, session.ended_because))
        if session.hit_limit:
            self._lower_ceiling()
        closer = asyncio.create_task(session.close(), name="close session")
        self._closers.add(closer)
        closer.add_done_callback(self._closers.discard)
        self._plan()

    def _lower_ceiling(self) -> None:
        self.ceiling = max(1, min(self.ceiling - 1, self.size - len(self._dials)))
        self._lowered_at = monotonic()
        self._emit(CeilingMoved(self._model, self.ceiling))

    async def _tick(self) -> None:
        """What only time brings about: age, surplus, the ceiling's recovery."""
        while True:
            await asyncio.sleep(_TICK_S)
            now = monotonic()
            if (
                self.ceiling < self._limits.account_sessions
                and now - self._lowered_at >= self._limits.recover_s
            ):
                self.ceiling += 1
                self._lowered_at = now
                self._emit(CeilingMoved(self._model, self.ceiling))
            if len(self._idle) <= self._limits.ready:
                self._surplus_since = None
            elif self._surplus_since is None:
                self._surplus_since = now
            elif now - self._surplus_since >= self._limits.surplus_s:
                self._idle[0].end("not needed")  # the coldest, one at a time
            self._plan()


class Pools:
    """All pools, by (account, model). A pool begins with its first lease, or by :meth:`warm`."""

    def __init__(self, make: Callable[[Account, str, Sequence[Voice]], Pool]) -> None:
        self._make = make
        self._pools: dict[tuple[Account, str], Pool] = {}

    def __iter__(self) -> Iterator[Pool]:
        return iter(self._pools.values())

    def of(self, account: Account, model: str, *, voices: Sequence[Voice] = ()) -> Pool:
        """The pool of ``account`` and ``model``, begun now if need be."""
        pool = self._pools.get((account, model))
        if pool is None:
            pool = self._pools[account, model] = self._make(account, model, voices)
        return pool

    def warm(self, account: Account, voices: Iterable[Voice]) -> None:
        """Begin the pools of the models of ``voices``, configured with them in turn."""
        by_model: dict[str, list[Voice]] = {}
        for voice in voices:
            by_model.setdefault(voice.model, []).append(voice)
        for model, theirs in by_model.items():
            self.of(account, model, voices=theirs)

    async def close(self) -> None:
        """Close every pool."""
        await asyncio.gather(*(pool.close() for pool in self._pools.values()))
