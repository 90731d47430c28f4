"""How every verb fails: one line, with the remedy, and the right exit code."""

import pytest

from .conftest import Run


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["srve"], "srve"),
        (["serve", "--prot", "1"], "--prot"),
        (["serve", "--port", "many"], "many"),
        (["say"], "TEXT"),
        (["bench"], "Missing command"),
    ],
)
async def test_a_slip_in_usage_is_one_line_and_exit_code_2(
    run: Run, arguments: list[str], named: str
) -> None:
    ended = await run(*arguments)
    assert ended.code == 2
    assert ended.out == ""
    (line,) = ended.err.splitlines()
    assert line.startswith("edgeproxy: ")
    assert named in line
    assert "--help" in line


@pytest.mark.parametrize(
    "verb", [[], ["serve"], ["demo"], ["emulate"], ["say"], ["bench"], ["bench", "turns"]]
)
async def test_help_is_complete(run: Run, verb: list[str]) -> None:
    ended = await run(*verb, "--help")
    assert ended.code == 0
    assert "Usage: edgeproxy" in ended.out
