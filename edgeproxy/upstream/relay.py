"""The origin for everything that is not speech: a request, or a WebSocket, passed on as it came.

One pool of kept-alive connections. Nothing is followed (a key is for this origin and no other), decoded or
remembered (cookies).
"""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import aiohttp
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from ..core.errors import OriginClosed, OriginError, OriginUnreachable
from ..sarvam.handshake import origin_url

_REFUSAL_BYTES: Final = 1_000_000
_CLOSE_S: Final = 1.0
_HEARTBEAT_S: Final = 60.0
_HEAD_BYTES: Final = 65_536
_UNTOUCHED: Final = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")
"""Headers that aiohttp would add of its own."""


class UpgradeRefused(OriginError):
    """The origin answered a WebSocket's handshake with something else, to be passed on as it came."""

    def __init__(
        self, status: int, reason: str, headers: CIMultiDictProxy[str], body: bytes
    ) -> None:
        super().__init__(f"the origin refused a WebSocket with {status}")
        self.status = status
        self.reason = reason
        self.headers = headers
        self.body = body


@dataclass(frozen=True, slots=True)
class Answer:
    """The origin's answer: its head, and its body as it comes."""

    status: int
    reason: str
    headers: CIMultiDictProxy[str]
    _content: aiohttp.StreamReader

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body. Raises OriginClosed where it breaks off."""
        try:
            async for piece in self._content.iter_any():
                yield piece
        except (aiohttp.ClientError, OSError) as error:
            raise _closed(error) from None


class Relay:
    """Passes on what it is given. Close it when done.

    ``message_bytes``: longest message of a WebSocket's.
    """

    def __init__(self, origin: str, *, connect_timeout_s: float, message_bytes: int) -> None:
        self._origin = origin
        self._connect_timeout_s = connect_timeout_s
        self._message_bytes = message_bytes
        self._client = aiohttp.ClientSession(
            # Whoever is let in has a connection of its own: the front door's limits are the limit.
            connector=aiohttp.TCPConnector(limit=0),
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=_UNTOUCHED,
            middlewares=(_refused_with_a_body,),
            max_field_size=_HEAD_BYTES,
            max_line_size=_HEAD_BYTES,
            timeout=aiohttp.ClientTimeout(total=None, connect=connect_timeout_s),
        )

    @asynccontextmanager
    async def ask(
        self,
        method: str,
        target: str,
        *,
        headers: CIMultiDict[str],
        body: AsyncIterable[bytes] | None,
    ) -> AsyncIterator[Answer]:
        """One request; the answer may begin while ``body`` is still on its way.

        Raises OriginUnreachable (it has heard nothing) or OriginClosed. Left before the end of the answer or
        of the body, the connection is closed. ``body`` must not let itself be read twice: aiohttp tries PUT
        and DELETE again where a kept connection turns out dead.
        """
        try:
            response = await self._client.request(
                method,
                URL(origin_url(self._origin, target), encoded=True),
                headers=headers,
                data=body,
                allow_redirects=False,
            )
        except aiohttp.ClientConnectorError as error:
            raise _unreachable(error.strerror or type(error).__name__) from None
        except aiohttp.ConnectionTimeoutError:
            raise _unreachable("no answer in time") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise _closed(error) from None
        try:
            yield Answer(response.status, response.reason or "", response.headers, response.content)
        finally:
            # No-op where all was read: then the connection is kept.
            response.close()

    async def dial(
        self, target: str, *, headers: CIMultiDict[str], subprotocols: Iterable[str]
    ) -> aiohttp.ClientWebSocketResponse:
        """A WebSocket. Raises UpgradeRefused, OriginUnreachable or OriginClosed."""
        try:
            async with asyncio.timeout(self._connect_timeout_s):
                return await self._client.ws_connect(
                    URL(origin_url(self._origin, target), encoded=True),
                    headers=headers,
                    protocols=tuple(subprotocols),
                    # What is spoken here does not compress, or hardly.
                    compress=0,
                    max_msg_size=self._message_bytes,
                    heartbeat=_HEARTBEAT_S,
                    timeout=aiohttp.ClientWSTimeout(ws_close=_CLOSE_S),
                )
        except TimeoutError:
            raise _unreachable("no answer in time") from None
        except aiohttp.ClientConnectorError as error:
            raise _unreachable(error.strerror or type(error).__name__) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise _closed(error) from None

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()


async def _refused_with_a_body(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    # Without this, aiohttp would drop what the origin has to say.
    response = await handler(request)
    if "Upgrade" in request.headers and response.status != 101:
        body = await response.content.read(_REFUSAL_BYTES)
        while len(body) < _REFUSAL_BYTES and (more := await response.content.readany()):
            body += more
        response.close()
        raise UpgradeRefused(
            response.status, response.reason or "", response.headers, body[:_REFUSAL_BYTES]
        )
    return response


def _unreachable(why: str) -> OriginUnreachable:
    return OriginUnreachable(f"no connection to the origin: {why}")


def _closed(error: Exception) -> OriginClosed:
    # Only the kind of it: such a text may quote a header, and one of them is the key.
    return OriginClosed(f"the origin's answer broke off: {type(error).__name__}")
