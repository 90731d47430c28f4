"""`edgeproxy say`: one turn, its verdict and where its time went."""

import wave
from pathlib import Path

import pytest

from edgeproxy.app import Proxy
from edgeproxy.emulator.server import Emulator

from ..conftest import landed
from .conftest import Run

HELLO = "नमस्ते, मैं आपकी क्या मदद कर सकता हूँ?"


async def test_it_says_miss_then_hit_and_writes_what_it_heard(
    run: Run, proxy: Proxy, tmp_path: Path
) -> None:
    first = await run("say", HELLO, "--url", proxy.url, "-o", "one.wav")
    await landed(proxy)
    second = await run("say", HELLO, "--url", proxy.url, "-o", "two.wav")
    assert (first.code, second.code) == (0, 0)
    assert first.out.startswith("miss: first audio after")
    assert second.out.startswith("hit-memory: first audio after")
    assert "origin's first byte" in first.out
    assert "leased" in first.out
    with wave.open(str(tmp_path / "one.wav")) as one, wave.open(str(tmp_path / "two.wav")) as two:
        assert one.getframerate() == 22050
        assert one.getnframes() > 22050 / 2
        assert one.readframes(10**9) == two.readframes(10**9)


async def test_an_origin_can_be_asked_directly(run: Run, emulator: Emulator) -> None:
    ended = await run("say", HELLO, "--url", emulator.url)
    assert ended.code == 0
    assert "no verdict: first audio after" in ended.out


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--url", "http://127.0.0.1:1"], "nothing answers at http://127.0.0.1:1"),
        (["--speaker", "nobody"], "nobody"),
        (["--rate", "11025"], "Speech sample rate"),
        (["--language", "xx-XX"], "xx-XX"),
    ],
)
async def test_what_goes_wrong_is_one_line_and_exit_code_1(
    run: Run, proxy: Proxy, options: list[str], named: str
) -> None:
    ended = await run("say", HELLO, "--url", proxy.url, *options)
    assert ended.code == 1
    (line,) = ended.err.splitlines()
    assert named in line


async def test_a_wrong_key_says_so(run: Run, emulator: Emulator) -> None:
    async with Emulator(keys={"right"}) as guarded:
        ended = await run("say", HELLO, "--url", guarded.url, "--key", "wrong")
    assert ended.code == 1
    assert "403" in ended.err
    assert "--key" in ended.err


async def test_the_cache_can_be_left_out_asked_alone_or_renewed(
    run: Run, proxy: Proxy, emulator: Emulator
) -> None:
    said = []
    for cache in ("off", "only", "refresh", "only"):
        said.append(await run("say", HELLO, "--url", proxy.url, "--cache", cache))
        await landed(proxy)
    assert [ended.code for ended in said] == [0, 1, 0, 0]
    assert said[0].out.startswith("bypass: ")
    assert "not in the cache" in said[1].err
    assert said[2].out.startswith("bypass: ")
    assert said[3].out.startswith("hit-memory: ")
    assert emulator.counters.flushes == 2
    assert (await run("say", HELLO, "--cache", "maybe")).code == 2
