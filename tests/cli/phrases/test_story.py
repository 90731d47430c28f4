"""The phrase books as product people live with them: one story from the first plan to a pasted suggestion."""

import re
import shutil
import signal
from asyncio.subprocess import Process
from pathlib import Path

import aiohttp
import pytest

from edgeproxy.emulator.server import Emulator

from ...wire import talk
from ..conftest import Run, Start, line_with
from .conftest import edit, environment, row

HOURS = "The doctor comes at nine and leaves at noon."
HOLD = "One moment, please."
VOICE = {"target_language_code": "en-IN", "speaker": "ritu", "speech_sample_rate": 22050}
AT_NIGHT_ONLY = {"EDGEPROXY_PHRASES__CHARACTERS_AT_ONCE": "0"}


async def serving(start: Start, emulator: Emulator) -> tuple[Process, str]:
    """A server on the books of the folder ``phrases``, which makes nothing by itself; and its URL."""
    env = environment(emulator.url) | AT_NIGHT_ONLY
    process = await start("serve", "--port", "0", "--phrases", "phrases", **env)
    said = await line_with(process, "listening on")
    found = re.search(r"http://[\d.:]+", said)
    assert found is not None
    return process, found[0]


async def stopped(process: Process) -> None:
    process.send_signal(signal.SIGTERM)
    await process.communicate()


async def heard(url: str, *texts: str) -> list[str]:
    """Hit or miss, of texts of one segment. A hit may come from memory or disk: at a start that is slow, what
    is loaded ahead comes behind the first callers."""
    async with talk(url) as client:
        await client.config(**VOICE)
        verdicts = [(await client.say(text)).verdicts for text in texts]
    return [verdict.partition("-")[0] for (verdict,) in verdicts]


@pytest.mark.timeout(150)
async def test_plan_build_suggest_and_use_tell_one_story(
    run: Run, start: Start, emulator: Emulator, demo_books: Path, tmp_path: Path
) -> None:
    books = tmp_path / "phrases"
    shutil.copytree(demo_books, books)
    env = environment(emulator.url)

    async def phrases(*arguments: str) -> str:
        ended = await run("phrases", *arguments, **env)
        assert ended.code == 0, ended.err
        return ended.out

    # Before anything is made: what would it be?
    number = int((await phrases("plan")).splitlines()[-1].split()[0])
    assert emulator.counters.flushes == 0
    assert (await phrases("build")).startswith(f"{number} recordings made")
    assert (await phrases("plan")).startswith("nothing to do")
    spent = emulator.counters.flushes

    # Callers hear it from the first one on, and ask for something no book says.
    server, url = await serving(start, emulator)
    assert await heard(url, HOLD, HOURS) == ["hit", "miss"]
    assert await heard(url, HOURS, HOURS) == ["hit", "hit"]
    assert emulator.counters.flushes == spent + 1
    await stopped(server)

    # It was asked for three times, and cost once: worth adding.
    suggested = await phrases("suggest")
    assert "asked 3 times: 44 characters" in row(suggested, "the-doctor-comes-at")
    assert re.search(r"ready +1/1 +1 ", row(await phrases("list"), "front-desk/hold", "en-IN"))
    (books / "heard.yaml").write_text(suggested, encoding="utf-8")
    assert (await phrases("check")).startswith("fine: 4 books")
    plan = await phrases("plan")
    assert plan.splitlines()[-1].startswith("1 recording to make (1 new)")
    assert (await phrases("suggest")) == ""

    # A word is changed, and both are made in one go.
    edit(books / "front-desk.yaml", "full name, please?", "whole name, please?")
    assert (await phrases("plan")).splitlines()[-1].startswith("2 recordings to make (1 new, 1 ch")
    assert (await phrases("build")).startswith("2 recordings made")

    # A second generation is heard at once; somebody prefers the first, and it stays while a third is made.
    await phrases("build", "--only", "front-desk/hold", "--all")
    assert re.search(r"2 .*heard", (await phrases("history", "front-desk/hold/en-IN")))
    await phrases("use", "front-desk/hold", "1")
    await phrases("build", "--only", "front-desk/hold", "--all")
    told = (await phrases("history", "front-desk/hold/en-IN")).splitlines()
    assert ["heard, held" in line for line in told if " dBFS" in line] == [True, False, False]

    # All of it is a hit, and asks nobody.
    spent = emulator.counters.flushes
    server, url = await serving(start, emulator)
    texts = (HOURS, "May I have your whole name, please?", HOLD)
    assert await heard(url, *texts) == ["hit"] * 3
    # A pointer that is moved beside a running server is followed.
    await phrases("use", "front-desk/hold", "--latest")
    async with aiohttp.ClientSession() as session, session.get(f"{url}/readyz") as answer:
        assert (await answer.json())["status"] in ("ready", "degraded")
    assert await heard(url, HOLD) == ["hit"]
    assert emulator.counters.flushes == spent
    await stopped(server)
