"""Pools of sessions with an origin, and origins that turn everybody away."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest

from edgeproxy.audio import decode
from edgeproxy.core.events import Event
from edgeproxy.core.voice import Voice
from edgeproxy.emulator.faults import refusal_of
from edgeproxy.emulator.server import Emulator
from edgeproxy.sarvam.handshake import WS_PATHS, origin_url
from edgeproxy.upstream.places import Places
from edgeproxy.upstream.pool import Limits, Pool
from edgeproxy.upstream.session import Session

VOICE = Voice(
    {
        "model": "bulbul:v3",
        "language": "hi-IN",
        "speaker": "shubh",
        "rate": 8000,
        "pace": 1.0,
        "temperature": 0.6,
    }
)
OTHER = Voice({**VOICE.fields, "speaker": "priya"})

UNCARRIABLE = [
    "key-that-ends-in-a-line-break\n",
    "key-with-a\nline-break",
    "key-with-a-dash-–",
    "key-with-a-नुक़्ता",
]
"""Keys that no header can carry. Libraries quote them in their complaints."""

Dial = Callable[..., "object"]
MakePool = Callable[..., Pool]


def dial_to(
    url: str,
    *,
    key: str = "secret-key",
    codec: str = "linear16",
    ping_every_s: float = 30.0,
    timeout_s: float = 10.0,
) -> Dial:
    """A dial to an origin, as the composition root makes it."""

    async def dial(on_end: Callable[[Session], None]) -> Session:
        target = origin_url(url, WS_PATHS[0], websocket=True)
        return await Session.dial(
            f"{target}?model=bulbul:v3&send_completion_event=true",
            key=key,
            user_agent="edgeproxy/test",
            timeout_s=timeout_s,
            codec=codec,
            make_decoder=lambda codec, rate: decode.decoder(codec, rate=rate),
            ping_every_s=ping_every_s,
            on_end=on_end,
        )

    return dial


@asynccontextmanager
async def turning_away(status: int, *, retry_after: str) -> AsyncIterator[str]:
    """An origin that answers every request with ``status`` and a ``Retry-After``; its URL."""
    body = refusal_of(status).body("20261004_0")
    answer = (
        f"HTTP/1.1 {status} No\r\nRetry-After: {retry_after}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    ).encode() + body

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.fixture
async def make_pool(emulator: Emulator, facts: list[Event]) -> AsyncIterator[MakePool]:
    pools: list[Pool] = []

    def make(
        *,
        url: str | None = None,
        voices: Sequence[Voice] = (),
        places: Places | None = None,
        keep: bool = True,
        **limits: float,
    ) -> Pool:
        most = int(limits.pop("account_sessions", 100))
        recover_s = limits.pop("recover_s", 10.0)
        ping_every_s = limits.pop("ping_every_s", 30.0)
        settings = {"rest_s": 0.0, "ready": 1} | limits
        pool = Pool(
            "bulbul:v3",
            dial_to(url or emulator.url, ping_every_s=ping_every_s),  # type: ignore[arg-type]
            places=places or Places(most, recover_s=recover_s, emit=facts.append),
            limits=Limits(**settings),  # type: ignore[arg-type]
            voices=voices,
            keep=keep,
            emit=facts.append,
        )
        pools.append(pool)
        return pool

    yield make
    for pool in pools:
        await pool.close()
