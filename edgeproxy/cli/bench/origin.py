"""An origin on this machine: an emulator in a process of its own, so that its work is not on our loop."""

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

_START_S: Final = 15.0


@asynccontextmanager
async def emulator(latency: str, *, port: int = 0) -> AsyncIterator[str]:
    """Run an emulator for as long as the context lasts, on a free port if none is named; its URL.

    Raises OSError, with what it said, when it does not start.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "edgeproxy", "emulate"),
        *("--port", str(port), "--latency", latency),
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    try:
        async with asyncio.timeout(_START_S):
            said = (await process.stderr.readline()).decode().strip()
        listening = re.search(r"listening on (http://[^\s,]+)", said)
        if listening is None:
            raise OSError(said.removeprefix("edgeproxy: ") or "the emulator did not start")
        yield listening[1]
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
