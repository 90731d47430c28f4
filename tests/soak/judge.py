"""The oracle on every turn: right, an honest failure, or something that must never be."""

import asyncio
from dataclasses import dataclass, field

import numpy as np

from edgeproxy.audio import quality
from edgeproxy.audio.decode import decode_whole, decoder

from ..fakes.truth import Truth
from .ledger import Ledger
from .texts import PHRASES, Said

LIKE = 0.85
"""Correlation with the truth at which a lossy codec's sound is that of the text."""
_SLACK_S = 0.35
"""What a lossy codec may add: its delay, and the padding of its last frame."""


@dataclass(slots=True)
class Heard:
    """What a client heard of a turn. ``final``: it ended as turns end; ``broken``: how else it ended."""

    audio: bytes = b""
    errors: list[str] = field(default_factory=list)
    final: bool = False
    broken: str = ""
    verdicts: list[str] = field(default_factory=list)


class Judge:
    """Judges turns, into a ledger."""

    def __init__(self, truth: Truth, ledger: Ledger) -> None:
        self._truth = truth
        self._ledger = ledger

    async def judge(
        self, kind: str, said: Said, heard: Heard, *, codec: str, rate: int, dying: bool = False
    ) -> None:
        """Enter what became of a turn. ``dying``: the proxy was being ended meanwhile."""
        ledger = self._ledger
        ledger.verdicts.update(heard.verdicts)
        ledger.errors.update(heard.errors)
        if not heard.final and not heard.broken:
            ledger.find("lost", kind=kind, text=said.text, detail=f"no end; {heard.errors}")
            return
        if said.text in PHRASES and heard.errors and not dying:
            ledger.find("mute", kind=kind, text=said.text, detail=f"{heard.errors}")
            return
        pcm = await asyncio.to_thread(_decoded, heard.audio, codec, rate)
        if heard.final and not heard.errors:
            await self._whole(kind, said, pcm, exact=codec in ("linear16", "wav"), rate=rate)
            return
        # It failed and said so; what was heard before must have been of this turn all the same.
        comparable = codec in ("linear16", "wav") and not said.spoilt
        if comparable and not await self._truth.is_beginning(pcm, said.text, rate=rate):
            ledger.find("wrong", kind=kind, text=said.text, detail="before an honest failure")
            return
        ledger.turn(kind, "error" if heard.errors else "broken")

    async def _whole(self, kind: str, said: Said, pcm: bytes, *, exact: bool, rate: int) -> None:
        truth, ledger = self._truth, self._ledger
        if exact:
            right = await truth.is_right(pcm, said.text, rate=rate)
        else:
            whole = await truth.turn(said.text, rate=rate)
            right = await asyncio.to_thread(_alike, pcm, whole, rate)
        if right:
            ledger.turn(kind, "right")
        elif said.spoilt and await self._is_spoilt(pcm, said.text, exact=exact, rate=rate):
            ledger.spoilt += 1
            ledger.turn(kind, "right")
        else:
            begins = exact and await truth.is_beginning(pcm, said.text, rate=rate)
            detail = (
                f"{len(pcm)} bytes of {len(await truth.turn(said.text, rate=rate))} at {rate} Hz"
            )
            ledger.find("cut" if begins else "wrong", kind=kind, text=said.text, detail=detail)

    async def _is_spoilt(self, pcm: bytes, text: str, *, exact: bool, rate: int) -> bool:
        """Whether it is what the origin's own spoiling makes of this very text, and of no other."""
        whole = await self._truth.turn(text, rate=rate)
        if quality.silent(pcm) or whole.startswith(pcm):
            return True
        return not exact and await asyncio.to_thread(_begins_alike, pcm, whole, rate)


def _decoded(audio: bytes, codec: str, rate: int) -> bytes:
    if not audio:
        return b""
    if codec == "linear16":
        return audio
    if codec in ("mulaw", "alaw"):
        each = decoder(codec, rate=rate)
        return each.feed(audio) + each.finish()
    if codec == "wav":
        return audio[44:]
    try:
        return decode_whole(audio, rate=rate)[0]
    except ValueError:
        return b""  # too little of it for a frame


def _alike(pcm: bytes, whole: bytes, rate: int) -> bool:
    longer_s = (len(pcm) - len(whole)) / 2 / rate
    return -0.02 < longer_s < _SLACK_S and _likeness(pcm, whole) > LIKE


def _begins_alike(pcm: bytes, whole: bytes, rate: int) -> bool:
    """Whether it is a beginning of the whole, however much of it is the codec's own delay and padding."""
    steps = 8
    added = [int(_SLACK_S * step / steps * rate) * 2 for step in range(steps)]
    return any(_likeness(pcm, whole[: max(len(pcm) - each, 0)]) > LIKE for each in added)


def _likeness(one: bytes, other: bytes) -> float:
    """The peak of their correlation: 1 for the same sound, whatever delay a codec has left in it."""
    length = max(len(one), len(other)) // 2
    if not min(len(one), len(other)):
        return 0.0
    left, right = (
        np.frombuffer(each[: len(each) // 2 * 2], "<i2") / 32768 for each in (one, other)
    )
    spectrum = np.fft.rfft(left, 2 * length) * np.conj(np.fft.rfft(right, 2 * length))
    energy = np.sqrt((left**2).sum() * (right**2).sum())
    return float(np.abs(np.fft.irfft(spectrum)).max() / energy) if energy else 0.0
