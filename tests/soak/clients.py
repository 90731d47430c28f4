"""Clients of every kind, each turn after turn until told to stop.

::

    plain      config once, then turns, with linear16, wav or mp3
    tokens     words instead of sentences, as an LLM gives them
    pipelined  the next turns sent while the first is spoken
    slow       reads a little, then a little more
    barge-in   closes in the middle of a turn, as agents do when they are interrupted
    vanishing  is gone without a word
    rest       REST's JSON          stream     HTTP stream's body
"""

import asyncio
import contextlib
import json
import random
import socket
from base64 import b64decode
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, Final

import aiohttp

from .judge import Heard, Judge
from .ledger import Ledger
from .texts import Said, Texts

KINDS: Final = (
    *("plain",) * 5, "tokens", "pipelined", "pipelined", "slow", "barge-in", "vanishing",
    *("rest",) * 2, *("stream",) * 2,
)  # fmt: skip
PATIENCE_S: Final = 45.0
"""After so long a turn has no end: the proxy's own deadlines are far below it."""
_QUERY: Final = "model=bulbul:v3&send_completion_event=true&verdict=true"
_NEVER: Final = (1000, 1001)
"""Close codes that clients take for success (R8)."""


@dataclass(slots=True)
class Line:
    """Where the proxy is. ``deaths``: how often it was ended on purpose; ``dying``: it is being so now."""

    url: str
    deaths: int = 0
    dying: bool = False
    stopping: bool = False

    def excuses(self, deaths: int) -> bool:
        """Whether a connection that was begun after so many deaths may have broken off."""
        return self.dying or deaths != self.deaths


class Client:
    """One client of a kind."""

    def __init__(
        self,
        kind: str,
        number: int,
        *,
        seed: int,
        line: Line,
        texts: Texts,
        judge: Judge,
        ledger: Ledger,
    ) -> None:
        self.kind = kind
        self._chance = random.Random(f"{seed}/{kind}/{number}")
        self._line = line
        self._texts = texts
        self._judge = judge
        self._ledger = ledger
        self._rate = self._chance.choice((8000, 8000, 8000, 16000))
        self._codec = self._chance.choice(("linear16", "linear16", "wav", "mp3"))
        if kind == "tokens":
            self._codec = "linear16"

    async def run(self) -> None:
        """Take turns until the line is stopping."""
        key = {"api-subscription-key": f"client-{self._chance.randrange(2)}"}
        # A client that reads slowly leaves next to nothing in the kernel.
        connector = aiohttp.TCPConnector(
            socket_factory=_small if self.kind == "slow" else None,
            # One that was kept alive may be that of a proxy long dead.
            force_close=True,
        )
        async with aiohttp.ClientSession(headers=key, connector=connector) as http:
            while not self._line.stopping:
                try:
                    if self.kind in ("rest", "stream"):
                        await self._ask(http)
                    else:
                        await self._converse(http)
                except (aiohttp.ClientConnectorError, aiohttp.WSServerHandshakeError):
                    await asyncio.sleep(0.1)  # it is being started, or drained
                except (aiohttp.ClientError, ConnectionError) as error:
                    self._ledger.errors[f"outside of a turn: {type(error).__name__}"] += 1
                    await asyncio.sleep(0.1)

    # -- over HTTP ---------------------------------------------------------------------------------

    async def _ask(self, http: aiohttp.ClientSession) -> None:
        said, deaths = self._texts.draw(self._chance), self._line.deaths
        path = "/text-to-speech" if self.kind == "rest" else "/text-to-speech/stream"
        codec = "wav" if self.kind == "rest" else self._codec
        body = {
            "text": said.text,
            "target_language_code": "hi-IN",
            "speaker": "shubh",
            "model": "bulbul:v3",
            "speech_sample_rate": self._rate,
            "output_audio_codec": codec,
        }
        heard = Heard()
        answered = False
        try:
            async with (
                asyncio.timeout(PATIENCE_S),
                http.post(self._line.url + path, json=body) as answer,
            ):
                answered = True
                if answer.status == 200:
                    status = answer.headers.get("Cache-Status", "")
                    heard.verdicts = status.partition('detail="')[2].rstrip('"').split(",")
                    async for piece in answer.content.iter_any():
                        heard.audio += piece
                    if self.kind == "rest":
                        heard.audio = b64decode(json.loads(heard.audio)["audios"][0])
                else:
                    heard.errors.append(_told(answer.status, await answer.json()))
                heard.final = True
        except TimeoutError:
            pass
        except aiohttp.ClientConnectorError:
            raise
        except (aiohttp.ClientError, ConnectionError) as error:
            heard.broken = type(error).__name__
            if self.kind == "rest":
                heard.audio = b""
            if not answered and not self._line.excuses(deaths):
                detail = f"the connection broke before an answer: {error!r}"
                self._ledger.find("lost", kind=self.kind, text=said.text, detail=detail)
                return
        dying = self._line.excuses(deaths)
        await self._judge.judge(self.kind, said, heard, codec=codec, rate=self._rate, dying=dying)
        await self._think(heard)

    # -- over a WebSocket --------------------------------------------------------------------------

    async def _converse(self, http: aiohttp.ClientSession) -> None:
        url = f"{self._line.url}/text-to-speech/ws?{_QUERY}"
        deaths = self._line.deaths
        async with self._socket(http, url) as ws:
            await ws.send_json({"type": "config", "data": self._config()})
            if self.kind == "tokens":
                # From the first flush on, no clock has a say in where it is cut.
                await ws.send_json({"type": "flush"})
                await self._listen(ws)
            for _ in range(self._chance.randint(3, 20)):
                if self._line.stopping or not await self._turns(ws, deaths):
                    return

    @contextlib.asynccontextmanager
    async def _socket(
        self, http: aiohttp.ClientSession, url: str
    ) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        patience = aiohttp.ClientWSTimeout(ws_close=1.0)
        async with asyncio.timeout(PATIENCE_S):
            ws = await http.ws_connect(url, timeout=patience, max_msg_size=0)
        try:
            yield ws
        finally:
            await ws.close()

    def _config(self) -> dict[str, Any]:
        return {
            "target_language_code": "hi-IN",
            "speaker": "shubh",
            "speech_sample_rate": self._rate,
            "output_audio_codec": self._codec,
        }

    async def _turns(self, ws: aiohttp.ClientWebSocketResponse, deaths: int) -> bool:
        """One turn, or several at once; whether there may be another on this socket."""
        at_once = self._chance.randint(2, 4) if self.kind == "pipelined" else 1
        saids = [self._texts.draw(self._chance) for _ in range(at_once)]
        leaves = self.kind in ("barge-in", "vanishing") and self._chance.random() < 0.7
        try:
            for said in saids:
                await self._say(ws, said)
        except (ConnectionError, aiohttp.ClientError):
            pass  # why it broke is heard below
        for said in saids:
            if leaves:
                await self._leave(ws)
                return False
            heard = await self._listen(ws)
            if not heard.broken:
                self._ledger.owed += 1
                self._ledger.finals += heard.final
            if heard.broken and not self._line.excuses(deaths):
                # Nobody has ended the proxy: then a socket stays open, whatever happens (R11).
                self._ledger.find("lost", kind=self.kind, text=said.text, detail=heard.broken)
                return False
            dying = self._line.excuses(deaths)
            await self._judge.judge(
                self.kind, said, heard, codec=self._codec, rate=self._rate, dying=dying
            )
            if not heard.final:
                return False
            await self._think(heard)
        return True

    async def _think(self, heard: Heard) -> None:
        """Wait a little after a failure, as whoever tries again does: errors are quick to get."""
        if heard.errors:
            await asyncio.sleep(self._chance.uniform(0.2, 1.0))

    async def _say(self, ws: aiohttp.ClientWebSocketResponse, said: Said) -> None:
        pieces = [said.text]
        if self.kind == "tokens":
            words = said.text.split(" ")
            pieces = [word if not at else f" {word}" for at, word in enumerate(words)]
        for piece in pieces:
            await ws.send_json({"type": "text", "data": {"text": piece}})
        await ws.send_json({"type": "flush"})

    async def _leave(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._chance.uniform(0, 0.3)):
                await ws.receive()
        if self.kind == "vanishing":
            # A private door of the library's, confessed: it has no public way to be so impolite.
            transport = getattr(ws._conn, "transport", None)
            if transport is not None:
                transport.abort()
        self._ledger.turn(self.kind, "left")

    async def _listen(self, ws: aiohttp.ClientWebSocketResponse) -> Heard:
        """Everything up to the end of a turn, however it ends."""
        heard = Heard()
        pieces: list[bytes] = []
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not heard.final and not heard.broken:
                    if self.kind == "slow":
                        await asyncio.sleep(self._chance.uniform(0, 0.02))
                    self._take(await ws.receive(), heard, pieces, ws)
        except TimeoutError:
            pass
        heard.audio = b"".join(pieces)
        return heard

    def _take(
        self,
        message: aiohttp.WSMessage,
        heard: Heard,
        pieces: list[bytes],
        ws: aiohttp.ClientWebSocketResponse,
    ) -> None:
        if message.type is not aiohttp.WSMsgType.TEXT:
            heard.broken = f"{message.type.name} {ws.close_code}"
            if message.type is aiohttp.WSMsgType.CLOSE and message.data in _NEVER:
                heard.broken = ""
                heard.errors.append(f"closed with {message.data} in mid-turn")
                self._ledger.cut += 1
                self._ledger.findings.append(
                    f"cut: {self.kind}: a close {message.data} in mid-turn"
                )
            return
        said = json.loads(message.data)
        data = said.get("data", {})
        match said["type"]:
            case "audio":
                pieces.append(b64decode(data["audio"]))
                if heard.errors:
                    self._ledger.wrong += 1
                    self._ledger.findings.append(
                        f"wrong: {self.kind}: audio after the turn's error"
                    )
            case "error":
                heard.errors.append(_told(data.get("code"), {"error": data}))
            case "event":
                heard.final = True
                segments = data.get("edgeproxy", {}).get("segments", [])
                heard.verdicts = [each["verdict"] for each in segments]
            case other:
                raise AssertionError(f"R2: a message of type {other}")


def _told(status: int | None, body: dict[str, Any]) -> str:
    message = str(body.get("error", {}).get("message", body))
    return f"{status} {message[:60]}"


def _small(address: aiohttp.AddrInfoType) -> socket.socket:
    family, kind, protocol, *_ = address
    made = socket.socket(family, kind, protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    return made


Make = Callable[[str, int], Client]
