"""The books as they are now: read again when their files change, swapped in one step, kept when they are bad.

watchfiles' only door. A turn keeps the library it began with; the next one sees the new.

Live traffic must not notice a reload of ten thousand phrases. It is done in a thread, where nothing is
collected meanwhile (see :mod:`~edgeproxy.phrases.quietly`), what is large is not gone through again, and the
library before is let go piece by piece.
"""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final

from watchfiles import awatch

from ..core.events import BooksRefused, BooksReloaded, Emit, ignore
from .library import Library
from .problem import BookErrors
from .quietly import nothing_collected
from .shelf import Spoken

_LARGE: Final = 1000
"""Phrases whose objects are worth keeping from the collector; below it they cost it no millisecond."""


class Books:
    """Holds the current library. Mutable state: ``library``, ``problem``."""

    def __init__(
        self,
        library: Library,
        load: Callable[[], Library],
        *,
        directory: Path | None,
        emit: Emit = ignore,
    ) -> None:
        self.library = library
        self._load = load
        self._directory = directory
        self._emit = emit
        self.problem: str | None = None
        """Why the newest files are not what is spoken; None when they are."""
        self._changed = asyncio.Event()
        self._asked = asyncio.Event()

    async def reload(self) -> bool:
        """Read the files again; whether another library came of it. Bad ones change nothing."""
        try:
            library, is_new = await asyncio.to_thread(self._load_and_compare, self.library)
        except (BookErrors, OSError) as error:
            self.problem = str(error)
            self._emit(BooksRefused(self.problem))
            return False
        self.problem = None
        if not is_new:
            return False
        before, self.library = list(self.library.phrases), library
        self._emit(BooksReloaded(len(library), library.generation))
        self.look_again()
        await asyncio.to_thread(_let_go, before)
        return True

    def _load_and_compare(self, now: Library) -> tuple[Library, bool]:
        with nothing_collected():
            library = self._load()
            if len(library) >= _LARGE:
                gc.freeze()
        # What is spoken may be the same, and yet when it is made afresh, or how it is judged, another.
        return library, library.generation != now.generation or library.books != now.books

    def look_again(self) -> None:
        """Have all who follow :meth:`changes` look at the library: it is another, or its recordings are."""
        # A fresh event for the next change: whoever follows need not reset it for the others.
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def changes(self) -> AsyncIterator[None]:
        """Once now, and then whenever there is another library; of several at a time, for the last."""
        while True:
            changed = self._changed
            # Not the library itself: who waits for the next must not keep the one before alive.
            yield
            await changed.wait()

    def ask_reload(self) -> None:
        """Have the files read again soon, changed or not. For signal handlers."""
        self._asked.set()

    async def reload_when_asked(self) -> None:
        """Reload at each :meth:`ask_reload`, for as long as this is not cancelled."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            await self.reload()

    async def watch(self) -> None:
        """Reload whenever something in the folder changes, for as long as this is not cancelled."""
        if self._directory is None:
            return
        async for _ in awatch(self._directory):
            await self.reload()


def _let_go(phrases: list[Spoken]) -> None:
    """Drop them one by one; all at once would be one step."""
    while phrases:
        phrases.pop()
