"""An origin whose texts are its scripts: each test says in the text itself what weather it wants.

A script is a row of steps with ``then`` between them. The origin takes one after another, and says
`final` after the last::

    audio 300 then wait then audio 300

===========================  ======================================================================
``audio [MS]``               one message of :func:`tone`, 500 ms long if not said
``empty``                    an audio message without audio in it
``audio MS for ever``        such a message again and again, for as long as anybody listens;
                             ``empty for ever`` likewise
``wait``                     nothing, until the test sets :attr:`Origin.permit`
``refuse STATUS [WORDS]``    an error with these words, then a close; no `final`
===========================  ======================================================================

With ``or`` between scripts a text is another one each time it is spoken; the last of them stays. The
mark at the end of a sentence is no part of its script, so that one turn can be several.
"""

import asyncio
import json
from base64 import b64encode
from collections import Counter
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

import numpy as np
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from edgeproxy.audio.encode import encode_whole

_AGAIN_S = 0.002
"""Between the messages of ``for ever``: fast, yet others get their turn."""


def tone(ms: int, rate: int) -> bytes:
    """The PCM of ``audio MS``: loud enough to be kept."""
    pcm: bytes = (8000 * np.sin(np.arange(rate * ms // 1000) * 0.2)).astype("<i2").tobytes()
    return pcm


class Origin:
    """A WebSocket origin on a free port, for as long as the context lasts."""

    def __init__(self) -> None:
        self.permit = asyncio.Event()
        """Lets all scripts go on that ``wait``."""
        self.waiting = 0
        """Scripts that ``wait`` now."""
        self.asked: list[tuple[str, str]] = []
        """What was to be spoken so far: (codec, script), oldest first."""
        self._spoken: Counter[str] = Counter()
        self._server: Server | None = None

    @property
    def url(self) -> str:
        """``http://host:port``; the WebSocket is at the same port, on any path."""
        assert self._server is not None
        host, port = next(iter(self._server.sockets)).getsockname()[:2]
        return f"http://{host}:{port}"

    async def __aenter__(self) -> Self:
        self._server = await serve(
            self._listen,
            "127.0.0.1",
            0,
            compression=None,
            ping_interval=None,
            close_timeout=0.2,
        )
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self.permit.set()
        self._server.close()
        await self._server.wait_closed()

    async def _listen(self, socket: ServerConnection) -> None:
        voice: dict[str, Any] = {}
        text = ""
        with suppress(ConnectionClosed):
            async for message in socket:
                said = json.loads(message)
                match said["type"]:
                    case "config":
                        voice = said["data"]
                    case "text":
                        text += said["data"]["text"]
                    case "flush":
                        script, text = text.rstrip(" .!?।"), ""
                        await self._speak(socket, script, voice)

    async def _speak(self, socket: ServerConnection, text: str, voice: dict[str, Any]) -> None:
        self.asked.append((voice["output_audio_codec"], text))
        scripts = text.split(" or ")
        script = scripts[min(self._spoken[text], len(scripts) - 1)]
        self._spoken[text] += 1
        for step in script.split(" then "):
            match step.split():
                case ["wait"]:
                    self.waiting += 1
                    await self.permit.wait()
                    self.waiting -= 1
                case ["refuse", status, *words]:
                    refusal = {"message": " ".join(words), "code": int(status)}
                    await socket.send(json.dumps({"type": "error", "data": refusal}))
                    await socket.close()
                    return
                case [("audio" | "empty") as what, *rest]:
                    sizes = [int(word) for word in rest if word.isdecimal()] or [500]
                    message = _audio(sizes[0] if what == "audio" else 0, voice)
                    await socket.send(message)
                    while rest[-2:] == ["for", "ever"]:
                        await asyncio.sleep(_AGAIN_S)
                        await socket.send(message)
                case _:
                    raise ValueError(f"no step of a script: {step!r}")
        await socket.send(json.dumps({"type": "event", "data": {"event_type": "final"}}))


def _audio(ms: int, voice: dict[str, Any]) -> str:
    rate, codec = voice["speech_sample_rate"], voice["output_audio_codec"]
    audio = tone(ms, rate)
    if codec != "linear16" and audio:
        audio = encode_whole(audio, codec, rate=rate)
    data = {"audio": b64encode(audio).decode(), "content_type": f"audio/{codec}"}
    return json.dumps({"type": "audio", "data": data})
