"""Jobs at their times, one run of each at a time. APScheduler's only door (3.x: 4 is a pre-release).

Its own trigger for crontab's fields is not used: where the clock goes back, that of 3.11 has the second 01:30
followed by the second 01:30, for ever; it counts weekdays from Monday; and it wants both the day of the month
and the weekday to fit. :func:`following` is what a night is promised to be.
"""

import logging
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from typing import Any, Final

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger

from ..core.events import Emit, JobEnded, ignore
from ..phrases.cron import Cron

ZONE: Final = timezone(timedelta(hours=5, minutes=30), "IST")
"""Where the clock of the nights hangs unless somebody says otherwise: India, which has no summer time."""

_JITTER: Final = 0.1
"""Part of an interval by which a run may come late, so that the proxies of a region don't march in step."""

_DAY: Final = timedelta(days=1)

log: Final = logging.getLogger(__name__)

Job = Callable[[], Awaitable[object]]


def following(when: Cron, after: datetime, zone: tzinfo = ZONE) -> datetime:
    """The next time of ``when`` after ``after``, by the clock of ``zone``; in UTC.

    A time which that clock skips in spring comes as much later as the clock was put forward, and one that it
    has twice in autumn comes the first time: neither is a night left out, nor are there two.
    """
    # From the day before: its last hours may be the ones that were put off.
    day = after.astimezone(zone).date() - _DAY
    while True:
        if _is_on(when, day):
            times = (
                datetime.combine(day, time(hour, minute), zone).astimezone(UTC)
                for hour in when.hours
                for minute in when.minutes
            )
            if later := [each for each in times if each > after]:
                return min(later)
        day += _DAY


def _is_on(when: Cron, day: date) -> bool:
    if day.month not in when.months:
        return False
    # Both given: either will do, as in crontab(5).
    allowed = [
        number in numbers
        for number, numbers in ((day.day, when.days), (day.isoweekday() % 7, when.weekdays))
        if numbers is not None
    ]
    return any(allowed) or not allowed


class _AtTimes(BaseTrigger):  # type: ignore[misc]  # APScheduler has no types
    def __init__(self, when: Cron, zone: tzinfo, jitter_s: float) -> None:
        self._when = when
        self._zone = zone
        self._jitter_s = jitter_s

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        then = following(self._when, previous_fire_time or now, self._zone)
        return then + timedelta(seconds=random.uniform(0, self._jitter_s))


class Schedule:
    """Runs jobs on the event loop between :meth:`start` and :meth:`stop`.

    A job's failure is told, and its next run comes all the same. Runs that could not begin in time (the loop
    was busy, the machine asleep, the run before not over) become one.
    """

    def __init__(self, *, emit: Emit = ignore) -> None:
        self._emit = emit
        self._scheduler = AsyncIOScheduler(timezone="UTC")

    def every(self, seconds: float, name: str, job: Job) -> None:
        """Run ``job`` each so many seconds, for the first time after as many."""
        trigger = IntervalTrigger(seconds=seconds, jitter=seconds * _JITTER, timezone="UTC")
        self._add(trigger, name, job)

    def cron(
        self,
        when: Cron,
        name: str,
        job: Job,
        *,
        zone: tzinfo = ZONE,
        jitter_s: float = 0.0,
        at_start: bool = False,
    ) -> None:
        """Run ``job`` at the times of ``when`` (see :func:`following`), up to ``jitter_s`` seconds late.

        ``at_start``: and once as soon as there is a start, because a run was missed. A job that has this
        ``name`` already is replaced.
        """
        first = {"next_run_time": datetime.now(UTC)} if at_start else {}
        self._add(_AtTimes(when, zone, jitter_s), name, job, **first)

    def once(self, name: str, job: Job) -> None:
        """Run ``job`` as soon as may be, and then no more."""
        self._add(DateTrigger(datetime.now(UTC)), name, job)

    def next(self, name: str) -> datetime | None:
        """When this job runs next; None: there is none by that name, or no start yet."""
        job = self._scheduler.get_job(name)
        found: datetime | None = getattr(job, "next_run_time", None)
        return found

    def drop(self, name: str) -> None:
        """Begin no further run of this job; there may be none."""
        if self._scheduler.get_job(name) is not None:
            self._scheduler.remove_job(name)

    def start(self) -> None:
        """Begin to run jobs."""
        self._scheduler.start()

    def stop(self) -> None:
        """Begin no further run, and cancel those under way."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    def _add(self, trigger: object, name: str, job: Job, **first: Any) -> None:
        async def run() -> None:
            try:
                outcome = await job()
            except Exception as error:
                log.exception("job %s failed", name)
                self._emit(JobEnded(name, ok=False, outcome=f"{type(error).__name__}: {error}"))
            else:
                self._emit(JobEnded(name, ok=True, outcome=str(outcome)))

        self._scheduler.add_job(
            run,
            trigger,
            id=name,
            coalesce=True,
            max_instances=1,
            misfire_grace_time=None,
            replace_existing=True,
            **first,
        )
