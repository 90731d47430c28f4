"""How a turn goes out on one WebSocket: a segment from its ready form or as its clip grows, then the final.

A *line* takes a turn's audio into the client's codec; a complete clip in an exact codec needs none of
its work: it is sent from pieces that are kept ready. Once a turn has been refused nothing of it follows
but its final, whatever is being waited for: the client, or the origin.

Once a turn sounds, the caller has audio in hand. As long as that lasts, though never for long, a later
segment is held until it is whole: then a segment that breaks off upstream can be filled again and
nobody hears of it.
"""

import asyncio
from concurrent.futures import Executor
from time import monotonic
from typing import Final

from aiohttp import WSMsgType, web

from ..cache.clip import State
from ..core.audio import duration_s
from ..sarvam import messages
from ..sarvam.refusals import Refusal
from ..speech import Speech
from .answers import refusal
from .encoding import Line, Ready, Trim
from .reply import Outgoing, Reply, told_final

_FINAL: Final = messages.FINAL.encode()
_MARGIN_S: Final = 0.75
"""A held segment is let go when this little audio is left in the caller's hand."""
_HOLD_S: Final = 4.0
"""And after this long in any case: some clients give up when nothing comes for ten seconds."""


class Sender:
    """Sends; what and in which order is the door's to say. Mutable state: what the writer waits for, and
    how often callers had nothing more to hear."""

    def __init__(
        self,
        socket: web.WebSocketResponse,
        transport: asyncio.Transport,
        speech: Speech,
        *,
        trim_leading_silence_ms: int,
        executor: Executor,
    ) -> None:
        self._socket = socket
        self._transport = transport
        self._speech = speech
        self._trim_ms = trim_leading_silence_ms
        self._executor = executor
        self._patience: asyncio.Timeout | None = None
        """While the writer waits for a clip to change: how it is woken."""
        self.underruns = 0

    async def part_at_once(self, part: Outgoing) -> bool:
        """Send a segment if nothing about it has to be waited for; whether all of it went."""
        reply = part.reply
        if reply.refusal is not None:
            return True
        if reply.output is not None and reply.output != part.output:
            return False
        return (
            part.clip is not None
            and part.clip.state is State.COMPLETE
            and self._make_ready(part)
            and await self._send_pieces(part, at_once=True)
        )

    async def end_at_once(self, reply: Reply) -> bool:
        """The same for the end of a turn."""
        if reply.line is not None and not reply.line.ends_at_once:
            return False
        await self.end(reply)
        return True

    async def part(self, part: Outgoing) -> None:
        """Send a segment, however long it takes."""
        reply, clip = part.reply, part.clip
        if reply.refusal is not None:
            return
        assert clip is not None, "the first item of the queue always has its clip"
        if reply.output is not None and reply.output != part.output:
            await self._close_line(reply)
        if reply.line is None:
            self._new_line(part)
        if not await self._hold(part):
            return
        if clip.state is State.COMPLETE and self._make_ready(part):
            await self._send_pieces(part)
            return
        await self._follow(part)

    async def end(self, reply: Reply) -> None:
        """Send what the codec still holds, and the final if one is owed."""
        await self._close_line(reply)
        if reply.final:
            await self._send(told_final(reply) if reply.verdict else _FINAL)

    async def error(self, reply: Reply, no: Refusal) -> None:
        """Send an error, at once; the turn says nothing more but its final."""
        if reply.refusal is None:
            reply.refusal = no
            reply.over()
            await self._send(no.frame(reply.request_id).encode())

    def stop_waiting(self) -> None:
        """The turn that is being sent says nothing more: its final must not wait for the origin."""
        if self._patience is not None and not self._patience.expired():
            self._patience.reschedule(asyncio.get_running_loop().time())

    def _make_ready(self, part: Outgoing) -> bool:
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
            part.taken = monotonic()
            ready = line.cut(self._trim(part)(clip.pcm()))
            part.encoded = monotonic()
            self._speech.keep_ready(part.ask, clip, part.output.ready_key, ready)
        part.ready = ready
        return True

    async def _send_pieces(self, part: Outgoing, *, at_once: bool = False) -> bool:
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

    async def _hold(self, part: Outgoing) -> bool:
        """While the caller still has audio in hand, wait for a later segment to be whole. False where
        the turn was refused meanwhile."""
        reply, clip = part.reply, part.clip
        assert clip is not None
        if reply.first_write is not None and not part.position:
            until = min(reply.in_hand_until - _MARGIN_S, monotonic() + _HOLD_S)
            while clip.state is State.GROWING:
                if not await self._changed(clip.changed(), within_s=until - monotonic()):
                    break
        return reply.refusal is None

    async def _changed(self, changed: asyncio.Event, *, within_s: float | None = None) -> bool:
        """Wait for a clip to change; False where time is up, or the turn was refused meanwhile."""
        try:
            async with asyncio.timeout(within_s) as self._patience:
                await changed.wait()
        except TimeoutError:
            return False
        finally:
            self._patience = None
        return True

    async def _follow(self, part: Outgoing) -> None:
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
                part.taken = part.taken or monotonic()
                pcm = trim(clip.chunks[part.position])
                part.position += 1
                counted = False
                async for piece in line.play(pcm):
                    if reply.refusal is not None:
                        return
                    part.encoded = part.encoded or monotonic()
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
                await self.error(reply, refusal(clip.failure()))
                return
            if clip.state is State.COMPLETE or not await self._changed(changed):
                return

    def _trim(self, part: Outgoing) -> Trim:
        return Trim(most_ms=self._trim_ms, rate=part.output.rate)

    def _new_line(self, part: Outgoing) -> Line:
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

    # -- sending -----------------------------------------------------------------------------------

    async def _send_audio(self, reply: Reply, tail: bytes) -> None:
        # Asked before each message: the one before may have had to wait, and the turn been refused.
        if reply.refusal is None:
            await self._send(messages.audio_head(reply.request_id) + tail)

    async def _send(self, message: bytes) -> None:
        await self._socket.send_frame(message, WSMsgType.TEXT)

    def _count(self, part: Outgoing, pcm_bytes: int) -> None:
        """Note a write of audio, and whether the caller had already heard all there was."""
        reply, now = part.reply, monotonic()
        if part.first_write is None:
            part.first_write = now
        if reply.first_write is None:
            reply.first_write = reply.in_hand_until = now
        elif now > reply.in_hand_until:
            reply.underruns += 1
            self.underruns += 1
            reply.underrun_s += now - reply.in_hand_until
            reply.in_hand_until = now
        reply.in_hand_until += duration_s(pcm_bytes, part.output.rate)
