"""The clients' half of the pipelines: one socket that speaks Sarvam's protocol, and the clock beside it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import aiohttp
import orjson

from ...sarvam import messages
from ...sarvam.handshake import KEY_HEADER, WS_PATHS, origin_url
from ...sarvam.models import DEFAULT_MODEL


class TurnFailed(Exception):
    """A turn was refused or broken off: there is nothing to measure."""


@dataclass(slots=True)
class Ear:
    """What the caller hears: PCM as it becomes available, on ``perf_counter()``."""

    first: float | None = None
    last: float | None = None
    pcm_bytes: int = 0

    def hear(self, pcm: bytes) -> None:
        """More PCM, decoded and in its place in the turn."""
        if pcm:
            self.last = perf_counter()
            self.first = self.first or self.last
            self.pcm_bytes += len(pcm)


class Line:
    """One open WebSocket to an origin or a proxy."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    async def configure(self, voice: dict[str, Any], *, codec: str) -> None:
        """Say whose voice, in which codec, comes next."""
        data = {
            **voice,
            "output_audio_codec": codec,
            "min_buffer_size": 50,
            "max_chunk_length": 500,
        }
        await self._send({"type": "config", "data": data})

    async def text(self, text: str) -> None:
        """Say a piece of the text."""
        await self._socket.send_str(messages.say_text(text))

    async def flush(self) -> None:
        """Say that the text is whole."""
        await self._socket.send_str(messages.FLUSH)

    async def audio(self) -> AsyncIterator[bytes]:
        """The audio of one turn, in the codec that was asked for, until its final. Raises TurnFailed."""
        async for message in self._socket:
            match messages.hear_server(message.data):
                case messages.Audio(audio):
                    yield audio
                case messages.Final():
                    return
                case messages.Error(refusal):
                    raise TurnFailed(refusal.message)
        raise TurnFailed(f"closed ({self._socket.close_code}) before the turn was over")

    async def _send(self, message: dict[str, Any]) -> None:
        await self._socket.send_str(orjson.dumps(message).decode())


@asynccontextmanager
async def line(http: aiohttp.ClientSession, url: str) -> AsyncIterator[Line]:
    """Open a socket to the origin or proxy at ``url``."""
    async with http.ws_connect(
        origin_url(url, WS_PATHS[0], websocket=True),
        params={"model": DEFAULT_MODEL, "send_completion_event": "true"},
        headers={KEY_HEADER: "bench"},
        max_msg_size=0,
    ) as socket:
        yield Line(socket)
