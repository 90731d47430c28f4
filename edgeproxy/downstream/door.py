"""The turn's door: what goes out on one WebSocket, in order.

A queue of parts (segments) and ends (flushes). The first `parallel_segments` parts that are not yet
delivered have their clips filling; they are delivered one after another as they grow, so the second
finishing first waits in its clip, not in a copy. Each end sends exactly one `final`, if finals were
asked for; a part that fails makes its turn send one `error`, say nothing more, and still end by `final`.

Two callers send, never at the same time: the reader's task, for what needs no waiting at all (a hit is on
its way in the same step of the event loop in which the text arrived), and the writer's task, for everything
else. So the reader is free to answer close and ping at once, unless a client that does not read has let
more than its share of segments pile up.

Once a turn sounds, the caller has audio in hand. As long as that lasts, though never for long, a later
segment is held until it is whole: then a segment that breaks off upstream can be filled again and
nobody hears of it.
"""

import asyncio
import json
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import asdict, dataclass, field
from time import monotonic
from typing import Final

from aiohttp import WSMsgType, web

from ..cache.clip import Clip, State
from ..core.audio import duration_s
from ..core.errors import OriginSilent
from ..core.events import Emit, SegmentSpoken, TurnEnded
from ..sarvam import messages
from ..sarvam.refusals import Refusal
from ..speech import Ask, Speech
from .answers import refusal
from .asking import in_time
from .encoding import Line, Output, Ready, Trim
from .facts import segment_spoken

_FINAL: Final = messages.FINAL.encode()
_MOST_PARALLEL: Final = 8
_MARGIN_S: Final = 0.75
"""A held segment is let go when this little audio is left in the caller's hand."""
_HOLD_S: Final = 4.0
"""And after this long in any case: some clients give up when nothing comes for ten seconds."""


@dataclass(slots=True, eq=False)
class Reply:
    """The answer to one turn. ``received``: when its first text came; ``final``: whether one is owed."""

    namespace: str
    final: bool
    request_id: str
    received: float = field(default_factory=monotonic)
    verdict: bool = False
    """Whether the final is to tell what became of each segment (extra keys, see R2)."""
    refusal: Refusal | None = None
    """Why it failed; it says nothing more but its final."""
    line: Line | None = None
    output: Output | None = None
    codec: str = ""
    parts: int = 0
    spoken: list[SegmentSpoken] = field(default_factory=list)
    first_write: float | None = None
    deadline: float | None = None
    """When it must be over; None until all of its text is there."""
    in_hand_until: float = 0.0
    """When the caller will have heard all that was sent, playing it from the first write on."""
    underruns: int = 0
    underrun_s: float = 0.0
    made: "tuple[Part, list[bytes]] | None" = None
    """The only part so far, and its pieces in a stream codec: kept ready if no other part follows."""


@dataclass(slots=True, eq=False)
class Part:
    """One segment in its turn, on its way out."""

    reply: Reply
    ask: Ask
    output: Output
    decided: float = field(default_factory=monotonic)
    clip: Clip | None = None
    verdict: str = ""
    ready: Ready | None = None
    position: int = 0
    """The next piece of ``ready``, or the next chunk of the clip."""
    first_write: float | None = None
    last_write: float | None = None


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
        self._socket = socket
        self._transport = transport
        self._speech = speech
        self._parallel_segments = parallel_segments
        self._trim_ms = trim_leading_silence_ms
        self._deadline_s = deadline_s
        self._executor = executor
        self._emit = emit
        self._on_empty = on_empty
        self._items: deque[Part | _End] = deque()
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
            self._items.append(Part(reply, ask, output))
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
        if reply.refusal is None:
            reply.refusal = no
            await self._send(no.frame(reply.request_id).encode())

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
            if isinstance(item, Part):
                self._leave(item)
                self._tell(item, failed=False)
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
                        await self._send_end(item)
                    else:
                        await self._send_in_time(item)
                finally:
                    self._writing = False
                self._done()
            await self._wake.wait()

    def _done(self) -> None:
        item = self._items.popleft()
        self._less.set()
        if isinstance(item, Part):
            self._leave(item)
            self._tell(item, failed=item.reply.refusal is not None)
            self._look_ahead()
        else:
            self._tell_end(item.reply, "error" if item.reply.refusal else "ok")
        if not self._items:
            self._on_empty()

    def _leave(self, part: Part) -> None:
        if part.clip is not None:
            self._filling -= 1
            self._speech.leave(part.ask, part.clip)

    def _look_ahead(self) -> None:
        if self._filling >= self._parallel_segments:
            return
        for item in self._items:
            if isinstance(item, Part) and item.clip is None and item.reply.refusal is None:
                item.clip, item.verdict = self._speech.clip(item.ask)
                self._filling += 1
                if self._filling >= self._parallel_segments:
                    return

    async def _send_at_once(self, item: Part | _End) -> bool:
        """Send an item if nothing about it has to be waited for; whether all of it went."""
        reply = item.reply
        if isinstance(item, _End):
            if reply.line is not None and not reply.line.ends_at_once:
                return False
            await self._send_end(item)
            return True
        if reply.refusal is not None:
            return True
        if reply.output is not None and reply.output != item.output:
            return False
        return (
            item.clip is not None
            and item.clip.state is State.COMPLETE
            and self._make_ready(item)
            and await self._send_pieces(item, at_once=True)
        )

    def _make_ready(self, part: Part) -> bool:
        """Find or make the ready form of a part's complete clip; False where it takes an encoder."""
        if part.ready is not None:
            return True
        clip, reply = part.clip, part.reply
        assert clip is not None
        line = reply.line or self._new_line(part)
        if part.position or not (part.output.exact or line.fresh):
            return False
        ready = clip.ready.get(part.output.ready_key)
        if ready is None:
            if not part.output.exact:
                return False
            ready = line.cut(self._trim(part)(clip.pcm()))
            self._speech.keep_ready(part.ask, clip, part.output.ready_key, ready)
        part.ready = ready
        return True

    async def _send_pieces(self, part: Part, *, at_once: bool = False) -> bool:
        """Send a part in its ready form. ``at_once``: stop (False) where something is still unsent.

        uvloop hands what was written to the kernel when the event loop's step is over, so the first
        20 ms must be all that is written in the step in which the text arrived.
        """
        reply, clip, ready = part.reply, part.clip, part.ready
        assert clip is not None
        assert ready is not None
        assert reply.line is not None
        clip.heard = True
        while part.position < len(ready.body) and reply.refusal is None:
            if at_once and self._transport.get_write_buffer_size():
                return False
            for piece in reply.line.opening():
                await self._send_audio(reply, piece)
            await self._send_audio(reply, ready.body[part.position])
            if not part.position:
                # The first piece of a clip that is here whole: all of it counts as in hand.
                self._count(part, clip.size)
            part.position += 1
        part.last_write = monotonic()
        reply.line.sent(ready, self._trim(part)(clip.pcm()))
        return True

    async def _send_in_time(self, part: Part) -> None:
        deadline = part.reply.deadline
        try:
            async with in_time(None if deadline is None else deadline - monotonic()):
                await self._send_part(part)
        except OriginSilent as error:
            await self.refuse(part.reply, refusal(error))

    async def _send_part(self, part: Part) -> None:
        reply, clip = part.reply, part.clip
        if reply.refusal is not None:
            return
        assert clip is not None, "the first item of the queue always has its clip"
        if reply.output is not None and reply.output != part.output:
            await self._close_line(reply)
        if reply.line is None:
            self._new_line(part)
        await self._hold(part)
        if clip.state is State.COMPLETE and self._make_ready(part):
            await self._send_pieces(part)
            return
        await self._follow(part)

    async def _hold(self, part: Part) -> None:
        """While the caller still has audio in hand, wait for a later segment to be whole."""
        reply, clip = part.reply, part.clip
        assert clip is not None
        if reply.first_write is None or part.position:
            return
        try:
            in_hand_s = reply.in_hand_until - _MARGIN_S - monotonic()
            async with asyncio.timeout(min(in_hand_s, _HOLD_S)):
                while clip.state is State.GROWING:
                    await clip.changed().wait()
        except TimeoutError:
            pass

    async def _follow(self, part: Part) -> None:
        """Send a clip as it grows."""
        reply, clip, line = part.reply, part.clip, part.reply.line
        assert clip is not None
        assert line is not None
        only = line.fresh and not part.output.exact
        made: list[bytes] = []
        trim = self._trim(part)
        reply.made = (part, made) if only else None
        while True:
            changed = clip.changed()
            while part.position < len(clip.chunks):
                clip.heard = True
                pcm = trim(clip.chunks[part.position])
                part.position += 1
                counted = False
                async for piece in line.play(pcm):
                    if reply.refusal is not None:
                        return
                    for header in line.opening():
                        await self._send_audio(reply, header)
                    await self._send_audio(reply, piece)
                    if not counted:
                        counted = True
                        self._count(part, len(pcm))
                    if only:
                        made.append(piece)
                part.last_write = monotonic()
            if clip.state is State.FAILED:
                await self.refuse(reply, refusal(clip.failure()))
                return
            if clip.state is State.COMPLETE:
                return
            await changed.wait()

    async def _send_end(self, end: _End) -> None:
        reply = end.reply
        await self._close_line(reply)
        if reply.final:
            await self._send(_told_final(reply) if reply.verdict else _FINAL)

    def _trim(self, part: Part) -> Trim:
        return Trim(most_ms=self._trim_ms, rate=part.output.rate)

    # -- lines -------------------------------------------------------------------------------------

    def _new_line(self, part: Part) -> Line:
        content_type = messages.content_type(part.output.codec)
        part.reply.output = part.output
        part.reply.codec = part.output.codec
        part.reply.line = Line(
            part.output,
            executor=self._executor,
            wrap=lambda piece: messages.audio_tail(piece, content_type=content_type),
        )
        return part.reply.line

    async def _close_line(self, reply: Reply) -> None:
        line, reply.line, reply.output = reply.line, None, None
        if line is None or reply.refusal is not None:
            return
        end = await line.finish()
        for piece in end:
            await self._send_audio(reply, piece)
        if reply.made is not None and reply.parts == 1:
            (part, made), clip = reply.made, reply.made[0].clip
            if clip is not None and clip.state is State.COMPLETE:
                ready = Ready(made, end)
                self._speech.keep_ready(part.ask, clip, part.output.ready_key, ready)

    # -- sending and telling -----------------------------------------------------------------------

    async def _send_audio(self, reply: Reply, tail: bytes) -> None:
        await self._send(messages.audio_head(reply.request_id) + tail)

    async def _send(self, message: bytes) -> None:
        await self._socket.send_frame(message, WSMsgType.TEXT)

    def _count(self, part: Part, pcm_bytes: int) -> None:
        """Note a write of audio, and whether the caller had already heard all there was."""
        reply, now = part.reply, monotonic()
        if part.first_write is None:
            part.first_write = now
        if reply.first_write is None:
            reply.first_write = reply.in_hand_until = now
        elif now > reply.in_hand_until:
            reply.underruns += 1
            # Falling behind: look further ahead for the rest of the conversation. Never the cuts.
            self._parallel_segments = min(self._parallel_segments + 1, _MOST_PARALLEL)
            reply.underrun_s += now - reply.in_hand_until
            reply.in_hand_until = now
        reply.in_hand_until += duration_s(pcm_bytes, part.output.rate)

    def _tell(self, part: Part, *, failed: bool) -> None:
        part.reply.spoken.append(
            segment_spoken(
                part.ask,
                part.clip,
                part.verdict,
                received=part.reply.received,
                decided=part.decided,
                first_write=part.first_write,
                last_write=part.last_write,
                failed=failed,
            )
        )

    def _tell_end(self, reply: Reply, outcome: str) -> None:
        now = monotonic()
        first = reply.first_write
        lead = next((each.lead_s for each in reply.spoken if each.lead_s is not None), None)
        # After what was written has gone out: a log line must not hold up a final.
        asyncio.get_running_loop().call_soon(
            self._emit,
            TurnEnded(
                request_id=reply.request_id,
                namespace=reply.namespace,
                door="websocket",
                codec=reply.codec,
                outcome=outcome,
                reason=reply.refusal.message if reply.refusal else None,
                segments=tuple(reply.spoken),
                ttfb_s=None if first is None else first - reply.received,
                ttfa_s=None if first is None or lead is None else first - reply.received + lead,
                took_s=now - reply.received,
                underruns=reply.underruns,
                underrun_s=reply.underrun_s,
            ),
        )


def _told_final(reply: Reply) -> bytes:
    """A final with what became of the turn in it, in milliseconds since its text was received."""
    segments = [
        {
            name.removesuffix("_s") + "_ms" if name.endswith("_s") else name: (
                round(value * 1000, 3) if name.endswith("_s") and value is not None else value
            )
            for name, value in asdict(segment).items()
        }
        for segment in reply.spoken
    ]
    told = {"event_type": "final", "edgeproxy": {"segments": segments}}
    return json.dumps({"type": "event", "data": told}).encode()
