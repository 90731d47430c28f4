"""Another rate is the same sound, for exactly as long, at the same place."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edgeproxy.audio.resample import Resampler, resample

Voice = Callable[[int, float], bytes]
Pieces = Callable[[bytes, list[int]], Iterator[bytes]]

RATES = st.sampled_from([8000, 11025, 16000, 22050, 24000, 44100, 48000])


@settings(deadline=None)
@given(samples=st.integers(0, 5000), rate=RATES, to=RATES)
def test_the_length_is_exact(samples: int, rate: int, to: int) -> None:
    assert len(resample(b"\1\0" * samples, rate=rate, to=to)) == 2 * round(samples * to / rate)


@pytest.mark.parametrize(
    ("rate", "to"), [(22050, 24000), (24000, 8000), (8000, 24000), (48000, 22050)]
)
def test_a_tone_stays_the_same_tone_at_the_same_time(rate: int, to: int) -> None:
    def tone(rate: int) -> NDArray[np.float64]:
        at = np.arange(rate, dtype=np.float64) / rate
        # It swells and ebbs, so that a cut at either end makes no click.
        swell: NDArray[np.float64] = np.sin(np.pi * at) ** 2 * 16000
        return np.sin(2 * np.pi * 440 * at) * swell

    heard = np.frombuffer(resample(tone(rate).astype("<i2").tobytes(), rate=rate, to=to), "<i2")
    assert abs(heard - tone(to)).max() < 8


@settings(deadline=None)
@given(sizes=st.lists(st.integers(1, 900).map(lambda n: 2 * n), min_size=1, max_size=20))
def test_pieces_make_no_difference(voice: Voice, pieces: Pieces, sizes: list[int]) -> None:
    pcm = voice(22050, 0.2)
    resampler = Resampler(rate=22050, to=24000)
    heard = b"".join(map(resampler.feed, pieces(pcm, sizes))) + resampler.finish()
    assert heard == resample(pcm, rate=22050, to=24000)


def test_the_same_rate_changes_nothing(voice: Voice) -> None:
    pcm = voice(8000, 0.1)
    assert resample(pcm, rate=8000, to=8000) == pcm


def test_a_stream_of_nothing_stays_nothing() -> None:
    resampler = Resampler(rate=8000, to=16000)
    assert resampler.feed(b"") + resampler.finish() == b""
