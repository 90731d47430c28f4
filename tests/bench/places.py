"""The processes of a benchmark: each server in one of its own, as in life, and the client in ours."""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryDirectory, TemporaryFile
from typing import Any

import yaml

from .client import VOICE

_START_S = 15.0
_pids: dict[str, int] = {}
_ROOT = Path(__file__).parent.parent.parent


@asynccontextmanager
async def proxy(
    origin: str, program: str = "edgeproxy", /, **rooms: dict[str, Any]
) -> AsyncIterator[str]:
    """``edgeproxy serve`` before ``origin``: an empty cache, warm sessions, all else as it comes, the
    access log too. ``program``: the module that is run; ``rooms`` are settings. Its URL."""
    with TemporaryDirectory(prefix="edgeproxy-bench-") as folder:
        settings: dict[str, dict[str, Any]] = {
            "server": {"port": 0},
            "origin": {"url": origin, "api_key": "bench", "prewarm_voices": [VOICE]},
            "cache": {"data_dir": f"{folder}/data", "min_free_bytes": 0},
        }
        for room, values in rooms.items():
            settings[room] = {**settings.get(room, {}), **values}
        with written(yaml.safe_dump(settings).encode()) as file:
            async with _child([program, "serve", "--config", file]) as url:
                yield url


def pid_of(url: str) -> int:
    """The process of the server that has this URL."""
    return _pids[url]


@asynccontextmanager
async def bare(messages: Sequence[bytes]) -> AsyncIterator[str]:
    """The server of :mod:`.bare`, which answers with ``messages``. Its URL."""
    with written(b"\n".join(messages)) as file:
        async with _child(["tests.bench.bare", file]) as url:
            yield url


@contextmanager
def written(content: bytes) -> Iterator[str]:
    """A file with this content, as long as the context lasts; its path."""
    with NamedTemporaryFile(prefix="edgeproxy-bench-", suffix=".yaml") as file:
        file.write(content)
        file.flush()
        yield file.name


@asynccontextmanager
async def _child(command: Sequence[str]) -> AsyncIterator[str]:
    """Run a module until it is no longer needed; the URL it says it listens on."""
    # To a file, not a pipe: reading the log would cost the client time that it is here to measure.
    with TemporaryFile() as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", *command, stderr=log, cwd=_ROOT
        )
        try:
            url = await _url(process, log.fileno())
            _pids[url] = process.pid
            yield url
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


async def _url(process: asyncio.subprocess.Process, log: int) -> str:
    async with asyncio.timeout(_START_S):
        while True:
            # From the start, and without moving the position that the process writes at.
            said = os.pread(log, 65536, 0).decode(errors="replace")
            if (listening := re.search(r"listening on (http://[^\s,]+)", said)) is not None:
                return listening[1]
            if process.returncode is not None:
                raise RuntimeError(f"it did not start: {said.strip()}")
            await asyncio.sleep(0.02)
