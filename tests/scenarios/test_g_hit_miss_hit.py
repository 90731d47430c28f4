"""A turn of a hit, a miss and a hit is one sound, at every door, in every codec, at every rate."""

from base64 import b64decode
from typing import Any

import aiohttp
import numpy as np
import pytest

from edgeproxy.audio.decode import decode_whole, decoder

from ..conftest import KEY, StartProxy, landed
from ..fakes.link import Link
from ..fakes.truth import Truth
from ..wire import talk

KNOWN = ("पहला वाक्य यह है।", "तीसरा वाक्य यह है।")
TURN = "पहला वाक्य यह है। दूसरा वाक्य नया है और किसी ने नहीं कहा। तीसरा वाक्य यह है।"


def likeness(one: bytes, other: bytes) -> float:
    """1 for the same sound, whatever small delay a codec has left in it."""
    length = min(len(one), len(other)) // 2
    left = np.frombuffer(one, "<i2")[:length].astype(float)
    right = np.frombuffer(other, "<i2")[:length].astype(float)
    spectrum = np.fft.rfft(left, 2 * length) * np.conj(np.fft.rfft(right, 2 * length))
    peak = np.abs(np.fft.irfft(spectrum)).max()
    return float(peak / np.sqrt((left**2).sum() * (right**2).sum()))


def decoded(audio: bytes, codec: str, rate: int) -> bytes:
    if codec in ("linear16", "mulaw", "alaw"):
        codec_of = decoder(codec, rate=rate)
        return codec_of.feed(audio) + codec_of.finish()
    return decode_whole(audio, rate=rate)[0]


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 24000])
@pytest.mark.parametrize(
    "codec", ["linear16", "wav", "mulaw", "alaw", "mp3", "aac", "flac", "opus"]
)
async def test_hit_miss_hit_is_one_sound_in_every_codec_and_at_every_rate(
    start: StartProxy, link: Link, truth: Truth, codec: str, rate: int
) -> None:
    if codec == "opus" and rate == 22050:
        pytest.skip("opus has no such rate")
    link.slow(latency_s=0.02)
    async with start() as proxy, talk(proxy.url) as client:
        await client.config(speech_sample_rate=rate)
        for text in KNOWN:
            await client.say(text)
        await landed(proxy)
        await client.config(speech_sample_rate=rate, output_audio_codec=codec)
        answer = await client.say(TURN)
    assert answer.verdicts == ["hit-memory", "miss", "hit-memory"]
    heard, right = decoded(answer.audio, codec, rate), await truth.turn(TURN, rate=rate)
    if codec in ("linear16", "wav", "flac"):
        assert heard == right
    else:
        # A lossy codec may begin late and be padded at its end, by a few of its frames (of 128 ms at
        # most), once a turn and not once a segment.
        assert abs(len(heard) - len(right)) / 2 / rate < 0.25
        assert likeness(heard, right) > 0.9


async def test_it_is_one_sound_over_rest_too(start: StartProxy, truth: Truth) -> None:
    body: dict[str, Any] = {
        "text": TURN,
        "target_language_code": "hi-IN",
        "speaker": "shubh",
        "speech_sample_rate": 8000,
    }
    async with (
        start() as proxy,
        talk(proxy.url) as client,
        aiohttp.ClientSession(headers={"api-subscription-key": KEY}) as http,
    ):
        for text in KNOWN:
            await client.say(text)
        await landed(proxy)
        async with http.post(f"{proxy.url}/text-to-speech", json=body) as response:
            assert "fwd=partial" in response.headers["Cache-Status"]
            wav = b64decode((await response.json())["audios"][0])
    assert decode_whole(wav) == (await truth.turn(TURN), 8000)
