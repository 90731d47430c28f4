"""Counts by day: what they are kept as is their form's business, and what has no name is not kept."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest

from edgeproxy.cache.counts import Counts, Form
from edgeproxy.core.events import Event, ignore
from edgeproxy.core.key import Identity

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
Identify = Callable[[str], Identity]
LENGTHS: Form[str] = Form(
    lambda identity: str(len(identity.text)) if identity.text != "secret" else None,
    lambda counts: orjson.dumps(counts),
    lambda data: Counter(orjson.loads(data)),
)


def counts(directory: Path, *, most: int = 100) -> Counts[str]:
    return Counts(directory, LENGTHS, most=most, now=lambda: NOON, emit=ignore)


async def test_what_shares_a_name_is_counted_together_before_and_after_it_is_saved(
    tmp_path: Path, identify: Identify
) -> None:
    one = counts(tmp_path)
    for text in ("one", "two", "three", "two"):
        one.count(identify(text))
    before = one.of_days(1, now=NOON)
    await one.save()
    assert before == counts(tmp_path).of_days(1, now=NOON) == {"3": 3, "5": 1}


async def test_what_has_no_name_reaches_no_disk(tmp_path: Path, identify: Identify) -> None:
    one = counts(tmp_path)
    one.count(identify("secret"))
    assert one.of_days(1, now=NOON) == {}
    await one.save()
    assert not list(tmp_path.iterdir())


async def test_memory_and_files_are_bounded(tmp_path: Path, identify: Identify) -> None:
    one = counts(tmp_path, most=2)
    for text in ("a", "bb", "ccc", "bb", "a", "a"):
        one.count(identify(text))
    await one.save()
    for _ in range(4):
        one.count(identify("ccc"))
    await one.save()
    assert one.of_days(1, now=NOON) == {"3": 4, "1": 3}


@pytest.mark.parametrize(("days", "found"), [(0, {}), (1, {"1": 1})])
async def test_days_are_counted_back_from_today(
    tmp_path: Path, identify: Identify, facts: list[Event], days: int, found: dict[str, int]
) -> None:
    yesterday = Counts(
        tmp_path, LENGTHS, most=9, now=lambda: NOON - timedelta(days=1), emit=facts.append
    )
    yesterday.count(identify("a"))
    await yesterday.save()
    assert counts(tmp_path).of_days(days, now=NOON) == found


async def test_a_day_is_taken_elsewhere_where_there_is_none_of_it(
    tmp_path: Path, identify: Identify
) -> None:
    here, there = counts(tmp_path / "here"), counts(tmp_path / "there", most=1)
    assert (here.days(), here.packed(NOON.date())) == ([], None)
    for text in ("one", "two", "three"):
        here.count(identify(text))
    await here.save()
    (tmp_path / "here" / "2026-13-77.json").write_bytes(b"{}")
    assert here.days() == [NOON.date()]
    packed = here.packed(NOON.date())
    assert packed is not None
    assert LENGTHS.unpack(packed) == {"3": 2, "5": 1}
    assert there.take(NOON.date(), LENGTHS.unpack(packed))
    assert there.of_days(1, now=NOON) == {"3": 2}
    assert not there.take(NOON.date(), Counter({"3": 5}))
    assert there.of_days(1, now=NOON) == {"3": 2}
