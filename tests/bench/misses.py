"""What the proxy adds to a text that nobody has asked for before, and how soon a long turn is over.

The yardstick is the same text on an open, configured connection straight to the origin. The `instant`
origin shows all that is added; `steady`, the `v3` profile with its chance taken out (or the spread of the
origin's own first audio would drown a millisecond), shows it at the pace of life.
"""

import asyncio
import itertools
import random
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from statistics import median

from edgeproxy.cli.bench.answers import tokens
from edgeproxy.cli.bench.origin import emulator

from .client import Talk, talk, talks
from .figures import Row, percentile
from .places import proxy, written

_AT_ONCE = 8
_BLOCK = 6
"""Turns of each of eight callers before the other side has its turn: 48 texts, of which the emulator
remembers the sound, so that neither side waits for its synthesis."""
_PAUSE_S = 0.12
"""Between the turns of one of eight callers: no caller asks again without a breath."""

_STEADY = b"""
base: v3
handshake_s: 0.25
first_audio_s: 0.2
realtime_factor: 0.3
stall_probability: 0
final_s: 0
"""

_numbers = itertools.count(1000)


def _new_text() -> str:
    return f"Patient number {next(_numbers)} may come in now."


@asynccontextmanager
async def _steady() -> AsyncIterator[str]:
    with written(_STEADY) as file:
        async with emulator(file) as url:
            yield url


async def misses() -> list[Row]:
    """One at a time and eight at a time, before either origin; then token by token."""
    rows = []
    async with (
        emulator("instant") as origin,
        proxy(origin) as url,
        talks(url, _AT_ONCE) as ours,
        talks(origin, _AT_ONCE) as theirs,
        talk(origin) as rehearsal,
    ):
        await _blocks(ours, theirs, rehearsal, blocks=1)  # the pool grows to what the callers need
        rows += _alone("instant origin", *await _pairs(ours[0], theirs[0], rehearsal, turns=200))
        rows += _together("instant origin", *await _blocks(ours, theirs, rehearsal, blocks=10))
        by_token = await _pairs(ours[0], theirs[0], rehearsal, turns=100, pieces=tokens)
        rows.append(_added("instant origin, token by token", *by_token))
    async with (
        _steady() as origin,
        proxy(origin) as url,
        talks(url, 2 * _AT_ONCE) as ours,
        talks(origin, 2 * _AT_ONCE) as theirs,
    ):
        await _staggered(ours, theirs, turns=2 * _AT_ONCE)
        rows += _alone("v3 origin", *await _staggered(ours, theirs, turns=80))
        rows += _together("v3 origin", *await _blocks(ours[:8], theirs[:8], None, blocks=2))
    return rows


def _alone(name: str, ours: Sequence[float], theirs: Sequence[float]) -> list[Row]:
    added = median(ours) - median(theirs)
    row = _added(f"{name}, one at a time", ours, theirs)
    return [Row(row.what, row.figure, "≤ 1 ms median", added <= 1.0, row.detail)]


def _together(name: str, ours: Sequence[float], theirs: Sequence[float]) -> list[Row]:
    added = percentile(ours, 0.99) - percentile(theirs, 0.99)
    row = _added(f"{name}, 8 at a time", ours, theirs)
    return [Row(row.what, f"{added:+.2f} ms p99", "≤ 5 ms p99", added <= 5.0, row.detail)]


def _added(name: str, ours: Sequence[float], theirs: Sequence[float]) -> Row:
    return Row(
        f"added to a miss, {name}",
        f"{median(ours) - median(theirs):+.2f} ms median",
        detail=f"median {median(ours):.2f} ms, direct {median(theirs):.2f}; "
        f"p99 {percentile(ours, 0.99):.2f} and {percentile(theirs, 0.99):.2f}; {len(ours)} turns each",
    )


def _whole(text: str) -> list[str]:
    return [text]


async def _pairs(
    ours: Talk,
    theirs: Talk,
    rehearsal: Talk,
    *,
    turns: int,
    pieces: Callable[[str], list[str]] = _whole,
) -> tuple[list[float], list[float]]:
    """One text by us and by them, turn and turn about; each of them first as often as the other."""
    took: tuple[list[float], list[float]] = ([], [])
    for number in range(turns):
        text = _new_text()
        await rehearsal.turn(text)
        for which in (0, 1) if number % 2 else (1, 0):
            turn = await (ours, theirs)[which].turn(*pieces(text))
            took[which].append(turn.first_s * 1000)
    return took


async def _blocks(
    ours: Sequence[Talk], theirs: Sequence[Talk], rehearsal: Talk | None, *, blocks: int
) -> tuple[list[float], list[float]]:
    """All our callers for a while, then all of theirs with the same texts, and so on."""
    took: tuple[list[float], list[float]] = ([], [])
    dice = random.Random(0)

    async def call(caller: Talk, texts: Sequence[str], into: list[float]) -> None:
        for text in texts:
            await asyncio.sleep(_PAUSE_S * dice.uniform(0.5, 1.5))
            into.append((await caller.turn(text)).first_s * 1000)

    for _ in range(blocks):
        texts = [[_new_text() for _ in range(_BLOCK)] for _ in ours]
        if rehearsal is not None:
            for text in itertools.chain(*texts):
                await rehearsal.turn(text)
        for callers, into in ((ours, took[0]), (theirs, took[1])):
            await asyncio.gather(*(call(*each, into) for each in zip(callers, texts, strict=True)))
    return took


async def _staggered(
    ours: Sequence[Talk], theirs: Sequence[Talk], *, turns: int
) -> tuple[list[float], list[float]]:
    """A turn every 80 ms, ours and theirs in turn: no two begin together, none waits for another's end."""
    took: tuple[list[float], list[float]] = ([], [])

    async def call(caller: Talk, into: list[float]) -> None:
        into.append((await caller.turn(_new_text())).first_s * 1000)

    async with asyncio.TaskGroup() as tasks:
        for number in range(turns):
            for callers, into in ((ours, took[0]), (theirs, took[1])):
                tasks.create_task(call(callers[number % len(callers)], into))
                await asyncio.sleep(0.08)
    return took


async def sentences() -> list[Row]:
    """Five sentences as one turn through the proxy, and one after another straight to the origin."""
    together: list[float] = []
    apart: list[float] = []
    turns = 6

    async def through(caller: Talk, text: str) -> None:
        together.append((await caller.turn(text)).last_s)

    async def directly(caller: Talk, text: str) -> None:
        took = [await caller.turn(sentence) for sentence in re.findall(r"[^.]+\.", text)]
        apart.append(sum(turn.last_s for turn in took))

    async with (
        emulator("v3") as origin,
        proxy(origin, turn={"parallel_segments": 3}) as url,
        talks(url, turns) as ours,
        talks(origin, turns) as theirs,
        talk(url) as warm_up,
        asyncio.TaskGroup() as tasks,
    ):
        await warm_up.turn(_new_text())
        for number in range(turns):
            text = _five_sentences(number)
            tasks.create_task(through(ours[number], text))
            tasks.create_task(directly(theirs[number], text))
            await asyncio.sleep(1.0)
    ratio = median(together) / median(apart)
    return [
        Row(
            "last byte of five sentences, 3 in parallel",
            f"{ratio:.2f} × one after another",
            "≤ 0.5 ×",
            ratio <= 0.5,
            f"median {median(together):.2f} s, one after another {median(apart):.2f} s",
        )
    ]


def _five_sentences(number: int) -> str:
    return (
        f"Your visit number {number} is on Monday morning at ten. "
        f"Please bring {number + 2} copies of the earlier report with you. "
        f"The doctor in room {number + 20} will look at the plaster first. "
        f"After that, counter {number + 3} gives you the new medicines. "
        f"Call extension {number + 200} if the pain comes back at night."
    )
