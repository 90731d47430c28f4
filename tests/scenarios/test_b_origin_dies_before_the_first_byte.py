"""An origin that is lost before anybody has heard anything: nobody hears of it."""

import asyncio

import pytest

from edgeproxy.core.events import Event, FillRetried

from ..conftest import StartProxy, until
from ..fakes.link import Link
from ..fakes.truth import Truth
from ..wire import talk
from .conftest import HELLO, warmed


@pytest.mark.parametrize("reset", [True, False], ids=["reset", "fin"])
async def test_a_connection_lost_before_the_first_byte_is_healed_unheard(
    start: StartProxy, link: Link, truth: Truth, facts: list[Event], reset: bool
) -> None:
    async with start() as proxy, talk(proxy.url) as client:
        await warmed(proxy, client)
        link.stall(up=False)
        turn = asyncio.create_task(client.say(HELLO))
        await until(lambda: bool(link.down.held))
        link.cut(reset=reset)
        link.restore()
        answer = await turn
    assert not answer.errors
    assert answer.audio == await truth.turn(HELLO)
    assert sum(isinstance(fact, FillRetried) for fact in facts) == 1


async def test_an_origin_that_stays_away_is_an_honest_error_and_the_socket_lives(
    start: StartProxy, link: Link, truth: Truth
) -> None:
    async with start() as proxy, talk(proxy.url) as client:
        await warmed(proxy, client)
        link.stall(up=False)
        turn = asyncio.create_task(client.say(HELLO))
        await until(lambda: bool(link.down.held))
        link.down_altogether()
        broken = await turn
        assert [message["type"] for message in broken.messages] == ["error", "event"]
        assert broken.errors[0]["code"] >= 500
        assert len(proxy.store) == 1  # what warmed it
        link.restore()
        whole = await client.say(HELLO)
    assert not whole.errors
    assert whole.audio == await truth.turn(HELLO)
