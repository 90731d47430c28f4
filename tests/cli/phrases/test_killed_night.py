"""A night that is killed half-way, as a power cut would: a real process, and no chance to say goodbye."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest

from edgeproxy.core.turn import Cuts
from edgeproxy.emulator.server import Emulator
from edgeproxy.phrases.due import units
from edgeproxy.phrases.generate import AT_ONCE
from edgeproxy.phrases.library import Library

from ...conftest import until
from ..conftest import Run, Start, line_with
from .conftest import environment


@pytest.mark.timeout(120)
async def test_a_night_killed_half_way_loses_nothing_and_repeats_nothing(
    start: Start, run: Run, emulator: Emulator, demo_books: Path, tmp_path: Path
) -> None:
    shutil.copytree(demo_books, tmp_path / "phrases")
    wanted = units(Library.load(demo_books, Cuts())).values()
    takes = sum(unit.takes for unit in wanted)
    reports = tmp_path / "data" / "reports"
    # The night of yesterday is over; that of today was missed, and begins with the start.
    (tmp_path / "data").mkdir()
    yesterday = (datetime.now(UTC) - timedelta(days=2)).isoformat()
    night = tmp_path / "data" / "night.json"
    night.write_bytes(orjson.dumps({"": {"ended": yesterday, "begun": []}}))
    env = environment(emulator.url) | {
        "EDGEPROXY_PHRASES__CHARACTERS_AT_ONCE": "0",
        "EDGEPROXY_PHRASES__CHARACTERS_PER_SECOND": "1500",
    }
    serve = ("serve", "--port", "0", "--phrases", "phrases")

    victim = await start(*serve, **env)
    await line_with(victim, "listening on")
    await until(lambda: emulator.counters.flushes >= takes // 2, timeout_s=40)
    victim.kill()
    await victim.communicate()
    spent = emulator.counters.flushes
    assert takes // 2 <= spent < takes
    assert not reports.exists()

    again = await start(*serve, **env)
    await line_with(again, "listening on")
    await until(lambda: any(reports.glob("*.json")), timeout_s=40)
    again.terminate()
    await again.communicate()

    # Nothing is asked for twice but what was in the air, and nothing is missing.
    assert takes <= emulator.counters.flushes <= takes + AT_ONCE
    (file,) = reports.glob("*.json")
    report = orjson.loads(file.read_bytes())
    assert (len(report["made"]), report["failed"], report["skipped"]) == (len(wanted), [], 0)
    plan = await run("phrases", "plan", "--phrases", "phrases", **env)
    assert plan.out.startswith("nothing to do")
    assert orjson.loads(night.read_bytes())[""]["begun"] == []

    # The night is over: another start makes nothing.
    spent = emulator.counters.flushes
    third = await start(*serve, **env)
    await line_with(third, "listening on")
    third.terminate()
    await third.communicate()
    assert emulator.counters.flushes == spent
