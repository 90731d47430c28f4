"""The books as they are now: read again when their files change, swapped in one step, kept when they are bad.

watchfiles' only door. A turn keeps the library it began with; the next one sees the new.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path

from watchfiles import awatch

from ..core.events import BooksRefused, BooksReloaded, Emit, ignore
from .library import Library
from .problem import BookErrors


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
        self.changed = asyncio.Event()
        """Set when there is a new library; whoever acts on it clears it."""
        self._asked = asyncio.Event()

    async def reload(self) -> bool:
        """Read the files again; whether another library came of it. Bad ones change nothing."""
        try:
            library = await asyncio.to_thread(self._load)
        except (BookErrors, OSError) as error:
            self.problem = str(error)
            self._emit(BooksRefused(self.problem))
            return False
        self.problem = None
        if library.generation == self.library.generation:
            return False
        self.library = library
        self._emit(BooksReloaded(len(library), library.generation))
        self.changed.set()
        return True

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
