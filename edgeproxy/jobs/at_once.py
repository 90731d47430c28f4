"""What is new in the books is made at once, behind live traffic, and not at night."""

from collections.abc import Callable
from datetime import datetime

from ..phrases.books import Books
from ..phrases.generate import Generator


class AtOnce:
    """Watches for another library and makes what it says and nobody has recorded."""

    def __init__(
        self,
        books: Books,
        generator: Generator,
        *,
        budget_characters: int,
        now: Callable[[], datetime],
    ) -> None:
        self._books = books
        self._generator = generator
        self._budget = budget_characters
        self._now = now

    async def run(self) -> None:
        """Make what is missing now, and again after each change, for as long as this is not cancelled."""
        self._books.changed.set()
        while True:
            await self._books.changed.wait()
            self._books.changed.clear()
            due = [
                each
                for each in self._generator.plan(self._books.library, now=self._now())
                if each.reason != "older than refresh_after"
            ]
            if due:
                await self._generator.build(due, budget_characters=self._budget)
