"""The house with a link between it and its origin, and the oracle that knows what is right."""

from collections.abc import AsyncIterator

import pytest

from edgeproxy.app import Proxy
from edgeproxy.emulator.server import Emulator

from ..conftest import StartProxy, until
from ..fakes.link import Link
from ..fakes.truth import Truth
from ..wire import Talk

HELLO = "नमस्ते, आप कैसे हैं?"
LONG = "यह इतना लंबा वाक्य है कि इसकी आवाज़ एक साथ नहीं आ सकती और रास्ते में कुछ भी हो सकता है।"
"""Some 60 kB of sound: with a slow link, time enough for a fault to come in between."""
SLOW = 60_000
"""Bytes per second at which it takes about two seconds."""


@pytest.fixture
async def link(emulator: Emulator) -> AsyncIterator[Link]:
    """The way from the proxy to the emulator."""
    async with Link(emulator.url) as link:
        yield link


@pytest.fixture
def truth() -> Truth:
    """What is right."""
    return Truth()


@pytest.fixture
def start(start_proxy: StartProxy, link: Link) -> StartProxy:
    """Start a proxy behind the link, with little patience; keyword arguments are rooms of settings."""

    def start_behind(**rooms: dict[str, object]) -> object:
        defaults: dict[str, dict[str, object]] = {
            "origin": {
                "url": link.url,
                "connect_timeout_s": 0.5,
                "first_audio_timeout_s": 1.5,
                "stall_timeout_s": 1.5,
            },
            "pool": {"lease_timeout_s": 1.0},
        }
        for room, values in rooms.items():
            defaults[room] = {**defaults.get(room, {}), **values}
        return start_proxy(**defaults)

    return start_behind  # type: ignore[return-value]


async def warmed(proxy: Proxy, client: Talk) -> None:
    """Have sessions stand ready, as they do before anybody calls in real life."""
    await client.say("ज़रा रुकिए।")
    await until(lambda: all(pool.idle >= 2 for pool in proxy.pools))
