"""Human recordings: whether a file is one that can be spoken from, and what will be done to it.

A cut recording must not pass for a whole one, so what a file promises (samples in the header of WAV and
FLAC, frames in the tag of an MP3) is held against what is in it.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from ..audio import decode, frames
from ..core.audio import SAMPLE_BYTES
from ..core.key import checksum

RECORDING_BYTES: Final = 20_000_000
"""Largest recording: nearly four minutes of what a studio delivers. A phrase takes seconds."""

_ENDLESS: Final = (0, 0xFFFFFFFF)
"""Sizes a WAV carries that was written without knowing its own."""


class RecordingError(Exception):
    """The file can't be used; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording that can be used. ``digest`` names its bytes; ``rate`` in Hz, as it came."""

    file: Path
    digest: str
    rate: int
    channels: int

    def remarks(self, *, rate: int) -> Iterator[str]:
        """What will be done to it, and its maker may rather do, to have it at ``rate`` Hz."""
        if self.channels > 1:
            yield f"{self.file.name} has {self.channels} channels, which are mixed to one; export it in mono"
        if self.rate < rate:
            yield f"{self.file.name} has only {self.rate} Hz and will sound dull at {rate}; record it anew"
        elif self.rate != rate:
            yield f"{self.file.name} has {self.rate} Hz and is resampled to {rate}; export it at {rate} Hz"


def inspect(file: Path) -> Recording:
    """Read ``file`` and decode all of it. Raises :class:`RecordingError`."""
    try:
        found = file.stat()
        if found.st_size > RECORDING_BYTES:
            raise RecordingError(
                f"{file.name} is larger than {RECORDING_BYTES} bytes; export the phrase alone"
            )
        return _inspected(file, found.st_mtime_ns, found.st_size)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise RecordingError(f"{file.name} cannot be read: {why}; is the name right?") from None


# Books are read again at every change of one of them, and decoding is by far the slowest part.
@lru_cache(maxsize=1024)
def _inspected(file: Path, _mtime_ns: int, _size: int) -> Recording:
    data = file.read_bytes()
    try:
        channels, promised = _promise(data)
        pcm, rate = decode.decode_whole(data)
    except ValueError as error:
        raise RecordingError(
            f"{file.name} cannot be used: {error}; export it again, as WAV, FLAC or MP3"
        ) from None
    samples = len(pcm) // SAMPLE_BYTES
    if promised is not None and samples < promised:
        have, all_of_it = samples / rate, promised / rate
        raise RecordingError(
            f"{file.name} ends after {have:.2f} s of {all_of_it:.2f} s; export it again"
        )
    return Recording(file, checksum(data).hex(), rate, channels)


def _promise(data: bytes) -> tuple[int, int | None]:
    """Channels, and how many samples there are to be; None where a file does not say.

    Raises ValueError when it is none of the three formats, or lacks even its beginning.
    """
    if data[:4] == b"RIFF" and data[8:12] == b"WAVE":
        return _wav(data)
    if data[:4] == b"fLaC" and len(data) >= 42:
        bits = int.from_bytes(data[18:26], "big")
        return (bits >> 41 & 7) + 1, bits & (1 << 36) - 1 or None
    return _mp3(data)


def _wav(data: bytes) -> tuple[int, int | None]:
    at, channels, frame_bytes = 12, 0, 0
    while at + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, at)
        at += 8
        if name == b"fmt " and at + 16 <= len(data):
            _, channels, _, _, frame_bytes, _ = struct.unpack_from("<HHIIHH", data, at)
        if name == b"data" and channels and frame_bytes:
            return channels, None if size in _ENDLESS else size // frame_bytes
        at += size + size % 2
    raise ValueError("its header is not whole")


def _mp3(data: bytes) -> tuple[int, int | None]:
    try:
        found = list(frames.Framer(frames.MP3).feed(data))
    except ValueError:
        found = []
    if not found:
        raise ValueError("there is no such sound in it")
    _, head = found[0]
    channels = 1 if head[3] >> 6 == 3 else 2
    tag = frames.info_tag(head)
    if tag is not None and tag.frames is not None and len(found) - 1 < tag.frames:
        have = len(found) - 1
        raise ValueError(f"it has {have} of its {tag.frames} frames")
    return channels, None
