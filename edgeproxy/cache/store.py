"""The store: records on disk, by identity, evicted by nobody but us.

Dynamic records are evicted least recently used first, by books kept in memory; pinned ones never. How a value
is written and found is :mod:`.disk`'s business.

What is pinned without being a book's is *promoted*, which can be taken back (:meth:`Store.unpin`).

The cache can only help: every fault of the disk is a miss and a fact, never an error to the caller. A disk
that hangs is a fault, too: a read has half a second, and while reads hang nobody else is sent after them.
"""

import asyncio
import random
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, Literal, Self, TypeVar

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
from ..core.key import Identity, text_tag
from . import durable
from .disk import FAULTS, Disk, Row, Tag
from .inventory import Inventory
from .record import HEAD_BYTES, Facts, Record, facts_of

_THREADS: Final = 4
_OPEN_S: Final = 5.0
"""Who starts waits no longer for an index that is locked, or made anew: what is in it is found later."""
_CLOSE_S: Final = 5.0
_WRITE_S: Final = 10.0
"""A write that takes longer counts as failed, so that no fill stays up for it."""
_READ_S: Final = 0.5
"""A disk that takes longer for a read is of no help to a caller: the origin has begun to speak by then."""
_LOOK_S: Final = 2.0
"""Who asks what is kept of a text can wait a little, but is told when the disk does not answer."""
_MOST_STUCK: Final = 2
"""So many reads may hang at a time; the other threads are for whoever writes."""

_NEWS: Final = "news"
"""A file that is written anew when others are to look for what was put here."""

Added = Literal["kept", "there", "quota", "disk"]
"""What became of a record from elsewhere: it is kept; there was one; what is dynamic may not weigh more; the
disk has too little room, or fails us."""

T = TypeVar("T")


class Store:
    """Records by identity. Open with :meth:`open`; close with :meth:`close`.

    Mutable state: the inventory, how many reads hang, and what was last heard of other processes; touched on
    the event loop's thread only.
    """

    def __init__(
        self,
        directory: Path,
        *,
        quota_bytes: int,
        min_free_bytes: int,
        is_pinned: Callable[[Identity], bool] = lambda _: False,
        emit: Emit = ignore,
    ) -> None:
        def name_of(value: bytes) -> tuple[str, Tag]:
            identity = _identity(Record.unpack(value).identity)
            return identity.key, Tag.PINNED if is_pinned(identity) else Tag.DYNAMIC

        self._disk = Disk(directory, name_of=name_of)
        self._news = directory / _NEWS
        self._seen: tuple[int, ...] | None = None
        self._quota = quota_bytes
        self._min_free = min_free_bytes
        self._emit = emit
        self._executor = ThreadPoolExecutor(_THREADS, thread_name_prefix="store")
        self._loop = asyncio.get_running_loop()
        self._stuck = 0
        self._known = Inventory()

    @classmethod
    async def open(
        cls,
        directory: Path,
        *,
        quota_bytes: int,
        min_free_bytes: int,
        is_pinned: Callable[[Identity], bool] = lambda _: False,
        emit: Emit = ignore,
    ) -> Self:
        """Open (or create) the store in ``directory``, mode 0700.

        ``quota_bytes``: what dynamic records may weigh together; ``min_free_bytes``: with less free
        disk than that nothing more is written; ``is_pinned``: what was pinned, should the index that says so
        be lost. A directory that can't be opened at all leaves a store that misses everything, and says so by
        a fact.
        """
        store = cls(
            directory,
            quota_bytes=quota_bytes,
            min_free_bytes=min_free_bytes,
            is_pinned=is_pinned,
            emit=emit,
        )
        await store._attempt("open", store._open, None, within_s=_OPEN_S)
        return store

    def _open(self) -> None:
        seen, rows = durable.stamp(self._news), self._disk.open()

        def enter() -> None:
            self._known.learn(rows)
            self._seen = seen

        self._loop.call_soon_threadsafe(enter)

    def __len__(self) -> int:
        return len(self._known)

    @property
    def quota_bytes(self) -> int:
        """What dynamic records may weigh together."""
        return self._quota

    @property
    def min_free_bytes(self) -> int:
        """With less free disk than this nothing more is written."""
        return self._min_free

    @property
    def dynamic_records(self) -> int:
        """Records that make room for newer ones."""
        return self._known.dynamic

    @property
    def pinned_records(self) -> int:
        """Records that nothing evicts."""
        return self._known.pinned

    @property
    def dynamic_bytes(self) -> int:
        """What the dynamic ones weigh."""
        return self._known.dynamic_bytes

    @property
    def pinned_bytes(self) -> int:
        """What the pinned ones weigh."""
        return self._known.pinned_bytes

    def __repr__(self) -> str:
        return (
            f"<Store {self.pinned_records} pinned, {self.dynamic_records} dynamic records, "
            f"{self.dynamic_bytes:,} of {self._quota:,} bytes>"
        )

    async def get(self, identity: Identity) -> Record | None:
        """The record of ``identity``, checked whole, or None."""
        key = identity.key
        if key not in self._known:
            return None
        if self._stuck >= _MOST_STUCK:
            return None
        self.touch(key)

        def read() -> Record | Literal["gone"] | None:
            value = self._disk.get(key)
            return "gone" if value is None else Record.unpack(value)

        try:
            record = await self._attempt("read", read, None, within_s=_READ_S)
            if record == "gone":
                self._known.leave(key)  # or its file can't be read
                return None
            if record is None:
                return None  # the disk may be better in a moment
            if record.identity != identity.blob:
                raise RecordError("another identity under the same key")
        except RecordError as error:
            self._emit(RecordCorrupt(key, str(error)))
            await self.remove(key)
            return None
        return record

    def touch(self, key: str) -> None:
        """Note a use (of a record also held in memory, too), so that it is evicted later. No I/O."""
        self._known.touch(key)

    async def put(self, identity: Identity, record: Record, *, pinned: bool = False) -> bool:
        """Keep a record; True once it is visible on disk. Makes room by evicting dynamic ones.

        What is pinned stays so.
        """
        key, value = identity.key, record.pack()
        tag = Tag.PINNED if pinned else self._known.tag(key)

        def write() -> bool:
            if self._disk.free_bytes < self._min_free + len(value):
                return False
            self._disk.set(key, value, tag)
            return True

        if not await self._attempt("write", write, False, within_s=_WRITE_S):
            self._emit(RecordRefused(key, "too little free disk, or a fault of it"))
            return False
        self._known.enter(key, len(value), tag)
        self._emit(RecordKept(key, len(value)))
        while self.dynamic_bytes > self._quota:
            oldest, size = self._known.oldest
            await self.remove(oldest)
            self._emit(RecordEvicted(oldest, size))
        return True

    async def add(self, identity: Identity, record: Record, tag: Tag) -> Added:
        """Keep a record from elsewhere: beside what is here, and in nobody's place."""
        key, value = identity.key, record.pack()
        if tag is Tag.DYNAMIC and self.dynamic_bytes + len(value) > self._quota:
            return "quota"

        def write() -> Added:
            if self._disk.free_bytes < self._min_free + len(value):
                return "disk"
            return "kept" if self._disk.add(key, value, tag) else "there"

        added: Added = await self._attempt("write", write, "disk", within_s=_WRITE_S)
        if added == "kept":
            self._known.enter(key, len(value), tag)
            self._emit(RecordKept(key, len(value)))
        return added

    async def remove(self, key: str) -> bool:
        """Forget one record; False where it may still lie on the disk."""
        self._known.leave(key)

        def delete() -> bool:
            self._disk.delete(key)
            return True

        return await self._attempt("remove", delete, False)

    def __contains__(self, identity: Identity) -> bool:
        return identity.key in self._known

    def is_pinned(self, identity: Identity) -> bool:
        """Whether there is a record of it that nothing evicts."""
        return self._known.tag(identity.key) is not Tag.DYNAMIC

    @property
    def promoted(self) -> frozenset[str]:
        """The keys of the records that :meth:`pin` took out of all eviction."""
        return self._known.promoted

    async def pin(self, identity: Identity) -> bool:
        """Promote a dynamic record: take it out of all eviction; False where there is none."""
        return self.is_pinned(identity) or await self._mark(identity.key, Tag.PROMOTED)

    async def unpin(self, key: str) -> bool:
        """Make a promoted record a dynamic one, as if it were just stored; False where there is none."""
        return self._known.tag(key) is Tag.PROMOTED and await self._mark(key, Tag.DYNAMIC)

    async def _mark(self, key: str, tag: Tag) -> bool:
        size = self._known.size(key)
        if size is None:
            return False

        if not await self._attempt("pin", lambda: self._disk.mark(key, tag), False):
            return False
        self._known.enter(key, size, tag)
        return True

    async def purge(
        self, is_gone: Callable[[Identity, int], bool], *, text: str | None = None
    ) -> list[Identity] | None:
        """Remove every record of which ``is_gone`` is true, pinned or not; which those were. None: not all of
        them could be looked at, or removed.

        It is given the identity and the number of the last purge before the record was begun. ``text``: look
        only at records of this normalised text, which their names begin with. Else the head of each record is
        read: about half a second for 10,000, in a thread.
        """
        keys = list(self._known)

        def find() -> list[Identity]:
            heads = self._heads(keys, text)
            return [identity for identity, facts in heads if is_gone(identity, facts.purge)]

        covered: list[Identity] | None = None
        covered = await self._attempt("purge", find, covered)
        if covered is None:
            return None
        removed = [await self.remove(identity.key) for identity in covered]
        return covered if all(removed) else None

    async def variants(self, text: str) -> dict[Identity, Facts] | None:
        """Every record of a normalised text, in whatever voice and for whomever; None: the disk fails us.

        That looks at their heads only, and is no use of them.
        """
        if self._stuck >= _MOST_STUCK:
            return None
        keys = list(self._known)

        def look() -> dict[Identity, Facts]:
            heads = self._heads(keys, text)
            return {identity: facts for identity, facts in heads if identity.text == text}

        found: dict[Identity, Facts] | None = None
        return await self._attempt("look", look, found, within_s=_LOOK_S)

    def _heads(self, keys: Iterable[str], text: str | None) -> Iterator[tuple[Identity, Facts]]:
        """What records are, and what they say of themselves; those of one ``text`` only, where it is given
        (and of what has the same tag). Blocks."""
        tag = "" if text is None else text_tag(text)
        for key in keys:
            head = self._disk.head(key, HEAD_BYTES) if key.startswith(tag) else None
            if head is None:
                continue
            try:
                facts = facts_of(head)
                identity = _identity(facts.identity)
            except RecordError:
                continue  # nobody will ever hear it
            yield identity, facts

    async def verify(self, share: float) -> tuple[int, int]:
        """Read a share (0 to 1) of all records, drawn by chance, and check each whole. How many were
        read, and how many of them were bad (and are gone)."""
        keys = list(self._known)
        chosen = random.sample(keys, round(len(keys) * share))
        checked = bad = 0
        for key in chosen:

            def read(key: str = key) -> bool:
                value = self._disk.get(key)
                if value is None:
                    raise RecordError("its file is gone")
                Record.unpack(value)
                return True

            try:
                # What can't be read now is neither whole nor bad: the disk may be better tomorrow.
                checked += await self._attempt("verify", read, False)
            except RecordError as error:
                self._emit(RecordCorrupt(key, str(error)))
                checked, bad = checked + 1, bad + 1
                await self.remove(key)
        return checked, bad

    def tags(self) -> dict[str, Tag]:
        """What each record is kept for, by key; of what is dynamic, the least recently used first."""
        return {key: self._known.tag(key) for key in self._known}

    @property
    def room(self) -> int:
        """Bytes that dynamic records may weigh besides what they do."""
        return self._quota - self.dynamic_bytes

    async def value(self, key: str) -> bytes | None:
        """A record as it lies on the disk, not looked at, however long it takes; None: it is gone. Raises
        RecordError where it can't be read."""
        read: tuple[bytes | None] | None = None
        read = await self._attempt("read", lambda: (self._disk.get(key),), read)
        if read is None:
            raise RecordError("the disk fails us")
        return read[0]

    async def tell_others(self) -> bool:
        """Have other processes look for what was put here, which no pointer says; False where that failed."""

        def write() -> bool:
            with durable.alone(self._news.parent):
                durable.replace(self._news, b"")
            return True

        return await self._attempt("tell others", write, False)

    def changed_on_disk(self) -> bool:
        """Whether another process has told of more since the last look. Blocks for moments; raises
        OSError."""
        return durable.stamp(self._news) != self._seen

    async def refresh(self) -> None:
        """Learn of records that another process has put or removed."""
        # What we put while the rows are read may be missing from them: only of these can be said it is gone.
        before = list(self._known)

        def look() -> tuple[tuple[int, ...] | None, list[Row]]:
            return durable.stamp(self._news), self._disk.rows()

        found: tuple[tuple[int, ...] | None, list[Row]] | None = None
        found = await self._attempt("refresh", look, found)
        if found is not None:
            self._seen, rows = found
            self._known.learn(rows, gone_from=before)

    async def discard(self, *, older_than_s: float) -> int:
        """Remove dynamic records stored longer ago than that; how many. Pinned ones stay."""
        old: list[str] = []
        old = await self._attempt("discard", lambda: self._disk.older(older_than_s), old)
        for key in old:
            await self.remove(key)
        return len(old)

    async def free_bytes(self) -> int | None:
        """What is left of the disk; None where it does not say."""
        free: int | None = None
        return await self._attempt("look", lambda: self._disk.free_bytes, free, within_s=_READ_S)

    @property
    def is_open(self) -> bool:
        """Whether what is there can be read at least."""
        return self._disk.is_open

    @property
    def problem(self) -> str | None:
        """Why nothing is kept; None while it is."""
        if not self._disk.is_open:
            return "the records can't be opened"
        return "the records can only be read" if self._disk.is_read_only else None

    async def sweep(self) -> int:
        """Remove files that a crash left behind; how many. What is in them nobody could hear anyway.

        Where the disk took nothing at the start, see whether it does by now.
        """
        if self.problem is not None:
            await self._attempt("open", self._open, None, within_s=_OPEN_S)
        return await self._attempt("sweep", self._disk.sweep, 0)

    async def close(self) -> None:
        """Finish what is under way and close the files."""
        await self._attempt("close", self._disk.close, None, within_s=_CLOSE_S)
        # A read that hangs for ever must not keep the process.
        self._executor.shutdown(wait=not self._stuck)

    async def _attempt(
        self, operation: str, work: Callable[[], T], otherwise: T, *, within_s: float | None = None
    ) -> T:
        """Run blocking work on our threads; a fault of the disk gives ``otherwise`` and a fact.

        ``within_s``: after so many seconds it counts as one, though the thread goes on.
        """
        if not self._disk.is_open and operation != "open":
            return otherwise
        working = self._loop.run_in_executor(self._executor, work)
        try:
            if within_s is not None:
                await asyncio.wait((working,), timeout=within_s)
                if not working.done():
                    raise TimeoutError(f"the disk took longer than {within_s:g} s")
            return await working
        except FAULTS as error:
            self._emit(StoreFailed(operation, f"{type(error).__name__}: {error}"))
            return otherwise
        finally:
            if not working.done():  # whoever waited has given up, or has left
                self._stuck += 1
                working.add_done_callback(self._unstuck)

    def _unstuck(self, working: asyncio.Future[Any]) -> None:
        self._stuck -= 1
        if not working.cancelled():
            working.exception()  # nobody waits for it any more


def _identity(blob: bytes) -> Identity:
    try:
        return Identity.parse(blob)
    except ValueError as error:
        raise RecordError(str(error)) from error
