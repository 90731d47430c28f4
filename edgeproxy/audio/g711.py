"""G.711: mu-law and A-law, exact, as one table for each direction.

Both laws follow the reference algorithm of ITU-T G.191, one's complement for negative samples included:
other tables in circulation treat -1 as louder than +1. Decoding and encoding again gives the same code
for all 256, with one exception that the law itself makes: mu-law has two zeros, and 0x7F comes back as 0xFF.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

_BIAS: Final = 33
"""Added to a mu-law magnitude (13 bit), so that every segment begins at a power of two."""

_MASK: Final = 0x55
"""A-law is sent with its even bits inverted."""


def _mulaw_values() -> NDArray[np.int16]:
    code = ~np.arange(256) & 0xFF
    segment, step = (code >> 4) & 7, code & 0xF
    magnitude = ((2 * step + _BIAS << segment) - _BIAS) * 4
    return np.where(code & 0x80, -magnitude, magnitude).astype("<i2")


def _alaw_values() -> NDArray[np.int16]:
    code = np.arange(256) ^ _MASK
    segment, step = (code >> 4) & 7, code & 0xF
    # The two lowest segments have the same step: the first is linear, without the leading one.
    magnitude = np.where(
        segment == 0, (step << 4) + 8, ((step + 16 << 4) + 8) << np.maximum(segment - 1, 0)
    )
    return np.where(code & 0x80, magnitude, -magnitude).astype("<i2")


def _magnitudes() -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """For every sample, in the order of its bits read as unsigned: its magnitude and its sign."""
    samples = np.arange(1 << 16).astype("<u2").view("<i2").astype(np.int64)
    negative = samples < 0
    return np.where(negative, ~samples, samples), negative


def _mulaw_codes() -> NDArray[np.uint8]:
    magnitudes, negative = _magnitudes()
    biased = np.minimum((magnitudes >> 2) + _BIAS, 0x1FFF)
    segment = np.floor(np.log2(biased)).astype(np.int64) - 5
    code = segment << 4 | (biased >> segment + 1) & 0xF
    codes: NDArray[np.uint8] = (~np.where(negative, code | 0x80, code) & 0xFF).astype(np.uint8)
    return codes


def _alaw_codes() -> NDArray[np.uint8]:
    magnitudes, negative = _magnitudes()
    steps = magnitudes >> 4
    segment = np.maximum(np.floor(np.log2(np.maximum(steps, 1))).astype(np.int64) - 3, 0)
    code = segment << 4 | (steps >> np.maximum(segment - 1, 0)) & 0xF
    codes: NDArray[np.uint8] = (np.where(negative, code, code | 0x80) ^ _MASK).astype(np.uint8)
    return codes


VALUES: Final[Mapping[str, NDArray[np.int16]]] = {"mulaw": _mulaw_values(), "alaw": _alaw_values()}
"""The sample that each of the 256 codes stands for."""

CODES: Final[Mapping[str, NDArray[np.uint8]]] = {"mulaw": _mulaw_codes(), "alaw": _alaw_codes()}
"""The code for each sample, indexed by its 16 bits read as unsigned."""


def expand(data: bytes, *, law: str) -> bytes:
    """PCM from G.711 codes, one sample for each byte. ``law``: ``mulaw`` or ``alaw``."""
    return VALUES[law][np.frombuffer(data, np.uint8)].tobytes()


def compress(pcm: bytes, *, law: str) -> bytes:
    """G.711 codes from PCM (whole samples), one byte for each sample. ``law``: ``mulaw`` or ``alaw``."""
    codes: NDArray[np.uint8] = CODES[law][np.frombuffer(pcm, "<u2")]
    return codes.tobytes()
