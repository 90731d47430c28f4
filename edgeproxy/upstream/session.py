"""One session with the origin: a WebSocket, its voice, and at most one utterance. websockets' only door.

::

    dial() ──► IDLE ──speak()──► SPEAKING ──final──► IDLE          (the pool lets it rest before reuse)
                │                   │
                │ a message nobody  │ error, close, silence, cancellation,
                │ asked for, close  │ anything but `final`
                ▼                   ▼
              ENDED ◄───────────────┘

Sarvam's audio carries no utterance id, so a session is reusable only after its `final`, and whatever is
heard while nobody speaks ends it: late audio of one turn never reaches another. A reader is active all
the time, so a session the origin closed is known at once and never handed out.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from enum import StrEnum
from time import monotonic
from typing import Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from ..core.audio import Decoder
from ..core.errors import (
    OriginBabble,
    OriginClosed,
    OriginError,
    OriginLetGo,
    OriginSilent,
    OriginUnreachable,
)
from ..core.voice import Voice
from ..sarvam import messages
from ..sarvam.messages import WireError
from ..sarvam.refusals import Refusal, retry_after_s

log: Final = logging.getLogger(__name__)

_CLOSE_TIMEOUT_S: Final = 1.0
_CLOSE_LIMIT: Final = 1003
"""Close code Sarvam uses when it refuses by rate or burst."""
_MAX_MESSAGE_BYTES: Final = 16 * 1024 * 1024

MakeDecoder = Callable[[str, int], Decoder]
"""(codec, rate in Hz) -> a fresh decoder."""


class OriginRefused(OriginError):
    """The origin said no. ``refusal`` is its answer, to be passed on as it came."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal
        self.status = refusal.status

    @property
    def is_clients_fault(self) -> bool:
        """Whether the same words would be refused again, on any session."""
        return self.refusal.is_clients_fault


class State(StrEnum):
    """Where a session is in its life."""

    IDLE = "idle"
    SPEAKING = "speaking"
    ENDED = "ended"


class Utterance:
    """One text being spoken: where its audio goes, and when things happened (``time.monotonic()``)."""

    def __init__(self, *, into: Callable[[bytes], None], decoder: Decoder) -> None:
        self._into = into
        self._decoder = decoder
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.configured = False
        self.sent: float | None = None
        self.first_byte: float | None = None
        self.first_pcm: float | None = None
        self._late = asyncio.Event()

    def more_came(self) -> None:
        """Something came after its `final`: it was not over, so what came of it is not whole."""
        self._late.set()

    async def is_whole(self, rest_s: float) -> bool:
        """Whether its `final` was its end. That is known when its session has rested ``rest_s``."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(rest_s):
                await self._late.wait()
        return not self._late.is_set()

    def hear(self, audio: bytes) -> bool:
        """Decode a piece and pass it on; whether there was any sound in it."""
        if self.first_byte is None and audio:
            self.first_byte = monotonic()
        return self._pass_on(self._decoder.feed(audio))

    def finish(self) -> None:
        """Pass on what the decoder still holds."""
        self._pass_on(self._decoder.finish())

    def _pass_on(self, pcm: bytes) -> bool:
        if not pcm:
            return False
        if self.first_pcm is None:
            self.first_pcm = monotonic()
        self._into(pcm)
        return True


class _Connect(connect):
    """A connection that is never redirected: the key is for this origin and no other."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


class Session:
    """See the module docstring. Mutable state: ``state``, ``voice``, the utterance, ``ended_because``."""

    def __init__(
        self,
        socket: ClientConnection,
        *,
        codec: str,
        make_decoder: MakeDecoder,
        ping_every_s: float,
        on_end: Callable[["Session"], None],
    ) -> None:
        self._socket = socket
        self._codec = self._told_codec = codec
        self._make_decoder = make_decoder
        self._ping_every_s = ping_every_s
        self._on_end = on_end
        self._utterance: Utterance | None = None
        self._spoken: Utterance | None = None
        """The one before, which is over."""
        self._clock: asyncio.Timeout | None = None
        self._stall_timeout_s = 0.0
        self.state = State.IDLE
        self.voice: Voice | None = None
        """The voice it is configured with."""
        self.born = monotonic()
        self.generation = 0
        """Its pool's, when it came up: see Pool.expire."""
        self.proven = False
        """Whether it has said a `final`: the origin is in earnest with it."""
        self.ended_because = ""
        self.problem: OriginError | None = None
        """What the origin did to end it, if it was the origin."""
        self.closed_code: int | None = None
        """The origin's close code, once it closed."""
        self._tasks = (
            asyncio.create_task(self._listen(), name="session listens"),
            asyncio.create_task(self._keep_alive(), name="session pings"),
        )

    @classmethod
    async def dial(
        cls,
        url: str,
        *,
        key: str,
        user_agent: str,
        timeout_s: float,
        codec: str,
        make_decoder: MakeDecoder,
        ping_every_s: float,
        on_end: Callable[["Session"], None],
    ) -> "Session":
        """Open a session.

        Raises OriginRefused (the handshake was answered, with a no) or OriginUnreachable.
        """
        try:
            socket = await _Connect(
                url,
                additional_headers={"api-subscription-key": key},
                user_agent_header=user_agent,
                # Audio does not compress, and deflating it costs nine times the CPU.
                compression=None,
                open_timeout=timeout_s,
                close_timeout=_CLOSE_TIMEOUT_S,
                ping_interval=20,
                ping_timeout=20,
                max_size=_MAX_MESSAGE_BYTES,
            )
        except InvalidStatus as error:
            response = error.response
            raise OriginRefused(
                Refusal.from_body(
                    response.status_code,
                    bytes(response.body or b""),
                    retry_after_s=retry_after_s(response.headers.get("Retry-After")),
                )
            ) from error
        except OSError as error:  # a timeout is one, too
            why = error.strerror or "no answer in time"
            raise OriginUnreachable(f"no connection to the origin: {why}") from error
        except (WebSocketException, ValueError, ImportError) as error:
            # Only the kind of it: these texts may quote a header, and one of ours is the key.
            raise OriginUnreachable(
                f"no connection to the origin: {type(error).__name__}"
            ) from None
        return cls(
            socket,
            codec=codec,
            make_decoder=make_decoder,
            ping_every_s=ping_every_s,
            on_end=on_end,
        )

    @property
    def reusable(self) -> bool:
        """Whether it may be leased again: idle, which after an utterance means `final` was heard."""
        return self.state is State.IDLE

    @property
    def hit_limit(self) -> bool:
        """Whether the origin ended it because the account holds too many."""
        return self.closed_code == _CLOSE_LIMIT or (
            isinstance(self.problem, OriginRefused) and self.problem.status == 429
        )

    async def configure(self, voice: Voice, *, codec: str | None = None) -> bool:
        """Tell it a voice, unless it has that one already; returns whether it was told.

        ``codec``: what to be sent, where that is not what the session was dialled for.
        """
        codec = codec or self._codec
        if self.voice == voice and self._told_codec == codec:
            return False
        self.voice, self._told_codec = voice, codec
        await self._send(messages.say_config(voice.fields, codec=codec))
        return True

    async def speak(
        self,
        voice: Voice,
        text: str,
        *,
        into: Callable[[bytes], None],
        first_audio_timeout_s: float,
        stall_timeout_s: float,
        codec: str | None = None,
        on_sent: Callable[[Utterance], None] = lambda _: None,
    ) -> Utterance:
        """Speak ``text``; give its PCM to ``into`` as it comes; return after `final`.

        Config, text and flush go out together: nothing is acknowledged, so nothing is waited for.
        Raises an :class:`OriginError` and is then not reusable; likewise when cancelled.
        """
        if self.state is not State.IDLE:
            raise OriginLetGo(f"the session ended while idle: {self.ended_because}")
        utterance = Utterance(
            into=into, decoder=self._make_decoder(codec or self._codec, voice.rate)
        )
        self._utterance, self.state = utterance, State.SPEAKING
        self._stall_timeout_s = stall_timeout_s
        try:
            utterance.configured = await self.configure(voice, codec=codec)
            await self._send(messages.say_text(text))
            await self._send(messages.FLUSH)
            utterance.sent = monotonic()
            on_sent(utterance)
            async with asyncio.timeout(first_audio_timeout_s) as self._clock:
                await utterance.done
        except TimeoutError:
            heard = utterance.first_pcm is not None
            problem = (
                f"no audio and no final for {stall_timeout_s:g} s in mid-utterance"
                if heard
                else f"no audio within {first_audio_timeout_s:g} s"
            )
            self.end(problem)
            raise OriginSilent(problem) from None
        except BaseException as error:
            self.end(f"{type(error).__name__} while speaking")
            raise
        finally:
            self._utterance = self._clock = None
            if utterance.done.done() and not utterance.done.cancelled():
                utterance.done.exception()  # a failure nobody came to await is not a leak
        return utterance

    def end(self, reason: str) -> None:
        """Retire it: no further use; the socket is closed in the background."""
        if self.state is State.ENDED:
            return
        self.state, self.ended_because = State.ENDED, reason
        self._tasks[1].cancel()
        self._on_end(self)

    async def close(self) -> None:
        """Close the socket and wait for the session's tasks. Idempotent."""
        self.end("closed")
        await self._socket.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _send(self, message: str) -> None:
        try:
            await self._socket.send(message)
        except ConnectionClosed as error:
            raise self._closed("the origin closed the connection") from error

    async def _listen(self) -> None:
        problem: OriginError
        try:
            async for message in self._socket:
                if self._hear(message):
                    # A burst may wait behind this message: first let the doors have what is in it.
                    await asyncio.sleep(0)
            problem = self._closed("the origin closed the connection")
        except ConnectionClosed as error:
            problem = self._closed(f"the origin's connection broke: {error}")
        except WireError as error:
            problem = OriginBabble(f"the origin broke its protocol: {error}")
        except ValueError as error:
            problem = OriginBabble(f"the origin's {self._told_codec} can't be decoded: {error}")
        except OriginError as error:
            problem = error
        except Exception as error:
            log.exception("an origin session failed")
            problem = OriginBabble(f"a message could not be handled: {type(error).__name__}")
        utterance = self._utterance
        if self.state is not State.ENDED:
            self.problem = problem
        self.end(str(problem))
        if utterance is not None and not utterance.done.done():
            utterance.done.set_exception(problem)

    def _closed(self, what: str) -> OriginClosed:
        self.closed_code = self._socket.close_code
        reason = self._socket.close_reason
        kind = OriginLetGo if self.closed_code == _CLOSE_LIMIT else OriginClosed
        return kind(f"{what} ({self.closed_code}{' ' + reason if reason else ''})")

    def _hear(self, message: str | bytes) -> bool:
        """One message of the origin's; whether an utterance's first sound came with it.

        Raises what ends the session.
        """
        heard = messages.hear_server(message)
        utterance = self._utterance
        if isinstance(heard, messages.Error):
            raise OriginRefused(heard.refusal)
        if utterance is None or utterance.done.done():
            # Late audio or a stray final: whose it is can't be told for sure any more.
            if self._spoken is not None:
                self._spoken.more_came()
            raise OriginBabble(f"a stray {type(heard).__name__.lower()} while nobody was speaking")
        if isinstance(heard, messages.Final):
            utterance.finish()
            self.state, self.proven = State.IDLE, True
            self._spoken = utterance
            utterance.done.set_result(None)
            return False
        silent_so_far = utterance.first_pcm is None
        sound = utterance.hear(heard.audio)
        # Messages without sound in them are no progress: they must not hold a caller for ever.
        if sound and self._clock is not None:
            self._clock.reschedule(asyncio.get_running_loop().time() + self._stall_timeout_s)
        return sound and silent_so_far

    async def _keep_alive(self) -> None:
        # Sarvam closes a socket that was silent for a minute; it counts its own `ping`, and whether
        # it counts protocol pings is unknown.
        with contextlib.suppress(OriginClosed):
            while True:
                await asyncio.sleep(self._ping_every_s)
                await self._send(messages.PING)

    def __repr__(self) -> str:
        return f"<Session {self.state} {self.voice!r}>"
