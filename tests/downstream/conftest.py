"""An origin that plays scripts, and a client that reads no faster than its test."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from ..conftest import KEY
from ..fakes.origin import Origin
from ..wire import Talk


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
