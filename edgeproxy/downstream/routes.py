"""The paths of the client half, and what stands in front of each: the key, and failures in Sarvam's shape."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from ..core.errors import Draining
from ..core.events import Emit
from ..openai.requests import MODELS_PATH, SPEECH_PATH
from ..openai.voices import Voices
from ..sarvam.handshake import REST_PATH, STREAM_PATH, WS_PATHS, Credential, Query
from ..speech import Speech
from .answers import answer, failed
from .asking import TurnSettings
from .auth import Client, Keeper
from .carried import offered
from .http import HttpDoors
from .openai import OpenAiDoor, in_openais_shape
from .phrases import PHRASE_PATH, PhraseDoor
from .websocket import Conversation

log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorLimits:
    """How much a client may send (bytes) and how long it may take, and how long running turns get when
    we must go (seconds)."""

    message_bytes: int
    body_timeout_s: float
    idle_s: float
    drain_s: float


class Doors:
    """Sarvam's doors and OpenAI's: adds their routes to an application, and closes them."""

    def __init__(
        self,
        *,
        keeper: Keeper,
        speech: Speech,
        settings: TurnSettings,
        limits: DoorLimits,
        voices: Voices,
        executor: Executor,
        emit: Emit,
    ) -> None:
        self._keeper = keeper
        self._speech = speech
        self._settings = settings
        self._limits = limits
        self._executor = executor
        self._emit = emit
        self._http = HttpDoors(
            speech=speech,
            settings=settings,
            body_timeout_s=limits.body_timeout_s,
            executor=executor,
            emit=emit,
        )
        self._openai = OpenAiDoor(self._http, voices=voices)
        self._phrases = PhraseDoor(self._http, speech=speech, settings=settings)
        self._conversations: set[Conversation] = set()
        self._requests = 0
        self._request_over = asyncio.Event()
        self._draining = False

    @property
    def conversations(self) -> int:
        """How many are open, over the WebSocket."""
        return len(self._conversations)

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """The paths that Sarvam's and OpenAI's clients know; every other path is Sarvam's 404."""
        for path in WS_PATHS:
            router.add_get(path, self._websocket)
        router.add_post(REST_PATH, self._guarded(self._http.rest))
        router.add_post(STREAM_PATH, self._guarded(self._http.stream))
        for add, path, handler in (
            (router.add_post, SPEECH_PATH, self._openai.speech),
            (router.add_get, MODELS_PATH, self._openai.models),
            (router.add_get, f"{MODELS_PATH}/{{model}}", self._openai.model),
        ):
            add(path, in_openais_shape(self._guarded(handler)))
        router.add_get(PHRASE_PATH, self._phrase)

    async def drain(self) -> None:
        """Let running turns finish, then close every socket with 1012; capped in time.

        Closed last are those that were configured and have had no text yet: their agents wait for an
        LLM, and what they were about to say is still said if it comes in time.
        """
        self._draining = True
        conversations = list(self._conversations)
        try:
            async with asyncio.timeout(self._limits.drain_s):
                await asyncio.gather(
                    self._requests_over(),
                    *(each.close_when_settled() for each in conversations if not each.expecting),
                )
                await asyncio.gather(*(each.close_when_settled() for each in conversations))
        except TimeoutError:
            late = [each for each in conversations if not each.settled]
            log.warning("%d conversations were cut off by the drain", len(late))
            await asyncio.gather(*(each.close() for each in conversations))

    async def _requests_over(self) -> None:
        while self._requests:
            self._request_over.clear()
            await self._request_over.wait()

    async def _websocket(self, request: web.Request) -> web.StreamResponse:
        credential = Credential.parse(request.headers, offered(request.headers))
        query = Query.parse(request.query)
        client = await self._admit(request, credential, query.model)
        conversation = Conversation(
            request,
            client=client,
            query=query,
            subprotocol=credential.subprotocol,
            speech=self._speech,
            settings=self._settings,
            message_bytes=self._limits.message_bytes,
            idle_s=self._limits.idle_s,
            executor=self._executor,
            emit=self._emit,
        )
        self._conversations.add(conversation)
        try:
            return await conversation.run()
        finally:
            self._conversations.discard(conversation)

    async def _admit(
        self, request: web.Request, credential: Credential, model: str | None = None
    ) -> Client:
        address = request.remote or ""
        client = await self._keeper.admit(credential.key, address=address, model=model)
        self._check_not_draining()
        return client

    def _check_not_draining(self) -> None:
        if self._draining:
            raise Draining("the proxy is shutting down")

    def _guarded(
        self, handler: Callable[[web.Request, Client], Awaitable[web.StreamResponse]]
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def guarded(request: web.Request) -> web.StreamResponse:
            client = await self._admit(request, Credential.parse(request.headers))
            with self._counted():
                return await handler(request, client)

        return guarded

    async def _phrase(self, request: web.Request) -> web.StreamResponse:
        credential = Credential.parse(request.headers)
        # Without one it is the book that decides; a wrong one is told so, whatever the book.
        client = None if credential.key is None else await self._admit(request, credential)
        self._check_not_draining()
        with self._counted():
            return await self._phrases.get(request, client)

    @contextmanager
    def _counted(self) -> Iterator[None]:
        """For as long as the block lasts, a drain waits for it."""
        self._requests += 1
        try:
            yield
        finally:
            self._requests -= 1
            self._request_over.set()


@web.middleware
async def in_sarvams_shape(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Whatever goes wrong before an answer has begun is told in Sarvam's shape."""
    try:
        return await handler(request)
    except Exception as error:
        return failed(request, error, answer)
