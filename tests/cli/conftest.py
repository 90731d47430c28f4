"""The command line, as a process of its own."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

Run = Callable[..., Awaitable["Ended"]]
Start = Callable[..., Awaitable[Process]]


@dataclass(frozen=True)
class Ended:
    code: int | None
    out: str
    err: str


def environment(**more: str) -> dict[str, str]:
    plain = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("EDGEPROXY_")
        # The latter has Python say on standard error how busy the machine is.
        and name not in ("SARVAM_API_KEY", "PYTHONASYNCIODEBUG")
    }
    return {**plain, "COLUMNS": "200", "NO_COLOR": "1", **more}


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    """Start a verb that runs on; it is ended with the test."""
    processes: list[Process] = []

    async def start_one(*arguments: str, **env: str) -> Process:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "edgeproxy", *arguments,
            env=environment(**env), cwd=tmp_path, stdout=PIPE, stderr=PIPE,
        )  # fmt: skip
        processes.append(process)
        return process

    yield start_one
    for process in processes:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@pytest.fixture
def run(start: Start) -> Run:
    """Run a verb to its end."""

    async def run_one(*arguments: str, **env: str) -> Ended:
        process = await start(*arguments, **env)
        async with asyncio.timeout(120):
            out, err = await process.communicate()
        return Ended(process.returncode, out.decode(), err.decode())

    return run_one


async def line_with(process: Process, word: str) -> str:
    """The next line of standard error with ``word`` in it."""
    assert process.stderr is not None
    async with asyncio.timeout(20):
        while line := (await process.stderr.readline()).decode():
            if word in line:
                return line
    raise AssertionError(f"it ended without saying {word!r}")
