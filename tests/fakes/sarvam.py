"""The rest of Sarvam: what the emulator has not, beside it on the same port, and a record of what it got.

Speech-to-text hears how many bytes there were, translation turns a text round, chat says one word a chunk and
waits for :attr:`Rest.permit` before its second. ``/lab/…`` is no Sarvam's: it does what a test asks of it.
"""

import asyncio
import json
from base64 import b64decode
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from aiohttp import WSMsgType, web
from multidict import CIMultiDictProxy

from edgeproxy.sarvam import refusals
from edgeproxy.sarvam.handshake import Credential

_DICTIONARIES = "/text-to-speech/pronunciation-dictionary"
_SUBPROTOCOL = "Sec-WebSocket-Protocol"


@dataclass(frozen=True)
class Got:
    """One request as it came in. ``raw``: its target; ``written``: its head, to look for secrets in."""

    method: str
    raw: str
    headers: CIMultiDictProxy[str]
    peer: object = None
    """Which connection it came by."""

    @property
    def written(self) -> str:
        return f"{self.method} {self.raw} {list(self.headers.items())!r}"


class Rest:
    """Its doors, to be opened beside an emulator's: ``Emulator(more=rest.open)``."""

    def __init__(self, *, keys: Collection[str] | None = None) -> None:
        self.keys = keys
        self.agreeable = self.silent = False
        """Whether dictionaries agree to whatever is asked of them, or say nothing."""
        self.got: list[Got] = []
        self.permit = asyncio.Event()
        """Lets chat, and what else waits, go on."""
        self.heard = 0
        """Bytes that have come in at ``/lab/echo`` and ``/lab/swallow``."""
        self.left = 0
        """Requests and sockets whose client went away."""
        self.open_sockets = 0
        self.close_codes: list[int | None] = []
        self.dictionaries: dict[str, Any] = {}

    def open(self, app: web.Application) -> None:
        """Put the doors into ``app``."""
        app.middlewares.append(self._record)
        add = app.router.add_route
        add("POST", "/speech-to-text", self._hear)
        add("GET", "/speech-to-text/ws", self._hear_on)
        add("POST", "/translate", self._translate)
        add("POST", "/v1/chat/completions", self._chat)
        add("GET", "/voices", self._voices)
        add("POST", "/voices/clone", self._clone)
        add("GET", "/voices/clone/ws", self._lab_socket)
        add("*", _DICTIONARIES, self._dictionary)
        add("*", f"{_DICTIONARIES}/{{dict_id}}", self._dictionary)
        add("*", "/lab/echo", self._lab_echo)
        add("POST", "/lab/swallow", self._lab_swallow)
        add("*", "/lab/say", self._lab_say)
        add("GET", "/lab/half", self._lab_half)
        add("*", "/lab/silence", self._lab_silence)
        add("GET", "/lab/flood", self._lab_flood)
        add("GET", "/lab/ws", self._lab_socket)
        add("GET", "/lab/no-ws", self._lab_no_socket)
        add("GET", "/lab/flood-ws", self._lab_flood_socket)
        add("GET", "/lab/deaf-ws", self._lab_deaf_socket)

    @web.middleware
    async def _record(self, request: web.Request, handler: Any) -> web.StreamResponse:
        peer = request.transport and request.transport.get_extra_info("peername")
        self.got.append(Got(request.method, request.raw_path, request.headers, peer))
        offered = [each.strip() for each in request.headers.get(_SUBPROTOCOL, "").split(",")]
        key = Credential.parse(request.headers, offered).key
        if not request.path.startswith("/admin") and (
            not key or (self.keys is not None and key not in self.keys)
        ):
            no = refusals.credentials()
            return web.Response(
                status=no.status, body=no.body("id"), content_type="application/json"
            )
        try:
            answer: web.StreamResponse = await handler(request)
        except (asyncio.CancelledError, ConnectionError):
            self.left += 1
            raise
        return answer

    # -- Sarvam's ----------------------------------------------------------------------------------

    async def _hear(self, request: web.Request) -> web.Response:
        form = await request.post()
        upload = form["file"]
        assert isinstance(upload, web.FileField)
        size = len(upload.file.read())
        return _json({"request_id": "stt", "transcript": f"{size} bytes", "language_code": "hi-IN"})

    async def _hear_on(self, request: web.Request) -> web.StreamResponse:
        async with self._socket(request) as socket:
            size = 0
            async for message in socket:
                said = json.loads(message.data)
                if "audio" in said:
                    size += len(b64decode(said["audio"]["data"]))
                else:
                    data = {
                        "request_id": "stt",
                        "transcript": f"{size} bytes",
                        "metrics": {"audio_duration": 1.0, "processing_latency": 0.1},
                    }
                    await socket.send_json({"type": "data", "data": data})
        return socket

    async def _translate(self, request: web.Request) -> web.Response:
        asked = await request.json()
        return _json(
            {
                "request_id": "tr",
                "translated_text": asked["input"][::-1],
                "source_language_code": asked["source_language_code"],
            }
        )

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        asked = await request.json()
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for number, word in enumerate(asked["messages"][-1]["content"].split()):
            if number == 1:
                await self.permit.wait()
            chunk = {
                "id": "c",
                "created": 1,
                "model": asked["model"],
                "object": "chat.completion.chunk",
                "choices": [{"index": 0, "delta": {"content": word}}],
            }
            await response.write(f"data: {json.dumps(chunk)}\n\n".encode())
        await response.write(b"data: [DONE]\n\n")
        return response

    async def _voices(self, request: web.Request) -> web.Response:
        return _json({"voices": []})

    async def _clone(self, request: web.Request) -> web.Response:
        form = await request.post()
        return _json({"request_id": "cl", "audios": [str(form["text"])]})

    async def _dictionary(self, request: web.Request) -> web.Response:
        dict_id = request.match_info.get("dict_id") or request.query.get("dict_id", "")
        if self.silent:
            return await self._lab_silence(request)
        if self.agreeable:
            return _json({"dictionary_id": dict_id})
        match request.method:
            case "GET" if not dict_id:
                dictionaries = list(self.dictionaries)
                return _json({"dictionaries": dictionaries, "dictionary_count": len(dictionaries)})
            case "GET" if dict_id in self.dictionaries:
                return _json(
                    {"dictionary_id": dict_id, "pronunciations": self.dictionaries[dict_id]}
                )
            case "POST":
                dict_id = f"dict-{len(self.dictionaries) + 1}"
                self.dictionaries[dict_id] = await _uploaded(request)
                return _json({"dictionary_id": dict_id})
            case "PUT" if dict_id in self.dictionaries:
                self.dictionaries[dict_id] = await _uploaded(request)
                words = self.dictionaries[dict_id]["pronunciations"]
                return _json({"dictionary_id": dict_id, "updated_pronunciations": words})
            case "DELETE" if self.dictionaries.pop(dict_id, None) is not None:
                return _json({"success": True, "message": "gone"})
        no = refusals.unknown_path(request.path)
        return web.Response(status=404, body=no.body("id"), content_type="application/json")

    # -- the lab -----------------------------------------------------------------------------------

    async def _lab_echo(self, request: web.Request) -> web.StreamResponse:
        """The body, piece by piece as it comes."""
        coding = request.headers.get("X-Coding")
        response = web.StreamResponse(headers={"Content-Encoding": coding} if coding else {})
        await response.prepare(request)
        async for piece in request.content.iter_any():
            self.heard += len(piece)
            await response.write(piece)
        return response

    async def _lab_swallow(self, request: web.Request) -> web.Response:
        async for piece in request.content.iter_any():
            self.heard += len(piece)
        return _json({"swallowed": self.heard})

    async def _lab_say(self, request: web.Request) -> web.Response:
        """What the query says: ``status``, ``body``, and every other name as a header."""
        said = dict(request.query)
        status, body = int(said.pop("status", "200")), said.pop("body", "said")
        return web.Response(status=status, text=body, headers=said)

    async def _lab_half(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b"half")
        await self.permit.wait()
        assert request.transport is not None
        request.transport.abort()
        return response

    async def _lab_silence(self, request: web.Request) -> web.Response:
        self.heard += 1
        await self.permit.wait()
        return _json({})

    async def _lab_flood(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x" * 65_536)
            self.heard += 65_536

    async def _lab_socket(self, request: web.Request) -> web.StreamResponse:
        """Echoes; ``close CODE WORDS`` closes, ``drop`` is gone without a word."""
        async with self._socket(request) as socket:
            async for message in socket:
                if message.type is WSMsgType.BINARY:
                    await socket.send_bytes(message.data)
                    continue
                match str(message.data).split(" ", 2):
                    case ["close", code, words]:
                        await socket.close(code=int(code), message=words.encode())
                    case ["drop"]:
                        assert request.transport is not None
                        request.transport.abort()
                    case _:
                        await socket.send_str(message.data)
        return socket

    async def _lab_no_socket(self, request: web.Request) -> web.Response:
        no = refusals.rate_limited()
        return web.Response(
            status=no.status,
            body=no.body("their-id"),
            content_type="application/json",
            headers={"Retry-After": "7", "x-request-id": "their-id", "Set-Cookie": "a=b"},
        )

    async def _lab_flood_socket(self, request: web.Request) -> web.StreamResponse:
        async with self._socket(request) as socket:
            with suppress(ConnectionError):
                while True:
                    await socket.send_bytes(b"x" * 65_536)
                    self.heard += 65_536
        return socket

    async def _lab_deaf_socket(self, request: web.Request) -> web.StreamResponse:
        async with self._socket(request) as socket:
            await self.permit.wait()
            async for message in socket:
                self.heard += len(message.data)
        return socket

    @asynccontextmanager
    async def _socket(self, request: web.Request) -> AsyncIterator[web.WebSocketResponse]:
        """A socket that is counted while it is open, and whose close code is kept."""
        offered = request.headers.get(_SUBPROTOCOL, "").split(",")[0].strip()
        socket = web.WebSocketResponse(protocols=(offered,) if offered else ())
        await socket.prepare(request)
        self.open_sockets += 1
        try:
            yield socket
        finally:
            self.open_sockets -= 1
            self.close_codes.append(socket.close_code)


def _json(said: dict[str, Any]) -> web.Response:
    return web.json_response(said)


async def _uploaded(request: web.Request) -> dict[str, Any]:
    upload = (await request.post())["file"]
    assert isinstance(upload, web.FileField)
    words: dict[str, Any] = json.loads(upload.file.read())
    return words
