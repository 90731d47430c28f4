"""A proxy as a process of its own, that can be killed and started again at the same address.

What it writes to standard error goes to a file, so that nobody need read it for it to go on, and whoever
wonders what happened can look.
"""

import asyncio
import os
import signal
import socket
import sys
from asyncio.subprocess import Process
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp

PLAIN = {
    "SARVAM_API_KEY": "origin-key",
    "EDGEPROXY_CACHE__MIN_FREE_BYTES": "0",
    "COLUMNS": "200",
    "NO_COLOR": "1",
}


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """This process' environment without settings of its own, and with these (``ROOM__NAME``)."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith("EDGEPROXY_")}
    return {**bare, **PLAIN, **{f"EDGEPROXY_{name}": value for name, value in settings.items()}}


class ProxyProcess:
    """``edgeproxy serve``. ``settings``: ``ROOM__NAME`` to value, as in the environment."""

    def __init__(
        self,
        *,
        origin: str,
        data: Path,
        log: Path,
        phrases: Path | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.starts = 0
        self._arguments = ["--upstream", origin, "--data-dir", str(data)]
        if phrases is not None:
            self._arguments += ["--phrases", str(phrases)]
        self._log = log
        self._settings = dict(settings or {})
        self._process: Process | None = None

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it is there."""
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Start it, and wait until it takes callers."""
        self.starts += 1
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "edgeproxy", "serve", "--port", str(self.port), *self._arguments,
                env=environment(self._settings), stdout=log, stderr=log,
            )  # fmt: skip
        async with asyncio.timeout(30):
            while not await self.is_ready():
                if self._process.returncode is not None:
                    tail = self._log.read_text(errors="replace")[-2000:]
                    raise AssertionError(f"the proxy ended with {self._process.returncode}: {tail}")
                await asyncio.sleep(0.02)

    async def is_ready(self) -> bool:
        """Whether it takes callers."""
        try:
            return bool((await self.details())["status"] != "draining")
        except (aiohttp.ClientError, OSError):
            return False

    async def details(self) -> dict[str, Any]:
        """The body of ``/readyz``."""
        async with aiohttp.ClientSession() as http, http.get(f"{self.url}/readyz") as answer:
            body: dict[str, Any] = await answer.json()
            return body

    async def kill(self) -> None:
        """``kill -9``."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> int:
        """SIGTERM, and wait for the end of the drain; its exit code."""
        return await self._end(signal.SIGTERM)

    def tell(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    async def _end(self, number: signal.Signals) -> int:
        assert self._process is not None
        if self._process.returncode is None:
            self._process.send_signal(number)
        async with asyncio.timeout(60):
            return await self._process.wait()

    # -- what /proc knows --------------------------------------------------------------------------

    def handles(self) -> dict[str, int]:
        """Open file handles by kind: ``socket``, ``file`` and the rest."""
        kinds: dict[str, int] = {}
        for handle in Path(f"/proc/{self.pid}/fd").iterdir():
            try:
                target = os.readlink(handle)
            except FileNotFoundError:
                continue
            kind = target.partition(":")[0] if ":" in target else "file"
            kinds[kind] = kinds.get(kind, 0) + 1
        return kinds

    def connections_to(self, port: int) -> int:
        """Its sockets whose other end is ``port``, in whatever state."""
        held = set()
        for handle in Path(f"/proc/{self.pid}/fd").iterdir():
            try:
                held.add(os.readlink(handle).removeprefix("socket:[").rstrip("]"))
            except FileNotFoundError:
                continue
        # sl, local address, remote address, state, queues, timer, retransmits, uid, timeout, inode
        lines = Path(f"/proc/{self.pid}/net/tcp").read_text().splitlines()[1:]
        rows = [line.split() for line in lines]
        return sum(int(row[2].split(":")[1], 16) == port and row[9] in held for row in rows)

    def resident_bytes(self) -> int:
        """Memory it holds."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def threads(self) -> int:
        """Threads it has."""
        return len(list(Path(f"/proc/{self.pid}/task").iterdir()))
