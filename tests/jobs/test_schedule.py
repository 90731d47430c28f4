"""Jobs run at their times, one run at a time, and a failure does not end them."""

import asyncio

from edgeproxy.core.events import Event, JobEnded
from edgeproxy.jobs.schedule import Schedule

from ..conftest import until


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
