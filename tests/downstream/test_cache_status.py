"""Cache-Status, as RFC 9211 has it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from edgeproxy.ask import Ask, Use
from edgeproxy.cache.clip import Clip, Source
from edgeproxy.core.freshness import Freshness
from edgeproxy.downstream.cache_status import cache_status
from edgeproxy.downstream.facts import Part

from ..house import ACCOUNT, TELLER

NOW = datetime(2026, 11, 25, tzinfo=UTC)
FRESHNESS = Freshness(ttl_s=3600, stale_s=3600)


def part(
    how: str,
    *,
    source: Source = Source.MEMORY,
    made_ago_s: float | None = None,
    stale: bool = False,
    **ask: Any,
) -> Part:
    clip = Clip(rate=8000)
    clip.source, clip.stale = source, stale
    if made_ago_s is not None:
        clip.made = NOW - timedelta(seconds=made_ago_s)
    return Part(ask=Ask(TELLER.identity("नमस्ते"), ACCOUNT, **ask), clip=clip, how=how)


HIT = part("hit-memory", made_ago_s=600)
MISS = part("fill", source=Source.ORIGIN)


@pytest.mark.parametrize(
    ("parts", "status"),
    [
        ([HIT], 'hit; ttl=3000; detail="hit-memory"'),
        (
            [HIT, part("fill", source=Source.DISK, made_ago_s=3000)],
            'hit; ttl=600; detail="hit-memory,hit-disk"',
        ),
        ([part("stale", made_ago_s=3612)], 'hit; ttl=-12; detail="stale"'),
        (
            [part("fill", source=Source.DISK, stale=True, made_ago_s=4000)],
            'hit; ttl=-400; detail="stale"',
        ),
        ([part("hit-memory", made_ago_s=9e6, curated=True)], 'hit; detail="hit-memory"'),
        ([MISS], 'fwd=uri-miss; detail="miss"'),
        (
            [part("fill", source=Source.ORIGIN, made_ago_s=0)],
            'fwd=uri-miss; stored; detail="miss"',
        ),
        ([part("collapsed")], 'fwd=uri-miss; collapsed; detail="collapsed"'),
        ([HIT, MISS], 'fwd=partial; detail="hit-memory,miss"'),
        ([part("stale", made_ago_s=1), MISS], 'fwd=partial; detail="stale,miss"'),
        ([part("bypass", use=Use.OFF)], 'fwd=bypass; detail="bypass"'),
        (
            [part("bypass", use=Use.REFRESH, source=Source.ORIGIN, made_ago_s=0)],
            'fwd=request; stored; detail="bypass"',
        ),
        ([part("pause")], 'detail="pause"'),
        ([part("pause"), HIT], 'hit; ttl=3000; detail="pause,hit-memory"'),
        ([part("pause"), MISS], 'fwd=uri-miss; detail="pause,miss"'),
        ([HIT, Part(ask=HIT.ask)], 'hit; ttl=3000; detail="hit-memory"'),
    ],
)
def test_each_verdict_has_its_word(parts: list[Part], status: str) -> None:
    assert cache_status(parts, freshness=FRESHNESS, now=NOW) == f"edgeproxy; {status}"


def test_a_long_text_does_not_make_a_header_that_clients_refuse() -> None:
    status = cache_status([part("collapsed")] * 1200, freshness=FRESHNESS, now=NOW)
    assert status.endswith(' and 1100 more"')
    assert len(status) < 2000
