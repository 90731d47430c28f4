"""The sums of the day: what came from the cache, what was paid for, and that a restart keeps them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from edgeproxy.core.events import Event, StoreFailed, TextCharged, TurnEnded
from edgeproxy.operate.day import Day, Sums

from ..observe.test_log import SEGMENT, TURN
from .conftest import NOON, Clock

INDIA = ZoneInfo("Asia/Kolkata")


def turn(*verdicts: str, would: str | None = None) -> TurnEnded:
    segments = tuple(replace(SEGMENT, verdict=each, would=would) for each in verdicts)
    return replace(TURN, segments=segments)


def day_of(file: Path, **how: Any) -> Day:
    """A day that goes on with what the file has."""
    day = Day(file, **how)
    day.load()
    return day


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def day(tmp_path: Path, clock: Clock) -> Day:
    return day_of(tmp_path / "day.json", zone=INDIA, now=clock)


def test_a_turn_is_from_the_cache_if_all_that_was_said_of_it_was(day: Day) -> None:
    day.hear([(turn("hit-memory", "pause", "hit-disk"), NOON)])
    day.hear([(turn("collapsed", "miss"), NOON)])
    day.hear([(turn("pause"), NOON)])
    sums = day.sums
    assert (sums.turns, sums.turns_from_cache) == (3, 1)
    assert (sums.segments, sums.segments_from_cache) == (4, 3)
    assert (sums.characters, sums.characters_from_cache) == (48, 36)
    assert sums.rupees_saved == pytest.approx(0.108)


def test_what_is_paid_for_is_what_the_origin_was_sent(day: Day) -> None:
    day.hear([(TextCharged("bulbul:v3", 100, "ahead"), NOON)])
    day.hear([(TextCharged("bulbul:v3", 1000, "night"), NOON)])
    assert (day.sums.characters_asked, day.sums.characters_behind) == (1100, 1000)
    assert day.sums.rupees_spent == pytest.approx(3.3)


def test_in_its_shadow_the_cache_is_given_what_it_would_have_had(day: Day) -> None:
    day.hear([(turn("bypass", would="hit-disk"), NOON)])
    day.hear([(turn("bypass", would="miss"), NOON)])
    assert (day.sums.shadow_segments, day.sums.shadow_would) == (2, 1)
    assert day.sums.segments_from_cache == 0


def test_a_flush_without_a_text_is_no_turn(day: Day) -> None:
    day.hear([(turn(), NOON)])
    assert day.sums == Sums()


def test_a_day_ends_at_midnight_where_the_books_are_at_home(day: Day, clock: Clock) -> None:
    day.hear([(turn("miss"), NOON)])
    clock.now = datetime(2026, 11, 26, 18, 29, 59, tzinfo=UTC)
    assert day.sums.turns == 1
    clock.now += timedelta(seconds=1)
    assert day.sums.turns == 0
    day.hear([(turn("miss"), NOON)])
    assert day.sums.turns == 1
    assert day.began == datetime(2026, 11, 27, tzinfo=INDIA)


async def test_a_restart_goes_on_with_the_day(day: Day, tmp_path: Path, clock: Clock) -> None:
    day.hear([(turn("miss", "hit-disk"), NOON)])
    await day.save()
    again = day_of(tmp_path / "day.json", zone=INDIA, now=clock)
    assert again.sums == day.sums
    clock.now += timedelta(days=1)
    assert day_of(tmp_path / "day.json", zone=INDIA, now=clock).sums == Sums()


async def test_without_anything_new_nothing_is_written(day: Day, tmp_path: Path) -> None:
    await day.save()
    assert not (tmp_path / "day.json").exists()


def of_today(turns: str) -> bytes:
    others = ",".join(f'"{name}":1' for name in Sums.__slots__ if name != "turns")
    return f'{{"day":"2026-11-26","sums":{{{others},"turns":{turns}}}}}'.encode()


def test_what_is_of_today_is_read(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "day.json").write_bytes(of_today("7"))
    assert day_of(tmp_path / "day.json", zone=INDIA, now=clock).sums.turns == 7


@pytest.mark.parametrize(
    "written",
    [
        *(b"", b"{}", b'{"day":"2026-11-26","sums":{}}', b"[1]", b"\xff\xfe"),
        *map(of_today, ("1e30", "18446744073709551615", '"7"', "-1", "null", "true", "1.5")),
    ],
)
async def test_a_damaged_file_is_told_and_the_day_begins_anew(
    tmp_path: Path, clock: Clock, written: bytes
) -> None:
    facts: list[Event] = []
    file = tmp_path / "day.json"
    file.write_bytes(written)
    assert day_of(file, zone=INDIA, now=clock, emit=facts.append).sums == Sums()
    assert [type(fact) for fact in facts] == [StoreFailed]


async def test_a_disk_that_fails_is_told_and_the_next_time_it_is_written(
    tmp_path: Path, clock: Clock
) -> None:
    facts: list[Event] = []
    (tmp_path / "folder").write_text("in the way")
    day = day_of(tmp_path / "folder" / "day.json", zone=INDIA, now=clock, emit=facts.append)
    facts.clear()
    day.hear([(turn("miss"), NOON)])
    await day.save()
    assert [type(fact) for fact in facts] == [StoreFailed]
    (tmp_path / "folder").unlink()
    await day.save()
    assert day_of(tmp_path / "folder" / "day.json", zone=INDIA, now=clock).sums.turns == 1
