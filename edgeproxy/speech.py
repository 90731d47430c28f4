"""THE PATH: from a segment to its clip. Read this file first.

::

    clip(identity)  ─► memory? ─► a flight up? ─► open one ──────────────────────► the clip, at once
                                                   │ fill, once per identity
                                                   ▼
                              disk? ─► the origin speaks ─► fit to keep? ─► memory ─► store

:meth:`Speech.clip` never waits: it looks in memory and joins or opens the flight in one breath, so two
equal requests can never both miss. The fill belongs to the flight: it outlives the client that began it.

What is stale is served at once and renewed by a fill that nobody waits for, behind every caller. What is
older still is served when the origin can't be had. What a book holds is neither: it speaks until the night
has made something better. And what was purged is gone, also when it was in the air at that moment.

How the origin is asked is :mod:`edgeproxy.origin`'s.
"""

import asyncio
from collections.abc import Callable, Sized
from datetime import UTC, datetime
from enum import StrEnum
from time import monotonic
from typing import Final

from .ask import Ask, Use
from .audio import quality
from .audio.resample import resample
from .cache.admission import Admission
from .cache.clip import Clip, Source, State
from .cache.flight import Flights
from .cache.memory import Memory
from .cache.purge import Doom, Purge, Purges
from .cache.record import Record
from .cache.store import Store
from .core.audio import SAMPLE_BYTES
from .core.errors import EdgeProxyError, NotKept
from .core.events import Emit, RecordRefused, Renewed, ignore
from .core.freshness import Age, Freshness
from .core.key import Identity
from .core.text import has_word
from .origin import LATE, IsWhole, OriginSpeech
from .upstream.pool import Order
from .upstream.session import OriginRefused

_PAUSE_S: Final = 0.1


class Mode(StrEnum):
    """What is made of the cache for all callers; those that want what is kept *only* have it in any mode."""

    ON = "on"
    OFF = "off"
    """Everything is asked of the origin, as with :attr:`Use.OFF`."""
    SHADOW = "shadow"
    """Everything is asked of the origin and kept as ever; what the cache would have done is told."""


class Speech:
    """Clips by identity, from wherever they are to be had.

    ``on_ask`` hears of each segment a caller asks for, ``on_miss`` of each that the origin is asked for.
    """

    def __init__(
        self,
        *,
        memory: Memory,
        flights: Flights,
        store: Store,
        origin: OriginSpeech,
        admission: Admission,
        freshness: Freshness,
        purges: Purges,
        mode: Mode = Mode.ON,
        on_ask: Callable[[Ask], None] = lambda _: None,
        on_miss: Callable[[Identity], None] = lambda _: None,
        emit: Emit = ignore,
    ) -> None:
        self._on_ask = on_ask
        self._on_miss = on_miss
        self._memory = memory
        self._flights = flights
        self._store = store
        self._origin = origin
        self.admission = admission
        self.freshness = freshness
        self.mode = mode
        """May be changed at any time; what was begun before goes on as it was."""
        self._purges = purges
        self._emit = emit

    def clip(self, ask: Ask) -> tuple[Clip, str]:
        """The clip of a segment, complete or growing, and how it was come by: ``hit-memory``, ``stale``,
        ``collapsed``, ``fill`` (from disk or origin: ``clip.source`` tells, once known), ``bypass`` or
        ``pause``.

        The caller listens until it calls :meth:`leave`. Never waits, never raises for the origin's
        sake: a fill's failure is the clip's.
        """
        identity = ask.identity
        if not has_word(identity.text):
            # Dots, dashes, an emoji: nothing to ask the origin for, yet a client that sent text
            # waits for sound (LiveKit takes none for a failure).
            return _pause(identity.voice.rate), "pause"
        self._on_ask(ask)
        if ask.use in (Use.OFF, Use.REFRESH) or (
            self.mode is not Mode.ON and ask.use is not Use.ONLY
        ):
            # A flight of its own: whoever wants it afresh must not be given what was begun before.
            if self.mode is Mode.SHADOW and ask.use is Use.ON:
                fill = self._in_shadow
            elif self.mode is not Mode.OFF and ask.use is Use.REFRESH:
                fill = self._anew
            else:
                fill = self._afresh
            clip = self._flights.alone(identity, lambda clip: fill(clip, ask))
            clip.order = ask.order
            return clip, "bypass"
        kept = self._memory.get(identity)
        if kept is not None:
            age = self.age(ask, kept.made)
            if age <= Age.STALE:
                kept.listeners += 1
                self._store.touch(kept.key)
                if age is Age.FRESH:
                    return kept, "hit-memory"
                if ask.use is not Use.ONLY:
                    self._renew_behind(ask)
                return kept, "stale"
        if ask.use is Use.ONLY:
            # Nobody joins it, since it may not ask the origin; nor does it keep up what others have begun.
            clip = self._flights.alone(identity, lambda clip: self._fill(clip, ask))
            clip.order = ask.order
            return clip, "fill"
        clip, joined = self._flights.join(identity, lambda clip: self._fill(clip, ask))
        # Who joins in silence does not wait like one who looks ahead.
        clip.order = min(clip.order, ask.order) if joined else ask.order
        return clip, "collapsed" if joined else "fill"

    def leave(self, ask: Ask, clip: Clip) -> None:
        """The caller no longer listens."""
        self._flights.leave(ask.identity, clip)

    def keep_ready(self, ask: Ask, clip: Clip, form: tuple[str, str], ready: Sized) -> None:
        """Keep an encoded form with its clip, and count it against the hot tier."""
        if form in clip.ready:
            return  # another caller of the same clip was quicker
        clip.ready[form] = ready
        clip.ready_bytes += len(ready)
        self._memory.weigh(ask.identity, clip, len(ready))

    def forget(self, identity: Identity) -> None:
        """Let a recording go from memory, because it is gone from the disk."""
        self._memory.forget(identity)

    def purge(self, purge: Purge) -> None:
        """Forget what a purge covers, and let nobody join the fills of it that are up.

        What is on the disk is the store's; what is still to come of those fills the purge's number keeps out.
        """
        self._memory.purge(purge.scope.covers)
        self._flights.purge(purge.scope.covers)

    # -- looking, for who only wants to know --------------------------------------------------------

    def age(self, ask: Ask, made: datetime | None, *, since: int | None = None) -> Age:
        """How old a recording of what is asked for is, that was made then (None: just now). ``since``: the
        last purge before it was begun; None: it is in memory, which lets go of what is purged."""
        doom = Doom.NONE if since is None else self._purges.doom(ask.identity, since=since)
        if doom is Doom.GONE:
            return Age.OVER
        if ask.curated or made is None:
            return Age.FRESH
        age = self.freshness.of(made, datetime.now(UTC))
        # What the night has promoted is kept: it does not go before something better is there.
        if age > Age.STALE and self._store.is_pinned(ask.identity):
            age = Age.STALE
        return max(age, Age.STALE) if doom is Doom.STALE else age

    def remembered(self, text: str) -> dict[Identity, Clip]:
        """What is in memory of a normalised text, for whomever. It is no use of it."""
        return self._memory.of_text(text)

    def purged(self, identity: Identity, *, since: int = 0) -> Purge | None:
        """The purge in force that takes a recording away which was begun after the purge ``since``; where
        none does, one that makes it stale."""
        covering = (
            purge for purge in self._purges if purge.number > since and purge.scope.covers(identity)
        )
        return max(covering, key=lambda purge: (not purge.soft, purge.number), default=None)

    # -- filling -----------------------------------------------------------------------------------

    async def _fill(self, clip: Clip, ask: Ask) -> None:
        since = self._purges.number
        record, age = await self._on_disk(ask)
        if record is not None and age <= Age.STALE:
            self._give(clip, ask.identity, record, age)
            if age is Age.STALE and ask.use is not Use.ONLY:
                # Going on in the same flight, so that nobody else begins to renew it.
                again = Clip(rate=clip.rate, key=clip.key)
                again.order = Order.NIGHT
                await self._renew(again, ask)
            return
        if ask.master is not None and await self._derive(clip, ask, ask.master, since):
            return
        if ask.use is Use.ONLY:
            raise NotKept("The text is not in the cache, and the request wants it from there only")
        self._on_miss(ask.identity)
        if record is None or age is Age.OVER:
            is_whole = await self._origin.say(clip, ask)
        else:
            try:
                is_whole = await self._origin.say(clip, ask, attempts=1)
            except EdgeProxyError as error:
                refused = isinstance(error, OriginRefused) and error.is_clients_fault
                if refused or clip.heard:
                    raise
                clip.rewind()
                self._give(clip, ask.identity, record, age)
                self._emit(Renewed(clip.key, ok=False, reason=str(error)))
                return
        await self._keep(clip, ask, since, is_whole)

    async def _afresh(self, clip: Clip, ask: Ask) -> None:
        """Fill from the origin, and keep nothing."""
        await self._origin.say(clip, ask)

    async def _anew(self, clip: Clip, ask: Ask) -> None:
        """Fill from the origin, and keep that in place of what there is."""
        since = self._purges.number
        is_whole = await self._origin.say(clip, ask)
        await self._keep(clip, ask, since, is_whole)

    async def _in_shadow(self, clip: Clip, ask: Ask) -> None:
        """Fill from the origin, and tell what would have been done without that."""
        since = self._purges.number
        clip.would = await self._would(ask)
        if clip.would == "miss":
            self._on_miss(ask.identity)
        is_whole = await self._origin.say(clip, ask)
        if clip.would == "miss":
            await self._keep(clip, ask, since, is_whole)

    async def _would(self, ask: Ask) -> str:
        """The verdict that a fill would earn; of callers who ask at the same time, each one's own."""
        kept = self._memory.get(ask.identity)
        age = Age.OVER if kept is None else self.age(ask, kept.made)
        if age <= Age.STALE:
            return "hit-memory" if age is Age.FRESH else "stale"
        _, age = await self._on_disk(ask)
        if age <= Age.STALE:
            return "hit-disk" if age is Age.FRESH else "stale"
        derived = ask.master is not None and await self._unpurged(ask.master) is not None
        return "hit-disk" if derived else "miss"

    def _renew_behind(self, ask: Ask) -> None:
        """Begin to renew what was just served, behind every caller, unless somebody does already."""
        clip = self._flights.start(ask.identity, lambda clip: self._renew_for_all(clip, ask))
        if clip is not None:
            clip.order = Order.NIGHT

    async def _renew_for_all(self, clip: Clip, ask: Ask) -> None:
        """In a flight that others may join."""
        try:
            await self._renew(clip, ask)
        except EdgeProxyError:
            # What was served before goes on being served, also to whoever has joined meanwhile.
            if clip.heard or not await self._give_what_is_kept(clip, ask):
                raise

    async def _renew(self, clip: Clip, ask: Ask) -> None:
        since = self._purges.number
        try:
            is_whole = await self._origin.say(clip, ask)
        except EdgeProxyError as error:
            self._emit(Renewed(clip.key, ok=False, reason=str(error)))
            raise
        await self._keep(clip, ask, since, is_whole)
        self._emit(Renewed(clip.key, ok=True))

    async def _give_what_is_kept(self, clip: Clip, ask: Ask) -> bool:
        """Fill from the record, for want of anything better; False where there is none to be had."""
        record, age = await self._on_disk(ask)
        if record is None or age is Age.OVER or clip.state is not State.GROWING:
            return False
        clip.rewind()
        self._give(clip, ask.identity, record, age)
        return True

    async def _on_disk(self, ask: Ask) -> tuple[Record | None, Age]:
        """The record of what is asked for, and how old that is."""
        record = await self._store.get(ask.identity)
        if record is None:
            return None, Age.OVER
        return record, self.age(ask, record.made, since=record.purge)

    async def _unpurged(self, identity: Identity) -> Record | None:
        """A record, however old; None where there is none, or a purge has taken it away."""
        record = await self._store.get(identity)
        if record is None or self._purges.doom(identity, since=record.purge) is Doom.GONE:
            return None
        return record

    def _give(self, clip: Clip, identity: Identity, record: Record, age: Age) -> None:
        """Fill from a record."""
        clip.source = Source.DISK
        clip.stale = age is not Age.FRESH
        clip.made = record.made
        clip.append(record.pcm)
        clip.times.complete = monotonic()
        clip.complete()
        if age is Age.FRESH:
            self._memory.keep(identity, clip)

    async def _derive(self, clip: Clip, ask: Ask, master: Identity, since: int) -> bool:
        """Fill from a curated recording at another rate; False where there is none."""
        record = await self._unpurged(master)
        if record is None:
            return False
        pcm = await asyncio.to_thread(
            resample, record.pcm, rate=record.rate, to=ask.identity.voice.rate
        )
        if self._purges.doom(ask.identity, since=since) is Doom.GONE:
            return False  # purged while it was derived
        derived = Record(ask.identity.blob, clip.rate, pcm, record.made, since)
        self._give(clip, ask.identity, derived, Age.FRESH)
        await self._store.put(ask.identity, derived, pinned=True)
        return True

    async def load(self, identity: Identity) -> bool:
        """Have a kept recording in memory before anybody asks for it; False where there is none. Never asks
        the origin."""
        if self._memory.get(identity) is not None:
            return True
        record = await self._unpurged(identity)
        if record is None:
            return False
        self._give(Clip(rate=record.rate, key=identity.key), identity, record, Age.FRESH)
        return True

    async def _keep(self, clip: Clip, ask: Ask, since: int, is_whole: IsWhole) -> None:
        """Keep what the origin said, if it is fit to be. ``since``: the last purge before it was begun.

        In memory at once, on the disk when nothing has come after its `final`: else it was cut, and is
        forgotten again.
        """
        identity = ask.identity
        if not self._fit_to_keep(clip, ask):
            return
        doom = self._purges.doom(identity, since=since)
        if doom is Doom.GONE:
            return
        if ask.curated and identity in self._store:
            return  # its recording could not be read just now: that is no reason to replace it
        clip.made = datetime.now(UTC)
        if doom is Doom.NONE:
            self._memory.keep(identity, clip)
        if not await is_whole():
            if self._memory.get(identity) is clip:
                self._memory.forget(identity)
            self._emit(RecordRefused(clip.key, LATE))
            return
        if not ask.curated:  # what a book holds is made, and judged, by the generator alone
            record = Record(identity.blob, clip.rate, clip.pcm(), clip.made, since)
            await self._store.put(identity, record)

    def _fit_to_keep(self, clip: Clip, ask: Ask) -> bool:
        """Nothing partial or broken is ever kept: the clip is complete, and now it is looked at, too."""
        if clip.state is not State.COMPLETE or not ask.keep:
            return False
        if not (ask.written or ask.curated or self.admission.admits(ask.identity)):
            return False
        # Some microseconds for a second of sound: less than a thread would cost.
        faults = quality.faults(clip.pcm(), rate=clip.rate, text=ask.identity.text)
        if faults:
            self._emit(RecordRefused(clip.key, "; ".join(faults)))
        return not faults


def _pause(rate: int) -> Clip:
    clip = Clip(rate=rate)
    clip.listeners = 1
    clip.source = Source.MEMORY
    clip.append(bytes(int(rate * _PAUSE_S) * SAMPLE_BYTES))
    clip.complete()
    return clip
