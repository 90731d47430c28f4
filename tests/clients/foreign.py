"""Other people's clients, each in a process of its own, as a test drives them.

One line of JSON goes in for each thing to be done, and one comes back with what the client's user got to
hear: the other half is ``speaking.py``, or ``js/speaking.mjs``.
"""

import asyncio
import json
import subprocess
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ..conftest import KEY

HERE = Path(__file__).parent
VENV = HERE.parents[1] / ".venv"
PYTHON = VENV / "clients/bin/python"
NODE_MODULES = HERE / "js/node_modules"


def node_major() -> int:
    """Node's version; 0 where there is none."""
    if not NODE_MODULES.exists():
        return 0
    said = subprocess.run(["node", "--version"], check=True, capture_output=True, text=True).stdout
    return int(said.removeprefix("v").partition(".")[0])


@dataclass(frozen=True, slots=True)
class Heard:
    """What the client's user got: its audio, and its errors in the client's own words."""

    audio: bytes
    errors: tuple[str, ...]

    @classmethod
    def of(cls, answer: dict[str, Any]) -> "Heard":
        return cls(b64decode(answer["audio"]), tuple(answer["errors"]))


class Foreign:
    """A running client."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def ask(self, verb: str, **arguments: Any) -> dict[str, Any]:
        """Let it do something; its answer as it comes."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"verb": verb, **arguments}).encode() + b"\n")
        async with asyncio.timeout(30):
            line = await self._process.stdout.readline()
        assert line, "the client's process has ended"
        answer: dict[str, Any] = json.loads(line)
        return answer

    async def say(self, *tokens: str, **how: str) -> Heard:
        """A turn over its WebSocket, from tokens as an LLM gives them; ``codec``: another than usual."""
        return Heard.of(await self.ask("say", tokens=tokens, **how))

    async def interrupt(self, *tokens: str) -> Heard:
        """The same, interrupted at its first sound."""
        return Heard.of(await self.ask("interrupt", tokens=tokens))

    async def rest(self, *tokens: str) -> Heard:
        """The same over HTTP."""
        return Heard.of(await self.ask("rest", tokens=tokens))

    async def pipeline(self, *turns: str) -> list[Heard]:
        """Turns that are all sent before the first is listened to."""
        answers = (await self.ask("pipeline", turns=turns))["answers"]
        return [Heard.of(answer) for answer in answers]


@asynccontextmanager
async def foreign(
    script: str, url: str, *, key: str = KEY, flags: tuple[str, ...] = (), **options: Any
) -> AsyncIterator[Foreign]:
    """Start a client; closed as its user would close it. The test is skipped where it is not installed."""
    in_javascript = script.endswith(".mjs")
    if in_javascript and not NODE_MODULES.exists():
        pytest.skip(
            "no clients in JavaScript here: `make .venv/js.stamp`, which needs node and npm"
        )
    if not in_javascript and not PYTHON.exists():
        pytest.skip("none of these clients here: `make .venv/clients.stamp`")
    process = await asyncio.create_subprocess_exec(
        "node" if in_javascript else str(PYTHON),
        *flags,
        str(HERE / "js" / script if in_javascript else HERE / script),
        json.dumps({"url": url, "key": key, **options}),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=64_000_000,
    )
    try:
        yield Foreign(process)
        assert process.stdin is not None
        process.stdin.close()
        async with asyncio.timeout(15):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
