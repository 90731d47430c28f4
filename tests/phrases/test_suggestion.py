"""A book of what callers heard often, that our own reader takes."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgeproxy.cache.demand import Wanted
from edgeproxy.core.text import normalise
from edgeproxy.core.turn import Cuts
from edgeproxy.core.voice import Voice
from edgeproxy.phrases.library import Library
from edgeproxy.phrases.suggestion import as_book, worth_adding
from edgeproxy.sarvam import models

HOURS = "What are your opening hours?"


def voice(language: str = "en-IN", **fields: Any) -> dict[str, Any]:
    """A voice as asks are counted in: all that is audible but the rate."""
    given = {"target_language_code": language, "speaker": "ritu", **fields}
    return {name: value for name, value in models.audible(given).items() if name != "rate"}


def wanted(text: str, asked: int = 5, **fields: Any) -> Wanted:
    return Wanted(text, voice(**fields), asked, asked // 2, len(text))


def read_back(found: Sequence[Wanted], folder: Path) -> Library:
    """The library of the book that is suggested."""
    (folder / "heard.yaml").write_text(
        as_book(worth_adding(found, Library.empty()), days=7), encoding="utf-8"
    )
    return Library.load(folder, Cuts())


def test_what_is_suggested_is_a_book_that_says_it_just_so(tmp_path: Path) -> None:
    found = [
        wanted(HOURS),
        wanted(HOURS, speaker="shubh"),
        wanted("Tomorrow: at nine #1", pace=1.25),
        wanted("नमस्ते।", language="hi-IN", model="bulbul:v4-flash", pitch=0.3),
        wanted("“Yes”, he said", other_knob="true", another=2),
        wanted("हाँ जी?", language="hi-IN", dict_id="p_1"),
        wanted("null"),
        wanted("- no", language="ta-IN", enable_preprocessing=True),
    ]
    library = read_back(found, tmp_path)
    for each in found:
        assert library.holds(Voice({"rate": 22050, **each.voice}), each.text), each
    assert len(library.books["heard"].phrases) == len(found)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(min_size=1, max_size=60).map(normalise), min_size=1, max_size=4))
def test_whatever_callers_were_told_the_reader_takes_it(tmp_path: Path, texts: list[str]) -> None:
    suggested = worth_adding([wanted(text) for text in dict.fromkeys(texts)], Library.empty())
    if suggested:
        (tmp_path / "heard.yaml").write_text(as_book(suggested, days=1), encoding="utf-8")
        library = Library.load(tmp_path, Cuts())
        assert {each.text for each in library.phrases} == {each.text for each in suggested}


def test_times_characters_and_rupees_stand_beside_each(tmp_path: Path) -> None:
    suggested = worth_adding([wanted(HOURS, asked=1000)], Library.empty())
    book = as_book(suggested, days=7)
    assert "in the last 7 days, and in no book: 1 text." in book
    assert "  what-are-your-opening:  # asked 1,000 times: 14,000 characters, ₹42.00" in book
    assert f"    en-IN: {HOURS}" in book.splitlines()


def test_what_a_book_holds_was_asked_once_or_cannot_be_written_is_left_out(
    demo_books: Path,
) -> None:
    library = Library.load(demo_books, Cuts())
    found = [
        wanted("May I have your full name, please?"),
        wanted("May I have your full name, please?", pace=1.5),
        wanted(HOURS, asked=1),
        wanted("This is {your name} speaking"),
        wanted("Bonjour", language="french"),
        wanted("No book can\ufffe hold that"),
        wanted("Nor\uffff that"),
    ]
    (kept,) = worth_adding(found, library)
    assert kept.voice["pace"] == 1.5


def test_no_more_are_looked_at_than_are_suggested() -> None:
    looked_at = []

    def many() -> Iterator[Wanted]:
        for number in range(1000):
            looked_at.append(number)
            yield wanted(f"Text number {number} is said.")

    assert len(worth_adding(many(), Library.empty())) == len(looked_at) == 50


def test_one_text_has_the_same_id_every_day() -> None:
    texts = [wanted("नमस्ते।", language="hi-IN"), wanted("हाँ जी?", language="hi-IN")]
    one, other = (
        as_book(worth_adding(list(order), Library.empty()), days=1).splitlines()
        for order in (texts, texts[::-1])
    )
    assert sorted(one) == sorted(other)
