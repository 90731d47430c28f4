"""A client that speaks Sarvam's WebSocket by hand, for the cases no well-behaved library would try."""

import asyncio
import json
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp

CONFIG: dict[str, Any] = {
    "target_language_code": "hi-IN",
    "speaker": "shubh",
    "speech_sample_rate": 8000,
    "output_audio_codec": "linear16",
}


@dataclass
class Answer:
    """What came up to a final."""

    audio: bytes = b""
    messages: list[dict[str, Any]] = field(default_factory=list)
    errors: list[dict[str, Any]] = field(default_factory=list)

    @property
    def pieces(self) -> list[bytes]:
        return [b64decode(m["data"]["audio"]) for m in self.messages if m["type"] == "audio"]

    @property
    def verdicts(self) -> list[str]:
        """What the proxy says of each segment, where it was asked to."""
        told = self.messages[-1]["data"].get("edgeproxy", {"segments": []})
        return [segment["verdict"] for segment in told["segments"]]


class Talk:
    """One socket."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def send(self, message: dict[str, Any] | str) -> None:
        await self.socket.send_str(message if isinstance(message, str) else json.dumps(message))

    async def config(self, **changes: Any) -> None:
        await self.send({"type": "config", "data": {**CONFIG, **changes}})

    async def text(self, text: str) -> None:
        await self.send({"type": "text", "data": {"text": text}})

    async def flush(self) -> None:
        await self.send({"type": "flush"})

    async def hear(self) -> dict[str, Any]:
        """The next message."""
        async with asyncio.timeout(10):
            message = await self.socket.receive()
        assert message.type is aiohttp.WSMsgType.TEXT, message
        heard: dict[str, Any] = json.loads(message.data)
        return heard

    async def answer(self) -> Answer:
        """Everything up to and with the next final."""
        answer = Answer()
        while True:
            heard = await self.hear()
            answer.messages.append(heard)
            match heard["type"]:
                case "audio":
                    answer.audio += b64decode(heard["data"]["audio"])
                case "error":
                    answer.errors.append(heard["data"])
                case "event":
                    return answer
                case other:
                    raise AssertionError(f"R2: a message of type {other}")

    async def say(self, text: str) -> Answer:
        """One turn."""
        await self.text(text)
        await self.flush()
        return await self.answer()

    async def closed(self) -> int | None:
        """Read until the server closes; its code."""
        async with asyncio.timeout(10):
            while (message := await self.socket.receive()).type is aiohttp.WSMsgType.TEXT:
                pass
        return message.data if message.type is aiohttp.WSMsgType.CLOSE else None


@asynccontextmanager
async def talk(
    url: str,
    *,
    path: str = "/text-to-speech/ws",
    query: str = "model=bulbul:v3&send_completion_event=true&verdict=true",
    key: str | None = "client-key",
    configured: bool = True,
    **options: Any,
) -> AsyncIterator[Talk]:
    """Open a conversation, configured unless told otherwise."""
    headers = options.pop("headers", {})
    if key is not None:
        headers = {"api-subscription-key": key, **headers}
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{url}{path}?{query}", headers=headers, **options) as socket,
    ):
        conversation = Talk(socket)
        if configured:
            await conversation.config()
        yield conversation
