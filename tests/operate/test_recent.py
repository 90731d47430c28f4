"""The turns of the last minutes, and how long their callers waited."""

from dataclasses import replace

import pytest

from edgeproxy.core.events import StoreFailed, TurnEnded
from edgeproxy.operate.recent import WINDOW_S, Recent

from ..observe.test_log import SEGMENT, TURN


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def turn(verdict: str = "miss", ttfb_s: float | None = 0.2, **how: object) -> TurnEnded:
    segments = (replace(SEGMENT, verdict=verdict),)
    return replace(TURN, segments=segments, ttfb_s=ttfb_s, **how)  # type: ignore[arg-type]


def test_turns_are_numbered_and_told_from_a_number_on() -> None:
    recent = Recent()
    for verdict in ("miss", "hit-memory", "stale"):
        recent.tell(turn(verdict))
    recent.tell(StoreFailed("read", "disk"))
    assert [each.verdict for each in recent.since(0)] == ["miss", "hit-memory", "stale"]
    assert [each.number for each in recent.since(2)] == [3]
    assert recent.number == 3


def test_turns_older_than_the_window_are_told_no_more() -> None:
    clock = Clock()
    recent = Recent(clock=clock)
    recent.tell(turn())
    clock.now = WINDOW_S / 2
    recent.tell(turn("stale"))
    clock.now = WINDOW_S * 1.25
    assert [each.verdict for each in recent.since(0)] == ["stale"]
    assert recent.waits().keys() == {"stale"}


def test_waits_are_told_by_verdict() -> None:
    recent = Recent()
    for number in range(1, 101):
        recent.tell(turn("miss", number / 100))
    recent.tell(turn("hit-memory", 0.001))
    recent.tell(turn("error", None, outcome="error"))
    waits = recent.waits()
    assert (waits["miss"].turns, waits["hit-memory"].turns) == (100, 1)
    assert waits["miss"].median_s == pytest.approx(0.505)
    assert waits["miss"].p95_s == pytest.approx(0.9505)
    assert waits["hit-memory"].p95_s == 0.001
    assert "error" not in waits


def test_a_flush_without_a_text_is_no_turn_to_look_at_but_a_refusal_is() -> None:
    recent = Recent()
    recent.tell(replace(TURN, segments=()))
    recent.tell(replace(TURN, segments=(), outcome="error"))
    assert [(each.verdict, each.outcome) for each in recent.since(0)] == [("none", "error")]
