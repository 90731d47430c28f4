"""All books of a folder, compiled into what turns look up. Immutable: a change makes another library.

What a turn says is found by its segments: a phrase goes through the turn's own splitter, and its segments are
held. Only phrases that are one recording are indexed whole, for the splitter to find. Nothing here looks at
audio that was made or at the store, so that the same files and cuts give the same library on every machine.
"""

import itertools
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Final, Self

from ..core.key import checksum
from ..core.phrasebook import EMPTY, Phrasebook
from ..core.text import normalise
from ..core.turn import Cuts, split
from ..core.voice import Voice
from ..sarvam import models
from .book import Book
from .problem import BookErrors, Problem, in_order
from .shelf import Shelf, Spoken

NAMESPACE: Final = "books"
"""The namespace of what every caller may hear."""


class Library:
    """The books, ready to be asked.

    ``books``: by name. ``phrases``: all of them, each language, speaker and template value on its own, in
    the order of the files. ``generation`` names this content and these cuts: it is equal on all machines
    that have the same, and another one as soon as anything that is spoken changes. ``warnings``: what
    deserves a look but keeps nobody from speaking.
    """

    def __init__(
        self,
        books: Mapping[str, Book],
        spoken: Iterable[Spoken],
        cuts: Cuts,
        *,
        warnings: Iterable[Problem] = (),
    ) -> None:
        spoken = tuple(spoken)
        self.books: Final = MappingProxyType(dict(books))
        self.warnings: Final = tuple(warnings)
        self.generation: Final = _generation(spoken, cuts)
        shared = {name for name, book in books.items() if book.tenants is None}
        # Whole phrases of a tenant's book would cut the texts of all others.
        whole = {
            each.text for each in spoken if each.whole and each.phrase.pin and each.book in shared
        }
        self.phrasebook: Final = Phrasebook(self.generation, whole)
        self.phrases: Final = tuple(_cut(spoken, cuts, self.phrasebook))
        self._held: Final = _held(each for each in self.phrases if each.book in shared)

    @classmethod
    def empty(cls) -> Self:
        """The library of those who have no books."""
        return cls({}, (), Cuts())

    @classmethod
    def load(
        cls,
        directory: Path,
        cuts: Cuts,
        *,
        tenants: Collection[str] | None = None,
        now: datetime | None = None,
    ) -> Self:
        """Read all ``*.yaml`` of ``directory``. Raises :class:`BookErrors` with everything that is wrong.

        ``tenants``: those that exist; None if nobody knows. ``now``: what has expired by then is left out.
        """
        shelf = Shelf(directory, tenants=tenants, now=now or datetime.now(UTC))
        if any(problem.severity == "error" for problem in shelf.problems):
            raise BookErrors(shelf.problems)
        return cls(shelf.books, shelf.spoken, cuts, warnings=in_order(shelf.problems))

    @property
    def voices(self) -> list[Voice]:
        """Every voice at every rate its books ask for, the one with most to say first."""
        said: Counter[tuple[Voice, int]] = Counter()
        for each in self.phrases:
            for rate in each.rates:
                said[each.voice, rate] += len(each.segments)
        return [voice.at_rate(rate) for (voice, rate), _ in said.most_common()]

    def holds(self, voice: Voice, text: str) -> bool:
        """Whether the normalised ``text`` of a segment is pinned in ``voice``, at any rate, for everybody."""
        held = self._held.get(voice)
        return held is not None and text in held

    def __len__(self) -> int:
        return len(self.phrases)


def check(
    directory: Path, *, tenants: Collection[str] | None = None, now: datetime | None = None
) -> list[Problem]:
    """Everything that is wrong with the books of ``directory``, by file and line. Asks nobody."""
    return list(in_order(Shelf(directory, tenants=tenants, now=now or datetime.now(UTC)).problems))


def _generation(spoken: Iterable[Spoken], cuts: Cuts) -> int:
    """A number for the content: 63 bits, so that it is a signed integer everywhere."""
    content = [repr(cuts).encode()]
    for each in spoken:
        digest = each.recording.digest if each.recording else ""
        takes = each.phrase.takes if each.whole else 0
        facts = f"{each.book} {each.id} {takes} {each.phrase.pin} {each.rates} {digest} {each.text}"
        content += [each.voice.canonical, facts.encode()]
    return int.from_bytes(checksum(b"\n".join(content))[:8]) >> 1


def _cut(spoken: Iterable[Spoken], cuts: Cuts, phrasebook: Phrasebook) -> Iterator[Spoken]:
    """Give each its segments, cut exactly as a turn cuts."""
    # Behind other words a phrase is not the first segment of its turn.
    later = replace(cuts, first_clause_chars=cuts.clause_chars)
    known: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {}
    for each in spoken:
        # Many voices say one text, and cutting it is the costly part.
        if (found := known.get(each.text)) is None:
            ways = [(cuts, phrasebook)]
            if later != cuts:
                ways.append((later, phrasebook))
            if each.whole:
                # What a turn falls back to when the whole phrase did not come in time.
                ways += [(way, EMPTY) for way, _ in ways]
            pieces = [
                [normalise(cut.text) for cut in split(each.text, way, book)] for way, book in ways
            ]
            pinned = dict.fromkeys(itertools.chain(*pieces))
            found = known[each.text] = (tuple(pieces[0]), tuple(pinned))
        segments, pinned_too = found
        yield replace(each, segments=segments, pinned=pinned_too)


def _held(spoken: Iterable[Spoken]) -> dict[Voice, set[str]]:
    """Pinned segments by voice; all rates of a voice share one set, since one is made from the other."""
    held: dict[Voice, set[str]] = {}
    for each in spoken:
        if each.phrase.pin:
            if (segments := held.get(each.voice)) is None:
                segments = set()
                for rate in models.REST_RATES:
                    segments = held.setdefault(each.voice.at_rate(rate), segments)
            segments.update(each.pinned)
    return held
