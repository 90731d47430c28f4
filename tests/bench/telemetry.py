"""What metrics, log and the console's figures cost a hit: the same turns, heard by them and by nobody."""

import asyncio
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
_TURNS: Final = 100
"""Of each socket in a block."""
_BLOCKS: Final = 24


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
        blocks = []
        for number in range(_BLOCKS + 2):
            # Each is first as often as the other.
            if number % 2:
                without = await _cpu(mute, silent)
                blocks.append((await _cpu(told, speaking), without))
            else:
                with_ = await _cpu(told, speaking)
                blocks.append((with_, await _cpu(mute, silent)))
    # Of pairs, since the machine is not the same from one second to the next.
    lost = median(1 - without / with_ for with_, without in blocks[2:])
    with_, without = (median(each) * 1e6 for each in zip(*blocks[2:], strict=True))
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
    """Seconds of CPU that the proxy's event loop takes for each turn of a block."""
    file = Path(f"/proc/{pid_of(url)}/schedstat")
    before = _seconds(file)
    await asyncio.gather(*(_say(caller) for caller in callers))
    return (_seconds(file) - before) / (_SOCKETS * _TURNS)


async def _say(caller: Talk) -> None:
    for _ in range(_TURNS):
        await caller.turn(TEXT)


def _seconds(file: Path) -> float:
    # Of the main thread, in nanoseconds; what stands in `stat` is counted in hundredths of a second.
    return int(file.read_text(encoding="ascii").split()[0]) / 1e9
