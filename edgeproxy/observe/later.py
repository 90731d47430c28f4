"""Facts, heard a moment later and some at a time.

A hit costs less than what is told of it would, one by one, in the middle of everything else: code that runs
once in a while is cold, and run for many in a row it is not. So whoever tells only leaves the fact and the
time here. What is lost with a process that is killed is the last moment.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

from ..core.events import Event

Told = tuple[Event, datetime]
"""A fact, and when it was told."""
Hear = Callable[[Sequence[Told]], None]

_LATE_S: Final = 0.05
_AT_A_TIME: Final = 16
"""More than so many in a row would hold up a caller."""
_SHARE: Final = 4
"""Where more is told than that, one in so many of what waits is heard at a time: else ever more would."""

log: Final = logging.getLogger(__name__)


class Later:
    """Made on the event loop whose moments are meant; :meth:`tell` is for any thread.

    Mutable state: what was told and not heard yet, whether it is going to be, and whether that is too late.
    """

    def __init__(self, *hear: Hear) -> None:
        self._hear = hear
        self._told: deque[Told] = deque()
        self._loop = asyncio.get_running_loop()
        self._due = False
        self._over = False

    def tell(self, event: Event) -> None:
        """Have it heard soon. The listener for all rooms."""
        self._told.append((event, datetime.now(UTC)))
        if self._over:
            self.catch_up()
        elif not self._due:
            self._due = True
            self._loop.call_soon_threadsafe(self._loop.call_later, _LATE_S, self._some)

    def catch_up(self) -> None:
        """Have everything heard that was told: before somebody looks at what came of it."""
        while self._told:
            self._hear_some(len(self._told))

    def stop(self) -> None:
        """Have everything heard, and from now on each fact at once: the loop is about to end."""
        self._over = True
        self.catch_up()

    def _some(self) -> None:
        waiting = len(self._told)
        self._hear_some(min(waiting, max(_AT_A_TIME, waiting // _SHARE)))
        # Asked again after that: what is told from now on by another thread has to be due by itself.
        self._due = False
        if self._told:
            self._due = True
            self._loop.call_soon(self._some)

    def _hear_some(self, count: int) -> None:
        some = [self._told.popleft() for _ in range(count)]
        for hear in self._hear:
            try:
                hear(some)
            except Exception:
                # The others hear it all the same, and what comes after it.
                log.exception("facts were not heard, by a bug")
