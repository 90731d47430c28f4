"""What a connection costs that does nothing, and one that reads nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

import orjson

from edgeproxy.cli.bench.origin import emulator
from edgeproxy.sarvam.handshake import KEY_HEADER, WS_PATHS
from edgeproxy.sarvam.messages import FLUSH, say_text

from .client import VOICE
from .figures import Row
from .places import pid_of, proxy

_IDLE = 9_000
"""Of the file handles of this process; the proxy has its own."""
_AT_A_TIME = 100
_DEAF = 100
_SETTLED_S = 3.0
_PING, _PONG = b"\x89\x00", b"\x8a\x80" + bytes(4)
_TEXT = "Good morning, the clinic is open today from nine until eight. " * 20
"""Some 80 s of audio a turn, 7 MB in base64."""


async def idle() -> list[Row]:
    """Resident memory per open, configured WebSocket that says nothing, and per client that does not
    read what it asked for."""
    async with emulator("instant") as origin:
        each = await _weighed(origin, _IDLE, _connect)
        unread = await _weighed(origin, _DEAF, _deaf)
    return [
        Row(f"memory per idle WebSocket, of {_IDLE:,}", f"{each / 1024:.1f} KiB"),
        Row(
            f"memory per client that does not read, of {_DEAF}",
            f"{unread / 1024:.0f} KiB",
            detail="beside what the audio itself takes, once",
        ),
    ]


async def _weighed(
    origin: str, count: int, join: Callable[[str, AsyncExitStack], Awaitable[object]]
) -> float:
    """What each of ``count`` clients adds to the memory of a proxy of their own, in bytes."""
    limits = {"server": {"connections": 20_000, "connections_per_address": 20_000}}
    async with proxy(origin, **limits) as url, AsyncExitStack() as open_ones:
        for _ in range(3):
            await join(url, open_ones)
        await asyncio.sleep(_SETTLED_S)
        before = _resident_bytes(url)
        for _ in range(count // _AT_A_TIME):
            await asyncio.gather(*(join(url, open_ones) for _ in range(_AT_A_TIME)))
        await asyncio.sleep(_SETTLED_S)
        handles = len(list(Path(f"/proc/{pid_of(url)}/fd").iterdir()))
        assert handles >= count, f"only {handles} file handles are open"
        return (_resident_bytes(url) - before) / count


_CONFIG = {"type": "config", "data": {**VOICE, "output_audio_codec": "linear16"}}


class _Client(asyncio.Protocol):
    """A WebSocket by hand: a client library's sockets would weigh more than the proxy's."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport
        self.joined = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if not self.joined.done():
            assert data.startswith(b"HTTP/1.1 101"), data
            self.joined.set_result(None)
        elif data.startswith(_PING):
            self.transport.write(_PONG)


async def _connect(url: str, open_ones: AsyncExitStack) -> asyncio.Transport:
    where = urlsplit(url)
    transport, client = await asyncio.get_running_loop().create_connection(
        _Client, str(where.hostname), where.port or 80
    )
    open_ones.callback(transport.abort)
    head = [
        f"GET {WS_PATHS[0]}?model=bulbul:v3&send_completion_event=true HTTP/1.1",
        f"Host: {where.netloc}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
        f"{KEY_HEADER}: bench",
    ]
    transport.write("\r\n".join([*head, "", ""]).encode())
    await client.joined
    transport.write(_frame(orjson.dumps(_CONFIG)))
    return transport


async def _deaf(url: str, open_ones: AsyncExitStack) -> None:
    transport = await _connect(url, open_ones)
    transport.pause_reading()
    transport.write(_frame(say_text(_TEXT).encode()) + _frame(FLUSH.encode()))


def _frame(message: bytes) -> bytes:
    """A text frame, masked with zeros."""
    size = len(message)
    head = bytes([0x81, 0x80 | size]) if size < 126 else b"\x81\xfe" + size.to_bytes(2, "big")
    return head + bytes(4) + message


def _resident_bytes(url: str) -> int:
    pages = int(Path(f"/proc/{pid_of(url)}/statm").read_text().split()[1])
    return pages * 4096
