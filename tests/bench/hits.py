"""Cached turns over the WebSocket, and one text asked for by a hundred at once."""

import asyncio
from base64 import b64decode
from collections.abc import Sequence
from statistics import median
from typing import Any, Final

import aiohttp
import orjson

from edgeproxy.cli.bench.origin import emulator

from .client import Talk, talk, talks
from .figures import Row, percentile
from .places import bare, proxy

TEXT: Final = "Good morning, the clinic is open today from nine until eight."
_TURNS = 1500
_BLOCKS, _BLOCK = 25, 60
_LEFT_OUT = 10
"""Turns at the start of a block, or of all, that do not count."""
_BREATH_S = 0.001
"""Between two turns: what a server still does after its final must not fall on the other one's turn."""
_CROWD = 100


async def hits() -> list[Row]:
    """A hit against a server that only sends: the same bytes, the same loop.

    Twice, since the two are not the same: turn and turn about, with a breath between turns, where both
    begin from rest; and in blocks, back to back, where both are hot, and the caller is the one who waits.
    """
    async with emulator("instant") as origin, proxy(origin) as url, talk(url) as cached:
        await until_cached(url)
        messages = (await cached.turn(TEXT)).messages
        async with bare([message.encode() for message in messages]) as plain, talk(plain) as simple:
            at_rest = await _at_rest(cached, simple)
            back_to_back = await _back_to_back(cached, simple)
    return [_row("at rest", *at_rest), _row("back to back", *back_to_back)]


def _row(name: str, ours: Sequence[float], theirs: Sequence[float]) -> Row:
    ratio = median(ours) / median(theirs)
    return Row(
        f"cached one-segment turn over WS, first audio, {name}",
        f"{ratio:.2f} × bare",
        "≤ 1.25 ×",
        ratio <= 1.25,
        f"median {median(ours):.0f} µs, bare {median(theirs):.0f} µs; "
        f"p99 {percentile(ours, 0.99):.0f} and {percentile(theirs, 0.99):.0f} µs",
    )


async def _at_rest(ours: Talk, theirs: Talk) -> tuple[list[float], list[float]]:
    took: tuple[list[float], list[float]] = ([], [])
    for number in range(_LEFT_OUT + _TURNS):
        # Each is first as often as the other.
        for which in (0, 1) if number % 2 else (1, 0):
            await asyncio.sleep(_BREATH_S)
            took[which].append((await (ours, theirs)[which].turn(TEXT)).first_s * 1e6)
    return took[0][_LEFT_OUT:], took[1][_LEFT_OUT:]


async def _back_to_back(ours: Talk, theirs: Talk) -> tuple[list[float], list[float]]:
    took: tuple[list[float], list[float]] = ([], [])
    for _ in range(_BLOCKS):
        for caller, into in ((ours, took[0]), (theirs, took[1])):
            block = [(await caller.turn(TEXT)).first_s * 1e6 for _ in range(_BLOCK)]
            into += block[_LEFT_OUT:]
    return took


async def until_cached(url: str) -> None:
    """Wait until :data:`TEXT` is spoken from memory."""
    async with talk(url, verdict=True) as asking:
        while True:
            final = (await asking.turn(TEXT)).messages[-1]
            told = orjson.loads(final)["data"]["edgeproxy"]["segments"]
            if [segment["verdict"] for segment in told] == ["hit-memory"]:
                return
            await asyncio.sleep(0.05)


async def crowd() -> list[Row]:
    """A hundred callers ask for the same new text at the same time."""
    async with emulator("v3") as origin, proxy(origin) as url, talks(url, _CROWD) as callers:
        before = await _utterances(origin)
        turns = await asyncio.gather(*(caller.turn(TEXT) for caller in callers))
        asked = await _utterances(origin) - before
    heard = {_audio(turn.messages) for turn in turns}
    whole = len(heard) == 1 and heard != {b""}
    return [
        Row(
            f"{_CROWD} identical misses at once",
            f"{asked} synthesis",
            "1",
            asked == 1 and whole,
            "all heard every byte" if whole else "they did not all hear the same",
        )
    ]


def _audio(messages: list[str]) -> bytes:
    heard: list[dict[str, Any]] = [orjson.loads(message) for message in messages]
    return b"".join(b64decode(said["data"]["audio"]) for said in heard if said["type"] == "audio")


async def _utterances(origin: str) -> int:
    async with aiohttp.ClientSession() as http, http.get(f"{origin}/emulator/state") as answer:
        return int((await answer.json())["counters"]["utterances"])
