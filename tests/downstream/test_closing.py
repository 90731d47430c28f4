"""A socket's end: the close is heard by who reads, and nobody who does not is waited for."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from edgeproxy.downstream import closing

from .conftest import talk_slowly

GOING = 1012
FAR_TOO_MUCH = bytes(20_000_000)


class Server:
    """Says ``greeting``, and then ends each socket. ``ended``: of each, whether nothing is left unsent."""

    def __init__(self, greeting: bytes = b"") -> None:
        self.url = ""
        self._greeting = greeting
        self.ended: asyncio.Queue[bool] = asyncio.Queue()

    async def hear(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        transport = request.transport
        assert transport is not None
        transport.set_write_buffer_limits(high=2 * len(FAR_TOO_MUCH))
        if self._greeting:
            await socket.send_bytes(self._greeting)
        await closing.close_or_cut(request, socket, GOING, b"that is all")
        self.ended.put_nowait(transport.get_write_buffer_size() == 0)
        return socket


@pytest.fixture
async def server(request: pytest.FixtureRequest) -> AsyncIterator[Server]:
    server = Server(getattr(request, "param", b""))
    app = web.Application()
    app.router.add_get("/text-to-speech/ws", server.hear)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield server
    await runner.cleanup()


async def test_who_reads_hears_why(server: Server) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{server.url}/text-to-speech/ws") as client,
    ):
        last = await client.receive()
        assert (last.type, last.data, last.extra) == (aiohttp.WSMsgType.CLOSE, GOING, "that is all")


@pytest.mark.parametrize("server", [FAR_TOO_MUCH], indirect=True, ids=[""])
async def test_who_does_not_read_is_cut_off(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(closing, "CLOSE_S", 0.1)
    async with talk_slowly(server.url):
        assert await server.ended.get()
