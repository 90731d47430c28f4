"""Would this be a hit, at which tier, cut into which segments; and if not, why not.

::

    a text, a voice, whose client ─► the asks that a door would make of it ─► for each, what is kept of it
                                                                                 │
       memory? ─► disk? ─► its master at another rate? ─► a miss: what is near, and what a book says instead

Nothing is used by looking: no record is read whole, touched or renewed, no flight is joined, nobody is
charged. How a text becomes asks is not known here; whoever builds this hands over those who do it for
callers. What is said of freshness and purges is :class:`~edgeproxy.speech.Speech`'s, too.

A turn is taken to come in one message. What a caller joins that is being filled at this moment counts as a
miss here, since it is kept nowhere yet.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final, NamedTuple

from ..cache.clip import Clip
from ..cache.purge import Purge
from ..cache.record import Facts
from ..cache.store import Store
from ..core.audio import duration_s
from ..core.freshness import Age
from ..core.key import Identity
from ..core.text import has_word
from ..phrases.generations import Generations
from ..phrases.library import Library
from ..phrases.nearest import Difference, Nearby, Nearest, differences, parting
from ..phrases.pinned import namespace, scope_of, speaker_for
from ..speech import Ask, Speech
from . import reasons
from .explanation import NOBODY, Almost, Explanation, Kept, Near, Question, Segment, Verdict

_MOST_NEAR: Final = 5
_RANK: Final = {verdict: place for place, verdict in enumerate(Verdict)}


class Asked(NamedTuple):
    """The asks of a text, and the tenant whose books were looked into; see :class:`Question`."""

    asks: Sequence[Ask]
    tenant: str | None


@dataclass(frozen=True, slots=True)
class Found:
    """What would become of an ask. ``made`` and ``seconds`` are those of what is kept, where something is;
    ``purge``: the one that covers it; ``from_rate``: that of the recording it would be made from."""

    ask: Ask
    verdict: Verdict
    age: Age = Age.OVER
    made: datetime | None = None
    seconds: float = 0.0
    purge: Purge | None = None
    from_rate: int | None = None

    @property
    def rank(self) -> tuple[int, float]:
        """The best first, of equals the newest."""
        return _RANK[self.verdict], -(self.made.timestamp() if self.made else 0.0)


class Explainer:
    """Explains. ``asks``: what a door would ask for; raises :class:`.explanation.BadQuestion`."""

    def __init__(
        self,
        asks: Callable[[Question], Awaitable[Asked]],
        *,
        speech: Speech,
        store: Store,
        generations: Generations,
        library: Callable[[], Library],
    ) -> None:
        self._asks = asks
        self._speech = speech
        self._store = store
        self._generations = generations
        self._library = library

    async def explain(self, question: Question) -> Explanation:
        """What would become of it now. Raises :class:`.explanation.BadQuestion`."""
        asks, tenant = await self._asks(question)
        nearby = Nearby(self._library(), question.voice, tenant=tenant)
        segments = [await self._segment(ask, nearby) for ask in asks]
        return Explanation(question.text, question.voice.fields, tuple(segments))

    async def _segment(self, ask: Ask, nearby: Nearby) -> Segment:
        text = ask.identity.text
        if not has_word(text):
            return _segment(Found(ask, Verdict.PAUSE), why=[reasons.PAUSE])
        kept = await self._store.variants(text)
        remembered = self._speech.remembered(text)
        best, *others = self._found_for(ask, kept or {}, remembered)
        hit = best.verdict is not Verdict.MISS
        said: list[str] = []
        scope = speaker_for(ask.identity.namespace)
        book = None
        if scope is not None:
            book = await asyncio.to_thread(nearby.name, text, scope=scope)
            unit = self._generations.get(ask.identity.voice, text, scope=scope)
            said += reasons.of_book(book or text, unit, hit=hit)
            if kept is not None:
                said += self._takes(ask, kept, scope)
        elif best.made is not None and best.age is Age.FRESH:
            pinned = self._store.is_pinned(best.ask.identity)
            said.append(reasons.of_use(best.made, self._speech.freshness, pinned=pinned))
        purged = None if best.purge is None else best.purge.when
        now = datetime.now(UTC)
        said += reasons.of_age(best.made, best.age, purged, self._speech.freshness, now)
        if best.from_rate is not None:
            said.append(reasons.of_rate(best.from_rate))
        record = self._record(best, now)
        if hit:
            if ask.identity.namespace == NOBODY:
                whose = [each for each in (best, *others) if each.verdict is not Verdict.MISS]
                said.append(reasons.of_clients([each.ask.identity.namespace for each in whose]))
            return _segment(best, book=book, record=record, why=said)
        near = self._near(ask, kept or {})
        nearest = None
        if book is None:
            nearest = await asyncio.to_thread(nearby.find, text)
        if kept is None or self._store.problem is not None:
            said.append(reasons.of_disk(self._store.problem))
        elif best.made is None:
            purge = self._speech.purged(ask.identity)
            gone = None if purge is None or purge.soft else purge.when
            said += reasons.of_nothing(near, nearest, gone)
        if not ask.written:
            said += reasons.of_admission(text, self._speech.admission)
        return _segment(
            best,
            book=book,
            record=record,
            why=[*said, *reasons.of_phrase(nearest, text, hearers=self._hearers(nearest))],
            near=near,
            phrase=None if nearest is None else _almost(nearest, text),
        )

    # -- what is kept of it ------------------------------------------------------------------------

    def _found_for(
        self, ask: Ask, kept: Mapping[Identity, Facts], remembered: Mapping[Identity, Clip]
    ) -> list[Found]:
        """What would become of it, the best first: for nobody in particular, one for each client that has
        it."""
        asks = [ask]
        if ask.identity.namespace == NOBODY:
            asks += [
                replace(ask, identity=each)
                for each in {**kept, **remembered}
                if speaker_for(each.namespace) is None and _same_but_whose(each, ask.identity)
            ]
        return sorted(
            (self._found(each, kept, remembered) for each in asks), key=lambda found: found.rank
        )

    def _found(
        self, ask: Ask, kept: Mapping[Identity, Facts], remembered: Mapping[Identity, Clip]
    ) -> Found:
        clip = remembered.get(ask.identity)
        if clip is not None and clip.made is not None:
            age = self._speech.age(ask, clip.made)
            if age <= Age.STALE:
                verdict = Verdict.HIT_MEMORY if age is Age.FRESH else Verdict.STALE
                return Found(ask, verdict, age, clip.made, duration_s(clip.size, clip.rate))
        facts = kept.get(ask.identity)
        found = Found(ask, Verdict.MISS) if facts is None else self._on_disk(ask, facts)
        if found.verdict is Verdict.MISS and ask.master not in (None, ask.identity):
            assert ask.master is not None
            master = kept.get(ask.master)
            if master is not None:
                whole = self._on_disk(replace(ask, identity=ask.master), master)
                if whole.verdict is not Verdict.MISS:
                    return replace(whole, ask=ask, from_rate=master.rate)
        return found

    def _on_disk(self, ask: Ask, facts: Facts) -> Found:
        age = self._speech.age(ask, facts.made, since=facts.purge)
        verdict = {Age.FRESH: Verdict.HIT_DISK, Age.STALE: Verdict.STALE}.get(age, Verdict.MISS)
        purge = self._speech.purged(ask.identity, since=facts.purge)
        return Found(ask, verdict, age, facts.made, facts.seconds, purge)

    def _record(self, found: Found, now: datetime) -> Kept | None:
        if found.made is None:
            return None
        identity = found.ask.identity
        if found.from_rate is not None and found.ask.master is not None:
            identity = found.ask.master
        return Kept(
            identity.key,
            identity.namespace,
            found.made,
            (now - found.made).total_seconds(),
            found.seconds,
            "for good" if self._store.is_pinned(identity) else "for now",
        )

    def _takes(self, ask: Ask, kept: Mapping[Identity, Facts], scope: str) -> Iterable[str]:
        """What is to be said of a phrase whose recordings take turns."""
        identity = ask.identity
        speaks = self._generations.speaking(identity.voice, identity.text, scope=scope)
        if not ask.curated or speaks is None or speaks.takes == 1:
            return ()
        there = {each.namespace for each in kept if _in_voice(each, identity)}
        lost = sum(
            namespace(speaks.number, take, scope=scope) not in there for take in range(speaks.takes)
        )
        return reasons.of_takes(speaks.takes, lost)

    # -- what is near ------------------------------------------------------------------------------

    def _near(self, ask: Ask, kept: Mapping[Identity, Facts]) -> tuple[Near, ...]:
        """Other recordings of the same text that can be heard, the nearest first."""
        found: dict[tuple[str, tuple[Difference, ...]], Near] = {}
        for identity, facts in kept.items():
            purge = self._speech.purged(identity, since=facts.purge)
            differs = _differs(ask.identity, identity)
            if not differs or (purge is not None and not purge.soft):
                continue
            # Generations and takes of one phrase are no different to who wonders why it was not heard.
            whose = identity.namespace.partition(":")[0]
            before = found.get((whose, differs))
            if before is None or before.made < facts.made:
                near = Near(identity.key, identity.namespace, facts.made, differs)
                found[whose, differs] = near
        nearest = sorted(
            found.values(), key=lambda near: (len(near.differs), -near.made.timestamp())
        )
        return tuple(nearest[:_MOST_NEAR])

    def _hearers(self, nearest: Nearest | None) -> Sequence[str]:
        """The tenants that alone hear the phrase; none: everybody does."""
        if nearest is None:
            return ()
        return self._library().books[nearest.spoken.book].tenants or ()


def _same_but_whose(one: Identity, other: Identity) -> bool:
    return one.teller.epoch == other.teller.epoch and one.voice == other.voice


def _in_voice(one: Identity, other: Identity) -> bool:
    """Whether it is the same voice, at whatever rate."""
    return one.voice == other.voice.at_rate(one.voice.rate)


def _differs(asked: Identity, kept: Identity) -> tuple[Difference, ...]:
    voice = differences(asked.voice.fields, kept.voice.fields)
    whose = (asked.namespace.partition(":")[0], kept.namespace.partition(":")[0])
    found = []
    # What a book says everybody hears, if only they ask for its voice; and nobody in particular is anybody.
    counts = not voice if speaker_for(kept.namespace) is not None else whose[0] != NOBODY
    if counts and whose[0] != whose[1]:
        found.append(Difference("namespace", whose[0] or None, whose[1]))
    # A generation is of no epoch.
    if scope_of(asked.namespace) is None and scope_of(kept.namespace) is None:
        epochs = asked.teller.epoch, kept.teller.epoch
        if epochs[0] != epochs[1]:
            found.append(Difference("epoch", *epochs))
    return (*found, *voice)


def _almost(nearest: Nearest, text: str) -> Almost:
    spoken = nearest.spoken
    same, asked, written = parting(text, nearest.said)
    return Almost(
        spoken.name,
        spoken.language,
        spoken.voice.speaker,
        spoken.text,
        same,
        asked,
        written,
        nearest.differs,
    )


def _segment(
    found: Found,
    *,
    why: Sequence[str],
    book: str | None = None,
    record: Kept | None = None,
    near: tuple[Near, ...] = (),
    phrase: Almost | None = None,
) -> Segment:
    identity = found.ask.identity
    is_anybodys = identity.namespace == NOBODY
    return Segment(
        text=identity.text,
        verdict=found.verdict,
        key=None if is_anybodys else identity.key,
        identity={
            "namespace": identity.namespace or None,
            "epoch": identity.teller.epoch,
            "voice": identity.voice.fields,
            "text": identity.text,
        },
        book=book,
        record=record,
        why=tuple(why),
        near=near,
        phrase=phrase,
    )
