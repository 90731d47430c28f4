"""Jobs run at their times, one run at a time, and a failure does not end them."""

import asyncio
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from edgeproxy.core.events import Event, JobEnded
from edgeproxy.jobs.schedule import Schedule, following
from edgeproxy.phrases.cron import Cron

from ..conftest import until

NEW_YORK = ZoneInfo("America/New_York")


async def test_a_job_runs_again_and_again_until_stopped(facts: list[Event]) -> None:
    schedule = Schedule(emit=facts.append)
    runs = 0

    async def job() -> int:
        nonlocal runs
        runs += 1
        return runs

    schedule.every(0.01, "count", job)
    schedule.start()
    await until(lambda: runs >= 3)
    schedule.stop()
    assert facts[0] == JobEnded("count", ok=True, outcome="1")


async def test_a_failure_is_told_and_the_next_run_comes(facts: list[Event]) -> None:
    schedule = Schedule(emit=facts.append)

    async def job() -> None:
        raise ValueError("no disk today")

    schedule.every(0.01, "doomed", job)
    schedule.start()
    await until(lambda: len(facts) >= 2)
    schedule.stop()
    assert facts[0] == JobEnded("doomed", ok=False, outcome="ValueError: no disk today")


async def test_a_run_that_takes_long_is_never_joined_by_a_second() -> None:
    schedule = Schedule()
    begun, release = 0, asyncio.Event()

    async def job() -> None:
        nonlocal begun
        begun += 1
        await release.wait()

    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        ticks += 1

    schedule.every(0.01, "long", job)
    schedule.every(0.01, "tick", tick)
    schedule.start()
    await until(lambda: begun == 1 and ticks >= 5)
    assert begun == 1
    release.set()
    schedule.stop()


def test_stopping_what_never_started_is_fine() -> None:
    Schedule().stop()


# -- at times of the clock -------------------------------------------------------------------------


def nights(written: str, begin: datetime, count: int, zone: ZoneInfo = NEW_YORK) -> list[str]:
    """The next times after ``begin``, by the clock of ``zone``."""
    found, at = [], begin
    for _ in range(count):
        at = following(Cron.parse(written), at, zone)
        found.append(f"{at.astimezone(zone):%m-%d %H:%M %Z}")
    return found


def test_the_clock_hangs_in_india_unless_said_otherwise() -> None:
    after = datetime(2026, 11, 24, 12, tzinfo=UTC)
    assert following(Cron.parse("30 2 * * *"), after) == datetime(2026, 11, 24, 21, tzinfo=UTC)


def test_a_night_whose_hour_is_skipped_in_spring_comes_an_hour_later_and_once() -> None:
    begin = datetime(2026, 3, 7, 1, tzinfo=NEW_YORK)
    assert nights("30 2 * * *", begin, 3) == [
        "03-07 02:30 EST",
        "03-08 03:30 EDT",
        "03-09 02:30 EDT",
    ]
    assert nights("30 2,3 * * *", begin + timedelta(days=1), 2) == [
        "03-08 03:30 EDT",
        "03-09 02:30 EDT",
    ]
    midnight = ZoneInfo("America/Santiago")
    assert nights("30 0 * * *", datetime(2026, 9, 5, 1, tzinfo=midnight), 2, midnight) == [
        "09-06 01:30 -03",
        "09-07 00:30 -03",
    ]


def test_a_night_whose_hour_comes_twice_in_autumn_comes_once() -> None:
    begin = datetime(2026, 10, 31, 1, tzinfo=NEW_YORK)
    assert nights("30 1 * * *", begin, 3) == [
        "10-31 01:30 EDT",
        "11-01 01:30 EDT",
        "11-02 01:30 EST",
    ]
    in_the_second_hour = datetime(2026, 11, 1, 6, 15, tzinfo=UTC)
    assert nights("30 1 * * *", in_the_second_hour, 1) == ["11-02 01:30 EST"]


@pytest.mark.parametrize("zone", ["America/New_York", "Australia/Lord_Howe", "Europe/Berlin"])
@pytest.mark.parametrize("hour", range(24))
def test_there_is_one_night_for_each_day_of_a_year(zone: str, hour: int) -> None:
    there = ZoneInfo(zone)
    at, when = datetime(2026, 1, 1, tzinfo=there), Cron.parse(f"45 {hour} * * *")
    days = []
    for _ in range(365):
        at = following(when, at, there)
        days.append(at.astimezone(there).date())
    assert len(set(days)) == 365
    assert (days[-1] - days[0]).days == 364


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("0 3 * * 0", ["11-29", "12-06"]),  # Sundays, as in crontab
        ("0 3 * * 7", ["11-29", "12-06"]),
        ("0 3 * * mon-fri", ["11-25", "11-26", "11-27", "11-30"]),
        ("0 3 1 * *", ["12-01", "01-01"]),
        ("0 3 1 * sun", ["11-29", "12-01", "12-06"]),  # either of them
        ("0 3 1,15 1 *", ["01-01", "01-15", "01-01"]),
        ("0 3 29 2 *", ["02-29", "02-29"]),
        ("0 3 31 * *", ["12-31", "01-31", "03-31"]),
    ],
)
def test_days_and_weekdays_are_crontabs(written: str, expected: list[str]) -> None:
    begin = datetime(2026, 11, 24, 12, tzinfo=NEW_YORK)
    assert [each[:5] for each in nights(written, begin, len(expected))] == expected


def test_several_times_a_day_come_in_order() -> None:
    begin = datetime(2026, 11, 24, 12, tzinfo=NEW_YORK)
    assert [each[6:11] for each in nights("*/30 3,13 * * *", begin, 5)] == [
        "13:00",
        "13:30",
        "03:00",
        "03:30",
        "13:00",
    ]


async def test_a_job_that_was_missed_runs_at_start_once(facts: list[Event]) -> None:
    schedule = Schedule(emit=facts.append)

    async def night() -> str:
        return "done"

    yearly = Cron.parse("0 0 29 2 *")
    schedule.cron(yearly, "missed", night, at_start=True)
    schedule.cron(yearly, "not missed", night)
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        ticks += 1

    schedule.every(0.01, "tick", tick)
    schedule.start()
    await until(lambda: ticks >= 5)
    schedule.stop()
    assert [fact for fact in facts if fact != JobEnded("tick", ok=True, outcome="None")] == [
        JobEnded("missed", ok=True, outcome="done")
    ]


async def test_a_job_of_the_same_name_takes_the_place_of_the_other(facts: list[Event]) -> None:
    schedule = Schedule(emit=facts.append)

    async def old() -> str:
        return "old"

    async def new() -> str:
        return "new"

    yearly = Cron.parse("0 0 29 2 *")
    schedule.start()
    schedule.cron(yearly, "night", old)
    schedule.cron(yearly, "night", new, at_start=True)
    schedule.cron(yearly, "gone", old, at_start=True)
    schedule.drop("gone")
    schedule.drop("never there")
    await until(lambda: bool(facts))
    schedule.stop()
    assert facts == [JobEnded("night", ok=True, outcome="new")]


async def test_jitter_puts_a_run_off_but_never_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[tuple[float, float]] = []

    def latest(least: float, most: float) -> float:
        drawn.append((least, most))
        return most

    monkeypatch.setattr("random.uniform", latest)
    schedule = Schedule()

    async def night() -> None:
        raise AssertionError("not now")

    schedule.start()
    schedule.cron(Cron.parse("0 0 29 2 *"), "night", night, jitter_s=600)
    schedule.stop()
    assert drawn == [(0, 600)]


async def test_a_job_that_is_run_once_is_run_once() -> None:
    facts: list[Event] = []
    schedule = Schedule(emit=facts.append)
    schedule.start()

    async def night() -> str:
        return "done"

    schedule.once("night, now", night)
    await until(lambda: bool(facts))
    assert facts == [JobEnded("night, now", ok=True, outcome="done")]
    assert schedule.next("night, now") is None
    schedule.stop()
