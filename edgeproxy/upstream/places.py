"""An account's places: how many sessions it may hold at once, whatever the model. Its pools share them.

The origin counts per account, and a client can name any model, so the ceiling can't be each pool's own.
A 429 or a close 1003 lowers it (by half at the most, never below one), and time raises it again, by a quarter
at a time: from one place to a hundred in minutes.
"""

from collections.abc import Callable
from time import monotonic
from typing import Protocol

from ..core.events import CeilingMoved, Emit, ignore


class Holder(Protocol):
    """A pool, as the other pools of its account see it."""

    @property
    def waiting(self) -> int:
        """Callers that wait for a session; the night is none."""

    def spare_one(self) -> bool:
        """End an idle session that nobody waits for; False where there is none."""

    def plan(self) -> None:
        """Places may have become free."""


class Places:
    """Mutable state: how many are taken, and the ceiling. ``most``: the account's hard limit."""

    def __init__(
        self,
        most: int,
        *,
        recover_s: float,
        emit: Emit = ignore,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.most = most
        self.ceiling = most
        self.taken = 0
        """Sessions that are open, about to be, or not yet closed for good."""
        self.closing = 0
        """Of these, those whose closing is under way."""
        self._recover_s = recover_s
        self._emit = emit
        self._clock = clock
        self._moved_at = 0.0
        self._holders: list[Holder] = []

    @property
    def free(self) -> int:
        """Places that can be taken now; never negative."""
        return max(0, self.ceiling - self.taken)

    @property
    def callers_wait(self) -> bool:
        """Whether a caller waits in any of the account's pools."""
        return any(holder.waiting for holder in self._holders)

    def join(self, holder: Holder) -> None:
        """A pool begins to share these places."""
        self._holders.append(holder)

    def leave(self, holder: Holder) -> None:
        """A pool is closed."""
        self._holders.remove(holder)

    def take(self) -> None:
        """One session more is open, or about to be."""
        self.taken += 1

    def give_back(self) -> None:
        """One session less, for good: let the pools make use of the place, callers first."""
        self.taken -= 1
        for holder in sorted(self._holders, key=lambda each: -each.waiting):
            holder.plan()

    def reclaim(self, needy: Holder) -> bool:
        """Have another pool give up an idle session, because ``needy`` has callers waiting. The place is
        free once that is closed."""
        return any(holder.spare_one() for holder in self._holders if holder is not needy)

    def lower(self) -> None:
        """The origin has turned one of ours away. Its limit lies somewhere below what we hold: halve at
        the most, since handshakes that are under way may all be refused in one breath."""
        lowered = max(1, min(self.ceiling - 1, max(self.taken, self.ceiling // 2)))
        if lowered < self.ceiling:
            self._move(lowered)

    def recover(self) -> None:
        """Rise by a quarter, at least by one, if the time has come. Called now and then."""
        if self.ceiling < self.most and self._clock() - self._moved_at >= self._recover_s:
            self._move(min(self.most, self.ceiling + max(1, self.ceiling // 4)))

    def _move(self, ceiling: int) -> None:
        self.ceiling = ceiling
        self._moved_at = self._clock()
        self._emit(CeilingMoved(ceiling))
