"""Settings: from file, environment and command line, and one clear line per mistake."""

from pathlib import Path
from typing import Any

import pytest

from edgeproxy.config import ConfigError, Settings


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SARVAM_API_KEY", raising=False)


def write(directory: Path, text: str) -> Path:
    file = directory / "edgeproxy.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_without_anything_the_defaults_hold() -> None:
    settings = Settings.load()
    assert (settings.server.host, settings.server.port) == ("127.0.0.1", 8080)
    assert settings.origin.url == "https://api.sarvam.ai"


def test_the_environment_wins_over_the_file_and_the_command_line_over_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(tmp_path, "pool: {ready: 1, reserve: 1, account_sessions: 11}\nserver: {port: 1}")
    monkeypatch.setenv("EDGEPROXY_POOL__READY", "2")
    monkeypatch.setenv("EDGEPROXY_POOL__RESERVE", "2")
    settings = Settings.load(file, overrides={"pool": {"ready": 3}})
    assert (settings.pool.ready, settings.pool.reserve) == (3, 2)
    assert settings.pool.account_sessions == 11
    assert settings.server.port == 1


def test_sarvams_own_variable_is_read_and_ours_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SARVAM_API_KEY", "theirs")
    key = Settings.load().origin.api_key
    assert key is not None
    assert key.get_secret_value() == "theirs"
    monkeypatch.setenv("EDGEPROXY_ORIGIN__API_KEY", "ours")
    key = Settings.load().origin.api_key
    assert key is not None
    assert key.get_secret_value() == "ours"


def test_secrets_do_not_show() -> None:
    settings = Settings.load(
        overrides={"origin": {"api_key": "sk-secret"}, "auth": {"keys": ["sk-client"]}}
    )
    assert "sk-" not in repr(settings)


@pytest.mark.parametrize(
    ("rooms", "named"),
    [
        ({"server": {"port": 70000}}, ["server.port", "70000", "65535"]),
        ({"pool": {"ready": "many"}}, ["pool.ready", "many"]),
        ({"pool": {"redy": 1}}, ["pool.redy", "no such setting"]),
        ({"poll": {}}, ["poll", "no such setting"]),
        ({"origin": {"url": "api.sarvam.ai"}}, ["origin.url", "https://api.sarvam.ai"]),
        ({"origin": {"url": "https://api.sarvam.ai/v1"}}, ["origin.url", "without a path"]),
        ({"origin": {"codec": "opus"}}, ["origin.codec", "linear16"]),
        ({"turn": {"parallel_segments": 0}}, ["turn.parallel_segments", "0"]),
        ({"pool": {"lease_timeout_s": 5}}, ["lease_timeout_s", "first_audio_timeout_s", "8 s"]),
        ({"server": {"host": "0.0.0.0"}}, ["server.host", "auth.keys", "127.0.0.1"]),
    ],
)
def test_a_mistake_is_one_line_with_the_setting_the_value_and_what_is_allowed(
    rooms: dict[str, dict[str, Any]], named: list[str]
) -> None:
    with pytest.raises(ConfigError) as caught:
        Settings.load(overrides=rooms)
    message = str(caught.value)
    assert "\n" not in message
    assert all(word in message for word in named), message


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.0.0.5"])
def test_loopback_is_open_without_keys(host: str) -> None:
    assert Settings.load(overrides={"server": {"host": host}}).server.host == host


def test_with_keys_any_address_will_do() -> None:
    rooms: dict[str, Any] = {"server": {"host": "0.0.0.0"}, "auth": {"keys": ["a"]}}
    assert Settings.load(overrides=rooms).server.host == "0.0.0.0"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("pool: [1, 2", "line 1"),
        ("- a\n- b", "mapping of rooms"),
        ("pool: {ready: 0}", "pool.ready"),
    ],
)
def test_a_bad_file_is_one_line(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(ConfigError, match=named) as caught:
        Settings.load(write(tmp_path, text))
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        Settings.load(tmp_path / "nowhere.yaml")


def test_an_empty_file_is_no_settings(tmp_path: Path) -> None:
    assert Settings.load(write(tmp_path, "")) == Settings.load()
