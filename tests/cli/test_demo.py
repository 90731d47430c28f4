"""`edgeproxy demo`: it all, on one machine, with LiveKit's own plugin speaking."""

import asyncio
import re
import signal
import socket
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from ..fakes.process import free_port
from .conftest import Run, Start

BOOKS = Path(__file__).parents[2] / "phrases"


@pytest.mark.timeout(120)
async def test_an_agent_speaks_twice_and_a_later_demo_still_knows(run: Run) -> None:
    ports = ["--port", str(free_port()), "--emulator-port", str(free_port())]
    options = ["--once", "--latency", "instant", "--data-dir", "data", *ports]
    first, second = await run("demo", *options), await run("demo", *options)
    for ended in (first, second):
        assert ended.code == 0, ended.err
        for language in ("hi-IN", "ta-IN", "en-IN"):
            assert len(re.findall(rf"(first time|again)\s+{language}", ended.out)) == 2
    assert (first.out.count("miss"), first.out.count("hit-memory")) == (9, 9)
    assert (second.out.count("hit-disk"), second.out.count("hit-memory")) == (9, 9)


@pytest.mark.timeout(120)
async def test_ctrl_c_while_phrases_are_made_ends_it_there(start: Start) -> None:
    ports = ["--port", str(free_port()), "--emulator-port", str(free_port())]
    process = await start("demo", "--phrases", str(BOOKS), "--data-dir", "data", *ports)
    assert process.stdout is not None
    while not re.search(rb"again\s+en-IN", line := await process.stdout.readline()):
        assert line, "it ended by itself"
    process.send_signal(signal.SIGINT)
    rest, _ = await process.communicate()
    assert process.returncode == 0
    assert b"It runs until Ctrl-C" not in rest


SMALL = """
languages: [en-IN]
voice: {model: "bulbul:v3", speaker: ritu}
sample_rates: [24000]
phrases:
  come-early: Please come ten minutes early.
  say-again: Could you say it once more?
"""


@pytest.mark.timeout(120)
async def test_when_it_is_set_up_there_is_something_to_see(start: Start, tmp_path: Path) -> None:
    (tmp_path / "books").mkdir()
    (tmp_path / "books" / "desk.yaml").write_text(SMALL, encoding="utf-8")
    ports = ["--port", str(free_port()), "--emulator-port", str(free_port())]
    options = ["--phrases", "books", "--data-dir", "data", "--latency", "instant", *ports]
    process = await start("demo", *options)
    assert process.stdout is not None
    while not (
        found := re.search(rb"Console: (\S+)/console", line := await process.stdout.readline())
    ):
        assert line, "it ended by itself"
    url = found[1].decode()
    async with aiohttp.ClientSession() as session:

        async def look(path: str) -> Any:
            async with session.get(f"{url}/admin/{path}") as answer:
                return await answer.json()

        (night,) = (await look("nights"))["nights"]
        (failed,) = night["report"]["failed"]
        assert failed["phrase"] == "desk/come-early"
        assert [made["phrase"] for made in night["report"]["made"]] == ["desk/say-again"]
        turns = (await look("state"))["today"]["turns"]
        while (await look("state"))["today"]["turns"] <= turns:
            await asyncio.sleep(0.05)
    process.send_signal(signal.SIGINT)
    async with asyncio.timeout(20):
        await process.communicate()
    assert process.returncode == 0


async def test_a_taken_port_is_one_line(run: Run) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ended = await run("demo", "--once", "--port", str(free_port()), "--emulator-port", port)
    assert ended.code == 1
    (line,) = ended.err.splitlines()
    assert port in line
