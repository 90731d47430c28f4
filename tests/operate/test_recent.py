"""The turns of the last minutes, and how long their callers waited."""

from dataclasses import replace
from datetime import timedelta

from edgeproxy.core.events import StoreFailed, TurnEnded
from edgeproxy.operate.recent import WINDOW_S, Recent

from ..observe.test_log import SEGMENT, TURN
from .conftest import NOON, Clock


def turn(verdict: str = "miss", ttfb_s: float | None = 0.2, **how: object) -> TurnEnded:
    segments = (replace(SEGMENT, verdict=verdict),)
    return replace(TURN, segments=segments, ttfb_s=ttfb_s, **how)  # type: ignore[arg-type]


def test_turns_are_numbered_and_told_from_a_number_on() -> None:
    recent = Recent(now=Clock())
    for verdict in ("miss", "hit-memory", "stale"):
        recent.hear([(turn(verdict), NOON)])
    recent.hear([(StoreFailed("read", "disk"), NOON)])
    assert [each.verdict for each in recent.since(0)] == ["miss", "hit-memory", "stale"]
    assert [each.number for each in recent.since(2)] == [3]
    assert recent.number == 3


def test_turns_older_than_the_window_are_told_no_more() -> None:
    clock = Clock()
    recent = Recent(now=clock)
    recent.hear([(turn(), clock.now)])
    clock.now += timedelta(seconds=WINDOW_S / 2)
    recent.hear([(turn("stale"), clock.now)])
    clock.now += timedelta(seconds=WINDOW_S * 0.75)
    assert [each.verdict for each in recent.since(0)] == ["stale"]
    assert recent.waits().keys() == {"stale"}


def test_waits_are_told_by_verdict() -> None:
    recent = Recent(now=Clock())
    for number in range(1, 101):
        recent.hear([(turn("miss", number / 100), NOON)])
    recent.hear([(turn("hit-memory", 0.001), NOON)])
    recent.hear([(turn("error", None, outcome="error"), NOON)])
    waits = recent.waits()
    assert (waits["miss"].turns, waits["hit-memory"].turns) == (100, 1)
    assert waits["miss"].median_s == 0.5
    assert waits["miss"].p95_s == 0.95
    assert waits["hit-memory"].p95_s == 0.001
    assert "error" not in waits


def test_of_a_few_turns_95_percent_is_all_of_them() -> None:
    recent = Recent(now=Clock())
    recent.hear([(turn(ttfb_s=wait), NOON) for wait in (0.4, 0.1, 0.3, 0.2)])
    wait = recent.waits()["miss"]
    assert (wait.median_s, wait.p95_s) == (0.2, 0.4)


def test_a_turn_tells_how_much_of_it_came_from_the_cache() -> None:
    verdicts = ("hit-memory", "pause", "miss", "stale")
    mixed = replace(TURN, segments=tuple(replace(SEGMENT, verdict=each) for each in verdicts))
    recent = Recent(now=Clock())
    recent.hear([(mixed, NOON)])
    (told,) = recent.since(0)
    assert (told.verdict, told.segments, told.from_cache) == ("hit-memory", 3, 2)


def test_a_flush_without_a_text_is_no_turn_to_look_at_but_a_refusal_is() -> None:
    recent = Recent(now=Clock())
    recent.hear([(replace(TURN, segments=()), NOON)])
    recent.hear([(replace(TURN, segments=(), outcome="error"), NOON)])
    assert [(each.verdict, each.outcome) for each in recent.since(0)] == [("none", "error")]
