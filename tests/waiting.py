"""Waiting for what no event can be hung on."""

import asyncio
from collections.abc import Callable


async def until(condition: Callable[[], bool], *, timeout_s: float = 10.0) -> None:
    """Wait for something to become true; the timeout only ends a test that has failed."""
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.001)
