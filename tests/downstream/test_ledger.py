"""What a tenant's month holds: exact while it runs, never too little after it was killed."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from edgeproxy.core.events import Event, StoreFailed
from edgeproxy.downstream.ledger import DamagedLedger, Ledger

from ..conftest import until

NOW = datetime(2026, 12, 31, 23, 0, tzinfo=UTC)


def open_at(file: Path, moment: datetime = NOW, **options: Callable[[Event], None]) -> Ledger:
    return Ledger.open(file, now=lambda: moment, **options)


def on_disk(file: Path) -> int:
    return int(orjson.loads(file.read_bytes())["spent"]["one"]) if file.exists() else 0


async def test_what_would_pass_the_cap_is_not_counted(tmp_path: Path) -> None:
    ledger = open_at(tmp_path / "months.json")
    assert ledger.spend("one", 60, cap=100)
    assert not ledger.spend("one", 41, cap=100)
    assert ledger.spend("one", 40, cap=100)
    assert ledger.spend("two", 100, cap=100)
    assert (ledger.spent("one"), ledger.spent("two"), ledger.spent("three")) == (100, 100, 0)
    ledger.give_back("one", 40)
    assert ledger.spend("one", 40, cap=100)


async def test_a_stop_keeps_it_to_the_character(tmp_path: Path) -> None:
    file = tmp_path / "months.json"
    ledger = open_at(file)
    ledger.spend("one", 1234, cap=1_000_000)
    await ledger.save()
    assert open_at(file).spent("one") == 1234
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("cap", [1_000, 1_000_000, 100_000_000, None])
async def test_after_a_kill_it_holds_as_much_or_a_little_more_never_less(
    tmp_path: Path, cap: int | None
) -> None:
    file = tmp_path / "months.json"
    ledger = open_at(file)
    most_ahead = min(10_000, 10**6 if cap is None else cap // 100)
    saving = asyncio.create_task(ledger.keep_saved())
    for _ in range(50):
        assert ledger.spend("one", 10, cap=cap)
        # A kill may come at any moment once the write is through.
        await until(lambda: on_disk(file) >= ledger.spent("one"))
        assert ledger.spent("one") <= on_disk(file) <= ledger.spent("one") + most_ahead
    saving.cancel()
    assert 500 <= open_at(file).spent("one") <= 500 + most_ahead


async def test_a_kill_costs_nobody_anything_who_had_not_spent(tmp_path: Path) -> None:
    file = tmp_path / "months.json"
    first = open_at(file)
    first.spend("one", 10, cap=500)
    first.spend("two", 20, cap=100_000)
    await first.save()
    second = open_at(file)
    saving = asyncio.create_task(second.keep_saved())
    second.spend("two", 10, cap=100_000)
    await until(lambda: open_at(file).spent("two") >= 30)
    saving.cancel()
    assert open_at(file).spent("one") == 10


async def test_not_every_miss_is_a_write(tmp_path: Path) -> None:
    file = tmp_path / "months.json"
    ledger = open_at(file)
    saving = asyncio.create_task(ledger.keep_saved())
    written = set()
    for _ in range(1000):
        ledger.spend("one", 10, cap=1_000_000)
        await asyncio.sleep(0)
        written.add(file.stat().st_ino if file.exists() else 0)
    assert len(written) < 10
    saving.cancel()


async def test_a_new_month_begins_with_nothing_and_time_never_runs_back(tmp_path: Path) -> None:
    moment = NOW
    ledger = Ledger.open(tmp_path / "months.json", now=lambda: moment)
    ledger.spend("one", 100, cap=100)
    assert ledger.renewed() == datetime(2027, 1, 1, tzinfo=UTC)
    moment = datetime(2027, 1, 1, tzinfo=UTC)
    assert ledger.spend("one", 70, cap=100)
    moment = NOW
    assert not ledger.spend("one", 31, cap=100)
    assert ledger.renewed() == datetime(2027, 1, 1, tzinfo=UTC)
    await ledger.save()
    assert open_at(tmp_path / "months.json", datetime(2027, 1, 9, tzinfo=UTC)).spent("one") == 70
    assert open_at(tmp_path / "months.json", datetime(2027, 2, 1, tzinfo=UTC)).spent("one") == 0


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'{"form": 2, "month": "", "spent": {}}', b'{"form": 1, "month": ""}',
     b'{"form": 1, "month": "", "spent": {"one": "many"}}'],
)  # fmt: skip
def test_a_damaged_file_is_an_error_with_the_remedy(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "months.json").write_bytes(content)
    with pytest.raises(DamagedLedger, match=r"months\.json is damaged.*remove it"):
        Ledger.open(tmp_path / "months.json")


async def test_a_disk_that_takes_nothing_is_told_and_refuses_nobody(
    tmp_path: Path, facts: list[Event]
) -> None:
    (tmp_path / "file").touch()
    ledger = Ledger(
        tmp_path / "file" / "months.json",
        month="",
        spent={},
        now=lambda: NOW,
        emit=facts.append,
    )
    saving = asyncio.create_task(ledger.keep_saved())
    assert ledger.spend("one", 1, cap=1)
    await until(lambda: any(isinstance(fact, StoreFailed) for fact in facts))
    assert not ledger.spend("one", 1, cap=1)
    saving.cancel()
    with suppress(asyncio.CancelledError):
        await saving
