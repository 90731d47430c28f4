"""`edgeproxy cache export` and `import`: their lines, their exit codes, and what a kill leaves behind."""

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from edgeproxy import __version__
from edgeproxy.cache.disk import Tag
from edgeproxy.cache.purge import Purges, Scope
from edgeproxy.cache.record import Record
from edgeproxy.cache.store import Store
from edgeproxy.core.events import Event
from edgeproxy.core.key import Identity
from edgeproxy.operate.archive import opened

from ...conftest import StartProxy, landed, made, until
from ...operate.region import Region
from ...wire import talk
from ..conftest import Run, Start

ROOM = {"EDGEPROXY_CACHE__MIN_FREE_BYTES": "0"}
MANY = 150
"""Records enough for a kill to come in between."""


def everything(folder: Path) -> dict[str, bytes]:
    """All files, with what is in them; but not what SQLite writes whenever somebody looks."""
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file() and not file.name.startswith("cache.db")
    }


async def fill(folder: Path, *, records: int = 3, export: Path | None = None) -> None:
    async with Region.at(folder) as region:
        await region.make("Hello.")
        await region.keep("Wanted.", promoted=True)
        for number in range(records):
            await region.keep(f"Sentence {'x' * number}.", samples=20_000)
        if export is not None:
            await region.export(export)


async def test_a_region_is_seeded_beside_a_proxy_that_goes_on(
    run: Run, start_proxy: StartProxy, facts: list[Event], hello_book: Path, tmp_path: Path
) -> None:
    async with start_proxy(phrases={"directory": hello_book}) as proxy, talk(proxy.url) as client:
        await until(lambda: made(facts) == 1)
        await client.say("नमस्ते।")
        await landed(proxy)
        (asked,) = [key for key, tag in proxy.store.tags().items() if tag is Tag.DYNAMIC]
        await promote(proxy.store, asked)
        ended = await run("cache", "export", "a.tar")
        assert (ended.code, ended.err.splitlines()[-1]) == (0, "2 of 2: read")
        assert "counts of 0 days" in ended.out
        assert (await client.say("नमस्ते।")).verdicts == ["hit-memory"]
    # By now it has saved what it counted.
    ended = await run("cache", "export", "a.tar")
    size = (tmp_path / "a.tar").stat().st_size / 1_000_000
    assert ended.out == (
        "a.tar: 2 records (1 of books, 1 promoted, 0 for now), 1 phrase, "
        f"counts of 1 day, {size:,.1f} MB\n"
    )
    assert stat.S_IMODE((tmp_path / "a.tar").stat().st_mode) == 0o600
    whole = (tmp_path / "a.tar").read_bytes()
    secret = (tmp_path / "data" / "install-secret").read_bytes()
    assert secret not in whole
    assert secret.hex().encode() not in whole
    # A region of its own: what only the clients of the first one ever hear stays out.
    ended = await run("cache", "import", "a.tar", "--data-dir", "two", **ROOM)
    assert (ended.code, ended.out.partition("; left out: ")) == (
        0,
        (
            "taken: 1 record, 1 phrase; there already: 0 records",
            "; left out: ",
            "1 of another installation's clients\n",
        ),
    )
    assert (tmp_path / "two" / "install-secret").read_bytes() != secret
    # Its own backup, with the secret kept beside it.
    (tmp_path / "three").mkdir()
    (tmp_path / "three" / "install-secret").write_bytes(secret)
    ended = await run("cache", "import", "a.tar", "--data-dir", "three", **ROOM)
    assert (ended.code, ended.out) == (
        0,
        "taken: 2 records, 1 phrase, counts of 1 day; there already: 0 records\n",
    )
    ended = await run("cache", "import", "a.tar", "--data-dir", "three", **ROOM)
    assert (ended.code, ended.out) == (
        0,
        "taken: 0 records, 0 phrases; there already: 2 records\n",
    )


async def promote(store: Store, key: str) -> None:
    """As a night does it."""
    value = await store.value(key)
    assert value is not None
    assert await store.pin(Identity.parse(Record.unpack(value).identity))


async def test_what_was_purged_comes_back_from_no_backup(run: Run, tmp_path: Path) -> None:
    await fill(tmp_path / "data", export=tmp_path / "a.tar")
    ended = await run("cache", "purge", "--prefix", "Sentence")
    assert ended.out == "gone: prefix Sentence: 3 records\n"
    ended = await run("cache", "import", "a.tar", **ROOM)
    assert (ended.code, ended.out.split("; ")[1:]) == (
        0,
        ["there already: 3 records", "left out: 3 purged here since\n"],
    )


async def test_records_that_cannot_be_read_are_told_and_the_exit_code_is_1(
    run: Run, tmp_path: Path
) -> None:
    await fill(tmp_path / "data", records=1)
    file = max(
        (tmp_path / "data" / "records").glob("*/*/*.val"), key=lambda each: each.stat().st_size
    )
    file.write_bytes(file.read_bytes()[:-5])
    ended = await run("cache", "export", "a.tar")
    assert ended.code == 1
    assert "left out: 1 can't be read" in ended.out
    assert "1 record can't be read; see `edgeproxy cache verify`" in ended.err
    with opened(tmp_path / "a.tar") as found:
        assert len(found.others) == 1


def cut(whole: bytes) -> bytes:
    return whole[: len(whole) // 2]


def newer(whole: bytes) -> bytes:
    return whole.replace(b'"form": 1', b'"form": 2', 1)


@pytest.mark.parametrize(
    ("edit", "data", "said"),
    [
        (cut, "data", "it was cut: it ends at byte"),
        (newer, "nowhere", f"its form is 2, written by edgeproxy {__version__}; edgeproxy "),
    ],
)
async def test_what_is_not_whole_is_one_line_and_changes_nothing(
    run: Run, tmp_path: Path, edit: Callable[[bytes], bytes], data: str, said: str
) -> None:
    await fill(tmp_path / "elsewhere", export=tmp_path / "a.tar")
    await fill(tmp_path / "data", records=0)
    (tmp_path / "a.tar").write_bytes(edit((tmp_path / "a.tar").read_bytes()))
    before = everything(tmp_path)
    ended = await run("cache", "import", "a.tar", "--data-dir", data, **ROOM)
    assert (ended.code, ended.out) == (1, "")
    line = ended.err.splitlines()[-1]
    assert line.startswith("edgeproxy: a.tar was not imported, and nothing is changed: ")
    assert said in line
    assert "Traceback" not in ended.err
    assert everything(tmp_path) == before
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["export", "a.tar", "--data-dir", "nowhere"], 2, "there is no folder nowhere"),
        (["export"], 2, "Missing argument 'FILE'"),
        (["export", "data"], 2, "is a directory"),
        (["export", "nowhere/a.tar"], 1, "was not written: "),
        (["export", "/dev/null"], 2, "/dev/null is no file"),
        (["import", "a.tar"], 1, "there is no such file"),
        (["import", "/dev/null"], 1, "it is no file"),
        (["import", "locked.tar"], 1, "locked.tar was not imported"),
    ],
)
async def test_what_cannot_be_done_is_one_line(
    run: Run, tmp_path: Path, arguments: list[str], code: int, said: str
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "locked.tar").touch(mode=0o000)
    ended = await run("cache", *arguments)
    assert ended.code == code
    (line,) = ended.err.splitlines()
    assert said in line
    assert not list((tmp_path / "data").glob("*.tar*"))


async def test_a_disk_that_takes_nothing_is_told_and_the_exit_code_is_1(
    run: Run, tmp_path: Path
) -> None:
    await fill(tmp_path / "data", export=tmp_path / "a.tar")
    full = {"EDGEPROXY_CACHE__MIN_FREE_BYTES": str(10**18)}
    ended = await run("cache", "import", "a.tar", "--data-dir", "two", **full)
    assert ended.code == 1
    assert "left out: 6 not taken by the disk" in ended.out
    assert "make room, and import it again" in ended.err


async def test_a_purges_file_that_is_damaged_is_told_before_anything_is_taken(
    run: Run, tmp_path: Path
) -> None:
    await fill(tmp_path / "data", export=tmp_path / "a.tar")
    Purges.load(tmp_path / "two" / "purges.json").add(Scope(text="x"), soft=False)
    (tmp_path / "two" / "purges.json").write_bytes(b"{")
    ended = await run("cache", "import", "a.tar", "--data-dir", "two", **ROOM)
    assert ended.code == 2
    assert "purges.json is damaged" in ended.err
    assert not (tmp_path / "two" / "records").exists()


async def test_a_secret_that_was_not_copied_whole_is_told_before_anything_is_taken(
    run: Run, tmp_path: Path
) -> None:
    await fill(tmp_path / "data", export=tmp_path / "a.tar")
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / "install-secret").write_bytes(b"half of it")
    ended = await run("cache", "import", "a.tar", "--data-dir", "two", **ROOM)
    assert ended.code == 2
    assert "install-secret is damaged: 10 bytes, not 32" in ended.err.splitlines()[-1]
    assert [each.name for each in (tmp_path / "two").iterdir()] == ["install-secret"]


async def test_a_killed_export_leaves_what_was_there(
    run: Run, start: Start, tmp_path: Path
) -> None:
    await fill(tmp_path / "data", records=MANY)
    file = tmp_path / "a.tar"
    file.write_bytes(b"the backup of yesterday")
    process = await start("cache", "export", "a.tar")
    await until(lambda: process.returncode is not None or any(tmp_path.glob("a.tar.*.new")))
    if process.returncode is None:
        process.kill()
    await process.wait()
    if file.read_bytes() != b"the backup of yesterday":  # it was quicker
        with opened(file) as found:
            assert len(found.others) == MANY + 1
    ended = await run("cache", "export", "a.tar")
    assert ended.code == 0
    with opened(file) as found:
        assert len(found.others) == MANY + 1


async def test_a_killed_import_leaves_a_store_that_is_whole_and_is_finished_by_another(
    run: Run, start: Start, tmp_path: Path
) -> None:
    await fill(tmp_path / "data", records=MANY, export=tmp_path / "a.tar")
    process = await start("cache", "import", "a.tar", "--data-dir", "two", **ROOM)
    await until(lambda: len(list((tmp_path / "two").glob("records/*/*/*.val"))) > 20)
    if process.returncode is None:
        process.kill()
    await process.wait()
    async with Region.at(tmp_path / "two") as region:
        before = len(region.tags())
        assert await region.store.verify(1.0) == (before, 0)
    assert before > 0
    ended = await run("cache", "import", "a.tar", "--data-dir", "two", **ROOM)
    assert ended.code == 0
    assert f"taken: {MANY + 3 - before} records" in ended.out
    async with Region.at(tmp_path / "two") as region:
        assert len(region.tags()) == MANY + 3
        assert region.speaks("Hello.") == 1
