"""What is wrong with a recording, before it is kept: each fault a sentence with the figure and its bound.

The bounds are for speech as such, wide enough for any language, speaker and pace (0.3 to 3.0) the origin
offers. They are to catch what is broken, and never to judge how well it is spoken.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..core.audio import SAMPLE_BYTES, duration_s

SILENT_PEAK: Final = 164
"""Below this (0.5 % of full scale, -46 dBFS) is silence: above any encoder's noise, below any voice."""

MIN_S_PER_LETTER: Final = 0.015
"""Shorter is cut off. Unhurried speech takes about 0.07 s a letter; three times the pace is 0.023."""

MAX_S_PER_LETTER: Final = 1.5
"""Longer is not this text. Wide, because one digit may be a word of four syllables, spoken slowly."""

MAX_EXTRA_S: Final = 3.0
"""Allowed on top of that, for pauses, and for marks that are spoken (``%``, ``₹``)."""


def silent(pcm: bytes) -> bool:
    """Whether nothing in it can be heard."""
    return not _audible(pcm).any()


def leading_silence_s(pcm: bytes, rate: int) -> float:
    """Seconds before the first audible sample; all of it when there is none."""
    audible = _audible(pcm)
    first = int(audible.argmax()) if audible.any() else len(audible)
    return first / rate


def longest_s(text: str) -> float:
    """Seconds of sound beyond which it can't be this text."""
    return sum(character.isalnum() for character in text) * MAX_S_PER_LETTER + MAX_EXTRA_S


def faults(pcm: bytes, *, rate: int, text: str) -> list[str]:
    """Why this may not be kept as the sound of ``text``; empty when it may. The text is not repeated."""
    found = []
    if len(pcm) % SAMPLE_BYTES:
        found.append(f"{len(pcm)} bytes are not whole samples")
    if len(pcm) < SAMPLE_BYTES:
        return [*found, "there is no sound in it"]
    if silent(pcm):
        found.append(f"no sample is louder than {_peak(pcm)}: silence is below {SILENT_PEAK}")
    seconds = duration_s(len(pcm), rate)
    letters = sum(character.isalnum() for character in text)
    if seconds < (least := letters * MIN_S_PER_LETTER):
        found.append(f"{seconds:.2f} s is too short for {letters} letters: at least {least:.2f} s")
    if seconds > (most := longest_s(text)):
        found.append(f"{seconds:.2f} s is too long for {letters} letters: at most {most:.2f} s")
    return found


def _samples(pcm: bytes) -> NDArray[np.int16]:
    return np.frombuffer(pcm, "<i2", count=len(pcm) // SAMPLE_BYTES)


def _audible(pcm: bytes) -> NDArray[np.bool_]:
    samples = _samples(pcm)
    # Not abs(): -32768 has no positive counterpart in 16 bits.
    return (samples >= SILENT_PEAK) | (samples <= -SILENT_PEAK)


def _peak(pcm: bytes) -> int:
    return int(np.abs(_samples(pcm).astype(np.int32)).max())
