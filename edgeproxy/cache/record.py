"""A record: a clip at rest, one self-describing value that is checked whole when read.

::

    magic "EPR1" | u32 header length | header (JSON) | u32 identity length | identity | PCM | checksum

Integers are little-endian; the 16-byte checksum covers everything before it. A cut, flipped or
foreign value raises :class:`RecordError`; a record of another version of the form does too, since
its magic differs, and so becomes a clean miss.
"""

import json
import struct
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self

from ..core.audio import duration_s
from ..core.errors import RecordError
from ..core.key import CHECKSUM_BYTES, checksum

MAGIC: Final = b"EPR1"
_LENGTH: Final = struct.Struct("<I")


@dataclass(frozen=True, slots=True)
class Record:
    """Complete audio and what it is. ``identity``: canonical bytes; ``rate`` in Hz; ``pcm`` s16le mono.

    ``purge``: the number of the last purge before it was begun; see :mod:`.purge`.
    """

    identity: bytes
    rate: int
    pcm: bytes
    made: datetime
    purge: int = 0

    def pack(self) -> bytes:
        """The value to store."""
        header = json.dumps(
            {
                "rate": self.rate,
                "bytes": len(self.pcm),
                "made": self.made.isoformat(),
                "purge": self.purge,
            },
            sort_keys=True,
        ).encode()
        body = b"".join(
            (
                MAGIC,
                _LENGTH.pack(len(header)),
                header,
                _LENGTH.pack(len(self.identity)),
                self.identity,
                self.pcm,
            )
        )
        return body + checksum(body)

    @classmethod
    def unpack(cls, value: bytes) -> Self:
        """Read a value back. Raises RecordError unless it is whole and untouched."""
        if value[: len(MAGIC)] != MAGIC:
            raise RecordError(f"not a record of this version: begins with {value[:4]!r}")
        body = memoryview(value)[:-CHECKSUM_BYTES]
        if len(value) < len(MAGIC) + CHECKSUM_BYTES or value[-CHECKSUM_BYTES:] != checksum(body):
            raise RecordError(f"checksum differs over {len(value)} bytes")
        # Whatever passes the checksum we wrote ourselves; a slip in it is still an error, not a crash.
        try:
            position = len(MAGIC)
            header, position = _field(body, position)
            identity, position = _field(body, position)
            facts = json.loads(bytes(header))
            pcm = bytes(body[position:])
            if len(pcm) != facts["bytes"] or len(pcm) % 2:
                raise RecordError(f"{len(pcm)} bytes of audio, {facts['bytes']} in the header")
            made = datetime.fromisoformat(facts["made"])
            return cls(bytes(identity), facts["rate"], pcm, made, facts.get("purge", 0))
        except (KeyError, RecursionError, TypeError, ValueError, struct.error) as error:
            raise RecordError(f"unreadable header: {error}") from error


HEAD_BYTES: Final = 32 * 1024
"""More than the part of a value that comes before its audio: the longest text has 2,500 characters."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a record says of itself before its audio. ``size``: bytes of PCM; else as in :class:`Record`."""

    identity: bytes
    rate: int
    size: int
    made: datetime
    purge: int

    @property
    def seconds(self) -> float:
        """How long it sounds."""
        return duration_s(self.size, self.rate)


def facts_of(head: bytes) -> Facts:
    """What the first :data:`HEAD_BYTES` of a value say. Raises RecordError; checks no more than that."""
    if head[: len(MAGIC)] != MAGIC:
        raise RecordError(f"not a record of this version: begins with {head[:4]!r}")
    try:
        header, position = _field(memoryview(head), len(MAGIC))
        identity, _ = _field(memoryview(head), position)
        facts = json.loads(bytes(header))
        rate, size, purge = int(facts["rate"]), int(facts["bytes"]), int(facts.get("purge", 0))
        if rate <= 0 or size < 0:
            raise ValueError(f"{size} bytes at {rate} Hz")
        return Facts(bytes(identity), rate, size, datetime.fromisoformat(facts["made"]), purge)
    except (
        *(AttributeError, KeyError, RecursionError, TypeError, ValueError),
        struct.error,
    ) as error:
        raise RecordError(f"unreadable header: {error}") from error


def _field(body: memoryview, position: int) -> tuple[memoryview, int]:
    (length,) = _LENGTH.unpack_from(body, position)
    start = position + _LENGTH.size
    if start + length > len(body):
        raise RecordError(f"a field of {length} bytes runs past the end")
    return body[start : start + length], start + length
