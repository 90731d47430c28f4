"""All books of a folder, compiled into what turns look up. Immutable: a change makes another library.

What a turn says is found by its segments: a phrase goes through the turn's own splitter, and its segments are
held. Only phrases that are one recording are indexed whole, for the splitter to find. A caller looks them up
in its :class:`~edgeproxy.phrases.view.View`, where whole phrases of other tenants' books cut nothing. Nothing
here looks at audio that was made or at the store, so that the same files and cuts give the same library on
every machine.
"""

import itertools
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
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
from . import view as views
from .book import Book
from .pinned import SHARED
from .problem import BookErrors, Problem, in_order
from .shelf import Shelf, Spoken
from .view import View


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
        tenants = {name: book.tenants for name, book in books.items() if book.tenants is not None}
        self.generation: Final = _generation(spoken, cuts, tenants)
        phrasebooks = self._phrasebooks(views.by_hearer(spoken, tenants))
        ways = {
            scope: [phrasebooks[tenant] for tenant in hearers] for scope, hearers in tenants.items()
        }
        self.phrases: Final = tuple(_cut(spoken, cuts, {SHARED: [phrasebooks[SHARED]], **ways}))
        self._by_name: Final[dict[tuple[str, str], list[Spoken]]] = {}
        for each in self.phrases:
            self._by_name.setdefault((each.book, each.id), []).append(each)
        heard = views.by_hearer(self.phrases, tenants)
        shared = views.held(heard.pop(SHARED))
        # Of all scopes together, for those who only want to know whether there is one.
        self._held: Final = views.held(self.phrases) if tenants else shared
        self._common: Final = View(phrasebooks[SHARED], [shared])
        self._views: Final = {
            tenant: View(phrasebooks[tenant], [views.held(own), shared])
            for tenant, own in heard.items()
        }

    def _phrasebooks(self, heard: Mapping[str, Iterable[Spoken]]) -> dict[str, Phrasebook]:
        shared = set(views.whole(heard[SHARED]))
        common = Phrasebook(self.generation, shared)
        found = {}
        for hearer, spoken in heard.items():
            own = shared.union(views.whole(spoken))
            found[hearer] = common if own == shared else Phrasebook(self.generation, own)
        return found

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
        library = cls(shelf.books, shelf.spoken, cuts, warnings=in_order(shelf.problems))
        shelf.clear()
        return library

    @property
    def voices(self) -> list[Voice]:
        """Every voice at every rate its books ask for, the one with most to say first."""
        said: Counter[tuple[Voice, int]] = Counter()
        for each in self.phrases:
            for rate in each.rates:
                said[each.voice, rate] += len(each.segments)
        return [voice.at_rate(rate) for (voice, rate), _ in said.most_common()]

    def view(self, tenant: str | None) -> View:
        """What this tenant may hear; None: a caller that is nobody's."""
        return self._common if tenant is None else self._views.get(tenant, self._common)

    def said(self, book: str, phrase_id: str) -> Sequence[Spoken]:
        """A phrase in each of its languages, speakers and values; empty where nobody says it (any more)."""
        return self._by_name.get((book, phrase_id), ())

    def holds(self, voice: Voice, text: str) -> bool:
        """Whether any book says the normalised ``text`` of a segment in ``voice``, at any rate."""
        held = self._held.get(voice)
        return held is not None and text in held

    def __len__(self) -> int:
        return len(self.phrases)


def check(
    directory: Path, *, tenants: Collection[str] | None = None, now: datetime | None = None
) -> list[Problem]:
    """Everything that is wrong with the books of ``directory``, by file and line. Asks nobody."""
    return list(in_order(Shelf(directory, tenants=tenants, now=now or datetime.now(UTC)).problems))


def _generation(spoken: Iterable[Spoken], cuts: Cuts, tenants: Mapping[str, Iterable[str]]) -> int:
    """A number for the content: 63 bits, so that it is a signed integer everywhere."""
    hearers = [f" {name} {sorted(each)}" for name, each in sorted(tenants.items())]
    content = [f"{cuts!r}{''.join(hearers)}".encode()]
    for each in spoken:
        digest = each.recording.digest if each.recording else ""
        takes = each.phrase.takes if each.whole else 0
        facts = f"{each.book} {each.id} {takes} {each.phrase.pin} {each.rates} {digest} {each.text}"
        content += [each.voice.canonical, facts.encode()]
    return int.from_bytes(checksum(b"\n".join(content))[:8]) >> 1


def _cut(
    spoken: Iterable[Spoken], cuts: Cuts, phrasebooks: Mapping[str, list[Phrasebook]]
) -> Iterator[Spoken]:
    """Give each its segments, cut exactly as a turn cuts. ``phrasebooks``: of those who hear each scope."""
    # Behind other words a phrase is not the first segment of its turn.
    later = replace(cuts, first_clause_chars=cuts.clause_chars)
    known: dict[tuple[str, str], tuple[tuple[str, ...], tuple[str, ...]]] = {}
    for each in spoken:
        # Many voices say one text, and cutting it is the costly part.
        if (found := known.get((each.scope, each.text))) is None:
            heard_in = list(dict.fromkeys(phrasebooks[each.scope]))
            if each.whole:
                # A turn finds it whole, or falls back to this when it did not come in time.
                heard_in = [EMPTY] if each.phrase.pin else [*heard_in, EMPTY]
            pieces = [
                [normalise(cut.text) for cut in split(each.text, way, phrasebook, remember=False)]
                for way in dict.fromkeys((cuts, later))
                for phrasebook in heard_in
            ]
            if each.whole and each.phrase.pin:
                pieces.insert(0, [each.text])
            pinned = dict.fromkeys(itertools.chain(*pieces))
            found = known[each.scope, each.text] = (tuple(pieces[0]), tuple(pinned))
        segments, pinned_too = found
        yield replace(each, segments=segments, pinned=pinned_too)
