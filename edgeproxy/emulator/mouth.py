"""The speaking half of a session: utterances and ends of turns, one after another, onto the socket.

Sarvam has no cancel and sends strictly in order, so what a client asks for while it is being spoken to
waits here. How long an utterance takes is the profile's business, what goes wrong in it the weather's.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import WSMsgType, web

from ..audio import wav
from ..core.audio import duration_s
from ..sarvam.messages import FINAL, content_type, say_audio
from ..sarvam.refusals import Refusal
from ..sarvam.request_id import request_id
from .delivery import Delivery
from .faults import Fault, Scope, midway, refusal_of
from .stage import Stage
from .utterance import Coder, chunks, message_bytes, pronounce, spoil


@dataclass(frozen=True, slots=True)
class Utterance:
    """Text that was taken out of the buffer, to be spoken in one go."""

    text: str
    delivery: Delivery
    config_at: float | None
    """If it is the first since a ``config``: when that came, by the stage's clock."""


@dataclass(frozen=True, slots=True)
class End:
    """The end of a turn: what a ``flush`` is answered with."""

    empty: bool
    """Whether there was nothing to say in it."""


@dataclass(slots=True)
class _Turn:
    """What is known of the turn that is being spoken."""

    request_id: str
    delivery: Delivery | None = None
    coder: Coder | None = None
    content_type: str = ""
    final_s: float = 0.0
    loses_final: bool = False
    holds_last: bool = False
    held: bytes = b""
    """With ``holds_last``: the latest audio, kept back until the final is out."""


class _Gone(Exception):
    """The socket was cut or closed from here: there is nothing more to say."""


class _Failed(Exception):
    """The utterance ended in an error that left the socket open."""


class Mouth:
    """Speaks what it is given, in order.

    ``at`` names the connection, for the draws of chance; ``completion``: whether turns end in a ``final``;
    ``abort`` drops the TCP connection under the socket.
    """

    def __init__(
        self,
        stage: Stage,
        socket: web.WebSocketResponse,
        *,
        at: str,
        completion: bool,
        abort: Callable[[], None],
    ) -> None:
        self._stage = stage
        self._socket = socket
        self._at = at
        self._completion = completion
        self._abort = abort
        self._orders: asyncio.Queue[Utterance | End] = asyncio.Queue()
        self._pending = 0
        self._utterances = 0
        self._header_rate: int | None = None
        self._turn = _Turn(request_id())

    @property
    def busy(self) -> bool:
        """Whether there is something left to say."""
        return self._pending > 0

    def say(self, order: Utterance | End) -> None:
        """Have this spoken after all that came before it."""
        self._pending += 1
        self._orders.put_nowait(order)

    async def refuse(self, refusal: Refusal) -> None:
        """Say an error, at once."""
        self._stage.counters.refusals += 1
        await self._socket.send_str(refusal.frame(request_id()))

    async def run(self) -> None:
        """Speak until cancelled, or until there is nobody to speak to."""
        try:
            while True:
                order = await self._orders.get()
                if isinstance(order, End):
                    await self._end(order)
                else:
                    try:
                        await self._utter(order)
                    except _Failed:
                        # Nobody has seen a final after an error.
                        self._turn.coder, self._turn.loses_final = None, True
                self._pending -= 1
        except (_Gone, ConnectionError):
            return

    async def _utter(self, utterance: Utterance) -> None:
        stage, delivery, turn = self._stage, utterance.delivery, self._turn
        self._utterances += 1
        stage.counters.utterances += 1
        stage.counters.recent.append(utterance.text)
        at = f"{self._at}/{self._utterances}"
        faults = stage.weather.strike(Scope.UTTERANCE, at=at, text=utterance.text)
        timing = stage.profile.timing(len(utterance.text), seed=stage.seed, at=at)
        turn.final_s = timing.final_s
        turn.loses_final |= timing.loses_final or "missing_final" in faults
        turn.holds_last |= "late_audio" in faults

        begin = stage.clock.now()
        if utterance.config_at is not None:
            begin = max(begin, utterance.config_at + stage.profile.config(seed=stage.seed, at=at))
        coder = await self._set_up(delivery, begin + timing.wav_header_s)
        if (slow := faults.get("slow")) is not None:
            begin += slow.seconds or 0.0
        pcm = spoil(await pronounce(stage.speech, utterance.text, delivery=delivery), faults)
        pieces = chunks(pcm, size=message_bytes(delivery.rate))
        dues = timing.dues([duration_s(len(piece), delivery.rate) for piece in pieces])
        to_come = midway(faults.values())
        sent = 0
        for piece, due in zip(pieces, dues, strict=True):
            while to_come and to_come[0].after <= sent:
                begin += await self._strike(to_come.pop(0))
            audio = await coder.feed(piece)
            if "odd" in faults and piece is pieces[-1]:
                audio = audio[:-1]
            await self._stage.until(begin + due)
            sent += await self._send(audio)
        # What was to come after more messages than there were still strikes: before the final.
        for fault in to_come:
            await self._strike(fault)

    async def _end(self, end: End) -> None:
        await self._finish_coder()
        turn, knobs = self._turn, self._stage.knobs
        await self._stage.clock.sleep(turn.final_s)
        answered = knobs.empty_flush_final or not end.empty
        if self._completion and answered and not turn.loses_final:
            await self._socket.send_str(FINAL)
            self._stage.counters.finals += 1
        if turn.held:
            await self._say_audio(turn.held)
        if knobs.wav_header_per_flush:
            self._header_rate = None
        self._turn = _Turn(request_id())

    async def _set_up(self, delivery: Delivery, header_due: float) -> Coder:
        """A coder for this delivery, going on where the turn has one; the header goes out if it is owed."""
        turn = self._turn
        if turn.coder is None or turn.delivery != delivery:
            await self._finish_coder()
            turn.delivery, turn.coder = delivery, Coder(delivery)
            mp3 = delivery.codec == "mp3"
            turn.content_type = (
                self._stage.knobs.mp3_content_type if mp3 else content_type(delivery.codec)
            )
        if delivery.codec == "wav" and self._header_rate != delivery.rate:
            await self._stage.until(header_due)
            await self._say_audio(wav.header(rate=delivery.rate, size=None))
            self._header_rate = delivery.rate
        return turn.coder

    async def _finish_coder(self) -> None:
        """Send what is still inside the coder, if there is one."""
        coder, self._turn.coder = self._turn.coder, None
        if coder is not None:
            await self._send(await coder.finish())

    async def _strike(self, fault: Fault) -> float:
        """Let a fault happen that strikes midway; return by how many seconds it delays the rest."""
        match fault.kind:
            case "stall":
                return await self._stage.stall(fault)
            case "garbage":
                await self._socket.send_str("<html>not what you are waiting for</html>")
                return 0.0
            case "error":
                await self.refuse(refusal_of(fault.code or 500))
                if not self._stage.knobs.close_after_error:
                    raise _Failed
                await self._socket.close()
            case "close":
                await self._socket.close(code=fault.code or 1011)
            case _:
                self._abort()
        raise _Gone

    async def _send(self, audio: bytes) -> int:
        """Send audio, or hold it and send what was held; return how many messages went out."""
        if not audio:
            return 0
        if self._turn.holds_last:
            audio, self._turn.held = self._turn.held, audio
            if not audio:
                return 0
        await self._say_audio(audio)
        return 1

    async def _say_audio(self, audio: bytes) -> None:
        turn = self._turn
        message = say_audio(audio, content_type=turn.content_type, request_id=turn.request_id)
        await self._socket.send_frame(message, WSMsgType.TEXT)
