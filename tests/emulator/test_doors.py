import io
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest
import websockets

from edgeproxy.emulator import Emulator

Starter = Callable[..., Any]

KEY = {"api-subscription-key": "good"}


async def test_both_websocket_paths_are_the_same_door(emulate: Starter, dial: Starter) -> None:
    emulator = await emulate()
    heard = set()
    for path in ("/text-to-speech/ws", "/text-to-speech/ws/v2"):
        caller = await dial(emulator, path=path)
        await caller.config()
        heard.add(await caller.turn("Hello."))
    assert len(heard) == 1
    assert emulator.counters.handshakes == 2


async def test_a_key_comes_in_by_header_bearer_or_subprotocol(emulate: Starter) -> None:
    emulator = await emulate(keys={"good"})
    for headers, subprotocols in (
        ({"Api-Subscription-Key": "good"}, None),
        ({"Authorization": "Bearer good"}, None),
        ({}, [websockets.Subprotocol("api-subscription-key.good")]),
    ):
        async with websockets.connect(
            emulator.ws_url, additional_headers=headers, subprotocols=subprotocols
        ) as socket:
            assert socket.subprotocol == (subprotocols[0] if subprotocols else None)
    assert emulator.counters.handshakes == 3


async def test_any_key_does_unless_keys_are_given_and_none_never_does(emulate: Starter) -> None:
    async def knock(emulator: Emulator, headers: dict[str, str]) -> int:
        async with (
            aiohttp.ClientSession(headers=headers) as client,
            client.post(f"{emulator.url}/text-to-speech", json={}) as answer,
        ):
            return answer.status

    anybody, keyed = await emulate(), await emulate(keys={"good"})
    assert await knock(anybody, {"api-subscription-key": "anything"}) == 422
    assert await knock(anybody, {"api-subscription-key": " "}) == 403
    assert await knock(anybody, {}) == 403
    assert await knock(keyed, KEY) == 422
    assert await knock(keyed, {"api-subscription-key": "bad"}) == 403


async def test_a_refused_upgrade_is_403_with_sarvams_json(emulate: Starter) -> None:
    emulator = await emulate(keys={"good"})
    with pytest.raises(websockets.InvalidStatus) as caught:
        await websockets.connect(
            emulator.ws_url, additional_headers={"api-subscription-key": "bad"}
        )
    response = caught.value.response
    assert response.status_code == 403
    assert b'"message":"Invalid or missing authentication credentials"' in response.body
    assert b'"code":"invalid_api_key_error"' in response.body
    assert response.headers["server"] == "uvicorn"
    assert emulator.counters.connections == 1
    assert emulator.counters.handshakes == 0


async def test_compression_is_declined(emulate: Starter) -> None:
    emulator = await emulate()
    async with websockets.connect(emulator.ws_url, additional_headers=KEY) as socket:
        assert socket.protocol.extensions == []


async def test_protocol_pings_are_answered(emulate: Starter) -> None:
    emulator = await emulate()
    async with websockets.connect(emulator.ws_url, additional_headers=KEY) as socket:
        assert await (await socket.ping()) >= 0


async def test_unknown_paths_and_methods_have_sarvams_404(
    emulate: Starter, client: aiohttp.ClientSession
) -> None:
    emulator = await emulate()
    for method, path in (
        ("GET", "/nowhere"),
        ("GET", "/text-to-speech"),
        ("POST", "/text-to-speech/ws"),
        ("GET", "/text-to-speech/ws"),
    ):
        async with client.request(method, emulator.url + path) as answer:
            assert answer.status == 404
            assert (await answer.json())["error"]["code"] == "not_found_error"
            assert answer.headers["x-request-id"]
            assert answer.headers["Server"] == "uvicorn"


async def test_a_body_that_is_too_large_is_413(
    emulate: Starter, client: aiohttp.ClientSession
) -> None:
    emulator = await emulate()
    async with client.post(
        f"{emulator.url}/text-to-speech", data=io.BytesIO(bytes(2 << 20))
    ) as answer:
        assert answer.status == 413
        assert (await answer.json())["error"]["code"] == "invalid_request_error"


async def test_one_socket_too_many_is_closed_with_1003(emulate: Starter, dial: Starter) -> None:
    emulator = await emulate(max_sockets=1)
    first = await dial(emulator)
    second = await dial(emulator)
    assert await second.hear() == 1003
    await first.config()
    assert await first.turn("Hello.")
    await first.socket.close()
    third = await dial(emulator)
    await third.config()
    assert await third.turn("Hello.")


async def test_open_sockets_are_counted(emulate: Starter, dial: Starter) -> None:
    emulator = await emulate()
    callers = [await dial(emulator) for _ in range(3)]
    assert emulator.counters.open == 3
    for caller in callers:
        await caller.socket.close()
    await emulator.stop()
    assert emulator.counters.open == 0
    assert emulator.counters.connections == 3


@pytest.mark.parametrize(
    ("fault", "status"), [("403", 403), ("429", 429), ("503", 503), ("500", 500)]
)
async def test_a_fault_at_the_door_is_a_status_for_all(
    emulate: Starter, client: aiohttp.ClientSession, dial: Starter, fault: str, status: int
) -> None:
    emulator = await emulate(faults=f"{fault}:count=3")
    for path in ("/text-to-speech", "/text-to-speech/stream"):
        async with client.post(emulator.url + path, json={}) as answer:
            assert answer.status == status
            html = answer.content_type == "text/html"
            assert html == (fault == "500")
    with pytest.raises(websockets.InvalidStatus) as caught:
        await websockets.connect(emulator.ws_url, additional_headers=KEY)
    assert caught.value.response.status_code == status
    caller = await dial(emulator)
    await caller.config()
    assert await caller.turn("Hello.")
    assert emulator.struck == {fault: 3}


async def test_a_refused_connection_is_reset(
    emulate: Starter, client: aiohttp.ClientSession
) -> None:
    emulator = await emulate(faults="refuse")
    with pytest.raises((websockets.InvalidMessage, ConnectionError)):
        await websockets.connect(emulator.ws_url, additional_headers=KEY)
    with pytest.raises(aiohttp.ClientConnectionError):
        await client.post(f"{emulator.url}/text-to-speech", json={})
    assert emulator.counters.handshakes == 0


async def test_a_hanging_door_is_never_answered(emulate: Starter) -> None:
    emulator = await emulate(faults="hang")
    with pytest.raises(TimeoutError):
        await websockets.connect(emulator.ws_url, additional_headers=KEY, open_timeout=0.1)
    assert emulator.struck == {"hang": 1}
    assert emulator.counters.handshakes == 0


async def test_a_black_hole_opens_and_never_says_a_word(emulate: Starter, dial: Starter) -> None:
    emulator = await emulate(faults="black_hole:count=1")
    hole, healthy = await dial(emulator), await dial(emulator)
    for caller in (hole, healthy):
        await caller.config()
        await caller.text("Hello.")
        await caller.flush()
    assert (await healthy.hear_out())[-1] == "final"
    assert emulator.counters.texts == 1
    with pytest.raises(TimeoutError):
        await hole.socket.receive(timeout=0.05)


async def test_the_1003_fault_opens_and_closes(emulate: Starter, dial: Starter) -> None:
    caller = await dial(await emulate(faults="1003"))
    assert await caller.hear() == 1003


async def test_a_client_that_leaves_in_mid_utterance_leaves_nothing_behind(
    emulate: Starter, dial: Starter
) -> None:
    emulator = await emulate(faults="stall:seconds=forever:count=1")
    caller = await dial(emulator)
    await caller.config()
    await caller.text("Hello.")
    await caller.flush()
    await caller.hear()
    assert await caller.socket.close()
    another = await dial(emulator)
    await another.config()
    assert await another.turn("Hello.")
    assert emulator.counters.open == 1
