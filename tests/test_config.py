"""Settings: from file, environment and command line, and one clear line per mistake."""

import json
from pathlib import Path
from typing import Any

import pytest

from edgeproxy.config import ConfigError, Settings

ONE, TWO = (f"sha256:{digit * 64}" for digit in "ab")


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


def sarvam_key(settings: Settings) -> str | None:
    key = settings.origin.api_key
    return None if key is None else key.get_secret_value()


def test_sarvams_own_variable_is_read_and_ours_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SARVAM_API_KEY", "theirs")
    assert sarvam_key(Settings.load()) == "theirs"
    monkeypatch.setenv("EDGEPROXY_ORIGIN__API_KEY", "ours")
    assert sarvam_key(Settings.load()) == "ours"


@pytest.mark.parametrize("blank", ["", " ", "\n"])
def test_a_blank_variable_of_sarvams_is_not_set(
    monkeypatch: pytest.MonkeyPatch, blank: str
) -> None:
    monkeypatch.setenv("SARVAM_API_KEY", blank)
    assert sarvam_key(Settings.load()) is None


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


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (f'["{ONE}", "{TWO}"]', [ONE, TWO]),
        (f' ["{ONE.upper()}"]\n', [ONE]),
        (ONE, [ONE]),
        (f"{ONE}, {TWO}\n", [ONE, TWO]),
    ],
)
def test_keys_that_are_allowed_are_json_or_have_commas_between_in_the_environment(
    monkeypatch: pytest.MonkeyPatch, value: str, read: list[str]
) -> None:
    monkeypatch.setenv("EDGEPROXY_AUTH__MODE", "passthrough")
    monkeypatch.setenv("EDGEPROXY_AUTH__ALLOW", value)
    assert list(Settings.load().auth.allow) == read


def test_voices_in_the_environment_are_json(monkeypatch: pytest.MonkeyPatch) -> None:
    voices = [{"speaker": "shubh", "target_language_code": "hi-IN"}]
    monkeypatch.setenv("EDGEPROXY_ORIGIN__PREWARM_VOICES", json.dumps(voices))
    assert list(Settings.load().origin.prewarm_voices) == voices


def test_names_of_voices_in_the_environment_are_a_json_mapping(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("EDGEPROXY_OPENAI__VOICES", '{"alloy": "priya@hi-IN", "desk": "ritu"}')
    assert Settings.load().openai.voices == {"alloy": "priya@hi-IN", "desk": "ritu"}


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


def test_secrets_do_not_show() -> None:
    settings = Settings.load(overrides={"origin": {"api_key": "sk-secret"}})
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


@pytest.mark.parametrize("url", ["https://me:sk-secret@api.sarvam.ai", "http://x?key=sk-secret"])
def test_a_credential_in_the_url_is_refused_unseen(url: str) -> None:
    with pytest.raises(ConfigError, match=r"origin\.url") as caught:
        Settings.load(overrides={"origin": {"url": url}})
    assert "sk-" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "read"),
    [
        ("https://api.sarvam.ai/", "https://api.sarvam.ai"),
        ("HTTPS://API.sarvam.ai", "https://api.sarvam.ai"),
        ("http://tts_emulator:8090", "http://tts_emulator:8090"),
        ("http://127.0.0.1:65535", "http://127.0.0.1:65535"),
        ("http://[::1]:8090", "http://[::1]:8090"),
    ],
)
def test_an_origin_is_a_scheme_a_host_and_maybe_a_port(url: str, read: str) -> None:
    assert Settings.load(overrides={"origin": {"url": url}}).origin.url == read


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.0.0.5"])
def test_loopback_is_open(host: str) -> None:
    assert Settings.load(overrides={"server": {"host": host}}).server.host == host


@pytest.mark.parametrize(
    "auth",
    [
        {"mode": "proxy", "tenants": "tenants.yaml"},
        {"mode": "passthrough", "allow": [ONE]},
        {"open_to_all": True},
    ],
)
def test_where_it_is_said_who_may_come_in_any_address_will_do(auth: dict[str, Any]) -> None:
    rooms: dict[str, Any] = {"server": {"host": "0.0.0.0"}, "auth": auth}
    assert Settings.load(overrides=rooms).server.host == "0.0.0.0"


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
