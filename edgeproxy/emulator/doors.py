"""Sarvam's doors: who is let in, and to what; what goes wrong there before a word is said."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection
from typing import Final, Protocol

from aiohttp import WSCloseCode, web

from ..sarvam import refusals
from ..sarvam.handshake import REST_PATH, STREAM_PATH, WS_PATHS, Credential, Query
from ..sarvam.request_id import request_id
from .faults import Scope, refusal_of
from .mouth import Mouth
from .rest import abort, answer_rest, answer_stream, refuse
from .session import Session
from .stage import Stage

GOODBYE_S: Final = 0.5
"""How long clients have when the emulator stops."""

_CLOSING_S: Final = 5.0
"""How long a client may take to answer a close at other times."""

_GATEWAY_HTML: Final = (
    "<html>\r\n<head><title>500 Internal Server Error</title></head>\r\n<body>\r\n"
    "<center><h1>500 Internal Server Error</h1></center>\r\n</body>\r\n</html>\r\n"
)
"""What an Azure Application Gateway says in Sarvam's place (livekit/agents issue 2880)."""

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class _Answer(Protocol):
    async def __call__(
        self, stage: Stage, request: web.Request, *, at: str
    ) -> web.StreamResponse: ...


class Doors:
    """WebSocket, REST and HTTP stream. ``keys`` and ``max_sockets`` as :class:`.server.Emulator` has them."""

    def __init__(
        self, stage: Stage, *, keys: Collection[str] | None, max_sockets: int | None
    ) -> None:
        self._stage = stage
        self._keys = None if keys is None else frozenset(keys)
        self._max_sockets = max_sockets
        self._sockets: set[web.WebSocketResponse] = set()
        self._connections = 0
        self._requests = 0

    def open(self, app: web.Application) -> None:
        """Put the doors into ``app``."""
        app.middlewares.append(self._answer_errors)
        app.on_response_prepare.append(_sign)
        for path in WS_PATHS:
            app.router.add_get(path, self._websocket)
        app.router.add_post(REST_PATH, self._rest)
        app.router.add_post(STREAM_PATH, self._stream)

    async def close_sockets(self) -> None:
        """Close every WebSocket with 1001, as a server that stops does."""
        async with asyncio.TaskGroup() as tasks:
            for socket in tuple(self._sockets):
                tasks.create_task(_say_goodbye(socket))

    async def _websocket(self, request: web.Request) -> web.StreamResponse:
        stage = self._stage
        self._connections += 1
        stage.counters.connections += 1
        at = f"ws {self._connections}"
        credential = Credential.parse(request.headers, _subprotocols(request))
        if (refused := await self._door(request, credential, at=at)) is not None:
            return refused
        offered = () if credential.subprotocol is None else (credential.subprotocol,)
        socket = web.WebSocketResponse(
            protocols=offered, autoping=False, compress=False, timeout=_CLOSING_S
        )
        if not socket.can_prepare(request):
            return refuse(stage, refusals.unknown_path(request.path))
        await stage.clock.sleep(stage.profile.handshake(seed=stage.seed, at=at))
        await socket.prepare(request)
        stage.counters.handshakes += 1
        self._sockets.add(socket)
        stage.counters.open = len(self._sockets)
        try:
            await self._attend(request, socket, at=at)
        finally:
            self._sockets.discard(socket)
            stage.counters.open = len(self._sockets)
        return socket

    async def _attend(
        self, request: web.Request, socket: web.WebSocketResponse, *, at: str
    ) -> None:
        stage = self._stage
        faults = stage.weather.strike(Scope.SOCKET, at=at)
        too_many = self._max_sockets is not None and len(self._sockets) > self._max_sockets
        if too_many or "1003" in faults:
            stage.counters.refusals += 1
            await socket.close(code=WSCloseCode.UNSUPPORTED_DATA, message=b"rate limit exceeded")
            return
        if "black_hole" in faults:
            # Not even a close is answered: whoever reads nothing answers nothing.
            await stage.stopped.wait()
            return
        query = Query.parse(request.query)
        asked = stage.knobs.completion_by_default if query.completion is None else query.completion
        mouth = Mouth(stage, socket, at=at, completion=asked, abort=lambda: abort(request))
        await Session(stage, socket, model=query.model, mouth=mouth).run()

    async def _rest(self, request: web.Request) -> web.StreamResponse:
        return await self._http(request, answer_rest)

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        return await self._http(request, answer_stream)

    async def _http(self, request: web.Request, answer: _Answer) -> web.StreamResponse:
        self._requests += 1
        at = f"http {self._requests}"
        credential = Credential.parse(request.headers)
        if (refused := await self._door(request, credential, at=at)) is not None:
            return refused
        return await answer(self._stage, request, at=at)

    async def _door(
        self, request: web.Request, credential: Credential, *, at: str
    ) -> web.Response | None:
        """What is answered to somebody who does not get in; None for all others."""
        stage = self._stage
        match next(iter(stage.weather.strike(Scope.DOOR, at=at)), None):
            case None:
                pass
            case "hang":
                await stage.stopped.wait()
                abort(request)
                return web.Response()
            case "refuse":
                abort(request)
                return web.Response()
            case "500":
                stage.counters.refusals += 1
                return web.Response(status=500, text=_GATEWAY_HTML, content_type="text/html")
            case status:
                return refuse(stage, refusal_of(int(status)))
        if credential.key is None or (self._keys is not None and credential.key not in self._keys):
            return refuse(stage, refusals.credentials())
        return None

    @web.middleware
    async def _answer_errors(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPRequestEntityTooLarge:
            return refuse(self._stage, refusals.too_large(limit_bytes=request.client_max_size))
        except web.HTTPClientError:
            # Neither a path nor a method of ours.
            return refuse(self._stage, refusals.unknown_path(request.path))


def _subprotocols(request: web.Request) -> list[str]:
    offered = request.headers.get("Sec-WebSocket-Protocol", "")
    return [each.strip() for each in offered.split(",")]


async def _sign(_: web.Request, response: web.StreamResponse) -> None:
    """Put the headers on that Sarvam's answers have."""
    response.headers.setdefault("x-request-id", request_id())
    response.headers["Server"] = "uvicorn"


async def _say_goodbye(socket: web.WebSocketResponse) -> None:
    with contextlib.suppress(ConnectionError, TimeoutError):
        async with asyncio.timeout(GOODBYE_S):
            await socket.close(code=WSCloseCode.GOING_AWAY)
