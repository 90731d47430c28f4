"""Headers that go through, and the three places where a credential is swapped."""

import pytest
from multidict import CIMultiDict

from edgeproxy.downstream import carried
from edgeproxy.sarvam.refusals import Refused

TOKEN, KEY = "ept_token", "sarvam-key"


def test_what_is_of_one_connection_stays_there() -> None:
    sent = CIMultiDict(
        {
            "Host": "proxy",
            "Connection": "keep-alive, X-Mine",
            "X-Mine": "1",
            "Keep-Alive": "timeout=5",
            "TE": "trailers",
            "Trailer": "X-Sum",
            "Transfer-Encoding": "chunked",
            "Upgrade": "h2c",
            "HTTP2-Settings": "x",
            "Proxy-Authorization": "Basic x",
            "Proxy-Connection": "close",
            "Expect": "100-continue",
            "Sec-WebSocket-Key": "x",
            "User-Agent": "sarvamai/0.1.39",
            "X-Fern-Language": "Python",
            "Content-Length": "3",
            "Accept-Encoding": "gzip",
        }
    )
    assert dict(carried.to_origin(sent, key=KEY)) == {
        "User-Agent": "sarvamai/0.1.39",
        "X-Fern-Language": "Python",
        "Content-Length": "3",
        "Accept-Encoding": "gzip",
    }


def test_a_key_cant_be_named_away() -> None:
    sent = CIMultiDict(
        {"Connection": "api-subscription-key, content-length", "Content-Length": "3"}
    )
    sent.add("api-subscription-key", TOKEN)
    passed = carried.to_origin(sent, key=KEY)
    assert passed["api-subscription-key"] == KEY
    assert passed["Content-Length"] == "3"


@pytest.mark.parametrize(
    ("name", "value", "passed"),
    [
        ("Api-Subscription-Key", TOKEN, KEY),
        ("Authorization", f"Bearer {TOKEN}", f"Bearer {KEY}"),
        ("authorization", f"bearer {TOKEN}", f"bearer {KEY}"),
        ("Authorization", f"Basic {TOKEN}", None),
        ("Authorization", TOKEN, None),
        ("Cookie", f"key={TOKEN}", None),
    ],
)
def test_the_key_stands_where_the_clients_credential_stood(
    name: str, value: str, passed: str | None
) -> None:
    assert carried.to_origin(CIMultiDict({name: value}), key=KEY).get(name) == passed


def test_every_line_of_a_credential_is_swapped() -> None:
    sent = CIMultiDict([("api-subscription-key", TOKEN), ("API-SUBSCRIPTION-KEY", "other")])
    passed = carried.to_origin(sent, key=KEY)
    assert passed.getall("api-subscription-key") == [KEY, KEY]


def test_bytes_that_are_no_text_are_refused_by_name_and_never_told() -> None:
    odd = CIMultiDict({"X-Odd": b"\xff".decode(errors="surrogateescape"), "X-Fine": "नमस्ते"})
    with pytest.raises(Refused, match="X-Odd"):
        carried.to_origin(odd, key=KEY)
    assert dict(carried.to_client(odd, origin="https://h")) == {"X-Fine": "नमस्ते"}


def test_subprotocols_are_swapped_and_echoed_as_they_were_offered() -> None:
    offers = carried.offered({"Sec-WebSocket-Protocol": f"chat, api-subscription-key.{TOKEN} ,"})
    assert offers == ["chat", f"api-subscription-key.{TOKEN}"]
    swapped = carried.offered_to_origin([*offers, f"API-subscription-key.{TOKEN}"], key=KEY)
    assert swapped == ["chat", f"api-subscription-key.{KEY}"]
    assert carried.chosen_for_client("chat", offers) == "chat"
    assert carried.chosen_for_client(f"api-subscription-key.{KEY}", offers) == offers[1]
    assert carried.chosen_for_client(None, offers) == offers[1]
    assert carried.chosen_for_client(None, ["chat"]) is None


def test_a_client_is_told_what_is_the_origins_to_say_but_not_where_else_it_lives() -> None:
    said = CIMultiDict(
        {
            "Content-Type": "application/json",
            "Content-Length": "2",
            "Content-Encoding": "gzip",
            "x-request-id": "id",
            "Server": "uvicorn",
            "Set-Cookie": "a=b",
            "Alt-Svc": 'h3=":443"',
            "Connection": "close",
            "Transfer-Encoding": "chunked",
            "Trailer": "X-Sum",
            "Location": "https://api.sarvam.ai/voices/?a=b",
        }
    )
    assert dict(carried.to_client(said, origin="https://api.sarvam.ai")) == {
        "Content-Type": "application/json",
        "Content-Length": "2",
        "Content-Encoding": "gzip",
        "x-request-id": "id",
        "Server": "uvicorn",
        "Location": "/voices/?a=b",
    }


@pytest.mark.parametrize("where", ["https://api.sarvam.ai.evil/x", "https://other/x", "/x"])
def test_any_other_location_is_left_alone(where: str) -> None:
    told = carried.to_client(CIMultiDict({"Location": where}), origin="https://api.sarvam.ai")
    assert told["Location"] == where
