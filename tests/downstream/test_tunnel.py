"""WebSockets that are passed on: both ways, text and binary, pings, closes, refusals, backpressure."""

import asyncio
from pathlib import Path

import aiohttp
import pytest
from aiohttp import WSMsgType

from edgeproxy.core.events import Event, LimitMet, PassedOn
from edgeproxy.emulator.server import Emulator

from ..conftest import StartProxy, proxy_mode, until, write_tenants
from ..fakes.sarvam import Rest


async def settled(rest: Rest) -> int:
    """How much has come when nothing moves any more."""
    seen = -1
    while seen != rest.heard:
        seen = rest.heard
        await asyncio.sleep(0.2)
    return seen


async def test_text_and_binary_go_both_ways_in_order(
    url: str, http: aiohttp.ClientSession, rest: Rest, facts: list[Event]
) -> None:
    async with http.ws_connect(f"{url}/lab/ws?a=%20b&c=d:e") as socket:
        for number in range(20):
            await socket.send_str(f"नमस्ते {number}")
            await socket.send_bytes(bytes([number]) * 1000)
        for number in range(20):
            assert await socket.receive_str() == f"नमस्ते {number}"
            assert await socket.receive_bytes() == bytes([number]) * 1000
    assert rest.got[-1].raw == "/lab/ws?a=%20b&c=d:e"
    assert "Sec-WebSocket-Extensions" not in rest.got[-1].headers
    await until(lambda: any(isinstance(fact, PassedOn) for fact in facts))
    (fact,) = [fact for fact in facts if isinstance(fact, PassedOn)]
    assert (fact.status, fact.outcome, fact.close_code) == (101, "ok", 1000)
    assert fact.to_origin_bytes == fact.to_client_bytes > 20_000


async def test_a_ping_is_answered(url: str, http: aiohttp.ClientSession) -> None:
    async with http.ws_connect(f"{url}/lab/ws", autoping=False) as socket:
        await socket.ping(b"there?")
        answer = await socket.receive()
        assert (answer.type, answer.data) == (WSMsgType.PONG, b"there?")


@pytest.mark.parametrize("code", [1000, 1003, 1008, 1011, 1013, 3000, 4999])
async def test_the_origins_close_is_carried_over(
    url: str, http: aiohttp.ClientSession, code: int
) -> None:
    async with http.ws_connect(f"{url}/lab/ws") as socket:
        await socket.send_str("the last word")
        await socket.send_str(f"close {code} these words")
        assert await socket.receive_str() == "the last word"
        message = await socket.receive()
        assert (message.type, message.data, message.extra) == (WSMsgType.CLOSE, code, "these words")


@pytest.mark.parametrize("code", [1000, 1001, 1011, 4001])
async def test_a_clients_close_is_carried_over(
    url: str, http: aiohttp.ClientSession, rest: Rest, code: int
) -> None:
    async with http.ws_connect(f"{url}/lab/ws") as socket:
        await socket.close(code=code, message=b"bye")
    await until(lambda: rest.close_codes == [code])


async def test_an_origin_that_is_gone_without_a_word_is_1011(
    url: str, http: aiohttp.ClientSession
) -> None:
    async with http.ws_connect(f"{url}/lab/ws") as socket:
        await socket.send_str("drop")
        message = await socket.receive()
        assert (message.type, message.data) == (WSMsgType.CLOSE, 1011)


async def test_a_client_that_is_gone_without_a_word_is_gone_for_the_origin_at_once(
    url: str, http: aiohttp.ClientSession, rest: Rest
) -> None:
    socket = await http.ws_connect(f"{url}/lab/ws")
    await until(lambda: rest.open_sockets == 1)
    connection = socket.get_extra_info("socket")
    assert connection is not None
    assert socket._response.connection is not None
    assert socket._response.connection.transport is not None
    socket._response.connection.transport.abort()
    await until(lambda: rest.open_sockets == 0)
    assert rest.close_codes == [1001]


async def test_an_upgrade_that_the_origin_refuses_is_answered_as_it_answered(
    url: str, rest: Rest
) -> None:
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(
        b"GET /lab/no-ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        b"api-subscription-key: k\r\n\r\n"
    )
    async with asyncio.timeout(10):
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        body = await reader.readexactly(int(head.split("content-length: ")[1].split()[0]))
    assert head.startswith("http/1.1 429")
    assert "retry-after: 7" in head
    assert "x-request-id: their-id" in head
    assert "set-cookie" not in head
    assert b"rate limit exceeded" in body
    writer.close()


@pytest.mark.parametrize(
    "headers",
    [
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n",
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: x\r\n",
        "Upgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
    ],
)
async def test_a_handshake_that_is_none_costs_nothing(url: str, rest: Rest, headers: str) -> None:
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(
        f"GET /lab/ws HTTP/1.1\r\nHost: h\r\napi-subscription-key: k\r\n{headers}\r\n".encode()
    )
    async with asyncio.timeout(10):
        assert (await reader.readline()).startswith(b"HTTP/1.1 400")
    assert not rest.got
    writer.close()


async def test_no_subprotocol_is_ever_in_the_log(
    url: str, http: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    offers = ["other", "api-subscription-key.secret-key"]
    async with http.ws_connect(f"{url}/lab/ws", protocols=offers) as socket:
        assert socket.protocol == "other"
    async with http.ws_connect(f"{url}/lab/ws", protocols=offers[1:]) as socket:
        assert socket.protocol == offers[1]
    assert "secret-key" not in caplog.text


async def test_a_message_over_the_limit_is_1009_either_way(
    start_proxy: StartProxy,
    sarvam: Emulator,
    rest: Rest,
    http: aiohttp.ClientSession,
    facts: list[Event],
) -> None:
    limits = {"message_bytes": 10_000}
    async with start_proxy(origin={"url": sarvam.url}, passthrough=limits) as proxy:
        for path, sent in (("ws", 10_001), ("flood-ws", 0)):
            async with http.ws_connect(f"{proxy.url}/lab/{path}", max_msg_size=0) as socket:
                if sent:
                    await socket.send_bytes(b"x" * sent)
                message = await socket.receive()
                assert (message.type, message.data) == (WSMsgType.CLOSE, 1009)
    await until(lambda: rest.open_sockets == 0)
    met = [fact.limit for fact in facts if isinstance(fact, LimitMet)]
    assert met == ["passthrough.message_bytes"] * 2


async def test_a_client_that_does_not_read_holds_the_origin_back(
    url: str, http: aiohttp.ClientSession, rest: Rest
) -> None:
    async with http.ws_connect(f"{url}/lab/flood-ws") as socket:
        seen = await settled(rest)
        assert seen < 32_000_000  # what all sockets between them hold
        while rest.heard == seen:
            await socket.receive_bytes()


async def test_an_origin_that_does_not_read_holds_the_client_back(
    url: str, http: aiohttp.ClientSession, rest: Rest
) -> None:
    sent = 0

    async def send(socket: aiohttp.ClientWebSocketResponse) -> None:
        nonlocal sent
        while sent < 64_000_000:
            await socket.send_bytes(b"x" * 64_000)
            sent += 64_000

    async with http.ws_connect(f"{url}/lab/deaf-ws") as socket:
        sending = asyncio.ensure_future(send(socket))
        before = -1
        while before != sent:
            before = sent
            await asyncio.sleep(0.2)
        assert sent < 32_000_000
        rest.permit.set()
        await sending
        await until(lambda: rest.heard == 64_000_000)


async def test_a_revoked_token_closes_its_sockets_at_the_next_message(
    start_proxy: StartProxy, sarvam: Emulator, tmp_path: Path
) -> None:
    auth = proxy_mode(tmp_path, one={"tokens": ["one"], "paths": ["/lab"]})
    async with (
        start_proxy(origin={"url": sarvam.url}, auth=auth) as proxy,
        aiohttp.ClientSession(headers={"api-subscription-key": "one"}) as http,
        http.ws_connect(f"{proxy.url}/lab/ws") as socket,
    ):
        await socket.send_str("hello")
        assert await socket.receive_str() == "hello"
        write_tenants(auth["tenants"], one={"tokens": [], "paths": ["/lab"]})
        assert await proxy.keeper.reload()  # type: ignore[attr-defined]
        await socket.send_str("hello")
        message = await socket.receive()
        assert (message.type, message.data) == (WSMsgType.CLOSE, 1008)
