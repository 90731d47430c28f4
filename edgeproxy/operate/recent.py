"""The turns of the last minutes, for whoever looks at how long callers wait now.

A ring in memory: noting a turn costs about a microsecond, figures are made of it when somebody asks.
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import quantiles
from time import monotonic
from typing import Final, NamedTuple

from ..core.events import Event, TurnEnded

WINDOW_S: Final = 300.0
_MOST: Final = 4096
"""Turns held: a busy proxy's window is shorter than :data:`WINDOW_S`."""


class Turn(NamedTuple):
    """One turn that is over. ``number``: counted from 1 since the start; ``ended``: on the ring's clock."""

    number: int
    ended: float
    door: str
    verdict: str
    """That of its first segment; ``none`` where it has none."""
    would: str | None
    outcome: str
    ttfb_s: float | None
    characters: int


@dataclass(frozen=True, slots=True)
class Wait:
    """How long the callers of one verdict waited for their first byte, in seconds."""

    turns: int
    median_s: float
    p95_s: float


class Recent:
    """Mutable state: the ring, and how many turns there were."""

    def __init__(self, *, clock: Callable[[], float] = monotonic) -> None:
        self.clock = clock
        self._turns: deque[Turn] = deque(maxlen=_MOST)
        self.number = 0
        """Of the latest turn."""

    def tell(self, event: Event) -> None:
        """Note a turn; other facts are not looked at."""
        if isinstance(event, TurnEnded) and event.is_of_note:
            segments = event.segments
            self.number += 1
            self._turns.append(
                Turn(
                    self.number,
                    self.clock(),
                    event.door,
                    segments[0].verdict if segments else "none",
                    segments[0].would if segments else None,
                    event.outcome,
                    event.ttfb_s,
                    sum(segment.characters for segment in segments),
                )
            )

    def since(self, number: int) -> Iterator[Turn]:
        """Those of the window after that one, oldest first."""
        began = self.clock() - WINDOW_S
        return (turn for turn in self._turns if turn.number > number and turn.ended >= began)

    def waits(self) -> dict[str, Wait]:
        """By verdict, of the turns of the window that were heard."""
        took: dict[str, list[float]] = {}
        for turn in self.since(0):
            if turn.ttfb_s is not None:
                took.setdefault(turn.verdict, []).append(turn.ttfb_s)
        return {verdict: _wait(times) for verdict, times in took.items()}


def _wait(times: list[float]) -> Wait:
    if len(times) == 1:
        return Wait(1, times[0], times[0])
    cuts = quantiles(times, n=20, method="inclusive")
    return Wait(len(times), cuts[9], cuts[18])
