"""A disk that is full, read-only, locked or damaged: calls go on, and nothing wrong is ever said.

A disk of a few megabytes is a tmpfs of our own, which takes root; so does a disk that is read-only for
root. Elsewhere these tests are skipped.
"""

import contextlib
import os
import random
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgeproxy.app import Proxy
from edgeproxy.config import ConfigError
from edgeproxy.core.events import Event, PhraseGenerated, RecordKept, RecordRefused, StoreFailed
from edgeproxy.downstream.secret import DamagedSecret
from edgeproxy.emulator.server import Emulator
from edgeproxy.phrases.problem import BookErrors

from ..conftest import StartProxy, landed, until
from ..fakes.truth import Truth
from ..wire import talk

TEXTS = [f"यह वाक्य संख्या {number} है, और यह थोड़ा लंबा है।" for number in range(60)]
PHRASE = "Hello there."
RITU = {"language": "en-IN", "speaker": "ritu"}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of three megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)], capture_output=True
    )
    if done.returncode:
        pytest.skip("a small disk takes root and mount")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def grow(folder: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=9m", str(folder)], check=True)


@contextlib.contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Whoever opens something in ``folder`` from now on finds it read-only."""
    for how in (["--bind", str(folder)], ["-o", "remount,ro,bind"]):
        subprocess.run(["mount", *how, str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def kept(facts: list[Event]) -> int:
    return sum(isinstance(fact, RecordKept) for fact in facts)


async def speaks(proxy: Proxy, truth: Truth, texts: list[str]) -> list[str]:
    """Say each text, and see that it is right; the verdicts."""
    verdicts = []
    async with talk(proxy.url) as client:
        for text in texts:
            answer = await client.say(text)
            assert not answer.errors
            assert answer.audio == await truth.turn(text)
            verdicts += answer.verdicts
    return verdicts


async def test_on_a_full_disk_calls_go_on_and_old_records_are_kept(
    start_proxy: StartProxy, truth: Truth, facts: list[Event], small_disk: Path
) -> None:
    cache = {"data_dir": small_disk / "data", "memory_bytes": 0}
    async with start_proxy(cache=cache) as proxy:
        assert set(await speaks(proxy, truth, TEXTS)) == {"miss"}
        await landed(proxy)
        old = kept(facts)
        assert 5 < old < len(TEXTS)
        verdicts = await speaks(proxy, truth, TEXTS)
        assert verdicts.count("hit-disk") >= old
        await landed(proxy)
    # Not even a journal can be begun any more: still, it starts, and nobody is told of it.
    (small_disk / "rest").write_bytes(bytes(max(0, shutil.disk_usage(small_disk).free)))
    async with start_proxy(cache=cache) as proxy:
        await speaks(proxy, truth, TEXTS)
        await landed(proxy)
    grow(small_disk)
    async with start_proxy(cache=cache) as proxy:
        assert (await speaks(proxy, truth, TEXTS)).count("hit-disk") >= old
        await landed(proxy)
    everything_is_whole(small_disk / "data" / "records")


def everything_is_whole(records: Path) -> None:
    """No half of a record lies about, row or not."""
    with contextlib.closing(sqlite3.connect(records / "cache.db")) as index:
        rows = {name for (name,) in index.execute("SELECT filename FROM Cache")}
    assert {str(file.relative_to(records)) for file in records.rglob("*.val")} == rows


async def test_below_the_minimum_of_free_disk_nothing_is_written(
    start_proxy: StartProxy, truth: Truth, facts: list[Event], small_disk: Path
) -> None:
    cache = {"data_dir": small_disk / "data", "min_free_bytes": 1_500_000, "memory_bytes": 0}
    async with start_proxy(cache=cache) as proxy:
        await speaks(proxy, truth, TEXTS)
        await landed(proxy)
        assert shutil.disk_usage(small_disk).free > 1_400_000
        assert kept(facts)
    assert not any(isinstance(fact, StoreFailed) for fact in facts)


async def test_on_a_read_only_disk_calls_go_on(
    start_proxy: StartProxy, truth: Truth, facts: list[Event], small_disk: Path
) -> None:
    cache = {"data_dir": small_disk / "data", "memory_bytes": 0}
    async with start_proxy(cache=cache) as proxy:
        await speaks(proxy, truth, TEXTS[:5])
        await landed(proxy)
        with read_only(small_disk):
            verdicts = await speaks(proxy, truth, TEXTS[:10])
            await landed(proxy)
        assert verdicts == ["hit-disk"] * 5 + ["miss"] * 5
        assert any(isinstance(fact, RecordRefused) for fact in facts)
    with read_only(small_disk):
        async with start_proxy(cache=cache) as proxy:
            await speaks(proxy, truth, TEXTS[:10])
            await landed(proxy)
    assert any(isinstance(fact, StoreFailed) for fact in facts)
    async with start_proxy(cache=cache) as proxy:
        assert await speaks(proxy, truth, TEXTS[:5]) == ["hit-disk"] * 5
        await landed(proxy)


@pytest.mark.parametrize("fault", ["full", "read-only"])
async def test_phrases_speak_after_a_start_on_a_disk_that_takes_nothing(
    start_proxy: StartProxy,
    truth: Truth,
    facts: list[Event],
    emulator: Emulator,
    small_disk: Path,
    hello_book: Path,
    fault: str,
) -> None:
    rooms = {"cache": {"data_dir": small_disk / "data"}, "phrases": {"directory": hello_book}}
    async with start_proxy(**rooms):
        await until(lambda: any(isinstance(fact, PhraseGenerated) for fact in facts))
    emulator.change_faults("503")
    with contextlib.ExitStack() as undo:
        if fault == "full":
            (small_disk / "rest").write_bytes(bytes(shutil.disk_usage(small_disk).free))
        else:
            undo.enter_context(read_only(small_disk))
        async with start_proxy(**rooms) as proxy, talk(proxy.url) as client:
            await client.config(target_language_code="en-IN", speaker="ritu")
            answer = await client.say(PHRASE)
            assert answer.audio == await truth.turn(PHRASE, **RITU)


@pytest.mark.parametrize(
    "lock", ["BEGIN EXCLUSIVE", "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE"]
)
async def test_a_locked_index_holds_up_nobody(
    start_proxy: StartProxy, truth: Truth, tmp_path: Path, lock: str
) -> None:
    cache = {"data_dir": tmp_path / "data", "memory_bytes": 0}
    async with start_proxy(cache=cache) as proxy:
        await speaks(proxy, truth, TEXTS[:3])
        await landed(proxy)
        with contextlib.closing(
            sqlite3.connect(tmp_path / "data" / "records" / "cache.db", isolation_level=None)
        ) as other:
            for statement in lock.split("; "):
                with contextlib.suppress(sqlite3.OperationalError):
                    other.execute(statement)
            await speaks(proxy, truth, TEXTS[:10])
            if other.in_transaction:
                other.execute("ROLLBACK")
        await landed(proxy)
        await speaks(proxy, truth, TEXTS[:10])
        await landed(proxy)
    async with start_proxy(cache=cache) as proxy:
        verdicts = await speaks(proxy, truth, TEXTS[:10])
        assert set(verdicts) == {"hit-disk"}


# -- damage ----------------------------------------------------------------------------------------


@pytest.fixture
async def filled(
    start_proxy: StartProxy, truth: Truth, facts: list[Event], tmp_path: Path, hello_book: Path
) -> Path:
    """The data directory of a proxy that was ended in good order, with everything in it that there is."""
    cache = {"data_dir": tmp_path / "full"}
    async with start_proxy(cache=cache, phrases={"directory": hello_book}) as proxy:
        await until(lambda: any(isinstance(fact, PhraseGenerated) for fact in facts))
        await speaks(proxy, truth, TEXTS[:4])
        await landed(proxy)
    return tmp_path / "full"


def damages(file: Path, chance: random.Random) -> Iterator[tuple[str, bytes]]:
    """What may become of a file: its bytes, in a few versions."""
    whole = file.read_bytes()
    yield "emptied", b""
    yield "cut in half", whole[: len(whole) // 2]
    yield "without its last byte", whole[:-1]
    for position in sorted({0, len(whole) - 1, *(chance.randrange(len(whole)) for _ in range(4))}):
        flipped = whole[position] ^ (1 << chance.randrange(8))
        yield (
            f"byte {position} flipped",
            whole[:position] + bytes([flipped]) + whole[position + 1 :],
        )


@pytest.mark.timeout(300)
async def test_with_any_file_damaged_it_is_right_or_a_miss_or_one_line_says_what_to_remove(
    start_proxy: StartProxy,
    truth: Truth,
    emulator: Emulator,
    filled: Path,
    tmp_path: Path,
) -> None:
    chance = random.Random(int(os.environ.get("EDGEPROXY_DAMAGE_SEED", "3")))
    files = [file.relative_to(filled) for file in sorted(filled.rglob("*")) if file.is_file()]
    assert {"install-secret", "generations.json", "records/cache.db"} <= {str(f) for f in files}
    tried = 0
    for file in files:
        if not (filled / file).is_file() or not (filled / file).stat().st_size:
            continue  # SQLite's own, gone with its last connection
        for damage, content in damages(filled / file, chance):
            copy = tmp_path / f"copy-{tried}"
            shutil.copytree(filled, copy)
            (copy / file).write_bytes(content)
            what = f"{file}: {damage}"
            refused = ""
            try:
                await still_right(start_proxy, truth, copy, tmp_path / "books")
            except (ConfigError, BookErrors, DamagedSecret, OSError) as error:
                refused = f"{error} {getattr(error, 'filename', '')}"
            except Exception as error:
                error.add_note(what)
                raise
            if refused:
                assert "remove" in refused, what
                assert str(copy) in refused, what
                assert "\n" not in refused, what
            shutil.rmtree(copy)
            tried += 1
    assert tried > 40


async def still_right(start_proxy: StartProxy, truth: Truth, data: Path, books: Path) -> None:
    for _ in range(2):  # and again with what the first has made of it
        async with start_proxy(cache={"data_dir": data}, phrases={"directory": books}) as proxy:
            await speaks(proxy, truth, TEXTS[:5])
            async with talk(proxy.url) as client:
                await client.config(target_language_code="en-IN", speaker="ritu")
                answer = await client.say(PHRASE)
                assert not answer.errors
                assert answer.audio == await truth.turn(PHRASE, **RITU)
            await landed(proxy)
