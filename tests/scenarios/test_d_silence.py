"""An origin that is there and says nothing: stalls in mid-utterance and from the start, a black hole."""

import asyncio

from edgeproxy.core.events import DialFailed, Event

from ..conftest import StartProxy, until
from ..fakes.link import Link
from ..fakes.truth import Truth
from ..wire import talk
from .conftest import HELLO, LONG, SLOW, warmed


async def test_a_stall_in_mid_utterance_ends_in_time_and_the_next_turn_is_fine(
    start: StartProxy, link: Link, truth: Truth
) -> None:
    link.slow(bytes_per_s=SLOW)
    async with start() as proxy, talk(proxy.url) as client:
        await client.text(LONG)
        await client.flush()
        await client.hear()
        link.stall()
        broken = await client.answer()
        assert [message["type"] for message in broken.messages][-2:] == ["error", "event"]
        assert broken.errors[0]["code"] == 504
        # What was on its way comes after all, to a session that is not used any more.
        link.restore()
        whole = await client.say(LONG)
    assert whole.audio == await truth.turn(LONG)


async def test_a_short_stall_is_only_a_wait(start: StartProxy, link: Link, truth: Truth) -> None:
    async with start(origin={"first_audio_timeout_s": 2.5}) as proxy, talk(proxy.url) as client:
        await warmed(proxy, client)
        link.stall()
        turn = asyncio.create_task(client.say(HELLO))
        await until(lambda: bool(link.up.held))
        link.restore()
        answer = await turn
    assert not answer.errors
    assert answer.audio == await truth.turn(HELLO)


async def test_an_origin_silent_from_the_start_is_a_504_and_the_socket_lives(
    start: StartProxy, link: Link, truth: Truth
) -> None:
    async with start() as proxy, talk(proxy.url) as client:
        await warmed(proxy, client)
        link.stall()
        broken = await client.say(HELLO)
        assert [message["type"] for message in broken.messages] == ["error", "event"]
        assert broken.errors[0]["code"] == 504
        link.restore()
        assert (await client.say(HELLO)).audio == await truth.turn(HELLO)


async def test_a_black_holed_connect_is_bounded_and_what_follows_it_is_fine(
    start: StartProxy, link: Link, truth: Truth, facts: list[Event]
) -> None:
    link.black_hole()
    async with start() as proxy, talk(proxy.url) as client:
        broken = await client.say(HELLO)
        assert [message["type"] for message in broken.messages] == ["error", "event"]
        assert broken.errors[0]["code"] == 503
        failed = [fact for fact in facts if isinstance(fact, DialFailed)]
        assert "no answer in time" in failed[0].reason
        link.restore()
        await until(lambda: all(pool.idle for pool in proxy.pools))
        assert (await client.say(HELLO)).audio == await truth.turn(HELLO)
