"""A warm pool: the origin sessions of one (account, model), dialled and configured ahead of need.

Each state of a session is a list here, and one synchronous function, :meth:`Pool._plan`, decides what
moves and what is dialled; nobody is ever asked what state it is in, so the books can't disagree with
themselves between two awaits::

    dialling ──► idle ──► leased ──► resting ──► idle
                  │          │          │
                  └──────────┴──────────┴──► ended (closed in the background)

* Idle sessions form a stack, the warmest on top; one that already has the voice goes first.
* Waiters are served by order (first segments, look-ahead, night), then by age; an order may rise while
  its waiter waits. The night never takes the last `reserve` idle sessions, and nothing at all while a
  caller of the account waits.
* At the most `waiting_most` wait; one more is turned away at once, or, if it is a caller, the latest of
  the night in its place. Among callers nobody is: to cut a turn that sounds is no better than to refuse
  one that has not begun.
* There are `ready` sessions to spare on top of the leased ones, as far as the account has places
  (:mod:`.places`), for as long as the pool is in use; callers who wait get the spare places of other
  pools, too.
* A session past its age is replaced before it is closed, or, where there is no place for both, one at a
  time. One that has said `final` rests `rest_s`, in which late audio ends it.
* Dials that fail back off, jittered, capped at 3 s; so do sessions that the origin ends before they
  were good for anything. A `final` ends the backoff. When the origin ends idle sessions, callers dial at
  once, but what is to stand ready again comes a random moment later: the other proxies lost theirs in
  the same breath. What an origin says of when to come again is kept to.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import partial
from math import inf
from time import monotonic
from typing import Final

from ..core.errors import (
    Draining,
    EdgeProxyError,
    LeaseTimeout,
    OriginError,
    OriginUnreachable,
    Overloaded,
)
from ..core.events import (
    ConfigSent,
    DialFailed,
    Emit,
    SessionDialled,
    SessionRetired,
    ignore,
)
from ..core.voice import Voice
from .backoff import backoff
from .places import Places
from .session import OriginRefused, Session

_DIALS_AT_ONCE: Final = 8
_REFILL_JITTER_S: Final = 1.0
_LONGEST_RETRY_AFTER_S: Final = 60.0
"""An origin that asks for more is tried once in so long all the same."""
_TICK_S: Final = 1.0
_JUST_NOW_S: Final = 1.0
"""A session that came up no longer ago is an answer to whoever asks whether one can."""
_EARNEST_S: Final = 5.0
"""A session the origin ends sooner, without a final, was not meant in earnest."""


class Order(IntEnum):
    """Who is served first."""

    FIRST = 0
    """The first segment of a turn: a caller waits in silence."""
    AHEAD = 1
    """Look-ahead: the caller is still listening to what comes before."""
    NIGHT = 2
    """Regeneration: nobody waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How large a pool is and how long things may take, in sessions and seconds."""

    ready: int = 4
    """Idle sessions kept on top of the leased ones."""
    reserve: int = 4
    """Idle sessions that the night leaves to callers."""
    lease_timeout_s: float = 3.0
    waiting_most: int = 1000
    """Waiters; per pool, so that the crowd of one model turns nobody away from another."""
    max_age_s: float = 3000.0
    rest_s: float = 0.1
    surplus_s: float = 60.0
    """How long an idle session beyond `ready` is kept."""
    spare_for_s: float = 600.0
    """How long after its latest lease a pool keeps sessions ready; 0 keeps none."""


Dial = Callable[[Callable[[Session], None]], Awaitable[Session]]
"""Dials a session, whose end will be told to the callback."""


@dataclass(slots=True, eq=False)
class _Waiter:
    order: Callable[[], Order]
    voice: Voice
    session: asyncio.Future[Session]


class Pool:
    """See the module docstring. Mutable state: the books, the places they take, the backoff.

    ``keep``: whether sessions stand ready for as long as the pool lives, used or not.
    """

    def __init__(
        self,
        model: str,
        dial: Dial,
        *,
        places: Places,
        limits: Limits,
        voices: Sequence[Voice] = (),
        keep: bool = False,
        emit: Emit = ignore,
    ) -> None:
        self._model = model
        self._dial = dial
        self._places = places
        self._limits = limits
        self._voices = list(voices)
        self._emit = emit
        self._idle: list[Session] = []
        self._leased: set[Session] = set()
        self._resting: dict[Session, asyncio.TimerHandle] = {}
        self._dials: dict[asyncio.Task[Session | None], Voice | None] = {}
        self._waiters: list[_Waiter] = []
        """Callers, by age."""
        self._night: list[_Waiter] = []
        """Regeneration, by age."""
        self._closers: set[asyncio.Task[None]] = set()
        self.codec: str | None = None
        """What sessions are asked for, where that is not what they were dialled for: an account or a
        model may not have it."""
        self._spare_until = inf if keep else 0.0
        self._backoff: Iterator[float] | None = None
        self._dial_not_before = 0.0
        self._refill_not_before = 0.0
        self._held_s: float | None = None
        """How long a lease lasts, the latest ones counting most; None while none has ended."""
        self._surplus_since: float | None = None
        self._last_problem: OriginError | None = None
        self._planning = False
        self._generation = 0
        self.closed = False
        """Whether it takes nobody in any more."""
        places.join(self)
        self._ticker = asyncio.create_task(self._tick(), name=f"pool {model}")
        self.plan()

    @property
    def size(self) -> int:
        """Sessions that are open, or about to be."""
        return len(self._idle) + len(self._leased) + len(self._resting) + len(self._dials)

    @property
    def rest_s(self) -> float:
        """How long a session rests after an utterance, in which late audio ends it."""
        return self._limits.rest_s

    @property
    def idle(self) -> int:
        """Sessions ready to be leased."""
        return len(self._idle)

    @property
    def sessions(self) -> dict[str, int]:
        """How many there are in each state."""
        return {
            "dialling": len(self._dials),
            "idle": len(self._idle),
            "leased": len(self._leased),
            "resting": len(self._resting),
        }

    @property
    def places(self) -> Places:
        """Those of its account, which it shares."""
        return self._places

    @property
    def waiting(self) -> int:
        """Callers that wait for a session; the night is none."""
        return len(self._waiters)

    @property
    def problem(self) -> OriginError | None:
        """Why the last dial failed; None since one succeeded."""
        return self._last_problem

    def __repr__(self) -> str:
        return (
            f"<Pool {self._model}: {len(self._leased)} leased, {len(self._idle)} idle, "
            f"{len(self._resting)} resting, {len(self._dials)} dialling, "
            f"{len(self._waiters) + len(self._night)} waiting | ceiling {self._places.ceiling}>"
        )

    @asynccontextmanager
    async def lease(
        self, voice: Voice, *, order: Order | Callable[[], Order]
    ) -> AsyncIterator[Session]:
        """Hold a session for one utterance, one that has ``voice`` if there is one.

        ``order`` is asked for again whenever a session is free, where it may rise meanwhile.

        Raises LeaseTimeout (all are busy), Overloaded (and too many wait already), OriginUnreachable (none
        can be had), OriginRefused (the origin turns the account away) or Draining.
        """
        session = await self._take(voice, order if callable(order) else lambda: order)
        began = monotonic()
        try:
            yield session
        finally:
            self._learn(monotonic() - began)
            self._give_back(session)

    async def prove(self) -> None:
        """Dial one session, unless one is being dialled, and keep it ready; return when it is up.

        However many ask at once, the origin is asked once, and not again before a backoff is over. Raises
        OriginRefused, OriginUnreachable, LeaseTimeout (no place for a session more) or Draining.
        """
        if self.closed:
            raise Draining("the proxy is shutting down")
        now = monotonic()
        if not self._dials:
            if any(now - session.born < _JUST_NOW_S for session in (*self._idle, *self._leased)):
                return
            if now < self._dial_not_before and self._last_problem is not None:
                raise self._why_not()
            if not self._places.free:
                raise LeaseTimeout("the account has no place for a session more")
            self._start_dial()
        # The dial is the pool's: whoever waits for it may leave.
        over, _ = await asyncio.wait(self._dials, return_when=asyncio.FIRST_COMPLETED)
        if all(dial.cancelled() for dial in over):
            raise Draining("the proxy is shutting down")
        if not any(not dial.cancelled() and dial.result() is not None for dial in over):
            raise self._why_not()

    def _why_not(self) -> OriginError:
        problem = self._last_problem
        if isinstance(problem, OriginRefused):
            return OriginRefused(problem.refusal)
        return OriginUnreachable(str(problem))

    def expire(self) -> None:
        """Replace every session by a new one, gently: each before it is closed."""
        self._generation += 1
        self.plan()

    async def close(self) -> None:
        """Turn waiters away, close every session, wait for all tasks."""
        self._retire()
        self._ticker.cancel()
        for task in self._dials:
            task.cancel()
        for session in [*self._idle, *self._resting, *self._leased]:
            session.end("pool closed")
        await asyncio.gather(self._ticker, *self._dials, return_exceptions=True)
        while self._closers:
            await asyncio.gather(*self._closers)
            await asyncio.sleep(0)  # their callbacks

    def _retire(self) -> None:
        if not self.closed:
            self.closed = True
            self._places.leave(self)
        self._turn_all_away(lambda: Draining("the proxy is shutting down"))

    def _turn_all_away(self, why: Callable[[], EdgeProxyError]) -> None:
        for waiter in (*self._waiters, *self._night):
            if not waiter.session.done():
                waiter.session.set_exception(why())
        self._waiters.clear()
        self._night.clear()

    async def _take(self, voice: Voice, order: Callable[[], Order]) -> Session:
        if self.closed:
            raise Draining("the proxy is shutting down")
        queue = self._night if order() is Order.NIGHT else self._waiters
        if len(self._waiters) + len(self._night) >= self._limits.waiting_most:
            self._make_room(queue)
        waiter = _Waiter(order, voice, asyncio.get_running_loop().create_future())
        queue.append(waiter)
        if self._limits.spare_for_s:
            self._spare_until = max(self._spare_until, monotonic() + self._limits.spare_for_s)
        self.plan()
        if waiter.session.done():
            return waiter.session.result()
        try:
            async with asyncio.timeout(self._limits.lease_timeout_s):
                return await waiter.session
        except BaseException as error:
            if waiter in queue:
                queue.remove(waiter)
            elif (
                waiter.session.done()
                and not waiter.session.cancelled()
                and waiter.session.exception() is None
            ):
                # Leased in the same breath in which we were cancelled or ran out of time.
                self._put_idle(waiter.session.result())
            if not isinstance(error, TimeoutError):
                raise
            raise self._in_vain() from self._last_problem

    def _in_vain(self) -> EdgeProxyError:
        """What to tell somebody who has waited for a session as long as may be."""
        problem = self._last_problem
        # Where others speak it is us who are too many, whatever became of the latest dial.
        if problem is None or self._leased:
            waited = f"no origin session became free within {self._limits.lease_timeout_s:g} s"
            return LeaseTimeout(waited, retry_after_s=self._crowd_gone_in_s())
        dials_in_s = max(0.0, self._dial_not_before - monotonic())
        if isinstance(problem, OriginRefused) and problem.status == 429:
            return OriginRefused(replace(problem.refusal, retry_after_s=dials_in_s))
        return OriginUnreachable(str(problem), retry_after_s=dials_in_s)

    def _make_room(self, queue: list[_Waiter]) -> None:
        """Turn somebody away: the latest of the night, or else, by raising Overloaded, who comes now."""
        full = Overloaded(
            f"{len(self._waiters) + len(self._night)} others wait for an origin session already",
            retry_after_s=self._crowd_gone_in_s(),
        )
        if queue is self._night or not self._night:
            raise full
        latest = self._night.pop()
        if not latest.session.done():
            latest.session.set_exception(full)

    def _learn(self, held_s: float) -> None:
        held_s += self._limits.rest_s
        self._held_s = held_s if self._held_s is None else 0.8 * self._held_s + 0.2 * held_s

    def _crowd_gone_in_s(self) -> float:
        """When all who wait now will have been served, at the pace of the latest leases, or given up."""
        longest_s = self._limits.lease_timeout_s
        if self._held_s is None:
            return longest_s
        crowd = len(self._waiters) + len(self._night) + 1
        return min(longest_s, self._held_s * crowd / max(1, len(self._leased)))

    def _put_idle(self, session: Session) -> None:
        self._leased.discard(session)
        if session.reusable:
            self._idle.append(session)
        self.plan()

    def _give_back(self, session: Session) -> None:
        if session not in self._leased:
            return  # it ended while leased, and has left the books
        if session.proven:
            self._backoff = None
            self._dial_not_before = 0.0
        self._leased.discard(session)
        self._resting[session] = asyncio.get_running_loop().call_later(
            self._limits.rest_s, self._rest_over, session
        )
        self.plan()

    def _rest_over(self, session: Session) -> None:
        del self._resting[session]
        self._put_idle(session)

    # -- deciding: synchronous, so that nothing can come in between --------------------------------

    def plan(self) -> None:
        """Serve who can be served, start the dials that are wanted, let go of what is too old."""
        if self.closed or self._planning:
            return
        # What is ended on the way plans, too: once is enough.
        self._planning = True
        try:
            now = monotonic()
            self._serve()
            self._grow(now)
            self._let_one_old_go(now)
        finally:
            self._planning = False

    def spare_one(self) -> bool:
        """Give up the coldest idle session, for another pool of the account. See Places.reclaim."""
        if not self._idle or self.waiting:
            return False
        self._idle[0].end("its place was needed")
        return True

    def _serve(self) -> None:
        while self._idle and self._waiters:
            # Only now: somebody else may have come to want what was merely looked ahead to.
            first = min(
                self._waiters, key=lambda each: each.order()
            )  # of these, the one who came first
            self._waiters.remove(first)
            self._hand_to(first)
        # What stands ready is for callers; the night takes what was dialled for it.
        while self._night and len(self._idle) > self._limits.reserve:
            if self._places.callers_wait:
                return
            self._hand_to(self._night.pop(0))

    def _hand_to(self, waiter: _Waiter) -> None:
        if not waiter.session.done():  # else cancelled
            session = self._choose(waiter.voice)
            self._leased.add(session)
            waiter.session.set_result(session)

    def _grow(self, now: float) -> None:
        if now < self._dial_not_before:
            return
        ready = self._limits.ready if self._refill_not_before <= now < self._spare_until else 0
        fresh = sum(not self._is_old(session, now) for session in self._idle)
        # Resting sessions are not counted: whoever comes now would have to wait out their rest.
        waiters = len(self._waiters)
        if self._night and not self._places.callers_wait:
            waiters += len(self._night)
            ready = max(ready, self._limits.reserve)
        missing = waiters + ready - fresh - len(self._dials)
        for _ in range(min(missing, _DIALS_AT_ONCE - len(self._dials))):
            if not self._places.free:
                # Callers who wait come before what merely stands ready for another model.
                coming = len(self._dials) + self._places.closing
                if coming < waiters:
                    self._places.reclaim(self)
                return
            self._start_dial()

    def _let_one_old_go(self, now: float) -> None:
        # One at a time: its replacement stands ready, or, without a place for both, comes next.
        old = next((session for session in self._idle if self._is_old(session, now)), None)
        if old is None or self._dials or self._closers:
            return
        fresh = sum(not self._is_old(session, now) for session in self._idle)
        if fresh >= self._limits.ready or not self._places.free or now >= self._spare_until:
            old.end("past its age")

    def _is_old(self, session: Session, now: float) -> bool:
        return session.generation != self._generation or now - session.born > self._limits.max_age_s

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
        self._places.take()
        task = asyncio.create_task(self._dial_one(voice), name=f"dial {self._model}")
        self._dials[task] = voice
        task.add_done_callback(self._dial_over)

    def _dial_over(self, task: asyncio.Task[Session | None]) -> None:
        # From one book to the other in one step, so that nothing is ever counted twice or not at all.
        del self._dials[task]
        session = None if task.cancelled() else task.result()
        if session is not None and session.reusable and not self.closed:
            session.generation = self._generation
            self._idle.append(session)
        else:
            if session is not None:
                session.end("pool closed")
            self._places.give_back()
        self.plan()

    async def _dial_one(self, voice: Voice | None) -> Session | None:
        began = monotonic()
        try:
            session = await self._dial(self._ended)
        except OriginError as error:
            self._dial_failed(error)
            return None
        self._emit(SessionDialled(self._model, monotonic() - began))
        self._last_problem = None
        try:
            if voice is not None and await session.configure(voice, codec=self.codec):
                self._emit(ConfigSent(self._model))
        except OriginError as error:
            session.end(str(error))
        except BaseException:
            session.end("cancelled while it was configured")
            raise
        return session

    def _dial_failed(self, error: OriginError) -> None:
        self._last_problem = error
        self._emit(DialFailed(self._model, str(error)))
        again_in_s = 0.0
        if isinstance(error, OriginRefused):
            again_in_s = min(error.refusal.retry_after_s or 0.0, _LONGEST_RETRY_AFTER_S)
            if error.status == 429:
                self._places.lower()
            elif error.is_clients_fault:
                # The account itself is turned away: waiting would not help anyone.
                self._turn_all_away(partial(OriginRefused, error.refusal))
        self._back_off(at_least_s=again_in_s)

    def _back_off(self, *, at_least_s: float = 0.0) -> None:
        now = monotonic()
        if now + at_least_s < self._dial_not_before:
            return  # dials that failed together count once
        if self._backoff is None:
            self._backoff = backoff()
        delay = max(next(self._backoff), at_least_s)
        self._dial_not_before = now + delay
        asyncio.get_running_loop().call_later(delay, self.plan)

    def _refill_later(self) -> None:
        now = monotonic()
        if now < self._refill_not_before:
            return  # sessions that ended together are replaced together
        delay = random.uniform(0.0, _REFILL_JITTER_S)
        self._refill_not_before = now + delay
        asyncio.get_running_loop().call_later(delay, self.plan)

    def _voice_to_warm(self) -> Voice | None:
        if not self._voices:
            return None
        held = (*self._idle, *self._leased, *self._resting)
        told = [*(session.voice for session in held), *self._dials.values()]
        return min(self._voices, key=told.count)

    def _ended(self, session: Session) -> None:
        """A session ended, whoever wished it: out of the books, and closed in the background."""
        refused = isinstance(session.problem, OriginRefused) and session.problem.is_clients_fault
        if refused and session not in self._leased:
            # The origin does not take the voice this session was warmed with: dialling another with
            # it would go on for ever.
            self._voices = [voice for voice in self._voices if voice != session.voice]
        elif (
            session.problem is not None
            and not refused
            and not session.proven
            and monotonic() - session.born < _EARNEST_S
        ):
            self._last_problem = session.problem
            self._back_off()
        elif session.problem is not None and session not in self._leased:
            self._refill_later()
        held = session in self._idle or session in self._leased or session in self._resting
        if session in self._idle:
            self._idle.remove(session)
        self._leased.discard(session)
        if (rest := self._resting.pop(session, None)) is not None:
            rest.cancel()
        self._emit(SessionRetired(self._model, session.ended_because))
        if session.hit_limit:
            self._places.lower()
        if held:  # else its dial still holds the place
            self._places.closing += 1
        closer = asyncio.create_task(session.close(), name="close session")
        self._closers.add(closer)
        closer.add_done_callback(partial(self._closed, held))
        self.plan()

    def _closed(self, held: bool, closer: asyncio.Task[None]) -> None:
        # Only now: until its socket is closed the origin counts the session, too.
        self._closers.discard(closer)
        if held:
            self._places.closing -= 1
            self._places.give_back()

    async def _tick(self) -> None:
        """What only time brings about: age, surplus, the ceiling's recovery, the pool's own end."""
        while not self.closed:
            await asyncio.sleep(_TICK_S)
            now = monotonic()
            self._places.recover()
            ready = self._limits.ready if now < self._spare_until else 0
            if len(self._idle) <= ready:
                self._surplus_since = None
            elif self._surplus_since is None:
                self._surplus_since = now
            elif now - self._surplus_since >= self._limits.surplus_s:
                self._idle[0].end("not needed")  # the coldest, one at a time
            self.plan()
            in_use = self.size or self._waiters or self._night or self._closers
            if not in_use and now >= self._spare_until:
                self._retire()  # a model nobody asks for any more
