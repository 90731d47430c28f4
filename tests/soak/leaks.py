"""What is left in a proxy that nobody calls: handles, sessions on lease, memory; and what its log tells."""

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..fakes.link import Link
from ..fakes.process import ProxyProcess

_SPARE_SOCKETS: Final = 4
_SPARE_FILES: Final = 4
_SPARE_THREADS: Final = 12
"""Executors begin their threads when they are first needed."""
_SPARE_BYTES: Final = 60_000_000
"""Growth beyond that is a leak: more than the hot tier and the encoders together."""
_QUIET_S: Final = 20.0
_BUGS: Final = re.compile(
    r"Traceback|Task was destroyed|never retrieved|never awaited|failed by a bug|conversation failed"
)


@dataclass(frozen=True, slots=True)
class Look:
    """A proxy that nobody calls."""

    sockets: int
    """Those to the origin aside: how many sessions stand ready is the pool's affair."""
    strays: int
    """Connections to the origin that are in no pool's books."""
    files: int
    threads: int
    resident_bytes: int
    busy: int
    """Sessions on lease and callers that wait for one, although nobody calls."""


async def look_when_quiet(proxy: ProxyProcess, link: Link) -> Look:
    """Look at a proxy whose callers have left, once it has come to rest."""
    seen: list[Look] = []
    async with asyncio.timeout(_QUIET_S * 3):
        # Three equal looks in a row, or the best that can be had.
        for _ in range(int(_QUIET_S * 4)):
            seen.append(await _look(proxy, link))
            last = [(each.sockets, each.strays, each.files, each.busy) for each in seen[-3:]]
            if len(last) == 3 and len(set(last)) == 1 and not (seen[-1].busy or seen[-1].strays):
                break
            await asyncio.sleep(0.25)
    return seen[-1]


async def _look(proxy: ProxyProcess, link: Link) -> Look:
    pools = " ".join(map(str, (await proxy.details()).get("pools", [])))

    def count(what: str) -> int:
        return sum(map(int, re.findall(rf"(\d+) (?:{what})", pools)))

    handles = proxy.handles()
    to_origin = proxy.connections_to(int(link.url.rsplit(":", 1)[1]))
    return Look(
        sockets=handles.get("socket", 0) - to_origin,
        strays=max(0, to_origin - count("leased|idle|resting|dialling")),
        files=handles.get("file", 0),
        threads=proxy.threads(),
        resident_bytes=proxy.resident_bytes(),
        busy=count("leased|waiting"),
    )


def leaks(before: Look, after: Look) -> Iterator[str]:
    """What there is more of than there should be."""
    if after.busy:
        yield f"{after.busy} sessions leased or waited for, although nobody calls"
    if after.strays:
        yield f"{after.strays} connections to the origin that no pool knows"
    if after.sockets > before.sockets + _SPARE_SOCKETS:
        yield f"{after.sockets} sockets, {before.sockets} before"
    if after.files > before.files + _SPARE_FILES:
        yield f"{after.files} files, {before.files} before"
    if after.threads > before.threads + _SPARE_THREADS:
        yield f"{after.threads} threads, {before.threads} before"
    if after.resident_bytes > before.resident_bytes + _SPARE_BYTES:
        yield f"{after.resident_bytes:,} bytes of memory, {before.resident_bytes:,} before"


def bugs(log: Path) -> list[str]:
    """The lines of the proxy's log that tell of a bug rather than of the weather."""
    with log.open(encoding="utf-8", errors="replace") as lines:
        return [line.strip() for line in lines if _BUGS.search(line)]
