"""What one connection may take of us before and beside its requests: places, time for a head, unread output.

::

    connect ─► room? ─► a head, within its time and size ─► a request, whose limits its door knows
                 │ no                                           └─► the next head …
                 └─► 429 or 503, closed

aiohttp waits for a head for ever, reads a client's garbage aloud, and keeps what nobody reads for as long as
the connection lasts. All three are closed here, at the one place that sees every byte: the protocol of a
connection. What is over a limit is told in Sarvam's shape where HTTP can still be spoken, else closed; either
way it is a fact.

A client that does not read costs next to nothing: from 64 KiB unsent on (asyncio's high-water mark) whoever
writes to it waits. It is given some time to take in most of that, then dropped.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import Final, cast

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong

from ..core.events import Emit, LimitMet
from ..sarvam import refusals
from ..sarvam.refusals import Refusal
from .answers import answer, on_the_wire

_feed: Final = web.RequestHandler.data_received
"""Looked up once: every message of a conversation comes this way."""
_END: Final = b"\r\n\r\n"
_BACKLOG: Final = 1024
_RETRY_S: Final = 5.0
_TOLD_WITHIN_S: Final = 2.0
"""How long somebody we have no room for may take to ask, and to be told so."""
_MOST_TOLD: Final = 256
"""So many at the same time; beyond them connections are closed without a word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLimits:
    """How many connections there may be, and what each may take (bytes, seconds)."""

    connections: int
    connections_per_address: int
    header_timeout_s: float
    header_bytes: int
    body_timeout_s: float
    idle_s: float
    unread_timeout_s: float


class Gate:
    """The listener, and who came in by it. Mutable state: how many connections each address has."""

    def __init__(self, server: web.Server, *, limits: ConnectionLimits, emit: Emit) -> None:
        self.limits = limits
        self._server = server
        self._emit = emit
        self._by_address: Counter[str] = Counter()
        self._connections = 0
        self._listener: asyncio.Server | None = None
        self.told = 0
        """How many are being told that there is no room."""

    @property
    def connections(self) -> int:
        """How many are open."""
        return self._connections

    async def listen(self, host: str, port: int) -> int:
        """Take connections from now on; the port. Raises OSError."""
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(self._protocol, host, port, backlog=_BACKLOG)
        taken: int = self._listener.sockets[0].getsockname()[1]
        return taken

    def close(self) -> None:
        """Take no more connections."""
        if self._listener is not None:
            self._listener.close()

    def enter(self, address: str) -> Refusal | None:
        """Count one more connection; or why there is no room for it."""
        limits = self.limits
        if self._by_address[address] >= limits.connections_per_address:
            self.met("connections_per_address", address)
            most = f"At most {limits.connections_per_address} connections from one address"
            return refusals.rate_limited(retry_after_s=_RETRY_S).with_hint(most)
        if self._connections >= limits.connections:
            self.met("connections", address)
            most = f"At most {limits.connections} connections in all"
            return refusals.overloaded(retry_after_s=_RETRY_S).with_hint(most)
        self._connections += 1
        self._by_address[address] += 1
        return None

    def leave(self, address: str) -> None:
        """One connection less."""
        self._connections -= 1
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]

    def met(self, limit: str, address: str) -> None:
        """Tell that a client met a limit."""
        self._emit(LimitMet(limit, address))

    def _protocol(self) -> asyncio.Protocol:
        return _Connection(self, self._server)


class _Connection(web.RequestHandler):
    """One client's connection. Mutable state beside aiohttp's: the head that is being waited for.

    Two private names of aiohttp's are read here, for want of a public way to know them: how many heads
    were complete, and whether a request is being answered.
    """

    __slots__ = (
        "_address",
        "_gate",
        "_head_bytes",
        "_head_end",
        "_head_timer",
        "_talks",
        "_unread_timer",
    )

    def __init__(self, gate: Gate, server: web.Server) -> None:
        limits = gate.limits
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type]  # as AppRunner passes it on
            keepalive_timeout=limits.idle_s,
            lingering_time=limits.body_timeout_s,
            max_line_size=limits.header_bytes,
            max_field_size=limits.header_bytes,
            # A body is what was sent, as it is for Sarvam: no few bytes grow into many here.
            auto_decompress=False,
        )
        self._gate = gate
        self._address = ""
        self._head_bytes = 0
        self._head_end = b""
        self._head_timer: asyncio.TimerHandle | None = None
        self._unread_timer: asyncio.TimerHandle | None = None
        self._talks = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let it in, or tell it that there is no room."""
        both = cast(asyncio.Transport, transport)
        address = _address(both)
        no = self._gate.enter(address)
        if no is not None:
            # Who has not said a word may not even speak HTTP.
            _turn_away(both, no, self._gate, asked=False)
            return
        self._address = address
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Its place is free again."""
        if self._address:
            self._gate.leave(self._address)
            self._address = ""
        self._stop_head_timer()
        self._stop_unread_timer()
        super().connection_lost(exc)

    def set_parser(self, *args: object, **kwargs: object) -> None:
        """From now on it is a WebSocket: there are no more heads."""
        self._talks = True
        super().set_parser(*args, **kwargs)  # type: ignore[arg-type]

    def data_received(self, data: bytes) -> None:
        """Watch over heads; the rest is aiohttp's."""
        if self._talks:
            _feed(self, data)
            return
        if self._request_count and (self._waiter is None or self._waiter.done()):
            # A request is being answered: this is its body, or was sent ahead of its time. (Before
            # the first nobody need be waiting yet: bytes may come in the step that lets them in.)
            super().data_received(data)
            return
        # The end of a head may come in two pieces, too.
        found = (self._head_end + data).find(_END)
        size = len(data) if found < 0 else found - len(self._head_end) + len(_END)
        if self._head_bytes + size > self._gate.limits.header_bytes:
            self._refuse_head("header_bytes", self._too_large())
            return
        heads = self._request_count
        super().data_received(data)
        if self._request_count != heads:
            self._stop_head_timer()
            self._head_bytes, self._head_end = 0, b""
        else:
            self._head_bytes += size
            self._head_end = data[-len(_END) + 1 :]
            if self._head_timer is None:
                self._await_head()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """What is no HTTP is told so in Sarvam's shape, and is a fact, not a traceback."""
        if not isinstance(exc, HttpProcessingError):
            return super().handle_error(request, status, exc, message)
        # Its own words quote what was sent, and that may be a key.
        if isinstance(exc, LineTooLong) or "Too many headers" in exc.message:
            self._gate.met("header_bytes", self._address)
            response = answer(self._too_large())
        else:
            self._gate.met("no HTTP", self._address)
            response = answer(refusals.no_http())
        response.force_close()
        return response

    def pause_writing(self) -> None:
        """Much is unread: from now on its time runs."""
        super().pause_writing()
        self._unread_timer = self._loop.call_later(self._gate.limits.unread_timeout_s, self._drop)

    def resume_writing(self) -> None:
        """It reads on."""
        self._stop_unread_timer()
        super().resume_writing()

    def _await_head(self) -> None:
        self._head_timer = self._loop.call_later(
            self._gate.limits.header_timeout_s, self._head_is_late
        )

    def _head_is_late(self) -> None:
        self._refuse_head(
            "header_timeout_s", refusals.slow_head(timeout_s=self._gate.limits.header_timeout_s)
        )

    def _too_large(self) -> Refusal:
        return refusals.head_too_large(limit_bytes=self._gate.limits.header_bytes)

    def _refuse_head(self, limit: str, no: Refusal) -> None:
        self._gate.met(limit, self._address)
        transport, begun = self.transport, self._head_bytes or limit == "header_bytes"
        if transport is None or not begun:
            self.force_close()
            return
        # For aiohttp the connection is over; its last word is ours.
        self.transport = None
        self.connection_lost(None)
        _turn_away(transport, no, self._gate, asked=True)

    def _drop(self) -> None:
        self._unread_timer = None
        self._gate.met("unread_timeout_s", self._address)
        if self.transport is not None:
            self.transport.abort()

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _stop_unread_timer(self) -> None:
        if self._unread_timer is not None:
            self._unread_timer.cancel()
            self._unread_timer = None


class _LastWord(asyncio.Protocol):
    """A refusal, and the end. What is still sent is taken and dropped for a moment: a close with bytes
    unread would make the client's system forget the refusal."""

    def __init__(
        self, transport: asyncio.Transport, no: Refusal, gate: Gate, *, asked: bool
    ) -> None:
        self._transport = transport
        self._no: Refusal | None = no
        self._gate = gate
        self._timer = asyncio.get_running_loop().call_later(_TOLD_WITHIN_S, transport.abort)
        gate.told += 1
        if asked:
            self._say()

    def data_received(self, data: bytes) -> None:
        """They ask, or go on."""
        self._say()

    def connection_lost(self, exc: BaseException | None) -> None:
        """They are gone."""
        self._timer.cancel()
        self._gate.told -= 1

    def _say(self) -> None:
        if self._no is not None and not self._transport.is_closing():
            self._transport.write(on_the_wire(self._no))
            self._transport.write_eof()
        self._no = None


def _turn_away(transport: asyncio.Transport, no: Refusal, gate: Gate, *, asked: bool) -> None:
    if gate.told < _MOST_TOLD:
        transport.set_protocol(_LastWord(transport, no, gate, asked=asked))
    else:
        transport.set_protocol(asyncio.Protocol())
        transport.abort()


def _address(transport: asyncio.Transport) -> str:
    peer = transport.get_extra_info("peername")
    # Gone already, or no network.
    return str(peer[0]) if isinstance(peer, tuple) and peer else "unknown"
