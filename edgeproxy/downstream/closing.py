"""The end of a client's socket, in time whether it reads or not."""

import asyncio
from typing import Final

from aiohttp import web

CLOSE_S: Final = 2.0
"""For the close to be written and answered."""


async def close_or_cut(
    request: web.Request, socket: web.WebSocketResponse, code: int, why: bytes
) -> None:
    """Close it with ``code``; cut it off where that takes too long."""
    try:
        async with asyncio.timeout(CLOSE_S):
            await socket.close(code=code, message=why, drain=False)
    except TimeoutError:
        # It does not even read: what is still unsent would wait for ever.
        if request.transport is not None:
            request.transport.abort()
