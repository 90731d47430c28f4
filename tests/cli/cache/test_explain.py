"""`edgeproxy cache explain` beside a proxy that runs, and after it."""

import json
from pathlib import Path

import pytest

from edgeproxy.core.events import Event
from edgeproxy.emulator.server import Emulator

from ...conftest import StartProxy, landed, made, until
from ...wire import talk
from ..conftest import Run

SHUBH = ("--language", "hi-IN", "--rate", "8000")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ((), "Missing option '--language'"),
        (("--language", "hi-IN", "--pace", "9"), "0.5 to 2.0"),
        (("--language", "hi-IN", "--speaker", "ritu", "--voice", "speaker=x"), "write it once"),
        (("--language", "hi-IN", "--tenant", "acme"), "there are no tenants"),
        (("--language", "hi-IN", "--data-dir", "nowhere"), "no folder nowhere"),
    ],
)
async def test_a_mistake_is_one_line(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], named: str
) -> None:
    (tmp_path / "data").mkdir()
    ended = await run("cache", "explain", "नमस्ते।", *arguments)
    assert ended.code == 2
    (line,) = ended.err.splitlines()
    assert named in line
    assert ended.out == ""


async def test_beside_a_running_proxy_each_segment_is_told_and_nothing_is_asked(
    run: Run, start_proxy: StartProxy, emulator: Emulator
) -> None:
    async with start_proxy() as proxy, talk(proxy.url) as client:
        await client.say("नमस्ते।")
        await client.config(pace=0.8)
        await client.say("फिर मिलेंगे।")
        await landed(proxy)
        ended = await run("cache", "explain", "नमस्ते। फिर मिलेंगे।", *SHUBH)
        assert (ended.code, ended.err) == (0, "")
        hit, miss, voice = ended.out.split("\n\n")
        assert hit.startswith("hit-disk  नमस्ते।\n  why   It was said before, and is fresh until")
        assert "others would have it spoken anew" in hit
        assert miss.startswith("miss  फिर मिलेंगे।\n")
        assert "The same text is kept with pace 0.8 instead of 1.0." in miss
        assert "pace 1.0 ≠ 0.8  (key-" in miss
        assert voice.startswith("Voice: model bulbul:v3, language hi-IN, speaker shubh, rate 8000,")
        assert "what a running proxy has in memory is told as on the disk" in voice
        assert (await client.say("फिर मिलेंगे।")).verdicts == ["hit-memory"]
    assert emulator.counters.flushes == 2


async def test_for_machines_it_is_json_and_a_pace_of_ones_own_is_a_hit(
    run: Run, start_proxy: StartProxy
) -> None:
    async with start_proxy() as proxy, talk(proxy.url) as client:
        await client.config(pace=0.8, temperature=0.3)
        await client.say("नमस्ते।")
        await landed(proxy)
    ended = await run(
        "cache", "explain", " नमस्ते। ", *SHUBH, "--pace", "0.8", "--voice", "temperature=0.3", "--json"
    )  # fmt: skip
    told = json.loads(ended.out)
    assert told["text"] == " नमस्ते। "
    assert told["voice"]["temperature"] == 0.3
    (segment,) = told["segments"]
    assert segment["verdict"] == "hit-disk"
    assert segment["identity"]["text"] == "नमस्ते।"
    namespace = segment["record"]["namespace"]
    assert segment["key"] == segment["record"]["key"]
    ended = await run("cache", "explain", "नमस्ते।", *SHUBH, "--namespace", namespace, "--json")
    (segment,) = json.loads(ended.out)["segments"]
    assert segment["verdict"] == "miss"
    assert [each["field"] for each in segment["near"][0]["differs"]] == ["pace", "temperature"]


async def test_the_phrase_that_was_meant_is_shown_beside_what_was_asked(
    run: Run, start_proxy: StartProxy, hello_book: Path, facts: list[Event]
) -> None:
    async with start_proxy(phrases={"directory": hello_book}):
        await until(lambda: made(facts) == 1)
    books = ("--phrases", str(hello_book), "--language", "en-IN", "--speaker")
    ended = await run("cache", "explain", "Hello, there.", *books, "ritu")
    assert "desk/hello says the same words" in ended.out
    assert "phrase     desk/hello (en-IN ritu): Hello there." in ended.out
    assert "asked    “Hello”, then “, there.”" in ended.out
    assert "written  “Hello”, then “ there.”" in ended.out
    ended = await run("cache", "explain", "Hello there.", *books, "ritu")
    assert ended.out.startswith("hit-disk  Hello there.\n  why   The book says it: desk/hello,")
    assert "for good in books:1:0" in ended.out
