"""`edgeproxy emulate`: a Sarvam in a terminal of its own."""

import signal

import pytest

from ..wire import talk
from .conftest import Run, Start, line_with


async def test_it_speaks_and_ends_when_told(start: Start) -> None:
    process = await start("emulate", "--port", "0", "--latency", "instant", "--key", "right")
    url = (await line_with(process, "listening")).split("listening on ")[1].split(",")[0]
    async with talk(url, key="right") as client:
        assert (await client.say("नमस्ते।")).audio
    process.send_signal(signal.SIGTERM)
    assert await process.wait() == 0


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--latency", "slowly"], "instant, v3, seed"),
        (["--faults", "earthquake"], "missing_final"),
        (["--faults", "stall=2"], "stall"),
    ],
)
async def test_a_wrong_word_is_one_line_that_names_the_right_ones(
    run: Run, arguments: list[str], named: str
) -> None:
    ended = await run("emulate", *arguments)
    assert ended.code == 2
    (line,) = ended.err.splitlines()
    assert named in line
