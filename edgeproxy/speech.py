"""THE PATH: from a segment to its clip. Read this file first.

::

    clip(identity)  ─► memory? ─► a flight up? ─► open one ──────────────────────► the clip, at once
                                                   │ fill, once per identity
                                                   ▼
                              disk? ─► lease a session ─► speak ─► fit to keep? ─► store ─► memory

:meth:`Speech.clip` never waits: it looks in memory and joins or opens the flight in one breath, so two
equal requests can never both miss. The fill belongs to the flight: it outlives the client that began it.

A segment is asked for a second time, on a fresh session, as long as nobody has heard any of it; that
heals a lost connection or a missing `final` without anybody noticing. What the origin *refuses* is
passed on as it came and remembered for a minute, so that the same mistake costs it nothing.
"""

import asyncio
from collections.abc import Callable, Sized
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import Final

from .audio import quality
from .audio.resample import resample
from .cache.clip import Clip, Source, State
from .cache.flight import Flights
from .cache.memory import Memory
from .cache.record import Record, age_s
from .cache.store import Store
from .core.audio import SAMPLE_BYTES
from .core.errors import OriginBabble, OriginError, OriginSilent
from .core.events import (
    CodecChanged,
    ConfigSent,
    ConfigSkipped,
    Emit,
    FillRetried,
    RecordRefused,
    ignore,
)
from .core.key import Identity, Teller
from .core.text import has_word
from .core.voice import Voice
from .sarvam import models
from .upstream.pool import Order
from .upstream.pools import Account, Pools
from .upstream.rest import RestDoor
from .upstream.session import OriginRefused, Utterance

ATTEMPTS: Final = 2
SECOND_CODEC: Final = "mp3"
"""What every account and model has; it is decoded at the door."""
_REFUSALS_KEPT: Final = 1000
_PAUSE_S: Final = 0.1


@dataclass(frozen=True, slots=True)
class Ask:
    """One segment as somebody wants it. ``keep``: whether it may be kept for others (the idle rule's
    cuts may not, since they depend on the clock)."""

    identity: Identity
    account: Account
    order: Order = Order.FIRST
    keep: bool = True
    curated: bool = False
    """Whether it is a book's: pinned, and never too old to be spoken."""
    master: Identity | None = None
    """A curated text's recording at the rate it was made in, from which other rates are derived."""


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
    ``characters_kept``: longer segments are delivered but not kept. ``ttl_s``: how long a kept segment
    is fresh.
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
        characters_kept: int,
        ttl_s: float,
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
        self._characters_kept = characters_kept
        self._ttl_s = ttl_s
        self._emit = emit
        self._refusals: dict[tuple[Account, Voice, str | None], tuple[float, OriginRefused]] = {}

    def clip(self, ask: Ask) -> tuple[Clip, str]:
        """The clip of a segment, complete or growing, and how it was come by: ``hit-memory``,
        ``collapsed``, ``fill`` (from disk or origin: ``clip.source`` tells, once known) or ``pause``.

        The caller listens until it calls :meth:`leave`. Never waits, never raises for the origin's
        sake: a fill's failure is the clip's.
        """
        if not has_word(ask.identity.text):
            # Dots, dashes, an emoji: nothing to ask the origin for, yet a client that sent text
            # waits for sound (LiveKit takes none for a failure).
            return _pause(ask.identity.voice.rate), "pause"
        self._on_ask(ask)
        clip = self._memory.get(ask.identity)
        if clip is not None and (ask.curated or self._is_fresh(clip)):
            clip.listeners += 1
            self._store.touch(clip.key)
            return clip, "hit-memory"
        clip, joined = self._flights.join(ask.identity, lambda clip: self._fill(clip, ask))
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
        self._memory.weigh(ask.identity, len(ready))

    def _is_fresh(self, clip: Clip) -> bool:
        return clip.made is None or age_s(clip.made) < self._ttl_s

    async def _fill(self, clip: Clip, ask: Ask) -> None:
        identity = ask.identity
        record = await self._store.get(identity)
        # What is curated speaks until the night has made something better.
        if record is not None and (ask.curated or record.age_s < self._ttl_s):
            clip.source = Source.DISK
            clip.made = record.made
            clip.append(record.pcm)
            clip.times.complete = monotonic()
            clip.complete()
            self._memory.keep(identity, clip)
            return
        if ask.master is not None and await self._derive(clip, ask, ask.master):
            return
        clip.source = Source.ORIGIN
        self._on_miss(identity)
        try:
            async with asyncio.timeout(self._patience.answer_s) as clock:
                await self._ask_origin(clip, ask, clock)
        except TimeoutError:
            raise OriginSilent(
                f"no audio within {self._patience.answer_s:g} s"
                if not clip.size
                else f"not over within {self._patience.fill_s:g} s"
            ) from None
        if self._fit_to_keep(clip, ask):
            clip.made = datetime.now(UTC)
            self._memory.keep(identity, clip)
            await self._store.put(identity, Record(identity.blob, clip.rate, clip.pcm(), clip.made))

    async def _derive(self, clip: Clip, ask: Ask, master: Identity) -> bool:
        """Fill from a curated recording at another rate; False where there is none."""
        record = await self._store.get(master)
        if record is None:
            return False
        pcm = await asyncio.to_thread(
            resample, record.pcm, rate=record.rate, to=ask.identity.voice.rate
        )
        clip.source = Source.DISK
        clip.made = record.made
        clip.append(pcm)
        clip.times.complete = monotonic()
        clip.complete()
        self._memory.keep(ask.identity, clip)
        derived = Record(ask.identity.blob, clip.rate, pcm, record.made)
        await self._store.put(ask.identity, derived, pinned=True)
        return True

    async def load(self, identity: Identity) -> bool:
        """Have a kept recording in memory before anybody asks for it; False where there is none. Never asks
        the origin."""
        if self._memory.get(identity) is not None:
            return True
        record = await self._store.get(identity)
        if record is None:
            return False
        clip = Clip(rate=record.rate, key=identity.key)
        clip.source = Source.DISK
        clip.made = record.made
        clip.append(record.pcm)
        clip.times.complete = monotonic()
        clip.complete()
        self._memory.keep(identity, clip)
        return True

    async def fetch(self, voice: Voice, text: str, account: Account) -> bytes:
        """Have a normalised text spoken by the origin, for the night: behind every caller, kept nowhere,
        tried once. Raises an OriginError."""
        ask = Ask(Teller("fetch", voice).identity_of_normal(text), account, Order.NIGHT)
        clip = Clip(rate=voice.rate)
        try:
            async with asyncio.timeout(self._patience.fill_s) as clock:
                began = asyncio.get_running_loop().time()
                await self._speak(clip, ask, clock, began=began, codec=None)
        except TimeoutError:
            raise OriginSilent(f"not over within {self._patience.fill_s:g} s") from None
        return clip.pcm()

    async def _ask_origin(self, clip: Clip, ask: Ask, clock: asyncio.Timeout) -> None:
        """Have the origin fill the clip; ``clock`` is set on when the first audio is there."""
        self._recall_refusal(ask)
        codec: str | None = None
        began = asyncio.get_running_loop().time()
        for attempt in range(1, ATTEMPTS + 1):
            clip.times.attempts = attempt
            try:
                await self._speak(clip, ask, clock, began=began, codec=codec)
                if not clip.size:
                    raise OriginBabble(f"no audio for {len(ask.identity.text)} characters")
            except OriginError as error:
                last = attempt == ATTEMPTS or clip.heard
                if isinstance(error, OriginRefused) and error.is_clients_fault:
                    if last or not self._is_the_codec(ask, error):
                        raise self._remember_refusal(ask, error) from error
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
                return

    def _is_the_codec(self, ask: Ask, error: OriginRefused) -> bool:
        """Whether it is raw PCM that the origin refuses: not every account and model has it."""
        pool = self._pools.of(ask.account, ask.identity.voice.model)
        return pool.codec is None and "codec" in error.refusal.message.lower()

    async def _speak(
        self, clip: Clip, ask: Ask, clock: asyncio.Timeout, *, began: float, codec: str | None
    ) -> None:
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
            await self._rest.speak(ask.account, voice, text, into=hear, on_sent=sent)
            return
        pool = self._pools.of(ask.account, voice.model)
        async with pool.lease(voice, order=ask.order) as session:
            times.leased = monotonic()
            await session.speak(
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

    def _fit_to_keep(self, clip: Clip, ask: Ask) -> bool:
        """Nothing partial or broken is ever kept: the clip is complete, and now it is looked at, too."""
        if clip.state is not State.COMPLETE or not ask.keep:
            return False
        if len(ask.identity.text) > self._characters_kept:
            return False
        # Some microseconds for a second of sound: less than a thread would cost.
        faults = quality.faults(clip.pcm(), rate=clip.rate, text=ask.identity.text)
        if faults:
            self._emit(RecordRefused(clip.key, "; ".join(faults)))
        return not faults

    # -- refusals: the client's mistake, not the pool's --------------------------------------------

    def _remember_refusal(self, ask: Ask, error: OriginRefused) -> OriginRefused:
        voice = ask.identity.voice
        hinted = OriginRefused(models.hint(error.refusal, voice.fields))
        if error.status in (401, 403):
            return hinted  # of the account, not of what was asked: it may be put right at any time
        # What is wrong with a voice is wrong with every text of it, if it is the voice that is named.
        by_voice = models.field_at_fault(error.refusal, voice.fields) is not None
        if len(self._refusals) >= _REFUSALS_KEPT:
            self._refusals.pop(next(iter(self._refusals)))
        until = monotonic() + self._patience.refusal_kept_s
        text = None if by_voice else ask.identity.text
        self._refusals[ask.account, voice, text] = (until, hinted)
        return hinted

    def _recall_refusal(self, ask: Ask) -> None:
        for text in (None, ask.identity.text):
            remembered = self._refusals.get((ask.account, ask.identity.voice, text))
            if remembered is not None and monotonic() < remembered[0]:
                raise OriginRefused(remembered[1].refusal)


def _pause(rate: int) -> Clip:
    clip = Clip(rate=rate)
    clip.listeners = 1
    clip.source = Source.MEMORY
    clip.append(bytes(int(rate * _PAUSE_S) * SAMPLE_BYTES))
    clip.complete()
    return clip
