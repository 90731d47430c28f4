"""Settings: from file, environment and command line, and one clear line per mistake."""

from pathlib import Path
from typing import Any

import pytest

from edgeproxy.config import ConfigError, Settings

ONE, TWO = (f"sha256:{digit * 64}" for digit in "ab")


def write(directory: Path, text: str) -> Path:
    file = directory / "edgeproxy.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def sarvam_key(settings: Settings) -> str | None:
    key = settings.origin.api_key
    return None if key is None else key.get_secret_value()


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


@pytest.mark.parametrize(
    ("variable", "value", "named"),
    [
        ("EDGEPROXY_OPENAI__VOICES", "alloy", "a mapping; in the environment, as JSON"),
        ("EDGEPROXY_OPENAI__VOICES", '{"alloy": "@hi-IN"}', "alloy: must be `speaker` or"),
        ("EDGEPROXY_OPENAI__LANGUAGE", " ", "a code such as hi-IN"),
        ("EDGEPROXY_AUTH__ALLOW", '["sk-a", ', "JSON"),
        ("EDGEPROXY_AUTH__ALLOW", "sk-a,,sk-b", "never the key itself"),
        ("EDGEPROXY_AUTH__ALLOW", "", "64 hexadecimal digits"),
        ("EDGEPROXY_AUTH__MODE", "closed", "'passthrough'"),
        ("EDGEPROXY_AUTH", "sk-a", "EDGEPROXY_AUTH__<NAME>"),
        ("EDGEPROXY_ORIGIN__PREWARM_VOICES", "shubh", "JSON"),
        ("EDGEPROXY_POOL__READY", "x", "pool.ready = 'x'"),
        ("EDGEPROXY_SERVER__PORTT", "1", "no such setting"),
        ("EDGEPROXY_SERVR__PORT", "1", "server, origin, pool"),
        ("edgeproxy_servr__port", "1", "server, origin, pool"),
    ],
)
def test_a_mistake_in_the_environment_is_one_line_with_the_variable(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, named: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigError) as caught:
        Settings.load()
    message = str(caught.value)
    assert variable in message
    assert named in message
    assert "\n" not in message
    assert "sk-" not in message


def test_a_variable_is_not_blamed_for_what_an_option_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEPROXY_POOL__READY", "2")
    with pytest.raises(ConfigError, match=r"^pool\.ready = 0"):
        Settings.load(overrides={"pool": {"ready": 0}})


def test_variables_that_only_share_the_prefix_are_not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    before = Settings.load()
    # The second is what Kubernetes gives every pod beside a service called edgeproxy.
    monkeypatch.setenv("EDGEPROXY_HYPOTHESIS", "deep")
    monkeypatch.setenv("EDGEPROXY_SERVICE_HOST", "10.0.0.1")
    assert Settings.load() == before


@pytest.mark.parametrize(
    ("rooms", "named"),
    [
        ({"server": {"port": 70000}}, ["server.port", "70000", "65535"]),
        ({"pool": {"ready": "many"}}, ["pool.ready", "many"]),
        ({"pool": {"redy": 1}}, ["pool.redy", "no such setting"]),
        ({"poll": {}}, ["poll", "no such setting"]),
        ({"origin": {"url": "api.sarvam.ai"}}, ["origin.url", "https://api.sarvam.ai"]),
        ({"origin": {"url": "https://api.sarvam.ai/v1"}}, ["origin.url", "without a path"]),
        ({"origin": {"url": "https://api.sarvam.ai?x=1"}}, ["origin.url", "query"]),
        ({"origin": {"url": "https://api.sarvam.ai#x"}}, ["origin.url", "fragment"]),
        ({"origin": {"url": "https://api..sarvam.ai"}}, ["origin.url", "https://api..sarvam.ai"]),
        ({"origin": {"url": "https://-api.sarvam.ai"}}, ["origin.url"]),
        ({"origin": {"url": "https://api.sarvam.ai\n"}}, ["origin.url"]),
        ({"origin": {"url": "https://api.sarvam.ai:99999"}}, ["origin.url", "65535"]),
        ({"origin": {"url": "https://api.sarvam.ai:0"}}, ["origin.url", "65535"]),
        ({"origin": {"url": "http://[::g]:80"}}, ["origin.url"]),
        ({"origin": {"url": "http://"}}, ["origin.url"]),
        ({"origin": {"codec": "opus"}}, ["origin.codec", "linear16"]),
        ({"turn": {"parallel_segments": 0}}, ["turn.parallel_segments", "0"]),
        ({"pool": {"lease_timeout_s": 5}}, ["lease_timeout_s", "first_audio_timeout_s", "8 s"]),
        ({"origin": {"answer_timeout_s": 5}}, ["lease_timeout_s", "answer_timeout_s", "5 s"]),
        ({"origin": {"answer_timeout_s": 9}}, ["origin.answer_timeout_s", "9", "8"]),
        ({"origin": {"breaker_attempts": 5}}, ["origin.breaker_attempts", "5", "20"]),
        ({"origin": {"breaker_ratio": 1.5}}, ["origin.breaker_ratio", "1.5", "1"]),
        ({"origin": {"turn_deadline_s": 0}}, ["origin.turn_deadline_s", "0"]),
        ({"pool": {"waiting_most": 0}}, ["pool.waiting_most", "0", "1"]),
        ({"server": {"host": "0.0.0.0"}}, ["server.host", "auth.mode", "127.0.0.1"]),
        (
            {"server": {"host": "::"}, "auth": {"mode": "passthrough"}},
            ["server.host", "auth.allow", "127.0.0.1"],
        ),
        ({"auth": {"mode": "proxy"}}, ["auth", "auth.tenants"]),
        ({"auth": {"tenants": "tenants.yaml"}}, ["auth.mode: proxy, not open"]),
        ({"auth": {"allow": [ONE]}}, ["auth.mode: passthrough, not open"]),
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


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("pool: [1, 2", "line 1"),
        ("- a\n- b", "mapping of rooms"),
        ("pool: {ready: 0}", "pool.ready"),
        ("auth: my-sk-secret", "auth: .*mapping"),
        ("auth: [my-sk-secret]", "auth: .*mapping"),
        ("auth: {allow: [sk-secret", "line 1"),
        ("auth: {allow: *sk-secret}", "line 1"),
        ("auth: {allow: [sk-secret]}", "auth.allow.0: must be `sha256:`"),
        ("server: {host: 2026-99-99}", "month"),
        ("1: {port: 80}", "1: there is no such"),
        ("server: {1: 80}", "server.1"),
    ],
)
def test_a_bad_file_is_one_line(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(ConfigError, match=named) as caught:
        Settings.load(write(tmp_path, text))
    assert "\n" not in str(caught.value)
    assert "sk-secret" not in str(caught.value)


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        Settings.load(tmp_path / "nowhere.yaml")


def test_an_empty_file_is_no_settings(tmp_path: Path) -> None:
    assert Settings.load(write(tmp_path, "")) == Settings.load()


def test_a_room_left_empty_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(tmp_path, "origin:\n  # url: http://127.0.0.1:8090\n")
    monkeypatch.setenv("SARVAM_API_KEY", "theirs")
    monkeypatch.setenv("EDGEPROXY_ORIGIN__STALL_TIMEOUT_S", "1")
    settings = Settings.load(file, overrides={"origin": {"url": "http://127.0.0.1:1"}})
    assert sarvam_key(settings) == "theirs"
    assert (settings.origin.url, settings.origin.stall_timeout_s) == ("http://127.0.0.1:1", 1)
