"""Who is let in, and as whom."""

import os
import stat
from pathlib import Path

import pytest

from edgeproxy.downstream.auth import DamagedSecret, Keeper, install_secret
from edgeproxy.upstream.pools import Account

OWN = Account("own", "sarvam-key")


def keeper(*keys: str, secret: bytes = b"s" * 32) -> Keeper:
    return Keeper(keys=keys, secret=secret, account=OWN)


def test_without_keys_any_will_do_but_none_at_all() -> None:
    assert keeper().admit("anything") is not None
    assert keeper().admit(None) is None
    assert keeper().admit("") is None


def test_with_keys_only_those() -> None:
    guarded = keeper("one", "two")
    assert guarded.admit("one") is not None
    assert guarded.admit("two") is not None
    assert guarded.admit("three") is None
    assert guarded.admit(None) is None


def test_a_key_of_any_bytes_is_only_another_key() -> None:
    # Header bytes that are no UTF-8 reach us as lone surrogates.
    raw, other = (
        b"\xff\xfe".decode(errors="surrogateescape"),
        b"\xff".decode(errors="surrogateescape"),
    )
    assert keeper("one").admit(raw) is None
    assert keeper().admit(raw) is not None
    assert keeper().admit(raw) != keeper().admit(other)


def test_each_key_has_a_namespace_of_its_own_and_the_proxys_account_pays() -> None:
    one, again, two = (keeper().admit(key) for key in ("one", "one", "two"))
    assert one is not None
    assert two is not None
    assert one == again
    assert one.namespace != two.namespace
    assert one.account == OWN


def test_a_namespace_does_not_tell_the_key_without_the_secret() -> None:
    one, other = keeper().admit("one"), keeper(secret=b"t" * 32).admit("one")
    assert one is not None
    assert other is not None
    assert one.namespace != other.namespace
    assert "one" not in one.namespace


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
