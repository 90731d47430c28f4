"""Where takes are made and judged: by asking the origin, at a pace and in a budget, or from a recording."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from time import monotonic
from typing import Final

from ..audio import decode, quality
from ..core.errors import EdgeProxyError, OriginUnreachable, Overloaded
from ..core.key import checksum
from ..core.voice import Voice
from ..upstream.session import OriginRefused
from .due import Unit
from .recording import Recording

TRIES: Final = 3
BACKOFF_S: Final = 1.0
"""Before the second try; twice that before the third."""

GIVE_UP: Final = 8
"""Failures of the origin running, after which a run leaves it alone."""

_ACCOUNTS: Final = (401, 402, 403, 429)
"""Refusals that are about who asks, not about what is asked."""

Fetch = Callable[[Voice, str], Awaitable[bytes]]
"""Has the origin speak a normalised text: PCM at the voice's rate, complete, or an EdgeProxyError."""


class Failed(Exception):
    """No take that is fit to be heard. ``reasons``: of the last try, with their figures."""

    def __init__(self, reasons: Sequence[str], *, attempts: int) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = tuple(reasons)
        self.attempts = attempts


class Allowance:
    """What one run may ask of the origin: a budget of characters, never passed, and its patience.

    Mutable state: ``spent``, characters; ``stopped``, why the run must not go on, once it must not.
    """

    def __init__(self, characters: int) -> None:
        self._characters = characters
        self._failures = 0
        self.spent = 0
        self.stopped: str | None = None

    def take(self, characters: int) -> bool:
        """Set characters aside, if there are as many left."""
        if self.spent + characters > self._characters:
            return False
        self.spent += characters
        return True

    def give_back(self, characters: int) -> None:
        """The origin was not asked for them."""
        self.spent -= characters

    def origin_spoke(self) -> None:
        """It is well."""
        self._failures = 0

    def origin_failed(self, error: EdgeProxyError) -> None:
        """It is not, this time."""
        self._failures += 1
        if self._failures >= GIVE_UP:
            self.stopped = f"the origin failed {self._failures} times running, at last: {error}"


class Studio:
    """Makes the takes of one unit after another, or of several at a time."""

    def __init__(self, fetch: Fetch, *, characters_per_second: float) -> None:
        self._fetch = fetch
        self._characters_per_second = characters_per_second
        self._free_at = 0.0

    async def takes(
        self, unit: Unit, allowance: Allowance, *, previous_s: float | None
    ) -> list[bytes]:
        """The takes of ``unit`` as PCM at its voice's rate, each judged. Raises :class:`Failed`.

        Their characters are set aside already; what is not asked for is given back. ``previous_s``: how long
        the generation before it lasts.
        """
        if unit.recording is not None:
            return [await asyncio.to_thread(_read, unit.recording, unit)]
        takes: list[bytes] = []
        try:
            while len(takes) < unit.takes:
                takes.append(await self._take(unit, allowance, previous_s))
        except Failed:
            allowance.give_back((unit.takes - len(takes) - 1) * len(unit.text))
            raise
        return takes

    async def _take(self, unit: Unit, allowance: Allowance, previous_s: float | None) -> bytes:
        characters = len(unit.text)
        reasons: Sequence[str] = ()
        for attempt in range(1, TRIES + 1):
            if attempt > 1:
                await asyncio.sleep(BACKOFF_S * 2 ** (attempt - 2))
                if allowance.stopped is not None or not allowance.take(characters):
                    why = allowance.stopped or "the budget has nothing left for another try"
                    raise Failed([*reasons, why], attempts=attempt - 1)
            await self._wait_for_turn(characters)
            try:
                pcm = await self._fetch(unit.voice, unit.text)
            except EdgeProxyError as error:
                reasons = [f"{type(error).__name__}: {error}"]
                if isinstance(error, Overloaded | OriginUnreachable):
                    allowance.give_back(characters)
                if _is_about_the_text(error):
                    raise Failed(reasons, attempts=attempt) from error
                allowance.origin_failed(error)
                continue
            allowance.origin_spoke()
            pcm, reasons = await asyncio.to_thread(_judged, pcm, unit, previous_s)
            if not reasons:
                return pcm
        raise Failed(reasons, attempts=TRIES)

    async def _wait_for_turn(self, characters: int) -> None:
        now = monotonic()
        begin = max(now, self._free_at)
        self._free_at = begin + characters / self._characters_per_second
        await asyncio.sleep(begin - now)


def _is_about_the_text(error: EdgeProxyError) -> bool:
    """Whether it would be refused again, which says nothing about how the origin is."""
    return (
        isinstance(error, OriginRefused)
        and error.is_clients_fault
        and error.status not in _ACCOUNTS
    )


def _judged(pcm: bytes, unit: Unit, previous_s: float | None) -> tuple[bytes, list[str]]:
    """The take as it is kept, and why it may not be heard, if it may not. Blocks.

    What is scaled is judged as it came, but for its loudness: what was clipped stays clipped when it is
    turned down.
    """
    as_it_came = quality.LOUDNESS_DBFS if unit.normalise is not None else unit.loudness
    reasons = quality.judge(
        pcm,
        rate=unit.voice.rate,
        text=unit.text,
        previous_s=previous_s,
        loudness=as_it_came or quality.LOUDNESS_DBFS,
    )
    return (pcm, reasons) if reasons else scaled(pcm, unit)


def scaled(pcm: bytes, unit: Unit) -> tuple[bytes, list[str]]:
    """``pcm`` as loud as the unit's book wants it, and what is wrong with that, if its peaks do not allow it.
    Blocks."""
    if unit.normalise is not None:
        pcm = quality.scaled_to(pcm, unit.normalise)
    if unit.loudness is None:
        return pcm, []
    return pcm, list(quality.too_quiet_or_loud(pcm, *unit.loudness))


def _read(recording: Recording, unit: Unit) -> bytes:
    """A human's recording, as it is kept. Blocks. Raises :class:`Failed`."""
    name = recording.file.name
    try:
        data = recording.file.read_bytes()
        if checksum(data).hex() != recording.digest:
            raise Failed([f"{name} has changed since the books were read"], attempts=1)
        pcm, _ = decode.decode_whole(data, rate=unit.voice.rate)
    except (OSError, ValueError) as error:
        raise Failed([f"{name} cannot be read: {error}"], attempts=1) from error
    reasons = [*quality.holes(pcm, rate=unit.voice.rate), *quality.clipping(pcm)]
    pcm, too_quiet_or_loud = scaled(pcm, unit)
    if reasons := [*reasons, *too_quiet_or_loud]:
        raise Failed([f"{name}: {reason}" for reason in reasons], attempts=1)
    return pcm
