"""One conversation over Sarvam's WebSocket: what the client says becomes turns, segments and asks.

The reader never waits for audio: close and ping are answered at once, and the next turn is taken in
while the current one streams (R7). What goes out, and in which order, is the door's business.

A config never stops anything: text buffered before it is spoken first, in the old voice, and earns no
final of its own. A config that is refused leaves *no* voice, so that nothing is ever said in a voice
the client has tried to leave.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from time import monotonic
from typing import Final

from aiohttp import WSCloseCode, WSMsgType, web

from ..core.events import Emit, LimitMet
from ..core.turn import Cut, Turn
from ..core.voice import Voice
from ..sarvam import messages, models, refusals
from ..sarvam.handshake import Query
from ..sarvam.messages import Config, Flush, Text
from ..sarvam.refusals import Refusal, Refused
from ..sarvam.request_id import request_id
from ..speech import Speech
from .asking import Asker, TurnSettings
from .auth import Client
from .closing import close_or_cut
from .door import Door
from .encoding import PIECE_BYTES, Output
from .reply import Reply
from .wishes import ANY, Wish

log: Final = logging.getLogger(__name__)

_LOCKED_OUT: Final = 403
_QUIET_S: Final = 5.0
"""During a drain: after so long without text, a client that has never flushed is taken for one that
never will. Longer than an LLM pauses in the middle of a turn, since the others are closed by it, too."""
CLOSE_RESTART: Final = 1012
"""The process must go. Never 1000 or 1001, which clients take for a whole answer."""


class Conversation:
    """One client's socket. Mutable state: its voice, its turn, the reply that turn will get."""

    def __init__(
        self,
        request: web.Request,
        *,
        client: Client,
        query: Query,
        subprotocol: str | None,
        speech: Speech,
        settings: TurnSettings,
        message_bytes: int,
        idle_s: float,
        executor: Executor,
        emit: Emit,
    ) -> None:
        self._request = request
        self._client = client
        self._query = query
        self._speech = speech
        self._settings = settings
        self._message_bytes = message_bytes
        self._idle_s = idle_s
        self._executor = executor
        self._emit = emit
        self._socket = web.WebSocketResponse(
            # Audio does not compress: permessage-deflate is declined (R-compression).
            compress=False,
            protocols=(subprotocol,) if subprotocol else (),
            # A message over our limit is refused in Sarvam's shape; one far over it is not even read.
            max_msg_size=8 * message_bytes,
            # Ask at every full piece whether the client reads; by default 256 KiB more are written first.
            writer_limit=PIECE_BYTES,
            heartbeat=30.0,
        )
        self._door: Door
        self._config: str | None = None
        self._asker: Asker | None = None
        self._output = Output("mp3", models.DEFAULT_RATE)
        self._min_buffer_size = 0
        self._turn = self._new_turn()
        self._reply: Reply | None = None
        self._told_as: str | None = None
        self._verdict = request.query.get("verdict") == "true"
        self._wish, self._no_wish = _wish_of(request)
        self._flushed = False
        self._latest_text = monotonic()
        self._timer: asyncio.TimerHandle | None = None
        self._expecting = False
        self._locked_out = False
        self._settled = asyncio.Event()
        """Set while no turn is under way: it could be closed without losing anything."""
        self._settled.set()

    async def run(self) -> web.WebSocketResponse:
        """Hold the conversation until either side ends it."""
        await self._socket.prepare(self._request)
        transport = self._request.transport
        if transport is None:  # gone between the handshake and now
            return self._socket
        self._door = Door(
            self._socket,
            transport,
            self._speech,
            parallel_segments=self._settings.parallel_segments,
            trim_leading_silence_ms=self._settings.trim_leading_silence_ms,
            deadline_s=self._settings.deadline_s,
            executor=self._executor,
            emit=self._emit,
            on_empty=self._settle,
        )
        try:
            async with asyncio.TaskGroup() as tasks:
                writer = tasks.create_task(self._write(), name="writer")
                await self._read()
                writer.cancel()
        except* Exception:
            # A bug of ours. The close says so, and can't be taken for the end of a turn.
            log.exception("a conversation failed")
            await self._socket.close(code=WSCloseCode.INTERNAL_ERROR)
        finally:
            self._stop_timer()
            self._door.abandon(self._reply)
            self._settled.set()
        return self._socket

    @property
    def settled(self) -> bool:
        """Whether no turn is under way."""
        return self._settled.is_set()

    @property
    def expecting(self) -> bool:
        """Whether it was configured and has had no text since: an agent waits for its LLM."""
        return self._expecting

    async def close_when_settled(self) -> None:
        """End the conversation because the process must go, once no turn is under way."""
        while not self.settled:
            quiet_in_s = self._latest_text + _QUIET_S - monotonic()
            try:
                async with asyncio.timeout(quiet_in_s if quiet_in_s > 0 else _QUIET_S):
                    await self._settled.wait()
            except TimeoutError:
                self._settle()
        await self.close()

    async def close(self) -> None:
        """End the conversation at once, because the process must go."""
        if self._socket.prepared:
            await close_or_cut(self._request, self._socket, CLOSE_RESTART, b"service restart")

    async def _write(self) -> None:
        with contextlib.suppress(ConnectionResetError):  # the client left; the reader hears of it
            await self._door.run()

    async def _read(self) -> None:
        while True:
            while self._door.waiting >= self._settings.waiting_segments:
                await self._door.less()  # it sends faster than it reads
            try:
                # Not receive(timeout=...): pings and pongs of the protocol, ours among them, begin
                # that anew, so that it never ends for a client that is there at all.
                async with asyncio.timeout(self._idle_s):
                    message = await self._socket.receive()
            except TimeoutError:
                self._settle()
                if not self.settled:
                    continue  # it is listening
                self._met("idle_s")
                await self._refuse(Refused(refusals.idle()))
                await self.close()
                return
            if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                try:
                    await self._hear(message.data)
                except ConnectionResetError:
                    return
                if self._locked_out:
                    # Also what of an earlier turn is still to be heard: somebody should be gone.
                    await close_or_cut(
                        self._request,
                        self._socket,
                        WSCloseCode.POLICY_VIOLATION,
                        b"credential revoked",
                    )
                    return
            else:
                if getattr(message.data, "code", None) == WSCloseCode.MESSAGE_TOO_BIG:
                    self._met("message_bytes")
                return

    async def _hear(self, raw: str | bytes) -> None:
        if raw == self._config:
            # LiveKit repeats its config before every utterance. It changes nothing, but what was
            # buffered is spoken first all the same.
            self._say(self._turn.config_changed())
        else:
            try:
                if self._is_too_long(raw):
                    self._met("message_bytes")
                    raise Refused(refusals.too_large(limit_bytes=self._message_bytes))
                heard = messages.hear_client(raw)
                match heard:
                    case Text():
                        self._hear_text(heard.text)
                    case Flush():
                        self._hear_flush()
                    case Config():
                        self._config = None
                        self._hear_config(heard)
                        self._config = raw if isinstance(raw, str) else None
                    case _:
                        pass  # a ping: it has kept the connection, and is never answered
            except Refused as error:
                await self._refuse(error)
        await self._door.send_ready()
        # Drawing a random id takes as long as the rest of a hit: do it while nobody waits.
        self._told_as = self._told_as or request_id()

    def _met(self, limit: str) -> None:
        self._emit(LimitMet(limit, self._request.remote or "unknown"))

    def _is_too_long(self, raw: str | bytes) -> bool:
        # No character takes more than four bytes: short ones need no counting.
        if len(raw) * 4 <= self._message_bytes:
            return False
        return len(raw.encode() if isinstance(raw, str) else raw) > self._message_bytes

    def _hear_config(self, config: Config) -> None:
        self._say(self._turn.config_changed())
        self._asker = None
        fields = models.audible(config.fields, model=self._query.model)
        models.check_ranges(fields["model"], config.fields)
        self._client.allowance.check_voice(fields)
        self._asker = self._settings.asker(self._client, Voice(fields), self._wish.use)
        self._output = Output(config.codec, fields["rate"], config.bitrate)
        self._min_buffer_size = config.min_buffer_size
        self._expecting = True

    def _hear_text(self, text: str) -> None:
        begins = self._reply is None
        if self._reply is None:
            self._reply = self._new_reply()
            self._expecting = False
        if self._reply.refusal is not None:
            return
        if self._no_wish is not None:
            # Not at the handshake, where only a credential may be refused (R11).
            raise Refused(self._no_wish)
        if self._asker is None:
            raise Refused(refusals.text_before_config())
        self._settled.clear()
        self._latest_text = monotonic()
        allowance = self._client.allowance
        if begins:
            # What is allowed may have changed since the config came.
            allowance.check_voice(self._asker.voice.fields)
            allowance.begin_turn()
            self._reply.on_over = allowance.end_turn
        allowance.take(len(text))
        self._say(self._turn.feed(text))
        self._start_timer()

    def _hear_flush(self) -> None:
        self._stop_timer()
        self._flushed = True
        reply, self._reply = self._reply or self._new_reply(), None
        self._say(self._turn.flush(), reply)
        self._turn = self._new_turn()
        self._settled.clear()
        self._door.end(reply)

    def _settle(self) -> None:
        if self._door.waiting:
            return
        # A refused turn says nothing more: only its flush is owed a final, and may never come.
        if self._reply is None or self._reply.refusal is not None or self._is_quiet():
            self._settled.set()

    def _is_quiet(self) -> bool:
        return not self._flushed and monotonic() >= self._latest_text + _QUIET_S

    async def _refuse(self, error: Refused) -> None:
        if error.message_type == "config":
            self._config = self._asker = None
        elif error.message_type == "text":
            # What was refused is missing from its turn, so nothing more of the turn is said.
            self._reply = self._reply or self._new_reply()
        self._locked_out = error.refusal.status == _LOCKED_OUT
        await self._door.refuse(self._reply or self._new_reply(), error.refusal)
        self._settle()

    def _say(self, cuts: Iterable[Cut], reply: Reply | None = None) -> None:
        reply = reply or self._reply
        if reply is None or self._asker is None:
            return
        for cut in cuts:
            ask = self._asker.ask(cut, self._view, first=not reply.parts)
            self._door.say(reply, ask, self._output)

    def _new_turn(self) -> Turn:
        self._view = self._settings.library().view(self._client.tenant)
        return Turn(self._settings.cuts, self._view.phrasebook)

    def _new_reply(self) -> Reply:
        told_as, self._told_as = self._told_as or request_id(), None
        return Reply(
            self._client.namespace,
            final=bool(self._query.completion),
            verdict=self._verdict,
            tag=self._wish.tag,
            request_id=told_as,
        )

    # -- what only time brings about ---------------------------------------------------------------

    def _start_timer(self) -> None:
        """The hold for whole phrases, and the idle rule for clients that never flush."""
        self._stop_timer()
        if self._turn.holding:
            delay_ms, act = self._settings.hold_ms, self._turn.release
        elif not self._flushed and (
            self._turn.idled or len(self._turn.pending) >= self._min_buffer_size
        ):
            delay_ms, act = self._settings.idle_text_ms, self._turn.idle
        else:
            return
        self._timer = asyncio.get_running_loop().call_later(delay_ms / 1000, self._time_is_up, act)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _time_is_up(self, act: Callable[[], list[Cut]]) -> None:
        self._say(act())
        self._door.nudge()
        if self._turn.pending:
            self._start_timer()


def _wish_of(request: web.Request) -> tuple[Wish, Refusal | None]:
    try:
        return Wish.of_handshake(request.query, request.headers), None
    except Refused as error:
        return ANY, error.refusal
