"""Values in a folder: visible at once and whole, or not there. What the store makes of them: test_store."""

from pathlib import Path

import pytest

from edgeproxy.cache.disk import Disk
from edgeproxy.core.errors import RecordError


def name_of(value: bytes) -> tuple[str, bool]:
    if value.startswith(b"bad"):
        raise RecordError("bad")
    return value.decode(), value.startswith(b"pinned")


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    disk = Disk(tmp_path / "values", name_of=name_of)
    assert disk.open() == []
    return disk


def test_values_are_found_with_their_sizes_and_pins(disk: Disk) -> None:
    disk.set("a", b"one", pinned=False)
    disk.set("b", b"three", pinned=True)
    assert (disk.get("a"), disk.get("b"), disk.get("c")) == (b"one", b"three", None)
    assert disk.head("b", 2) == b"th"
    assert disk.head("c", 2) is None
    assert disk.rows() == [("a", False, 3), ("b", True, 5)]
    assert disk.pin("a", pinned=True)
    assert not disk.pin("c", pinned=True)
    assert sorted(disk.rows()) == [("a", True, 3), ("b", True, 5)]
    disk.delete("a")
    assert disk.rows() == [("b", True, 5)]
    assert disk.older(-1) == []
    disk.close()


@pytest.mark.parametrize("value", ["text", 7, None])
def test_nothing_but_bytes_goes_in(disk: Disk, value: object) -> None:
    with pytest.raises(TypeError, match="values are bytes"):
        disk.set("a", value, pinned=False)  # type: ignore[arg-type]
    disk.close()


def test_a_takeover_that_was_cut_short_is_gone_on_with(tmp_path: Path, disk: Disk) -> None:
    disk.set("ab01", b"ab01", pinned=False)
    disk.close()
    left = tmp_path / "values.damaged" / "ab" / "cd"
    left.mkdir(parents=True)
    for name, value in (("1", b"pinned one"), ("2", b"bad one"), ("3", b"ab01")):
        (left / f"{name}.val").write_bytes(value)
    again = Disk(tmp_path / "values", name_of=name_of)
    assert sorted(again.open()) == [("ab01", False, 4), ("pinned one", True, 10)]
    assert not (tmp_path / "values.damaged").exists()
    again.close()
