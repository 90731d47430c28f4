"""Who may look, and who may change something: in front of everything the operator has.

On loopback whoever is on this machine may look; beyond it, only who has the token. To change something takes
the token anywhere. It comes in a header that no browser sends by itself, so no other site's page can act for
who is logged in here; that such a page can't look either, by a name of its own that points at loopback (DNS
rebinding) or as a cross-origin request, is seen to by ``Host``, ``Origin`` and ``Sec-Fetch-Site``.
"""

import hmac
import ipaddress
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

_BEARER: Final = "bearer "


class NotDone(Exception):
    """A call that was not done. ``status``, ``code``: what kind; the text: a sentence with the remedy."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class Guard:
    """``token``: who has it may change things; None: nobody may. ``loopback``: whether it listens there."""

    def __init__(self, *, token: str | None, loopback: bool) -> None:
        self._token = None if token is None else token.encode()
        self._loopback = loopback

    @property
    def has_token(self) -> bool:
        """Whether anything can be changed at all."""
        return self._token is not None

    def is_here(self, request: web.Request) -> bool:
        """Whether it may look at what needs no token anywhere."""
        return not self._loopback or _is_loopback(request.headers.get("Host", ""))

    def check_site(self, request: web.Request) -> None:
        """Whether the request may come from where it comes from. Raises :class:`NotDone`."""
        host = request.headers.get("Host", "")
        if not self.is_here(request):
            raise NotDone(403, "host", "on loopback this is reached by localhost or 127.0.0.1 only")
        origin = request.headers.get("Origin")
        elsewhere = origin is not None and origin.lower().partition("://")[2] != host.lower()
        if elsewhere or request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site"):
            raise NotDone(403, "origin", "pages of other sites get no answer here")

    def check(self, request: web.Request, *, change: bool) -> None:
        """Whether the request may look, or ``change`` something. Raises :class:`NotDone`."""
        self.check_site(request)
        given = _token(request)
        if given is not None and not self._is_right(given):
            raise NotDone(401, "token", "the token is wrong; it is what `admin.token` is set to")
        if given is not None or (self._loopback and not change):
            return
        if self._token is None:
            raise NotDone(401, "token", "nothing can be changed before `admin.token` is set")
        raise NotDone(401, "token", "send the token: `Authorization: Bearer …`")

    def may_change(self, request: web.Request) -> bool:
        """Whether the request has shown the token."""
        given = _token(request)
        return given is not None and self._is_right(given)

    def _is_right(self, given: bytes) -> bool:
        return self._token is not None and hmac.compare_digest(given, self._token)


def _token(request: web.Request) -> bytes | None:
    sent = request.headers.get("Authorization", "")
    if sent[: len(_BEARER)].lower() != _BEARER:
        return None
    return sent[len(_BEARER) :].strip().encode(errors="surrogateescape")


def _is_loopback(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
        if name == "localhost" or name.endswith(".localhost"):
            return True
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
