"""So much a minute, by a clock that the test turns."""

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeproxy.downstream.rates import Bucket


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_it_begins_full_and_fills_with_time() -> None:
    clock = Clock()
    bucket = Bucket(60, clock=clock)
    assert [bucket.take(59), bucket.take(), bucket.take(2)] == [0, 0, 2.0]
    clock.now = 1.0
    assert bucket.take(2) == 1.0  # what was refused took nothing
    clock.now = 2.0
    assert bucket.take(2) == 0


def test_it_never_holds_more_than_a_minute_brings() -> None:
    clock = Clock()
    bucket = Bucket(10, clock=clock)
    clock.now = 86_400.0
    assert bucket.take(10) == 0
    assert bucket.take() == pytest.approx(6.0)


def test_what_can_never_fit_is_told_from_what_only_has_to_wait() -> None:
    bucket = Bucket(10, clock=Clock())
    assert bucket.take(11) == inf
    assert bucket.take(10) == 0


@given(st.lists(st.tuples(st.floats(0, 30), st.integers(0, 20)), max_size=60))
def test_in_no_minute_passes_more_than_two_minutes_worth(asked: list[tuple[float, int]]) -> None:
    clock, given_at = Clock(), list[tuple[float, int]]()
    bucket = Bucket(10, clock=clock)
    for pause, amount in asked:
        clock.now += pause
        if bucket.take(amount) == 0:
            given_at.append((clock.now, amount))
    for began, _ in given_at:
        assert sum(n for at, n in given_at if began <= at < began + 60) <= 20 + 1e-6
