"""What callers wait for first is in memory before they come, in the order of how much they would miss it."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from edgeproxy.app import Proxy
from edgeproxy.core.events import Event
from edgeproxy.emulator.server import Emulator

from ..conftest import StartProxy, made, until
from ..wire import talk

Write = Callable[..., Path]

TOP = "languages: [en-IN]\nvoice: {speaker: ritu}\nsample_rates: [8000]\n"
BOOK = """\
  hold: Please hold. One moment.
  hello: {text: Hello there. This is Acme., tags: [greeting]}
  bye: {text: Goodbye to you., takes: 2}
"""
VOICE = {"target_language_code": "en-IN", "speaker": "ritu"}


@pytest.fixture
def books(tmp_path: Path) -> Path:
    folder = tmp_path / "books"
    folder.mkdir()
    (folder / "desk.yaml").write_text(f"{TOP}phrases:\n{BOOK}")
    return folder


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """For machines that are busy."""
    monkeypatch.setattr("edgeproxy.app.proxy._GREETINGS_S", 30.0)


async def verdicts(proxy: Proxy, *texts: str) -> dict[str, str]:
    found = {}
    async with talk(proxy.url) as client:
        await client.config(**VOICE)
        for text in texts:
            (found[text],) = (await client.say(text)).verdicts
    return found


async def test_at_start_greetings_and_beginnings_come_from_memory_and_ask_nobody(
    start_proxy: StartProxy, emulator: Emulator, facts: list[Event], books: Path
) -> None:
    async with start_proxy(phrases={"directory": books}):
        # Four sentences, and one that has two takes.
        await until(lambda: made(facts) == 5)
    spent = emulator.counters.flushes

    async with start_proxy(phrases={"directory": books}) as proxy:
        found = await verdicts(
            proxy, "Hello there.", "This is Acme.", "Please hold.", "One moment.", "Goodbye to you."
        )

    assert found == {
        "Hello there.": "hit-memory",
        "This is Acme.": "hit-memory",
        "Please hold.": "hit-memory",
        "One moment.": "hit-disk",
        "Goodbye to you.": "hit-memory",
    }
    assert emulator.counters.flushes == spent


async def test_the_first_caller_after_a_swap_is_served_from_memory(
    start_proxy: StartProxy, facts: list[Event], books: Path
) -> None:
    async with start_proxy(phrases={"directory": books}) as proxy:
        await until(lambda: made(facts) == 5)
        text = BOOK.replace("Hello there.", "Good morning.")
        (books / "desk.yaml").write_text(f"{TOP}phrases:\n{text}")
        await proxy.books.reload()
        await until(lambda: made(facts) == 6)
        assert await verdicts(proxy, "Good morning.") == {"Good morning.": "hit-memory"}
        again = proxy.generator.plan(proxy.books.library, now=datetime.now(UTC), all_due=True)
        await proxy.generator.build(again, budget_characters=1000)
        assert await verdicts(proxy, "Good morning.") == {"Good morning.": "hit-memory"}


@pytest.mark.parametrize(("memory_bytes", "verdict"), [(30_000, "hit-disk"), (0, "hit-disk")])
async def test_no_more_than_half_of_the_memory_is_taken(
    start_proxy: StartProxy,
    facts: list[Event],
    books: Path,
    memory_bytes: int,
    verdict: str,
) -> None:
    cache: dict[str, Any] = {"memory_bytes": memory_bytes}
    async with start_proxy(phrases={"directory": books}, cache=cache):
        await until(lambda: made(facts) == 5)

    async with start_proxy(phrases={"directory": books}, cache=cache) as proxy:
        assert await verdicts(proxy, "Please hold.") == {"Please hold.": verdict}
