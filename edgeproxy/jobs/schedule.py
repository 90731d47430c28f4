"""Jobs at their times, one run of each at a time. APScheduler's only door (3.x: 4 is a pre-release)."""

import logging
from collections.abc import Awaitable, Callable
from typing import Final

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from ..core.events import Emit, JobEnded, ignore

_JITTER: Final = 0.1
"""Part of an interval by which a run may come late, so that the proxies of a region don't march in step."""

log: Final = logging.getLogger(__name__)


class Schedule:
    """Runs jobs on the event loop between :meth:`start` and :meth:`stop`."""

    def __init__(self, *, emit: Emit = ignore) -> None:
        self._emit = emit
        self._scheduler = AsyncIOScheduler(timezone="UTC")

    def every(self, seconds: float, name: str, job: Callable[[], Awaitable[object]]) -> None:
        """Run ``job`` each so many seconds; its failure is told, and the next run comes all the same."""

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
            "interval",
            seconds=seconds,
            jitter=seconds * _JITTER,
            id=name,
            coalesce=True,
            max_instances=1,
            misfire_grace_time=None,
        )

    def start(self) -> None:
        """Begin; the first run of a job comes after its first interval."""
        self._scheduler.start()

    def stop(self) -> None:
        """Begin no further run."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
