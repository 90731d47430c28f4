"""So much a minute: a bucket that fills all the time, and holds what a minute brings."""

from collections.abc import Callable
from math import inf
from time import monotonic


class Bucket:
    """Mutable state: what is in it. It begins full."""

    def __init__(self, per_minute: int, *, clock: Callable[[], float] = monotonic) -> None:
        self.per_minute = per_minute
        self._clock = clock
        self._level = float(per_minute)
        self._at = clock()

    def take(self, amount: int = 1) -> float:
        """Take ``amount``; 0 if it was there, else nothing is taken and it is the seconds until it will be.

        Infinity: more than it can hold, however long one waits.
        """
        now = self._clock()
        per_second = self.per_minute / 60
        self._level = min(float(self.per_minute), self._level + (now - self._at) * per_second)
        self._at = now
        if amount <= self._level:
            self._level -= amount
            return 0.0
        if amount > self.per_minute:
            return inf
        return (amount - self._level) / per_second
