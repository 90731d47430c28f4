"""A client's body on its way: counted, limited, given once."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from edgeproxy.core.errors import OriginClosed
from edgeproxy.downstream.upload import Upload
from edgeproxy.sarvam.refusals import Refused


@asynccontextmanager
async def server(look: Callable[[Upload], AsyncIterator[bytes]]) -> AsyncIterator[str]:
    """Answers with what ``look`` makes of an upload of at most 10 bytes, or why there is none."""

    async def handle(request: web.Request) -> web.Response:
        moves: list[None] = []
        try:
            upload = Upload(request, most_bytes=10, on_piece=lambda: moves.append(None))
            taken = b"".join([piece async for piece in look(upload)])
            assert upload.sent_bytes <= 10
            assert moves
            assert not upload.waiting
        except (Refused, OriginClosed) as error:
            return web.Response(status=409, text=str(error))
        return web.Response(body=taken)

    app = web.Application()
    app.router.add_post("/", handle)
    async with TestServer(app) as running:
        yield str(running.make_url("/"))


async def post(url: str, data: object) -> str:
    async with aiohttp.ClientSession() as http, http.post(url, data=data) as answer:
        return f"{answer.status} {await answer.text()}"


async def chunked(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def as_it_is(upload: Upload) -> AsyncIterator[bytes]:
    async for piece in upload:
        yield piece


async def test_pieces_go_through_up_to_the_limit() -> None:
    async with server(as_it_is) as url:
        assert await post(url, b"0123456789") == "200 0123456789"
        assert await post(url, chunked(b"01234", b"56789")) == "200 0123456789"


async def test_what_is_too_much_is_refused_said_or_not() -> None:
    async with server(as_it_is) as url:
        assert "409 Request too large: at most 10 bytes" in await post(url, b"0123456789a")
        told = await post(url, chunked(b"01234", b"56789a"))
        assert "409 Request too large: at most 10 bytes" in told


async def test_what_is_gone_is_not_given_twice() -> None:
    async def twice(upload: Upload) -> AsyncIterator[bytes]:
        async for piece in upload:
            yield piece
        with pytest.raises(OriginClosed):
            await anext(aiter(upload))

    async with server(twice) as url:
        assert await post(url, b"once") == "200 once"
