"""All sessions are lost at once and the origin stays away: it is asked, patiently, until it is back."""

import asyncio

from edgeproxy.core.events import DialFailed, Event

from ..conftest import StartProxy, until
from ..fakes.link import Link
from ..fakes.truth import Truth
from ..wire import talk

SESSIONS = 20


async def test_reconnects_come_a_few_at_a_time_and_ever_more_seldom(
    start: StartProxy, link: Link, truth: Truth, facts: list[Event]
) -> None:
    async with start(pool={"ready": SESSIONS}) as proxy, talk(proxy.url) as client:
        await client.say("पहला वाक्य यह है।")
        await until(lambda: all(pool.idle >= SESSIONS for pool in proxy.pools))
        link.down_altogether()
        loop = asyncio.get_running_loop()
        rounds: list[float] = []
        while len(rounds) < 5:
            failed = sum(isinstance(fact, DialFailed) for fact in facts)
            await until(
                lambda failed=failed: sum(isinstance(f, DialFailed) for f in facts) > failed  # type: ignore[misc]
            )
            if not rounds or loop.time() - rounds[-1] > 0.04:
                rounds.append(loop.time())
        # 0.1 s, 0.2 s, 0.4 s, 0.8 s less the jitter; a storm would have been thousands.
        assert link.refused <= 8 * (len(rounds) + 1)
        assert rounds[-1] - rounds[0] > 0.05 + 0.1 + 0.2
        link.restore()
        await until(lambda: all(pool.idle >= SESSIONS for pool in proxy.pools))
        assert (await client.say("दूसरा वाक्य यह है।")).audio == await truth.turn("दूसरा वाक्य यह है।")


async def test_callers_that_come_back_at_once_are_all_served(
    start: StartProxy, link: Link, truth: Truth
) -> None:
    patient = {"pool": {"lease_timeout_s": 5.0}, "origin": {"first_audio_timeout_s": 1.5}}
    async with start(**patient) as proxy:

        async def call(number: int) -> bool:
            text = f"यह वाक्य संख्या {number} है।"
            async with talk(proxy.url) as client:
                return (await client.say(text)).audio == await truth.turn(text)

        await until(lambda: all(pool.idle for pool in proxy.pools))
        link.cut()
        assert all(await asyncio.gather(*(call(number) for number in range(30))))
