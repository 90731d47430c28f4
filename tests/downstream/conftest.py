"""Clients before a proxy: one that passes on what it gets, one that reads no faster than its test."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiohttp
import pytest
import uvloop

from edgeproxy.app import Proxy
from edgeproxy.emulator.server import Emulator

from ..conftest import KEY, StartProxy
from ..wire import Talk, talk

ONE = "पहला वाक्य यह है।"
TWO = "दूसरा वाक्य यह है।"
THREE = "तीसरा वाक्य यह है।"


def pytest_asyncio_loop_factories(
    item: pytest.Item,
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Limits and backpressure are held where a loop hands over bytes, and in another order on each: tested on
    both."""
    loops: dict[str, Callable[[], asyncio.AbstractEventLoop]]
    loops = {"asyncio": asyncio.new_event_loop}
    if item.path.name in ("test_limits.py", "test_tunnel.py"):
        loops["uvloop"] = uvloop.new_event_loop
    return loops


@pytest.fixture
async def url(start_proxy: StartProxy, sarvam: Emulator) -> AsyncIterator[str]:
    """A proxy before all of Sarvam."""
    async with start_proxy(origin={"url": sarvam.url}) as proxy:
        yield proxy.url


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """A client with a key, that leaves bodies as they come."""
    headers = {"api-subscription-key": KEY}
    async with aiohttp.ClientSession(headers=headers, auto_decompress=False) as session:
        yield session


class Raw:
    """A connection that says what its test says, byte by byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def say(self, sent: bytes) -> None:
        self.writer.write(sent)

    async def heard(self) -> bytes:
        """All until the proxy closes."""
        heard = b""
        async with asyncio.timeout(10):
            with suppress(ConnectionResetError):
                while more := await self.reader.read(1024):
                    heard += more
        return heard

    async def refused(self) -> tuple[int, dict[str, str], dict[str, Any]]:
        """The answer the connection ends with: status, headers, error."""
        head, _, body = (await self.heard()).partition(b"\r\n\r\n")
        line, *rest = head.decode().split("\r\n")
        headers = dict(each.lower().split(": ", 1) for each in rest)
        assert int(headers["content-length"]) == len(body)
        error: dict[str, Any] = json.loads(body)["error"]
        return int(line.split()[1]), headers, error

    async def answer(self) -> bytes:
        """One answer with a body of a known length."""
        async with asyncio.timeout(10):
            head = await self.reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            return head + await self.reader.readexactly(length)


@asynccontextmanager
async def raw(url: str, *, from_address: str = "127.0.0.1") -> AsyncIterator[Raw]:
    """Ends it without a word, whatever is left."""
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port), local_addr=(from_address, 0))
    try:
        yield Raw(reader, writer)
    finally:
        writer.transport.abort()


@asynccontextmanager
async def talk_slowly(url: str) -> AsyncIterator[Talk]:
    """A conversation whose socket takes in next to nothing: what its test does not read is left
    with the proxy."""

    def small(address: aiohttp.AddrInfoType) -> socket.socket:
        family, kind, protocol, *_ = address
        made = socket.socket(family, kind, protocol)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        return made

    query = "model=bulbul:v3&send_completion_event=true&verdict=true"
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(socket_factory=small)) as session,
        session.ws_connect(
            f"{url}/text-to-speech/ws?{query}",
            headers={"api-subscription-key": KEY},
            timeout=aiohttp.ClientWSTimeout(ws_close=0.2),
        ) as client,
    ):
        yield Talk(client)


async def alone(proxy: Proxy, *texts: str) -> list[bytes]:
    """Each text as a turn of its own."""
    async with talk(proxy.url) as client:
        return [(await client.say(text)).audio for text in texts]
