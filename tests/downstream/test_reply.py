"""What is told of a turn when it is over."""

import pytest

from edgeproxy.app import Proxy
from edgeproxy.core.events import Event
from edgeproxy.emulator.server import Emulator

from ..conftest import StartProxy, landed, turns
from ..wire import talk
from .conftest import ONE, THREE, TWO


async def test_what_becomes_of_each_turn_is_told(
    proxy: Proxy, emulator: Emulator, facts: list[Event]
) -> None:
    async with talk(proxy.url) as client:
        await client.say(f"{ONE} {TWO}")
        emulator.change_faults("cut:after=0")
        await client.say(THREE)
        emulator.change_faults("stall:seconds=forever:after=1")
        await client.text("चौथा वाक्य यह है।")
        await client.hear()
    ok, error, left = await turns(facts, 3)
    assert (ok.outcome, error.outcome, left.outcome) == ("ok", "error", "left")
    assert [segment.verdict for segment in ok.segments] == ["miss", "miss"]
    first = ok.segments[0]
    moments = [first.decided_s, first.leased_s, first.sent_s, first.first_byte_s]
    moments += [first.first_pcm_s, first.first_write_s, first.last_write_s]
    assert None not in moments
    assert moments == sorted(moments, key=lambda moment: moment or 0)
    assert ok.ttfb_s == first.first_write_s
    assert error.reason
    assert error.segments[0].verdict == "error"


@pytest.mark.parametrize("codec", ["linear16", "mulaw", "mp3"])
async def test_a_turn_that_is_told_has_the_codec_it_was_sent_in(
    proxy: Proxy, facts: list[Event], codec: str
) -> None:
    async with talk(proxy.url) as client:
        await client.config(output_audio_codec=codec)
        for _ in range(2):
            await client.say(ONE)
    assert [turn.codec for turn in await turns(facts, 2)] == [codec, codec]


async def test_a_turn_that_was_never_flushed_is_told_when_its_client_leaves(
    start_proxy: StartProxy, facts: list[Event]
) -> None:
    async with start_proxy() as proxy:
        async with talk(proxy.url) as client:
            await client.text(f"{ONE} ")
            while (await client.hear())["type"] != "audio":
                pass
            await landed(proxy)
        (turn,) = await turns(facts, 1)
    assert (turn.outcome, turn.codec) == ("left", "linear16")
    assert [segment.verdict for segment in turn.segments] == ["miss"]
