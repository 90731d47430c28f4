"""Facts are heard a moment later: all of them, once, in order, and none too late."""

import asyncio
import threading
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from edgeproxy.core.events import Event, RecordKept
from edgeproxy.observe.later import Later, Told

from ..waiting import until


class Ear:
    """Notes what it hears."""

    def __init__(self) -> None:
        self.heard: list[int] = []
        self.when: list[datetime] = []

    def __call__(self, told: Sequence[Told]) -> None:
        for event, when in told:
            assert isinstance(event, RecordKept)
            self.heard.append(event.size)
            self.when.append(when)


def fact(number: int) -> Event:
    return RecordKept("key", number)


async def test_nothing_is_heard_while_somebody_tells() -> None:
    ear = Ear()
    later = Later(ear)
    began = datetime.now(UTC)
    later.tell(fact(1))
    told = datetime.now(UTC)
    assert ear.heard == []
    await until(lambda: ear.heard == [1])
    assert began <= ear.when[0] <= told


async def test_many_are_heard_in_order_with_room_for_others_in_between() -> None:
    one, other = Ear(), Ear()
    later = Later(one, other)
    for number in range(100):
        later.tell(fact(number))
    steps = 0
    while len(other.heard) < 100:
        before = len(other.heard)
        await asyncio.sleep(0)
        steps += len(other.heard) != before
    assert one.heard == other.heard == list(range(100))
    assert steps > 5


async def test_however_much_is_told_what_waits_has_an_end() -> None:
    ear = Ear()
    later = Later(ear)
    told = 0

    async def serve() -> None:
        # A step of the loop in which a hundred callers are served.
        nonlocal told
        for _ in range(100):
            later.tell(fact(told))
            told += 1
        await asyncio.sleep(0)

    while not ear.heard:
        await serve()
    for _ in range(200):
        await serve()
    assert told - len(ear.heard) < 1000
    await until(lambda: len(ear.heard) == told)
    assert ear.heard == list(range(told))


async def test_who_fails_to_hear_keeps_nobody_else_from_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def deaf(_: Sequence[Told]) -> None:
        raise RuntimeError("deaf")

    ear = Ear()
    later = Later(deaf, ear)
    for number in range(100):
        later.tell(fact(number))
    await until(lambda: ear.heard == list(range(100)))
    later.tell(fact(100))
    await until(lambda: ear.heard[-1] == 100)
    assert "facts were not heard" in caplog.text
    later.stop()
    later.tell(fact(101))
    assert ear.heard[-1] == 101


async def test_who_looks_hears_first() -> None:
    ear = Ear()
    later = Later(ear)
    later.tell(fact(1))
    later.catch_up()
    assert ear.heard == [1]
    later.tell(fact(2))
    await until(lambda: ear.heard == [1, 2])


async def test_after_the_end_each_is_heard_at_once() -> None:
    ear = Ear()
    later = Later(ear)
    later.tell(fact(1))
    later.stop()
    later.tell(fact(2))
    assert ear.heard == [1, 2]


async def test_threads_may_tell_too() -> None:
    ear = Ear()
    later = Later(ear)

    def tell(first: int) -> None:
        for number in range(first, first + 500):
            later.tell(fact(number))

    threads = [threading.Thread(target=tell, args=(first,)) for first in (0, 500, 1000)]
    for thread in threads:
        thread.start()
    await until(lambda: len(ear.heard) == 1500)
    for thread in threads:
        thread.join()
    assert sorted(ear.heard) == list(range(1500))
    later.tell(fact(7))
    await until(lambda: len(ear.heard) == 1501)
