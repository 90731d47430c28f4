"""The house as a whole: what it builds at start, what it keeps, what it leaves behind."""

import asyncio
import gc
from pathlib import Path

import pytest

from edgeproxy import app
from edgeproxy.config import ConfigError, Settings
from edgeproxy.core.events import ConfigSkipped, Event
from edgeproxy.emulator.server import Emulator

from .conftest import StartProxy, until
from .wire import talk

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


@pytest.mark.parametrize(
    ("voice", "named"),
    [
        ({"speaker": "shubh"}, "language_code"),
        ({"target_language_code": "hi-IN"}, "speaker"),
        ({**VOICE, "pace": 9}, "pace"),
        ({**VOICE, "speech_sample_rate": 1}, "Speech sample rate"),
    ],
)
def test_a_bad_voice_to_warm_is_named(voice: dict[str, object], named: str) -> None:
    settings = Settings.load(overrides={"origin": {"api_key": "k", "prewarm_voices": [voice]}})
    with pytest.raises(ConfigError, match=named) as caught:
        app.check(settings)
    assert "origin.prewarm_voices[0]" in str(caught.value)


def test_a_folder_of_books_that_is_not_there_is_named(tmp_path: Path) -> None:
    settings = Settings.load(
        overrides={"origin": {"api_key": "k"}, "phrases": {"directory": tmp_path / "no"}}
    )
    with pytest.raises(ConfigError, match=r"phrases\.directory"):
        app.check(settings)


async def test_a_port_that_is_taken_is_an_error_and_leaves_nothing_open(
    start_proxy: StartProxy, emulator: Emulator
) -> None:
    port = int(emulator.url.rsplit(":", 1)[1])
    with pytest.raises(OSError, match="address"):
        async with start_proxy(server={"port": port}):
            pass
    await until(lambda: emulator.counters.open == 0)
