"""`edgeproxy token` as an operator runs it."""

import sys
from asyncio import create_subprocess_exec
from asyncio.subprocess import PIPE
from pathlib import Path

from edgeproxy.downstream.terms import written

from .conftest import Run, environment


async def test_a_fresh_token_is_shown_once_with_the_line_for_the_file(
    run: Run, tmp_path: Path
) -> None:
    first, second = await run("token"), await run("token")
    token, line = first.out.splitlines()
    assert (first.code, first.err) == (0, "")
    assert line == written(token)
    assert len(token) > 40
    assert token not in second.out
    assert list(tmp_path.iterdir()) == []


async def test_the_line_of_a_key_that_is_there_already(tmp_path: Path) -> None:
    for given, code in (("sk-key\n", 0), ("", 2)):
        process = await create_subprocess_exec(
            sys.executable, "-m", "edgeproxy", "token", "--of",
            env=environment(), cwd=tmp_path, stdin=PIPE, stdout=PIPE, stderr=PIPE,
        )  # fmt: skip
        out, err = await process.communicate(given.encode())
        assert process.returncode == code
        assert "sk-key" not in out.decode() + err.decode()
        if not code:
            assert out.decode().strip() == written("sk-key")
