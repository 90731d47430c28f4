"""A TCP link between the proxy and its origin that can be cut, stalled, slowed, black-holed and restored.

::

    proxy ──► link.url ══════ up ═════►  origin
                       ◄═════ down ════

"The origin is down", "the origin is silent" and "the network is slow" are different faults, and none of
them can be had from an origin that is well. What is on its way when the link stalls stays on its way:
nothing is lost before a cut.

========================  ==========================================================================
:meth:`Link.cut`          every open connection ends: by a reset, or by an orderly FIN
:meth:`Link.refuse`       new connections are reset as soon as they are there
:meth:`Link.black_hole`   new connections get no answer, not even TCP's
:meth:`Link.stall`        connections stay open, and nothing passes: up, down, or both
:meth:`Link.slow`         what passes takes its time
:meth:`Link.restore`      as new, for whoever connects; what was stalled goes on
========================  ==========================================================================

Tests read the counters: ``connections``, ``open``, ``ended`` (by a cut), ``up.bytes``, ``down.bytes``.
"""

import asyncio
import contextlib
import socket
import struct
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

_PIECE: Final = 16_384
_RESET: Final = struct.pack("ii", 1, 0)
"""SO_LINGER of no time at all: closing is a reset."""


@dataclass(slots=True)
class Direction:
    """One way. ``bytes`` have passed; ``held``: pieces that wait for the end of a stall."""

    flows: asyncio.Event = field(default_factory=asyncio.Event)
    bytes: int = 0
    held: int = 0

    def __post_init__(self) -> None:
        self.flows.set()


@dataclass(slots=True, eq=False)
class _Connection:
    """A client's socket and the one to the origin that goes with it."""

    writers: list[asyncio.StreamWriter]
    task: asyncio.Task[None] | None = None
    cut: bool | None = None
    """Whether it was cut, and if so, whether by a reset."""


class Link:
    """A link to ``origin`` (``http://host:port``), for as long as the context lasts."""

    def __init__(self, origin: str) -> None:
        parts = urlsplit(origin)
        self._origin: Final = (parts.hostname or "127.0.0.1", parts.port or 80)
        self.up = Direction()
        self.down = Direction()
        self.connections = 0
        """Connections taken in, whatever became of them."""
        self.refused = 0
        self.ended = 0
        """Connections ended by :meth:`cut`."""
        self._bytes_per_s: float | None = None
        self._latency_s = 0.0
        self._refusing = False
        self._fillers: list[socket.socket] = []
        self._open: set[_Connection] = set()
        self._listening: socket.socket | None = None
        self._acceptor: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """``http://host:port`` of this end."""
        assert self._listening is not None
        return f"http://127.0.0.1:{self._listening.getsockname()[1]}"

    @property
    def open(self) -> int:
        """Connections that are up now."""
        return len(self._open)

    # -- weather -----------------------------------------------------------------------------------

    def cut(self, *, reset: bool = True) -> None:
        """End every open connection, by a reset or by a FIN. Whoever connects next gets through."""
        for connection in list(self._open):
            self.ended += 1
            connection.cut = reset
            self._end(connection, reset=reset)

    def refuse(self) -> None:
        """Reset new connections as soon as they come. Those that are open are left alone."""
        self._refusing = True

    def down_altogether(self) -> None:
        """End what is open and refuse what comes: an origin that is not there."""
        self.refuse()
        self.cut()

    def black_hole(self) -> None:
        """Give new connections no answer at all. Those that are open are left alone.

        Nobody takes connections in, and the kernel's own queue of them is full: it drops what comes.
        """
        assert self._listening is not None
        if self._acceptor is None:
            return
        self._acceptor.cancel()
        self._acceptor = None
        self._listening.listen(0)
        for _ in range(3):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(self._listening.getsockname())
            self._fillers.append(filler)

    def stall(self, *, up: bool = True, down: bool = True) -> None:
        """Let nothing pass in these directions."""
        if up:
            self.up.flows.clear()
        if down:
            self.down.flows.clear()

    def slow(self, *, bytes_per_s: float | None = None, latency_s: float = 0.0) -> None:
        """Let each piece come ``latency_s`` later, and no more than ``bytes_per_s`` on each connection."""
        self._bytes_per_s, self._latency_s = bytes_per_s, latency_s

    def restore(self) -> None:
        """As new."""
        self.slow()
        self._refusing = False
        self.up.flows.set()
        self.down.flows.set()
        while self._fillers:
            self._fillers.pop().close()
        if self._acceptor is None and self._listening is not None:
            self._listening.listen(128)
            self._acceptor = asyncio.create_task(self._accept(), name="link accepts")

    # -- the link itself ---------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._listening.setblocking(False)
        self.restore()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        tasks = [each.task for each in self._open if each.task is not None]
        if self._acceptor is not None:
            self._acceptor.cancel()
            tasks.append(self._acceptor)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for filler in self._fillers:
            filler.close()
        assert self._listening is not None
        self._listening.close()
        self._listening = None

    async def _accept(self) -> None:
        assert self._listening is not None
        loop = asyncio.get_running_loop()
        while True:
            client, _ = await loop.sock_accept(self._listening)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections += 1
            if self._refusing:
                self.refused += 1
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                client.close()
                continue
            connection = _Connection([])
            self._open.add(connection)
            connection.task = asyncio.create_task(self._carry(connection, client), name="link")

    async def _carry(self, connection: _Connection, client: socket.socket) -> None:
        try:
            reader, writer = await asyncio.open_connection(sock=client)
            connection.writers.append(writer)
            try:
                origin_reader, origin_writer = await asyncio.open_connection(*self._origin)
            except OSError:
                self._end(connection, reset=True)
                return
            connection.writers.append(origin_writer)
            if connection.cut is not None:  # while the origin was being dialled
                self._end(connection, reset=connection.cut)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._pump(reader, origin_writer, self.up))
                tasks.create_task(self._pump(origin_reader, writer, self.down))
        except* OSError:
            self._end(connection, reset=True)  # one end was reset: so is the other
        finally:
            self._open.discard(connection)
            for each in connection.writers:
                each.close()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: Direction
    ) -> None:
        while piece := await reader.read(_PIECE):
            if not way.flows.is_set():
                way.held += 1
                await way.flows.wait()
                way.held -= 1
            takes_s = self._latency_s
            if self._bytes_per_s is not None:
                takes_s += len(piece) / self._bytes_per_s
            if takes_s:
                await asyncio.sleep(takes_s)
            if writer.transport.is_closing():
                return
            writer.write(piece)
            await writer.drain()
            way.bytes += len(piece)
        # A FIN passes on like anything else.
        await way.flows.wait()
        if not writer.transport.is_closing():
            with contextlib.suppress(OSError):
                writer.write_eof()

    def _end(self, connection: _Connection, *, reset: bool) -> None:
        for writer in connection.writers:
            if writer.transport.is_closing():
                continue
            if reset:
                end = writer.get_extra_info("socket")
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                writer.transport.abort()
            else:
                writer.close()
