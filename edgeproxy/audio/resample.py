"""From one sample rate to another (FFmpeg's swresample), aligned to the sample and exact in length."""

from collections.abc import Iterable

import av
import numpy as np
from av.audio.frame import AudioFrame

from ..core.audio import SAMPLE_BYTES


def av_frame(pcm: bytes, *, rate: int) -> AudioFrame:
    """PCM (whole samples, at least one) as PyAV wants it."""
    samples = np.frombuffer(pcm, "<i2").reshape(1, -1)
    frame = AudioFrame.from_ndarray(samples, format="s16", layout="mono")
    frame.sample_rate = rate
    return frame


class Resampler:
    """Resamples a stream of PCM from ``rate`` to ``to`` Hz, the same whatever pieces it comes in."""

    def __init__(self, *, rate: int, to: int) -> None:
        self._rate = rate
        self._to = to
        self._swr = av.AudioResampler(format="s16", layout="mono", rate=to)
        self._taken = 0
        self._given = 0

    def feed(self, pcm: bytes) -> bytes:
        """Take PCM (whole samples); return what it completes, some 1 ms behind."""
        if not pcm:
            return b""
        self._taken += len(pcm) // SAMPLE_BYTES
        return self._give(self._swr.resample(av_frame(pcm, rate=self._rate)))

    def finish(self) -> bytes:
        """End the stream; return the rest. All of it together is ``round(samples * to / rate)`` samples."""
        if not self._taken:
            return b""
        due = round(self._taken * self._to / self._rate) - self._given
        rest = self._give(self._swr.resample(None))
        # The filter's tail is a sample off at times, and a sound shorter than the filter (2 ms) has none.
        return rest[: due * SAMPLE_BYTES].ljust(due * SAMPLE_BYTES, b"\0")

    def _give(self, frames: Iterable[AudioFrame]) -> bytes:
        pcm = b"".join(frame.to_ndarray().tobytes() for frame in frames)
        self._given += len(pcm) // SAMPLE_BYTES
        return pcm


def resample(pcm: bytes, *, rate: int, to: int) -> bytes:
    """``pcm`` (whole samples) of ``rate`` Hz at ``to`` Hz: ``round(samples * to / rate)`` samples."""
    if rate == to:
        return pcm
    resampler = Resampler(rate=rate, to=to)
    return resampler.feed(pcm) + resampler.finish()
