"""Something to encode: a voice that nobody spoke."""

from collections.abc import Callable, Iterator
from itertools import cycle

import numpy as np
import pytest


@pytest.fixture(scope="session")
def voice() -> Callable[[int, float], bytes]:
    """PCM of so many Hz and seconds: a gliding pitch with harmonics, in syllables, never repeating itself."""

    def speak(rate: int, seconds: float) -> bytes:
        at = np.arange(round(rate * seconds)) / rate
        phase = (
            2 * np.pi * np.cumsum(130 + 40 * np.sin(1.7 * at) + 25 * np.sin(4.1 * at**1.3)) / rate
        )
        tones = [np.sin(k * phase + k) / k for k in range(1, 12) if 200 * k < rate / 2]
        breath = np.random.default_rng(7).normal(0, 0.03, len(at))
        sound = (np.sum(tones, axis=0) + breath) * (0.55 + 0.45 * np.sin(2 * np.pi * 3.3 * at))
        pcm: bytes = (sound * 6000).astype("<i2").tobytes()
        return pcm

    return speak


@pytest.fixture(scope="session")
def pieces() -> Callable[[bytes, list[int]], Iterator[bytes]]:
    """Bytes cut into pieces of the sizes given, again and again."""

    def cut(data: bytes, sizes: list[int]) -> Iterator[bytes]:
        position = 0
        for size in cycle(sizes):
            if position >= len(data):
                return
            yield data[position : position + size]
            position += size

    return cut


@pytest.fixture(scope="session")
def lag() -> Callable[[bytes, bytes], tuple[int, float]]:
    """How many samples later the sound is in the second than in the first, and how alike (1.0: the same)."""

    def measure(sound: bytes, heard: bytes) -> tuple[int, float]:
        middle, before, length = len(sound) // 4, 3000, 4000
        part = np.frombuffer(sound, "<i2")[middle : middle + length].astype(float)
        window = np.frombuffer(heard, "<i2")[middle - before :][: length + 2 * before].astype(float)
        # The shift with the least squared difference: mere correlation is drawn to what is loud.
        energy = np.convolve(window**2, np.ones(length), "valid")
        shift = int((energy - 2 * np.correlate(window, part, "valid")).argmin())
        return shift - before, float(np.corrcoef(window[shift : shift + length], part)[0, 1])

    return measure
