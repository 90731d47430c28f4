"""Misses are counted by text and voice, by day, across restarts and processes; what is personal is not."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from edgeproxy.cache import durable
from edgeproxy.cache.misses import Missed, Misses
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


def asked(found: list[Missed]) -> list[tuple[str, int]]:
    return [(each.text, each.asked) for each in found]


@pytest.fixture
def misses(tmp_path: Path) -> Misses:
    return Misses.open(tmp_path / "misses", now=lambda: NOON)


async def test_the_most_asked_comes_first_saved_or_not(misses: Misses) -> None:
    for text in ("Once.", "Thrice.", "Twice.", "Thrice.", "Twice.", "Thrice."):
        misses.count(ask(text))
    expected = [("Thrice.", 3), ("Twice.", 2), ("Once.", 1)]
    assert asked(misses.top(1, now=NOON)) == expected
    await misses.save()
    assert asked(misses.top(1, now=NOON)) == expected
    misses.count(ask("Once."))
    assert sum(each.asked for each in misses.top(1, now=NOON)) == 7


async def test_rates_and_clients_are_counted_together_and_voices_apart(misses: Misses) -> None:
    usual = ask("Hello.", rate=8000)
    others = ask("Hello.", rate=24000), ask("Hello.", rate=8000, namespace="key-2")
    for identity in (usual, usual, *others, ask("Hello.", pace=1.2)):
        misses.count(identity)
    await misses.save()
    first, second = misses.top(1, now=NOON)
    assert (first.asked, first.characters, set(first.identities)) == (4, 6, {usual, *others})
    assert first.identities[0] == usual
    assert first.voice == {"model": "bulbul:v3", "language": "hi-IN", "speaker": "ritu"}
    assert (second.asked, second.voice["pace"]) == (1, 1.2)


async def test_what_looks_personal_is_never_counted(misses: Misses, tmp_path: Path) -> None:
    for _ in range(3):
        misses.count(ask("Your number is 98765 43210."))
    await misses.save()
    assert misses.top(1, now=NOON) == []
    assert "43210" not in "".join(files(tmp_path).values())


async def test_a_restart_and_another_process_lose_nothing(tmp_path: Path) -> None:
    one, other = (Misses.open(tmp_path, now=lambda: NOON) for _ in range(2))
    for misses, times in ((one, 2), (other, 3)):
        for _ in range(times):
            misses.count(ask("Hello."))
    await asyncio.gather(one.save(), other.save())
    await one.save()
    assert asked(Misses.open(tmp_path).top(1, now=NOON)) == [("Hello.", 5)]


async def test_days_are_apart_and_old_ones_are_forgotten(tmp_path: Path) -> None:
    now = [NOON]
    misses = Misses.open(tmp_path, now=now.pop)
    for age in range(4):
        now.append(NOON - timedelta(days=age))
        misses.count(ask(f"{age} days ago."))
        await misses.save()
    assert len(misses.top(7, now=NOON)) == 4
    assert {each.text for each in misses.top(1, now=NOON)} == {"0 days ago.", "1 days ago."}
    misses.forget_before(TODAY - timedelta(days=1))
    assert files(tmp_path).keys() == {"2026-11-23.json", "2026-11-24.json"}


async def test_a_day_is_utcs_wherever_it_is_asked_from(misses: Misses) -> None:
    misses.count(ask("Hello."))
    there = timedelta(hours=5.5)
    late = datetime(2026, 11, 26, 2, 30) - there
    assert asked(misses.top(1, now=late.replace(tzinfo=UTC))) == [("Hello.", 1)]
    assert misses.top(1, now=NOON + timedelta(days=2)) == []


async def test_no_more_identities_are_counted_than_said(tmp_path: Path) -> None:
    misses = Misses.open(tmp_path, most=3, now=lambda: NOON)
    for text in ("a", "a", "b", "c", "d", "d", "d", "b"):
        misses.count(ask(text))
    assert asked(misses.top(1, now=NOON)) == [("a", 2), ("b", 2), ("c", 1)]
    await misses.save()
    for text in ("d", "e", "d"):
        misses.count(ask(text))
    await misses.save()
    found = asked(Misses.open(tmp_path).top(1, now=NOON))
    assert sorted(found) == [("a", 2), ("b", 2), ("d", 2)]


async def test_a_disk_that_fails_costs_nothing_but_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, facts: list[Event]
) -> None:
    misses = Misses.open(tmp_path, now=lambda: NOON, emit=facts.append)
    misses.count(ask("Hello."))

    def no_disk(*_: object) -> None:
        raise OSError("no disk today")

    with monkeypatch.context() as patched:
        patched.setattr(durable, "replace", no_disk)
        await misses.save()
    assert facts == [StoreFailed("save misses", "OSError: no disk today")]
    misses.count(ask("Hello."))
    await misses.save()
    assert asked(Misses.open(tmp_path).top(1, now=NOON)) == [("Hello.", 2)]


@pytest.mark.parametrize(
    "damage", [b"", b"{", b"[]", b'{"form":9}', b'{"form":1,"tellers":[],"asked":[[0,"x",1]]}']
)
async def test_a_damaged_day_begins_anew(misses: Misses, tmp_path: Path, damage: bytes) -> None:
    durable.replace(tmp_path / "misses" / f"{TODAY}.json", damage)
    assert misses.top(1, now=NOON) == []
    misses.count(ask("Hello."))
    await misses.save()
    assert asked(misses.top(1, now=NOON)) == [("Hello.", 1)]


async def test_a_voice_comes_back_whatever_is_in_it(misses: Misses) -> None:
    odd = ask("क्या?\n—", unheard_of={"deep": [2**80, None, "é"]})
    misses.count(odd)
    await misses.save()
    (found,) = misses.top(1, now=NOON)
    assert found.identities == (odd,)
    assert found.identities[0].voice == odd.voice


async def test_nothing_new_writes_nothing(misses: Misses, tmp_path: Path) -> None:
    await misses.save()
    assert not (tmp_path / "misses").exists()


async def test_a_day_is_one_file_of_json(misses: Misses, tmp_path: Path) -> None:
    misses.count(ask("Hello."))
    await misses.save()
    written = json.loads((tmp_path / "misses" / "2026-11-24.json").read_bytes())
    assert written["asked"] == [[0, "Hello.", 1]]


def test_days_that_are_not_saved_do_not_pile_up(tmp_path: Path) -> None:
    now = [NOON]
    misses = Misses.open(tmp_path, now=now.pop)
    for age in range(4):
        now.append(NOON + timedelta(days=age))
        misses.count(ask(f"In {age} days."))
    found = misses.top(9, now=NOON + timedelta(days=3))
    assert {each.text for each in found} == {"In 2 days.", "In 3 days."}
