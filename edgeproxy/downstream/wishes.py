"""What one request makes of the cache, and the tag its turns are told under: the same words at every door.

``?cache=on|off|only|refresh`` or the header ``x-edgeproxy-cache``; ``?tag=`` or ``x-edgeproxy-tag``. The
query wins, as it does for the model. Over HTTP ``Cache-Control`` says the same in HTTP's own words, where
neither is there: ``only-if-cached`` (only), ``no-store`` (off), ``no-cache`` (refresh), in this order. On a
WebSocket it says nothing: browsers send ``no-cache`` with every handshake.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

from ..ask import Use
from ..sarvam import refusals
from ..sarvam.refusals import Refused

_CACHE: Final = ("cache", "x-edgeproxy-cache")
_TAG: Final = ("tag", "x-edgeproxy-tag")
_TAGS: Final = re.compile(r"[a-z0-9_-]{1,32}")
_IN_HTTPS_WORDS: Final = {
    "only-if-cached": Use.ONLY,
    "no-store": Use.OFF,
    "no-cache": Use.REFRESH,
}


@dataclass(frozen=True, slots=True)
class Wish:
    """``tag``: which of an agent's uses it is, for the log; None: it did not say."""

    use: Use = Use.ON
    tag: str | None = None

    @classmethod
    def of_handshake(cls, query: Mapping[str, str], headers: Mapping[str, str]) -> Self:
        """What a WebSocket's opening says. Raises :class:`Refused`; ``headers`` must be case-insensitive."""
        return cls(_use(query, headers) or Use.ON, _tag(query, headers))

    @classmethod
    def of_request(cls, query: Mapping[str, str], headers: Mapping[str, str]) -> Self:
        """What a request over HTTP says. Raises :class:`Refused`; ``headers`` must be case-insensitive."""
        use = _use(query, headers) or _in_https_words(headers.get("Cache-Control", ""))
        return cls(use, _tag(query, headers))


ANY: Final = Wish()
"""That of who wishes nothing."""


def _use(query: Mapping[str, str], headers: Mapping[str, str]) -> Use | None:
    name, said = _said(_CACHE, query, headers)
    if said is None:
        return None
    try:
        return Use(said)
    except ValueError:
        raise Refused(refusals.parameter(name, said, allowed=", ".join(Use))) from None


def _tag(query: Mapping[str, str], headers: Mapping[str, str]) -> str | None:
    name, said = _said(_TAG, query, headers)
    if said is not None and _TAGS.fullmatch(said) is None:
        allowed = "1 to 32 small letters, digits, - and _"
        raise Refused(refusals.parameter(name, said, allowed=allowed))
    return said


def _said(
    names: tuple[str, str], query: Mapping[str, str], headers: Mapping[str, str]
) -> tuple[str, str | None]:
    parameter, header = names
    if (said := query.get(parameter)) is not None:
        return parameter, said
    return header, headers.get(header)


def _in_https_words(cache_control: str) -> Use:
    directives = {each.partition("=")[0].strip().lower() for each in cache_control.split(",")}
    return next((use for word, use in _IN_HTTPS_WORDS.items() if word in directives), Use.ON)
