"""PCM: signed 16-bit little-endian mono, ``rate`` in Hz. The only audio that exists inside the house.

Codecs live at the doors. The two protocols below are what a door's codec looks like from inside;
:mod:`edgeproxy.audio` implements them, and :mod:`edgeproxy.app` hands them to the rooms that need them.
"""

from collections.abc import Sequence
from typing import Final, Protocol

SAMPLE_BYTES: Final = 2
"""Bytes per sample: 16 bit, one channel."""

FRAME_MS: Final = 20
"""Length of a frame, the smallest piece of audio that is sent on its own."""


def frame_bytes(rate: int) -> int:
    """Bytes of one frame (20 ms) of PCM at ``rate`` Hz."""
    return rate * FRAME_MS // 1000 * SAMPLE_BYTES


def duration_s(size: int, rate: int) -> float:
    """Seconds of sound in ``size`` bytes of PCM at ``rate`` Hz."""
    return size / (SAMPLE_BYTES * rate)


class Decoder(Protocol):
    """Turns a codec's byte stream into PCM, wherever the stream is cut."""

    def feed(self, data: bytes) -> bytes:
        """Take the next bytes of the stream; return the PCM they complete (maybe none).

        Raises :class:`ValueError` when the bytes are not of this codec.
        """

    def finish(self) -> bytes:
        """End the stream; return the PCM still inside."""


class Encoder(Protocol):
    """Turns PCM into a codec's byte stream."""

    def feed(self, pcm: bytes) -> Sequence[bytes]:
        """Take PCM (any length, whole samples); return the packets it completes, in order."""

    def finish(self) -> Sequence[bytes]:
        """End the stream; return the packets still inside. The encoder is spent afterwards."""
