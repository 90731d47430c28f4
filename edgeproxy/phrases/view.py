"""What one caller may hear of the books: its own, if it is a tenant that has some, before everybody's.

Compiled once for each library. All callers who have no books of their own share one view.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from ..core.phrasebook import Phrasebook
from ..core.voice import Voice
from ..sarvam import models
from .pinned import SHARED
from .shelf import Spoken

Held = Mapping[Voice, Mapping[str, str]]
"""From a voice at any rate and a pinned segment to the scope that says it."""


class View:
    """``phrasebook``: the whole phrases, for the turn to find."""

    __slots__ = ("_layers", "phrasebook")

    def __init__(self, phrasebook: Phrasebook, layers: Iterable[Held]) -> None:
        """``layers``: the caller's own before what it shares."""
        self.phrasebook: Final = phrasebook
        self._layers: Final = tuple(layers)

    def scope(self, voice: Voice, text: str) -> str | None:
        """Whose phrase the normalised ``text`` of a segment is in ``voice``, at any rate; None: no book's."""
        for held in self._layers:
            texts = held.get(voice)
            if texts is not None and (scope := texts.get(text)) is not None:
                return scope
        return None


def whole(spoken: Iterable[Spoken]) -> Iterator[str]:
    """The phrases among them that are one recording, and made ahead."""
    return (each.text for each in spoken if each.whole and each.phrase.pin)


def held(spoken: Iterable[Spoken]) -> Held:
    """Their pinned segments; all rates of a voice share one mapping, since one is made from the other."""
    found: dict[Voice, dict[str, str]] = {}
    for each in spoken:
        if each.phrase.pin:
            if (texts := found.get(each.voice)) is None:
                texts = {}
                for rate in models.REST_RATES:
                    texts = found.setdefault(each.voice.at_rate(rate), texts)
            texts.update(dict.fromkeys(each.pinned, each.scope))
    return found


def by_hearer(
    spoken: Iterable[Spoken], tenants: Mapping[str, Iterable[str]]
) -> dict[str, list[Spoken]]:
    """What everybody may hear under :data:`SHARED`, and under each tenant what it may hear besides.

    ``tenants``: those of each tenants' book.
    """
    found: dict[str, list[Spoken]] = {SHARED: []}
    found |= {tenant: [] for hearers in tenants.values() for tenant in hearers}
    for each in spoken:
        for hearer in tenants.get(each.scope, (SHARED,)):
            found[hearer].append(each)
    return found
