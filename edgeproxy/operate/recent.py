"""The turns of the last minutes, for whoever looks at how long callers wait now.

A ring in memory: noting a turn costs about a microsecond, figures are made of it when somebody asks.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Final, NamedTuple

from ..core.events import TurnEnded
from ..observe.catalogue import FROM_CACHE
from ..observe.later import Told

WINDOW_S: Final = 300.0
_MOST: Final = 4096
"""Turns held: a busy proxy's window is shorter than :data:`WINDOW_S`."""


class Turn(NamedTuple):
    """One turn that is over. ``number``: counted from 1 since the start."""

    number: int
    ended: datetime
    door: str
    verdict: str
    would: str | None
    outcome: str
    wait_s: float | None
    """See :attr:`TurnEnded.wait_s`."""
    ttfb_s: float | None
    characters: int
    segments: int
    """That have something to say; pauses are none."""
    from_cache: int
    """Of these."""


@dataclass(frozen=True, slots=True)
class Wait:
    """How long the callers of one verdict waited for their first byte once the text was there; in seconds.

    Each is the wait of one of them, which half (95 %) did not exceed: of four turns nothing lies between the
    third and the longest.
    """

    turns: int
    median_s: float
    p95_s: float


class Recent:
    """Mutable state: the ring, and how many turns there were."""

    def __init__(self, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now = now
        self._turns: deque[Turn] = deque(maxlen=_MOST)
        self.number = 0
        """Of the latest turn."""

    def hear(self, told: Sequence[Told]) -> None:
        """Note turns; other facts are not looked at."""
        for event, when in told:
            if isinstance(event, TurnEnded) and event.is_of_note:
                self.number += 1
                self._turns.append(_turn(self.number, event, when))

    def since(self, number: int) -> Iterator[Turn]:
        """Those of the window after that one, oldest first."""
        began = self._now() - timedelta(seconds=WINDOW_S)
        return (turn for turn in self._turns if turn.number > number and turn.ended >= began)

    def waits(self) -> dict[str, Wait]:
        """By verdict, of the turns of the window that were heard."""
        took: dict[str, list[float]] = {}
        for turn in self.since(0):
            if turn.wait_s is not None:
                took.setdefault(turn.verdict, []).append(turn.wait_s)
        return {verdict: _wait(times) for verdict, times in took.items()}


def _turn(number: int, turn: TurnEnded, when: datetime) -> Turn:
    segments = turn.segments
    spoken = [segment.verdict for segment in segments if segment.verdict != "pause"]
    return Turn(
        number,
        when,
        turn.door,
        turn.verdict,
        segments[0].would if segments else None,
        turn.outcome,
        turn.wait_s,
        turn.ttfb_s,
        sum([segment.characters for segment in segments]),
        len(spoken),
        sum([verdict in FROM_CACHE for verdict in spoken]),
    )


def _wait(times: list[float]) -> Wait:
    times.sort()
    return Wait(len(times), *(times[ceil(share * len(times)) - 1] for share in (0.5, 0.95)))
