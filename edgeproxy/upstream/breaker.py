"""A circuit breaker: an origin that fails most of what it is asked is not asked, and that is said at once.

::

             too many of the latest attempts failed            the wait is over, and somebody asks
    CLOSED ────────────────────────────────────────► OPEN ────────────────────────────────────────► HALF_OPEN
      ▲                                               ▲                                               │   │
      │                                               └──────────── the probe fails: wait longer ─────┘   │
      └───────────────────────────────────────────────────────── the probe succeeds ──────────────────────┘

=============  ==================================================  ===================================
state          who asks now                                        what ends it
=============  ==================================================  ===================================
CLOSED         asks                                                ``ratio`` of at least
                                                                   ``least_attempts`` in ``window_s``
OPEN           is told OriginDown at once                          time, jittered: 2 s at the most, later
                                                                   up to 5 s; and then an asker
HALF_OPEN      is told OriginDown at once, but for one, the probe  what becomes of the probe
=============  ==================================================  ===================================

The probe is the next request in earnest: if nobody asks, nothing is spent. One that ends without a verdict
(its caller left, the text was refused) lets the next one be the probe at once.

What counts is whether the origin is well: an utterance that came to its `final`, against no connection, a
timeout, an utterance that broke, a 5xx. What says nothing of that counts neither way: a refusal that is
the client's fault, a 429 or close 1003 (the pool's ceiling sees to it), a session closed while idle, a
lease that found all sessions busy, a cancellation. A deadline of ours cancels, too: it is longer than a
lease and a first audio together, so it strikes only after an attempt that has been counted.
"""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from time import monotonic
from typing import Final

from ..core.errors import OriginDown, OriginError, OriginLetGo
from ..core.events import BreakerMoved, Emit, ignore
from .backoff import backoff
from .session import OriginRefused

_FIRST_PROBE_S: Final = 2.0
_PROBES_CAP_S: Final = 5.0
"""A probe is one utterance: next to nothing for the origin, and callers hear again so much the sooner."""


class State(StrEnum):
    """Where a breaker is."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class Breaker:
    """The breaker of one (account, model). Mutable state: where it is, and the latest outcomes.

    ``ratio``: of ``least_attempts`` or more within ``window_s`` seconds, the part that must have failed.
    """

    def __init__(
        self,
        account: str,
        model: str,
        *,
        window_s: float = 20.0,
        least_attempts: int = 20,
        ratio: float = 0.5,
        emit: Emit = ignore,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._account = account
        self._model = model
        self._window_s = window_s
        self._least_attempts = least_attempts
        self._ratio = ratio
        self._emit = emit
        self._clock = clock
        self.state = State.CLOSED
        self._outcomes: deque[tuple[float, bool]] = deque()
        """(when, whether it failed), oldest first, of the latest ``window_s`` seconds."""
        self._failures = 0
        self._last_failure = ""
        self._waits: Iterator[float] = iter(())
        self._probe_at = 0.0
        self._era = 0
        """Goes up with each move: what was begun before says nothing of how things are now."""
        self._under_way = 0

    @property
    def problem(self) -> str | None:
        """Why the origin is not asked; None while it is."""
        if self.state is State.CLOSED:
            return None
        return f"{self._model} is not asked for ({self.state}): {self._last_failure}"

    @property
    def at_rest(self) -> bool:
        """Whether a new one would behave the same."""
        self._forget()
        return self.state is State.CLOSED and not self._outcomes and not self._under_way

    def __repr__(self) -> str:
        return (
            f"<Breaker {self._model}: {self.state}, {self._failures} of {len(self._outcomes)} failed, "
            f"{self._under_way} under way>"
        )

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Ask the origin for one utterance; how the block ends is the outcome, told exactly once.

        Raises OriginDown, before anything is spent, while it is not to be asked.
        """
        probe = self._admit()
        era = self._era
        self._under_way += 1
        failed: bool | None = None
        try:
            yield
            failed = False
        except OriginError as error:
            if _is_the_origins_fault(error):
                failed = True
                if era == self._era:
                    self._last_failure = str(error)
            raise
        finally:
            self._under_way -= 1
            if era == self._era:
                if probe:
                    self._judge_probe(failed)
                elif failed is not None:
                    self._count(failed)

    def _admit(self) -> bool:
        """Whether this is the probe. Raises OriginDown."""
        if self.state is State.CLOSED:
            return False
        wait_s = self._probe_at - self._clock()
        if self.state is State.HALF_OPEN or wait_s > 0:
            # Of a probe that is under way nobody knows the end: it may take as long as a wait.
            raise OriginDown(
                f"the origin fails most of what it is asked, at last: {self._last_failure}",
                retry_after_s=wait_s if wait_s > 0 else _FIRST_PROBE_S,
            )
        self._move(State.HALF_OPEN)
        return True

    def _judge_probe(self, failed: bool | None) -> None:
        if failed is None:
            self._move(State.OPEN)  # and the wait is over already: the next one is the probe
        elif failed:
            self._open()
        else:
            self._move(State.CLOSED)

    def _count(self, failed: bool) -> None:
        self._outcomes.append((self._clock(), failed))
        self._failures += failed
        self._forget()
        attempts = len(self._outcomes)
        if failed and attempts >= self._least_attempts and self._failures >= self._ratio * attempts:
            self._waits = backoff(first_s=_FIRST_PROBE_S, cap_s=_PROBES_CAP_S)
            self._outcomes.clear()
            self._failures = 0
            self._open()

    def _forget(self) -> None:
        since = self._clock() - self._window_s
        while self._outcomes and self._outcomes[0][0] <= since:
            self._failures -= self._outcomes.popleft()[1]

    def _open(self) -> None:
        self._probe_at = self._clock() + next(self._waits)
        self._move(State.OPEN)

    def _move(self, state: State) -> None:
        self.state = state
        self._era += 1
        reason = None if state is State.CLOSED else self._last_failure
        self._emit(BreakerMoved(self._account, self._model, state, reason))


def _is_the_origins_fault(error: OriginError) -> bool:
    if isinstance(error, OriginRefused):
        return error.status >= 500
    return not isinstance(error, OriginLetGo)
