"""An operator before a proxy: calls with and without the token."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from edgeproxy.app import Proxy

from ..conftest import StartProxy, until

TOKEN = "operator-token"
ADMIN: dict[str, Any] = {"token": TOKEN}


NOON = datetime(2026, 11, 26, 6, 30, tzinfo=UTC)


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


class Operator:
    """Calls the admin API of one proxy."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.session, self.url = session, url

    async def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        token: str | None = TOKEN,
        **headers: str,
    ) -> tuple[int, Any]:
        """Status and JSON. ``token``: None sends none; underscores in names of headers are hyphens."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        async with self.session.request(
            method, f"{self.url}/admin/{path}", json=body, headers=sent
        ) as answer:
            return answer.status, await answer.json()

    async def look(self, path: str) -> Any:
        """What a call that must succeed tells, without the token."""
        status, found = await self.call("GET", path, token=None)
        assert status == 200, found
        return found

    async def do(self, path: str, body: object = None, method: str = "POST") -> Any:
        """What a change that must succeed tells."""
        status, found = await self.call(method, path, {} if body is None else body)
        assert status < 300, found
        return found

    async def refused(
        self, method: str, path: str, body: object = None, **how: Any
    ) -> tuple[int, str]:
        """Status and code of a call that must fail; the sentence is there, too."""
        status, found = await self.call(method, path, body, **how)
        assert status >= 400, found
        assert found["error"]["message"]
        return status, found["error"]["code"]


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def desk(start_proxy: StartProxy, hello_book: Path) -> AsyncIterator[Proxy]:
    """A proxy whose one phrase is made, and that can be told what to do."""
    async with start_proxy(phrases={"directory": hello_book}, admin=ADMIN) as proxy:
        await until(lambda: len(proxy.generations) == 1)
        yield proxy


@pytest.fixture
async def operator(http: aiohttp.ClientSession, desk: Proxy) -> Operator:
    """Before :func:`desk`."""
    return Operator(http, desk.url)
