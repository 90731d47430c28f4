"""What abuse costs: a place, for a time, and a clear answer; and that it costs nobody else anything."""

import asyncio
import gc
import json
import socket
from contextlib import ExitStack

import aiohttp
import pytest

from edgeproxy.app import Proxy
from edgeproxy.core.events import Event, LimitMet, TurnEnded
from edgeproxy.downstream import limits
from edgeproxy.emulator.server import Emulator

from ..conftest import KEY, StartProxy, landed, until
from ..fakes.origin import Origin
from ..wire import CONFIG, talk
from .conftest import Raw, raw, talk_slowly

HELLO = "नमस्ते, आप कैसे हैं?"
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


async def trickle(connection: Raw, sent: bytes) -> None:
    """Byte by byte, again and again, as slowly as a slow-loris does."""
    while True:
        for byte in sent:
            connection.say(bytes([byte]))
            await asyncio.sleep(0.005)


def met(facts: list[Event]) -> list[str]:
    return [fact.limit for fact in facts if isinstance(fact, LimitMet)]


# -- heads -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("before", [b"", HEALTH], ids=["the first", "a later one"])
async def test_a_head_that_trickles_is_told_408_in_time(
    start_proxy: StartProxy, facts: list[Event], before: bytes
) -> None:
    async with (
        start_proxy(server={"header_timeout_s": 0.3}) as proxy,
        raw(proxy.url) as slow,
    ):
        if before:
            slow.say(before)
            assert b"200 OK" in await slow.answer()
        slow.say(b"GET /healthz HTTP/1.1\r\n")
        trickling = asyncio.create_task(trickle(slow, b"X-A: b\r\n"))
        status, _, error = await slow.refused()
        trickling.cancel()
        assert status == 408
        assert "0.3 s" in error["message"]
    assert met(facts) == ["header_timeout_s"]


async def test_a_connection_that_never_asks_for_anything_is_closed_without_a_word(
    start_proxy: StartProxy, facts: list[Event]
) -> None:
    async with (
        start_proxy(server={"header_timeout_s": 0.1}) as proxy,
        raw(proxy.url) as silent,
    ):
        assert await silent.heard() == b""
    assert met(facts) == ["header_timeout_s"]


async def test_neither_a_pause_between_requests_nor_a_conversation_is_a_slow_head(
    start_proxy: StartProxy,
) -> None:
    async with (
        start_proxy(server={"header_timeout_s": 0.2}) as proxy,
        raw(proxy.url) as kept,
        talk(proxy.url) as client,
    ):
        kept.say(HEALTH)
        assert b"200 OK" in await kept.answer()
        async with raw(proxy.url) as silent:
            # Came later: when its time is over, so would be that of the others.
            assert await silent.heard() == b""
        kept.say(HEALTH)
        assert b"200 OK" in await kept.answer()
        assert (await client.say(HELLO)).audio


async def test_a_head_that_is_there_before_its_connection_is_taken_is_not_late(
    start_proxy: StartProxy, facts: list[Event]
) -> None:
    async with start_proxy(server={"header_timeout_s": 0.3}) as proxy:
        host, port = proxy.url.removeprefix("http://").split(":")
        with ExitStack() as closing:
            early = [closing.enter_context(socket.socket()) for _ in range(30)]
            for each in early:
                each.connect((host, int(port)))  # the system takes it; the proxy has not yet
                each.sendall(HEALTH)
                each.setblocking(False)
            async with raw(proxy.url) as silent:
                assert await silent.heard() == b""
            loop = asyncio.get_running_loop()
            for each in early:
                assert b"200 OK" in await loop.sock_recv(each, 1000)
                await loop.sock_sendall(each, HEALTH)
                assert b"200 OK" in await loop.sock_recv(each, 1000)
    assert met(facts) == ["header_timeout_s"]


@pytest.mark.parametrize("message", ["a text over the WebSocket", "a body"])
async def test_what_comes_in_pieces_behind_its_head_is_no_head(
    start_proxy: StartProxy, message: str
) -> None:
    body = json.dumps({**CONFIG, "text": HELLO}).encode()
    async with (
        start_proxy(server={"header_bytes": 1024, "header_timeout_s": 0.2}) as proxy,
        raw(proxy.url) as asking,
    ):
        if message == "a body":
            asking.say(
                b"POST /text-to-speech HTTP/1.1\r\nHost: x\r\napi-subscription-key: k\r\n"
                b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (len(body) + 5000)
            )
            for piece in (b" " * 2500, b" " * 2500, body):
                asking.say(piece)
                await asyncio.sleep(0.15)
            assert (await asking.answer()).startswith(b"HTTP/1.1 200")
        else:
            async with talk(proxy.url) as client:
                await client.send({"type": "text", "data": {"text": "क" * 2500}})
                await client.flush()
                assert (await client.answer()).audio


@pytest.mark.parametrize(
    "head",
    [
        b"GET /healthz?secret=%b HTTP/1.1\r\nHost: x\r\n\r\n" % (b"x" * 3000),
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Secret: %b\r\n\r\n" % (b"x" * 3000),
        b"GET /healthz HTTP/1.1\r\n" + b"X-Secret: x\r\n" * 200,
    ],
    ids=["a line", "a header", "many headers and no end"],
)
@pytest.mark.parametrize("pieces", [1, 20])
async def test_a_head_that_is_too_large_is_told_431_and_not_read_aloud(
    start_proxy: StartProxy,
    facts: list[Event],
    caplog: pytest.LogCaptureFixture,
    head: bytes,
    pieces: int,
) -> None:
    async with (
        start_proxy(server={"header_bytes": 1024}) as proxy,
        raw(proxy.url) as large,
    ):
        size = -(-len(head) // pieces)
        for start in range(0, len(head), size):
            large.say(head[start : start + size])
            await asyncio.sleep(0.001)
        status, _, error = await large.refused()
        assert (status, error["code"]) == (431, "invalid_request_error")
        assert "1024" in error["message"]
        assert "secret" not in str(error).lower() + caplog.text.lower()
        await until(lambda: met(facts) == ["header_bytes"])


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"POST /text-to-speech HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"\x00" * 5000,
    ],
    ids=["TLS", "HTTP/2", "SSH", "no header", "no length", "zeros"],
)
async def test_what_is_no_http_is_told_so_in_sarvams_shape_without_a_traceback(
    proxy: Proxy, facts: list[Event], caplog: pytest.LogCaptureFixture, garbage: bytes
) -> None:
    async with raw(proxy.url) as speaking:
        speaking.say(garbage)
        status, headers, error = await speaking.refused()
    assert (status, error["code"]) == (400, "invalid_request_error")
    assert headers["content-type"].startswith("application/json")
    assert met(facts) == ["no HTTP"]
    assert [record for record in caplog.records if record.exc_info] == []
    async with talk(proxy.url) as client:
        assert (await client.say(HELLO)).audio


# -- bodies ----------------------------------------------------------------------------------------


async def test_a_body_that_trickles_is_told_408_in_time(
    start_proxy: StartProxy, facts: list[Event], emulator: Emulator
) -> None:
    async with (
        start_proxy(server={"body_timeout_s": 0.3}) as proxy,
        raw(proxy.url) as slow,
    ):
        slow.say(
            b"POST /text-to-speech HTTP/1.1\r\nHost: x\r\napi-subscription-key: k\r\n"
            b"Content-Length: 60000\r\n\r\n"
        )
        trickling = asyncio.create_task(trickle(slow, b"x"))
        status, _, error = await slow.refused()
        trickling.cancel()
    assert status == 408
    assert "0.3 s" in error["message"]
    assert met(facts) == ["body_timeout_s"]
    assert emulator.counters.rest_calls == 0


async def test_a_body_that_nobody_wants_is_not_waited_for_longer(
    start_proxy: StartProxy,
) -> None:
    async with (
        start_proxy(server={"body_timeout_s": 0.3}) as proxy,
        raw(proxy.url) as slow,
    ):
        slow.say(b"POST /text-to-speech HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n")
        trickling = asyncio.create_task(trickle(slow, b"x"))
        status, _, _ = await slow.refused()
        trickling.cancel()
    assert status == 403


async def test_a_body_that_is_too_large_is_a_fact(proxy: Proxy, facts: list[Event]) -> None:
    async with (
        aiohttp.ClientSession(headers={"api-subscription-key": KEY}) as session,
        session.post(f"{proxy.url}/text-to-speech", data=b"x" * 70_000) as response,
    ):
        assert response.status == 413
    assert met(facts) == ["body_bytes"]


# -- how many --------------------------------------------------------------------------------------


async def test_more_connections_than_an_address_may_have_are_told_429(
    start_proxy: StartProxy, facts: list[Event]
) -> None:
    async with start_proxy(server={"connections_per_address": 2}) as proxy:
        async with talk(proxy.url) as client:
            async with raw(proxy.url), raw(proxy.url) as third:
                third.say(HEALTH)
                status, headers, error = await third.refused()
                assert (status, error["code"]) == (429, "rate_limit_exceeded_error")
                assert "At most 2 connections from one address" in error["message"]
                assert int(headers["retry-after"]) >= 1
                async with raw(proxy.url, from_address="127.0.0.2") as neighbour:
                    neighbour.say(HEALTH)
                    assert b"200 OK" in await neighbour.answer()
            assert (await client.say(HELLO)).audio
        assert met(facts) == ["connections_per_address"]
        # Those places are free again.
        await until_there_is_room(proxy, 2)


async def until_there_is_room(proxy: Proxy, connections: int) -> None:
    """Open so many at once; whoever is still counted may take a moment to go."""
    while True:
        async with aiohttp.ClientSession() as session:

            async def one() -> int:
                async with session.ws_connect(
                    f"{proxy.url}/text-to-speech/ws", headers={"api-subscription-key": KEY}
                ):
                    return 101

            answers = await asyncio.gather(
                *(one() for _ in range(connections)), return_exceptions=True
            )
        if answers == [101] * connections:
            return


async def test_more_connections_than_there_may_be_are_told_503(
    start_proxy: StartProxy, facts: list[Event]
) -> None:
    async with (
        start_proxy(server={"connections": 2}) as proxy,
        talk(proxy.url) as client,
        raw(proxy.url, from_address="127.0.0.2"),
    ):
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            async with talk(proxy.url):
                pass
        assert caught.value.status == 503
        assert caught.value.headers is not None
        assert int(caught.value.headers["Retry-After"]) >= 1
        assert (await client.say(HELLO)).audio
    assert met(facts) == ["connections"]


async def test_who_is_turned_away_and_asks_nothing_is_closed_all_the_same(
    start_proxy: StartProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "_TOLD_WITHIN_S", 0.1)
    async with start_proxy(server={"connections": 1}) as proxy, raw(proxy.url) as first:
        async with raw(proxy.url) as silent:
            assert await silent.heard() == b""
        first.say(HEALTH)
        assert b"200 OK" in await first.answer()


async def test_a_crowd_that_is_turned_away_is_not_even_told(
    start_proxy: StartProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "_MOST_TOLD", 1)
    async with start_proxy(server={"connections": 1}) as proxy, raw(proxy.url) as first:
        async with raw(proxy.url) as told, raw(proxy.url) as crowd:
            assert await crowd.heard() == b""
            told.say(HEALTH)
            assert (await told.refused())[0] == 503
        first.say(HEALTH)
        assert b"200 OK" in await first.answer()


async def test_a_hundred_half_open_connections_cost_nobody_anything(
    start_proxy: StartProxy, facts: list[Event]
) -> None:
    async with start_proxy(server={"header_timeout_s": 0.3}) as proxy:
        host, port = proxy.url.removeprefix("http://").split(":")
        opened = await asyncio.gather(
            *(asyncio.open_connection(host, int(port)) for _ in range(100))
        )
        for _, writer in opened[::2]:
            writer.write(b"GET /text-to-speech/ws HTTP/1.1\r\n")
        async with talk(proxy.url) as client:
            assert (await client.say(HELLO)).audio
        async with asyncio.timeout(10):
            await asyncio.gather(*(reader.read() for reader, _ in opened))
        assert met(facts) == ["header_timeout_s"] * 100
        for _, writer in opened:
            writer.close()


# -- what nobody reads -----------------------------------------------------------------------------


def unsent_bytes() -> int:
    """What all connections of proxies in this process hold for their clients."""
    return sum(
        each.transport.get_write_buffer_size()
        for each in gc.get_objects()
        if type(each) is limits._Connection and each.transport is not None
    )


async def test_a_client_that_never_reads_is_dropped_and_cost_little_memory(
    start_proxy: StartProxy, origin: Origin, facts: list[Event]
) -> None:
    async with (
        start_proxy(server={"unread_timeout_s": 0.5}, origin={"url": origin.url}) as proxy,
        talk(proxy.url) as other,
        talk_slowly(proxy.url) as client,
    ):
        await other.say("audio 15000")
        await landed(proxy)
        await client.config()
        for _ in range(60):  # 19 MB, far more than the sockets between us take in
            await client.text("audio 15000")
            await client.flush()
        most = 0

        def dropped() -> bool:
            nonlocal most
            most = max(most, unsent_bytes())
            return met(facts) == ["unread_timeout_s"]

        await until(dropped)
        assert 64 * 1024 < most < 128 * 1024
        await until(lambda: turns(facts).count("left") > 0)
        assert unsent_bytes() == 0
        assert (await other.say("audio 15000")).audio


def turns(facts: list[Event]) -> list[str]:
    return [fact.outcome for fact in facts if isinstance(fact, TurnEnded)]


async def test_an_http_client_that_never_reads_is_dropped(
    start_proxy: StartProxy, origin: Origin, facts: list[Event]
) -> None:
    text = "audio 15000। " * 120  # 29 MB
    body = json.dumps({**CONFIG, "text": text, "output_audio_codec": "linear16"}).encode()
    async with (
        start_proxy(server={"unread_timeout_s": 0.5}, origin={"url": origin.url}) as proxy,
        raw(proxy.url) as client,
    ):
        client.reader._limit = 1024  # type: ignore[attr-defined]  # asyncio's own way to stop reading
        client.say(
            b"POST /text-to-speech/stream HTTP/1.1\r\nHost: x\r\napi-subscription-key: k\r\n"
            b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        )
        await until(lambda: "unread_timeout_s" in met(facts), timeout_s=20)
        await until(lambda: turns(facts) == ["left"])
        assert unsent_bytes() == 0


async def test_a_client_that_reads_slowly_is_not_dropped(
    start_proxy: StartProxy, origin: Origin, facts: list[Event]
) -> None:
    async with (
        start_proxy(server={"unread_timeout_s": 1.0}, origin={"url": origin.url}) as proxy,
        talk_slowly(proxy.url) as client,
    ):
        await client.config()
        for _ in range(30):
            await client.text("audio 15000")
            await client.flush()
        for _ in range(30):
            assert (await client.answer()).audio
            await asyncio.sleep(0.05)
    assert met(facts) == []
