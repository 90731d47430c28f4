"""WAV: the RIFF header in front of PCM, written with true sizes or with none, and read wherever it is cut."""

import struct
from typing import Final

from ..core.audio import SAMPLE_BYTES

ENDLESS: Final = 0xFFFFFFFF
"""The size of what is still being spoken, as Sarvam's streams say it (seen live, October 2026)."""

HEADER_BYTES: Final = 44
"""Clients cut off exactly this many bytes instead of reading the header (Pipecat, LiveKit JS)."""

_HEADER: Final = struct.Struct("<4sI4s4sIHHIIHH4sI")
_CHUNK: Final = struct.Struct("<4sI")
_FORMAT: Final = struct.Struct("<HHIIHH")
_PCM: Final = 1
_EXTENSIBLE: Final = 0xFFFE
"""A format that says the rest further on; its first fields mean the same."""


def header(*, rate: int, size: int | None) -> bytes:
    """The 44 bytes in front of ``size`` bytes of PCM, or of a stream whose size nobody knows yet."""
    return _HEADER.pack(
        b"RIFF",
        ENDLESS if size is None else size + HEADER_BYTES - 8,
        b"WAVE",
        b"fmt ",
        _FORMAT.size,
        _PCM,
        1,
        rate,
        rate * SAMPLE_BYTES,
        SAMPLE_BYTES,
        SAMPLE_BYTES * 8,
        b"data",
        ENDLESS if size is None else size,
    )


class HeaderReader:
    """Takes the header off the front of a WAV stream and says how much PCM belongs to it.

    ``rate``: what the stream has to have; it also has to be 16 bit and mono, else ValueError.
    """

    def __init__(self, *, rate: int) -> None:
        self._rate = rate
        self._buffer = bytearray()
        self._begun = False
        self._formatted = False

    @property
    def empty(self) -> bool:
        """Whether nothing has come yet."""
        return not self._begun and not self._buffer

    def feed(self, data: bytes) -> tuple[bytes, int | None] | None:
        """Take the next bytes. Once the header is whole: the bytes after it, and the size it promises.

        A size of None means: to the end of the stream.
        """
        self._buffer += data
        if not self._begun and not self._begin():
            return None
        while len(self._buffer) >= _CHUNK.size:
            name, size = _CHUNK.unpack_from(self._buffer)
            if name == b"data":
                if not self._formatted:
                    raise ValueError("not WAV: its data come before its format")
                # Writers that cannot go back leave 0 as well as 0xFFFFFFFF.
                return bytes(self._buffer[_CHUNK.size :]), size if 0 < size < ENDLESS else None
            if size > 1 << 16:
                raise ValueError(f"not WAV: a chunk {name!r} of {size} bytes in its header")
            end = _CHUNK.size + size + size % 2
            if len(self._buffer) < end:
                return None
            if name == b"fmt ":
                self._check(bytes(self._buffer[_CHUNK.size : end]))
            del self._buffer[:end]
        return None

    def _begin(self) -> bool:
        start = bytes(self._buffer[:12])
        if not b"RIFF".startswith(start[:4]) or not b"WAVE".startswith(start[8:12]):
            raise ValueError(f"not WAV: begins with {start!r}")
        self._begun = len(start) == 12
        if self._begun:
            del self._buffer[:12]
        return self._begun

    def _check(self, fields: bytes) -> None:
        if len(fields) < _FORMAT.size:
            raise ValueError(f"not WAV: a format of {len(fields)} bytes")
        kind, channels, rate, _, _, bits = _FORMAT.unpack_from(fields)
        if kind not in (_PCM, _EXTENSIBLE) or (channels, bits, rate) != (1, 16, self._rate):
            raise ValueError(
                f"WAV of format {kind} with {channels} channels of {bits} bit at {rate} Hz, "
                f"not 16-bit mono at {self._rate} Hz"
            )
        self._formatted = True
