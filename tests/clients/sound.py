"""How alike two recordings are, for codecs that lose a little and begin with a little silence."""

import numpy as np
from numpy.typing import NDArray


def samples(pcm: bytes) -> NDArray[np.float64]:
    """PCM as numbers."""
    return np.frombuffer(pcm, "<i2").astype(np.float64)


def lag(sound: bytes, heard: bytes) -> int:
    """How many samples later than in ``sound`` everything is in ``heard``."""
    one, other = samples(sound), samples(heard)
    size = 1 << (len(one) + len(other)).bit_length()
    likeness = np.fft.irfft(np.fft.rfft(other, size) * np.conj(np.fft.rfft(one, size)), size)
    shift = int(likeness.argmax())
    return shift if shift < size // 2 else shift - size


def likeness(sound: bytes, heard: bytes, *, lag: int) -> float:
    """The correlation (1.0: the same) of ``sound`` with ``heard``, ``lag`` samples later, where both are."""
    one, other = samples(sound)[max(-lag, 0) :], samples(heard)[max(lag, 0) :]
    length = min(len(one), len(other))
    return float(np.corrcoef(one[:length], other[:length])[0, 1])
