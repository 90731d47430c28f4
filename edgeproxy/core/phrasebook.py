"""The whole phrases of the books: an index that answers two questions about the text of a turn.

Only phrases that are one recording are in here. The text asked about is normalised already (a turn
holds nothing else), so a question costs two or three comparisons and a bisection, whether there are
ten phrases or ten thousand.
"""

import heapq
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import Final

from .text import normalise

_PART: Final = 500


class Phrasebook:
    """An immutable set of whole phrases, of one ``generation`` of the books."""

    __slots__ = ("_phrases", "_within", "generation")

    def __init__(self, generation: int, whole: Iterable[str]) -> None:
        self.generation: Final = generation
        phrases = _sorted({normalise(phrase) for phrase in whole} - {""})
        self._phrases: Final = phrases
        # For each phrase, the longest other that it begins with. In sorted order everything between
        # a phrase and a text that begins with it begins with it, too: so all phrases that a text
        # begins with are one chain, and the chain starts at the text's left neighbour.
        self._within: Final[list[int | None]] = []
        open_chain: list[int] = []
        for index, phrase in enumerate(phrases):
            while open_chain and not phrase.startswith(phrases[open_chain[-1]]):
                open_chain.pop()
            self._within.append(open_chain[-1] if open_chain else None)
            open_chain.append(index)

    def __len__(self) -> int:
        return len(self._phrases)

    def is_proper_prefix(self, text: str) -> bool:
        """Whether some phrase begins with ``text`` (normalised) and goes on."""
        after = bisect_right(self._phrases, text)
        return after < len(self._phrases) and self._phrases[after].startswith(text)

    def prefixes(self, text: str) -> Iterator[int]:
        """The lengths of all phrases that ``text`` (normalised) begins with, longest first."""
        neighbour = bisect_right(self._phrases, text) - 1
        index = neighbour if neighbour >= 0 else None
        while index is not None:
            phrase = self._phrases[index]
            if text.startswith(phrase):
                yield len(phrase)
            index = self._within[index]

    def longest_prefix(self, text: str) -> int | None:
        """The length of the longest phrase that ``text`` (normalised) begins with."""
        return next(self.prefixes(text), None)


def _sorted(texts: set[str]) -> list[str]:
    # Some at a time: sorting ten thousand is one step of 10 ms for the interpreter, in which a thread that
    # reads the books anew would hold up everything else.
    unsorted = list(texts)
    parts = [sorted(unsorted[at : at + _PART]) for at in range(0, len(unsorted), _PART)]
    return list(heapq.merge(*parts))


EMPTY: Final = Phrasebook(0, ())
"""No whole phrases: the turn never holds."""
