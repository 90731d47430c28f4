"""Every codec at every rate by every door of Sarvam's, decoded back and held against the PCM."""

from base64 import b64decode
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from edgeproxy.app import Proxy
from edgeproxy.audio import g711
from edgeproxy.audio.decode import decode_whole
from edgeproxy.core.audio import SAMPLE_BYTES
from edgeproxy.sarvam.models import CODECS, REST_RATES, WS_RATES

from ..conftest import KEY
from ..wire import talk
from .conftest import Original
from .sound import lag, likeness

TEXT = "नमस्ते, आप कैसे हैं?"
LEAST_ALIKE = 0.95
MOST_LONGER_S = 0.2
"""What an encoder's delay and its last frame may add."""

Ask = Callable[[str, str, int], Awaitable[bytes]]


async def by_websocket(url: str, codec: str, rate: int) -> bytes:
    async with talk(url, configured=False) as client:
        await client.config(speech_sample_rate=rate, output_audio_codec=codec)
        answer = await client.say(TEXT)
        assert not answer.errors
        return answer.audio


def body(codec: str, rate: int) -> dict[str, Any]:
    return {
        "text": TEXT,
        "target_language_code": "hi-IN",
        "speaker": "shubh",
        "speech_sample_rate": rate,
        "output_audio_codec": codec,
    }


async def by_rest(url: str, codec: str, rate: int) -> bytes:
    async with (
        aiohttp.ClientSession(headers={"api-subscription-key": KEY}) as session,
        session.post(f"{url}/text-to-speech", json=body(codec, rate)) as response,
    ):
        assert response.status == 200, await response.text()
        return b64decode((await response.json())["audios"][0])


async def by_stream(url: str, codec: str, rate: int) -> bytes:
    async with (
        aiohttp.ClientSession(headers={"api-subscription-key": KEY}) as session,
        session.post(f"{url}/text-to-speech/stream", json=body(codec, rate)) as response,
    ):
        assert response.status == 200, await response.text()
        return await response.read()


DOORS: dict[str, tuple[Ask, tuple[int, ...]]] = {
    "websocket": (by_websocket, WS_RATES),
    "rest": (by_rest, REST_RATES),
    "stream": (by_stream, WS_RATES),
}


def assert_sounds(pcm: bytes, heard: bytes, *, codec: str, rate: int) -> None:
    """``heard`` is ``pcm``: to the sample, or for lossy codecs alike and as long."""
    match codec:
        case "linear16":
            assert heard == pcm
        case "mulaw" | "alaw":
            assert heard == g711.compress(pcm, law=codec)
        case "wav":
            assert heard[:4] == b"RIFF"
            assert heard[44:] == pcm
        case "flac":
            assert decode_whole(heard, rate=rate) == (pcm, rate)
        case _:
            decoded, _ = decode_whole(heard, rate=rate)
            assert likeness(pcm, decoded, lag=lag(pcm, decoded)) > LEAST_ALIKE
            longer_s = (len(decoded) - len(pcm)) / SAMPLE_BYTES / rate
            assert 0 <= longer_s < MOST_LONGER_S


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("door", DOORS)
async def test_every_codec_at_every_rate_is_the_sound_of_the_origin(
    proxy: Proxy, original: Original, door: str, codec: str
) -> None:
    ask, rates = DOORS[door]
    for rate in rates:
        pcm = await by_rest(proxy.url, "linear16", rate)
        if rate in WS_RATES:
            assert pcm == await original(TEXT, rate=rate)
        try:
            heard = await ask(proxy.url, codec, rate)
            assert_sounds(pcm, heard, codec=codec, rate=rate)
        except AssertionError as error:
            raise AssertionError(f"{codec} at {rate} Hz by {door}: {error}") from error
