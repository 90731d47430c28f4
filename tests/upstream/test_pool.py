"""The warm pool: its books balance, whatever happens. `repr(pool)` is the oracle."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import pytest

from edgeproxy.core.errors import (
    Draining,
    LeaseTimeout,
    OriginClosed,
    OriginUnreachable,
    Overloaded,
)
from edgeproxy.core.events import CeilingMoved, ConfigSent, DialFailed, Event, SessionRetired
from edgeproxy.core.voice import Voice
from edgeproxy.emulator.server import Emulator
from edgeproxy.upstream.places import Places
from edgeproxy.upstream.pool import Order, Pool
from edgeproxy.upstream.session import OriginRefused, Session

from ..conftest import until
from .conftest import OTHER, VOICE, turning_away

MakePool = Callable[..., Pool]


def books(pool: Pool) -> str:
    return repr(pool).split(": ", 1)[1].split(" |")[0]


async def speak(session: Session, voice: Voice = VOICE) -> bytes:
    pieces: list[bytes] = []
    await session.speak(
        voice, "नमस्ते", into=pieces.append, first_audio_timeout_s=5, stall_timeout_s=5
    )
    return b"".join(pieces)


async def test_sessions_stand_ready_before_anybody_asks(
    make_pool: MakePool, emulator: Emulator
) -> None:
    pool = make_pool(ready=3)
    await until(lambda: pool.idle == 3)
    assert books(pool) == "0 leased, 3 idle, 0 resting, 0 dialling, 0 waiting"
    assert emulator.counters.handshakes == 3


async def test_sessions_are_configured_with_the_voices_to_warm(
    make_pool: MakePool, emulator: Emulator, facts: list[Event]
) -> None:
    pool = make_pool(ready=4, voices=[VOICE, OTHER])
    await until(lambda: pool.idle == 4 and emulator.counters.configs == 4)
    assert sum(isinstance(fact, ConfigSent) for fact in facts) == 4
    async with pool.lease(OTHER, order=Order.FIRST) as session:
        assert session.voice == OTHER
    async with pool.lease(VOICE, order=Order.FIRST) as session:
        assert session.voice == VOICE


async def test_a_voice_the_origin_does_not_take_is_not_warmed_for_ever(
    make_pool: MakePool, emulator: Emulator
) -> None:
    nobody = Voice({**VOICE.fields, "speaker": "nobody"})
    pool = make_pool(ready=1, voices=[nobody])
    await until(lambda: emulator.counters.handshakes >= 2 and pool.idle == 1)
    async with pool.lease(VOICE, order=Order.FIRST) as session:
        assert await speak(session)


async def test_a_lease_grows_the_pool_ahead_of_need(make_pool: MakePool) -> None:
    pool = make_pool(ready=2)
    await until(lambda: pool.idle == 2)
    async with pool.lease(VOICE, order=Order.FIRST):
        await until(lambda: pool.idle == 2)
        assert books(pool) == "1 leased, 2 idle, 0 resting, 0 dialling, 0 waiting"


async def test_a_session_rests_before_it_is_leased_again(make_pool: MakePool) -> None:
    pool = make_pool(account_sessions=1, rest_s=0.05)
    async with pool.lease(VOICE, order=Order.FIRST) as first:
        await speak(first)
    assert books(pool) == "0 leased, 0 idle, 1 resting, 0 dialling, 0 waiting"
    async with pool.lease(VOICE, order=Order.FIRST) as second:
        assert second is first


async def test_a_broken_session_is_never_leased_again(
    make_pool: MakePool, emulator: Emulator, facts: list[Event]
) -> None:
    pool = make_pool(account_sessions=1)
    emulator.change_faults("cut:count=1")
    async with pool.lease(VOICE, order=Order.FIRST) as first:
        with pytest.raises(Exception, match="broke"):
            await speak(first)
    async with pool.lease(VOICE, order=Order.FIRST) as second:
        assert second is not first
        assert await speak(second)
    assert sum(isinstance(fact, SessionRetired) for fact in facts) == 1


async def test_stray_late_audio_is_never_given_to_the_next_turn(
    make_pool: MakePool, emulator: Emulator
) -> None:
    pool = make_pool(account_sessions=1, rest_s=0.2)
    emulator.change_faults("late_audio:count=1")
    async with pool.lease(VOICE, order=Order.FIRST) as first:
        await speak(first)
    async with pool.lease(VOICE, order=Order.FIRST) as second:
        assert second is not first
        clean = await speak(second)
        assert clean == await speak(second)


async def test_a_session_the_origin_closed_while_idle_is_never_handed_out(
    make_pool: MakePool, emulator: Emulator
) -> None:
    pool = make_pool(ready=2)
    await until(lambda: pool.idle == 2)
    url = emulator.url
    await emulator.stop()
    await until(lambda: pool.idle == 0)
    await emulator.start(port=int(url.rsplit(":", 1)[1]))
    async with pool.lease(VOICE, order=Order.FIRST) as session:
        assert await speak(session)


async def test_never_more_sessions_than_the_account_allows(
    make_pool: MakePool, emulator: Emulator
) -> None:
    pool = make_pool(ready=3, account_sessions=2)
    most = 0

    async def turn() -> None:
        nonlocal most
        async with pool.lease(VOICE, order=Order.FIRST) as session:
            most = max(most, emulator.counters.open)
            await speak(session)

    await asyncio.gather(*(turn() for _ in range(8)))
    assert most <= 2
    assert emulator.counters.connections == 2


async def test_first_segments_go_before_look_ahead_and_the_night_comes_last(
    make_pool: MakePool,
) -> None:
    pool = make_pool(account_sessions=1, reserve=0)
    served: list[Order] = []

    async def turn(order: Order) -> None:
        async with pool.lease(VOICE, order=order):
            served.append(order)

    async with pool.lease(VOICE, order=Order.FIRST):
        turns = [
            asyncio.ensure_future(turn(order))
            for order in (Order.NIGHT, Order.AHEAD, Order.FIRST, Order.AHEAD, Order.FIRST)
        ]
        await until(lambda: "5 waiting" in repr(pool))
    await asyncio.gather(*turns)
    assert served == [Order.FIRST, Order.FIRST, Order.AHEAD, Order.AHEAD, Order.NIGHT]


async def test_the_night_leaves_a_reserve(make_pool: MakePool) -> None:
    pool = make_pool(account_sessions=3, ready=3, reserve=2, lease_timeout_s=0.05)
    await until(lambda: pool.idle == 3)
    async with pool.lease(VOICE, order=Order.NIGHT):
        with pytest.raises(LeaseTimeout):
            async with pool.lease(VOICE, order=Order.NIGHT):
                pass
        async with pool.lease(VOICE, order=Order.FIRST):
            pass


async def test_a_busy_pool_turns_a_lease_away_in_time(make_pool: MakePool) -> None:
    pool = make_pool(account_sessions=1, lease_timeout_s=0.05)
    async with pool.lease(VOICE, order=Order.FIRST):
        with pytest.raises(LeaseTimeout, match=r"0\.05 s"):
            async with pool.lease(VOICE, order=Order.FIRST):
                pass
    assert "0 waiting" in repr(pool)


@contextlib.asynccontextmanager
async def waiting(pool: Pool, *orders: Order) -> AsyncIterator[list[asyncio.Task[Session]]]:
    """As many wait for a session as there are orders, until the block ends."""
    before = pool_waits(pool)
    tasks = [asyncio.ensure_future(take(pool, order)) for order in orders]
    await until(lambda: pool_waits(pool) == before + len(orders))
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def take(pool: Pool, order: Order) -> Session:
    return await pool.lease(VOICE, order=order).__aenter__()


def pool_waits(pool: Pool) -> int:
    return int(books(pool).rsplit(", ", 1)[1].split()[0])


async def turned_away(pool: Pool, order: Order = Order.FIRST) -> Overloaded:
    with pytest.raises(Overloaded) as caught:
        async with pool.lease(VOICE, order=order):
            pass
    assert not isinstance(caught.value, LeaseTimeout)
    assert caught.value.status == 503
    return caught.value


@pytest.mark.parametrize("order", list(Order))
async def test_a_full_queue_turns_the_next_one_away_at_once(
    make_pool: MakePool, order: Order
) -> None:
    pool = make_pool(account_sessions=1, waiting_most=2, lease_timeout_s=60)
    async with (
        pool.lease(VOICE, order=Order.FIRST),
        waiting(pool, Order.AHEAD, Order.FIRST) as callers,
    ):
        error = await turned_away(pool, order)
        assert "2 others wait" in str(error)
        assert error.retry_after_s == 60, "nobody was served yet: until those have given up"
        assert not any(caller.done() for caller in callers)
    assert books(pool).endswith("0 waiting")


async def test_a_pool_whose_sessions_speak_is_busy_whatever_became_of_the_latest_dial(
    make_pool: MakePool, emulator: Emulator
) -> None:
    pool = make_pool(lease_timeout_s=0.05, ready=1)
    async with pool.lease(VOICE, order=Order.FIRST):
        await until(lambda: pool.idle == 1)
        emulator.change_faults("500")
        async with pool.lease(VOICE, order=Order.FIRST):
            await until(lambda: pool.problem is not None)
            with pytest.raises(LeaseTimeout) as caught:
                async with pool.lease(VOICE, order=Order.FIRST):
                    pass
            assert caught.value.retry_after_s == 0.05


async def test_when_to_come_again_follows_from_the_crowd_and_its_pace(make_pool: MakePool) -> None:
    pool = make_pool(account_sessions=1, waiting_most=1, lease_timeout_s=60)
    roomy = make_pool(account_sessions=1, waiting_most=3, lease_timeout_s=60)
    told = []
    for each, crowd in ((pool, 1), (roomy, 3)):
        async with each.lease(VOICE, order=Order.FIRST):
            held = asyncio.Event()
            asyncio.get_running_loop().call_later(0.05, held.set)
            await held.wait()
        async with each.lease(VOICE, order=Order.FIRST), waiting(each, *[Order.FIRST] * crowd):
            told.append((await turned_away(each)).retry_after_s)
    short, long = told
    assert short is not None
    assert long is not None
    assert 0.1 <= short < long < 60
    assert long >= 0.2


async def test_the_night_gives_up_its_place_in_the_queue_the_latest_first(
    make_pool: MakePool,
) -> None:
    pool = make_pool(account_sessions=1, waiting_most=3, lease_timeout_s=60)
    async with (
        pool.lease(VOICE, order=Order.FIRST),
        waiting(pool, Order.FIRST, Order.NIGHT, Order.NIGHT) as (caller, early, late),
    ):
        another = asyncio.ensure_future(take(pool, Order.AHEAD))
        with pytest.raises(Overloaded):
            await late
        await turned_away(pool, Order.NIGHT)
        assert not any(each.done() for each in (caller, early, another))
        another.cancel()
        await asyncio.gather(another, return_exceptions=True)


async def test_the_night_stops_while_a_caller_waits_in_any_pool_of_the_account(
    make_pool: MakePool,
) -> None:
    places = Places(2, recover_s=10)
    limits = {"ready": 0, "reserve": 0, "lease_timeout_s": 60}
    asked, nightly = (make_pool(places=places, **limits) for _ in range(2))
    async with asked.lease(VOICE, order=Order.FIRST):
        async with contextlib.AsyncExitStack() as held:
            await held.enter_async_context(nightly.lease(VOICE, order=Order.FIRST))
            night = asyncio.ensure_future(take(nightly, Order.NIGHT))
            caller = asyncio.ensure_future(take(asked, Order.FIRST))
            await until(lambda: (pool_waits(nightly), pool_waits(asked)) == (1, 1))
        # A session of the night's own pool is free now, and its place goes to the caller.
        assert (await caller).reusable
        assert not night.done()
        assert places.taken == 2
    # Nobody else waits: now the place goes the other way.
    assert (await night).reusable


async def test_the_night_takes_no_free_place_while_a_caller_is_turned_away(
    make_pool: MakePool, emulator: Emulator
) -> None:
    places = Places(4, recover_s=10)
    limits = {"ready": 0, "reserve": 0, "lease_timeout_s": 60}
    async with turning_away(429, retry_after="60") as url:
        asked = make_pool(url=url, places=places, **limits)
        nightly = make_pool(places=places, **limits)
        async with waiting(asked, Order.FIRST):
            await until(lambda: asked.problem is not None)
            night = asyncio.ensure_future(take(nightly, Order.NIGHT))
            await until(lambda: pool_waits(nightly) == 1)
            assert places.free
            nightly.plan()
            assert books(nightly) == "0 leased, 0 idle, 0 resting, 0 dialling, 1 waiting"
        assert (await night).reusable
        await asked.close()


async def test_an_order_may_rise_while_its_waiter_waits(make_pool: MakePool) -> None:
    pool = make_pool(account_sessions=1, reserve=0, lease_timeout_s=60)
    served: list[str] = []
    orders = {"ahead": Order.AHEAD, "first": Order.FIRST, "raised": Order.AHEAD}

    async def turn(name: str) -> None:
        async with pool.lease(VOICE, order=lambda: orders[name]):
            served.append(name)

    async with pool.lease(VOICE, order=Order.FIRST):
        turns = [asyncio.ensure_future(turn(name)) for name in ("ahead", "raised", "first")]
        await until(lambda: pool_waits(pool) == 3)
        orders["raised"] = Order.FIRST
    await asyncio.gather(*turns)
    assert served == ["raised", "first", "ahead"]


@pytest.mark.parametrize("order", [Order.FIRST, Order.NIGHT])
async def test_the_books_balance_after_a_waiter_is_cancelled_in_a_full_queue(
    make_pool: MakePool, order: Order
) -> None:
    pool = make_pool(account_sessions=1, ready=1, reserve=0, waiting_most=2)

    async def turn() -> None:
        async with pool.lease(VOICE, order=order) as session:
            await speak(session)

    for steps in range(30):
        async with pool.lease(VOICE, order=Order.FIRST):
            tasks = [asyncio.ensure_future(turn()) for _ in range(3)]
        for _ in range(steps):
            await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    await until(lambda: books(pool) == "0 leased, 1 idle, 0 resting, 0 dialling, 0 waiting")
    await turn()


async def test_a_429_that_says_when_to_come_again_is_kept_to_and_passed_on(
    make_pool: MakePool, facts: list[Event]
) -> None:
    async with turning_away(429, retry_after="30") as url:
        pool = make_pool(url=url, lease_timeout_s=0.3)
        for _ in range(3):
            with pytest.raises(OriginRefused) as caught:
                async with pool.lease(VOICE, order=Order.FIRST):
                    pass
        assert caught.value.status == 429
        again_in_s = caught.value.refusal.retry_after_s
        assert again_in_s is not None
        assert 20 < again_in_s <= 30
    failed = sum(isinstance(fact, DialFailed) for fact in facts)
    assert failed <= 2, "only those that were under way together"


async def test_pings_keep_an_idle_session_past_the_origins_patience(
    make_pool: MakePool, facts: list[Event]
) -> None:
    async with Emulator(idle_s=0.4) as emulator:
        quiet = make_pool(url=emulator.url, account_sessions=1)
        pinging = make_pool(url=emulator.url, account_sessions=1, ping_every_s=0.05)
        async with quiet.lease(VOICE, order=Order.FIRST) as lost:
            pass
        async with pinging.lease(VOICE, order=Order.FIRST) as kept:
            pass
        await until(lambda: not lost.reusable)
        pings = emulator.counters.pings
        await until(lambda: emulator.counters.pings >= pings + 10)
        assert kept.reusable
        async with pinging.lease(VOICE, order=Order.FIRST) as session:
            assert session is kept
            assert await speak(session)
        await quiet.close()
        await pinging.close()


async def test_what_the_origin_ended_together_comes_again_at_random_unless_a_caller_waits(
    make_pool: MakePool, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = make_pool(ready=3, account_sessions=3)
    async with contextlib.AsyncExitStack() as held:
        for _ in range(3):  # a final each: the origin was in earnest with them
            await speak(await held.enter_async_context(pool.lease(VOICE, order=Order.FIRST)))
    await until(lambda: pool.idle == 3)
    drawn: list[tuple[float, float]] = []

    def draw(low: float, high: float) -> float:
        drawn.append((low, high))
        return 3600.0

    monkeypatch.setattr("edgeproxy.upstream.pool.random.uniform", draw)
    url = emulator.url
    await emulator.stop()
    await until(lambda: pool.idle == 0)
    await emulator.start(port=int(url.rsplit(":", 1)[1]))
    handshakes = emulator.counters.handshakes
    async with pool.lease(VOICE, order=Order.FIRST) as session:
        assert await speak(session)
    assert emulator.counters.handshakes == handshakes + 1
    assert (0.0, 1.0) in drawn


async def test_an_origin_that_is_not_there_is_said_to_be_not_there(
    make_pool: MakePool, emulator: Emulator, facts: list[Event]
) -> None:
    url = emulator.url
    await emulator.stop()
    pool = make_pool(url=url, lease_timeout_s=0.3)
    with pytest.raises(OriginUnreachable):
        async with pool.lease(VOICE, order=Order.FIRST):
            pass
    failed = sum(isinstance(fact, DialFailed) for fact in facts)
    assert 1 <= failed <= 8, "backs off"
    assert pool.problem is not None


async def test_an_account_that_is_turned_away_keeps_nobody_waiting(
    make_pool: MakePool, emulator: Emulator
) -> None:
    emulator.change_faults("403")
    pool = make_pool(lease_timeout_s=60)
    with pytest.raises(OriginRefused) as caught:
        async with pool.lease(VOICE, order=Order.FIRST):
            pass
    assert caught.value.status == 403


@pytest.mark.parametrize(
    ("url", "environment"),
    [
        ("http://a..b", {}),
        (f"http://{'a' * 70}", {}),
        ("http://127.0.0.1:99999", {}),
        ("http://127.0.0.1:9", {"https_proxy": "socks5://127.0.0.1:9", "no_proxy": ""}),
        ("http://127.0.0.1:9", {"https_proxy": "odd://127.0.0.1:9", "no_proxy": ""}),
    ],
    ids=["empty label", "long label", "no such port", "proxy without its library", "odd proxy"],
)
async def test_a_dial_that_fails_in_an_odd_way_is_a_dial_that_failed(
    make_pool: MakePool,
    facts: list[Event],
    monkeypatch: pytest.MonkeyPatch,
    url: str,
    environment: dict[str, str],
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    places = Places(2, recover_s=10)
    pool = make_pool(url=url, places=places, lease_timeout_s=0.2)
    with pytest.raises(OriginUnreachable):
        async with pool.lease(VOICE, order=Order.FIRST):
            pass
    assert any(isinstance(fact, DialFailed) for fact in facts)
    assert pool.problem is not None
    await pool.close()
    assert places.taken == 0


async def test_an_origin_that_speaks_no_http_is_a_dial_that_failed(
    make_pool: MakePool, facts: list[Event]
) -> None:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH\r\n\r\n")
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        pool = make_pool(url=f"http://127.0.0.1:{port}", lease_timeout_s=0.2)
        with pytest.raises(OriginUnreachable):
            async with pool.lease(VOICE, order=Order.FIRST):
                pass
        assert any(isinstance(fact, DialFailed) for fact in facts)
        await pool.close()


@pytest.mark.parametrize("fault", ["429:count=2", "1003:count=2"])
async def test_the_origins_limit_lowers_the_ceiling_never_below_one_and_it_recovers(
    make_pool: MakePool, emulator: Emulator, facts: list[Event], fault: str
) -> None:
    emulator.change_faults(fault)
    places = Places(4, recover_s=0.01, emit=facts.append)
    pool = make_pool(places=places, ready=2, lease_timeout_s=10)
    for _ in range(3):  # a session may be closed with 1003 just after it was leased
        with contextlib.suppress(OriginClosed):
            async with pool.lease(VOICE, order=Order.FIRST) as session:
                assert await speak(session)
                break
    else:
        pytest.fail("no session spoke")
    await until(lambda: places.ceiling == 4)
    ceilings = [fact.ceiling for fact in facts if isinstance(fact, CeilingMoved)]
    assert min(ceilings) >= 1
    assert ceilings[0] < 4


async def test_an_aged_session_is_replaced_before_it_is_closed(make_pool: MakePool) -> None:
    pool = make_pool(ready=1, max_age_s=1.0)
    await until(lambda: pool.idle == 1)
    async with pool.lease(VOICE, order=Order.FIRST) as old:
        pass
    await until(lambda: pool.idle >= 1)
    least = pool.idle

    def replaced() -> bool:
        nonlocal least
        least = min(least, pool.idle)
        return not old.reusable

    await until(replaced)
    assert least >= 1
    async with pool.lease(VOICE, order=Order.FIRST) as new:
        assert await speak(new)


async def test_expired_sessions_are_replaced_before_they_are_closed(make_pool: MakePool) -> None:
    pool = make_pool(ready=2)
    await until(lambda: pool.idle == 2)
    async with pool.lease(VOICE, order=Order.FIRST) as old:
        pass
    await until(lambda: pool.idle >= 2)
    least = pool.idle
    pool.expire()

    def replaced() -> bool:
        nonlocal least
        least = min(least, pool.idle)
        return not old.reusable

    await until(replaced)
    assert least >= 2
    async with pool.lease(VOICE, order=Order.FIRST) as new:
        assert new.generation == old.generation + 1
        assert await speak(new)


async def test_at_the_ceiling_aged_sessions_go_one_at_a_time(make_pool: MakePool) -> None:
    pool = make_pool(ready=3, account_sessions=3, max_age_s=1.5)
    await until(lambda: pool.idle == 3)
    async with (
        pool.lease(VOICE, order=Order.FIRST) as one,
        pool.lease(VOICE, order=Order.FIRST) as two,
        pool.lease(VOICE, order=Order.FIRST) as three,
    ):
        old = {one, two, three}
    await until(lambda: pool.idle == 3)
    least = 3

    def replaced() -> bool:
        nonlocal least
        least = min(least, pool.idle)
        return not any(session.reusable for session in old)

    await until(replaced)
    assert least >= 2


async def test_surplus_sessions_are_let_go(make_pool: MakePool) -> None:
    pool = make_pool(ready=1, surplus_s=0)
    async with pool.lease(VOICE, order=Order.FIRST), pool.lease(VOICE, order=Order.FIRST):
        pass
    await until(lambda: pool.size == 1)


async def test_books_balance_after_cancellation_at_each_await(make_pool: MakePool) -> None:
    pool = make_pool(account_sessions=2, ready=2)

    async def turn() -> None:
        async with pool.lease(VOICE, order=Order.FIRST) as session:
            await speak(session)

    for steps in range(60):
        task = asyncio.ensure_future(turn())
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await until(lambda: books(pool) == "0 leased, 2 idle, 0 resting, 0 dialling, 0 waiting")
    await turn()


async def test_a_closed_pool_turns_waiters_away_and_leaves_nothing_open(
    make_pool: MakePool, emulator: Emulator
) -> None:
    pool = make_pool(account_sessions=1)
    async with pool.lease(VOICE, order=Order.FIRST):
        waiting = asyncio.ensure_future(pool.lease(VOICE, order=Order.FIRST).__aenter__())
        await until(lambda: "1 waiting" in repr(pool))
        await pool.close()
        with pytest.raises(Draining):
            await waiting
    with pytest.raises(Draining):
        async with pool.lease(VOICE, order=Order.FIRST):
            pass
    await until(lambda: emulator.counters.open == 0)


async def test_a_session_is_closed_if_its_pool_is_while_it_is_configured(
    make_pool: MakePool, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = asyncio.Event()

    async def configure(*_: object, **__: object) -> bool:
        begun.set()
        await asyncio.Event().wait()
        return True

    monkeypatch.setattr(Session, "configure", configure)
    places = Places(1, recover_s=10)
    pool = make_pool(places=places, voices=[VOICE])
    await begun.wait()
    assert emulator.counters.open == 1
    await pool.close()
    await until(lambda: emulator.counters.open == 0, timeout_s=5)
    assert places.taken == 0


async def test_an_origin_that_hangs_up_at_once_is_backed_off_from(
    make_pool: MakePool, emulator: Emulator
) -> None:
    emulator.change_faults("1003")
    pool = make_pool(ready=4, lease_timeout_s=1.0)
    answers: list[type[Exception]] = []
    while OriginUnreachable not in answers:
        try:
            async with pool.lease(VOICE, order=Order.FIRST) as session:
                await speak(session)
        except (OriginClosed, OriginUnreachable) as error:
            answers.append(type(error))
    assert emulator.counters.connections < 40
    assert pool.problem is not None


async def test_a_pool_that_is_not_used_lets_its_sessions_go_and_ends(make_pool: MakePool) -> None:
    pool = make_pool(keep=False, spare_for_s=0.0, surplus_s=0.0)
    assert pool.size == 0
    async with pool.lease(VOICE, order=Order.FIRST) as session:
        assert await speak(session)
    await until(lambda: pool.closed)
    assert pool.size == 0


async def test_the_pools_of_an_account_share_its_places(
    make_pool: MakePool, emulator: Emulator
) -> None:
    places = Places(3, recover_s=10)
    pools = [make_pool(places=places, ready=3) for _ in range(3)]
    for pool in pools:
        # Callers come before what merely stands ready elsewhere.
        async with pool.lease(VOICE, order=Order.FIRST) as session:
            assert await speak(session)
            assert emulator.counters.open <= 3
    assert sum(pool.size for pool in pools) <= 3
    for pool in pools:
        await pool.close()
    assert places.taken == 0
