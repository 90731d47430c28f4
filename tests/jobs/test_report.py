"""A report says all of it to machines, and the main things to people."""

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import orjson

from edgeproxy.jobs.report import Made, NotMade, Promoted, Report

QUIET = Report(
    book=None,
    began=datetime(2026, 11, 24, 2, 30, tzinfo=ZoneInfo("Asia/Kolkata")),
    took_s=71.4,
    made=(),
    failed=(),
    skipped=0,
    stopped=None,
    characters=0,
)
MADE = Made(
    phrase="desk/greeting",
    language="hi-IN",
    speaker="ritu",
    text="नमस्ते।",
    generation=2,
    speaks=True,
    seconds=1.24,
    characters=7,
)
BUSY = replace(
    QUIET,
    made=(MADE, replace(MADE, phrase="emergency/fire", speaks=False)),
    failed=(
        NotMade(
            phrase="desk/hold",
            language="ta-IN",
            speaker="kavitha",
            text="ஒரு நிமிடம்.",
            reasons=("2.00 s of silence inside: at most 1.50 s", "too loud"),
        ),
    ),
    skipped=3,
    characters=1000,
    retired=1,
    promoted=(
        Promoted(
            text="Sure, today.", language="en-IN", speaker="ritu", asked=30, missed=9, characters=12
        ),
    ),
    demoted=2,
    discarded=1500,
    checked=20,
    bad=1,
)


def test_a_page_tells_what_changed_failed_cost_and_saved() -> None:
    assert (
        BUSY.as_text()
        == """\
Night of Tuesday, 24 November 2026, 02:30 IST, 71 s

made      2
          1 of these wait until somebody picks them (phrases use)
failed    1
skipped   3: the budget is spent
cost      1,000 characters, ₹3.00
retired   1 that no book says any more
promoted  1 of no book, now kept for as long as they are asked for
demoted   2 that were promoted once and nobody asks for any more
heard     0 times from the books: 0 characters, ₹0.00 not spent
saved     108 characters, ₹0.32 a day, by what was promoted
discarded 1,500 old records
checked   20 records, 1 of them bad and removed

Failed, so what was heard before is heard still:
  desk/hold ta-IN kavitha: 2.00 s of silence inside: at most 1.50 s; too loud

Made:
  desk/greeting hi-IN ritu: 1.2 s, नमस्ते।
  emergency/fire hi-IN ritu: 1.2 s, नमस्ते।

Promoted:
  en-IN ritu, asked 30 times, 9 of these of the origin: Sure, today.
"""
    )


def test_a_quiet_night_is_a_short_page() -> None:
    assert QUIET.as_text().count("\n") == 12
    assert "Made:" not in QUIET.as_text()


def test_a_page_about_one_book_says_nothing_of_the_rest() -> None:
    page = replace(BUSY, book="desk", promoted=()).as_text()
    assert page.startswith("Night of the book desk of Tuesday")
    assert "promoted" not in page


def test_a_run_that_had_to_stop_says_why() -> None:
    page = replace(BUSY, stopped="the disk takes nothing more").as_text()
    assert "skipped   3: the disk takes nothing more" in page


def test_a_page_stays_a_page_and_json_has_all() -> None:
    many = replace(QUIET, made=tuple(replace(MADE, generation=each) for each in range(50)))
    assert many.as_text().count("\n") == 35
    assert "  and 30 more" in many.as_text()
    assert len(orjson.loads(many.as_json())["made"]) == 50


def test_json_has_the_figures_beside_the_texts() -> None:
    found = orjson.loads(BUSY.as_json())
    assert found["began"] == "2026-11-24T02:30:00+05:30"
    assert (found["rupees"], found["saved_characters"], found["saved_rupees"]) == (3.0, 108, 0.32)
    assert found["failed"][0]["reasons"] == list(BUSY.failed[0].reasons)
    assert found["made"][0]["text"] == "नमस्ते।"


def test_a_line_is_what_the_log_gets() -> None:
    assert str(BUSY) == "2 made, 1 failed, 3 skipped, 1 promoted, 1000 characters"
