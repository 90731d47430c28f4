"""The store on a real disk: what it promises when all is well, and when nothing is."""

import asyncio
import os
import shutil
import sqlite3
import stat
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from edgeproxy.cache.disk import Disk, Row, Tag
from edgeproxy.cache.record import Record
from edgeproxy.cache.store import Store
from edgeproxy.core.errors import RecordError
from edgeproxy.core.events import (
    Event,
    RecordCorrupt,
    RecordEvicted,
    RecordRefused,
    StoreFailed,
)
from edgeproxy.core.key import Identity, Teller
from edgeproxy.core.voice import Voice

from ..conftest import until

Identify = Callable[[str], Identity]
MADE = datetime(2026, 11, 24, tzinfo=UTC)


def record_of(identity: Identity, size: int = 1000) -> Record:
    return Record(identity.blob, 8000, b"\x01\x02" * (size // 2), MADE)


@pytest.fixture
async def store(tmp_path: Path, facts: list[Event]) -> AsyncIterator[Store]:
    store = await open_store(tmp_path, facts)
    yield store
    await store.close()


async def open_store(
    directory: Path,
    facts: list[Event],
    *,
    quota_bytes: int = 10_000_000,
    min_free_bytes: int = 0,
    is_pinned: Callable[[Identity], bool] = lambda _: False,
) -> Store:
    return await Store.open(
        directory / "records",
        quota_bytes=quota_bytes,
        min_free_bytes=min_free_bytes,
        is_pinned=is_pinned,
        emit=facts.append,
    )


def files(directory: Path) -> list[Path]:
    return sorted((directory / "records").glob("*/*/*.val"))


async def test_what_is_put_is_found_and_nothing_else(store: Store, identify: Identify) -> None:
    identity = identify("नमस्ते")
    assert await store.get(identity) is None
    assert await store.put(identity, record_of(identity))
    assert await store.get(identity) == record_of(identity)
    assert await store.get(identify("namaste")) is None


async def test_records_survive_a_restart(
    tmp_path: Path, facts: list[Event], identify: Identify
) -> None:
    identity = identify("hello")
    first = await open_store(tmp_path, facts)
    await first.put(identity, record_of(identity))
    await first.close()
    second = await open_store(tmp_path, facts)
    assert await second.get(identity) == record_of(identity)
    await second.close()
    assert not [fact for fact in facts if isinstance(fact, StoreFailed)]


async def test_the_directory_is_nobody_elses(store: Store, tmp_path: Path) -> None:
    assert stat.S_IMODE(os.stat(tmp_path / "records").st_mode) == 0o700


async def test_a_flipped_byte_is_a_miss_and_the_record_is_gone(
    store: Store, tmp_path: Path, facts: list[Event], identify: Identify
) -> None:
    identity = identify("hello")
    await store.put(identity, record_of(identity))
    (file,) = files(tmp_path)
    value = bytearray(file.read_bytes())
    value[len(value) // 2] ^= 1
    file.write_bytes(value)
    assert await store.get(identity) is None
    assert [fact for fact in facts if isinstance(fact, RecordCorrupt)]
    assert files(tmp_path) == []
    assert len(store) == 0


async def test_another_identity_under_the_same_key_is_never_played(
    store: Store, facts: list[Event], identify: Identify
) -> None:
    identity, other = identify("hello"), identify("goodbye")
    await store.put(identity, record_of(other))
    assert await store.get(identity) is None
    (corrupt,) = [fact for fact in facts if isinstance(fact, RecordCorrupt)]
    assert "another identity" in corrupt.reason


async def test_a_lost_file_is_a_miss(store: Store, tmp_path: Path, identify: Identify) -> None:
    identity = identify("hello")
    await store.put(identity, record_of(identity))
    files(tmp_path)[0].unlink()
    assert await store.get(identity) is None


async def test_leftovers_of_a_crash_are_swept_and_records_are_not(
    tmp_path: Path, facts: list[Event], identify: Identify
) -> None:
    identity = identify("hello")
    first = await open_store(tmp_path, facts)
    await first.put(identity, record_of(identity))
    await first.close()
    leftover = tmp_path / "records" / "ab" / "cd" / "0123.val"
    leftover.parent.mkdir(parents=True)
    leftover.write_bytes(b"half a record")
    os.utime(leftover, (0, 0))
    fresh = leftover.with_name("4567.val")
    fresh.write_bytes(b"another process is about to write its row")
    second = await open_store(tmp_path, facts)
    assert await second.sweep() == 1
    assert not leftover.exists()
    assert fresh.exists()
    assert await second.get(identity) == record_of(identity)
    await second.close()


async def test_the_quota_evicts_the_least_recently_used_and_never_a_pinned_one(
    tmp_path: Path, facts: list[Event], identify: Identify
) -> None:
    size = len(record_of(identify("a")).pack())
    store = await open_store(tmp_path, facts, quota_bytes=3 * size)
    pinned = identify("greeting")
    await store.put(pinned, record_of(pinned), pinned=True)
    for text in "abc":
        await store.put(identify(text), record_of(identify(text)))
    await store.get(identify("a"))
    await store.put(identify("d"), record_of(identify("d")))
    held = [text for text in "abcd" if await store.get(identify(text))]
    assert held == ["a", "c", "d"]
    assert await store.get(pinned) == record_of(pinned)
    assert [fact.key for fact in facts if isinstance(fact, RecordEvicted)] == [identify("b").key]
    await store.close()


async def test_what_is_pinned_stays_so_when_it_is_put_again(
    tmp_path: Path, facts: list[Event], identify: Identify
) -> None:
    pinned, other = identify("greeting"), identify("chatter")
    store = await open_store(tmp_path, facts, quota_bytes=0)
    await store.put(pinned, record_of(pinned), pinned=True)
    await store.put(pinned, record_of(pinned, 500))
    await store.put(other, record_of(other))
    assert await store.get(pinned) == record_of(pinned, 500)
    await store.close()
    again = await open_store(tmp_path, facts, quota_bytes=0)
    assert await again.discard(older_than_s=-1) == 0
    assert await again.get(pinned) == record_of(pinned, 500)
    await again.close()


async def test_a_record_that_could_not_be_synced_leaves_no_file(
    store: Store,
    tmp_path: Path,
    facts: list[Event],
    identify: Identify,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    identity = identify("hello")
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        assert not await store.put(identity, record_of(identity))
    assert files(tmp_path) == []
    assert await store.get(identity) is None
    assert [fact for fact in facts if isinstance(fact, StoreFailed)]
    assert await store.put(identity, record_of(identity))


async def test_with_too_little_free_disk_nothing_is_written_and_old_records_stay(
    tmp_path: Path, facts: list[Event], identify: Identify
) -> None:
    store = await open_store(tmp_path, facts)
    await store.put(identify("a"), record_of(identify("a")))
    await store.close()
    full = await open_store(tmp_path, facts, min_free_bytes=1 << 60)
    assert not await full.put(identify("b"), record_of(identify("b")))
    assert await full.get(identify("a")) == record_of(identify("a"))
    assert [fact for fact in facts if isinstance(fact, RecordRefused)]
    await full.close()


async def test_a_store_that_cannot_be_opened_misses_everything_and_says_so(
    tmp_path: Path, facts: list[Event], identify: Identify
) -> None:
    (tmp_path / "records").write_bytes(b"a file where the folder should be")
    store = await open_store(tmp_path, facts)
    identity = identify("hello")
    assert not await store.put(identity, record_of(identity))
    assert await store.get(identity) is None
    assert [fact for fact in facts if isinstance(fact, StoreFailed)]
    await store.close()


@pytest.mark.parametrize("damage", [b"this is no database" * 1000, b""])
async def test_a_damaged_index_is_made_anew_from_the_records(
    tmp_path: Path, facts: list[Event], identify: Identify, damage: bytes
) -> None:
    kept, pinned, bad = identify("hello"), identify("greeting"), identify("bad")
    first = await open_store(tmp_path, facts)
    for identity in (kept, pinned, bad):
        await first.put(identity, record_of(identity, 500 if identity == bad else 1000))
    await first.close()
    with sqlite3.connect(tmp_path / "records" / "cache.db") as index:
        index.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    index.close()
    # As another machine would find it: no connection of this process to the files.
    moved = tmp_path / "moved"
    shutil.copytree(
        tmp_path / "records", moved / "records", ignore=shutil.ignore_patterns("*-wal", "*-shm")
    )
    (file,) = (each for each in files(moved) if each.stat().st_size < 900)
    file.write_bytes(file.read_bytes()[:-1])
    database = moved / "records" / "cache.db"
    good = database.read_bytes()
    database.write_bytes(damage or good[:4096] + b"x" * (len(good) - 4096))
    second = await open_store(moved, facts, is_pinned=lambda identity: identity == pinned)
    assert await second.get(kept) == record_of(kept)
    assert await second.get(bad) is None
    assert (second.pinned_records, second.dynamic_records) == (1, 1)
    assert not (moved / "records.damaged").exists()
    await second.close()


async def test_a_locked_index_is_a_miss_for_the_moment_and_nothing_is_lost(
    store: Store, tmp_path: Path, facts: list[Event], identify: Identify
) -> None:
    identity, other = identify("hello"), identify("other")
    await store.put(identity, record_of(identity))
    with sqlite3.connect(tmp_path / "records" / "cache.db") as locked:
        locked.execute("BEGIN EXCLUSIVE")
        assert not await store.put(other, record_of(other))
        locked.rollback()
    locked.close()
    assert [fact for fact in facts if isinstance(fact, StoreFailed)]
    assert await store.get(identity) == record_of(identity)
    assert await store.put(other, record_of(other))


async def test_an_index_that_is_locked_at_the_start_is_found_when_it_is_free(
    tmp_path: Path, facts: list[Event], identify: Identify, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity = identify("hello")
    first = await open_store(tmp_path, facts)
    await first.put(identity, record_of(identity))
    await first.close()
    monkeypatch.setattr("edgeproxy.cache.store._OPEN_S", 0.05)
    with sqlite3.connect(tmp_path / "records" / "cache.db") as locked:
        locked.execute("BEGIN EXCLUSIVE")
        second = await open_store(tmp_path, facts)
        assert await second.get(identity) is None
        assert [fact.operation for fact in facts if isinstance(fact, StoreFailed)] == ["open"]
        locked.rollback()
    locked.close()
    await until(lambda: len(second) == 1)
    assert await second.get(identity) == record_of(identity)
    await second.close()


async def test_a_disk_that_hangs_is_a_miss_and_nobody_else_is_sent_after_it(
    store: Store,
    tmp_path: Path,
    facts: list[Event],
    identify: Identify,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    identities = [identify(text) for text in "abc"]
    for identity in identities:
        await store.put(identity, record_of(identity))
    mended, hanging = threading.Event(), 0

    def hang(self: Disk, key: str) -> bytes | None:
        nonlocal hanging
        hanging += 1
        mended.wait()
        return real(self, key)

    real = Disk.get
    with monkeypatch.context() as patched:
        patched.setattr(Disk, "get", hang)
        patched.setattr("edgeproxy.cache.store._READ_S", 0.01)
        try:
            assert await asyncio.gather(*map(store.get, identities[:2])) == [None, None]
            await until(lambda: hanging == 2)
            assert await store.get(identities[2]) is None
            assert hanging == 2
        finally:
            mended.set()
    assert len([fact for fact in facts if isinstance(fact, StoreFailed)]) == 2
    assert len(store) == 3
    async with asyncio.timeout(10):
        while await store.get(identities[0]) is None:
            await asyncio.sleep(0.001)  # until the threads are back
    for identity in identities:
        assert await store.get(identity) == record_of(identity)


async def test_a_purge_removes_what_is_gone_pinned_or_not(store: Store, identify: Identify) -> None:
    pinned, dynamic, later = identify("greeting"), identify("chatter"), identify("later")
    await store.put(pinned, record_of(pinned), pinned=True)
    await store.put(dynamic, record_of(dynamic))
    await store.put(later, replace(record_of(later), purge=5))
    gone = await store.purge(lambda _, since: since < 5)
    assert set(gone or ()) == {pinned, dynamic}
    assert await store.get(later) is not None
    assert len(store) == 1


async def test_a_purge_of_a_text_looks_at_its_records_alone(
    store: Store, identify: Identify
) -> None:
    hello, other = identify("hello"), identify("other")
    looked_at: list[Identity] = []

    def is_gone(identity: Identity, _: int) -> bool:
        looked_at.append(identity)
        return True

    for identity in (hello, other):
        await store.put(identity, record_of(identity))
    assert await store.purge(is_gone, text="hello") == [hello] == looked_at
    assert await store.get(other) is not None


@pytest.mark.parametrize(
    "damage",
    [
        "size = 'many'",
        "size = -7",
        "key = CAST(x'80ff' AS TEXT)",
        "key = 5",
        "tag = CAST(x'80ff' AS TEXT)",
        "filename = CAST(x'80ff' AS TEXT)",
        "filename = NULL",
        "store_time = 'then'",
    ],
)
async def test_a_damaged_row_of_the_index_costs_its_own_record_only(
    tmp_path: Path, facts: list[Event], identify: Identify, damage: str
) -> None:
    hurt, whole = identify("hurt"), identify("whole")
    first = await open_store(tmp_path, facts)
    await first.put(hurt, record_of(hurt))
    await first.put(whole, record_of(whole))
    await first.close()
    with sqlite3.connect(tmp_path / "records" / "cache.db") as index:
        index.execute(f"UPDATE Cache SET {damage} WHERE key = ?", (hurt.key,))
    index.close()
    second = await open_store(tmp_path, facts)
    assert await second.get(whole) == record_of(whole)
    assert await second.get(hurt) in (None, record_of(hurt))
    assert await second.put(hurt, record_of(hurt))
    assert await second.get(hurt) == record_of(hurt)
    await second.close()


class BadSectors:
    """A disk whose sectors under some keys can't be read for the moment."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *keys: str) -> None:
        real = Disk.head

        def head(disk: Disk, key: str, most_bytes: int) -> bytes | None:
            if key in self.keys:
                raise OSError(5, "Input/output error")
            return real(disk, key, most_bytes)

        self.keys = set(keys)
        monkeypatch.setattr(Disk, "head", head)


async def test_a_read_that_fails_is_a_miss_and_the_record_is_there_when_it_works_again(
    store: Store, identify: Identify, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity = identify("greeting")
    await store.put(identity, record_of(identity), pinned=True)
    sectors = BadSectors(monkeypatch, identity.key)
    assert await store.get(identity) is None
    assert await store.verify(1.0) == (0, 0)
    assert await store.purge(lambda _, __: True) is None
    sectors.keys.clear()
    assert store.is_pinned(identity)
    assert await store.get(identity) == record_of(identity)
    assert await store.verify(1.0) == (1, 0)
    assert await store.purge(lambda _, __: True) == [identity]


async def test_what_is_put_while_others_are_learnt_of_is_not_lost(
    store: Store, identify: Identify, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, go_on = threading.Event(), threading.Event()
    real = Disk.rows

    def rows(disk: Disk) -> list[Row]:
        found = real(disk)
        reading.set()
        go_on.wait()
        return found

    monkeypatch.setattr(Disk, "rows", rows)
    learning = asyncio.create_task(store.refresh())
    try:
        await until(reading.is_set)
        identity = identify("hello")
        await store.put(identity, record_of(identity), pinned=True)
    finally:
        go_on.set()
    await learning
    assert store.is_pinned(identity)
    assert await store.get(identity) == record_of(identity)


async def test_a_write_that_hangs_is_given_up(
    store: Store, facts: list[Event], identify: Identify, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()
    monkeypatch.setattr(Disk, "set", lambda *_: go_on.wait())
    monkeypatch.setattr("edgeproxy.cache.store._WRITE_S", 0.01)
    identity = identify("hello")
    try:
        assert not await store.put(identity, record_of(identity))
    finally:
        go_on.set()
    assert [fact.operation for fact in facts if isinstance(fact, StoreFailed)] == ["write"]


async def test_a_store_that_could_only_be_read_keeps_again_when_it_can(
    tmp_path: Path, facts: list[Event], identify: Identify, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: Disk) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    identity, other = identify("hello"), identify("other")
    first = await open_store(tmp_path, facts)
    await first.put(identity, record_of(identity))
    await first.close()
    with monkeypatch.context() as patched:
        patched.setattr(Disk, "_opened", full)
        second = await open_store(tmp_path, facts)
    assert "can only be read" in str(second.problem)
    assert await second.get(identity) == record_of(identity)
    assert not await second.put(other, record_of(other))
    await second.sweep()
    assert await second.put(other, record_of(other))
    assert await second.get(identity) == record_of(identity)
    problem: str | None = second.problem
    assert problem is None
    await second.close()


async def test_pickled_values_are_never_read(
    tmp_path: Path, facts: list[Event], identify: Identify
) -> None:
    identity = identify("hello")
    first = await open_store(tmp_path, facts)
    await first.put(identity, record_of(identity))
    await first.close()
    with sqlite3.connect(tmp_path / "records" / "cache.db") as index:
        index.execute("UPDATE Cache SET mode = 4")  # MODE_PICKLE
    index.close()
    second = await open_store(tmp_path, facts)
    assert await second.get(identity) is None
    assert [fact for fact in facts if isinstance(fact, RecordCorrupt)]
    await second.close()


async def test_many_at_once_are_all_kept(store: Store, identify: Identify) -> None:
    identities = [identify(f"text {number}") for number in range(40)]
    await asyncio.gather(*(store.put(each, record_of(each)) for each in identities))
    found = await asyncio.gather(*(store.get(each) for each in identities))
    assert found == [record_of(each) for each in identities]


async def test_old_dynamic_records_are_discarded_and_pinned_ones_stay(
    store: Store, identify: Identify
) -> None:
    pinned, dynamic = identify("greeting"), identify("chatter")
    await store.put(pinned, record_of(pinned), pinned=True)
    await store.put(dynamic, record_of(dynamic))
    assert await store.discard(older_than_s=60) == 0
    assert await store.discard(older_than_s=-1) == 1
    assert await store.get(dynamic) is None
    assert await store.get(pinned) == record_of(pinned)


async def test_a_pinned_record_is_out_of_all_eviction(
    tmp_path: Path, facts: list[Event], identify: Identify
) -> None:
    store = await open_store(tmp_path, facts)
    identity = identify("asked a lot")
    assert not await store.pin(identity)
    await store.put(identity, record_of(identity))
    assert await store.pin(identity)
    assert await store.pin(identity)
    assert await store.discard(older_than_s=-1) == 0
    await store.close()
    again = await open_store(tmp_path, facts, quota_bytes=0)
    assert await again.get(identity) == record_of(identity)
    await again.close()


async def test_a_share_of_the_records_is_verified_and_bad_ones_are_gone(
    store: Store, tmp_path: Path, facts: list[Event], identify: Identify
) -> None:
    for number in range(10):
        identity = identify(f"text {number}")
        await store.put(identity, record_of(identity), pinned=number % 2 == 0)
    assert await store.verify(0.0) == (0, 0)
    assert await store.verify(0.5) == (5, 0)
    file = files(tmp_path)[0]
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    assert await store.verify(1.0) == (10, 1)
    assert len(store) == 9
    assert [fact for fact in facts if isinstance(fact, RecordCorrupt)]


async def test_what_another_process_has_put_is_found_after_a_refresh(
    store: Store, tmp_path: Path, facts: list[Event], identify: Identify
) -> None:
    other = await open_store(tmp_path, facts)
    identity = identify("from the command line")
    await other.put(identity, record_of(identity), pinned=True)
    assert await store.get(identity) is None
    await store.refresh()
    assert await store.get(identity) == record_of(identity)
    await other.remove(identity.key)
    await other.close()
    await store.refresh()
    assert identity not in store


async def test_what_was_promoted_can_be_taken_back_and_what_is_a_books_cannot(
    tmp_path: Path, facts: list[Event], identify: Identify
) -> None:
    books, liked = identify("greeting"), identify("chatter")
    store = await open_store(tmp_path, facts)
    await store.put(books, record_of(books), pinned=True)
    await store.put(liked, record_of(liked))
    assert await store.pin(books)
    assert await store.pin(liked)
    await store.put(liked, record_of(liked, 500))
    assert store.promoted == {liked.key}
    await store.close()
    again = await open_store(tmp_path, facts)
    assert again.promoted == {liked.key}
    assert await again.unpin(liked.key)
    assert not await again.unpin(books.key)
    assert not await again.unpin(liked.key)
    assert again.promoted == frozenset()
    assert await again.discard(older_than_s=-1) == 1
    assert (liked in again, books in again) == (False, True)
    await again.close()


async def test_the_variants_of_a_text_are_told_apart_by_their_heads(
    store: Store, identify: Identify, monkeypatch: pytest.MonkeyPatch
) -> None:
    hello = identify("hello")
    slower = Teller("ns", Voice({**hello.voice.fields, "pace": 0.8})).identity("hello")
    for identity in (hello, slower, identify("goodbye")):
        await store.put(identity, replace(record_of(identity), purge=3))
    found = await store.variants("hello")
    assert found is not None
    assert set(found) == {hello, slower}
    facts = found[slower]
    assert (facts.made, facts.seconds, facts.purge) == (MADE, 500 / 8000, 3)
    assert await store.variants("hell") == {}
    with monkeypatch.context() as patched:
        patched.setattr(Disk, "head", bad_sector)
        assert await store.variants("hello") is None


def bad_sector(*_: object) -> bytes:
    raise OSError(5, "Input/output error")


async def test_what_comes_from_elsewhere_is_kept_beside_what_is_here(
    tmp_path: Path, facts: list[Event], identify: Identify
) -> None:
    hello, wanted, more = identify("hello"), identify("wanted"), identify("more")
    size = len(record_of(hello).pack())
    store = await open_store(tmp_path, facts, quota_bytes=size + 10)
    server = await open_store(tmp_path, facts, quota_bytes=size + 10)
    await server.put(hello, record_of(hello))
    # Which this process has not heard of.
    assert await store.add(hello, record_of(hello), Tag.DYNAMIC) == "there"
    assert await store.add(wanted, record_of(wanted), Tag.PROMOTED) == "kept"
    await store.refresh()
    assert store.tags() == {wanted.key: Tag.PROMOTED, hello.key: Tag.DYNAMIC}
    assert store.room == 10
    assert await store.add(more, record_of(more), Tag.DYNAMIC) == "quota"
    assert store.promoted == {wanted.key}
    await store.close()
    await server.close()
    full = await open_store(tmp_path, facts, min_free_bytes=10**18)
    assert await full.add(more, record_of(more), Tag.PROMOTED) == "disk"
    await full.close()


async def test_a_value_is_read_as_it_lies_there_whole_or_not(
    store: Store, tmp_path: Path, identify: Identify, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity = identify("hello")
    assert await store.value(identity.key) is None
    await store.put(identity, record_of(identity))
    assert await store.value(identity.key) == record_of(identity).pack()
    (file,) = files(tmp_path)
    file.write_bytes(b"half")
    assert await store.value(identity.key) == b"half"

    monkeypatch.setattr(Disk, "get", bad_sector)
    with pytest.raises(RecordError, match="the disk fails us"):
        await store.value(identity.key)


async def test_others_know_when_they_are_told_of_more(
    tmp_path: Path, facts: list[Event], identify: Identify
) -> None:
    server, command = await open_store(tmp_path, facts), await open_store(tmp_path, facts)
    assert not server.changed_on_disk()
    await command.put(identify("hello"), record_of(identify("hello")))
    assert not server.changed_on_disk()
    assert await command.tell_others()
    assert server.changed_on_disk()
    await server.refresh()
    assert identify("hello") in server
    assert not server.changed_on_disk()
    assert await command.tell_others()
    assert server.changed_on_disk()
    await server.close()
    await command.close()
    later = await open_store(tmp_path, facts)
    assert not later.changed_on_disk()
    await later.close()
