"""What goes out on one socket: in order, once, and honestly when something breaks."""

import pytest

from edgeproxy.app import Proxy
from edgeproxy.emulator.server import Emulator

from ..conftest import StartProxy, until
from ..wire import talk
from .conftest import ONE, THREE, TWO, alone

FIVE = f"{ONE} {TWO} {THREE} चौथा वाक्य यह है। पाँचवाँ वाक्य यह है।"


async def test_the_second_segment_finishing_first_waits_its_turn(
    proxy: Proxy, emulator: Emulator
) -> None:
    emulator.change_faults("slow:seconds=0.2:text=पहला")
    async with talk(proxy.url) as client:
        answer = await client.say(f"{ONE} {TWO} {THREE}")
    emulator.change_faults("")
    assert answer.audio == b"".join(await alone(proxy, ONE, TWO, THREE))


@pytest.mark.parametrize("parallel", [1, 2, 3])
async def test_segments_are_filled_a_few_at_a_time(
    start_proxy: StartProxy, emulator: Emulator, parallel: int
) -> None:
    emulator.change_faults("stall:seconds=forever:after=0")
    async with (
        start_proxy(
            turn={"parallel_segments": parallel},
            pool={"ready": 5},
            origin={"first_audio_timeout_s": 0.5},
        ) as proxy,
        talk(proxy.url) as client,
    ):
        await client.text(FIVE)
        await client.flush()
        await until(lambda: emulator.counters.flushes == parallel)
        assert len(proxy.flights) == parallel


async def test_a_missing_final_in_the_third_segment_is_healed_and_nobody_hears_it(
    start_proxy: StartProxy, emulator: Emulator
) -> None:
    emulator.change_faults("missing_final:count=1:text=तीसरा")
    async with start_proxy(origin={"stall_timeout_s": 0.3}) as proxy:
        async with talk(proxy.url) as client:
            answer = await client.say(f"{ONE} {TWO} {THREE}")
        assert not answer.errors
        assert emulator.counters.spoken(THREE) == 2
        assert answer.audio == b"".join(await alone(proxy, ONE, TWO, THREE))


async def test_a_segment_that_fails_for_good_says_one_error_and_nothing_after_it_but_the_final(
    proxy: Proxy, emulator: Emulator
) -> None:
    emulator.change_faults("cut:text=दूसरा:after=0")
    async with talk(proxy.url) as client:
        broken = await client.say(f"{ONE} {TWO} {THREE}")
        after = await client.say(THREE)
    types = [message["type"] for message in broken.messages]
    assert types.count("error") == 1
    assert types[-2:] == ["error", "event"]
    assert broken.audio == (await alone(proxy, ONE))[0]
    assert after.audio


async def test_every_turn_has_one_final_in_order_whatever_becomes_of_it(
    proxy: Proxy, emulator: Emulator
) -> None:
    emulator.change_faults("cut:text=दूसरा:after=0")
    async with talk(proxy.url) as client:
        for text in (ONE, TWO, "", THREE):
            if text:
                await client.text(text)
            await client.flush()
        answers = [await client.answer() for _ in range(4)]
    assert [bool(answer.audio) for answer in answers] == [True, False, False, True]
    assert [len(answer.errors) for answer in answers] == [0, 1, 0, 0]


async def test_a_client_that_does_not_read_holds_up_nobody_else(proxy: Proxy) -> None:
    async with talk(proxy.url) as deaf, talk(proxy.url) as client:
        for _ in range(30):
            await deaf.text(FIVE)
            await deaf.flush()
        for _ in range(3):
            assert (await client.say(FIVE)).audio
