"""What callers wait for first is in memory before they come: greetings, then how every phrase begins.

Loaded at start, before the house is ready, and again when the books or the pointers change; a new generation
of it is there before its pointer moves, so that the first caller after a swap waits no longer than the last
one before it. Only what lies on disk is loaded, and nobody is asked for anything.
"""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from ..core.audio import SAMPLE_BYTES
from ..core.key import Identity
from ..core.voice import Voice
from ..speech import Speech
from .books import Books
from .generations import Generations
from .library import Library
from .pinned import Generation, unit_key
from .shelf import Spoken

TAG: Final = "greeting"
"""What is tagged so comes first, with all its segments."""

_S_PER_CHARACTER: Final = 0.07
"""Unhurried speech: a guess, for what nobody has made yet."""


@dataclass(frozen=True, slots=True)
class _First:
    """A text that is loaded ahead, at each of its book's rates."""

    scope: str
    voice: Voice
    rates: tuple[int, ...]
    text: str

    @property
    def key(self) -> str:
        """That of its unit."""
        return unit_key(self.voice, self.text, scope=self.scope)

    def size(self, generation: Generation | None) -> int:
        """Bytes it takes in memory, about."""
        if generation is None:
            seconds = len(self.text) * _S_PER_CHARACTER
        else:
            seconds = generation.seconds * generation.takes
        return int(seconds * sum(self.rates)) * SAMPLE_BYTES

    def identities(self, generation: Generation) -> Iterator[Identity]:
        """All takes at all rates."""
        for rate in self.rates:
            voice = self.voice.at_rate(rate)
            for take in range(generation.takes):
                yield generation.identity(voice, self.text, take, scope=self.scope)


class Greetings:
    """Loads ahead. ``limit_bytes``: what it may weigh. Mutable state: ``_first``, by key of the unit."""

    def __init__(
        self, speech: Speech, books: Books, generations: Generations, *, limit_bytes: int
    ) -> None:
        self._speech = speech
        self._books = books
        self._generations = generations
        self._limit = limit_bytes
        self._first: dict[str, _First] = {}

    async def load(self) -> None:
        """Have in memory what is on disk of it. May be cancelled, and begun again, at any time."""
        self._first = await asyncio.to_thread(self._chosen, self._books.library)
        for first in tuple(self._first.values()):
            # What is in memory already is no reason to keep callers waiting.
            await asyncio.sleep(0)
            speaks = self._generations.speaking(first.voice, first.text, scope=first.scope)
            if speaks is not None:
                await self._load(first.identities(speaks))

    async def follow(self) -> None:
        """Load again with each library, for as long as this is not cancelled."""
        async for _ in self._books.changes():
            await self.load()

    async def made(self, key: str, generation: Generation) -> None:
        """A generation of the unit ``key`` is on disk, and about to speak."""
        if (first := self._first.get(key)) is not None:
            await self._load(first.identities(generation))

    async def _load(self, identities: Iterable[Identity]) -> None:
        for identity in identities:
            await self._speech.load(identity)

    def _chosen(self, library: Library) -> dict[str, _First]:
        """What fits, in order. Some 10 us for each, so that it is for a thread; it only reads."""
        chosen: dict[str, _First] = {}
        size = 0
        for first in _in_order(library):
            size += first.size(
                self._generations.speaking(first.voice, first.text, scope=first.scope)
            )
            if size > self._limit:
                break
            chosen[first.key] = first
        return chosen


def _in_order(library: Library) -> Iterator[_First]:
    pinned = [each for each in library.phrases if each.phrase.pin and each.segments]
    greetings = [each for each in pinned if TAG in each.phrase.tags]
    for each in greetings:
        for text in each.segments:
            yield _first(each, text)
    for each in pinned:
        yield _first(each, each.segments[0])


def _first(spoken: Spoken, text: str) -> _First:
    return _First(spoken.scope, spoken.voice, spoken.rates, text)
