"""What would become of an ask, by what is kept of its text: the way that :mod:`edgeproxy.speech` goes, looked
at and not taken."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from ..ask import Ask
from ..cache.clip import Clip
from ..cache.purge import Purge
from ..cache.record import Facts
from ..core.audio import duration_s
from ..core.freshness import Age
from ..core.key import Identity
from ..phrases.pinned import speaker_for
from ..speech import Speech
from .explanation import NOBODY, Verdict

_BY_AGE: Final = {Age.FRESH: Verdict.HIT_DISK, Age.STALE: Verdict.STALE}
_RANK: Final = {verdict: place for place, verdict in enumerate(Verdict)}


@dataclass(frozen=True, slots=True)
class Found:
    """What would become of ``ask``. ``record``: what is kept of it, or what it would be made from, which is
    of another rate then; ``made`` and ``seconds`` are that one's. ``purge``: the one that covers it."""

    ask: Ask
    verdict: Verdict
    record: Identity | None = None
    made: datetime | None = None
    seconds: float = 0.0
    age: Age = Age.OVER
    purge: Purge | None = None

    @property
    def is_hit(self) -> bool:
        """Whether the origin is not waited for."""
        return self.verdict is not Verdict.MISS

    @property
    def rank(self) -> tuple[int, float]:
        """The best first, of equals the newest."""
        return _RANK[self.verdict], -(self.made.timestamp() if self.made else 0.0)


def find(
    ask: Ask, speech: Speech, kept: Mapping[Identity, Facts], remembered: Mapping[Identity, Clip]
) -> list[Found]:
    """What would become of it, the best first: for nobody in particular, also for each client that has it.

    ``kept`` and ``remembered``: what is on the disk and in memory of its text.
    """
    asks = [ask]
    if ask.identity.namespace == NOBODY:
        asks += [
            replace(ask, identity=each)
            for each in {**kept, **remembered}
            if speaker_for(each.namespace) is None and _is_same_but_whose(each, ask.identity)
        ]
    return sorted(
        (_find(each, speech, kept, remembered) for each in asks), key=lambda found: found.rank
    )


def _find(
    ask: Ask, speech: Speech, kept: Mapping[Identity, Facts], remembered: Mapping[Identity, Clip]
) -> Found:
    clip = remembered.get(ask.identity)
    if clip is not None and clip.made is not None:
        age = speech.age(ask, clip.made)
        if age <= Age.STALE:
            verdict = Verdict.HIT_MEMORY if age is Age.FRESH else Verdict.STALE
            seconds = duration_s(clip.size, clip.rate)
            return Found(ask, verdict, ask.identity, clip.made, seconds, age)
    found = Found(ask, Verdict.MISS)
    for identity in (ask.identity, ask.master):
        if identity is not None and not found.is_hit and (facts := kept.get(identity)) is not None:
            age = speech.age(replace(ask, identity=identity), facts.made, since=facts.purge)
            verdict = _BY_AGE.get(age, Verdict.MISS)
            purge = speech.purged(identity, since=facts.purge)
            found = Found(ask, verdict, identity, facts.made, facts.seconds, age, purge)
    return found


def _is_same_but_whose(one: Identity, other: Identity) -> bool:
    return one.teller.epoch == other.teller.epoch and one.voice == other.voice
