"""The house as a whole: what it builds at start, what it keeps, what it leaves behind."""

import asyncio
import gc
import threading
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp
import pytest
from pydantic import SecretStr

from edgeproxy import app
from edgeproxy.config import ConfigError, Settings
from edgeproxy.core.events import ConfigSkipped, DialFailed, Event
from edgeproxy.emulator.server import Emulator

from ..conftest import StartProxy, until
from ..wire import talk

VOICE = {"target_language_code": "hi-IN", "speaker": "shubh", "speech_sample_rate": 8000}


async def test_sessions_are_dialled_and_configured_before_the_first_client(
    start_proxy: StartProxy, emulator: Emulator, facts: list[Event]
) -> None:
    async with start_proxy(origin={"prewarm_voices": [VOICE]}) as proxy:
        await until(lambda: all(pool.idle == 2 for pool in proxy.pools))
        await until(lambda: emulator.counters.configs == 2)
        async with talk(proxy.url) as client:
            answer = await client.say("नमस्ते।")
        assert answer.messages[-1]["data"]["edgeproxy"]["segments"][0]["configured"] is False
    assert any(isinstance(fact, ConfigSkipped) for fact in facts)


async def test_nothing_is_left_behind(start_proxy: StartProxy, emulator: Emulator) -> None:
    before = asyncio.all_tasks()
    async with start_proxy() as proxy, talk(proxy.url) as client:
        await client.say("नमस्ते।")
    await until(lambda: emulator.counters.open == 0)
    gc.collect()
    assert {task for task in asyncio.all_tasks() - before if "handler" not in repr(task)} == set()


async def test_a_missing_key_of_sarvams_is_said_before_anything_starts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("SARVAM_API_KEY", raising=False)
    settings = Settings.load(overrides={"cache": {"data_dir": tmp_path / "data"}})
    with pytest.raises(ConfigError, match="SARVAM_API_KEY"):
        async with app.running(settings):
            pass
    assert not (tmp_path / "data").exists()


@asynccontextmanager
async def nothing_left_behind(emulator: Emulator) -> AsyncIterator[None]:
    """No task, no thread, no session with the origin, no client that was not closed."""
    tasks, threads = asyncio.all_tasks(), set(threading.enumerate())
    yield
    # The emulator's own tasks, too, end a moment after their sockets.
    with suppress(TimeoutError):
        await until(lambda: emulator.counters.open == 0 and not asyncio.all_tasks() - tasks)
    assert (emulator.counters.open, asyncio.all_tasks() - tasks) == (0, set())
    assert set(threading.enumerate()) - threads == set()
    with warnings.catch_warnings(record=True, action="always", category=ResourceWarning) as told:
        gc.collect()
    assert [str(warning.message) for warning in told] == []


async def test_a_port_that_is_taken_is_an_error_and_leaves_nothing_behind(
    start_proxy: StartProxy, emulator: Emulator
) -> None:
    port = int(emulator.url.rsplit(":", 1)[1])
    async with nothing_left_behind(emulator):
        with pytest.raises(OSError, match="address"):
            async with start_proxy(server={"port": port}, origin={"prewarm_voices": [VOICE]}):
                pass


async def test_cuts_that_contradict_each_other_are_an_error_and_leave_nothing_behind(
    start_proxy: StartProxy, emulator: Emulator, tmp_path: Path
) -> None:
    async with nothing_left_behind(emulator):
        with pytest.raises(ConfigError, match="turn: clause_chars is 60"):
            async with start_proxy(
                turn={"max_segment_chars": 20}, origin={"prewarm_voices": [VOICE]}
            ):
                pass
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("key", ["key-with-a-break\n", "key-with-a-dash-–"])
async def test_an_origin_key_that_no_header_can_carry_is_shown_to_nobody(
    emulator: Emulator,
    facts: list[Event],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    key: str,
) -> None:
    settings = Settings.load(
        overrides={
            "server": {"port": 0},
            "origin": {"url": emulator.url, "api_key": "k", "prewarm_voices": [VOICE]},
            "pool": {"lease_timeout_s": 0.1},
            "cache": {"data_dir": tmp_path / "data", "min_free_bytes": 0},
        }
    )
    # Past the settings, which let no such key in.
    origin = settings.origin.model_copy(update={"api_key": SecretStr(key)})
    settings = settings.model_copy(update={"origin": origin})
    emulator.change_faults("403")  # the REST door sends some of them as they are
    async with app.running(settings, emit=facts.append) as proxy:
        async with talk(proxy.url) as client:
            answer = await client.say("नमस्ते।")
            assert [error["code"] for error in answer.errors] == [503]
        async with aiohttp.ClientSession() as session:
            async with session.get(f"{proxy.url}/readyz") as response:
                ready = await response.text()
            async with session.post(
                f"{proxy.url}/text-to-speech",
                json={**VOICE, "text": "नमस्ते।", "speech_sample_rate": 48000},
                headers={"api-subscription-key": "client-key"},
            ) as response:
                refused = await response.text()
    assert any(isinstance(fact, DialFailed) for fact in facts)
    assert '"degraded"' in ready
    for told in (answer.messages, ready, refused, facts, caplog.text):
        assert "key-with" not in str(told)
