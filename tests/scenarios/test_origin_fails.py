"""The origin fails, or is slow for ever: callers hear so in its own words and in time, and hits go on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from edgeproxy.app import Proxy
from edgeproxy.core.events import BreakerMoved, Event
from edgeproxy.emulator.server import Emulator

from ..conftest import KEY, StartProxy, landed, until
from ..upstream.conftest import turning_away
from ..wire import talk

KEPT = "नमस्ते।"
FIVE = "पहला वाक्य। दूसरा वाक्य। तीसरा वाक्य। चौथा वाक्य। पाँचवाँ वाक्य।"


@asynccontextmanager
async def post(url: str, text: str, *, path: str = "") -> AsyncIterator[aiohttp.ClientResponse]:
    body: dict[str, Any] = {
        "text": text,
        "target_language_code": "hi-IN",
        "speaker": "shubh",
        "model": "bulbul:v3",
        "speech_sample_rate": 8000,
    }
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            f"{url}/text-to-speech{path}", json=body, headers={"api-subscription-key": KEY}
        ) as response,
    ):
        yield response


async def readiness(proxy: Proxy) -> dict[str, Any]:
    async with aiohttp.ClientSession() as session, session.get(f"{proxy.url}/readyz") as response:
        assert response.status == 200
        told: dict[str, Any] = await response.json()
        return told


async def miss(proxy: Proxy, text: str) -> int | None:
    """The code a caller is told who asks for something new; None where it is spoken."""
    async with talk(proxy.url) as client:
        errors = (await client.say(text)).errors
    return errors[0]["code"] if errors else None


async def test_an_origin_that_fails_everything_is_left_alone_until_a_caller_finds_it_well(
    proxy: Proxy, emulator: Emulator, facts: list[Event]
) -> None:
    async with talk(proxy.url) as client:
        kept = await client.say(KEPT)
        await landed(proxy)
        emulator.change_faults("error:after=0")
        codes = await asyncio.gather(*(miss(proxy, f"वाक्य {number}।") for number in range(10)))
        assert set(codes) <= {500, 503}
        assert [fact.state for fact in facts if isinstance(fact, BreakerMoved)] == ["open"]
        asked = emulator.counters.flushes
        # A miss is told at once, on a socket that stays open; what is kept speaks on.
        refused = await client.say("और कुछ।")
        assert [error["code"] for error in refused.errors] == [503]
        assert refused.messages[-1]["type"] == "event"
        again = await client.say(KEPT)
        assert (again.audio, again.verdicts) == (kept.audio, ["hit-memory"])
        async with post(proxy.url, "और कुछ।") as response:
            assert response.status == 503
            assert response.headers["Retry-After"] in ("1", "2")
            assert (await response.json())["error"]["code"] == "rate_limit_exceeded_error"
        assert emulator.counters.flushes == asked
        ready = await readiness(proxy)
        assert ready["status"] == "degraded"
        assert "bulbul:v3 is not asked" in str(ready["origin_problem"])
        # The origin is well again: somebody who asks in earnest finds out.
        emulator.change_faults("")
        async with asyncio.timeout(10):
            while (await client.say("और कुछ।")).errors:
                await asyncio.sleep(0.02)
    assert [fact.state for fact in facts if isinstance(fact, BreakerMoved)][-2:] == [
        "half-open",
        "closed",
    ]
    assert (await readiness(proxy))["status"] == "ready"


async def test_the_origins_429_is_passed_on_with_its_retry_after(start_proxy: StartProxy) -> None:
    async with (
        turning_away(429, retry_after="30") as url,
        start_proxy(origin={"url": url}, pool={"lease_timeout_s": 0.2}) as proxy,
    ):
        async with post(proxy.url, KEPT) as response:
            assert response.status == 429
            assert 20 <= int(response.headers["Retry-After"]) <= 30
            assert "rate limit" in (await response.json())["error"]["message"]
        async with talk(proxy.url) as client:
            for _ in range(2):
                answer = await client.say(KEPT)
                assert [error["code"] for error in answer.errors] == [429]
                assert answer.messages[-1]["type"] == "event"


async def test_a_turn_that_is_not_over_by_its_deadline_is_told_so_and_ended(
    start_proxy: StartProxy, emulator: Emulator
) -> None:
    emulator.change_faults("slow:seconds=0.3")
    async with (
        start_proxy(origin={"turn_deadline_s": 0.7}, turn={"parallel_segments": 1}) as proxy,
        talk(proxy.url) as client,
    ):
        answer = await client.say(FIVE)
        assert answer.pieces
        assert [error["code"] for error in answer.errors] == [504]
        assert "deadline" in answer.errors[0]["message"]
        assert answer.messages[-1]["type"] == "event"
        emulator.change_faults("")
        await landed(proxy)
        assert not (await client.say(FIVE)).errors


@pytest.mark.parametrize("path", ["", "/stream"])
async def test_a_request_that_is_not_over_by_its_deadline_never_looks_whole(
    start_proxy: StartProxy, emulator: Emulator, path: str
) -> None:
    emulator.change_faults("slow:seconds=0.3")
    async with (
        start_proxy(origin={"turn_deadline_s": 0.7}, turn={"parallel_segments": 1}) as proxy,
        post(proxy.url, FIVE, path=path) as response,
    ):
        if path:
            with pytest.raises(aiohttp.ClientPayloadError):
                await response.read()
        else:
            assert response.status == 504
            assert "deadline" in (await response.json())["error"]["message"]
        await until(lambda: not len(proxy.flights))
