"""The times of the nights follow the books while the house runs."""

from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

import pytest

from edgeproxy.core.events import Event, JobEnded, NightEnded
from edgeproxy.jobs.schedule import following
from edgeproxy.phrases.cron import Cron

from ..conftest import StartProxy, until

BOOK = """
languages: [en-IN]
voice: {speaker: ritu}
sample_rates: [8000]
phrases:
  hello: Hello there.
"""


SOON = timedelta(seconds=0.05)


def next_of(written: str) -> datetime:
    return following(Cron.parse(written), datetime.now(UTC))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "books"
    folder.mkdir()
    (folder / "desk.yaml").write_text(BOOK)
    return folder


@pytest.fixture
def phrases(folder: Path) -> dict[str, Any]:
    return {"directory": folder, "night_jitter_s": 0, "characters_at_once": 0}


async def test_a_cron_that_comes_changes_and_goes_is_followed_without_a_restart(
    start_proxy: StartProxy, folder: Path, phrases: dict[str, Any]
) -> None:
    desk, other = folder / "desk.yaml", folder / "other.yaml"
    async with start_proxy(phrases=phrases) as proxy:
        times = proxy.schedule.next
        usual = times("night")
        assert (usual, times("night of desk")) == (next_of("30 2 * * *"), None)

        desk.write_text(f"cron: 0 0 29 2 *{BOOK}")
        await proxy.books.reload()
        await until(lambda: times("night of desk") == next_of("0 0 29 2 *"))

        desk.write_text(f"cron: 0 5 1 1 *{BOOK}")
        other.write_text(f"cron: 0 6 1 1 *{BOOK.replace('there', 'again')}")
        await proxy.books.reload()
        await until(lambda: times("night of desk") == next_of("0 5 1 1 *"))
        await until(lambda: times("night of other") == next_of("0 6 1 1 *"))

        desk.write_text(BOOK)
        other.unlink()
        await proxy.books.reload()
        await until(lambda: times("night of desk") is None and times("night of other") is None)
        assert times("night") == usual


async def test_a_night_at_the_new_time_is_about_its_book(
    start_proxy: StartProxy,
    folder: Path,
    phrases: dict[str, Any],
    facts: list[Event],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def on_the_clock(when: Cron, after: datetime, _: tzinfo) -> datetime:
        """The new time is about to come, and that of all other nights is far."""
        return after + (timedelta(days=9) if when.written == "30 2 * * *" else SOON)

    async with start_proxy(phrases=phrases) as proxy:
        monkeypatch.setattr("edgeproxy.jobs.schedule.following", on_the_clock)
        (folder / "desk.yaml").write_text(f"cron: 0 0 29 2 *{BOOK}")
        await proxy.books.reload()
        await until(lambda: any(isinstance(fact, NightEnded) and fact.made for fact in facts))
    (ended, *_) = (fact for fact in facts if isinstance(fact, JobEnded))
    assert ended.name == "night of desk"
    assert list((folder.parent / "data" / "reports").glob("*.desk.json"))
