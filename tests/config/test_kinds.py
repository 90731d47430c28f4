"""Secrets, as they come from files and variables, and as they are shown."""

import pytest

from edgeproxy.config import ConfigError, Settings

ONE, TWO = (f"sha256:{digit * 64}" for digit in "ab")


def sarvam_key(settings: Settings) -> str | None:
    key = settings.origin.api_key
    return None if key is None else key.get_secret_value()


def test_a_secret_may_end_in_the_line_break_of_its_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SARVAM_API_KEY", "theirs\n")
    assert sarvam_key(Settings.load()) == "theirs"


@pytest.mark.parametrize(
    "secret", ["", " \n", "sk-a sk-b", "sk-a\nsk-b", "sk-é", "sk-\x7f", "sk-\udcff"]
)
def test_a_secret_that_no_header_can_carry_is_refused_unseen(secret: str) -> None:
    with pytest.raises(ConfigError, match=r"blank|ASCII") as caught:
        Settings.load(overrides={"origin": {"api_key": secret}})
    assert str(caught.value).startswith("origin.api_key: ")
    assert "sk-" not in str(caught.value)


def test_secrets_do_not_show() -> None:
    settings = Settings.load(overrides={"origin": {"api_key": "sk-secret"}})
    assert "sk-" not in repr(settings)
