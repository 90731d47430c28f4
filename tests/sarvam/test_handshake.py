"""The opening: queries as the real clients send them, keys by all three ways, never shown."""

import pytest
from multidict import CIMultiDict

from edgeproxy.sarvam.handshake import Credential, Query, origin_url


@pytest.mark.parametrize("flag", ["true", "True", "TRUE"])
def test_the_completion_flag_is_read_in_any_case(flag: str) -> None:
    query = {"model": "bulbul:v3", "send_completion_event": flag, "v": "1"}
    assert Query.parse(query) == Query("bulbul:v3", True)


@pytest.mark.parametrize(
    ("query", "completion"),
    [
        ({"send_completion_event": "False"}, False),
        ({"send_completion_event": "1"}, None),
        ({}, None),
    ],
)
def test_only_true_and_false_are_flags(query: dict[str, str], completion: bool | None) -> None:
    assert Query.parse(query) == Query(None, completion)


def test_a_blank_model_is_no_model() -> None:
    assert Query.parse({"model": " "}).model is None


def test_the_header_may_be_written_in_any_case() -> None:
    credential = Credential.parse(CIMultiDict({"Api-Subscription-Key": "k1"}))
    assert (credential.key, credential.subprotocol) == ("k1", None)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_a_bearer_token_is_a_key(scheme: str) -> None:
    assert Credential.parse(CIMultiDict({"authorization": f"{scheme} k2"})).key == "k2"


def test_other_schemes_are_not_keys() -> None:
    assert Credential.parse(CIMultiDict({"authorization": "Basic k2"})).key is None


def test_a_browser_has_only_the_subprotocol_and_hears_it_echoed() -> None:
    credential = Credential.parse(CIMultiDict[str](), ["chat", "api-subscription-key.k3"])
    assert (credential.key, credential.subprotocol) == ("k3", "api-subscription-key.k3")


def test_the_subprotocol_is_echoed_even_when_the_header_counts() -> None:
    headers = CIMultiDict({"api-subscription-key": "k1", "Authorization": "Bearer k2"})
    credential = Credential.parse(headers, ["api-subscription-key.k3"])
    assert (credential.key, credential.subprotocol) == ("k1", "api-subscription-key.k3")


def test_blank_keys_are_missing_keys() -> None:
    headers = CIMultiDict({"api-subscription-key": " ", "Authorization": "Bearer "})
    assert Credential.parse(headers, ["api-subscription-key."]).key is None


def test_a_key_is_never_shown() -> None:
    credential = Credential("sk-secret", "api-subscription-key.sk-secret")
    for text in (repr(credential), str(credential), f"{[credential]}"):
        assert "secret" not in text
    assert repr(credential) != repr(Credential(None))


def test_the_websocket_url_follows_from_the_origin() -> None:
    path = "/text-to-speech/ws"
    assert origin_url("https://api.sarvam.ai/", path, websocket=True) == (
        "wss://api.sarvam.ai/text-to-speech/ws"
    )
    assert origin_url("http://127.0.0.1:8090", path, websocket=True) == (
        "ws://127.0.0.1:8090/text-to-speech/ws"
    )
    assert origin_url("https://api.sarvam.ai", "/text-to-speech") == (
        "https://api.sarvam.ai/text-to-speech"
    )
