"""What goes on all the time: tasks that are begun with the house and ended with it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

log: Final = logging.getLogger(__name__)


class Background:
    """Owns tasks. One that fails is told, and does not take the others along."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, name: str, work: Callable[[], Awaitable[object]]) -> None:
        """Begin ``work``, to be ended by :meth:`stop` at the latest."""

        async def run() -> None:
            try:
                await work()
            except Exception:
                log.exception("%s has ended", name)

        task = asyncio.create_task(run(), name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """End all of them and wait until they have."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
