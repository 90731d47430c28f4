import json
from base64 import b64decode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest

from edgeproxy.emulator import Emulator


class Caller:
    """A WebSocket client of an emulator, over aiohttp."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def say(self, kind: str, **data: Any) -> None:
        await self.socket.send_json({"type": kind, "data": data} if data else {"type": kind})

    async def config(self, **fields: Any) -> None:
        plain = {
            "target_language_code": "en-IN",
            "speaker": "shubh",
            "output_audio_codec": "linear16",
        }
        await self.say("config", **{**plain, **fields})

    async def text(self, text: str) -> None:
        await self.say("text", text=text)

    async def flush(self) -> None:
        await self.say("flush")

    async def hear(self) -> Any:
        """The next message: bytes of audio, ``"final"``, the data of an error, the code of a close."""
        message = await self.socket.receive(timeout=20)
        if message.type is not aiohttp.WSMsgType.TEXT:
            return self.socket.close_code
        said = json.loads(message.data)
        match said["type"]:
            case "audio":
                return b64decode(said["data"]["audio"])
            case "event":
                assert said == {"type": "event", "data": {"event_type": "final"}}
                return "final"
        assert said["type"] == "error"
        return said["data"]

    async def hear_out(self) -> list[Any]:
        """All messages up to and with the first that is not audio."""
        heard = []
        while isinstance(said := await self.hear(), bytes):
            heard.append(said)
        return [*heard, said]

    async def turn(self, text: str) -> bytes:
        """One text and its flush; the audio up to the final."""
        await self.text(text)
        await self.flush()
        *audio, end = await self.hear_out()
        assert end == "final", end
        return b"".join(audio)


@pytest.fixture
async def emulate() -> AsyncIterator[Callable[..., Awaitable[Emulator]]]:
    """Starts emulators that are stopped after the test."""
    async with AsyncExitStack() as running:

        async def start(**settings: Any) -> Emulator:
            return await running.enter_async_context(Emulator(**settings))

        yield start


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    """An HTTP client with a key."""
    async with aiohttp.ClientSession(headers={"api-subscription-key": "some-key"}) as session:
        yield session


@pytest.fixture
async def dial(
    client: aiohttp.ClientSession,
) -> AsyncIterator[Callable[..., Awaitable[Caller]]]:
    """Opens WebSockets, closed after the test; those who want no final say ``query=""``."""
    # A black hole does not answer a close.
    patience = aiohttp.ClientWSTimeout(ws_close=0.2)
    async with AsyncExitStack() as opened:

        async def connect(
            emulator: Emulator,
            *,
            path: str = "/text-to-speech/ws",
            query: str = "send_completion_event=true",
        ) -> Caller:
            url = f"{emulator.url}{path}?{query}"
            socket = await client.ws_connect(url, timeout=patience)
            opened.push_async_callback(socket.close)
            return Caller(socket)

        yield connect
