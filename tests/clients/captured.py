"""What each client sends, byte for byte, as captured from the versions named: URL, headers, messages."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from yarl import URL

from edgeproxy.audio import wav
from edgeproxy.audio.decode import decode_whole

from ..conftest import KEY
from ..wire import Answer, Talk
from .conftest import Original
from .sound import lag, likeness

V3 = "model=bulbul:v3&send_completion_event"
QUOTED = "model=bulbul%3Av3&send_completion_event"


@dataclass(frozen=True, slots=True)
class Captured:
    """One client's way of speaking."""

    name: str
    query: str
    config: str
    path: str = "/text-to-speech/ws"
    headers: Mapping[str, str] = field(default_factory=dict)
    subprotocol: bool = False
    """Whether it sends its key as a subprotocol, too."""
    deflates: bool = True
    """Whether it offers permessage-deflate."""
    frame_bytes: int = 1 << 20
    """The largest message it takes in."""

    @property
    def asks_for(self) -> dict[str, Any]:
        """The fields of its config."""
        asked: dict[str, Any] = json.loads(self.config)["data"]
        return asked

    @property
    def rate(self) -> int:
        """What it is to hear; Bolna leaves it to the default."""
        return int(self.asks_for.get("speech_sample_rate", 22050))

    def _written(self, message: dict[str, Any]) -> str:
        """JSON as the client writes it: JavaScript compact and in UTF-8, Python neither."""
        if self.config.startswith('{"type":"'):
            return json.dumps(message, separators=(",", ":"), ensure_ascii=False)
        return json.dumps(message)

    def text(self, text: str) -> str:
        """Its message of this text."""
        return self._written({"type": "text", "data": {"text": text}})

    @property
    def flush(self) -> str:
        """Its message that ends a turn."""
        return self._written({"type": "flush"})

    @asynccontextmanager
    async def talk(self, url: str, *, extra_query: str = "") -> AsyncIterator[Talk]:
        """Open its conversation, not yet configured."""
        async with (
            aiohttp.ClientSession(
                skip_auto_headers=("Accept", "Accept-Encoding", "User-Agent")
            ) as session,
            session.ws_connect(
                URL(f"{url}{self.path}?{self.query}{extra_query}", encoded=True),
                headers={"api-subscription-key": KEY, **self.headers},
                protocols=(f"api-subscription-key.{KEY}",) if self.subprotocol else (),
                compress=15 if self.deflates else 0,
                max_msg_size=self.frame_bytes,
            ) as socket,
        ):
            yield Talk(socket)


LIVEKIT = Captured(
    "LiveKit Python 1.8.9",
    query=f"{V3}=True",
    headers={
        "User-Agent": "Livekit/1.8.9 Python/3.11.7",
        "Accept": "*/*",
        "Accept-Encoding": "gzip, deflate, br",
    },
    deflates=False,
    frame_bytes=4 << 20,
    config=(
        '{"type": "config", "data": {"target_language_code": "hi-IN", "speaker": "shubh", "pace": 1.0, '
        '"model": "bulbul:v3", "speech_sample_rate": 22050, "output_audio_codec": "mp3", '
        '"temperature": 0.6, "output_audio_bitrate": "128k", "min_buffer_size": 50, '
        '"max_chunk_length": 150}}'
    ),
)
LIVEKIT_V4 = Captured(
    "LiveKit Python 1.8.9, v4",
    path="/text-to-speech/ws/v2",
    query="model=bulbul:v4-flash&send_completion_event=True",
    headers=LIVEKIT.headers,
    deflates=False,
    frame_bytes=4 << 20,
    config=(
        '{"type": "config", "data": {"target_language_code": "en-IN", '
        '"speaker": "shubh_en_narration_gentle", "pace": 1.0, "model": "bulbul:v4-flash", '
        '"speech_sample_rate": 22050, "output_audio_codec": "mp3", "pitch": 0.0, "loudness": 1.0, '
        '"enable_preprocessing": false, "temperature": 0.6, "output_audio_bitrate": "128k", '
        '"min_buffer_size": 50, "max_chunk_length": 150}}'
    ),
)
LIVEKIT_JS = Captured(
    "LiveKit JS 1.4.8",
    query=f"{QUOTED}=true",
    frame_bytes=100 << 20,
    config=(
        '{"type":"config","data":{"target_language_code":"hi-IN","speaker":"shubh","model":"bulbul:v3",'
        '"pace":1,"speech_sample_rate":"24000","output_audio_codec":"linear16","temperature":0.6}}'
    ),
)
SDK = Captured(
    "sarvamai 0.1.39",
    # As given `send_completion_event=True`; with "true" it is that.
    query=f"{QUOTED}=True",
    headers={
        "User-Agent": "sarvamai/0.1.39",
        "X-Fern-Language": "Python",
        "X-Fern-Runtime": "python/3.11.7",
        "X-Fern-SDK-Name": "sarvamai",
        "X-Fern-SDK-Version": "0.1.39",
    },
    config=(
        '{"type": "config", "data": {"language_code": "hi-IN", "speaker": "shubh", "pitch": 0.0, '
        '"pace": 1.0, "loudness": 1.0, "speech_sample_rate": 22050, "enable_preprocessing": false, '
        '"output_audio_codec": "mp3", "output_audio_bitrate": "128k", "min_buffer_size": 50, '
        '"max_chunk_length": 150, "dict_id": null}}'
    ),
)
OLD_SDK = Captured(
    "sarvamai 0.1.28",
    query=f"{QUOTED}=true",
    headers={**SDK.headers, "User-Agent": "sarvamai/0.1.28", "X-Fern-SDK-Version": "0.1.28"},
    config=SDK.config.replace("language_code", "target_language_code"),
)
SDK_JS = Captured(
    "sarvamai JS 1.1.10",
    query=f"{QUOTED}=true",
    subprotocol=True,
    frame_bytes=100 << 20,
    config=(
        '{"type":"config","data":{"language_code":"hi-IN","speaker":"shubh","pitch":0,"pace":1,'
        '"loudness":1,"speech_sample_rate":22050,"enable_preprocessing":false,'
        '"output_audio_codec":"mp3","output_audio_bitrate":"128k","min_buffer_size":50,'
        '"max_chunk_length":150}}'
    ),
)
PIPECAT = Captured(
    "Pipecat 1.14",
    query=f"{V3}=true",
    headers={"User-Agent": "Pipecat/1.14.0 Python/3.11.7"},
    config=(
        '{"type": "config", "data": {"target_language_code": "hi-IN", "speaker": "shubh", '
        '"speech_sample_rate": "24000", "enable_preprocessing": true, "min_buffer_size": 50, '
        '"max_chunk_length": 150, "output_audio_codec": "linear16", "output_audio_bitrate": "128k", '
        '"pace": 1.0, "model": "bulbul:v3"}}'
    ),
)
BOLNA = Captured(
    "Bolna 0.11.9",
    query=f"{V3}=true",
    headers={"User-Agent": "Python/3.11 websockets/15.0.1"},
    config=(
        '{"type": "config", "data": {"target_language_code": "hi-IN", "speaker": "shubh", "pace": 1.0, '
        '"enable_preprocessing": true, "output_audio_codec": "wav", "output_audio_bitrate": "32k", '
        '"max_chunk_length": 250, "min_buffer_size": 50}}'
    ),
)
EVERY = (LIVEKIT, LIVEKIT_V4, LIVEKIT_JS, SDK, OLD_SDK, SDK_JS, PIPECAT, BOLNA)


def of(*clients: Captured) -> pytest.MarkDecorator:
    """A test for each of these clients."""
    return pytest.mark.parametrize("client", [pytest.param(each, id=each.name) for each in clients])


def assert_sounds(sound: bytes, answer: Answer, client: Captured) -> None:
    """That these are the sounds, and all of them, in the codec that the client asked for."""
    match client.asks_for["output_audio_codec"]:
        case "linear16":
            assert answer.audio == sound
        case "wav":
            assert answer.pieces[0] == wav.header(rate=client.rate, size=None)
            assert answer.audio == answer.pieces[0] + sound
        case _:
            pcm, _ = decode_whole(answer.audio, rate=client.rate)
            assert likeness(sound, pcm, lag=lag(sound, pcm)) > 0.98


async def speech(original: Original, text: str, client: Captured) -> bytes:
    """The origin's own, in the voice that the client asks for."""
    asked = client.asks_for
    language = asked.get("language_code") or asked["target_language_code"]
    model = "bulbul:v4-flash" if client is LIVEKIT_V4 else "bulbul:v3"
    return await original(
        text, rate=client.rate, language=language, speaker=asked["speaker"], model=model
    )
