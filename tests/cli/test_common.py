"""How every verb fails: one line, with the remedy, and the right exit code."""

import resource

import pytest

from edgeproxy.cli.common import take_handles

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


def test_file_handles_are_taken_as_far_as_the_system_gives_them(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    given: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, 4096))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: given.append(limits))
    take_handles(1000)
    assert given == [(1512, 4096)]
    assert not caplog.records
    take_handles(10_000)
    assert given[1:] == [(4096, 4096)]
    assert "10512 file handles" in caplog.text
