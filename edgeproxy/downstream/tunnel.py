"""A WebSocket that is passed on: two pumps, one message each in hand, and closes that are carried over.

::

    client ──receive──► send ──► origin         each pump waits for who reads before it reads on,
    client ◄──send ◄──receive── origin          so that neither side's backlog is ours

Who closes is answered at once, and its code goes to the other side. Pings are each connection's own. An
origin that is gone without a word is told as 1011, never as 1000 or 1001, which clients take for a whole
answer; a client that is gone so is 1001 to the origin.
"""

import asyncio
import logging
from dataclasses import dataclass
from typing import Final

import aiohttp
from aiohttp import WSCloseCode, WSMsgType, web

from ..sarvam.refusals import Refused
from .auth import Client
from .closing import close_or_cut
from .paths import Target

log: Final = logging.getLogger(__name__)

_REASON_BYTES: Final = 123
_RESERVED: Final = frozenset({1004, 1005, 1006, 1015})
"""RFC 6455, 7.4: codes that are never sent."""

Socket = web.WebSocketResponse | aiohttp.ClientWebSocketResponse


@dataclass(frozen=True, slots=True)
class Close:
    """How it ended: what the other side is told, and whether that was in order (``outcome``: ``ok``,
    ``error`` or ``left``)."""

    code: int
    reason: bytes = b""
    outcome: str = "ok"


_LEFT: Final = Close(WSCloseCode.GOING_AWAY, outcome="left")
TOO_BIG: Final = Close(WSCloseCode.MESSAGE_TOO_BIG, outcome="error")
_BROKEN: Final = Close(WSCloseCode.INTERNAL_ERROR, outcome="error")
_LOST: Final = Close(WSCloseCode.INTERNAL_ERROR, b"the origin is gone", outcome="error")


class Tunnel:
    """One client's socket, and the origin's. Mutable state: what has gone through, how it ended."""

    def __init__(
        self,
        request: web.Request,
        socket: web.WebSocketResponse,
        origin: aiohttp.ClientWebSocketResponse,
        *,
        client: Client,
        target: Target,
    ) -> None:
        self._request = request
        self._socket = socket
        self._origin = origin
        self._client = client
        self._target = target
        self.to_origin_bytes = 0
        self.to_client_bytes = 0
        self.closed: Close | None = None
        """How it ended: the first who closed."""

    async def run(self) -> None:
        """Pass messages on until either side ends it."""
        try:
            async with asyncio.TaskGroup() as tasks:
                pumps = (
                    tasks.create_task(self._from_client(), name="from the client"),
                    tasks.create_task(self._from_origin(), name="from the origin"),
                )
                await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
                for pump in pumps:
                    pump.cancel()
        except* Exception:
            # A bug of ours. The close says so, and can't be taken for the end of an answer.
            log.exception("a tunnel failed")
            self.closed = _BROKEN
        finally:
            # Also where the client's connection is gone, and its handler was cancelled.
            await self._end()

    async def close(self, code: int, reason: bytes) -> None:
        """End it from here."""
        self.closed = self.closed or Close(code, reason)
        await self._end()

    async def _from_client(self) -> None:
        while True:
            message = await self._socket.receive()
            if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                self._ended(message, otherwise=_LEFT)
                return
            try:
                # What is allowed may have changed since the socket was opened.
                self._client.allowance.check_path(self._target)
            except Refused:
                self.closed = Close(
                    WSCloseCode.POLICY_VIOLATION, b"not allowed any more", outcome="error"
                )
                return
            self.to_origin_bytes += await _send(self._origin, message)

    async def _from_origin(self) -> None:
        while True:
            message = await self._origin.receive()
            if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                self._ended(message, otherwise=_LOST)
                return
            self.to_client_bytes += await _send(self._socket, message)

    def _ended(self, message: aiohttp.WSMessage, *, otherwise: Close) -> None:
        if self.closed is not None:
            return
        code = getattr(message.data, "code", None)
        if message.type is WSMsgType.CLOSE:
            # None at all is 0 here, and there is no way to say so.
            reason = (message.extra or "").encode()[:_REASON_BYTES]
            self.closed = Close(message.data or WSCloseCode.OK, reason)
        elif message.type is WSMsgType.ERROR and isinstance(code, int):
            # It broke the protocol, or met a limit, and was told so.
            self.closed = Close(code, outcome="error")
        else:
            self.closed = otherwise

    async def _end(self) -> None:
        how = self.closed = self.closed or _LEFT
        code = WSCloseCode.INTERNAL_ERROR if how.code in _RESERVED else how.code
        await asyncio.gather(
            self._origin.close(code=code, message=how.reason),
            close_or_cut(self._request, self._socket, code, how.reason),
        )


async def _send(to: Socket, message: aiohttp.WSMessage) -> int:
    """Send on; how many bytes went."""
    data: bytes = message.data.encode() if message.type is WSMsgType.TEXT else message.data
    try:
        await to.send_frame(data, message.type)
    except (ConnectionError, aiohttp.ClientError):
        return 0  # whoever reads from there hears how it ended
    return len(data)
