"""What the origin has said of keys, remembered within bounds and over restarts."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from edgeproxy.core.events import Event, StoreFailed
from edgeproxy.downstream.proofs import Proofs

NOW = datetime(2026, 12, 1, tzinfo=UTC)


def proofs(**options: object) -> Proofs:
    settings: dict[str, object] = {"most": 3, "good_s": 3600.0, "grace_s": 600.0}
    return Proofs(**{**settings, "clock": lambda: 1000.0, "now": lambda: NOW, **options})  # type: ignore[arg-type]


def test_the_one_that_was_not_used_for_longest_is_forgotten_first() -> None:
    table = proofs()
    for name in ("a", "b", "c"):
        table.add(name)
    table.get("a")
    table.add("d")
    assert [name for name in "abcd" if table.get(name)] == ["a", "c", "d"]
    table.remove("c")
    table.remove("nobody")
    assert len(table) == 2


async def test_over_a_restart_time_goes_on(tmp_path: Path) -> None:
    file = tmp_path / "proofs.json"
    before = proofs()
    before.load(file)
    before.add("old", age_s=3000)
    before.add("new")
    await before.save()
    assert file.stat().st_mode & 0o777 == 0o600
    after = proofs(clock=lambda: 5.0, now=lambda: NOW + timedelta(seconds=1000))
    after.load(file)
    old, new = after.get("old"), after.get("new")
    assert old is not None
    assert new is not None
    assert (old.good_until, old.grace_until) == (5 - 4000 + 3600, 5 - 4000 + 4200)
    assert new.good_until == 5 - 1000 + 3600
    late = proofs(now=lambda: NOW + timedelta(seconds=1300))
    late.load(file)
    assert late.get("old") is None
    assert late.get("new") is not None


async def test_a_clock_that_was_put_back_makes_nothing_younger(tmp_path: Path) -> None:
    file = tmp_path / "proofs.json"
    before = proofs()
    before.load(file)
    before.add("one", age_s=100)
    await before.save()
    after = proofs(now=lambda: NOW - timedelta(days=1))
    after.load(file)
    assert (proof := after.get("one")) is not None
    assert proof.since == 1000 - 100


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"saved": "then", "ages_s": {}}'])
def test_a_damaged_file_is_one_that_is_not_there(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "proofs.json").write_bytes(content)
    table = proofs()
    table.load(tmp_path / "proofs.json")
    assert len(table) == 0


async def test_it_is_written_only_when_there_is_something_new(
    tmp_path: Path, facts: list[Event]
) -> None:
    (tmp_path / "file").touch()
    table = proofs(emit=facts.append)
    table.load(tmp_path / "file" / "proofs.json")
    await table.save()
    assert facts == []
    table.add("one")
    for _ in range(2):  # and again, where it failed
        await table.save()
    assert [type(fact) for fact in facts] == [StoreFailed] * 2
