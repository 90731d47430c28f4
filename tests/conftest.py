"""The house under test: an emulator as origin, a proxy before it, real sockets on both sides."""

import json
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from edgeproxy import app
from edgeproxy.config import Settings
from edgeproxy.core.events import Event, PhraseGenerated, TurnEnded
from edgeproxy.downstream.terms import written
from edgeproxy.emulator.server import Emulator

from .fakes.origin import Origin
from .fakes.sarvam import Rest
from .house import House, open_house
from .waiting import until

settings.register_profile("fast", deadline=None, max_examples=60)
settings.register_profile(
    "deep", deadline=None, max_examples=3000, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("EDGEPROXY_HYPOTHESIS", "fast"))

__all__ = ["KEY", "StartProxy", "landed", "made", "turns", "until"]

KEY = "client-key"
HELLO_BOOK = """
languages: [en-IN]
voice: {model: "bulbul:v3", speaker: ritu}
sample_rates: [8000]
phrases:
  hello: Hello there.
"""

StartProxy = Callable[..., AbstractAsyncContextManager[app.Proxy]]


def write_tenants(file: Path, **tenants: dict[str, Any]) -> Path:
    """A tenants file. Each tenant's ``tokens`` are the tokens themselves; their hashes are written."""
    said = {
        name: {**terms, "tokens": [written(token) for token in terms.get("tokens", [])]}
        for name, terms in tenants.items()
    }
    fresh = file.with_name(f"{file.name}.fresh")
    fresh.write_text(json.dumps({"tenants": said}), encoding="utf-8")
    return fresh.replace(file)


def proxy_mode(directory: Path, **tenants: dict[str, Any]) -> dict[str, Any]:
    """The ``auth`` room of a proxy that lets these tenants in, by a file in ``directory``."""
    return {"mode": "proxy", "tenants": write_tenants(directory / "tenants.yaml", **tenants)}


async def landed(proxy: app.Proxy) -> None:
    """Wait until every fill is kept: from then on the same text is a hit, not a joined flight."""
    await until(lambda: not len(proxy.flights))


async def turns(facts: list[Event], count: int) -> list[TurnEnded]:
    """The facts of exactly that many turns, once they are in: a client may hear the final before."""

    def told() -> list[TurnEnded]:
        return [fact for fact in facts if isinstance(fact, TurnEnded)]

    await until(lambda: len(told()) >= count)
    assert len(told()) == count
    return told()


def made(facts: list[Event]) -> int:
    """How many recordings of phrases were made."""
    return sum(isinstance(fact, PhraseGenerated) for fact in facts)


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    """A Sarvam that answers as fast as it can."""
    async with Emulator() as emulator:
        yield emulator


@pytest.fixture
async def origin() -> AsyncIterator[Origin]:
    """An origin whose texts are its scripts."""
    async with Origin() as origin:
        yield origin


@pytest.fixture
def rest() -> Rest:
    """What is not speech of :func:`sarvam`, to be looked at."""
    return Rest(keys={"origin-key", "client-key"})


@pytest.fixture
async def sarvam(rest: Rest) -> AsyncIterator[Emulator]:
    """An emulator with all the rest of Sarvam's API beside it."""
    async with Emulator(more=rest.open) as emulator:
        yield emulator
        rest.permit.set()


@pytest.fixture
def facts() -> list[Event]:
    """What the proxy's rooms have told."""
    return []


@pytest.fixture
def start_proxy(tmp_path: Path, facts: list[Event], emulator: Emulator) -> StartProxy:
    """Start a proxy before the emulator; keyword arguments are rooms of settings."""
    origin = emulator.url

    @asynccontextmanager
    async def start(**rooms: dict[str, Any]) -> AsyncIterator[app.Proxy]:
        defaults: dict[str, dict[str, Any]] = {
            "server": {"port": 0, "drain_s": 5.0},
            "origin": {"url": origin, "api_key": "origin-key"},
            "pool": {"ready": 2, "rest_ms": 0},
            "cache": {"data_dir": tmp_path / "data", "min_free_bytes": 0},
        }
        for room, values in rooms.items():
            defaults[room] = {**defaults.get(room, {}), **values}
        async with app.running(Settings.load(overrides=defaults), emit=facts.append) as proxy:
            yield proxy

    return start


@pytest.fixture
async def proxy(start_proxy: StartProxy) -> AsyncIterator[app.Proxy]:
    """A proxy with the settings of a test."""
    async with start_proxy() as proxy:
        yield proxy


@pytest.fixture
def hello_book(tmp_path: Path) -> Path:
    """A folder with one book of one phrase, "Hello there.", that Ritu says."""
    folder = tmp_path / "books"
    folder.mkdir()
    (folder / "desk.yaml").write_text(HELLO_BOOK, encoding="utf-8")
    return folder


@pytest.fixture
def demo_books() -> Path:
    """The phrase books that come with the project."""
    return Path(__file__).parent.parent / "phrases"


@pytest.fixture
async def house(tmp_path: Path, emulator: Emulator, facts: list[Event]) -> AsyncIterator[House]:
    """Speech and the rooms below it, before the emulator."""
    async with open_house(tmp_path / "records", emulator, facts) as house:
        yield house
