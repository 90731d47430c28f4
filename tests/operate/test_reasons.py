"""The sentences: short, for people, and with the remedy where there is one."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from edgeproxy.core.freshness import Freshness
from edgeproxy.core.turn import Cuts
from edgeproxy.core.voice import Voice
from edgeproxy.operate import reasons
from edgeproxy.operate.explanation import Near
from edgeproxy.phrases.generations import Failure, Generation, Generations
from edgeproxy.phrases.library import Library
from edgeproxy.phrases.nearest import Difference, Nearby
from edgeproxy.phrases.pinned import Pinned
from edgeproxy.sarvam import models

MADE = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
VOICE = Voice(models.audible({"language": "en-IN", "speaker": "ritu"}))
BUILD = "`edgeproxy phrases build --only desk/hello`"
USE = "`edgeproxy phrases use desk/hello --latest`"


@pytest.fixture
def generations(tmp_path: Path) -> Generations:
    return Generations.load(tmp_path / "generations.json")


def generation(number: int) -> Generation:
    return Generation(number, MADE, 22050, 1.0, 12, -20.0)


def said(unit: Pinned | None, *, hit: bool) -> list[str]:
    return list(reasons.of_book("desk/hello", unit, hit=hit))


def test_a_phrase_that_was_made_says_who_speaks_and_what_waits(generations: Generations) -> None:
    unit = generations.add(VOICE, "Hello.", generation(1), move=True)
    speaks = "The book says it: desk/hello, generation 1."
    assert said(unit, hit=True) == [speaks]
    assert said(unit, hit=False)[1].startswith(f"Its recording is gone: {BUILD} makes it anew")
    unit = generations.add(VOICE, "Hello.", generation(2), move=False)
    assert said(unit, hit=True) == [speaks, f"A newer one waits to be picked: {USE} does it."]
    unit = generations.use(unit.key, 1)
    assert said(unit, hit=True)[1].endswith(f"whatever is made later; {USE} ends that.")
    stale = Failure(when=MADE, reasons=("marked stale by a purge",), attempts=0)
    unit = generations.fail(VOICE, "Hello.", stale)
    assert said(unit, hit=True)[-1].startswith("A purge has marked it stale")


def test_a_phrase_that_was_not_made_says_what_makes_it(generations: Generations) -> None:
    fresh = f"desk/hello says it, and is not made yet: {BUILD} makes it now."
    assert said(None, hit=False) == [fresh]
    assert said(None, hit=True)[0] == fresh
    assert said(None, hit=True)[1].startswith("Until then callers hear what the origin said")
    failed = Failure(when=MADE, reasons=("2.9 s of silence inside",), attempts=3)
    unit = generations.fail(VOICE, "Hello.", failed)
    assert said(unit, hit=False) == [
        f"desk/hello says it, but could not be made: 2.9 s of silence inside. {BUILD} tries again."
    ]
    unit = generations.add(VOICE, "Hello.", generation(1), move=False)
    assert said(unit, hit=False) == [
        f"desk/hello says it, but its recording waits to be picked: {USE} does it."
    ]


def test_of_a_recording_of_a_books_its_phrase_says_more(hello_book: Path) -> None:
    asked = Voice({**VOICE.fields, "speaker": "shubh"})
    phrase = Nearby(Library.load(hello_book, Cuts()), asked, tenant=None).find("Hello there.")
    assert phrase is not None
    kept = [near("books:1:0", Difference("speaker", "shubh", "ritu"))]
    assert list(reasons.of_nothing(kept, phrase, None)) == []
    assert list(reasons.of_phrase(phrase, "Hello there.")) == [
        "desk/hello says exactly this, but with speaker ritu instead of shubh.",
        "Ask for the book's voice, or write yours in the book.",
    ]
    close = list(reasons.of_phrase(phrase, "Hello their."))
    assert close == [
        "desk/hello is close: behind “Hello the” the book goes on “re.”, this text “ir.”.",
        "And it is said with speaker ritu instead of shubh.",
    ]
    other = next(reasons.of_phrase(phrase, "Yello there."))
    assert other == "desk/hello is close: it says “Hello there.”."


def near(namespace: str, *differs: Difference) -> Near:
    return Near("0" * 48, namespace, MADE, differs)


@pytest.mark.parametrize(
    ("kept", "sentence"),
    [
        ([], "Nothing is kept of this text."),
        (
            [near("key-1", Difference("namespace", "key-0", "key-1"))],
            "It is kept, but only for the clients of key-1. In a phrase book everybody would hear it.",
        ),
        (
            [near("books:1:0", Difference("namespace", "key-0", "books"))],
            "A book has said it, and says it no more.",
        ),
        (
            [near("key-1", Difference("pace", 1.0, 0.8), Difference("dict_id", "d", None))],
            "The same text is kept with pace 0.8 instead of 1.0, dict_id none instead of d.",
        ),
    ],
)
def test_what_is_near_is_named_in_a_sentence(kept: list[Near], sentence: str) -> None:
    assert list(reasons.of_nothing(kept, None, None)) == [sentence]


def test_a_disk_in_trouble_is_named() -> None:
    assert reasons.of_disk("the records can only be read").startswith(
        "The records can only be read,"
    )
    assert "not known" in reasons.of_disk(None)


def test_many_clients_are_a_few_names_and_a_number() -> None:
    sentence = reasons.of_clients([f"key-{number}" for number in range(5)])
    assert "key-0, key-1, key-2 and 2 more; others" in sentence


def test_what_a_night_has_promoted_is_kept_for_good() -> None:
    rule = Freshness(ttl_s=3600)
    assert "promoted" in reasons.of_use(MADE, rule, pinned=True)
    assert reasons.of_use(MADE, rule, pinned=False).endswith("fresh until 2026-11-24 04:00 UTC.")


@pytest.mark.parametrize(
    ("text", "end", "quoted"),
    [
        ("Hello", False, "“Hello”"),
        ("", False, "with nothing"),
        ("a" * 30 + "b" * 20, False, "“" + "a" * 30 + "b" * 10 + "…”"),
        ("a" * 30 + "b" * 20, True, "“…" + "a" * 20 + "b" * 20 + "”"),
    ],
)
def test_long_texts_are_quoted_in_part(text: str, end: bool, quoted: str) -> None:
    assert reasons.quoted(text, end=end) == quoted
