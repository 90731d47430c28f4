"""`edgeproxy cache purge` beside a proxy that runs."""

from pathlib import Path

import pytest

from edgeproxy.cache.purge import Purges
from edgeproxy.emulator.server import Emulator

from ...conftest import StartProxy, landed, until
from ...wire import talk
from ..conftest import Run


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ([], "say what"),
        (["--all", "--text", "x"], "say what"),
        (["--phrase", "desk/hello", "--all"], "--phrase stands alone"),
        (["--voice", "ritu"], "speaker=ritu"),
        (["--voice", "pace=fast"], "pace is a number"),
        (["--all", "--data-dir", "nowhere"], "no folder nowhere"),
    ],
)
async def test_what_cannot_be_purged_is_one_line(
    run: Run, tmp_path: Path, arguments: list[str], named: str
) -> None:
    (tmp_path / "data").mkdir()
    ended = await run("cache", "purge", *arguments)
    assert ended.code == 2
    (line,) = ended.err.splitlines()
    assert named in line
    assert not (tmp_path / "nowhere").exists()


async def test_a_running_proxy_speaks_what_was_purged_afresh(
    run: Run, start_proxy: StartProxy, emulator: Emulator, tmp_path: Path
) -> None:
    async with start_proxy() as proxy, talk(proxy.url) as client:
        for text in ("नमस्ते।", "फिर मिलेंगे।"):
            await client.say(text)
        await landed(proxy)
        ended = await run("cache", "purge", "--text", " नमस्ते।  ", "--voice", "speaker=shubh")
        assert (ended.code, ended.err) == (0, "")
        assert ended.out == "gone: text नमस्ते।, speaker shubh: 1 record\n"
        await until(lambda: not proxy.purging.behind)
        assert (await client.say("नमस्ते।")).verdicts == ["miss"]
        assert (await client.say("फिर मिलेंगे।")).verdicts == ["hit-memory"]
    assert emulator.counters.flushes == 3


async def test_a_purge_that_matches_nothing_says_so(run: Run, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    ended = await run("cache", "purge", "--prefix", "Hello", "--namespace", "nobody")
    assert ended.code == 0
    assert "nothing was there: prefix Hello, namespace nobody" in ended.out
    (purge,) = Purges.load(tmp_path / "data" / "purges.json")
    assert not purge.soft


async def test_a_soft_purge_says_what_is_stale(run: Run, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    ended = await run("cache", "purge", "--all", "--soft")
    assert (ended.code, ended.out) == (0, "stale from now on: everything\n")
    (purge,) = Purges.load(tmp_path / "data" / "purges.json")
    assert purge.soft


async def test_a_phrase_nobody_has_heard_of_is_named(
    run: Run, tmp_path: Path, demo_books: Path
) -> None:
    (tmp_path / "data").mkdir()
    ended = await run("cache", "purge", "--phrase", "front-desk/x", "--phrases", str(demo_books))
    assert ended.code == 2
    assert "there is no phrase or recording front-desk/x" in ended.err


@pytest.mark.parametrize("given", [("--prefix", ""), ("--prefix", " "), ("--text", "")])
async def test_nothing_in_place_of_a_text_is_not_everything(
    run: Run, tmp_path: Path, given: tuple[str, str]
) -> None:
    (tmp_path / "data").mkdir()
    ended = await run("cache", "purge", *given)
    assert ended.code == 2
    assert f"{given[0]} is empty; what covers everything is --all" in ended.err
    assert list(Purges.load(tmp_path / "data" / "purges.json")) == []
