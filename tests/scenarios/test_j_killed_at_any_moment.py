"""`kill -9` in the middle of fills, evictions and swaps: whatever is said later is right, or made again.

The rounds are few here; ``EDGEPROXY_KILLS`` asks for more (``make deep`` does).
"""

import asyncio
import json
import os
import random
import sqlite3
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from edgeproxy.emulator.server import Emulator

from ..conftest import until
from ..fakes.link import Link
from ..fakes.process import ProxyProcess, environment
from ..fakes.truth import Truth
from ..wire import talk

ROUNDS = int(os.environ.get("EDGEPROXY_KILLS", "8"))
QUOTA_BYTES = 400_000
"""About ten records: each round evicts."""
TEXTS = [f"यह वाक्य संख्या {number} है, और यह थोड़ा लंबा है।" for number in range(40)]
BOOK = """
languages: [en-IN]
voice: {{model: "bulbul:v3", speaker: ritu}}
sample_rates: [8000]
phrases:
  hello: Hello there.
  wait: Please hold the line.
  edited: This was edited {edits} times.
"""
PHRASES = ("Hello there.", "Please hold the line.")
RITU = {"language": "en-IN", "speaker": "ritu"}

Begin = Callable[..., Awaitable[ProxyProcess]]


@pytest.fixture
async def begin(tmp_path: Path) -> AsyncIterator[Begin]:
    """Start a proxy process; it is ended with the test."""
    async with AsyncExitStack() as undo:

        async def begin_one(origin: str, **settings: str) -> ProxyProcess:
            proxy = ProxyProcess(
                origin=origin,
                data=tmp_path / "data",
                log=tmp_path / "log",
                phrases=tmp_path / "books",
                settings=settings,
            )
            undo.push_async_callback(proxy.kill)
            await proxy.start()
            return proxy

        (tmp_path / "books").mkdir()
        write_book(tmp_path, edits=0)
        yield begin_one


def write_book(folder: Path, *, edits: int) -> None:
    fresh = folder / "desk.new"
    fresh.write_text(BOOK.format(edits=edits), encoding="utf-8")
    fresh.replace(folder / "books" / "desk.yaml")


async def call(
    proxy: ProxyProcess, truth: Truth, chance: random.Random, heard: list[str], wrong: list[str]
) -> None:
    """Turn after turn until the line goes dead."""
    while True:
        try:
            async with talk(proxy.url) as client:
                for _ in range(5):
                    text = chance.choice(TEXTS)
                    answer = await client.say(text)
                    heard.append(text)
                    if not answer.errors and answer.audio != await truth.turn(text):
                        wrong.append(text)
        except (aiohttp.ClientError, AssertionError, OSError):
            if not proxy.running:
                return
            await asyncio.sleep(0.01)


async def rebuild(origin: str, folder: Path) -> None:
    """Another generation of every phrase, by another process, killed in the middle like the proxy."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "edgeproxy", "phrases", "build", "--all", "--upstream", origin,
        "--data-dir", str(folder / "data"), "--phrases", str(folder / "books"),
        env=environment({"PHRASES__CHARACTERS_PER_SECOND": "100000"}),
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.mark.timeout(60 + 20 * ROUNDS)
async def test_whatever_is_said_after_a_kill_is_right(
    begin: Begin, emulator: Emulator, truth: Truth, tmp_path: Path
) -> None:
    chance = random.Random(5)
    heard: list[str] = []
    wrong: list[str] = []
    async with Link(emulator.url) as link:
        proxy = await begin(
            link.url,
            CACHE__QUOTA_BYTES=str(QUOTA_BYTES),
            CACHE__MEMORY_BYTES="300000",
            POOL__REST_MS="0",
        )
        await until_phrases(proxy, 3)
        for number in range(ROUNDS):
            # Sometimes slow, so that the end comes in the middle of fills rather than between them.
            link.slow(bytes_per_s=chance.choice([None, 100_000, 300_000]))
            callers = [
                asyncio.create_task(
                    call(proxy, truth, random.Random(f"{number}/{each}"), heard, wrong)
                )
                for each in range(4)
            ]
            builder = asyncio.create_task(rebuild(emulator.url, tmp_path))
            write_book(tmp_path, edits=number + 1)
            await asyncio.sleep(chance.uniform(0.05, 1.5))
            await proxy.kill()
            builder.cancel()
            await asyncio.gather(builder, return_exceptions=True)
            await asyncio.gather(*callers)
            link.restore()
            assert not wrong
            # Again: what was there is right, the rest is made; a phrase never falls silent.
            await proxy.start()
            async with talk(proxy.url) as client:
                for text in chance.sample(TEXTS, 8):
                    answer = await client.say(text)
                    assert not answer.errors
                    assert answer.audio == await truth.turn(text)
                await client.config(target_language_code="en-IN", speaker="ritu")
                for text in PHRASES:
                    answer = await client.say(text)
                    assert answer.verdicts[0].startswith("hit")
                    assert answer.audio == await truth.turn(text, **RITU)
        await rebuild(emulator.url, tmp_path)
        await everything_on_disk_is_right(proxy, tmp_path / "data" / "records")
        # Lest the story be about nothing: it was spoken, evicted and swapped all the while.
        assert len(heard) > ROUNDS
        (swapped,) = {unit["speaks"] for unit in units(tmp_path) if unit["text"] == PHRASES[0]}
        assert swapped > 1


async def everything_on_disk_is_right(proxy: ProxyProcess, records: Path) -> None:
    """No row without its file, and, once they are old enough to be swept, no file without its row."""
    await proxy.stop()
    for file in records.rglob("*.val"):
        os.utime(file, (0, 0))
    await proxy.start()

    def names() -> set[str]:
        with sqlite3.connect(records / "cache.db") as index:
            found = {name for (name,) in index.execute("SELECT filename FROM Cache")}
        index.close()
        return found

    # Swept behind the callers' backs, soon after the start.
    await until(
        lambda: {str(file.relative_to(records)) for file in records.rglob("*.val")} == names()
    )
    rows = names()
    with sqlite3.connect(records / "cache.db") as index:
        (weight,) = index.execute("SELECT SUM(size) FROM Cache WHERE tag = 'dynamic'").fetchone()
    index.close()
    assert weight <= QUOTA_BYTES
    assert (await proxy.details())["records"] == len(rows)


def units(folder: Path) -> list[dict[str, Any]]:
    kept: list[dict[str, Any]] = json.loads((folder / "data" / "generations.json").read_text())[
        "units"
    ]
    return kept


async def until_phrases(proxy: ProxyProcess, phrases: int) -> None:
    async with asyncio.timeout(20):
        while (await proxy.details())["records"] < phrases:
            await asyncio.sleep(0.02)


async def test_a_record_that_was_told_to_be_kept_survives_a_kill(
    begin: Begin, emulator: Emulator, truth: Truth
) -> None:
    proxy = await begin(emulator.url)
    await until_phrases(proxy, 3)
    async with talk(proxy.url) as client:
        for text in TEXTS[:5]:
            await client.say(text)
    await until_phrases(proxy, 8)
    await proxy.kill()
    await proxy.start()
    before = emulator.counters.utterances
    async with talk(proxy.url) as client:
        for text in TEXTS[:5]:
            answer = await client.say(text)
            assert answer.verdicts == ["hit-disk"]
            assert answer.audio == await truth.turn(text)
    assert emulator.counters.utterances == before
    await until(lambda: proxy.running)
