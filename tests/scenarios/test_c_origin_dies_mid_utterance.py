"""An origin that is lost after the first byte: never a short answer that looks like a whole one."""

import asyncio
from base64 import b64decode

import aiohttp
import pytest

from ..conftest import KEY, StartProxy, landed
from ..fakes.link import Link
from ..fakes.truth import Truth
from ..wire import talk
from .conftest import LONG, SLOW


@pytest.mark.parametrize("reset", [True, False], ids=["reset", "fin"])
async def test_after_the_first_byte_it_is_error_then_final_and_nothing_is_kept(
    start: StartProxy, link: Link, truth: Truth, reset: bool
) -> None:
    link.slow(bytes_per_s=SLOW)
    async with start() as proxy, talk(proxy.url) as client:
        await client.text(LONG)
        await client.flush()
        first = await client.hear()
        assert first["type"] == "audio"
        link.cut(reset=reset)
        broken = await client.answer()
        assert [message["type"] for message in broken.messages][-2:] == ["error", "event"]
        assert broken.errors[0]["code"] >= 500
        await landed(proxy)
        assert not len(proxy.store)
        link.restore()
        whole = await client.say(LONG)
        assert whole.verdicts == ["miss"]
        assert whole.audio == await truth.turn(LONG)
        assert await truth.is_beginning(b64decode(first["data"]["audio"]) + broken.audio, LONG)


async def test_an_http_stream_that_breaks_is_a_broken_body(start: StartProxy, link: Link) -> None:
    link.slow(bytes_per_s=SLOW)
    body = {
        "text": LONG,
        "target_language_code": "hi-IN",
        "speaker": "shubh",
        "speech_sample_rate": 8000,
        "output_audio_codec": "linear16",
    }
    async with (
        start() as proxy,
        aiohttp.ClientSession(headers={"api-subscription-key": KEY}) as http,
        http.post(f"{proxy.url}/text-to-speech/stream", json=body) as response,
    ):
        assert response.status == 200
        assert await response.content.readany()
        link.cut()
        with pytest.raises(aiohttp.ClientPayloadError):
            async with asyncio.timeout(10):
                await response.read()


async def test_the_callers_of_one_flight_all_hear_of_its_end(
    start: StartProxy, link: Link, truth: Truth
) -> None:
    link.slow(bytes_per_s=SLOW)
    async with start() as proxy, talk(proxy.url) as one, talk(proxy.url) as two:
        for client in (one, two):
            await client.text(LONG)
            await client.flush()
            await client.hear()
        link.cut()
        for client in (one, two):
            answer = await client.answer()
            assert [message["type"] for message in answer.messages][-2:] == ["error", "event"]
        link.restore()
        assert (await one.say(LONG)).audio == await truth.turn(LONG)
        await landed(proxy)
        assert (await two.say(LONG)).verdicts == ["hit-memory"]
