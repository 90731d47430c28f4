"""The house that is soaked: an emulator, a link before it, and the proxy as a process behind that."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from edgeproxy.emulator.server import Emulator

from ..fakes.link import Link
from ..fakes.process import ProxyProcess
from .clients import Line
from .texts import PHRASES, Texts

SETTINGS = {
    # Little patience, or a fault would take up most of the time there is.
    "ORIGIN__CONNECT_TIMEOUT_S": "0.8",
    "ORIGIN__FIRST_AUDIO_TIMEOUT_S": "0.8",
    "ORIGIN__STALL_TIMEOUT_S": "0.8",
    "POOL__LEASE_TIMEOUT_S": "1.0",
    "POOL__ACCOUNT_SESSIONS": "40",
    "SERVER__DRAIN_S": "5",
    # Little room, so that memory forgets and the disk evicts.
    "CACHE__MEMORY_BYTES": "6000000",
    "CACHE__QUOTA_BYTES": "12000000",
    "PHRASES__CHARACTERS_PER_SECOND": "2000",
    "PHRASES__CHARACTERS_AT_ONCE": "1000000",
}
BOOK = """
languages: [hi-IN]
voice: {model: "bulbul:v3", speaker: shubh}
sample_rates: [8000]
phrases:
"""


class House:
    """All of it, for as long as the context lasts. ``folder`` keeps what the proxy keeps, and its log."""

    def __init__(self, folder: Path, *, texts: Texts) -> None:
        self._folder = folder
        self._texts = texts
        self.emulator = Emulator(seed=0)
        self._undo = AsyncExitStack()
        self.link: Link
        self.proxy: ProxyProcess
        self.line: Line

    @property
    def log(self) -> Path:
        """What the proxy has written."""
        return self._folder / "proxy.log"

    async def __aenter__(self) -> Self:
        books = self._folder / "books"
        books.mkdir(parents=True)
        self._write_book(PHRASES)
        await self._undo.enter_async_context(self.emulator)
        self.link = await self._undo.enter_async_context(Link(self.emulator.url))
        self.proxy = ProxyProcess(
            origin=self.link.url,
            data=self._folder / "data",
            log=self.log,
            phrases=books,
            settings=SETTINGS,
        )
        self._undo.push_async_callback(self._end)
        await self.proxy.start()
        # From now on phrases need no origin, whatever becomes of it.
        async with asyncio.timeout(60):
            while (await self.proxy.details())["records"] < len(PHRASES):
                await asyncio.sleep(0.05)
        self.line = Line(self.proxy.url)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._undo.aclose()

    async def _end(self) -> None:
        if self.proxy.running:
            await self.proxy.kill()

    async def again(self, end: Callable[[], Awaitable[object]]) -> None:
        """End the proxy in some way, and start it at the same address with what it has on disk."""
        self.line.dying = True
        await end()
        self.line.deaths += 1
        await self.proxy.start()
        self.line.dying = False

    def edit_books(self, chance: random.Random) -> None:
        """Another edition of the book: the phrases, and some of what is said often."""
        self._write_book([*PHRASES, *chance.sample(self._texts.common, 10)])

    def _write_book(self, held: Iterable[str]) -> None:
        lines = [f"  phrase-{number}: {text}" for number, text in enumerate(held)]
        fresh = self._folder / "desk.new"
        fresh.write_text(BOOK + "\n".join(lines) + "\n", encoding="utf-8")
        fresh.replace(self._folder / "books" / "desk.yaml")
