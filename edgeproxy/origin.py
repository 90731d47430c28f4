"""Having the origin speak: from an ask to a clip that is whole, or an honest error.

::

    refused before? ─► its purse ─► its breaker ─► lease a session ─► speak ─► whole
          ▲                                              │
          └── remembered for a minute ◄── refused ◄──────┴──► broken, unheard: once more, on a fresh session

A segment is asked for a second time as long as nobody has heard any of it; that heals a lost connection or a
missing `final` without anybody noticing. What the origin *refuses* is passed on as it came and remembered for
a minute, so that the same mistake costs it nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Final

from .ask import Ask
from .audio import quality
from .cache.clip import Clip, Source
from .core.audio import SAMPLE_BYTES
from .core.errors import (
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
    TextCharged,
    ignore,
)
from .core.key import Teller
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
LATE: Final = "audio came after its final"

IsWhole = Callable[[], Awaitable[bool]]
"""Whether an utterance's `final` was its end; known a moment after it."""


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


class OriginSpeech:
    """Speaks by the sessions of ``pools``, or, at rates that those don't have, by ``rest``."""

    def __init__(
        self, pools: Pools, rest: RestDoor, *, patience: Patience, emit: Emit = ignore
    ) -> None:
        self._pools = pools
        self._rest = rest
        self._patience = patience
        self._emit = emit
        self._refusals = Refusals(kept_s=patience.refusal_kept_s)

    async def say(self, clip: Clip, ask: Ask, *, attempts: int = ATTEMPTS) -> IsWhole:
        """Fill from the origin."""
        clip.source = Source.ORIGIN
        try:
            async with asyncio.timeout(self._patience.answer_s) as clock:
                return await self._asked(clip, ask, clock, attempts)
        except TimeoutError:
            raise OriginSilent(
                f"no audio within {self._patience.answer_s:g} s"
                if not clip.size
                else f"not over within {self._patience.fill_s:g} s"
            ) from None

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
            raise OriginBabble(LATE)
        return clip.pcm()

    async def _asked(self, clip: Clip, ask: Ask, clock: asyncio.Timeout, attempts: int) -> IsWhole:
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
