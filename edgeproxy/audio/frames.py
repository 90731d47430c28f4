"""Where a frame of MP3 (MPEG audio layer III) or AAC (ADTS) ends, and what an MP3 says is to be trimmed.

Frames are found here instead of by FFmpeg's parser, because a stream of speech is not one file:
fragments are joined, tags stand between them, and a tag's picture may look like sound. It also lets
bytes that are no audio at all be told from audio at once. Sources: ISO/IEC 11172-3 and 13818-3 (MP3),
ISO/IEC 13818-7 (ADTS), ID3v2.4 section 3.1, and the LAME project's description of the Info tag.
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

JUNK_BYTES: Final = 4096
"""So much in a row that is neither frame nor tag, and it is not this codec."""

_ID3: Final = b"ID3"
_ID3_HEADER_BYTES: Final = 10
_SYNC: Final = 0x7FF

# By version bits: 0 is MPEG-2.5, 2 is MPEG-2, 3 is MPEG-1. Kilobits per second; Hz.
_MPEG1_KBPS: Final = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_MPEG2_KBPS: Final = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_MP3_RATES: Final = {
    0: (11025, 12000, 8000),
    2: (22050, 24000, 16000),
    3: (44100, 48000, 32000),
}
_ADTS_RATES: Final = (
    96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Header:
    """What a frame says of itself: ``size`` in bytes, header included; ``kin`` is equal throughout."""

    size: int
    samples: int
    kin: object


@dataclass(frozen=True, slots=True)
class Shape:
    """What the frames of a codec look like. ``read`` takes the first ``header_bytes`` of what may be one."""

    codec: Literal["mp3", "aac"]
    header_bytes: int
    read: Callable[[bytes], Header | None]


@dataclass(frozen=True, slots=True)
class InfoTag:
    """What is said of a whole MP3: frames after this one, samples to trim at both ends; None: not said."""

    frames: int | None
    delay: int | None
    padding: int | None


def _mp3_header(head: bytes) -> Header | None:
    bits = int.from_bytes(head, "big")
    version, layer = bits >> 19 & 3, bits >> 17 & 3
    bitrate, rate, padded = bits >> 12 & 0xF, bits >> 10 & 3, bits >> 9 & 1
    # Layer III is 1; bit rate 15 and rate 3 are forbidden; bit rate 0 ("free") says no size.
    if bits >> 21 != _SYNC or version == 1 or layer != 1 or bitrate in (0, 15) or rate == 3:
        return None
    hz = _MP3_RATES[version][rate]
    kbps, slots = (_MPEG1_KBPS, 144) if version == 3 else (_MPEG2_KBPS, 72)
    return Header(slots * kbps[bitrate] * 1000 // hz + padded, slots * 8, (version, hz))


def _adts_header(head: bytes) -> Header | None:
    bits = int.from_bytes(head, "big")
    layer, bare, rate = bits >> 41 & 3, bits >> 40 & 1, bits >> 34 & 0xF
    size, blocks = bits >> 13 & 0x1FFF, (bits & 3) + 1
    if bits >> 44 != 0xFFF or layer or rate >= len(_ADTS_RATES) or size <= (7 if bare else 9):
        return None
    return Header(size, 1024 * blocks, (_ADTS_RATES[rate], bits >> 30 & 7))


MP3: Final = Shape("mp3", 4, _mp3_header)
ADTS: Final = Shape("aac", 7, _adts_header)


def info_tag(frame: bytes) -> InfoTag | None:
    """The tag, if this MP3 frame holds one (``Xing`` or ``Info``) in the place of sound."""
    mpeg1, mono = frame[1] >> 3 & 3 == 3, frame[3] >> 6 == 3
    # It stands after the header and the side information, which is empty.
    at = 4 + ((17 if mono else 32) if mpeg1 else (9 if mono else 17))
    if frame[at : at + 4] not in (b"Xing", b"Info") or len(frame) < at + 8:
        return None
    (flags,) = struct.unpack_from(">I", frame, at + 4)
    at += 8
    frames = int.from_bytes(frame[at : at + 4], "big") if flags & 1 else None
    at += 4 * (flags & 1) + 4 * (flags >> 1 & 1) + 100 * (flags >> 2 & 1) + 4 * (flags >> 3 & 1)
    delay = padding = None
    if frame[at : at + 4] in (b"LAME", b"Lavf", b"Lavc") and len(frame) >= at + 24:
        trim = int.from_bytes(frame[at + 21 : at + 24], "big")
        delay, padding = trim >> 12, trim & 0xFFF
    return InfoTag(frames, delay, padding)


class Framer:
    """Cuts a stream into frames, the same ones wherever the stream itself was cut. Drops ID3 tags."""

    def __init__(self, shape: Shape) -> None:
        self._shape = shape
        self._buffer = bytearray()
        self._tag = 0  # Bytes of a tag still to come.
        self._junk = 0  # Bytes dropped since the last frame.

    def feed(self, data: bytes) -> Iterator[tuple[Header, bytes]]:
        """Take the next bytes; the frames they complete. Raises ValueError when they are something else."""
        self._buffer += data
        buffer, shape = self._buffer, self._shape
        while self._skip_tag():
            if len(buffer) < shape.header_bytes:
                return
            header = shape.read(bytes(buffer[: shape.header_bytes]))
            if header is None:
                self._drop()
            elif len(buffer) < header.size + (shape.header_bytes if self._junk else 0):
                return
            elif self._junk and not self._has_kin(header):
                self._drop()
            else:
                self._junk = 0
                frame = bytes(buffer[: header.size])
                del buffer[: header.size]
                yield header, frame

    def _skip_tag(self) -> bool:
        """Go past tags; whether what is in the buffer now is known not to begin one."""
        buffer = self._buffer
        while True:
            skipped = min(self._tag, len(buffer))
            del buffer[:skipped]
            self._tag -= skipped
            start = bytes(buffer[:_ID3_HEADER_BYTES])
            if not start or not _ID3.startswith(start[:3]):
                return bool(start)
            if len(start) < _ID3_HEADER_BYTES:
                return False
            if max(start[6:]) > 0x7F:
                return True
            footer = start[5] & 0x10
            size = start[6] << 21 | start[7] << 14 | start[8] << 7 | start[9]
            self._tag = size + _ID3_HEADER_BYTES * (2 if footer else 1)

    def _has_kin(self, header: Header) -> bool:
        """Whether another frame like it follows: among junk, one header alone is chance."""
        following = self._buffer[header.size : header.size + self._shape.header_bytes]
        other = self._shape.read(bytes(following))
        return other is not None and other.kin == header.kin

    def _drop(self) -> None:
        if self._junk >= JUNK_BYTES:
            raise ValueError(f"not {self._shape.codec}: {self._junk} bytes without a frame")
        del self._buffer[0]
        self._junk += 1
