"""What goes into an archive: all that can be read whole and may be heard, and a server goes on meanwhile."""

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from edgeproxy.cache.purge import Scope
from edgeproxy.core.key import Identity
from edgeproxy.operate import exporting
from edgeproxy.operate.archive import Archive, opened
from edgeproxy.operate.exporting import Unfit
from edgeproxy.phrases.generations import Failure

from .region import NOW, VOICE, Region


@pytest.fixture
async def region(tmp_path: Path) -> AsyncIterator[Region]:
    async with Region.at(tmp_path / "one") as region:
        yield region


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "a.tar"


def value_of(region: Region, identity: Identity) -> Path:
    """The file of a record on the disk."""
    (found,) = [
        each
        for each in (region.directory / "records").glob("*/*/*.val")
        if identity.blob in each.read_bytes()
    ]
    return found


def others(archive: Archive) -> list[str]:
    return [kept.key for kept in archive.others]


async def test_all_that_is_kept_is_in_it_as_it_lies_on_the_disk(region: Region, file: Path) -> None:
    made = await region.make("नमस्ते।", numbers=(1, 2, 3), takes=2, use=2)
    kept = await region.keep("फिर मिलेंगे।")
    promoted = await region.keep("Goodbye.", promoted=True)
    exported = await region.export(file)
    assert exported.records == {"pinned": 12, "promoted": 1, "dynamic": 1}
    assert (exported.units, exported.size) == (1, file.stat().st_size)
    assert not exported.left_out.total()
    for identity in (kept, promoted):
        assert value_of(region, identity).read_bytes() in file.read_bytes()
    with opened(file) as found:
        assert found.units == {made.key: made}
        assert found.units[made.key].held
        assert others(found) == [promoted.key, kept.key]
        assert found.manifest.records == len(region.tags())


async def test_the_least_recently_used_come_first(region: Region, file: Path) -> None:
    kept = [await region.keep(text) for text in ("One.", "Two.", "Three.")]
    await region.export(file)
    with opened(file) as found:
        assert others(found) == [each.key for each in kept]


async def test_what_was_purged_or_is_damaged_is_left_out_and_told(
    region: Region, file: Path
) -> None:
    damaged, purged = await region.keep("Damaged."), await region.keep("Purged.")
    stale, whole = await region.keep("Stale."), await region.keep("Whole.")
    value = value_of(region, damaged)
    value.write_bytes(value.read_bytes()[:-3])
    region.purges.add(Scope(text=purged.text), soft=False)
    region.purges.add(Scope(text=stale.text), soft=True)
    exported = await region.export(file)
    assert exported.left_out == Counter({Unfit.BAD: 1, Unfit.PURGED: 2, Unfit.UNHEARD: 0})
    with opened(file) as found:
        assert others(found) == [whole.key]
    assert len(region.tags()) == 4


async def test_a_generation_that_is_not_whole_is_left_out_and_the_phrase_speaks_on(
    region: Region, file: Path
) -> None:
    unit = await region.make("नमस्ते।", numbers=(1, 2), takes=2, use=2)
    lost = unit.generations[0].identity(VOICE, unit.text, 1)
    await region.store.remove(lost.key)
    await region.export(file)
    with opened(file) as found:
        assert [each.number for each in found.units[unit.key].generations] == [2]
        assert len(found.curated[unit.key]) == 4


async def test_a_phrase_whose_speaking_generation_is_gone_is_left_out(
    region: Region, file: Path
) -> None:
    unit = await region.make("नमस्ते।", numbers=(1, 2))
    await region.store.remove(unit.generations[1].identity(VOICE, unit.text, 0).key)
    exported = await region.export(file)
    assert exported.units == 0
    assert exported.left_out[Unfit.UNHEARD] == 2
    with opened(file) as found:
        assert not found.curated


async def test_recordings_that_no_phrase_names_are_left_out(region: Region, file: Path) -> None:
    unit = await region.make("नमस्ते।")
    region.generations.retire(unit.key)
    exported = await region.export(file)
    assert exported.left_out[Unfit.UNHEARD] == 2
    assert exported.records.total() == 0


async def test_what_could_not_be_made_goes_along(region: Region, file: Path) -> None:
    unit = await region.make("नमस्ते।")
    failure = Failure(NOW, ("0.02 s is too short",), 3)
    failed = region.generations.fail(VOICE, "Goodbye.", failure, phrases=["desk/goodbye"])
    await region.export(file)
    with opened(file) as found:
        assert found.units == {unit.key: unit, failed.key: failed}


async def test_what_another_process_has_put_meanwhile_is_in_it(region: Region, file: Path) -> None:
    async with Region.at(region.directory) as server:
        kept = await server.keep("Hello.")
    await region.export(file)
    with opened(file) as found:
        assert others(found) == [kept.key]


async def test_a_disk_that_fails_is_told_record_by_record(
    region: Region, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await region.keep("Hello.")

    def bad_sector(*_: object) -> bytes:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("edgeproxy.cache.disk.Disk.get", bad_sector)
    exported = await region.export(file)
    assert exported.left_out[Unfit.BAD] == 1


async def test_an_export_that_fails_leaves_what_was_there_and_nothing_else(
    region: Region, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_bytes(b"the backup of yesterday")
    await region.keep("Hello.")

    def full(*_: object) -> bytes:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("edgeproxy.operate.tar.Writer.add", full)
    with pytest.raises(OSError, match="No space left"):
        await region.export(file)
    monkeypatch.undo()
    monkeypatch.setattr(exporting, "MOST", 1)
    with pytest.raises(ValueError, match="more than the 1 files"):
        await region.export(file)
    assert file.read_bytes() == b"the backup of yesterday"
    assert [each.name for each in file.parent.glob("a.tar*")] == ["a.tar"]


async def test_a_folder_that_is_not_there_is_told(region: Region, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        await region.export(tmp_path / "nowhere" / "a.tar")
