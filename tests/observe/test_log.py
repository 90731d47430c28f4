"""The access log: one line per turn, for people or for machines, and never a secret."""

import io
import json
import logging
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

import pytest

from edgeproxy.core.events import (
    AdminCalled,
    ConfigSent,
    DialFailed,
    Event,
    JobEnded,
    SegmentSpoken,
    StoreFailed,
    TurnEnded,
)
from edgeproxy.observe import log

SEGMENT = SegmentSpoken(
    verdict="miss",
    key="0123",
    characters=12,
    pcm_bytes=4800,
    rate=24000,
    decided_s=0.0,
    leased_s=0.001,
    sent_s=0.001,
    first_byte_s=0.2,
    first_pcm_s=0.2,
    first_write_s=0.2,
    last_write_s=0.9,
    configured=False,
    attempts=1,
)
TURN = TurnEnded(
    request_id="20261124_x",
    namespace="key-1",
    door="websocket",
    codec="linear16",
    outcome="ok",
    reason=None,
    segments=(SEGMENT, SEGMENT),
    ttfb_s=0.2,
    ttfa_s=0.25,
    took_s=0.9,
)


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    before = (log.log.handlers[:], log.log.level, log.log.propagate)
    yield
    log.log.handlers[:], log.log.level, log.log.propagate = before


def test_a_turn_is_one_readable_line(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure(format="readable", level="info")
    log.tell(TURN)
    (line,) = capsys.readouterr().err.splitlines()
    assert "request_id=20261124_x" in line
    assert "verdicts=miss,miss" in line
    assert "ttfb_ms=200.0" in line
    assert "characters=24" in line


def test_a_turn_is_one_line_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure(format="json", level="info")
    log.tell(TURN)
    (line,) = capsys.readouterr().err.splitlines()
    told = json.loads(line)
    assert (told["event"], told["level"], told["pcm_bytes"]) == ("turn", "info", 9600)


def test_a_turns_tag_is_in_its_line_where_it_has_one(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure(format="readable", level="info")
    log.tell(TURN)
    log.tell(replace(TURN, tag="reminder-2"))
    untagged, tagged = capsys.readouterr().err.splitlines()
    assert "tag=" not in untagged
    assert "tag=reminder-2" in tagged


FORGED = "m\n00:00:00.000 info    turn outcome=ok"


@pytest.mark.parametrize("form", ["readable", "json"])
@pytest.mark.parametrize("broken", ["\n", "\r", "\x0b", "\x85", "\u2028", "\x1b[2K"])
def test_a_value_forges_no_line(
    capsys: pytest.CaptureFixture[str], form: Literal["readable", "json"], broken: str
) -> None:
    log.configure(format=form, level="info")
    log.tell(DialFailed(FORGED.replace("\n", broken), "refused"))
    log.log.warning("%s failed", FORGED.replace("\n", broken))
    written = capsys.readouterr().err
    assert len(written.splitlines()) == 2
    assert "\x1b" not in written


def test_a_value_forges_no_other_fact(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure(format="readable", level="info")
    log.tell(replace(TURN, reason='refused" outcome=ok', outcome="failed"))
    assert r'reason="refused\" outcome=ok"' in capsys.readouterr().err


def test_an_exceptions_text_forges_no_line(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure(format="readable", level="info")
    try:
        raise ValueError(FORGED)
    except ValueError:
        log.log.exception("it failed")
    first, *rest = capsys.readouterr().err.splitlines()
    assert "it failed" in first
    assert rest
    assert all(line.startswith("  ") for line in rest)


def test_levels_mean_something(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure(format="readable", level="warning")
    log.tell(TURN)
    log.tell(ConfigSent("bulbul:v3"))
    log.tell(StoreFailed("write", "OSError: disk on fire"))
    (line,) = capsys.readouterr().err.splitlines()
    assert "StoreFailed" in line
    assert "disk on fire" in line


@pytest.mark.parametrize("form", ["readable", "json"])
def test_an_exception_comes_with_its_traceback(
    capsys: pytest.CaptureFixture[str], form: Literal["readable", "json"]
) -> None:
    log.configure(format=form, level="info")
    try:
        raise ValueError("boom")
    except ValueError:
        log.log.exception("it failed")
    assert "boom" in capsys.readouterr().err


def test_it_writes_to_standard_error_only() -> None:
    log.configure(format="readable", level="info")
    (handler,) = log.log.handlers
    assert isinstance(handler, logging.StreamHandler)
    assert handler.stream is sys.stderr


TEXT = "Your code is secret."


def test_a_text_shows_only_as_the_tag_of_its_key(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure(format="readable", level="info")
    log.tell(replace(TURN, segments=(replace(SEGMENT, text=TEXT, key="ab" * 24),)))
    line = capsys.readouterr().err
    assert "tags=abababababababab" in line
    assert "secret" not in line


@pytest.mark.parametrize("form", ["readable", "json"])
def test_told_otherwise_it_has_the_text(
    capsys: pytest.CaptureFixture[str], form: Literal["readable", "json"]
) -> None:
    log.configure(format=form, level="info", with_texts=True)
    segments = (replace(SEGMENT, text="One."), replace(SEGMENT, text="पहला वाक्य।"))
    log.tell(replace(TURN, segments=segments))
    assert "One. पहला वाक्य।" in capsys.readouterr().err


def test_no_fact_shows_a_text_by_itself() -> None:
    assert TEXT not in repr(replace(SEGMENT, text=TEXT))


@pytest.mark.parametrize(
    ("fact", "level"),
    [
        (replace(TURN, outcome="error", reason="refused"), "warning"),
        (TURN, "info"),
        (AdminCalled("PUT /admin/cache", "::1", True, "done"), "info"),
        (AdminCalled("PUT /admin/cache", "::1", False, "the token is wrong"), "warning"),
        (JobEnded("night", False, "OSError"), "warning"),
        (JobEnded("sweep", True, "0"), "debug"),
    ],
)
def test_what_somebody_must_see_is_a_warning(
    capsys: pytest.CaptureFixture[str], fact: Event, level: str
) -> None:
    log.configure(format="json", level="debug")
    log.tell(fact)
    assert json.loads(capsys.readouterr().err)["level"] == level


def test_what_the_cache_would_have_had_is_in_the_line(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure(format="readable", level="info")
    log.tell(replace(TURN, segments=(replace(SEGMENT, would="hit-disk"), SEGMENT)))
    assert "would=hit-disk," in capsys.readouterr().err


def test_what_is_no_utf_8_is_still_a_line_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure(format="json", level="info")
    log.tell(replace(TURN, reason="\udcff"))
    assert json.loads(capsys.readouterr().err)["reason"] == "\udcff"


def test_a_log_that_cannot_be_written_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "wb", buffering=0) as gone:
        monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(gone, write_through=True))
        log.configure(format="readable", level="info")
        log.tell(TURN)
        log.tell(TURN)


def test_whoever_has_a_log_of_its_own_hears_facts_there(caplog: pytest.LogCaptureFixture) -> None:
    log.log.handlers.clear()
    log.log.propagate = True
    with caplog.at_level(logging.INFO, logger="edgeproxy"):
        log.tell(TURN)
    (record,) = caplog.records
    assert (record.getMessage(), record.facts["verdicts"]) == ("turn", "miss,miss")  # type: ignore[attr-defined]
