"""Audio that comes after its final is nobody's: the next turn never hears it."""

import pytest

from edgeproxy.core.events import Event, SessionRetired
from edgeproxy.emulator.server import Emulator

from ..conftest import StartProxy, landed, until
from ..fakes.link import Link
from ..fakes.truth import Truth
from ..wire import talk


@pytest.mark.parametrize("latency_s", [0.0, 0.05])
async def test_late_audio_is_never_given_to_the_next_turn(
    start: StartProxy,
    link: Link,
    truth: Truth,
    emulator: Emulator,
    facts: list[Event],
    latency_s: float,
) -> None:
    emulator.change_faults([])
    link.slow(latency_s=latency_s)
    texts = [f"यह वाक्य संख्या {number} है।" for number in range(12)]
    # One session, no look-ahead: each turn is spoken by the session of the turn before.
    async with (
        start(pool={"ready": 1, "account_sessions": 1, "rest_ms": 200}) as proxy,
        talk(proxy.url) as client,
    ):
        for number, text in enumerate(texts):
            if number % 3 == 1:
                emulator.change_faults("late_audio:count=1")
            answer = await client.say(text)
            if answer.errors:  # it may be too short for its text, and then it is said so
                continue
            right = await truth.turn(text)
            # Late audio is missing from its own turn, and heard in no other.
            assert right.startswith(answer.audio)
            if number % 3 != 1:
                assert answer.audio == right
    assert any("stray" in fact.reason for fact in facts if isinstance(fact, SessionRetired))


async def test_a_turn_whose_end_came_late_is_not_kept_without_it(
    start: StartProxy, truth: Truth, emulator: Emulator
) -> None:
    text = "यह वाक्य थोड़ा लंबा है, ताकि इसकी आवाज़ कई संदेशों में आए।"
    emulator.change_faults("late_audio:count=1")
    async with start(pool={"rest_ms": 200}) as proxy, talk(proxy.url) as client:
        await client.say(text)
        await landed(proxy)
        await until(lambda: " 0 resting" in repr(next(iter(proxy.pools))))
        again = await client.say(text)
    assert again.audio == await truth.turn(text)
