"""The breaker: when it opens, what it tells, who is the probe, what closes it. By the clock in hand."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from edgeproxy.core.errors import (
    EdgeProxyError,
    LeaseTimeout,
    OriginBabble,
    OriginClosed,
    OriginDown,
    OriginLetGo,
    OriginSilent,
    OriginUnreachable,
    Overloaded,
)
from edgeproxy.core.events import BreakerMoved, Event
from edgeproxy.emulator.faults import refusal_of
from edgeproxy.upstream.breaker import Breaker, State
from edgeproxy.upstream.session import OriginRefused

FAILURE = OriginSilent("no audio within 2.5 s")


def refused(status: int) -> OriginRefused:
    return OriginRefused(refusal_of(status))


@dataclass
class Weather:
    """A breaker, its clock, and what it has told."""

    now: float = 1000.0
    facts: list[Event] = field(default_factory=list)

    def breaker(self) -> Breaker:
        return Breaker(
            "own", "bulbul:v3", window_s=10.0, emit=self.facts.append, clock=lambda: self.now
        )

    @property
    def moves(self) -> list[str]:
        return [fact.state for fact in self.facts if isinstance(fact, BreakerMoved)]


def ask(breaker: Breaker, outcome: BaseException | None = None) -> None:
    """One utterance that ends so."""
    try:
        with breaker.attempt():
            if outcome is not None:
                raise outcome
    except OriginDown:
        raise
    except BaseException as error:
        if error is not outcome:
            raise


def state_of(breaker: Breaker) -> State:
    return breaker.state


def told_to_wait(breaker: Breaker) -> float:
    with pytest.raises(OriginDown) as caught:
        ask(breaker)
    assert caught.value.status == 503
    assert caught.value.retry_after_s is not None
    return caught.value.retry_after_s


@pytest.fixture
def weather() -> Weather:
    return Weather()


@pytest.fixture
def opened(weather: Weather) -> Breaker:
    breaker = weather.breaker()
    for _ in range(20):
        ask(breaker, FAILURE)
    assert state_of(breaker) is State.OPEN
    return breaker


def test_fewer_than_twenty_attempts_decide_nothing(weather: Weather) -> None:
    breaker = weather.breaker()
    for _ in range(19):
        ask(breaker, FAILURE)
    assert state_of(breaker) is State.CLOSED
    ask(breaker, FAILURE)
    assert state_of(breaker) is State.OPEN
    assert weather.moves == ["open"]


@pytest.mark.parametrize(("failures", "state"), [(9, State.CLOSED), (10, State.OPEN)])
def test_half_of_the_attempts_must_have_failed(
    weather: Weather, failures: int, state: State
) -> None:
    breaker = weather.breaker()
    for _ in range(20 - failures):
        ask(breaker)
    for _ in range(failures):
        ask(breaker, FAILURE)
    assert state_of(breaker) is state


def test_what_is_older_than_the_window_is_forgotten(weather: Weather) -> None:
    breaker = weather.breaker()
    for _ in range(19):
        ask(breaker, FAILURE)
    weather.now += 10.0
    for _ in range(19):
        ask(breaker, FAILURE)
    assert state_of(breaker) is State.CLOSED


@pytest.mark.parametrize(
    "outcome",
    [
        OriginUnreachable("no connection"),
        OriginClosed("it broke"),
        OriginSilent("nothing came"),
        OriginBabble("not audio"),
        refused(500),
        refused(503),
    ],
    ids=repr,
)
def test_no_connection_timeouts_broken_utterances_and_5xx_count(
    weather: Weather, outcome: EdgeProxyError
) -> None:
    breaker = weather.breaker()
    for _ in range(20):
        ask(breaker, outcome)
    assert state_of(breaker) is State.OPEN


NEUTRAL: Sequence[BaseException] = [
    *map(refused, (400, 403, 404, 408, 413, 422, 429)),
    OriginLetGo("idle"),
    LeaseTimeout("all are busy"),
    Overloaded("the queue is full"),
    asyncio.CancelledError(),
]


@pytest.mark.parametrize("outcome", NEUTRAL, ids=repr)
def test_what_says_nothing_of_the_origin_counts_neither_way(
    weather: Weather, outcome: BaseException
) -> None:
    breaker = weather.breaker()
    for _ in range(19):
        ask(breaker, FAILURE)
    for _ in range(50):
        ask(breaker, outcome)
    assert state_of(breaker) is State.CLOSED
    ask(breaker, FAILURE)
    assert state_of(breaker) is State.OPEN


def test_while_it_is_open_nothing_is_asked_and_everybody_is_told_when_it_will_be(
    weather: Weather, opened: Breaker
) -> None:
    first = told_to_wait(opened)
    assert 0 < first <= 2.0
    weather.now += first / 2
    assert told_to_wait(opened) == pytest.approx(first / 2)
    assert opened.problem is not None
    assert "no audio within 2.5 s" in opened.problem


def test_the_first_who_asks_after_two_seconds_is_the_only_probe(
    weather: Weather, opened: Breaker
) -> None:
    weather.now += 2.0
    with opened.attempt():
        assert state_of(opened) is State.HALF_OPEN
        for _ in range(3):
            assert told_to_wait(opened) > 0
    assert state_of(opened) is State.CLOSED
    assert weather.moves == ["open", "half-open", "closed"]
    ask(opened)


def test_if_nobody_asks_nothing_moves(weather: Weather, opened: Breaker) -> None:
    weather.now += 3600
    assert state_of(opened) is State.OPEN


def test_probes_that_fail_come_ever_later_up_to_a_bound(weather: Weather, opened: Breaker) -> None:
    waits = []
    for _ in range(12):
        waits.append(told_to_wait(opened))
        weather.now += waits[-1]
        ask(opened, FAILURE)
        assert state_of(opened) is State.OPEN
    assert max(waits) <= 5.0
    assert min(waits[-5:]) >= 2.5
    weather.now += 5.0
    ask(opened)
    assert state_of(opened) is State.CLOSED


@pytest.mark.parametrize("outcome", NEUTRAL, ids=repr)
def test_a_probe_without_a_verdict_lets_the_next_one_probe_at_once(
    weather: Weather, opened: Breaker, outcome: BaseException
) -> None:
    weather.now += 2.0
    ask(opened, outcome)
    assert state_of(opened) is State.OPEN
    ask(opened)
    assert state_of(opened) is State.CLOSED


def test_what_began_before_it_moved_says_nothing_afterwards(weather: Weather) -> None:
    breaker = weather.breaker()
    with breaker.attempt():  # a success, late
        for _ in range(20):
            ask(breaker, FAILURE)
        assert state_of(breaker) is State.OPEN
    assert state_of(breaker) is State.OPEN
    weather.now += 2.0
    ask(breaker)
    assert state_of(breaker) is State.CLOSED
    assert breaker.at_rest


def test_after_it_has_closed_twenty_more_must_fail(weather: Weather, opened: Breaker) -> None:
    weather.now += 2.0
    ask(opened)
    for _ in range(19):
        ask(opened, FAILURE)
    assert state_of(opened) is State.CLOSED
    ask(opened, FAILURE)
    assert told_to_wait(opened) <= 2.0


def test_it_is_at_rest_only_with_nothing_under_way_and_nothing_remembered(
    weather: Weather,
) -> None:
    breaker = weather.breaker()
    rests = []
    with breaker.attempt():
        rests.append(breaker.at_rest)
    rests.append(breaker.at_rest)
    weather.now += 10.0
    rests.append(breaker.at_rest)
    assert rests == [False, False, True]
    assert repr(breaker) == "<Breaker bulbul:v3: closed, 0 of 0 failed, 0 under way>"


def test_a_fact_names_the_account_and_the_model_and_why(weather: Weather, opened: Breaker) -> None:
    assert weather.facts == [
        BreakerMoved("own", "bulbul:v3", "open", "no audio within 2.5 s"),
    ]
