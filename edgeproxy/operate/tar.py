"""A plain tar with a seal: written whole or not at all, and read without believing a word of it.

The last member, ``seal.json``, has the SHA-256 of every byte before its own first, its header included, and
counts. It tells a file that was cut, spoilt or edited from one that was not; whoever edits on purpose can
seal anew, so nothing that is read is used without a look.

What is read is never unpacked by name: there are files of known names and bounded sizes, in this process, or
there is an error. Any ``tar`` lists and unpacks what is written.
"""

import hashlib
import os
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Final

import orjson

SEAL: Final = "seal.json"
SMALL_BYTES: Final = 64 * 1024
"""What a seal, or another small file, has at most."""

_BLOCK: Final = tarfile.BLOCKSIZE
_END: Final = bytes(2 * _BLOCK)
_KINDS: Final = {
    tarfile.SYMTYPE: "a link",
    tarfile.LNKTYPE: "a link",
    tarfile.CHRTYPE: "a device",
    tarfile.BLKTYPE: "a device",
    tarfile.FIFOTYPE: "a pipe",
    tarfile.DIRTYPE: "a folder",
}


class BadArchive(ValueError):
    """It is not what was written by us, whole. The text says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Member:
    """One file in a tar: its name, and where its content lies."""

    name: str
    offset: int
    size: int


class Writer:
    """Writes one tar, beside ``file`` until it is finished. Blocks; raises OSError."""

    def __init__(self, file: Path, *, when: datetime) -> None:
        self._final = file
        self._when = int(when.timestamp())
        self._sha = hashlib.sha256()
        descriptor, fresh = tempfile.mkstemp(prefix=f"{file.name}.", suffix=".new", dir=file.parent)
        self._fresh = Path(fresh)
        self._file = open(descriptor, "wb")  # noqa: SIM115  # closed by finish or discard

    def add(self, name: str, data: bytes) -> None:
        """One more member."""
        self._begin(name, len(data))
        self._write(data)
        self._write(_padding(len(data)))

    def finish(self, counts: Mapping[str, int]) -> int:
        """Seal it and put it in its place, in one step, safe on disk when this returns; how many bytes."""
        self._begin(SEAL, len(_seal("0" * 64, counts)))
        seal = _seal(self._sha.hexdigest(), counts)
        self._write(seal + _padding(len(seal)) + _END)
        self._file.flush()
        os.fsync(self._file.fileno())
        size = self._file.tell()
        self._file.close()
        self._fresh.replace(self._final)
        folder = os.open(self._final.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        return size

    def discard(self) -> None:
        """Leave nothing behind, unless it was finished."""
        with suppress(OSError):
            self._file.close()  # a full disk says so once more
        self._fresh.unlink(missing_ok=True)

    def _begin(self, name: str, size: int) -> None:
        info = tarfile.TarInfo(name)
        info.size, info.mtime, info.mode = size, self._when, 0o600
        self._write(info.tobuf(tarfile.USTAR_FORMAT, "ascii", "strict"))

    def _write(self, data: bytes) -> None:
        self._file.write(data)
        self._sha.update(data)


class Reader:
    """Reads one tar from its beginning. ``first``: the name of its first member; ``limit_of``: the bytes that
    a member of some name may have; None: there is no such member. Blocks; raises :class:`BadArchive` and
    OSError.

    ``counts`` is what its seal says, once all members were read, to be held against what they were.
    """

    def __init__(
        self, file: BinaryIO, *, first: str, limit_of: Callable[[str], int | None]
    ) -> None:
        self.counts: dict[str, int] = {}
        self._file = file
        self._first = first
        self._limit_of = limit_of
        self._size = os.fstat(file.fileno()).st_size
        self._position = 0
        self._sha = hashlib.sha256()

    def __iter__(self) -> Iterator[tuple[Member, bytes]]:
        """The members up to the seal, with what is in them."""
        while (member := self._header()).name != SEAL:
            data = self._take(member.size, member.name)
            self._take(-member.size % _BLOCK, member.name)
            yield member, data
        digest = self._sha.hexdigest()
        self._hold_against(member, self._take(member.size, SEAL), digest)

    def _header(self) -> Member:
        at = self._position
        if not at and self._size < _BLOCK:
            raise self._none
        block = self._take(_BLOCK, "a header")
        if at and block == bytes(_BLOCK):
            raise BadArchive(f"it was cut: it ends at byte {at:,}, without {SEAL}")
        try:
            info = tarfile.TarInfo.frombuf(block, "ascii", "surrogateescape")
        except (tarfile.HeaderError, ValueError):
            if not at:
                raise self._none from None
            raise BadArchive(f"it was changed or damaged: no header at byte {at:,}") from None
        if not at and info.name != self._first:
            raise self._none
        if info.type != tarfile.REGTYPE:
            kind = _KINDS.get(info.type, "of an unknown kind")
            raise BadArchive(f"{info.name!r} in it is {kind}; there are only files in an archive")
        limit = SMALL_BYTES if info.name == SEAL else self._limit_of(info.name)
        if limit is None:
            raise BadArchive(f"{info.name!r} is in it, which is in no archive of edgeproxy's")
        if not 0 <= info.size <= limit:
            raise BadArchive(f"{info.name} in it has {info.size:,} bytes; it may have {limit:,}")
        return Member(info.name, self._position, info.size)

    @property
    def _none(self) -> BadArchive:
        return BadArchive(
            f"it is no archive: it does not begin with the {self._first} of `edgeproxy cache export`"
        )

    def _hold_against(self, member: Member, content: bytes, digest: str) -> None:
        """Everything that was read against its seal."""
        try:
            seal = orjson.loads(content)
            whole = seal.pop("sha256") == digest
        except (AttributeError, KeyError, TypeError, ValueError):
            raise BadArchive(f"it was changed or damaged: its {SEAL} can't be read") from None
        rest = _padding(member.size) + _END
        found = self._take(min(len(rest), self._size - self._position), SEAL)
        if len(found) < len(rest) and rest.startswith(found):
            raise BadArchive(f"it was cut: it ends at byte {self._position:,}, within {SEAL}")
        if not whole or found != rest or self._size != self._position:
            raise BadArchive(f"it was changed since it was written: its {SEAL} does not fit it")
        self.counts = seal

    def _take(self, size: int, within: str) -> bytes:
        # Asked first: no memory is taken for what only a header claims.
        if size > self._size - self._position:
            raise BadArchive(f"it was cut: it ends at byte {self._size:,}, within {within}")
        data = self._file.read(size)
        if len(data) < size:
            raise BadArchive("it became shorter while it was read")
        self._position += size
        self._sha.update(data)
        return data


def _padding(size: int) -> bytes:
    return bytes(-size % _BLOCK)


def _seal(digest: str, counts: Mapping[str, int]) -> bytes:
    return orjson.dumps({"sha256": digest, **counts}, option=orjson.OPT_SORT_KEYS)
