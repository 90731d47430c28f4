"""Values in a folder: visible at once and whole, or not there. What the store makes of them: test_store."""

from pathlib import Path

import pytest

from edgeproxy.cache.disk import Disk, Tag
from edgeproxy.core.errors import RecordError


def name_of(value: bytes) -> tuple[str, Tag]:
    if value.startswith(b"bad"):
        raise RecordError("bad")
    return value.decode(), Tag.PINNED if value.startswith(b"pinned") else Tag.DYNAMIC


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    disk = Disk(tmp_path / "values", name_of=name_of)
    assert disk.open() == []
    return disk


def test_values_are_found_with_their_sizes_and_pins(disk: Disk) -> None:
    disk.set("a", b"one", Tag.DYNAMIC)
    disk.set("b", b"three", Tag.PINNED)
    assert (disk.get("a"), disk.get("b"), disk.get("c")) == (b"one", b"three", None)
    assert disk.head("b", 2) == b"th"
    assert disk.head("c", 2) is None
    assert disk.rows() == [("a", Tag.DYNAMIC, 3), ("b", Tag.PINNED, 5)]
    assert disk.mark("a", Tag.PINNED)
    assert not disk.mark("c", Tag.PINNED)
    assert sorted(disk.rows()) == [("a", Tag.PINNED, 3), ("b", Tag.PINNED, 5)]
    disk.delete("a")
    assert disk.rows() == [("b", Tag.PINNED, 5)]
    assert disk.older(-1) == []
    disk.close()


@pytest.mark.parametrize("value", ["text", 7, None])
def test_nothing_but_bytes_goes_in(disk: Disk, value: object) -> None:
    with pytest.raises(TypeError, match="values are bytes"):
        disk.set("a", value, Tag.DYNAMIC)  # type: ignore[arg-type]
    disk.close()


def test_a_takeover_that_was_cut_short_is_gone_on_with(tmp_path: Path, disk: Disk) -> None:
    disk.set("ab01", b"ab01", Tag.DYNAMIC)
    disk.close()
    left = tmp_path / "values.damaged" / "ab" / "cd"
    left.mkdir(parents=True)
    for name, value in (("1", b"pinned one"), ("2", b"bad one"), ("3", b"ab01")):
        (left / f"{name}.val").write_bytes(value)
    again = Disk(tmp_path / "values", name_of=name_of)
    assert sorted(again.open()) == [("ab01", Tag.DYNAMIC, 4), ("pinned one", Tag.PINNED, 10)]
    assert not (tmp_path / "values.damaged").exists()
    again.close()


def test_what_cannot_be_read_is_lost_alone_and_what_is_newer_stays(
    tmp_path: Path, disk: Disk
) -> None:
    disk.set("ab01", b"ab01", Tag.PINNED)
    disk.close()
    for number, (name, value) in enumerate(
        [("1", b"ab01"), ("2", b"cd02"), ("3", None), ("4", b"pinned one")]
    ):
        # Two that were put aside, one after the other.
        left = tmp_path / ("values.damaged" if number % 2 else "values.damaged-2") / "ab" / "cd"
        left.mkdir(parents=True, exist_ok=True)
        file = left / f"{name}.val"
        if value is None:
            file.mkdir()  # reads of it fail, as those of a bad sector do
        else:
            file.write_bytes(value)
    again = Disk(tmp_path / "values", name_of=name_of)
    assert sorted(again.open()) == [
        ("ab01", Tag.PINNED, 4),
        ("cd02", Tag.DYNAMIC, 4),
        ("pinned one", Tag.PINNED, 10),
    ]
    assert not list(tmp_path.glob("values.damaged*"))
    again.close()


def test_what_is_added_takes_nobodys_place(disk: Disk) -> None:
    assert disk.add("a", b"one", Tag.PROMOTED)
    assert not disk.add("a", b"another", Tag.DYNAMIC)
    assert disk.get("a") == b"one"
    assert disk.rows() == [("a", Tag.PROMOTED, 3)]
    disk.close()
