"""A link does to a connection what its methods say, and nothing else."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from ..conftest import until
from .link import Link


class Echo:
    """A server that says back what it hears, and how its connections ended."""

    def __init__(self) -> None:
        self.url = ""
        self.heard = b""
        self.ended: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                self.heard += data
                writer.write(data)
                await writer.drain()
            self.ended.append("fin")
        except ConnectionResetError:
            self.ended.append("reset")
        finally:
            writer.close()


@pytest.fixture
async def echo() -> AsyncIterator[Echo]:
    echo = Echo()
    server = await asyncio.start_server(echo.serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    echo.url = f"http://{host}:{port}"
    yield echo
    server.close()


@pytest.fixture
async def link(echo: Echo) -> AsyncIterator[Link]:
    async with Link(echo.url) as link:
        yield link


class Caller:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def say(self, words: bytes) -> bytes:
        self.writer.write(words)
        return await self.reader.readexactly(len(words))


@contextlib.asynccontextmanager
async def call(link: Link) -> AsyncIterator[Caller]:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(link.url.rsplit(":", 1)[1]))
    try:
        yield Caller(reader, writer)
    finally:
        writer.close()


async def test_everything_passes_both_ways_and_is_counted(link: Link) -> None:
    words = bytes(range(256)) * 2000
    async with call(link) as caller:
        assert await caller.say(words) == words
        assert (link.connections, link.open) == (1, 1)
        assert (link.up.bytes, link.down.bytes) == (len(words), len(words))
    await until(lambda: not link.open)


async def test_a_reset_is_one_at_both_ends(link: Link, echo: Echo) -> None:
    async with call(link) as caller:
        await caller.say(b"hello")
        link.cut()
        with pytest.raises(ConnectionResetError):
            await caller.reader.readexactly(1)
        await until(lambda: bool(echo.ended))
    assert echo.ended == ["reset"]
    assert link.ended == 1
    async with call(link) as caller:
        assert await caller.say(b"again") == b"again"


async def test_a_fin_is_an_orderly_end_at_both_ends(link: Link, echo: Echo) -> None:
    async with call(link) as caller:
        await caller.say(b"hello")
        link.cut(reset=False)
        assert await caller.reader.read() == b""
        await until(lambda: bool(echo.ended))
    assert echo.ended == ["fin"]


@pytest.mark.parametrize("way", ["up", "down"])
async def test_a_stall_holds_one_direction_and_loses_nothing(
    link: Link, echo: Echo, way: str
) -> None:
    async with call(link) as caller:
        await caller.say(b"before ")
        link.stall(up=way == "up", down=way == "down")
        caller.writer.write(b"meanwhile")
        await until(lambda: bool(link.up.held or link.down.held))
        assert (b"meanwhile" in echo.heard) == (way == "down")
        link.restore()
        assert await caller.reader.readexactly(9) == b"meanwhile"


async def test_what_is_refused_is_reset_and_what_was_open_goes_on(link: Link) -> None:
    async with call(link) as first:
        await first.say(b"hello")
        link.refuse()
        with pytest.raises(ConnectionResetError):
            async with call(link) as second:
                await second.say(b"hello?")
        assert await first.say(b"still here") == b"still here"
    assert link.refused == 1


async def test_a_black_hole_does_not_even_answer_tcp(link: Link) -> None:
    link.black_hole()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2), call(link):
            pass
    link.restore()
    async with call(link) as caller:
        assert await caller.say(b"hello") == b"hello"


async def test_what_is_slow_takes_its_time(link: Link) -> None:
    link.slow(bytes_per_s=100_000, latency_s=0.01)
    loop = asyncio.get_running_loop()
    async with call(link) as caller:
        began = loop.time()
        await caller.say(bytes(4000))
        # 40 ms for the bytes and 10 ms for the distance, each way.
        assert loop.time() - began >= 0.1


async def test_a_link_whose_origin_is_gone_resets(echo: Echo) -> None:
    async with Link("http://127.0.0.1:9") as link, call(link) as caller:
        with pytest.raises(ConnectionResetError):
            await caller.reader.readexactly(1)
        await until(lambda: not link.open)
