"""An edited phrase is a hit within seconds, without a restart: the whole house, over real sockets."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from edgeproxy.app import Proxy
from edgeproxy.cache.record import facts_of
from edgeproxy.core.events import Event
from edgeproxy.core.key import Identity
from edgeproxy.emulator.server import Emulator
from edgeproxy.phrases.problem import BookErrors

from ..conftest import StartProxy, landed, made, proxy_mode, until
from ..wire import talk

BOOK = """
languages: [en-IN]
voice: {model: "bulbul:v3", speaker: ritu}
sample_rates: [8000]
phrases:
  hello: %s
"""
VOICE = {"target_language_code": "en-IN", "speaker": "ritu"}


async def said(proxy: Proxy, text: str) -> list[str]:
    async with talk(proxy.url) as client:
        await client.config(**VOICE)
        return (await client.say(text)).verdicts


async def test_what_is_new_in_a_book_is_made_at_once_and_is_a_hit_for_everybody(
    start_proxy: StartProxy, emulator: Emulator, facts: list[Event], tmp_path: Path
) -> None:
    folder = tmp_path / "books"
    folder.mkdir()
    book = folder / "desk.yaml"
    book.write_text(BOOK % "Hello there.", encoding="utf-8")
    async with start_proxy(phrases={"directory": folder}) as proxy:
        await until(lambda: made(facts) == 1)
        assert await said(proxy, "Hello there.") == ["hit-memory"]
        book.write_text(BOOK % "Good morning to you.", encoding="utf-8")
        await until(lambda: made(facts) == 2, timeout_s=30)
        assert await said(proxy, "Good morning to you.") == ["hit-memory"]
        book.write_text("phrases: [", encoding="utf-8")
        await until(lambda: proxy.books.problem is not None, timeout_s=30)
        assert await said(proxy, "Good morning to you.") == ["hit-memory"]
    spent = emulator.counters.flushes
    async with start_proxy(phrases={"directory": None}) as proxy:
        pass
    assert emulator.counters.flushes == spent == 2


async def test_a_night_forced_with_the_clock_makes_afresh_what_is_due_swaps_and_reports(
    start_proxy: StartProxy, emulator: Emulator, facts: list[Event], tmp_path: Path
) -> None:
    folder = tmp_path / "books"
    folder.mkdir()
    book = (BOOK % "Hello there.").replace("sample_rates", "refresh_after: 7 days\nsample_rates")
    (folder / "desk.yaml").write_text(book, encoding="utf-8")
    async with start_proxy(phrases={"directory": folder}) as proxy:
        await until(lambda: made(facts) == 1)
        now = datetime.now(UTC)
        early = await proxy.night.run(now)
        assert (len(early.made), emulator.counters.flushes) == (0, 1)
        late = await proxy.night.run(now + timedelta(days=8))
        assert (len(late.made), emulator.counters.flushes) == (1, 2)
        assert [entry.speaks for entry in proxy.generations] == [2]
        assert await said(proxy, "Hello there.") == ["hit-memory"]
    reports = sorted(path.suffix for path in (tmp_path / "data" / "reports").iterdir())
    assert reports.count(".json") == reports.count(".txt") == 2


async def test_a_greeting_is_a_hit_however_it_is_said(
    start_proxy: StartProxy, facts: list[Event], tmp_path: Path
) -> None:
    greeting = ["Good morning!", "This is the clinic's front desk.", "How may I help you?"]
    folder = tmp_path / "books"
    folder.mkdir()
    (folder / "desk.yaml").write_text(BOOK % " ".join(greeting), encoding="utf-8")
    async with start_proxy(phrases={"directory": folder}) as proxy:
        await until(lambda: made(facts) == 3)
        heard: list[bytes] = []
        words = [word + " " for word in " ".join(greeting).split(" ")]
        for messages in ([" ".join(greeting)], words, greeting):
            async with talk(proxy.url) as client:
                await client.config(**VOICE)
                for message in messages:
                    await client.text(message)
                await client.flush()
                answer = await client.answer()
            assert [verdict.split("-")[0] for verdict in answer.verdicts] == ["hit"] * 3
            heard.append(answer.audio)
    assert heard[0] == heard[1] == heard[2]


async def test_a_tenants_book_is_heard_by_its_tenants_alone(
    start_proxy: StartProxy, emulator: Emulator, facts: list[Event], tmp_path: Path
) -> None:
    folder = tmp_path / "books"
    folder.mkdir()
    (folder / "asha.yaml").write_text(f"tenants: [asha]{BOOK % 'Hello there.'}", encoding="utf-8")
    auth = proxy_mode(tmp_path, asha={"tokens": ["a-token"]}, ravi={"tokens": ["b-token"]})
    async with start_proxy(phrases={"directory": folder}, auth=auth) as proxy:
        await until(lambda: made(facts) == 1)
        heard = []
        for key in ("b-token", "a-token", "b-token"):
            async with talk(proxy.url, key=key) as client:
                await client.config(**VOICE)
                heard += (await client.say("Hello there.")).verdicts
            await landed(proxy)
    assert heard == ["miss", "hit-memory", "hit-memory"]
    assert emulator.counters.flushes == 2
    # The two never were one recording.
    namespaces = {
        Identity.parse(facts_of(file.read_bytes()).identity).namespace for file in records(tmp_path)
    }
    assert namespaces == {"book-asha:1:0", "tenant-ravi"}


async def test_a_book_for_a_tenant_who_does_not_exist_is_named(
    start_proxy: StartProxy, tmp_path: Path
) -> None:
    folder = tmp_path / "books"
    folder.mkdir()
    (folder / "asha.yaml").write_text(f"tenants: [nobody]{BOOK % 'Hello.'}", encoding="utf-8")
    auth = proxy_mode(tmp_path, asha={"tokens": ["a-token"]})
    with pytest.raises(BookErrors, match="there is no tenant `nobody`; there are asha"):
        async with start_proxy(phrases={"directory": folder}, auth=auth):
            pass


def records(folder: Path) -> list[Path]:
    return list((folder / "data" / "records").glob("*/*/*.val"))
