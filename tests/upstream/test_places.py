"""An account's places: shared, lowered by the origin, raised by time, never below one."""

from edgeproxy.core.events import CeilingMoved, Event
from edgeproxy.upstream.places import Places


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


class Pool:
    def __init__(self, places: Places, *, idle: int = 0) -> None:
        self.places, self.idle, self.planned = places, idle, 0
        self.waiting = 0
        places.join(self)

    def spare_one(self) -> bool:
        if not self.idle:
            return False
        self.idle -= 1
        self.places.give_back()
        return True

    def plan(self) -> None:
        self.planned += 1


def test_places_are_taken_and_given_back() -> None:
    places = Places(2, recover_s=10)
    places.take()
    places.take()
    assert places.free == 0
    places.give_back()
    assert places.free == 1


def test_the_ceiling_falls_by_half_at_the_most_never_below_one_and_rises_with_time() -> None:
    facts: list[Event] = []
    clock = Clock()
    places = Places(8, recover_s=10, emit=facts.append, clock=clock)
    for _ in range(6):
        places.lower()
    assert [fact.ceiling for fact in facts if isinstance(fact, CeilingMoved)] == [4, 2, 1]
    places.recover()
    assert places.ceiling == 1
    clock.now += 10
    places.recover()
    places.recover()
    assert places.ceiling == 2


def test_the_ceiling_is_back_in_minutes_and_no_higher_than_it_was() -> None:
    clock = Clock()
    places = Places(100, recover_s=10, clock=clock)
    for _ in range(10):
        places.lower()
    assert places.ceiling == 1
    began = clock.now
    while places.ceiling < 100:
        clock.now += 10
        places.recover()
    assert clock.now - began <= 240
    clock.now += 10
    places.recover()
    assert places.ceiling == 100


def test_one_refusal_does_not_close_what_is_open() -> None:
    places = Places(100, recover_s=10)
    for _ in range(60):
        places.take()
    places.lower()
    assert places.ceiling == 60


def test_a_needy_pool_gets_a_spare_place_of_another_and_never_its_own() -> None:
    places = Places(1, recover_s=10)
    rich, poor = Pool(places, idle=1), Pool(places)
    places.take()
    assert places.reclaim(poor)
    assert places.free == 1
    assert not places.reclaim(poor)
    assert not places.reclaim(rich)


def test_all_pools_hear_of_what_became_free() -> None:
    places = Places(2, recover_s=10)
    one, two = Pool(places), Pool(places)
    places.take()
    places.give_back()
    assert (one.planned, two.planned) == (1, 1)
    places.leave(two)
    places.take()
    places.give_back()
    assert two.planned == 1


def test_a_place_goes_to_a_pool_with_callers_first() -> None:
    places = Places(1, recover_s=10)
    idle, busy = Pool(places), Pool(places)
    busy.waiting = 1
    order: list[Pool] = []
    idle.plan = lambda: order.append(idle)  # type: ignore[method-assign]
    busy.plan = lambda: order.append(busy)  # type: ignore[method-assign]
    places.take()
    places.give_back()
    assert order == [busy, idle]
