"""Values by key in a folder: the blocking half of the store. diskcache's only door.

diskcache gives a SQLite index over files: the file is written first (and synced, here), the row after, so a
value becomes visible by one atomic step after its bytes are safe, and a crash leaves at worst a file without
a row, which :meth:`Disk.sweep` removes. What we do not take from it:

* Pickling (CVE-2025-69872, unfixed in 5.6.3): :class:`_BytesDisk` refuses it both ways.
* Eviction: its policies know no pins, and its LRU writes on every read. Nothing goes here unless told to.
* Its patience: it waits a minute for a locked index, and a caller has not got that. (Where it opens the
  index it asks again and again for a minute whatever it is told: that wait is bounded by the store.)

An index that is damaged is made anew from the files, since each value says itself what it is. One that can't
be written, on a disk that is full or read-only, is read from a copy: then what is there can be heard, and
nothing can be kept.
SQLite wants a connection per thread, so all methods are for the few threads of the store's executor.
"""

import contextlib
import logging
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import diskcache

from ..core.errors import RecordError

FAULTS: Final = (OSError, sqlite3.Error, diskcache.Timeout)
"""What a disk that fails us raises."""

_LOCKED_S: Final = 1.0
"""Longest wait for an index that somebody else has locked."""
_SWEPT_AFTER_S: Final = 600.0
"""Files without a row that are older than this are leftovers; a write takes milliseconds."""
_INDEX: Final = "cache.db"


class Tag(StrEnum):
    """What a value is kept for."""

    DYNAMIC = "dynamic"
    PINNED = "pinned"
    PROMOTED = "promoted"


Row = tuple[str, Tag, int]
"""Key, tag, bytes."""

_DAMAGED: Final = f"""
    typeof(key) != 'text' OR key GLOB '*[^0-9a-f]*' OR typeof(size) != 'integer' OR size < 0
    OR tag IS NULL OR tag NOT IN ('{"', '".join(Tag)}')
    OR typeof(filename) != 'text' OR filename GLOB '*[^0-9a-f/.val]*'
"""
"""Rows of the index that we never wrote like that: the disk has changed them."""

log: Final = logging.getLogger(__name__)


class _BytesDisk(diskcache.Disk):  # type: ignore[misc]  # diskcache has no types
    """Text keys, bytes values, nothing else, in or out."""

    def put(self, key: Any) -> tuple[Any, bool]:
        if type(key) is not str:
            raise TypeError(f"keys are text, not {type(key).__name__}")
        return key, True

    def get(self, key: Any, raw: bool) -> Any:
        if not raw:
            raise RecordError("a pickled key")
        return key

    def store(self, value: Any, read: bool, key: Any = diskcache.UNKNOWN) -> Any:
        if type(value) is not bytes or read:
            raise TypeError(f"values are bytes, not {type(value).__name__}")
        row = super().store(value, read, key)
        if (filename := row[2]) is not None:
            try:
                descriptor = os.open(Path(self._directory, filename), os.O_RDONLY)
                try:
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)
            except OSError:
                self.remove(filename)  # or it would lie on a full disk until the next start
                raise
        return row

    def fetch(self, mode: int, filename: str | None, value: Any, read: bool) -> Any:
        if mode not in (diskcache.core.MODE_RAW, diskcache.core.MODE_BINARY):
            raise RecordError(f"a value of mode {mode}, not bytes")
        return super().fetch(mode, filename, value, read)


class Disk:
    """The values of one folder, mode 0700. Everything raises one of :data:`FAULTS`.

    ``name_of``: from a value to its key and tag, for when there is no index to say so;
    raises RecordError for what is no value.
    """

    def __init__(self, directory: Path, *, name_of: Callable[[bytes], tuple[str, Tag]]) -> None:
        self._directory = directory
        self._name_of = name_of
        self._cache: Any = None
        self._read_only: dict[str, tuple[Path, Row]] | None = None

    @property
    def is_open(self) -> bool:
        """Whether :meth:`open` came to something."""
        return self._cache is not None or self._read_only is not None

    @property
    def is_read_only(self) -> bool:
        """Whether nothing can be kept."""
        return self._read_only is not None

    def open(self) -> list[Row]:
        """Open, or create; what is there, oldest first. Once more, where it could only be read before."""
        try:
            rows = self._open()
            self._read_only = None
            return rows
        except (OSError, sqlite3.OperationalError) as error:
            # Locked, full or read-only: nothing is wrong with what is written.
            try:
                self._read_only = self._copied()
            except (OSError, sqlite3.Error):
                raise error from None
            log.error("%s can only be read: %s", self._directory, error)
            return self.rows()

    def _open(self) -> list[Row]:
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._directory.chmod(0o700)
        damaged = self._directory.with_name(f"{self._directory.name}.damaged")
        try:
            self._cache = self._opened()
        except sqlite3.OperationalError:
            raise
        except (sqlite3.DatabaseError, RecordError) as error:
            log.error("%s is damaged (%s): it is made anew", self._directory / _INDEX, error)
            # Another one may not be taken over yet.
            self._directory.rename(_unused(damaged))
            self._directory.mkdir(mode=0o700)
            self._cache = self._opened()
        # Also where a crash came between.
        for left in sorted(damaged.parent.glob(f"{damaged.name}*")):
            self._take_over(left)
        return self.rows()

    def get(self, key: str) -> bytes | None:
        """The whole value."""
        return self.head(key, -1)

    def head(self, key: str, most_bytes: int) -> bytes | None:
        """Its first bytes; all of them where that is -1."""
        path = self._path(key)
        if path is None:
            return None
        # Not by the library: to it a file that can't be read is one that is not there.
        try:
            with path.open("rb") as file:
                return file.read(most_bytes)
        except FileNotFoundError:
            return None

    def set(self, key: str, value: bytes, tag: Tag) -> None:
        """Keep a value, in place of another of that key."""
        self._writable.set(key, value, tag=str(tag))

    def add(self, key: str, value: bytes, tag: Tag) -> bool:
        """Keep a value where there is none of that key, in whatever process; False where there is one."""
        return bool(self._writable.add(key, value, tag=str(tag)))

    def mark(self, key: str, tag: Tag) -> bool:
        """Keep a value for something else; False where there is none."""
        value = self.get(key)
        if value is None:
            return False
        self.set(key, value, tag)
        return True

    def delete(self, key: str) -> None:
        """Let a value go."""
        self._writable.delete(key)

    @property
    def free_bytes(self) -> int:
        """What is left of the disk."""
        return shutil.disk_usage(self._directory).free

    def rows(self) -> list[Row]:
        """What is there, oldest first."""
        if self._read_only is not None:
            return [row for _, row in self._read_only.values()]
        # A private door of the library's, confessed: there is no public way to list keys with their
        # sizes and tags in one query, and one query per key is too slow at start.
        found = self._cache._sql("SELECT key, tag, size FROM Cache ORDER BY store_time").fetchall()
        return [(key, Tag(tag), size) for key, tag, size in found]

    def older(self, than_s: float) -> list[str]:
        """The keys of what is dynamic and was stored longer ago than that."""
        # diskcache stamps rows by the wall clock.
        before = datetime.now(UTC).timestamp() - than_s
        found = self._writable._sql(
            "SELECT key FROM Cache WHERE tag = ? AND store_time < ?", (str(Tag.DYNAMIC), before)
        )
        return [key for (key,) in found]

    def sweep(self) -> int:
        """Remove what processes left behind that died before their row; how many files that was."""
        files = {name for (name,) in self._writable._sql("SELECT filename FROM Cache").fetchall()}
        # A young one may be about to get its row.
        before = datetime.now(UTC).timestamp() - _SWEPT_AFTER_S
        swept = 0
        for path in self._directory.glob("*/*/*.val"):
            if str(path.relative_to(self._directory)) not in files:
                with contextlib.suppress(FileNotFoundError):  # somebody else sweeps, too
                    if path.stat().st_mtime < before:
                        path.unlink()
                        swept += 1
        return swept

    def close(self) -> None:
        """Close the files."""
        if self._cache is not None:
            self._cache.close()

    def _path(self, key: str) -> Path | None:
        if self._read_only is not None:
            found = self._read_only.get(key)
            return None if found is None else found[0]
        select = "SELECT mode, filename FROM Cache WHERE key = ? AND raw = 1"
        row = self._cache._sql(select, (key,)).fetchone()
        if row is None:
            return None
        mode, filename = row
        if mode not in (diskcache.core.MODE_RAW, diskcache.core.MODE_BINARY) or not filename:
            raise RecordError(f"a value of mode {mode}, not bytes in a file")
        return self._directory / str(filename)

    @property
    def _writable(self) -> Any:
        if self._read_only is not None:
            raise PermissionError(f"{self._directory} could only be read when it was opened")
        return self._cache

    def _copied(self) -> dict[str, tuple[Path, Row]]:
        """What a copy of the index says, which SQLite may lock and write as it likes."""
        with tempfile.TemporaryDirectory(prefix="edgeproxy-") as folder:
            for name in (_INDEX, f"{_INDEX}-wal"):
                with contextlib.suppress(FileNotFoundError):
                    shutil.copyfile(self._directory / name, Path(folder, name))
            with contextlib.closing(sqlite3.connect(Path(folder, _INDEX))) as index:
                found = index.execute(
                    f"SELECT key, tag, size, filename FROM Cache WHERE NOT ({_DAMAGED}) "
                    "ORDER BY store_time"
                ).fetchall()
        return {
            key: (self._directory / filename, (key, Tag(tag), size))
            for key, tag, size, filename in found
        }

    def _opened(self) -> Any:
        cache = diskcache.Cache(
            str(self._directory),
            timeout=_LOCKED_S,
            disk=_BytesDisk,
            eviction_policy="none",
            cull_limit=0,
            # Every value is a file, so that its size stands in the index and its bytes are synced.
            disk_min_file_size=0,
        )
        said = [line for (line,) in cache._sql("PRAGMA quick_check").fetchall()]
        if said != ["ok"]:
            cache.close()
            raise RecordError("; ".join(said[:3]))
        # A row that can't even be read would cost us all the others, too.
        if cache._sql(f"SELECT 1 FROM Cache WHERE {_DAMAGED}").fetchone():
            cache._sql(f"DELETE FROM Cache WHERE {_DAMAGED}")
        return cache

    def _take_over(self, damaged: Path) -> None:
        there = {key for key, _, _ in self.rows()}
        taken = lost = 0
        for file in damaged.glob("*/*/*.val"):
            try:
                value = file.read_bytes()
                key, tag = self._name_of(value)
            except (OSError, RecordError):
                lost += 1
                continue
            if key not in there:  # what was made since is newer
                self.set(key, value, tag)
                taken += 1
        shutil.rmtree(damaged, ignore_errors=True)
        log.error("%d records taken over from %s, %d were damaged", taken, damaged, lost)


def _unused(path: Path) -> Path:
    number = 1
    unused = path
    while unused.exists():
        number += 1
        unused = path.with_name(f"{path.name}-{number}")
    return unused
