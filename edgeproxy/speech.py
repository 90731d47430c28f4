"""THE PATH: from a segment to its clip. Read this file first.

::

    clip(identity)  ─► memory? ─► a flight up? ─► open one ──────────────────────► the clip, at once
                                                   │ fill, once per identity
                                                   ▼
                              disk? ─► lease a session ─► speak ─► fit to keep? ─► memory ─► store

:meth:`Speech.clip` never waits: it looks in memory and joins or opens the flight in one breath, so two
equal requests can never both miss. The fill belongs to the flight: it outlives the client that began it.

What is stale is served at once and renewed by a fill that nobody waits for, behind every caller. What is
older still is served when the origin can't be had. What a book holds is neither: it speaks until the night
has made something better. And what was purged is gone, also when it was in the air at that moment.

A segment is asked for a second time, on a fresh session, as long as nobody has heard any of it; that
heals a lost connection or a missing `final` without anybody noticing. What the origin *refuses* is
passed on as it came and remembered for a minute, so that the same mistake costs it nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sized
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from time import monotonic
from typing import Final, Protocol

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
from .core.errors import (
    EdgeProxyError,
    NotKept,
    OriginBabble,
    OriginDown,
    OriginError,
    OriginSilent,
    OriginUnreachable,
)
from .core.events import (
    CodecChanged,
    ConfigSent,
    ConfigSkipped,
    Emit,
    FillRetried,
    RecordRefused,
    Renewed,
    TextCharged,
    ignore,
)
from .core.freshness import Age, Freshness
from .core.key import Identity, Teller
from .core.text import has_word
from .core.voice import Voice
from .sarvam import models
from .upstream.pool import Order
from .upstream.pools import Account, Pools
from .upstream.refused import OF_THE_KEY, Refusals
from .upstream.rest import RestDoor
from .upstream.session import OriginRefused, Utterance

ATTEMPTS: Final = 2
SECOND_CODEC: Final = "mp3"
"""What every account and model has; it is decoded at the door."""
_PAUSE_S: Final = 0.1
_LATE: Final = "audio came after its final"


IsWhole = Callable[[], Awaitable[bool]]
"""Whether an utterance's `final` was its end; known a moment after it."""


class Use(StrEnum):
    """What a caller makes of the cache."""

    ON = "on"
    OFF = "off"
    """Neither is anything taken from it, nor put in."""
    ONLY = "only"
    """What is not in it is an error."""
    REFRESH = "refresh"
    """Nothing is taken from it; what the origin says takes its place."""


class Mode(StrEnum):
    """What is made of the cache for all callers; those that want what is kept *only* have it in any mode."""

    ON = "on"
    OFF = "off"
    """Everything is asked of the origin, as with :attr:`Use.OFF`."""
    SHADOW = "shadow"
    """Everything is asked of the origin and kept as ever; what the cache would have done is told."""


class Purse(Protocol):
    """Whose characters the origin is asked for. Neither method waits."""

    def spend(self, characters: int) -> None:
        """The origin is about to be asked for them. Raises Overdrawn where the purse has not so many."""

    def give_back(self, characters: int) -> None:
        """It never got them, or turned them away."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One segment as somebody wants it. ``keep``: whether it may be kept for others (the idle rule's
    cuts may not, since they depend on the clock)."""

    identity: Identity
    account: Account
    order: Order = Order.FIRST
    keep: bool = True
    use: Use = Use.ON
    written: bool = False
    """Whether a book says it: then it is kept whatever the policy is."""
    curated: bool = False
    """Whether it is a generation of a book's: pinned, and never too old to be spoken."""
    master: Identity | None = None
    """A curated text's recording at the rate it was made in, from which other rates are derived."""
    purse: Purse | None = None
    """Pays if this ask opens the flight and the store has nothing; who joins a flight pays nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long the origin may take, in seconds.

    ``answer_s`` bounds the wait for a segment's first audio, all leases and attempts included, because
    LiveKit gives up after 10 s of silence; ``fill_s`` bounds the whole of it.
    """

    first_audio_s: float = 2.5
    stall_s: float = 2.0
    answer_s: float = 8.0
    fill_s: float = 60.0
    refusal_kept_s: float = 60.0


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
        pools: Pools,
        rest: RestDoor,
        patience: Patience,
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
        self._pools = pools
        self._rest = rest
        self._patience = patience
        self.admission = admission
        self.freshness = freshness
        self.mode = mode
        """May be changed at any time; what was begun before goes on as it was."""
        self._purges = purges
        self._emit = emit
        self._refusals = Refusals(kept_s=patience.refusal_kept_s)

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
        record = await self._store.get(ask.identity)
        age = Age.OVER if record is None else self.age(ask, record.made, since=record.purge)
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
            is_whole = await self._say(clip, ask)
        else:
            try:
                is_whole = await self._say(clip, ask, attempts=1)
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
        await self._say(clip, ask)

    async def _anew(self, clip: Clip, ask: Ask) -> None:
        since = self._purges.number
        is_whole = await self._say(clip, ask)
        await self._keep(clip, ask, since, is_whole)

    async def _in_shadow(self, clip: Clip, ask: Ask) -> None:
        """Fill from the origin, and tell what would have been done without that."""
        since = self._purges.number
        clip.would = await self._would(ask)
        if clip.would == "miss":
            self._on_miss(ask.identity)
        is_whole = await self._say(clip, ask)
        if clip.would == "miss":
            await self._keep(clip, ask, since, is_whole)

    async def _would(self, ask: Ask) -> str:
        """The verdict that a fill would earn; of callers who ask at the same time, each one's own."""
        kept = self._memory.get(ask.identity)
        age = Age.OVER if kept is None else self.age(ask, kept.made)
        if age <= Age.STALE:
            return "hit-memory" if age is Age.FRESH else "stale"
        record = await self._store.get(ask.identity)
        age = Age.OVER if record is None else self.age(ask, record.made, since=record.purge)
        if age <= Age.STALE:
            return "hit-disk" if age is Age.FRESH else "stale"
        return (
            "hit-disk" if ask.master is not None and await self._store.get(ask.master) else "miss"
        )

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
            is_whole = await self._say(clip, ask)
        except EdgeProxyError as error:
            self._emit(Renewed(clip.key, ok=False, reason=str(error)))
            raise
        await self._keep(clip, ask, since, is_whole)
        self._emit(Renewed(clip.key, ok=True))

    async def _give_what_is_kept(self, clip: Clip, ask: Ask) -> bool:
        """Fill from the record, for want of anything better; False where there is none to be had."""
        record = await self._store.get(ask.identity)
        age = Age.OVER if record is None else self.age(ask, record.made, since=record.purge)
        if record is None or age is Age.OVER or clip.state is not State.GROWING:
            return False
        clip.rewind()
        self._give(clip, ask.identity, record, age)
        return True

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
        record = await self._store.get(master)
        if record is None or self._purges.doom(master, since=record.purge) is Doom.GONE:
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

    async def _say(self, clip: Clip, ask: Ask, *, attempts: int = ATTEMPTS) -> IsWhole:
        """Fill from the origin."""
        clip.source = Source.ORIGIN
        try:
            async with asyncio.timeout(self._patience.answer_s) as clock:
                return await self._ask_origin(clip, ask, clock, attempts)
        except TimeoutError:
            raise OriginSilent(
                f"no audio within {self._patience.answer_s:g} s"
                if not clip.size
                else f"not over within {self._patience.fill_s:g} s"
            ) from None

    async def load(self, identity: Identity) -> bool:
        """Have a kept recording in memory before anybody asks for it; False where there is none. Never asks
        the origin."""
        if self._memory.get(identity) is not None:
            return True
        record = await self._store.get(identity)
        if record is None or self._purges.doom(identity, since=record.purge) is Doom.GONE:
            return False
        self._give(Clip(rate=record.rate, key=identity.key), identity, record, Age.FRESH)
        return True

    async def fetch(self, voice: Voice, text: str, account: Account) -> bytes:
        """Have a normalised text spoken by the origin, for the night: behind every caller, kept nowhere,
        tried once. Raises an OriginError."""
        ask = Ask(Teller("fetch", voice).identity_of_normal(text), account, Order.NIGHT)
        clip = Clip(rate=voice.rate)
        clip.order = ask.order
        try:
            async with asyncio.timeout(self._patience.fill_s) as clock:
                began = asyncio.get_running_loop().time()
                is_whole = await self._speak(clip, ask, clock, began=began, codec=None)
        except TimeoutError:
            raise OriginSilent(f"not over within {self._patience.fill_s:g} s") from None
        if not await is_whole():
            raise OriginBabble(_LATE)
        return clip.pcm()

    async def _ask_origin(
        self, clip: Clip, ask: Ask, clock: asyncio.Timeout, attempts: int
    ) -> IsWhole:
        """Have the origin fill the clip; ``clock`` is set on when the first audio is there."""
        voice, text = ask.identity.voice, ask.identity.text
        self._refusals.recall(ask.account, voice, text)
        codec: str | None = None
        began = asyncio.get_running_loop().time()
        for attempt in range(1, attempts + 1):
            clip.times.attempts = attempt
            try:
                is_whole = await self._speak(clip, ask, clock, began=began, codec=codec)
            except OriginError as error:
                if ask.account.own and error.status in OF_THE_KEY:
                    raise OriginUnreachable(f"the proxy's own key is refused: {error}") from error
                last = attempt == attempts or clip.heard or isinstance(error, OriginDown)
                if isinstance(error, OriginRefused) and error.is_clients_fault:
                    if last or not self._is_the_codec(ask, error):
                        raise self._refusals.remember(ask.account, voice, text, error) from error
                    codec = SECOND_CODEC
                elif last:
                    raise
                clip.rewind()
                # Both attempts share one wait for audio that somebody can hear.
                clock.reschedule(began + self._patience.answer_s)
                self._emit(FillRetried(ask.identity.voice.model, str(error)))
            else:
                clip.times.complete = monotonic()
                clip.complete()
                return is_whole
        raise AssertionError("the last attempt returns or raises")

    def _is_the_codec(self, ask: Ask, error: OriginRefused) -> bool:
        """Whether it is raw PCM that the origin refuses: not every account and model has it."""
        pool = self._pools.of(ask.account, ask.identity.voice.model)
        return pool.codec is None and "codec" in error.refusal.message.lower()

    async def _speak(
        self, clip: Clip, ask: Ask, clock: asyncio.Timeout, *, began: float, codec: str | None
    ) -> IsWhole:
        breaker = self._pools.breaker(ask.account, ask.identity.voice.model)
        with self._paid(ask, clip), breaker.attempt():
            is_whole = await self._speak_once(clip, ask, clock, began=began, codec=codec)
            if not clip.size:
                raise OriginBabble(f"no audio for {len(ask.identity.text)} characters")
            return is_whole

    @contextmanager
    def _paid(self, ask: Ask, clip: Clip) -> Iterator[None]:
        """Charge one attempt, beforehand, so that parallel ones can't pass a cap together.

        Each attempt that got as far as sending its text is one the origin may charge for, so a second one is
        charged, too; what was never sent, or was refused, is given back.
        """
        text, sent_before = ask.identity.text, clip.times.sent
        if ask.purse is not None:
            ask.purse.spend(len(text))
        charged = True
        try:
            yield
        except BaseException as error:
            # With a 5xx it may have broken off what it had begun to speak, and to charge.
            refused = isinstance(error, OriginRefused) and error.status < 500
            charged = clip.times.sent != sent_before and not refused
            raise
        finally:
            if charged:
                order = Order(clip.order).name.lower()
                self._emit(TextCharged(ask.identity.voice.model, len(text), order))
            elif ask.purse is not None:
                ask.purse.give_back(len(text))

    async def _speak_once(
        self, clip: Clip, ask: Ask, clock: asyncio.Timeout, *, began: float, codec: str | None
    ) -> IsWhole:
        voice, text, times = ask.identity.voice, ask.identity.text, clip.times
        longest = quality.longest_s(text) * voice.rate * SAMPLE_BYTES
        spoken: Utterance | None = None

        def sent(utterance: Utterance) -> None:
            nonlocal spoken
            spoken = utterance
            times.sent, times.configured = utterance.sent, utterance.configured
            told = ConfigSent if utterance.configured else ConfigSkipped
            self._emit(told(voice.model))

        def hear(pcm: bytes) -> None:
            if not clip.size:
                assert spoken is not None
                times.first_byte, times.first_pcm = spoken.first_byte, spoken.first_pcm
                clock.reschedule(began + self._patience.fill_s)
            if clip.size + len(pcm) > longest:
                raise OriginBabble(f"more audio than {len(text)} characters can be")
            clip.append(pcm)

        if voice.rate not in models.WS_RATES:
            times.leased = monotonic()
            utterance = await self._rest.speak(ask.account, voice, text, into=hear, on_sent=sent)
            return partial(utterance.is_whole, 0.0)
        pool = self._pools.of(ask.account, voice.model)
        async with pool.lease(voice, order=lambda: Order(clip.order)) as session:
            times.leased = monotonic()
            utterance = await session.speak(
                voice,
                text,
                into=hear,
                codec=codec or pool.codec,
                first_audio_timeout_s=self._patience.first_audio_s,
                stall_timeout_s=self._patience.stall_s,
                on_sent=sent,
            )
        if codec is not None and pool.codec is None:
            pool.codec = codec
            self._emit(CodecChanged(voice.model, codec))
        return partial(utterance.is_whole, pool.rest_s)

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
            self._emit(RecordRefused(clip.key, _LATE))
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
