"""What was heard once is heard again, whatever has become of the origin."""

import aiohttp

from ..conftest import KEY, StartProxy, landed
from ..fakes.link import Link
from ..fakes.truth import Truth
from ..wire import talk
from .conftest import HELLO


async def test_a_hit_needs_no_origin_neither_from_memory_nor_from_disk(
    start: StartProxy, link: Link, truth: Truth
) -> None:
    right = await truth.turn(HELLO)
    async with start() as proxy, talk(proxy.url) as client:
        missed = await client.say(HELLO)
        await landed(proxy)
        link.down_altogether()
        hit = await client.say(HELLO)
    async with start() as proxy, talk(proxy.url) as client:
        from_disk = await client.say(HELLO)
    answers = [missed, hit, from_disk]
    assert [answer.verdicts for answer in answers] == [["miss"], ["hit-memory"], ["hit-disk"]]
    assert all(answer.audio == right for answer in answers)


async def test_every_door_gives_a_hit_while_the_origin_is_down(
    start: StartProxy, link: Link, truth: Truth
) -> None:
    async with (
        start() as proxy,
        aiohttp.ClientSession(headers={"api-subscription-key": KEY}) as http,
    ):
        async with talk(proxy.url) as client:
            await client.say(HELLO)
            await landed(proxy)
        link.down_altogether()
        body = {
            "text": HELLO,
            "target_language_code": "hi-IN",
            "speaker": "shubh",
            "speech_sample_rate": 8000,
            "output_audio_codec": "linear16",
        }
        async with http.post(f"{proxy.url}/text-to-speech/stream", json=body) as response:
            assert response.status == 200
            assert await response.read() == await truth.turn(HELLO)
