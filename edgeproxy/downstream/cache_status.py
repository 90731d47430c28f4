"""``Cache-Status`` (RFC 9211): what the cache made of a request, in one header.

::

    edgeproxy; hit; ttl=3571; detail="hit-memory,hit-disk"      all of it was there, the oldest fresh so long
    edgeproxy; hit; ttl=-12; detail="stale"                     past its freshness, renewed behind the answer
    edgeproxy; fwd=uri-miss; stored; detail="miss"              none of it was
    edgeproxy; fwd=uri-miss; collapsed; detail="collapsed"      somebody else's request had it under way
    edgeproxy; fwd=partial; detail="hit-memory,miss"            some of it was
    edgeproxy; fwd=request; detail="bypass"                     `refresh` (`no-cache`): not looked for
    edgeproxy; fwd=bypass; detail="bypass"                      `off` (`no-store`): nor kept; or the operator
                                                                has switched the cache off, or to its shadow

``detail`` has the verdict of each segment, in their order. ``stored`` is there where it is known: the headers
of a stream go out before its end. A pause, for a text with nothing to say, is neither hit nor forwarded.
"""

from collections.abc import Iterable
from datetime import datetime
from itertools import islice
from typing import Final

from ..ask import Use
from ..cache.clip import Source
from ..core.freshness import Freshness
from .facts import Part, verdict

_HITS: Final = ("hit-memory", "hit-disk", "stale")
_MOST_TOLD: Final = 100
"""Clients take headers of some 8 KB; a long text of short sentences would pass that."""


def cache_status(parts: Iterable[Part], *, freshness: Freshness, now: datetime) -> str:
    """The value of the header for the segments that were begun."""
    told = [(verdict(part.clip, part.how), part) for part in parts if part.how]
    verdicts = [said for said, _ in told]
    hits = sum(said in _HITS for said in verdicts)
    sent_on = [part for said, part in told if said not in _HITS and said != "pause"]
    status = ["edgeproxy"]
    if sent_on:
        status += _forwarded(sent_on, partly=bool(hits))
    elif hits:
        status.append("hit")
        status += _ttl([part for _, part in told], freshness, now)
    detail = ",".join(islice(verdicts, _MOST_TOLD))
    if len(verdicts) > _MOST_TOLD:
        detail += f" and {len(verdicts) - _MOST_TOLD} more"
    return "; ".join([*status, f'detail="{detail}"'])


def _forwarded(parts: list[Part], *, partly: bool) -> list[str]:
    uses = {part.ask.use for part in parts}
    if Use.OFF in uses or any(part.how == "bypass" and part.ask.use is Use.ON for part in parts):
        why = "bypass"
    elif Use.REFRESH in uses:
        why = "request"
    else:
        why = "partial" if partly else "uri-miss"
    said = [f"fwd={why}"]
    if all(_is_stored(part) for part in parts):
        said.append("stored")
    if any(part.how == "collapsed" for part in parts):
        said.append("collapsed")
    return said


def _is_stored(part: Part) -> bool:
    clip = part.clip
    return clip is not None and clip.source is Source.ORIGIN and clip.made is not None


def _ttl(parts: list[Part], freshness: Freshness, now: datetime) -> list[str]:
    # What a book's generation says has no end but the next one's beginning.
    left = [
        freshness.left_s(part.clip.made, now)
        for part in parts
        if part.clip is not None and part.clip.made is not None and not part.ask.curated
    ]
    return [f"ttl={int(min(left))}"] if left else []
