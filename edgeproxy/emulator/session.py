"""One WebSocket: what the client says is taken in at once, while what it asked for is still being spoken.

::

    receive ─► config ─► delivery            Mouth ─► audio, final
            ─► text ───► buffer ─► Utterance ──►│
            ─► flush ─► what is left, End ─────►│
            ─► ping ───► (no answer)
"""

import asyncio

from aiohttp import WSCloseCode, WSMessage, WSMsgType, web

from ..sarvam import refusals
from ..sarvam.messages import Config, Flush, Ping, Text, hear_client
from ..sarvam.refusals import Refused
from .delivery import Delivery
from .mouth import End, Mouth, Utterance
from .stage import Stage


class Session:
    """A WebSocket that is open. ``model`` is the query's, which wins over the config's."""

    def __init__(
        self, stage: Stage, socket: web.WebSocketResponse, *, model: str | None, mouth: Mouth
    ) -> None:
        self._stage = stage
        self._socket = socket
        self._model = model
        self._mouth = mouth
        self._delivery: Delivery | None = None
        self._config_at: float | None = None
        self._buffer = ""
        self._turn_is_empty = True

    async def run(self) -> None:
        """Listen and speak until the socket is closed, by whomever."""
        async with asyncio.TaskGroup() as tasks:
            speaking = tasks.create_task(self._mouth.run(), name="mouth")
            try:
                await self._listen()
            except ConnectionError:
                pass  # The client went while it was being refused.
            finally:
                speaking.cancel()

    async def _listen(self) -> None:
        idle_s = self._stage.idle_s
        loop = asyncio.get_running_loop()
        deadline = loop.time() + idle_s
        while True:
            try:
                message = await self._socket.receive(timeout=deadline - loop.time())
            except TimeoutError:
                if self._mouth.busy:
                    deadline = loop.time() + idle_s
                    continue
                await self._mouth.refuse(refusals.idle())
                await self._socket.close(code=self._stage.knobs.idle_close_code)
                return
            match message.type:
                case WSMsgType.TEXT | WSMsgType.BINARY:
                    deadline = loop.time() + idle_s
                    if not await self._hear(message):
                        return
                case WSMsgType.PING:
                    await self._socket.pong(message.data)
                    if self._stage.knobs.protocol_ping_resets_idle:
                        deadline = loop.time() + idle_s
                case WSMsgType.PONG:
                    pass
                case _:
                    return

    async def _hear(self, message: WSMessage) -> bool:
        """Take in one message; return whether the socket is still open."""
        try:
            self._take_in(message)
        except Refused as refused:
            await self._mouth.refuse(refused.refusal)
            if self._stage.knobs.close_after_error:
                await self._socket.close(code=WSCloseCode.OK)
                return False
        return True

    def _take_in(self, message: WSMessage) -> None:
        counters = self._stage.counters
        match hear_client(message.data):
            case Config(fields):
                counters.configs += 1
                # Before the new voice: what is buffered was meant for the old one.
                if self._take_buffer() and self._stage.knobs.implicit_final:
                    self._end()
                self._delivery = Delivery.parse(fields, stage=self._stage, model=self._model)
                self._config_at = self._stage.clock.now()
            case Text(text):
                counters.texts += 1
                counters.characters += len(text)
                self._add(text)
            case Flush():
                counters.flushes += 1
                self._take_buffer()
                self._end()
            case Ping():
                counters.pings += 1

    def _add(self, text: str) -> None:
        if self._delivery is None:
            if self._stage.knobs.text_before_config == "refused":
                raise Refused(refusals.text_before_config())
            self._delivery = Delivery.parse({}, stage=self._stage, model=self._model)
        joint = self._stage.knobs.joint if self._buffer and text else ""
        self._buffer += joint + text
        if len(self._buffer) >= self._delivery.min_buffer_size:
            self._take_buffer()

    def _take_buffer(self) -> bool:
        """Have what is buffered spoken; return whether there was anything to say."""
        text, self._buffer = self._buffer, ""
        if self._delivery is None or not text.strip():
            return False
        self._mouth.say(Utterance(text, self._delivery, self._config_at))
        self._config_at = None
        self._turn_is_empty = False
        return True

    def _end(self) -> None:
        self._mouth.say(End(self._turn_is_empty))
        self._turn_is_empty = True
