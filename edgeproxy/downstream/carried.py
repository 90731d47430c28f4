"""Headers that go through: all of them, but those of one connection, and with the account's key in each place
where the client's credential stood.

In passthrough mode the account's key is the client's own, so that credentials go on as they were sent. In
every other mode it is the proxy's, and no token of ours goes on: the three places that are read for one are
the three that are written, and other ways to say who one is (a cookie, another kind of ``Authorization``)
are left out, since they could only speak for somebody else than who was let in.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from multidict import CIMultiDict, CIMultiDictProxy

from ..sarvam import refusals
from ..sarvam.handshake import KEY_HEADER, SUBPROTOCOL_PREFIX
from ..sarvam.refusals import Refused

Headers = CIMultiDict[str] | CIMultiDictProxy[str]

_ONE_CONNECTION: Final = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-authentication-info",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""RFC 9110, 7.6.1."""
_OURS_TO_SAY: Final = frozenset({"host", "expect", "cookie", "http2-settings"})
_HANDSHAKE: Final = "sec-websocket-"
_THEIRS_TO_SAY: Final = frozenset({"set-cookie", "alt-svc"})
"""Cookies: see above. The other services of the origin's host are none of ours."""


def to_origin(headers: Headers, *, key: str) -> CIMultiDict[str]:
    """A client's headers as the origin gets them. Raises Refused (400) for one that is no text."""
    passed: CIMultiDict[str] = CIMultiDict()
    for name, value in _end_to_end(headers):
        low = name.lower()
        if low in _OURS_TO_SAY or low.startswith(_HANDSHAKE):
            continue
        if low == KEY_HEADER:
            value = key
        elif low == "authorization":
            scheme, _, token = value.strip().partition(" ")
            if scheme.lower() != "bearer" or not token.strip():
                continue
            value = f"{scheme} {key}"
        if not _is_text(value):
            raise Refused(refusals.bad_header(name))
        passed.add(name, value)
    return passed


def to_client(headers: Headers, *, origin: str) -> CIMultiDict[str]:
    """The origin's headers as a client gets them."""
    passed: CIMultiDict[str] = CIMultiDict()
    for name, value in _end_to_end(headers):
        low = name.lower()
        if low in _THEIRS_TO_SAY or low.startswith(_HANDSHAKE):
            continue
        if low == "location" and value.startswith(f"{origin}/"):
            # A client that follows it shall come by here again: its token is for us only.
            value = value.removeprefix(origin)
        if _is_text(value):
            passed.add(name, value)
    return passed


def offered(headers: Mapping[str, str]) -> list[str]:
    """The subprotocols that a client offers."""
    names = headers.get("Sec-WebSocket-Protocol", "").split(",")
    return [name.strip() for name in names if name.strip()]


def offered_to_origin(offers: Iterable[str], *, key: str) -> list[str]:
    """The same with the account's key in them, each once."""
    swapped = (
        f"{SUBPROTOCOL_PREFIX}{key}" if offer.lower().startswith(SUBPROTOCOL_PREFIX) else offer
        for offer in offers
    )
    return list(dict.fromkeys(swapped))


def chosen_for_client(chosen: str | None, offers: Sequence[str]) -> str | None:
    """What the client is told of the subprotocol the origin chose. One that carried a credential is echoed as
    it was offered, chosen or not: clients that offer one insist on it."""
    if chosen in offers:
        return chosen
    return next((offer for offer in offers if offer.lower().startswith(SUBPROTOCOL_PREFIX)), None)


def _is_text(value: str) -> bool:
    """Whether a value is UTF-8: other bytes come as surrogates, and could not be written again."""
    return not any("\ud800" <= character <= "\udfff" for character in value)


def _end_to_end(headers: Headers) -> Iterable[tuple[str, str]]:
    named = {
        name.strip().lower()
        for line in headers.getall("Connection", [])
        for name in line.split(",")
        if name.strip()
    }
    # Who names these would have them left out: a length is what a body ends by, a key is who asks.
    dropped = _ONE_CONNECTION | (named - {"content-length", "content-encoding", KEY_HEADER})
    return ((name, value) for name, value in headers.items() if name.lower() not in dropped)
