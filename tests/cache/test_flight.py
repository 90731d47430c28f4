"""One fill per identity: whoever asks, whoever leaves, however it ends."""

import asyncio
import logging
from collections.abc import Callable

import pytest

from edgeproxy.cache.clip import Clip, ClipFailed, State
from edgeproxy.cache.flight import Flights
from edgeproxy.core.errors import OriginClosed
from edgeproxy.core.key import Identity

from ..conftest import until

Identify = Callable[[str], Identity]


class Origin:
    """Counts fills and speaks when permitted."""

    def __init__(self) -> None:
        self.calls = 0
        self.permit = asyncio.Event()
        self.paid = True
        self.error: Exception | None = None

    async def fill(self, clip: Clip) -> None:
        self.calls += 1
        if self.paid:
            clip.times.sent = 1.0
        await self.permit.wait()
        if self.error is not None:
            raise self.error
        clip.append(b"ab")
        clip.complete()


async def test_a_hundred_equal_requests_are_one_fill_and_all_hear_everything(
    identify: Identify,
) -> None:
    flights, origin = Flights(), Origin()
    joined = [flights.join(identify("नमस्ते"), origin.fill) for _ in range(100)]
    origin.permit.set()
    assert {await clip.whole() for clip, _ in joined} == {b"ab"}
    assert origin.calls == 1
    assert [late for _, late in joined] == [False] + [True] * 99


async def test_different_texts_fly_apart(identify: Identify) -> None:
    flights, origin = Flights(), Origin()
    one, _ = flights.join(identify("one"), origin.fill)
    two, _ = flights.join(identify("two"), origin.fill)
    assert one is not two
    assert len(flights) == 2
    origin.permit.set()
    assert await flights.land(timeout_s=5) == 0


async def test_the_leader_leaves_and_the_others_hear_everything(identify: Identify) -> None:
    flights, origin = Flights(), Origin()
    identity = identify("hello")
    leader, _ = flights.join(identity, origin.fill)
    follower, _ = flights.join(identity, origin.fill)
    flights.leave(identity, leader)
    origin.permit.set()
    assert await follower.whole() == b"ab"


async def test_a_fill_already_paid_for_goes_on_when_everybody_left(identify: Identify) -> None:
    flights, origin = Flights(), Origin()
    identity = identify("hello")
    clip, _ = flights.join(identity, origin.fill)
    await asyncio.sleep(0)
    flights.leave(identity, clip)
    origin.permit.set()
    assert await clip.whole() == b"ab"


async def test_a_fill_nobody_waits_for_and_nobody_paid_for_is_called_off(
    identify: Identify,
) -> None:
    flights, origin = Flights(), Origin()
    origin.paid = False
    identity = identify("hello")
    clip, _ = flights.join(identity, origin.fill)
    await asyncio.sleep(0)
    flights.leave(identity, clip)
    again, joined = flights.join(identity, origin.fill)
    assert not joined
    assert again is not clip
    with pytest.raises(ClipFailed):
        await clip.whole()
    origin.permit.set()
    assert await again.whole() == b"ab"


async def test_an_error_reaches_all_and_the_next_request_tries_again(identify: Identify) -> None:
    flights, origin = Flights(), Origin()
    identity = identify("hello")
    origin.error = ValueError("the origin is on fire")
    clips = [flights.join(identity, origin.fill)[0] for _ in range(3)]
    origin.permit.set()
    for clip in clips:
        with pytest.raises(ClipFailed, match="on fire"):
            await clip.whole()
    await flights.land(timeout_s=5)
    origin.error = None
    again, joined = flights.join(identity, origin.fill)
    assert not joined
    assert await again.whole() == b"ab"
    assert origin.calls == 2


async def test_a_flight_closes_only_after_its_fill_returned(identify: Identify) -> None:
    flights = Flights()
    stored = asyncio.Event()

    async def fill(clip: Clip) -> None:
        clip.append(b"ab")
        clip.complete()
        await stored.wait()

    identity = identify("hello")
    clip, _ = flights.join(identity, fill)
    assert await clip.whole() == b"ab"
    _, joined = flights.join(identity, fill)
    assert joined, "complete, but not yet in the store: still found in the air"
    stored.set()
    await flights.land(timeout_s=5)
    _, joined = flights.join(identity, fill)
    assert not joined
    await flights.land(timeout_s=5)


async def test_a_fill_that_forgets_to_complete_is_a_failure(identify: Identify) -> None:
    async def fill(clip: Clip) -> None:
        clip.append(b"ab")

    clip, _ = Flights().join(identify("hello"), fill)
    with pytest.raises(ClipFailed, match="without completing"):
        await clip.whole()


async def test_landing_ends_what_is_still_up_after_the_deadline(identify: Identify) -> None:
    flights, origin = Flights(), Origin()
    clip, _ = flights.join(identify("hello"), origin.fill)
    await asyncio.sleep(0)
    assert await flights.land(timeout_s=0) == 1
    assert clip.state is State.FAILED
    assert len(flights) == 0


@pytest.mark.parametrize("complete", [False, True])
async def test_a_bug_in_a_fill_is_logged_with_its_place_and_before_the_end_fails_the_clip(
    identify: Identify, caplog: pytest.LogCaptureFixture, complete: bool
) -> None:
    async def fill(clip: Clip) -> None:
        clip.append(b"ab")
        if complete:
            clip.complete()
        raise AttributeError("no such thing")

    flights = Flights()
    clip, _ = flights.join(identify("hello"), fill)
    assert await flights.land(timeout_s=5) == 0
    assert clip.state is (State.COMPLETE if complete else State.FAILED)
    (logged,) = caplog.records
    assert logged.levelno == logging.ERROR
    assert logged.exc_info is not None
    assert isinstance(logged.exc_info[1], AttributeError)


async def test_a_failure_of_the_origins_is_no_bug(
    identify: Identify, caplog: pytest.LogCaptureFixture
) -> None:
    flights, origin = Flights(), Origin()
    origin.error = OriginClosed("it went away")
    origin.permit.set()
    clip, _ = flights.join(identify("hello"), origin.fill)
    with pytest.raises(ClipFailed, match="went away"):
        await clip.whole()
    await flights.land(timeout_s=5)
    assert not caplog.records


async def test_a_flight_of_ones_own_is_joined_by_nobody(identify: Identify) -> None:
    flights, origin = Flights(), Origin()
    joined, _ = flights.join(identify("hello"), origin.fill)
    alone = flights.alone(identify("hello"), origin.fill)
    again, late = flights.join(identify("hello"), origin.fill)
    assert late
    assert again is joined is not alone
    origin.permit.set()
    assert await alone.whole() == await joined.whole()
    assert origin.calls == 2
    assert await flights.land(timeout_s=5) == 0


async def test_a_flight_of_ones_own_is_called_off_like_any_other(identify: Identify) -> None:
    flights, origin = Flights(), Origin()
    origin.paid = False
    identity = identify("hello")
    alone = flights.alone(identity, origin.fill)
    joined, _ = flights.join(identity, origin.fill)
    flights.leave(identity, alone)
    await until(lambda: len(flights) == 1)
    assert alone.state is not State.COMPLETE
    origin.permit.set()
    assert await joined.whole() == b"ab"


async def test_a_fill_that_was_started_needs_no_listener_and_may_be_joined(
    identify: Identify,
) -> None:
    flights, origin = Flights(), Origin()
    origin.paid = False
    identity = identify("hello")
    flights.start(identity, origin.fill)
    flights.start(identity, origin.fill)
    clip, late = flights.join(identity, origin.fill)
    assert late
    flights.leave(identity, clip)
    origin.permit.set()
    assert await clip.whole() == b"ab"
    assert origin.calls == 1


async def test_a_purged_flight_is_heard_to_its_end_and_joined_by_nobody(
    identify: Identify,
) -> None:
    flights, origin = Flights(), Origin()
    identity = identify("hello")
    before, _ = flights.join(identity, origin.fill)
    assert flights.purge(lambda each: each == identity) == 1
    after, late = flights.join(identity, origin.fill)
    assert not late
    assert after is not before
    origin.permit.set()
    assert (await before.whole(), await after.whole()) == (b"ab", b"ab")
    assert origin.calls == 2
    assert await flights.land(timeout_s=5) == 0
