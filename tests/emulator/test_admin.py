from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

Starter = Callable[..., Any]


async def test_state_says_what_has_happened(
    emulate: Starter, client: aiohttp.ClientSession, dial: Starter
) -> None:
    emulator = await emulate(faults="slow=0:seconds=1")
    caller = await dial(emulator)
    await caller.config()
    await caller.turn("Hello.")
    async with client.get(f"{emulator.url}/emulator/state") as answer:
        state = await answer.json()
    assert state["counters"] == {
        "connections": 1,
        "handshakes": 1,
        "open": 1,
        "configs": 1,
        "texts": 1,
        "characters": 6,
        "flushes": 1,
        "pings": 0,
        "utterances": 1,
        "finals": 1,
        "rest_calls": 0,
        "stream_calls": 0,
        "refusals": 0,
        "recent": ["Hello."],
    }
    assert state["faults"] == [{"fault": "slow", "probability": 0.0, "seconds": 1.0}]
    assert state["struck"] == {}


@pytest.mark.parametrize(
    "faults", ["cut:count=1", [{"fault": "cut", "count": 1}], [{"fault": "cut", "count": "1"}]]
)
async def test_faults_are_changed_while_it_runs(
    emulate: Starter, client: aiohttp.ClientSession, dial: Starter, faults: Any
) -> None:
    emulator = await emulate(faults="refuse")
    async with client.post(f"{emulator.url}/emulator/faults", json={"faults": faults}) as answer:
        assert (await answer.json())["faults"] == [
            {"fault": "cut", "probability": 1.0, "count": 1, "after": 1}
        ]
    caller = await dial(emulator)
    await caller.config()
    await caller.text("Hello.")
    await caller.flush()
    assert (await caller.hear_out())[-1] == 1006
    assert emulator.struck == {"cut": 1}


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ("", "not JSON"),
        ("[]", "expected"),
        ('{"faults": [1]}', "expected"),
        ('{"faults": "rain"}', "unknown fault 'rain': one of refuse"),
        ('{"faults": [{"fault": "cut", "after": -1}]}', "cut: after: -1 is not a whole number"),
    ],
)
async def test_a_mistake_changes_nothing_and_says_what_is_allowed(
    emulate: Starter, client: aiohttp.ClientSession, body: str, complaint: str
) -> None:
    emulator = await emulate(faults="slow")
    async with client.post(f"{emulator.url}/emulator/faults", data=body) as answer:
        assert answer.status == 400
        assert complaint in (await answer.json())["error"]["message"]
    async with client.get(f"{emulator.url}/emulator/state") as answer:
        assert [fault["fault"] for fault in (await answer.json())["faults"]] == ["slow"]


async def test_reset_counts_from_zero_in_fair_weather(
    emulate: Starter, client: aiohttp.ClientSession, dial: Starter
) -> None:
    emulator = await emulate(faults="silence")
    caller = await dial(emulator)
    await caller.config()
    await caller.turn("Hello.")
    async with client.post(f"{emulator.url}/emulator/reset") as answer:
        state = await answer.json()
    # The socket that is open stays open.
    assert {name: count for name, count in state["counters"].items() if count} == {"open": 1}
    assert state["faults"] == []
    assert state["struck"] == {}
    assert any(await caller.turn("Hello."))
