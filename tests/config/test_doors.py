"""Where clients come in, and who they may be."""

from typing import Any

import pytest

from edgeproxy.config import Settings

ONE, TWO = (f"sha256:{digit * 64}" for digit in "ab")


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


def test_names_of_voices_in_the_environment_are_a_json_mapping(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("EDGEPROXY_OPENAI__VOICES", '{"alloy": "priya@hi-IN", "desk": "ritu"}')
    assert Settings.load().openai.voices == {"alloy": "priya@hi-IN", "desk": "ritu"}


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
