"""An origin that plays scripts, and a client that reads no faster than its test."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

import aiohttp
import pytest
import uvloop

from edgeproxy.app import Proxy

from ..conftest import KEY
from ..fakes.origin import Origin
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
async def origin() -> AsyncIterator[Origin]:
    """An origin whose texts are its scripts."""
    async with Origin() as origin:
        yield origin


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
