"""What metrics, log and the console's figures cost a hit: the same turns, heard by them and by nobody."""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Final

from edgeproxy.cli.bench.origin import emulator

from .client import Talk, talks
from .figures import Row
from .hits import TEXT, until_cached
from .places import pid_of, proxy

_SOCKETS: Final = 8
_TURNS: Final = 400
"""Of each socket in a block."""
_BLOCKS: Final = 7
_TICKS: Final = os.sysconf("SC_CLK_TCK")


async def telemetry() -> list[Row]:
    """CPU of the proxy for each hit, in blocks turn and turn about: throughput on one core is its inverse."""
    async with (
        emulator("instant") as origin,
        proxy(origin) as told,
        proxy(origin, "tests.bench.mute") as mute,
        talks(told, _SOCKETS) as speaking,
        talks(mute, _SOCKETS) as silent,
    ):
        await until_cached(told)
        await silent[0].turn(TEXT)  # nobody could say whether it is cached; by now it is
        blocks = [
            (await _cpu(told, speaking), await _cpu(mute, silent)) for _ in range(_BLOCKS + 1)
        ]
    with_, without = (median(each) * 1e6 for each in zip(*blocks[1:], strict=True))
    lost = 1 - without / with_
    return [
        Row(
            "metrics and logs, of the throughput of hits",
            f"{lost:.1%}",
            "≤ 10 %",
            lost <= 0.10,
            f"CPU of a hit: {with_:.0f} µs, {without:.0f} µs where nobody listens",
        )
    ]


async def _cpu(url: str, callers: Sequence[Talk]) -> float:
    """Seconds of the proxy's CPU for each turn of a block."""
    file = Path(f"/proc/{pid_of(url)}/stat")
    before = _seconds(file)
    await asyncio.gather(*(_say(caller) for caller in callers))
    return (_seconds(file) - before) / (_SOCKETS * _TURNS)


async def _say(caller: Talk) -> None:
    for _ in range(_TURNS):
        await caller.turn(TEXT)


def _seconds(file: Path) -> float:
    fields = file.read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
