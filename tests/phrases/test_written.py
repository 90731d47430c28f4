from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from edgeproxy.phrases.book import BookVoice, Phrase
from edgeproxy.phrases.written import Plain, is_language


def phrase(**fields: Any) -> Phrase:
    return Phrase.model_validate({"en-IN": "Hello.", **fields})


def test_a_language_is_told_by_its_looks() -> None:
    assert [name for name in ("hi-IN", "brx-IN", "xx-YY") if not is_language(name)] == []
    assert not any(map(is_language, ("hi", "hi-in", "hi_IN", "hi-IN\n", "text", "")))


def test_a_text_is_normalised_as_the_turn_normalises_it() -> None:
    assert Phrase.model_validate("  Cafe\u0301 \n open. ").text == "Café open."


@pytest.mark.parametrize("nothing", ["", "   ", "...", "—!", "\u200d"])
def test_a_text_without_a_word_is_refused(nothing: str) -> None:
    with pytest.raises(ValidationError, match="nothing to say"):
        Phrase.model_validate(nothing)


@pytest.mark.parametrize("point", [0x07, 0x7F, 0xFFFD])
def test_what_nobody_can_say_is_refused_by_name(point: int) -> None:
    with pytest.raises(ValidationError, match=f"U\\+{point:04X}"):
        Phrase.model_validate(f"a{chr(point)}b")


def test_joiners_are_kept_since_they_change_the_sound() -> None:
    assert Phrase.model_validate("क्\u200dष").text == "क्\u200dष"


@pytest.mark.parametrize("brace", ["{", "a }", "{Name}", "{}", "{two words}", "{{name}}"])
def test_a_brace_that_is_no_placeholder_is_refused(brace: str) -> None:
    with pytest.raises(ValidationError, match="brace"):
        Phrase.model_validate(f"Hello {brace}")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("90 minutes", timedelta(minutes=90)),
        ("1 hour", timedelta(hours=1)),
        ("30 days", timedelta(days=30)),
        ("2 weeks", timedelta(weeks=2)),
    ],
)
def test_durations_are_written_in_words(written: str, meant: timedelta) -> None:
    assert phrase(refresh_after=written).refresh_after == meant


@pytest.mark.parametrize("wrong", ["30", "0 days", "soon", "1 month", "-1 days", "1.5 days", ""])
def test_other_durations_are_refused_with_an_example(wrong: str) -> None:
    with pytest.raises(ValidationError, match="such as `30 days`"):
        phrase(refresh_after=wrong)


def test_a_last_day_lasts_until_midnight_in_india() -> None:
    assert phrase(expires="2027-03-31").expires == datetime(2027, 3, 31, 18, 30, tzinfo=UTC)


def test_a_last_moment_says_its_offset() -> None:
    at = phrase(expires="2027-03-31T18:00+05:30").expires

    assert at == datetime(2027, 3, 31, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize("wrong", ["2027-03-31T18:00", "2027-02-30", "9999-12-31", "tomorrow"])
def test_a_day_that_is_none_is_refused_with_an_example(wrong: str) -> None:
    with pytest.raises(ValidationError, match="such as 2027-03-31"):
        phrase(expires=wrong)


@pytest.mark.parametrize("outside", ["/etc/passwd", "../secret.wav", "a/../../b.wav", "..\\b.wav"])
def test_a_recording_outside_of_the_folder_is_refused(outside: str) -> None:
    with pytest.raises(ValidationError, match="in the folder of the books"):
        phrase(audio=outside)


def test_unquoted_values_of_unknown_fields_are_numbers_and_flags() -> None:
    voice = BookVoice.model_validate(
        {"other": {"a": Plain("3"), "b": "3", "c": Plain("true"), "d": Plain("0.5"), "e": "x"}}
    )

    assert voice.other == {"a": 3, "b": "3", "c": True, "d": 0.5, "e": "x"}
