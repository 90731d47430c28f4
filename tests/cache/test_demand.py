"""Demand are counted by text and voice, by day, across restarts and processes; what is personal is not."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from edgeproxy.cache import durable
from edgeproxy.cache.demand import Demand, Wanted
from edgeproxy.core.events import Event, StoreFailed
from edgeproxy.core.key import Identity, Teller
from edgeproxy.core.voice import Voice

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
TODAY = NOON.date()


def ask(text: str, *, namespace: str = "key-1", rate: int = 22050, **fields: Any) -> Identity:
    voice = {"model": "bulbul:v3", "language": "hi-IN", "speaker": "ritu", "rate": rate, **fields}
    return Teller(namespace, Voice(voice)).identity(text)


def files(folder: Path) -> dict[str, str]:
    return {file.name: file.read_text() for file in folder.rglob("*.json")}


def asked(found: list[Wanted]) -> list[tuple[str, int]]:
    return [(each.text, each.asked) for each in found]


@pytest.fixture
def demand(tmp_path: Path) -> Demand:
    return Demand.open(tmp_path, now=lambda: NOON)


async def test_the_most_asked_comes_first_saved_or_not(demand: Demand) -> None:
    for text in ("Once.", "Thrice.", "Twice.", "Thrice.", "Twice.", "Thrice."):
        demand.ask(ask(text))
    expected = [("Thrice.", 3), ("Twice.", 2), ("Once.", 1)]
    assert asked(demand.top(1, now=NOON)) == expected
    await demand.save()
    assert asked(demand.top(1, now=NOON)) == expected
    demand.ask(ask("Once."))
    assert sum(each.asked for each in demand.top(1, now=NOON)) == 7


async def test_rates_and_clients_are_counted_together_and_voices_apart(demand: Demand) -> None:
    usual = ask("Hello.", rate=8000)
    others = ask("Hello.", rate=24000), ask("Hello.", rate=8000, namespace="key-2")
    for identity in (usual, usual, *others, ask("Hello.", pace=1.2)):
        demand.ask(identity)
    await demand.save()
    first, second = demand.top(1, now=NOON)
    assert (first.asked, first.characters, set(first.identities)) == (4, 6, {usual, *others})
    assert first.identities[0] == usual
    assert first.voice == {"model": "bulbul:v3", "language": "hi-IN", "speaker": "ritu"}
    assert (second.asked, second.voice["pace"]) == (1, 1.2)


async def test_what_looks_personal_is_never_counted(demand: Demand, tmp_path: Path) -> None:
    for _ in range(3):
        demand.ask(ask("Your number is 98765 43210."))
    await demand.save()
    assert demand.top(1, now=NOON) == []
    assert "43210" not in "".join(files(tmp_path).values())


async def test_a_restart_and_another_process_lose_nothing(tmp_path: Path) -> None:
    one, other = (Demand.open(tmp_path, now=lambda: NOON) for _ in range(2))
    for demand, times in ((one, 2), (other, 3)):
        for _ in range(times):
            demand.ask(ask("Hello."))
    await asyncio.gather(one.save(), other.save())
    await one.save()
    assert asked(Demand.open(tmp_path).top(1, now=NOON)) == [("Hello.", 5)]


async def test_days_are_apart_and_old_ones_are_forgotten(tmp_path: Path) -> None:
    now = [NOON]
    demand = Demand.open(tmp_path, now=now.pop)
    for age in range(4):
        now.append(NOON - timedelta(days=age))
        demand.ask(ask(f"{age} days ago."))
        await demand.save()
    assert len(demand.top(7, now=NOON)) == 4
    assert {each.text for each in demand.top(1, now=NOON)} == {"0 days ago.", "1 days ago."}
    demand.forget_before(TODAY - timedelta(days=1))
    assert files(tmp_path).keys() == {"2026-11-23.json", "2026-11-24.json"}


async def test_a_day_is_utcs_wherever_it_is_asked_from(demand: Demand) -> None:
    demand.ask(ask("Hello."))
    there = timedelta(hours=5.5)
    late = datetime(2026, 11, 26, 2, 30) - there
    assert asked(demand.top(1, now=late.replace(tzinfo=UTC))) == [("Hello.", 1)]
    assert demand.top(1, now=NOON + timedelta(days=2)) == []


async def test_no_more_identities_are_counted_than_said(tmp_path: Path) -> None:
    demand = Demand.open(tmp_path, most=3, now=lambda: NOON)
    for text in ("a", "a", "b", "c", "d", "d", "d", "b"):
        demand.ask(ask(text))
    assert asked(demand.top(1, now=NOON)) == [("a", 2), ("b", 2), ("c", 1)]
    await demand.save()
    for text in ("d", "e", "d"):
        demand.ask(ask(text))
    await demand.save()
    found = asked(Demand.open(tmp_path).top(1, now=NOON))
    assert sorted(found) == [("a", 2), ("b", 2), ("d", 2)]


async def test_a_disk_that_fails_costs_nothing_but_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, facts: list[Event]
) -> None:
    demand = Demand.open(tmp_path, now=lambda: NOON, emit=facts.append)
    demand.ask(ask("Hello."))

    def no_disk(*_: object) -> None:
        raise OSError("no disk today")

    with monkeypatch.context() as patched:
        patched.setattr(durable, "replace", no_disk)
        await demand.save()
    assert facts == [StoreFailed("save asks", "OSError: no disk today")]
    demand.ask(ask("Hello."))
    await demand.save()
    assert asked(Demand.open(tmp_path).top(1, now=NOON)) == [("Hello.", 2)]


@pytest.mark.parametrize(
    "damage", [b"", b"{", b"[]", b'{"form":9}', b'{"form":1,"tellers":[],"asked":[[0,"x",1]]}']
)
async def test_a_damaged_day_begins_anew(demand: Demand, tmp_path: Path, damage: bytes) -> None:
    durable.replace(tmp_path / "asks" / f"{TODAY}.json", damage)
    assert demand.top(1, now=NOON) == []
    demand.ask(ask("Hello."))
    await demand.save()
    assert asked(demand.top(1, now=NOON)) == [("Hello.", 1)]


async def test_a_voice_comes_back_whatever_is_in_it(demand: Demand) -> None:
    odd = ask("क्या?\n—", unheard_of={"deep": [2**80, None, "é"]})
    demand.ask(odd)
    await demand.save()
    (found,) = demand.top(1, now=NOON)
    assert found.identities == (odd,)
    assert found.identities[0].voice == odd.voice


async def test_nothing_new_writes_nothing(demand: Demand, tmp_path: Path) -> None:
    await demand.save()
    assert not list(tmp_path.iterdir())


async def test_a_day_is_one_file_of_json(demand: Demand, tmp_path: Path) -> None:
    demand.ask(ask("Hello."))
    await demand.save()
    written = json.loads((tmp_path / "asks" / "2026-11-24.json").read_bytes())
    assert written["asked"] == [[0, "Hello.", 1]]


def test_days_that_are_not_saved_do_not_pile_up(tmp_path: Path) -> None:
    now = [NOON]
    demand = Demand.open(tmp_path, now=now.pop)
    for age in range(4):
        now.append(NOON + timedelta(days=age))
        demand.ask(ask(f"In {age} days."))
    found = demand.top(9, now=NOON + timedelta(days=3))
    assert {each.text for each in found} == {"In 2 days.", "In 3 days."}


async def test_what_is_asked_for_counts_hit_or_miss_and_only_misses_cost(demand: Demand) -> None:
    hit, missed = ask("Hit all day."), ask("Asked of the origin.")
    for _ in range(9):
        demand.ask(hit)
    demand.miss(hit)
    for _ in range(3):
        demand.ask(missed)
        demand.miss(missed)
    await demand.save()
    demand.ask(hit)

    often, seldom = demand.top(1, now=NOON)

    assert (often.text, often.asked, often.missed, often.spent) == ("Hit all day.", 10, 1, 12)
    assert (seldom.asked, seldom.missed, seldom.spent) == (3, 3, 60)


async def test_what_was_counted_before_asks_were_is_still_known(demand: Demand) -> None:
    for _ in range(2):
        demand.miss(ask("Hello."))

    assert asked(demand.top(1, now=NOON)) == [("Hello.", 2)]
