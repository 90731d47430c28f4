"""How old is too old."""

from datetime import UTC, datetime, timedelta

import pytest

from edgeproxy.core.freshness import Age, Freshness

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
RULE = Freshness(ttl_s=100, stale_s=50, if_error_s=1000)


@pytest.mark.parametrize(
    ("seconds", "age"),
    [
        (0, Age.FRESH),
        (99.9, Age.FRESH),
        (100, Age.STALE),
        (149.9, Age.STALE),
        (150, Age.SPARE),
        (1149.9, Age.SPARE),
        (1150, Age.OVER),
    ],
)
def test_each_age_lasts_as_long_as_it_is_said_to(seconds: float, age: Age) -> None:
    assert RULE.of(NOW - timedelta(seconds=seconds), NOW) is age


def test_without_more_than_a_ttl_a_recording_is_fresh_or_over() -> None:
    rule = Freshness(ttl_s=100)
    assert rule.of(NOW - timedelta(seconds=99), NOW) is Age.FRESH
    assert rule.of(NOW - timedelta(seconds=100), NOW) is Age.OVER


def test_a_clock_that_runs_a_little_ahead_is_nothing_to_speak_of() -> None:
    assert RULE.of(NOW + timedelta(minutes=2), NOW) is Age.FRESH


def test_a_recording_from_the_future_is_renewed_instead_of_being_fresh_for_years() -> None:
    assert RULE.of(NOW + timedelta(days=365), NOW) is Age.STALE


def test_what_is_left_of_a_freshness_is_less_than_nothing_once_it_is_over() -> None:
    assert RULE.left_s(NOW - timedelta(seconds=40), NOW) == 60
    assert RULE.left_s(NOW - timedelta(seconds=130), NOW) == -30
