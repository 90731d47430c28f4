"""`edgeproxy cache stats` and `verify`."""

from pathlib import Path

from ...conftest import StartProxy, landed
from ...wire import talk
from ..conftest import Run


async def test_what_is_kept_is_counted_and_checked(
    run: Run, start_proxy: StartProxy, tmp_path: Path
) -> None:
    async with start_proxy() as proxy, talk(proxy.url) as client:
        for text in ("नमस्ते।", "फिर मिलेंगे।"):
            await client.say(text)
        await landed(proxy)
    ended = await run("cache", "stats")
    assert ended.code == 0
    assert "for now: 2 records" in ended.out
    assert "for good (books, promoted): 0 records" in ended.out
    ended = await run("cache", "verify")
    assert (ended.code, ended.out) == (0, "2 records read, all whole\n")
    file = next((tmp_path / "data" / "records").glob("*/*/*.val"))
    file.write_bytes(file.read_bytes()[:-5])
    ended = await run("cache", "verify")
    assert ended.code == 1
    assert "2 records read, 1 of them bad and removed" in ended.err
    assert "for now: 1 record," in (await run("cache", "stats")).out
