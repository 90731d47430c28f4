"""Other recordings of the same text, and how each is not what was asked for: the nearest first."""

from collections.abc import Mapping
from typing import Final

from ..cache.record import Facts
from ..core.key import Identity
from ..phrases.nearest import Difference, differences
from ..phrases.pinned import scope_of, speaker_for
from .explanation import NOBODY, Near

_MOST: Final = 5


def near(asked: Identity, kept: Mapping[Identity, Facts]) -> tuple[Near, ...]:
    """The nearest of ``kept``, which are all of the text of ``asked``; a few, and of equals the newest."""
    found: dict[tuple[str, tuple[Difference, ...]], Near] = {}
    for identity, facts in kept.items():
        differs = _differs(asked, identity)
        # Generations and takes of one phrase are no different to who wonders why it was not heard.
        alike = _whose(identity), differs
        if differs and (alike not in found or found[alike].made < facts.made):
            found[alike] = Near(identity.key, identity.namespace, facts.made, differs)
    nearest = sorted(found.values(), key=lambda each: (len(each.differs), -each.made.timestamp()))
    return tuple(nearest[:_MOST])


def _differs(asked: Identity, kept: Identity) -> tuple[Difference, ...]:
    """Namespace and epoch first, then the voice."""
    # A generation is of no epoch, and at one rate is as good as at any.
    is_made = scope_of(kept.namespace) is not None
    rate = asked.voice.rate if is_made else kept.voice.rate
    voice = differences(asked.voice.fields, {**kept.voice.fields, "rate": rate})
    whose = []
    # What a book says everybody hears, if only they ask for its voice; and nobody in particular is anybody.
    is_books = speaker_for(kept.namespace) is not None
    counts = not voice if is_books else asked.namespace != NOBODY
    if counts and _whose(asked) != _whose(kept):
        whose.append(Difference("namespace", _whose(asked) or None, _whose(kept)))
    epochs = asked.teller.epoch, kept.teller.epoch
    if not is_made and scope_of(asked.namespace) is None and epochs[0] != epochs[1]:
        whose.append(Difference("epoch", *epochs))
    return (*whose, *voice)


def _whose(identity: Identity) -> str:
    return identity.namespace.partition(":")[0]
