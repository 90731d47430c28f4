"""A file is the old one or the new one, and its owner's."""

import os
from pathlib import Path

import pytest

from edgeproxy.cache import durable


def test_a_file_is_made_with_its_folder_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "folder" / "file"
    durable.replace(file, b"one")
    assert file.read_bytes() == b"one"
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_a_file_is_replaced_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    file = tmp_path / "file"
    durable.replace(file, b"a longer one")
    durable.replace(file, b"two")
    assert file.read_bytes() == b"two"
    assert list(tmp_path.iterdir()) == [file]


def test_what_a_crash_left_half_written_is_used_up(tmp_path: Path) -> None:
    file = tmp_path / "file"
    durable.replace(file, b"old")
    (tmp_path / "file.new").write_bytes(b"half of something that was lon")
    durable.replace(file, b"new")
    assert file.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [file]


def test_a_write_that_fails_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    durable.replace(file, b"old")

    def no_disk(_: int) -> None:
        raise OSError("no disk today")

    monkeypatch.setattr(os, "fsync", no_disk)
    with pytest.raises(OSError, match="no disk today"):
        durable.replace(file, b"new")
    assert file.read_bytes() == b"old"
