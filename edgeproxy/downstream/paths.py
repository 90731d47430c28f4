"""What a request that is passed on asks for, read so that nobody can read it otherwise.

The origin gets a path byte for byte as it was sent; what is allowed is decided by its meaning. So a path that
two programs might understand differently (dots that climb, slashes in disguise, a host where a path belongs)
is refused before anything is decided.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import parse_qs, unquote

from ..sarvam import refusals
from ..sarvam.refusals import Refused

_DICTIONARIES: Final = "/text-to-speech/pronunciation-dictionary"
_CHANGING: Final = {"POST", "PUT", "PATCH", "DELETE"}
_PLAIN: Final = re.compile(r"[!-~]+")
_HALF_DECODED: Final = re.compile(r"%[0-9A-Fa-f]{2}")
_PREFIX: Final = re.compile(r"(?:/[A-Za-z0-9._~-]+)+")
_SHOWN_CHARACTERS: Final = 40
PREFIXES: Final = "must be a list of paths like /speech-to-text; / alone stands for all of them"


@dataclass(frozen=True, slots=True)
class Target:
    """``raw``: as it was sent, query and all; ``path``: what it means; ``query``: as it was sent."""

    raw: str
    path: str
    query: str

    @classmethod
    def parse(cls, raw: str) -> Self:
        """Read a request's target. Raises :class:`Refused` (400) for one that is not plain."""
        sent, _, query = raw.partition("?")
        path = unquote(sent)
        if not _PLAIN.fullmatch(raw) or "#" in raw or not sent.startswith("/"):
            raise _not_plain("it begins with / and is ASCII, percent-encoded where need be")
        if path.count("/") != sent.count("/") or "\\" in path or "//" in path:
            raise _not_plain("no empty segments, backslashes or encoded slashes")
        if _HALF_DECODED.search(path) or not path.isprintable():
            raise _not_plain("percent-encoded once, and no control characters")
        # What follows a semicolon is cut off by some servers, and dots are looked at then.
        if any(segment.partition(";")[0] in (".", "..") for segment in path.split("/")):
            raise _not_plain("no segments of dots")
        return cls(raw, path, query)

    @property
    def head(self) -> str:
        """The first segment of the path: what may be logged, since ids come later."""
        return f"/{self.path.split('/')[1]}"[:_SHOWN_CHARACTERS]

    def is_under(self, prefixes: Iterable[str]) -> bool:
        """Whether the path is one of ``prefixes``, or below it."""
        return any(
            self.path == prefix or self.path.startswith(f"{prefix.rstrip('/')}/")
            for prefix in prefixes
        )

    def dictionaries_changed(self, method: str) -> list[str]:
        """The pronunciation dictionaries that this request changes, if the origin agrees to it."""
        if method not in _CHANGING or not self.is_under([_DICTIONARIES]):
            return []
        named = parse_qs(self.query).get("dict_id", [])
        _, _, below = self.path.removeprefix(_DICTIONARIES).partition("/")
        named += [below.partition("/")[0]]
        return [dict_id for dict_id in dict.fromkeys(named) if dict_id]


def prefix_written(prefix: object) -> str:
    """A prefix of a tenant's list, or ValueError: only what :meth:`Target.is_under` can't misread."""
    if isinstance(prefix, str):
        plain = _PREFIX.fullmatch(prefix) and not set(prefix.split("/")) & {".", ".."}
        if plain or prefix == "/":
            return prefix
    raise ValueError(PREFIXES)


def _not_plain(allowed: str) -> Refused:
    # Never the path itself: whoever plays with paths may play with what stands in them.
    return Refused(refusals.bad_path(allowed=allowed))
