"""The rooms below the doors: open without a listener, closed without a trace."""

import asyncio
from pathlib import Path

import pytest

from edgeproxy import app
from edgeproxy.ask import Ask
from edgeproxy.config import ConfigError, Settings
from edgeproxy.core.key import Teller
from edgeproxy.core.voice import Voice
from edgeproxy.emulator.server import Emulator

from ..conftest import until

VOICE = Voice({"model": "bulbul:v3", "language": "hi-IN", "speaker": "shubh", "rate": 8000})


def settings_for(emulator: Emulator, tmp_path: Path) -> Settings:
    return Settings.load(
        overrides={
            "origin": {"url": emulator.url, "api_key": "k"},
            "cache": {"data_dir": tmp_path / "data", "min_free_bytes": 0},
            "pool": {"rest_ms": 0},
        }
    )


async def test_it_speaks_without_a_door_and_leaves_nothing_behind(
    emulator: Emulator, tmp_path: Path
) -> None:
    before = asyncio.all_tasks()
    async with app.workshop(settings_for(emulator, tmp_path)) as shop:
        ask = Ask(Teller("ns", VOICE).identity("नमस्ते।"), shop.account)
        clip, _ = shop.speech.clip(ask)
        assert await clip.whole()
        shop.speech.leave(ask, clip)
        await until(lambda: len(shop.store) == 1)
    await until(lambda: emulator.counters.open == 0 and not asyncio.all_tasks() - before)


async def test_what_was_purged_being_unknown_is_one_line_with_the_remedy(
    emulator: Emulator, tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "purges.json").write_bytes(b"{")
    with pytest.raises(ConfigError, match=r"purges\.json is damaged .* remove it"):
        async with app.workshop(settings_for(emulator, tmp_path)):
            pass
