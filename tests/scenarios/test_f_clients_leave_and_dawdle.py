"""The leader leaves, a listener dawdles: everybody else hears everything, and it is made once."""

import asyncio

import aiohttp

from edgeproxy.emulator.server import Emulator

from ..conftest import KEY, StartProxy, landed
from ..downstream.conftest import talk_slowly
from ..fakes.link import Link
from ..fakes.truth import Truth
from ..wire import CONFIG, talk
from .conftest import LONG, SLOW


async def test_the_leader_leaves_and_the_others_hear_everything(
    start: StartProxy, link: Link, truth: Truth, emulator: Emulator
) -> None:
    link.slow(bytes_per_s=SLOW)
    async with start() as proxy, talk(proxy.url) as one, talk(proxy.url) as two:
        async with talk(proxy.url) as leader:
            await leader.text(LONG)
            await leader.flush()
            await leader.hear()
            for client in (one, two):
                await client.text(LONG)
                await client.flush()
        answers = await asyncio.gather(one.answer(), two.answer())
        await landed(proxy)
        later = await one.say(LONG)
    right = await truth.turn(LONG)
    assert [answer.verdicts for answer in answers] == [["collapsed"], ["collapsed"]]
    assert all(answer.audio == right for answer in (*answers, later))
    assert later.verdicts == ["hit-memory"]
    assert emulator.counters.spoken(LONG) == 1


async def test_everybody_leaves_and_it_is_kept_all_the_same(
    start: StartProxy, link: Link, truth: Truth, emulator: Emulator
) -> None:
    link.slow(bytes_per_s=SLOW)
    async with start() as proxy:
        for _ in range(3):
            async with talk(proxy.url) as leaver:
                await leaver.text(LONG)
                await leaver.flush()
                await leaver.hear()
        await landed(proxy)
        async with talk(proxy.url) as client:
            answer = await client.say(LONG)
    assert answer.verdicts == ["hit-memory"]
    assert answer.audio == await truth.turn(LONG)
    assert emulator.counters.spoken(LONG) == 1


async def test_a_reset_client_hurts_nobody(start: StartProxy, link: Link, truth: Truth) -> None:
    link.slow(bytes_per_s=SLOW)
    async with (
        start() as proxy,
        Link(proxy.url) as wire,
        talk(proxy.url) as other,
        aiohttp.ClientSession(headers={"api-subscription-key": KEY}) as http,
    ):
        socket = await http.ws_connect(f"{wire.url}/text-to-speech/ws?model=bulbul:v3")
        await socket.send_json({"type": "config", "data": CONFIG})
        await socket.send_json({"type": "text", "data": {"text": LONG}})
        await socket.send_json({"type": "flush"})
        await socket.receive()
        await other.text(LONG)
        await other.flush()
        wire.cut()
        answer = await other.answer()
        await socket.close()
    assert answer.audio == await truth.turn(LONG)


async def test_a_slow_reader_holds_up_nobody_and_hears_everything_in_the_end(
    start: StartProxy, truth: Truth
) -> None:
    text = " ".join([LONG] * 6)
    async with start() as proxy, talk(proxy.url) as fast, talk_slowly(proxy.url) as slow:
        await slow.config()
        await slow.text(text)
        await slow.flush()
        quick = await fast.say(text)
        assert (await fast.say(text)).audio == quick.audio
        dawdled = await slow.answer()
    right = await truth.turn(text)
    assert quick.audio == right
    assert dawdled.audio == right
