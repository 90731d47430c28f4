"""The client of the benchmarks: as little as will do, the same against whatever answers."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import aiohttp
import orjson

from edgeproxy.sarvam.handshake import KEY_HEADER, WS_PATHS, origin_url
from edgeproxy.sarvam.messages import FLUSH, say_text

VOICE: dict[str, Any] = {
    "target_language_code": "en-IN",
    "speaker": "ritu",
    "speech_sample_rate": 22050,
}
_CONFIG = {**VOICE, "output_audio_codec": "linear16", "max_chunk_length": 500}
_TURN_S = 60.0


@dataclass(slots=True)
class Took:
    """One turn: seconds from its first text to its first audio message and to its final."""

    first_s: float = 0.0
    last_s: float = 0.0
    messages: list[str] = field(default_factory=list)
    """As they came, the final too."""


class Talk:
    """One socket, open and configured."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    async def turn(self, *pieces: str) -> Took:
        """Say these texts, one message each, and a flush; listen until the final."""
        took = Took()
        socket = self._socket
        said = [say_text(piece) for piece in pieces]
        async with asyncio.timeout(_TURN_S):
            began = perf_counter()
            for message in said:
                await socket.send_str(message)
            await socket.send_str(FLUSH)
            while True:
                heard = await socket.receive_str()
                now = perf_counter() - began
                took.messages.append(heard)
                kind = heard[:20]
                if "audio" in kind:
                    took.first_s = took.first_s or now
                elif "event" in kind:
                    took.last_s = now
                    return took
                else:
                    raise RuntimeError(f"refused: {heard}")


@asynccontextmanager
async def talks(url: str, count: int, *, verdict: bool = False) -> AsyncIterator[Sequence[Talk]]:
    """``count`` sockets to one server; ``verdict``: a proxy is asked to tell of hits and misses."""
    target = origin_url(url, WS_PATHS[0], websocket=True)
    query = {"model": "bulbul:v3", "send_completion_event": "true"}
    if verdict:
        query["verdict"] = "true"
    config = orjson.dumps({"type": "config", "data": _CONFIG}).decode()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        sockets = await asyncio.gather(
            *(
                http.ws_connect(target, params=query, headers={KEY_HEADER: "bench"}, max_msg_size=0)
                for _ in range(count)
            )
        )
        for socket in sockets:
            await socket.send_str(config)
        yield [Talk(socket) for socket in sockets]
        await asyncio.gather(*(socket.close() for socket in sockets))


@asynccontextmanager
async def talk(url: str, *, verdict: bool = False) -> AsyncIterator[Talk]:
    """One socket."""
    async with talks(url, 1, verdict=verdict) as (only,):
        yield only
