"""The origin for what is not speech: what becomes of requests and sockets that fail."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from multidict import CIMultiDict

from edgeproxy.core.errors import OriginClosed, OriginUnreachable
from edgeproxy.emulator.server import Emulator
from edgeproxy.upstream.relay import Relay, UpgradeRefused

from ..fakes.sarvam import Rest

KEY = CIMultiDict({"api-subscription-key": "origin-key"})


@pytest.fixture
async def relay(sarvam: Emulator) -> AsyncIterator[Relay]:
    async with to(sarvam.url) as relay:
        yield relay


@asynccontextmanager
async def to(url: str) -> AsyncIterator[Relay]:
    relay = Relay(url, connect_timeout_s=0.5, message_bytes=1000)
    yield relay
    await relay.close()


async def ask(relay: Relay, target: str, method: str = "GET") -> tuple[int, bytes]:
    async with relay.ask(method, target, headers=KEY.copy(), body=None) as answer:
        return answer.status, b"".join([piece async for piece in answer.pieces()])


async def test_an_answer_comes_with_its_head_and_body(relay: Relay, rest: Rest) -> None:
    assert await ask(relay, "/lab/say?body=words") == (200, b"words")
    assert {name.lower() for name in rest.got[-1].headers} == {"host", "api-subscription-key"}


async def test_an_answer_that_breaks_off_is_the_origins_fault(relay: Relay, rest: Rest) -> None:
    rest.permit.set()
    with pytest.raises(OriginClosed):
        await ask(relay, "/lab/half")


async def test_a_body_that_fails_is_no_whole_one_for_the_origin(relay: Relay, rest: Rest) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"half"
        while rest.heard < 4:
            await asyncio.sleep(0.001)
        raise RuntimeError("the client is gone")

    with pytest.raises(OriginClosed):
        async with relay.ask("POST", "/lab/swallow", headers=KEY.copy(), body=body()):
            pass
    async with asyncio.timeout(10):
        while not rest.left:
            await asyncio.sleep(0.001)


async def test_no_origin_is_unreachable() -> None:
    async with to("http://127.0.0.1:9") as relay:
        with pytest.raises(OriginUnreachable):
            await ask(relay, "/voices")
        with pytest.raises(OriginUnreachable):
            await relay.dial("/lab/ws", headers=KEY.copy(), subprotocols=())


async def answering(what: Callable[[asyncio.StreamWriter], None]) -> asyncio.Server:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        what(writer)
        writer.close()
        await writer.wait_closed()

    return await asyncio.start_server(answer, "127.0.0.1", 0)


async def test_an_origin_that_speaks_no_http_is_closed() -> None:
    server = await answering(lambda writer: writer.write(b"SSH-2.0-OpenSSH\r\n\r\n"))
    async with server, to(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}") as relay:
        with pytest.raises(OriginClosed) as caught:
            await ask(relay, "/voices")
        assert "SSH" not in str(caught.value)
        with pytest.raises(OriginClosed):
            await relay.dial("/lab/ws", headers=KEY.copy(), subprotocols=())


async def test_an_origin_that_never_answers_a_handshake_is_unreachable(
    relay: Relay, rest: Rest
) -> None:
    with pytest.raises(OriginUnreachable):
        await relay.dial("/lab/silence", headers=KEY.copy(), subprotocols=())


async def test_a_refused_handshake_keeps_what_the_origin_said(relay: Relay) -> None:
    with pytest.raises(UpgradeRefused) as caught:
        await relay.dial("/lab/no-ws", headers=KEY.copy(), subprotocols=())
    assert caught.value.status == 429
    assert caught.value.headers["Retry-After"] == "7"
    assert b"rate limit exceeded" in caught.value.body


async def test_a_200_is_no_handshake(relay: Relay) -> None:
    with pytest.raises(UpgradeRefused) as caught:
        await relay.dial("/lab/say?body=words", headers=KEY.copy(), subprotocols=())
    assert (caught.value.status, caught.value.body) == (200, b"words")


async def test_a_socket_speaks_the_subprotocol_that_was_chosen(relay: Relay) -> None:
    socket = await relay.dial("/lab/ws", headers=KEY.copy(), subprotocols=["chat"])
    assert socket.protocol == "chat"
    await socket.send_str("hello")
    assert await socket.receive_str() == "hello"
    await socket.close()
