"""The turn's door: what goes out on one WebSocket, in order.

A queue of parts (segments) and ends (flushes). The first `parallel_segments` parts that are not yet
delivered have their clips filling; they are delivered one after another as they grow, so the second
finishing first waits in its clip, not in a copy. Each end sends exactly one `final`, if finals were
asked for; a part that fails makes its turn send one `error`, say nothing more, and still end by `final`.

Two callers send, never at the same time: the reader's task, for what needs no waiting at all (a hit is on
its way in the same step of the event loop in which the text arrived), and the writer's task, for everything
else. So the reader is free to answer close and ping at once, unless a client that does not read has let
more than its share of segments pile up.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from time import monotonic
from typing import Final

from aiohttp import web

from ..ask import Ask
from ..core.errors import OriginSilent
from ..core.events import Emit
from ..sarvam.refusals import Refusal
from ..speech import Speech
from .answers import refusal
from .asking import in_time
from .encoding import Output
from .reply import Outgoing, Reply
from .sender import Sender

_MOST_PARALLEL: Final = 8


@dataclass(slots=True, eq=False)
class _End:
    reply: Reply


class Door:
    """See the module docstring. Mutable state: the queue, and whether the writer is at it."""

    def __init__(
        self,
        socket: web.WebSocketResponse,
        transport: asyncio.Transport,
        speech: Speech,
        *,
        parallel_segments: int,
        trim_leading_silence_ms: int,
        deadline_s: float,
        executor: Executor,
        emit: Emit,
        on_empty: Callable[[], None],
    ) -> None:
        self._sender = Sender(
            socket,
            transport,
            speech,
            trim_leading_silence_ms=trim_leading_silence_ms,
            executor=executor,
        )
        self._speech = speech
        self._parallel_segments = parallel_segments
        self._deadline_s = deadline_s
        self._emit = emit
        self._on_empty = on_empty
        self._items: deque[Outgoing | _End] = deque()
        self._filling = 0
        self._writing = False
        self._wake = asyncio.Event()
        self._less = asyncio.Event()

    @property
    def waiting(self) -> int:
        """Segments and finals still to be sent."""
        return len(self._items)

    # -- what the reader puts in; none of it waits -------------------------------------------------

    def say(self, reply: Reply, ask: Ask, output: Output) -> None:
        """One more segment of a turn."""
        if reply.refusal is None:
            reply.parts += 1
            self._items.append(Outgoing(reply=reply, ask=ask, output=output))
            self._look_ahead()

    async def less(self) -> None:
        """Wait until something has been sent."""
        self._less.clear()
        self._wake.set()
        await self._less.wait()

    def end(self, reply: Reply) -> None:
        """The turn is whole."""
        reply.deadline = monotonic() + self._deadline_s
        self._items.append(_End(reply))

    def nudge(self) -> None:
        """Let the writer see to it."""
        self._wake.set()

    async def refuse(self, reply: Reply, no: Refusal) -> None:
        """Answer with an error, at once; the turn says nothing more but its final."""
        if self._items and self._items[0].reply is reply:
            self._sender.stop_waiting()
        await self._sender.error(reply, no)

    async def send_ready(self) -> None:
        """Send what can be sent without waiting; leave the rest to the writer."""
        if not self._writing:
            self._writing = True
            try:
                while self._items and await self._send_at_once(self._items[0]):
                    self._done()
            finally:
                self._writing = False
        if self._items:
            self._wake.set()

    def abandon(self, unfinished: Reply | None) -> None:
        """The client is gone: nothing more is wanted. Fills already paid for go on without us.

        ``unfinished``: the reply to a turn that was never flushed.
        """
        left = {item.reply: None for item in self._items}
        if unfinished is not None:
            left[unfinished] = None
        for item in self._items:
            if isinstance(item, Outgoing):
                self._leave(item)
                item.reply.tell(item, failed=False)
        self._items.clear()
        for reply in left:
            self._tell_end(reply, "left")

    # -- the writer --------------------------------------------------------------------------------

    async def run(self) -> None:
        """Send everything else, for as long as the conversation lasts."""
        while True:
            self._wake.clear()
            while self._items and not self._writing:
                self._writing = True
                try:
                    item = self._items[0]
                    if isinstance(item, _End):
                        await self._sender.end(item.reply)
                    else:
                        await self._send_in_time(item)
                finally:
                    self._writing = False
                self._done()
            await self._wake.wait()

    def _done(self) -> None:
        item = self._items.popleft()
        self._less.set()
        if isinstance(item, Outgoing):
            self._leave(item)
            item.reply.tell(item, failed=item.reply.refusal is not None)
            self._look_ahead()
        else:
            self._tell_end(item.reply, "error" if item.reply.refusal else "ok")
        if not self._items:
            self._on_empty()

    def _leave(self, part: Outgoing) -> None:
        if part.clip is not None:
            self._filling -= 1
            self._speech.leave(part.ask, part.clip)

    def _look_ahead(self) -> None:
        # Where a caller was let wait: further ahead, for the rest of the conversation. Never the cuts.
        parallel = self._parallel_segments
        if self._sender.underruns:
            parallel = max(parallel, min(parallel + self._sender.underruns, _MOST_PARALLEL))
        if self._filling >= parallel:
            return
        for item in self._items:
            if isinstance(item, Outgoing) and item.clip is None and item.reply.refusal is None:
                item.clip, item.how = self._speech.clip(item.ask)
                self._filling += 1
                if self._filling >= parallel:
                    return

    async def _send_at_once(self, item: Outgoing | _End) -> bool:
        if isinstance(item, Outgoing):
            return await self._sender.part_at_once(item)
        return await self._sender.end_at_once(item.reply)

    async def _send_in_time(self, part: Outgoing) -> None:
        deadline = part.reply.deadline
        try:
            async with in_time(None if deadline is None else deadline - monotonic()):
                await self._sender.part(part)
        except OriginSilent as error:
            await self._sender.error(part.reply, refusal(error))

    def _tell_end(self, reply: Reply, outcome: str) -> None:
        reply.over()
        # After what was written has gone out: a log line must not hold up a final.
        asyncio.get_running_loop().call_soon(self._emit, reply.ended(outcome))
