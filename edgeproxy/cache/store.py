"""The store: records on disk. diskcache's only door.

diskcache gives a SQLite index over files: the file is written first (and synced, here), the row after,
so a record becomes visible by one atomic step after its bytes are safe, and a crash leaves at worst a
file without a row, which is swept at the next start. What we do not take from it:

* Pickling (CVE-2025-69872, unfixed in 5.6.3): :class:`_BytesDisk` refuses it both ways.
* Eviction: its policies know no pins, and its LRU writes on every read. Dynamic records are evicted
  here, least recently used first, by books kept in memory; pinned ones never. What is pinned without being a
  book's is *promoted*, which can be taken back (:meth:`Store.unpin`).

The cache can only help: every fault of the disk is a miss and a fact, never an error to the caller.
SQLite wants a connection per thread, hence an executor of our own.
"""

import asyncio
import os
import random
import shutil
import sqlite3
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Self, TypeVar

import diskcache

from ..core.errors import RecordError
from ..core.events import (
    Emit,
    RecordCorrupt,
    RecordEvicted,
    RecordKept,
    RecordRefused,
    StoreFailed,
    ignore,
)
from ..core.key import Identity
from .record import Record

_THREADS: Final = 4
_SWEPT_AFTER_S: Final = 600.0
"""Files without a row that are older than this are leftovers; a write takes milliseconds."""
_FAULTS: Final = (OSError, sqlite3.Error, diskcache.Timeout)
_PINNED: Final = "pinned"
_DYNAMIC: Final = "dynamic"
_PROMOTED: Final = "promoted"

T = TypeVar("T")


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


class Store:
    """Records by identity. Open with :meth:`open`; close with :meth:`close`.

    Mutable state: the books ``_dynamic`` (key -> bytes, least recently used first) and ``_pinned``, of which
    some are ``_promoted``; touched on the event loop's thread only.
    """

    def __init__(
        self,
        directory: Path,
        *,
        quota_bytes: int,
        min_free_bytes: int,
        emit: Emit = ignore,
    ) -> None:
        self._directory = directory
        self._quota = quota_bytes
        self._min_free = min_free_bytes
        self._emit = emit
        self._executor = ThreadPoolExecutor(_THREADS, thread_name_prefix="store")
        self._cache: Any = None
        self._dynamic: OrderedDict[str, int] = OrderedDict()
        self._pinned: dict[str, int] = {}
        self._promoted: set[str] = set()
        self.dynamic_bytes = 0

    @classmethod
    async def open(
        cls, directory: Path, *, quota_bytes: int, min_free_bytes: int, emit: Emit = ignore
    ) -> Self:
        """Open (or create) the store in ``directory``, mode 0700.

        ``quota_bytes``: what dynamic records may weigh together; ``min_free_bytes``: with less free
        disk than that nothing more is written. A directory that can't be opened at all leaves a
        store that misses everything, and says so by a fact.
        """
        store = cls(directory, quota_bytes=quota_bytes, min_free_bytes=min_free_bytes, emit=emit)
        rows: list[tuple[str, str, int]] = []
        rows = await store._attempt("open", store._open_sync, rows)
        for key, tag, size in rows:
            store._add(key, size, tag)
        return store

    def __len__(self) -> int:
        return len(self._dynamic) + len(self._pinned)

    def __repr__(self) -> str:
        return (
            f"<Store {len(self._pinned)} pinned, {len(self._dynamic)} dynamic records, "
            f"{self.dynamic_bytes:,} of {self._quota:,} bytes>"
        )

    async def get(self, identity: Identity) -> Record | None:
        """The record of ``identity``, checked whole, or None."""
        key = identity.key
        if key not in self._dynamic and key not in self._pinned:
            return None
        self.touch(key)

        def read() -> Record | None:
            value = self._cache.get(key)
            return None if value is None else Record.unpack(value)

        try:
            record = await self._attempt("read", read, None)
            if record is None:
                self._leave(key)  # its file is gone, or can't be read
                return None
            if record.identity != identity.blob:
                raise RecordError("another identity under the same key")
        except RecordError as error:
            self._emit(RecordCorrupt(key, str(error)))
            await self.remove(key)
            return None
        return record

    def touch(self, key: str) -> None:
        """Note a use (of a record also held in memory, too), so that it is evicted later. No I/O."""
        if key in self._dynamic:
            self._dynamic.move_to_end(key)

    async def put(self, identity: Identity, record: Record, *, pinned: bool = False) -> bool:
        """Keep a record; True once it is visible on disk. Makes room by evicting dynamic ones.

        What is pinned stays so.
        """
        key, value = identity.key, record.pack()
        tag = _PINNED if pinned else self._tag(key)

        def write() -> bool:
            if shutil.disk_usage(self._directory).free < self._min_free + len(value):
                return False
            self._cache.set(key, value, tag=tag)
            return True

        if not await self._attempt("write", write, False):
            self._emit(RecordRefused(key, "too little free disk, or a fault of it"))
            return False
        self._enter(key, len(value), tag)
        self._emit(RecordKept(key, len(value)))
        while self.dynamic_bytes > self._quota:
            oldest, size = next(iter(self._dynamic.items()))
            await self.remove(oldest)
            self._emit(RecordEvicted(oldest, size))
        return True

    async def remove(self, key: str) -> None:
        """Forget one record."""
        self._leave(key)
        await self._attempt("remove", lambda: self._cache.delete(key), False)

    def __contains__(self, identity: Identity) -> bool:
        key = identity.key
        return key in self._dynamic or key in self._pinned

    @property
    def promoted(self) -> frozenset[str]:
        """The keys of the records that :meth:`pin` took out of all eviction."""
        return frozenset(self._promoted)

    async def pin(self, identity: Identity) -> bool:
        """Promote a dynamic record: take it out of all eviction; False where there is none."""
        key = identity.key
        return key in self._pinned or await self._mark(key, _PROMOTED)

    async def unpin(self, key: str) -> bool:
        """Make a promoted record a dynamic one, as if it were just stored; False where there is none."""
        return key in self._promoted and await self._mark(key, _DYNAMIC)

    async def _mark(self, key: str, tag: str) -> bool:
        size = self._dynamic.get(key, self._pinned.get(key))
        if size is None:
            return False

        def mark() -> bool:
            value = self._cache.get(key)
            return value is not None and bool(self._cache.set(key, value, tag=tag))

        if not await self._attempt("pin", mark, False):
            return False
        self._enter(key, size, tag)
        return True

    def _tag(self, key: str) -> str:
        if key in self._promoted:
            return _PROMOTED
        return _PINNED if key in self._pinned else _DYNAMIC

    async def verify(self, share: float) -> tuple[int, int]:
        """Read a share (0 to 1) of all records, drawn by chance, and check each whole. How many were
        read, and how many of them were bad (and are gone)."""
        keys = [*self._pinned, *self._dynamic]
        chosen = random.sample(keys, round(len(keys) * share))
        bad = 0
        for key in chosen:

            def read(key: str = key) -> bool:
                value = self._cache.get(key)
                if value is not None:
                    Record.unpack(value)
                return value is not None

            try:
                whole = await self._attempt("verify", read, False)
            except RecordError as error:
                whole = False
                self._emit(RecordCorrupt(key, str(error)))
            if not whole:
                bad += 1
                await self.remove(key)
        return len(chosen), bad

    async def refresh(self) -> None:
        """Learn of records that another process has put or removed."""
        rows: list[tuple[str, str, int]] | None = None
        rows = await self._attempt("refresh", self._rows, rows)
        if rows is not None:
            known = {key for key, _, _ in rows}
            for key in [*self._dynamic, *self._pinned]:
                if key not in known:
                    self._leave(key)
            for key, tag, size in rows:
                if key not in self._dynamic and key not in self._pinned:
                    self._enter(key, size, tag)

    async def discard(self, *, older_than_s: float) -> int:
        """Remove dynamic records stored longer ago than that; how many. Pinned ones stay."""
        # diskcache stamps rows by the wall clock.
        before = datetime.now(UTC).timestamp() - older_than_s

        def find() -> list[str]:
            rows = self._cache._sql(
                "SELECT key FROM Cache WHERE tag = ? AND store_time < ?", (_DYNAMIC, before)
            )
            return [key for (key,) in rows]

        old: list[str] = []
        old = await self._attempt("discard", find, old)
        for key in old:
            await self.remove(key)
        return len(old)

    async def close(self) -> None:
        """Finish what is under way and close the files."""
        if self._cache is not None:
            await self._attempt("close", self._cache.close, None)
        self._executor.shutdown()

    def _enter(self, key: str, size: int, tag: str) -> None:
        self._leave(key)
        self._add(key, size, tag)

    def _add(self, key: str, size: int, tag: str) -> None:
        if tag == _PROMOTED:
            self._promoted.add(key)
        if tag == _DYNAMIC:
            self._dynamic[key] = size
            self.dynamic_bytes += size
        else:
            self._pinned[key] = size

    def _leave(self, key: str) -> None:
        self._pinned.pop(key, None)
        self._promoted.discard(key)
        self.dynamic_bytes -= self._dynamic.pop(key, 0)

    async def _attempt(self, operation: str, work: Callable[[], T], otherwise: T) -> T:
        """Run blocking work on our threads; a fault of the disk gives ``otherwise`` and a fact."""
        if self._cache is None and operation != "open":
            return otherwise
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, work)
        except _FAULTS as error:
            self._emit(StoreFailed(operation, f"{type(error).__name__}: {error}"))
            return otherwise

    def _open_sync(self) -> list[tuple[str, str, int]]:
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._directory.chmod(0o700)
        cache = diskcache.Cache(
            str(self._directory),
            disk=_BytesDisk,
            eviction_policy="none",
            cull_limit=0,
            # Every record is a file, so that its size stands in the index and its bytes are synced.
            disk_min_file_size=0,
        )
        self._cache = cache
        files = {name for (name,) in cache._sql("SELECT filename FROM Cache").fetchall()}
        # Written by a process that died before its row; a young one may be about to write it.
        before = datetime.now(UTC).timestamp() - _SWEPT_AFTER_S
        for path in self._directory.glob("*/*/*.val"):
            if (
                str(path.relative_to(self._directory)) not in files
                and path.stat().st_mtime < before
            ):
                path.unlink(missing_ok=True)
        return self._rows()

    def _rows(self) -> list[tuple[str, str, int]]:
        # A private door of the library's, confessed: there is no public way to list keys with
        # their sizes and tags in one query, and one query per key is too slow at start.
        rows: list[tuple[str, str, int]] = self._cache._sql(
            "SELECT key, tag, size FROM Cache ORDER BY store_time"
        ).fetchall()
        return rows
