"""Which phrase is meant, and what is said to those who name one that is not there."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgeproxy.core.turn import Cuts
from edgeproxy.phrases.asked import book_of, phrase_of
from edgeproxy.phrases.library import Library
from edgeproxy.phrases.shelf import Spoken
from edgeproxy.sarvam.refusals import Refused

Write = Callable[..., Path]

TOP = "languages: [en-IN, hi-IN]\nvoice: {speaker: [ritu, shubh]}\n"
PHRASES = """
  hello:
    en-IN: Hello there.
    hi-IN: नमस्ते जी।
  bye:
    en-IN: Goodbye.
    voice: {speaker: ritu}
  booked:
    en-IN: Booked on {day} at {hour}.
    voice: {speaker: ritu}
    values:
      day: [Monday, Tuesday]
      hour: [nine]
  gone:
    en-IN: Happy new year.
    expires: 2020-01-01
"""


@pytest.fixture
def library(folder: Path, write: Write) -> Library:
    write(PHRASES, top=TOP, name="desk.yaml")
    for tenant in ("acme", "sun"):
        write("  a: Hi.\n", top=f"languages: [en-IN]\nvoice: {{speaker: ritu}}\ntenants: [{tenant}]\n", name=f"{tenant}-book.yaml")  # fmt: skip  # noqa: E501
    return Library.load(folder, Cuts())


def said(library: Library, phrase_id: str, **named: Any) -> Spoken:
    return phrase_of(library, "desk", phrase_id, **{"values": {}, **named})


def test_no_more_has_to_be_named_than_tells_one_from_another(library: Library) -> None:
    assert said(library, "bye").text == "Goodbye."
    assert said(library, "booked", values={"day": "Tuesday"}).text == "Booked on Tuesday at nine."
    found = said(library, "hello", language="hi-IN", speaker="shubh")
    assert (found.text, found.voice.speaker) == ("नमस्ते जी।", "shubh")


def test_a_value_is_found_however_it_was_typed(library: Library) -> None:
    found = said(library, "booked", values={"day": "  Monday ", "hour": "nine"})
    assert found.values == {"day": "Monday", "hour": "nine"}


@pytest.mark.parametrize(
    ("phrase_id", "named", "status", "told"),
    [
        ("nothing", {}, 404, "There are hello, bye, booked"),
        ("gone", {}, 404, "There are hello, bye, booked"),
        ("hello", {"speaker": "ritu"}, 400, "`language` is missing; allowed: en-IN, hi-IN"),
        ("hello", {"language": "en-IN"}, 400, "`speaker` is missing; allowed: ritu, shubh"),
        ("bye", {"language": "hi-IN"}, 400, '`language` is "hi-IN"; allowed: en-IN'),
        ("bye", {"speaker": "shubh"}, 400, '`speaker` is "shubh"; allowed: ritu'),
        ("booked", {}, 400, "`value.day` is missing; allowed: Monday, Tuesday"),
        ("booked", {"values": {"day": "Sunday"}}, 400, "allowed: Monday, Tuesday"),
        ("booked", {"values": {"dya": "Monday"}}, 400, "allowed: value.day, value.hour"),
        ("bye", {"values": {"day": "Monday"}}, 400, "allowed: none"),
    ],
)
def test_who_names_too_little_or_what_there_is_not_is_told_what_there_is(
    library: Library, phrase_id: str, named: dict[str, Any], status: int, told: str
) -> None:
    with pytest.raises(Refused) as caught:
        said(library, phrase_id, **named)
    assert caught.value.refusal.status == status
    assert told in caught.value.refusal.message


def test_anothers_book_is_not_there(library: Library) -> None:
    assert book_of(library, "acme-book", tenant="acme").tenants == ("acme",)
    told = []
    for tenant, name in ((None, "sun-book"), ("acme", "sun-book"), ("acme", "nothing")):
        with pytest.raises(Refused) as caught:
            book_of(library, name, tenant=tenant)
        assert caught.value.refusal.status == 404
        told.append(caught.value.refusal.message.replace(name, "X"))
    assert told[1] == told[2]
    assert told[0].endswith("There are desk")
    assert told[1].endswith("There are acme-book, desk")


def test_a_long_list_is_cut(folder: Path, write: Write) -> None:
    write("".join(f"  p{number}: This is {number}.\n" for number in range(30)), name="desk.yaml")
    with pytest.raises(Refused, match=r"There are p0, .*p19 and 10 more"):
        said(Library.load(folder, Cuts()), "x")
