from importlib import import_module
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from edgeproxy.cli.bench import bench
from edgeproxy.cli.bench.answers import Answer
from edgeproxy.cli.bench.results import PACES, PIPELINES, PROFILES
from edgeproxy.cli.bench.wire import TurnFailed

TURNS = import_module("edgeproxy.cli.bench.turns")
"""The module: by its name the package has the command."""

ANSWER = Answer("thanks", "en-IN", "ritu", "Thank you. Bye!")


def test_a_run_times_every_pipeline_before_both_origins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TURNS, "ANSWERS", [ANSWER])
    monkeypatch.setattr(TURNS, "EVERY_S", 0.05)
    json_file, picture_file = tmp_path / "turns.json", tmp_path / "turns.svg"
    command = ["turns", "--rounds", "1", "--json", str(json_file), "--picture", str(picture_file)]
    ran = CliRunner().invoke(bench, command, catch_exceptions=False)
    assert ran.exit_code == 0
    document = orjson.loads(json_file.read_bytes())
    measured = {(turn["profile"], turn["pace"], turn["pipeline"]) for turn in document["turns"]}
    assert measured == {(a, b, c) for a in PROFILES for b in PACES for c in PIPELINES}
    assert all(0 < turn["first_audio_ms"] <= turn["last_audio_ms"] for turn in document["turns"])
    assert picture_file.read_text(encoding="utf-8").startswith("<svg")
    assert "cold/today" in ran.output


def test_a_file_that_cannot_be_written_is_told_before_the_run(tmp_path: Path) -> None:
    missing = tmp_path / "nowhere" / "turns.json"
    ran = CliRunner().invoke(bench, ["turns", "--json", str(missing)])
    assert ran.exit_code == 2
    assert "nowhere" in ran.output


@pytest.mark.parametrize(
    "error",
    [
        TurnFailed("cold, greeting: no audio"),
        ExceptionGroup(
            "tasks", [ExceptionGroup("tasks", [TurnFailed("cold, greeting: no audio")])]
        ),
    ],
    ids=["alone", "in groups"],
)
def test_a_turn_that_fails_is_one_line(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    async def measure(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(TURNS, "measure", measure)
    ran = CliRunner().invoke(bench, ["turns", "--quick"])
    assert ran.exit_code == 1
    assert "the bench broke off: cold, greeting: no audio" in ran.output


def test_a_bug_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    async def measure(*_: object, **__: object) -> None:
        raise ExceptionGroup("tasks", [AssertionError("a bug")])

    monkeypatch.setattr(TURNS, "measure", measure)
    with pytest.raises(ExceptionGroup):
        CliRunner().invoke(bench, ["turns", "--quick"], catch_exceptions=False)
