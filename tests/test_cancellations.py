"""Cancellation at each await: whatever is called off, wherever it stands, the books balance afterwards.

:class:`CancelledAt` calls a coroutine off at its n-th suspension, for n = 1, 2, 3 ... until it completes
undisturbed: so no await is left out, however the code below changes.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Generator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from edgeproxy.app import Proxy
from edgeproxy.cache.clip import Clip, State
from edgeproxy.cache.flight import Flights
from edgeproxy.cache.record import Record
from edgeproxy.core.key import Teller
from edgeproxy.core.voice import Voice
from edgeproxy.emulator.server import Emulator
from edgeproxy.sarvam import fields, models
from edgeproxy.upstream.pool import Order, Pool

from .conftest import StartProxy, landed, until
from .fakes.truth import Truth
from .wire import CONFIG, talk

VOICE = Voice(models.audible(fields.read(CONFIG, rates=models.WS_RATES)))
HELLO = "नमस्ते, आप कैसे हैं?"
LONG = " ".join(["यह इतना लंबा वाक्य है कि इसकी आवाज़ कई संदेशों में आती है"] * 2) + "।"
MOST = 400
"""More suspensions than anything here has: the end of a test that would go on for ever."""


class CancelledAt:
    """Awaits ``work``, whose task is cancelled at its ``at``-th suspension."""

    def __init__(self, work: Coroutine[Any, Any, Any], at: int) -> None:
        self._work = work
        self._at = at
        self.suspensions = 0

    def __await__(self) -> Generator[Any, Any, Any]:
        inner = self._work.__await__()
        step: Callable[[], Any] = lambda: next(inner)  # noqa: E731 - the first of its kind
        while True:
            try:
                waits_for = step()
            except StopIteration as end:
                return end.value
            self.suspensions += 1
            if self.suspensions == self._at:
                task = asyncio.current_task()
                assert task is not None
                task.cancel()
            try:
                sent = yield waits_for
            except BaseException as error:
                step = lambda error=error: inner.throw(error)  # type: ignore[misc]  # noqa: E731
            else:
                step = lambda sent=sent: inner.send(sent)  # type: ignore[misc]  # noqa: E731


async def run_cancelled(work: Coroutine[Any, Any, Any], at: int) -> bool:
    """Run ``work`` in a task of its own, called off at its ``at``-th suspension; whether it was."""

    async def run() -> None:
        await CancelledAt(work, at)

    task = asyncio.ensure_future(run())
    done = (await asyncio.gather(task, return_exceptions=True))[0]
    if done is not None and not isinstance(done, asyncio.CancelledError):
        raise done
    return task.cancelled()


async def at_each_await(
    make: Callable[[], Coroutine[Any, Any, Any]], check: Callable[[], Awaitable[None]]
) -> int:
    """Call ``make()`` off at each of its awaits, and check after each; how many there were."""
    for at in range(1, MOST):
        cancelled = await run_cancelled(make(), at)
        await check()
        if not cancelled:
            return at - 1
    raise AssertionError(f"it was still being cancelled at its {MOST}th suspension")


async def test_each_await_is_cancelled_once_and_in_order() -> None:
    reached: list[int] = []

    async def work() -> None:
        for number in range(3):
            reached.append(number)
            await asyncio.sleep(0)

    async def check() -> None:
        reached.append(-1)

    assert await at_each_await(work, check) == 3
    assert reached == [0, -1, 0, 1, -1, 0, 1, 2, -1, 0, 1, 2, -1]


async def test_what_catches_its_cancellation_is_cancelled_no_more_than_once() -> None:
    async def work() -> None:
        try:
            await asyncio.sleep(0)
        finally:
            await asyncio.sleep(0)

    async def check() -> None:
        pass

    assert await at_each_await(work, check) == 2


def pool_of(proxy: Proxy) -> Pool:
    (pool,) = proxy.pools
    return pool


@pytest.fixture
async def house(start_proxy: StartProxy, emulator: Emulator) -> Any:
    """A proxy that keeps nothing in memory, with a pool of two sessions."""
    async with start_proxy(
        pool={"account_sessions": 20, "ready": 2}, cache={"memory_bytes": 0}
    ) as proxy:
        async with talk(proxy.url) as client:
            await client.say("ज़रा रुकिए।")
        await landed(proxy)
        yield proxy


async def balanced(proxy: Proxy) -> None:
    """Nothing leased, nobody waiting, no fill up; what was ended has been replaced."""
    pool = pool_of(proxy)
    await until(lambda: not len(proxy.flights))
    await until(lambda: pool.idle >= 2 and " 0 leased" in repr(pool) and " 0 waiting" in repr(pool))


async def test_a_lease_and_its_utterance_leave_the_pool_balanced(
    house: Proxy, truth: Truth
) -> None:
    pool = pool_of(house)
    heard = bytearray()

    async def work() -> None:
        heard.clear()
        async with pool.lease(VOICE, order=Order.FIRST) as session:
            await session.speak(
                VOICE, LONG, into=heard.extend, first_audio_timeout_s=5, stall_timeout_s=5
            )

    async def check() -> None:
        assert (await truth.turn(LONG)).startswith(bytes(heard))
        await balanced(house)

    assert await at_each_await(work, check) >= 1
    assert bytes(heard) == await truth.turn(LONG)


async def test_a_fetch_for_the_night_leaves_the_pool_balanced(house: Proxy, truth: Truth) -> None:
    from edgeproxy.upstream.pools import Account

    account = Account("own", "origin-key", own=True)
    got: list[bytes] = []

    async def work() -> None:
        got.append(await house.origin.fetch(VOICE, HELLO, account))

    async def check() -> None:
        await balanced(house)

    assert await at_each_await(work, check) >= 1
    assert got == [await truth.turn(HELLO)]


async def test_a_fill_that_is_called_off_fails_its_clip_and_frees_its_flight() -> None:
    identity = Teller("ns", VOICE).identity(HELLO)
    flights = Flights()

    async def fill(clip: Clip) -> None:
        for _ in range(3):
            await asyncio.sleep(0)
            clip.append(b"ab")
        clip.complete()
        await asyncio.sleep(0)

    for at in range(1, 10):
        interrupted: list[CancelledAt] = []

        async def interrupt(
            clip: Clip, at: int = at, seen: list[CancelledAt] = interrupted
        ) -> None:
            seen.append(CancelledAt(fill(clip), at))
            await seen[0]

        clip, joined = flights.join(identity, interrupt)
        assert not joined
        heard = asyncio.ensure_future(clip.whole())
        await asyncio.gather(heard, return_exceptions=True)
        await until(lambda: not len(flights))
        flights.leave(identity, clip)
        assert clip.listeners == 0
        if clip.state is State.COMPLETE:
            assert heard.result() == b"ababab"
        else:
            assert isinstance(heard.exception(), Exception)
        if interrupted[0].suspensions < at:
            return
    raise AssertionError("it never ran to its end")


async def test_a_caller_that_is_called_off_leaves_the_flight_to_the_others(
    house: Proxy, truth: Truth, emulator: Emulator
) -> None:
    """Over HTTP, whose handler is cancelled when its client goes: at each moment of an answer."""
    import aiohttp

    body = {**CONFIG, "text": LONG, "model": "bulbul:v3"}
    right = await truth.turn(LONG)
    async with aiohttp.ClientSession(headers={"api-subscription-key": "client-key"}) as http:

        async def work() -> None:
            async with http.post(f"{house.url}/text-to-speech/stream", json=body) as answer:
                assert await answer.read() == right

        async def check() -> None:
            await balanced(house)

        await at_each_await(work, check)
    async with talk(house.url) as client:
        assert (await client.say(LONG)).audio == right
    # Whoever began it, it was paid for once, or not at all and then again.
    assert emulator.counters.spoken(LONG) <= 3


async def test_a_record_that_is_called_off_is_whole_or_not_there(
    start_proxy: StartProxy, tmp_path: Path
) -> None:
    cache = {"data_dir": tmp_path / "kept"}
    teller = Teller("ns", VOICE)
    made = datetime.now(UTC)
    numbers: list[int] = []

    def record(number: int) -> tuple[Any, Record]:
        identity = teller.identity(f"वाक्य {number}")
        return identity, Record(identity.blob, 8000, bytes([number % 256, 1]) * 20_000, made)

    async with start_proxy(cache=cache) as proxy:

        async def work() -> None:
            numbers.append(len(numbers))
            identity, kept = record(numbers[-1])
            await proxy.store.put(identity, kept)
            await proxy.store.get(identity)
            await proxy.store.pin(identity)

        async def check() -> None:
            for number in numbers:
                identity, kept = record(number)
                assert await proxy.store.get(identity) in (None, kept)

        assert await at_each_await(work, check) >= 3
    async with start_proxy(cache=cache) as proxy:
        found = 0
        for number in numbers:
            identity, kept = record(number)
            there = await proxy.store.get(identity)
            assert there in (None, kept)
            found += there is not None
        assert found == len(proxy.store) > 0


@pytest.fixture
def truth() -> Truth:
    return Truth()
