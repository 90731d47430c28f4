"""A purge, over the whole house: in memory, in the air, on disk, in the books, and from another process."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from edgeproxy.app import Proxy
from edgeproxy.cache.disk import Disk
from edgeproxy.cache.purge import Purges, Scope
from edgeproxy.core.events import Event, Purged, StoreFailed
from edgeproxy.emulator.server import Emulator

from ..conftest import StartProxy, landed, made, until
from ..wire import talk

RITU = {"target_language_code": "en-IN", "speaker": "ritu"}


async def said(proxy: Proxy, text: str, **voice: str) -> str:
    async with talk(proxy.url) as client:
        await client.config(**voice)
        (verdict,) = (await client.say(text)).verdicts
    await landed(proxy)
    return verdict


async def test_what_is_purged_is_a_miss_once_and_the_rest_is_a_hit(
    proxy: Proxy, facts: list[Event]
) -> None:
    for text in ("नमस्ते।", "फिर मिलेंगे।"):
        assert await said(proxy, text) == "miss"
    outcome = await proxy.purging.purge(Scope(text="नमस्ते।"), soft=False)
    assert (outcome.records, outcome.phrases) == (1, 0)
    assert len(proxy.store) == 1
    assert [await said(proxy, "नमस्ते।") for _ in range(2)] == ["miss", "hit-memory"]
    assert await said(proxy, "फिर मिलेंगे।") == "hit-memory"
    (told,) = [fact for fact in facts if isinstance(fact, Purged)]
    assert "नमस्ते" not in str(told)


async def test_what_another_process_purges_is_gone_within_moments(
    proxy: Proxy, tmp_path: Path
) -> None:
    assert [await said(proxy, "नमस्ते।") for _ in range(2)] == ["miss", "hit-memory"]
    Purges.load(tmp_path / "data" / "purges.json").add(Scope(), soft=False)
    await proxy.purging.follow()
    assert await said(proxy, "नमस्ते।") == "miss"


async def test_a_purge_of_another_process_holds_though_one_of_our_own_comes_first(
    proxy: Proxy, tmp_path: Path
) -> None:
    for text in ("नमस्ते।", "फिर मिलेंगे।"):
        assert await said(proxy, text) == "miss"
    Purges.load(tmp_path / "data" / "purges.json").add(Scope(text="नमस्ते।"), soft=False)
    await proxy.purging.purge(Scope(text="फिर मिलेंगे।"), soft=False)
    assert not proxy.purging.behind
    assert await said(proxy, "नमस्ते।") == "miss"


async def test_a_purge_is_not_forgotten_while_the_disk_fails_us(
    proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await said(proxy, "नमस्ते।") == "miss"
    Purges.load(tmp_path / "data" / "purges.json").add(Scope(), soft=False)
    await proxy.purging.follow()
    with monkeypatch.context() as patched:
        patched.setattr(Disk, "head", bad_sector)
        await proxy.purging.finish(datetime.now(UTC) + timedelta(hours=2))
    assert len(list(Purges.load(tmp_path / "data" / "purges.json"))) == 1
    assert await said(proxy, "नमस्ते।") == "miss"


def bad_sector(*_: object) -> bytes:
    raise OSError(5, "Input/output error")


async def test_a_purges_file_that_was_spoilt_is_told_and_changes_nothing(
    proxy: Proxy, tmp_path: Path, facts: list[Event]
) -> None:
    (tmp_path / "data" / "purges.json").write_bytes(b"{")
    await proxy.purging.follow()
    assert [fact.operation for fact in facts if isinstance(fact, StoreFailed)] == ["read purges"]
    assert await said(proxy, "नमस्ते।") == "miss"


async def test_a_phrase_that_is_purged_is_made_anew_at_once(
    start_proxy: StartProxy, emulator: Emulator, facts: list[Event], hello_book: Path
) -> None:
    async with start_proxy(phrases={"directory": hello_book}) as proxy:
        await until(lambda: made(facts) == 1)
        assert (await said(proxy, "Hello there.", **RITU)).startswith("hit")
        outcome = await proxy.purging.purge(Scope(text="Hello there."), soft=False)
        assert (outcome.records, outcome.phrases) == (1, 1)
        await until(lambda: made(facts) == 2)
        assert (await said(proxy, "Hello there.", **RITU)).startswith("hit")
    assert emulator.counters.flushes == 2


async def test_a_phrase_that_is_purged_softly_speaks_on_and_is_made_anew_by_night(
    start_proxy: StartProxy, emulator: Emulator, facts: list[Event], hello_book: Path
) -> None:
    async with start_proxy(phrases={"directory": hello_book}) as proxy:
        await until(lambda: made(facts) == 1)
        await proxy.purging.purge(Scope(prefix="Hello"), soft=True)
        assert (await said(proxy, "Hello there.", **RITU)).startswith("hit")
        (due,) = proxy.generator.plan(proxy.books.library, now=datetime.now(UTC))
        assert due.reason == "failed check"
        report = await proxy.night.run(datetime.now(UTC))
        assert len(report.made) == 1
        assert (await said(proxy, "Hello there.", **RITU)).startswith("hit")
    assert emulator.counters.flushes == 2


async def test_a_purge_that_was_cut_short_is_done_at_the_next_start(
    start_proxy: StartProxy, tmp_path: Path
) -> None:
    async with start_proxy() as proxy:
        for text in ("नमस्ते।", "फिर मिलेंगे।"):
            await said(proxy, text)
    # Written down, and then the power went.
    Purges.load(tmp_path / "data" / "purges.json").add(Scope(text="नमस्ते।"), soft=False)
    async with start_proxy() as proxy:
        await until(lambda: len(proxy.store) == 1)
        assert await said(proxy, "नमस्ते।") == "miss"
        assert await said(proxy, "फिर मिलेंगे।") == "hit-disk"


async def test_purges_are_forgotten_when_no_record_is_left_for_them(
    proxy: Proxy, tmp_path: Path
) -> None:
    await proxy.purging.purge(Scope(), soft=False)
    await proxy.purging.purge(Scope(), soft=True)
    assert await said(proxy, "नमस्ते।") == "miss"
    file = tmp_path / "data" / "purges.json"
    now = datetime.now(UTC)
    for later, left in ((timedelta(), 2), (timedelta(hours=2), 1), (timedelta(days=8), 0)):
        await proxy.purging.finish(now + later)
        assert len(list(Purges.load(file))) == left
    assert len(proxy.store) == 1
