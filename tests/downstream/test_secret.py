"""The installation's secret: made once, whole or not at all, and what is named by it."""

import os
import stat
from pathlib import Path

import pytest

from edgeproxy.downstream.secret import (
    DamagedSecret,
    fingerprint,
    install_secret,
    is_name,
    name_of,
)


def test_a_name_is_the_same_for_the_same_key_and_tells_nothing_of_it() -> None:
    assert name_of(b"s" * 32, "one") == name_of(b"s" * 32, "one")
    assert name_of(b"s" * 32, "one") != name_of(b"s" * 32, "two")
    assert name_of(b"s" * 32, "one") != name_of(b"t" * 32, "one")
    assert "one" not in name_of(b"s" * 32, "one")


def test_a_key_of_any_bytes_has_its_own_name() -> None:
    # Header bytes that are no UTF-8 reach us as lone surrogates.
    raw, other = (sent.decode(errors="surrogateescape") for sent in (b"\xff\xfe", b"\xff"))
    assert name_of(b"s", raw) != name_of(b"s", other)


def test_the_secret_is_made_once_and_nobody_elses(tmp_path: Path) -> None:
    first = install_secret(tmp_path / "data")
    assert len(first) == 32
    assert install_secret(tmp_path / "data") == first
    assert install_secret(tmp_path / "other") != first
    assert stat.S_IMODE((tmp_path / "data" / "install-secret").stat().st_mode) == 0o600


def test_a_damaged_secret_is_an_error_with_the_remedy(tmp_path: Path) -> None:
    install_secret(tmp_path)
    (tmp_path / "install-secret").write_bytes(b"short")
    with pytest.raises(DamagedSecret, match="remove it"):
        install_secret(tmp_path)


def test_a_start_that_fails_halfway_leaves_no_secret_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left") as caught:
            install_secret(tmp_path)
    # Tells an operator the disk from the network.
    assert caught.value.filename == str(tmp_path / "install-secret")
    assert list(tmp_path.iterdir()) == []
    assert len(install_secret(tmp_path)) == 32


def test_of_two_starters_at_once_one_wins_and_both_read_its_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link, others = os.link, b"w" * 32

    def link_late(source: str, target: Path) -> None:
        target.write_bytes(others)
        link(source, target)

    monkeypatch.setattr(os, "link", link_late)
    assert install_secret(tmp_path) == others
    assert [file.name for file in tmp_path.iterdir()] == ["install-secret"]


def test_a_fingerprint_tells_secrets_apart_and_is_no_keys_name() -> None:
    one = fingerprint(b"s" * 32)
    assert one == fingerprint(b"s" * 32) != fingerprint(b"t" * 32)
    assert len(one) == 32
    assert one not in name_of(b"s" * 32, "this installation")


def test_names_are_told_from_other_namespaces() -> None:
    assert is_name(name_of(b"s" * 32, "one"))
    assert not any(map(is_name, ("tenant-key", "shared-key", "books:1:0", "book-key-1:1:0")))
