"""``/console``: one page that shows how callers fare and what the books say, for whoever is on call.

The page knows nothing itself: what it shows it asks of ``/admin``, so it is open to all and holds no secret.
A strict policy keeps it to its own files; a text that a caller has said can never become a script.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from aiohttp import ETag, web

from ..core.key import checksum

_PAGE: Final = Path(__file__).parent / "page"
_INDEX: Final = "index.html"
_FILES: Final = (
    _INDEX,
    "console.css",
    "console.js",
    "api.js",
    "controls.js",
    "dom.js",
    "explain.js",
    "nights.js",
    "now.js",
    "phrases.js",
    "player.js",
    "plot.js",
    "wanted.js",
    "words.js",
)
"""All there is; nothing else of the folder is ever read."""
_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
}
_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self' data:",
        "media-src 'self' blob:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
_HEADERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Cache-Control": "no-cache",
        "Content-Security-Policy": _POLICY,
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
)


@dataclass(frozen=True, slots=True)
class _File:
    """A file of the page. ``etag``: a checksum of its bytes, without quotes."""

    body: bytes
    etag: str
    content_type: str


class Console:
    """The page and its files, read once. Raises OSError where the installation is not whole."""

    def __init__(self) -> None:
        self._files = {name: _read(name) for name in _FILES}

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """``/console`` and what it loads, open to all."""
        router.add_get("/console", self._index)
        router.add_get("/console/{file}", self._file)

    async def _index(self, request: web.Request) -> web.Response:
        return _answer(request, self._files[_INDEX])

    async def _file(self, request: web.Request) -> web.Response:
        file = self._files.get(request.match_info["file"])
        if file is None:
            raise web.HTTPNotFound(text="the console has no such file; it begins at /console")
        return _answer(request, file)


def _read(name: str) -> _File:
    path = _PAGE / name
    body = path.read_bytes()
    return _File(body, checksum(body).hex(), _TYPES[path.suffix])


def _answer(request: web.Request, file: _File) -> web.Response:
    known = request.if_none_match or ()
    if any(tag.value in (file.etag, "*") for tag in known):
        response = web.Response(status=304, headers=_HEADERS)
    else:
        response = web.Response(
            body=file.body, headers={**_HEADERS, "Content-Type": file.content_type}
        )
    response.etag = ETag(file.etag)
    return response
