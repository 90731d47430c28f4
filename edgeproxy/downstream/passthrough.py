"""Everything else of Sarvam's API: passed on to the origin, streamed both ways, kept nowhere.

::

    a path that is none of ours ─► plain? ─► the key ─► may it? ─► the origin ─► its answer, as it comes
                                    400       403       403, 429    502-504

A 2xx to a change of a pronunciation dictionary has what was spoken with it forgotten before the client is
told; so has a change whose outcome nobody knows, since silence does not mean that nothing happened.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

from aiohttp import HttpVersion11, WSCloseCode, web

from ..core.errors import Draining, OriginSilent, OriginUnreachable
from ..core.events import Emit, LimitMet, PassedOn, StoreFailed
from ..sarvam import refusals
from ..sarvam.handshake import Credential
from ..sarvam.refusals import Refused
from ..upstream.relay import Answer, Relay, UpgradeRefused
from . import carried
from .answers import refusal
from .auth import Client, Keeper
from .encoding import PIECE_BYTES
from .paths import Target
from .tunnel import TOO_BIG, Tunnel
from .upload import Upload

log: Final = logging.getLogger(__name__)

_NO_METHODS: Final = ("CONNECT", "TRACE")
"""TRACE would have the origin read our key aloud."""
_HEARTBEAT_S: Final = 30.0
_STATUS: Final = {"Cache-Status": "edgeproxy; fwd=bypass"}

Forget = Callable[[Client, str], Awaitable[None]]
"""(client, dict_id): what its account has spoken with this dictionary is not to be heard any more; may raise
OSError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PassingLimits:
    """What may be passed on (bytes), how long nothing may move (seconds), and how long what is under way gets
    when we must go."""

    body_bytes: int
    message_bytes: int
    silence_s: float
    drain_s: float


@dataclass(slots=True, eq=False)
class _Passage:
    """One request on its way, for the facts of it."""

    request: web.Request
    target: Target
    client: Client
    began: float = field(default_factory=monotonic)
    status: int | None = None
    to_origin_bytes: int = 0
    to_client_bytes: int = 0
    close_code: int | None = None
    outcome: str | None = None
    """Where it is not what the handler's end says."""
    reason: str | None = None


class PassingDoor:
    """Adds its one route, which takes every path that is no other's. Mutable state: what is under way."""

    def __init__(
        self,
        *,
        keeper: Keeper,
        relay: Relay,
        origin: str,
        forget: Forget,
        limits: PassingLimits,
        emit: Emit,
    ) -> None:
        self._keeper = keeper
        self.relay = relay
        self._origin = origin
        self._forget = forget
        self._limits = limits
        self._emit = emit
        self._passages: set[_Passage] = set()
        self._tunnels: set[Tunnel] = set()
        self._one_over = asyncio.Event()
        self._draining = False

    def add_route(self, router: web.UrlDispatcher) -> None:
        """To be called last: the first route that takes a path has it."""
        router.add_route("*", "/{anything:.*}", self._pass_on, expect_handler=_not_yet)

    async def drain(self) -> None:
        """Close the sockets with 1012, and let the requests end; capped in time."""
        self._draining = True
        await asyncio.gather(
            *(
                tunnel.close(WSCloseCode.SERVICE_RESTART, b"service restart")
                for tunnel in self._tunnels
            )
        )
        try:
            async with asyncio.timeout(self._limits.drain_s):
                while self._passages:
                    self._one_over.clear()
                    await self._one_over.wait()
        except TimeoutError:
            log.warning("%d passed requests were cut off by the drain", len(self._passages))

    async def _pass_on(self, request: web.Request) -> web.StreamResponse:
        await _leave_to_others(request)
        target = Target.parse(request.raw_path)
        offers = carried.offered(request.headers)
        credential = Credential.parse(request.headers, offers)
        client = await self._keeper.admit(credential.key, address=request.remote or "")
        if self._draining:
            raise Draining("the proxy is shutting down")
        client.allowance.check_path(target)
        client.allowance.count_request()
        async with self._telling(_Passage(request, target, client)) as passage:
            try:
                upgrade = request.headers.get("Upgrade", "").strip().lower()
                if request.method == "GET" and upgrade == "websocket":
                    return await self._tunnel(passage, offers)
                return await self._carry(passage)
            except ConnectionError:
                # It is the client that is gone: what is the origin's is told as ours. Nobody hears this.
                passage.outcome = "left"
                return web.Response()

    # -- requests ----------------------------------------------------------------------------------

    async def _carry(self, passage: _Passage) -> web.StreamResponse:
        request, silence_s = passage.request, self._limits.silence_s
        clock = asyncio.timeout(silence_s)

        def moved() -> None:
            clock.reschedule(asyncio.get_running_loop().time() + silence_s)

        upload = self._upload(request, moved)
        response: web.StreamResponse | None = None
        try:
            async with clock, self._asked(passage, upload) as answer:
                moved()
                response = web.StreamResponse(
                    status=answer.status,
                    reason=answer.reason,
                    headers=carried.to_client(answer.headers, origin=self._origin),
                )
                response.headers.extend(_STATUS)
                passage.status = answer.status
                await response.prepare(request)
                async for piece in answer.pieces():
                    await response.write(piece)
                    passage.to_client_bytes += len(piece)
                    moved()
                await response.write_eof()
        except ConnectionError:
            raise
        except Exception as error:
            told = self._why(error, request, upload)
            if response is None or not response.prepared:
                raise told from error
            # Half an answer is on its way: break it, so that it can't pass for a whole one.
            passage.outcome, passage.reason = "error", refusal(told).message
            if request.transport is not None:
                request.transport.abort()
        finally:
            if upload is not None:
                passage.to_origin_bytes = upload.sent_bytes
        return response

    def _upload(self, request: web.Request, moved: Callable[[], None]) -> Upload | None:
        if not request.body_exists:
            return None
        try:
            return Upload(request, most_bytes=self._limits.body_bytes, on_piece=moved)
        except Refused:
            self._met("body_bytes", request)
            raise

    @asynccontextmanager
    async def _asked(self, passage: _Passage, upload: Upload | None) -> AsyncIterator[Answer]:
        """The origin's answer, with its consequences seen to."""
        request, target, client = passage.request, passage.target, passage.client
        headers = carried.to_origin(request.headers, key=client.account.key)
        if upload is not None:
            await _go_on(request)
        changed: Sequence[str] = target.dictionaries_changed(request.method)
        try:
            async with self.relay.ask(
                request.method, target.raw, headers=headers, body=upload
            ) as answer:
                if not 200 <= answer.status < 300:
                    changed = ()
                await self._forget_all(client, changed)
                changed = ()
                yield answer
        except OriginUnreachable:
            changed = ()
            raise
        finally:
            await self._forget_all(client, changed)

    async def _forget_all(self, client: Client, dictionaries: Sequence[str]) -> None:
        try:
            for dict_id in dictionaries:
                await self._forget(client, dict_id)
        except OSError as error:
            self._emit(StoreFailed("purge a dictionary", f"{type(error).__name__}: {error}"))
            raise Refused(refusals.not_forgotten()) from error

    def _why(self, error: Exception, request: web.Request, upload: Upload | None) -> Exception:
        """What a client is to be told of ``error``: the origin's client knows only that a body broke off."""
        if upload is not None and upload.refused is not None:
            self._met("body_bytes", request)
            return upload.refused
        if not isinstance(error, TimeoutError):
            return error
        silence_s = self._limits.silence_s
        if upload is not None and upload.waiting:
            self._met("silence_s", request)
            return Refused(refusals.stalled_body(timeout_s=silence_s))
        return OriginSilent(f"the origin said nothing for {silence_s:g} s")

    def _met(self, limit: str, request: web.Request) -> None:
        self._emit(LimitMet(f"passthrough.{limit}", request.remote or "unknown"))

    # -- sockets -----------------------------------------------------------------------------------

    async def _tunnel(self, passage: _Passage, offers: list[str]) -> web.StreamResponse:
        request, client = passage.request, passage.client
        if not web.WebSocketResponse(protocols=offers).can_prepare(request):
            raise Refused(refusals.no_handshake())
        key = client.account.key
        try:
            origin = await self.relay.dial(
                passage.target.raw,
                headers=carried.to_origin(request.headers, key=key),
                subprotocols=carried.offered_to_origin(offers, key=key),
            )
        except UpgradeRefused as no:
            passage.status = no.status
            headers = carried.to_client(no.headers, origin=self._origin)
            return web.Response(status=no.status, reason=no.reason, headers=headers, body=no.body)
        chosen = carried.chosen_for_client(origin.protocol, offers)
        socket = web.WebSocketResponse(
            compress=False,
            protocols=(chosen,) if chosen else (),
            max_msg_size=self._limits.message_bytes,
            # Ask at every full piece whether the client reads.
            writer_limit=PIECE_BYTES,
            heartbeat=_HEARTBEAT_S,
        )
        tunnel = Tunnel(request, socket, origin, client=client, target=passage.target)
        try:
            await socket.prepare(request)
            passage.status = 101
            self._tunnels.add(tunnel)
            if self._draining:
                await tunnel.close(WSCloseCode.SERVICE_RESTART, b"service restart")
            await tunnel.run()
        finally:
            self._tunnels.discard(tunnel)
            await origin.close()
            passage.to_origin_bytes = tunnel.to_origin_bytes
            passage.to_client_bytes = tunnel.to_client_bytes
            if tunnel.closed is not None:
                passage.close_code, passage.outcome = tunnel.closed.code, tunnel.closed.outcome
                if tunnel.closed == TOO_BIG:
                    self._met("message_bytes", request)
        return socket

    @asynccontextmanager
    async def _telling(self, passage: _Passage) -> AsyncIterator[_Passage]:
        self._passages.add(passage)
        outcome = "left"
        try:
            yield passage
            outcome = "ok"
        except Exception as error:
            no = refusal(error)
            outcome, passage.status, passage.reason = "error", no.status, no.message
            raise
        finally:
            self._passages.discard(passage)
            self._one_over.set()
            self._emit(
                PassedOn(
                    namespace=passage.client.namespace,
                    method=passage.request.method,
                    path=passage.target.head,
                    status=passage.status,
                    outcome=passage.outcome or outcome,
                    reason=passage.reason,
                    to_origin_bytes=passage.to_origin_bytes,
                    to_client_bytes=passage.to_client_bytes,
                    took_s=monotonic() - passage.began,
                    close_code=passage.close_code,
                )
            )


async def _leave_to_others(request: web.Request) -> None:
    """A path of ours stays ours, whatever the method: raises which are right."""
    if request.method in _NO_METHODS:
        raise web.HTTPMethodNotAllowed(request.method, ["DELETE", "GET", "PATCH", "POST", "PUT"])
    ours: set[str] = set()
    for resource in request.app.router.resources():
        _, methods = await resource.resolve(request)
        ours |= methods
    ours.discard("*")
    if ours:
        raise web.HTTPMethodNotAllowed(request.method, ours)


async def _not_yet(request: web.Request) -> None:
    """Instead of aiohttp's 100: who is not let in keeps its body."""


async def _go_on(request: web.Request) -> None:
    """The 100 that a client waits for with its body."""
    expects = request.headers.get("Expect", "").lower() == "100-continue"
    if expects and request.version >= HttpVersion11:
        # As aiohttp's own handler does it.
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0
