"""When the nights are: one for everything, and one for each book with a ``cron`` of its own.

The times follow the books: a book that gets, changes or loses its cron, or comes or goes with one, has its
nights at the new times from then on, without a restart.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, tzinfo
from typing import Final

from ..phrases.books import Books
from ..phrases.cron import Cron
from .nightly import Night
from .report import Report
from .schedule import Job, Schedule

_ALL: Final = None
"""In place of a book's name: the night that is about no book in particular."""


class Nights:
    """Has each night begun at its times. ``when``: those of the night for everything; ``jitter_s``: by how
    much a night may begin later. Mutable state: ``_times``, what is on the schedule, and whether one that was
    asked for has not begun yet."""

    def __init__(
        self,
        night: Night,
        schedule: Schedule,
        books: Books,
        *,
        when: Cron,
        zone: tzinfo,
        jitter_s: float,
        now: Callable[[], datetime],
    ) -> None:
        self._night = night
        self._schedule = schedule
        self._books = books
        self._when = when
        self._zone = zone
        self._jitter_s = jitter_s
        self._now = now
        self._times: dict[str | None, Cron] = {}
        self._about_to_begin = False

    async def begin(self) -> None:
        """Put all nights on the schedule. One that was missed, or cut short, runs as soon as that starts."""
        await self._put({_ALL: self._when, **self._own()}, at_start=True)

    async def follow(self) -> None:
        """Move nights as the books say, for as long as this is not cancelled."""
        async for _ in self._books.changes():
            # A night that is put off or brought forward was not missed.
            await self._put({_ALL: self._when, **self._own()}, at_start=False)

    @property
    def is_running(self) -> bool:
        """Whether one is under way, or about to begin."""
        return self._about_to_begin or self._night.is_running

    def run_now(self, book: str | None) -> None:
        """Begin a night, of one book or of all, whatever the time is."""
        job = self._job(book)

        async def run() -> object:
            self._about_to_begin = False
            return await job()

        self._about_to_begin = True
        self._schedule.once(f"{_name(book)}, now", run)

    def _own(self) -> dict[str | None, Cron]:
        books = self._books.library.books
        return {name: book.cron for name, book in books.items() if book.cron is not None}

    async def _put(self, times: dict[str | None, Cron], *, at_start: bool) -> None:
        for book in self._times.keys() - times.keys():
            self._schedule.drop(_name(book))
            del self._times[book]
        for book, when in times.items():
            if self._times.get(book) == when:
                continue
            # Asked in any case: that a book has nights at all is noted, so that one may be missed later.
            missed = await asyncio.to_thread(self._night.missed, self._now(), book=book)
            self._times[book] = when
            self._schedule.cron(
                when,
                _name(book),
                self._job(book),
                zone=self._zone,
                jitter_s=self._jitter_s,
                at_start=at_start and missed,
            )

    def _job(self, book: str | None) -> Job:
        async def run() -> Report:
            return await self._night.run(self._now(), book=book)

        return run


def _name(book: str | None) -> str:
    return "night" if book is _ALL else f"night of {book}"
