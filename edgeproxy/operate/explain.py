"""Would this be a hit, at which tier, cut into which segments; and if not, why not.

::

    a text, a voice, whose client ─► the asks that a door would make of it ─► for each, what is kept of it
                                                                                 │
       memory? ─► disk? ─► its master at another rate? ─► a miss: what is near, and what a book says instead

Nothing is used by looking: no record is read whole, touched or renewed, no flight is joined, nobody is
charged. How a text becomes asks is not known here; whoever builds this hands over those who do it for
callers. What is said of freshness and purges is :class:`~edgeproxy.speech.Speech`'s, too.

A turn is taken to come in one message. What a caller would join, because it is being filled at this moment,
counts as a miss here: it is kept nowhere yet.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from ..ask import Ask
from ..cache.record import Facts
from ..cache.store import Store
from ..core.freshness import Age
from ..core.key import Identity
from ..core.text import has_word
from ..phrases.generations import Generations
from ..phrases.library import Library
from ..phrases.nearest import Nearby, Nearest, parting
from ..phrases.pinned import namespace, speaker_for
from ..speech import Speech
from . import reasons
from .explanation import NOBODY, Almost, Explanation, Kept, Near, Question, Segment, Verdict
from .found import Found, find
from .near import near


class Asking(NamedTuple):
    """The asks of a text, and the tenant whose books were looked into; see :class:`Question`."""

    asks: Sequence[Ask]
    tenant: str | None


class Explainer:
    """Explains. ``asks``: what a door would ask for; raises :class:`.explanation.BadQuestion`."""

    def __init__(
        self,
        asks: Callable[[Question], Awaitable[Asking]],
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
        await asyncio.to_thread(nearby.let_go)
        return Explanation(question.text, question.voice.fields, tuple(segments))

    async def _segment(self, ask: Ask, nearby: Nearby) -> Segment:
        text = ask.identity.text
        if not has_word(text):
            return _segment(Found(ask, Verdict.PAUSE), why=[reasons.PAUSE])
        kept = await self._store.variants(text)
        found = find(ask, self._speech, kept or {}, self._speech.remembered(text))
        best = found[0]
        book = None
        why = list(reasons.of_mode(self._speech.mode))
        if (scope := speaker_for(ask.identity.namespace)) is not None:
            book = await asyncio.to_thread(nearby.name, text, scope=scope)
            unit = self._generations.get(ask.identity.voice, text, scope=scope)
            why += reasons.of_book(book or text, unit, hit=best.is_hit)
            if kept is not None:
                why += self._of_takes(ask, kept, scope)
        why += self._of_record(best)
        if best.is_hit:
            if ask.identity.namespace == NOBODY:
                hits = (each.ask.identity.namespace for each in found if each.is_hit)
                why.append(reasons.of_clients(list(hits)))
            return _segment(best, why, book=book, record=self._record(best))
        others = near(ask.identity, self._heard(kept or {}))
        nearest = None if book else await asyncio.to_thread(nearby.find, text)
        if kept is None or self._store.problem is not None:
            why.append(reasons.of_disk(self._store.problem))
        elif best.made is None:
            purge = self._speech.purged(ask.identity)
            gone = None if purge is None or purge.soft else purge.when
            why += reasons.of_nothing(others, nearest, gone)
        if not ask.written:
            why += reasons.of_admission(text, self._speech.admission)
        why += reasons.of_phrase(nearest, text)
        record = self._record(best)
        return _segment(best, why, book=book, record=record, near=others, nearest=nearest)

    def _of_record(self, found: Found) -> Iterator[str]:
        """What is to be said of the record that was found."""
        if found.made is None:
            return
        freshness = self._speech.freshness
        is_own = speaker_for(found.ask.identity.namespace) is None
        if is_own and found.age is Age.FRESH:
            pinned = self._store.is_pinned(found.ask.identity)
            yield reasons.of_use(found.made, freshness, pinned=pinned)
        purged = None if found.purge is None else found.purge.when
        yield from reasons.of_age(found.made, found.age, purged, freshness, datetime.now(UTC))
        if found.is_hit and found.record is not None and found.record != found.ask.identity:
            yield reasons.of_rate(found.record.voice.rate)

    def _of_takes(self, ask: Ask, kept: Iterable[Identity], scope: str) -> Iterable[str]:
        """What is to be said of a phrase whose recordings take turns."""
        identity = ask.identity
        speaks = self._generations.speaking(identity.voice, identity.text, scope=scope)
        if not ask.curated or speaks is None or speaks.takes == 1:
            return ()
        there = {
            each.namespace
            for each in kept
            if each.voice.at_rate(identity.voice.rate) == identity.voice
        }
        takes = {namespace(speaks.number, take, scope=scope) for take in range(speaks.takes)}
        return reasons.of_takes(speaks.takes, len(takes - there))

    def _heard(self, kept: Mapping[Identity, Facts]) -> dict[Identity, Facts]:
        """Those that no purge has taken back."""
        purges = {each: self._speech.purged(each, since=kept[each].purge) for each in kept}
        return {each: kept[each] for each, purge in purges.items() if not purge or purge.soft}

    def _record(self, found: Found) -> Kept | None:
        if found.record is None or found.made is None:
            return None
        return Kept(
            found.record.key,
            found.record.namespace,
            found.made,
            (datetime.now(UTC) - found.made).total_seconds(),
            found.seconds,
            "for good" if self._store.is_pinned(found.record) else "for now",
        )


def _segment(
    found: Found,
    why: Sequence[str],
    *,
    book: str | None = None,
    record: Kept | None = None,
    near: tuple[Near, ...] = (),
    nearest: Nearest | None = None,
) -> Segment:
    identity = found.ask.identity
    return Segment(
        text=identity.text,
        verdict=found.verdict,
        key=None if identity.namespace == NOBODY else identity.key,
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
        phrase=None if nearest is None else _almost(nearest, identity.text),
    )


def _almost(nearest: Nearest, text: str) -> Almost:
    spoken = nearest.spoken
    same, asked, written = parting(text, nearest.said)
    return Almost(
        name=spoken.name,
        language=spoken.language,
        speaker=spoken.voice.speaker,
        text=spoken.text,
        same=same,
        asked=asked,
        written=written,
        differs=nearest.differs,
    )
