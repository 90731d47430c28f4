"""Who is let in, and as whom."""

import stat
from pathlib import Path

import pytest

from edgeproxy.downstream.auth import Keeper, install_secret
from edgeproxy.upstream.pool import Account

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
    with pytest.raises(ValueError, match="remove it"):
        install_secret(tmp_path)
