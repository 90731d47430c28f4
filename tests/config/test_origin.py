"""Where the origin is, and whose key pays."""

import json

import pytest

from edgeproxy.config import ConfigError, Settings

ONE, TWO = (f"sha256:{digit * 64}" for digit in "ab")


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


def test_voices_in_the_environment_are_json(monkeypatch: pytest.MonkeyPatch) -> None:
    voices = [{"speaker": "shubh", "target_language_code": "hi-IN"}]
    monkeypatch.setenv("EDGEPROXY_ORIGIN__PREWARM_VOICES", json.dumps(voices))
    assert list(Settings.load().origin.prewarm_voices) == voices


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
