"""What is new in the books is made at once, behind live traffic, and not at night."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Final

from ..phrases.books import Books
from ..phrases.generate import Generator

_AT_ONCE: Final = ("new", "changed text", "changed voice", "changed loudness")


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
        async for _ in self._books.changes():
            plan = await asyncio.to_thread(
                self._generator.plan, self._books.library, now=self._now()
            )
            # What is only old, or has failed before while an older one speaks, is for the night.
            due = [each for each in plan if each.reason in _AT_ONCE or not each.after]
            if due:
                await self._generator.build(due, budget_characters=self._budget)
