"""Which phrase was meant: the likest in words, of equals in the caller's own voice, in bounded work."""

import difflib
from collections.abc import Callable
from pathlib import Path

import pytest

from edgeproxy.core.turn import Cuts
from edgeproxy.core.voice import Voice
from edgeproxy.phrases.library import Library
from edgeproxy.phrases.nearest import Difference, Nearby, differences, parting, plainly
from edgeproxy.sarvam import models

from .conftest import TOP

VOICE = Voice(models.audible({"language": "en-IN", "speaker": "ritu", "speech_sample_rate": 8000}))
WORDS = "bed card desk door fee file floor form lift nurse room stair test visit ward clinic"

Load = Callable[..., Library]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """A library of these books, below a top that is fine."""

    def load_all(**books: str) -> Library:
        for name, book in books.items():
            (tmp_path / f"{name}.yaml").write_text(TOP + book, encoding="utf-8")
        return Library.load(tmp_path, Cuts())

    return load_all


def nearby(library: Library, *, tenant: str | None = None, **fields: object) -> Nearby:
    return Nearby(library, Voice({**VOICE.fields, **fields}), tenant=tenant)


def test_fields_differ_in_a_stable_order() -> None:
    asked = {"speaker": "ritu", "model": "m", "x": 1, "dict_id": "d", "pace": 1.0}
    kept = {"pace": 0.8, "x": True, "model": "n", "speaker": "ritu"}
    assert differences(asked, kept) == (
        Difference("model", "m", "n"),
        Difference("pace", 1.0, 0.8),
        Difference("dict_id", "d", None),
        Difference("x", 1, True),
    )
    assert differences(asked, asked) == ()


@pytest.mark.parametrize(
    ("text", "heard"),
    [
        ("Hello,  THERE!", "hello there"),
        ("It's 9-to-5…", "it s 9 to 5"),
        ("नमस्ते, आप कैसे हैं?", "नमस्ते आप कैसे हैं"),
        ("🙏", ""),
    ],
)
def test_what_is_only_heard_has_no_marks_and_no_capitals(text: str, heard: str) -> None:
    assert plainly(text) == heard


@pytest.mark.parametrize(
    ("asked", "written", "parts"),
    [
        ("Hello there.", "Hello, there.", ("Hello", " there.", ", there.")),
        ("Hello.", "Hello.", ("Hello.", "", "")),
        ("x", "y", ("", "x", "y")),
        # No vowel sign is cut from its letter, nor a conjunct in two.
        ("कि", "की", ("", "कि", "की")),
        ("नमस्ते", "नमस्कार", ("नम", "स्ते", "स्कार")),
    ],
)
def test_texts_part_between_letters(asked: str, written: str, parts: tuple[str, ...]) -> None:
    assert parting(asked, written) == parts


def test_the_likest_phrase_is_found_also_by_one_of_its_sentences(load: Load) -> None:
    library = load(
        desk="""
phrases:
  hold: One moment, please.
  open: We are open from Monday to Saturday. Please come on time.
"""
    )
    found = nearby(library).find("We are open Monday to Saturday.")
    assert found is not None
    assert (found.spoken.name, found.said) == ("desk/open", "We are open from Monday to Saturday.")
    assert (found.differs, found.is_heard) == ((), True)
    typo = nearby(library).find("One momemt please")
    assert typo is not None
    assert typo.spoken.name == "desk/hold"
    for text in ("Nothing of the kind is said here.", "!?", "हाँ"):
        assert nearby(library).find(text) is None
    # Of another language nothing is like it.
    assert nearby(library, language="hi-IN").find("One moment please.") is None


def test_of_equals_the_callers_own_voice_is_meant(load: Load) -> None:
    library = load(
        one="voices: {en-IN: {speaker: kavitha}}\nphrases: {wait: 'Wait a moment, please.'}",
        two="phrases: {wait: 'Wait a moment please!'}",
    )
    for speaker, name in (("ritu", "two/wait"), ("kavitha", "one/wait")):
        found = nearby(library, speaker=speaker).find("Wait a moment please.")
        assert found is not None
        assert (found.spoken.name, found.differs) == (name, ())


def test_who_says_exactly_this_is_found_whatever_keeps_it_from_the_caller(load: Load) -> None:
    library = load(
        desk="phrases: {bye: Goodbye., chance: {en-IN: 'Who knows.', pin: false}}",
        acme="tenants: [acme]\nphrases: {hello: Hello there.}",
    )
    other = nearby(library, language="ta-IN", pace=0.8, rate=24000).find("Goodbye.")
    assert other is not None
    assert other.differs == (
        Difference("language", "ta-IN", "en-IN"),
        Difference("pace", 0.8, 1.0),
    )
    chance = nearby(library).find("Who knows.")
    assert chance is not None
    assert not chance.spoken.phrase.pin
    for tenant, is_heard in (("acme", True), ("asha", False), (None, False)):
        hello = nearby(library, tenant=tenant).find("Hello there.")
        assert hello is not None
        assert hello.is_heard is is_heard


def test_a_phrase_is_named_where_its_scope_says_it(load: Load) -> None:
    library = load(
        desk="phrases: {bye: Goodbye., chance: {en-IN: 'Who knows.', pin: false}}",
        acme="tenants: [acme]\nphrases: {bye: Goodbye.}",
    )
    assert nearby(library, rate=24000).name("Goodbye.", scope="") == "desk/bye"
    assert nearby(library).name("Goodbye.", scope="acme") == "acme/bye"
    assert nearby(library, pace=0.8).name("Goodbye.", scope="") is None
    assert nearby(library).name("Who knows.", scope="") is None


def test_among_ten_thousand_phrases_few_are_compared_in_earnest(
    load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = WORDS.split()

    def text(number: int) -> str:
        digits = (number // 16**place % 16 for place in range(4))
        return "Please see the " + " ".join(words[digit] for digit in digits) + " now."

    library = load(
        **{
            f"part-{part}": "phrases:\n"
            + "".join(f"  p{number}: {text(number)}\n" for number in range(part, 10_000, 4))
            for part in range(4)
        }
    )
    assert len(library) == 10_000
    earnest = by_letters = 0
    matcher = difflib.SequenceMatcher
    real, quick = matcher.ratio, matcher.quick_ratio

    def ratio(self: difflib.SequenceMatcher[str]) -> float:
        nonlocal earnest
        earnest += 1
        return real(self)

    def quick_ratio(self: difflib.SequenceMatcher[str]) -> float:
        nonlocal by_letters
        by_letters += 1
        return quick(self)

    monkeypatch.setattr(matcher, "ratio", ratio)
    monkeypatch.setattr(matcher, "quick_ratio", quick_ratio)
    near = nearby(library)
    found = near.find(text(7777).replace(" now.", ", now!"))
    assert found is not None
    assert found.said == text(7777)
    near.let_go()
    # All have three words in common with it; what was let go of is prepared again.
    assert near.find("Please see the chief now.") is not None
    assert by_letters <= 2 * 400
    assert earnest <= 2 * 40
