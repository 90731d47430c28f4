from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from edgeproxy.core.turn import Cut, Cuts, Turn, split
from edgeproxy.core.voice import Voice
from edgeproxy.phrases.library import Library, check
from edgeproxy.phrases.reader import BookErrors
from edgeproxy.sarvam import models

Write = Callable[..., Path]

DEMO = Path(__file__).parents[2] / "phrases"
TOP = "languages: [en-IN]\nvoice: {speaker: ritu}\n"
GREETING = "Hello, and welcome. This is Ritu. How can I help you?"


def voice(speaker: str = "ritu", *, language: str = "en-IN", rate: int = 22050) -> Voice:
    """What an agent asks for that sets no more than it must."""
    return Voice(models.audible({"language": language, "speaker": speaker, "rate": rate}))


def load(folder: Path, cuts: Cuts | None = None) -> Library:
    return Library.load(folder, cuts or Cuts())


@pytest.mark.parametrize(
    "sent",
    [
        [GREETING],
        ["Hello, and welcome.", "This is Ritu.", "How can I help you?"],
        [f"{word} " for word in GREETING.split()],
    ],
    ids=["at once", "sentence by sentence", "word by word"],
)
def test_a_phrase_is_held_however_its_text_is_sent(
    folder: Path, write: Write, sent: list[str]
) -> None:
    write(f"  greeting: {GREETING}\n")
    library = load(folder)
    turn = Turn(Cuts(), library.view(None).phrasebook)

    cuts: list[Cut] = []
    for message in sent:
        cuts += turn.feed(message)
    cuts += turn.flush()

    assert len(cuts) == 3
    assert all(library.holds(voice(), cut.text) for cut in cuts)


def test_a_segment_is_held_in_its_voice_at_any_rate_and_in_no_other(
    folder: Path, write: Write
) -> None:
    write("  a: Hello.\n", top=TOP + "sample_rates: [22050, 24000]\n")
    library = load(folder)

    assert all(library.holds(voice(rate=rate), "Hello.") for rate in models.REST_RATES)
    assert not library.holds(voice("neha"), "Hello.")
    assert not library.holds(voice(language="hi-IN"), "Hello.")
    assert not library.holds(voice(), "Goodbye.")


def test_what_is_not_pinned_is_not_held(folder: Path, write: Write) -> None:
    write("  a: {text: Hello., pin: no}\n  b: Goodbye.\n")
    library = load(folder)

    assert not library.holds(voice(), "Hello.")
    assert library.holds(voice(), "Goodbye.")


def test_a_tenants_book_is_not_held_for_everybody(folder: Path, write: Write) -> None:
    write("  a: {text: Hello acme. Welcome., takes: 2}\n", top=TOP + "tenants: [acme]\n")
    library = load(folder)

    assert library.view(None).scope(voice(), "Hello acme.") is None
    assert len(library.view(None).phrasebook) == 0
    assert [each.segments for each in library.phrases] == [("Hello acme. Welcome.",)]


def test_one_recording_is_found_whole_and_its_sentences_are_pinned_too(
    folder: Path, write: Write
) -> None:
    write(f"  a: {{text: '{GREETING}', whole: yes}}\n  b: {{text: Bye. Take care., takes: 2}}\n")
    library = load(folder)
    greeting, _ = library.phrases

    assert split(GREETING, Cuts(), library.view(None).phrasebook) == [Cut(GREETING, whole=True)]
    assert greeting.segments == (GREETING,)
    assert greeting.pinned == (
        GREETING,
        "Hello, and welcome.",
        "This is Ritu.",
        "How can I help you?",
    )
    assert all(library.holds(voice(), text) for text in greeting.pinned)
    assert len(library.view(None).phrasebook) == 2


def test_a_phrase_behind_other_words_is_held_where_first_clauses_are_shorter(
    folder: Path, write: Write
) -> None:
    cuts = Cuts(first_clause_chars=12)
    text = "Please come early, and bring your reports."
    write(f"  a: {text}\n")
    library = load(folder, cuts)

    for said in (text, f"Fine. {text}"):
        pieces = [cut.text for cut in split(said, cuts, library.view(None).phrasebook)]
        assert [piece for piece in pieces if not library.holds(voice(), piece)] == (
            ["Fine."] if said != text else []
        )
    assert library.phrases[0].segments == ("Please come early,", "and bring your reports.")


def test_voices_are_at_every_rate_the_one_with_most_to_say_first(
    folder: Path, write: Write
) -> None:
    write(
        "  a: One. Two. Three.\n  b: {text: Four., voice: {speaker: neha}}\n",
        top=TOP + "sample_rates: [24000, 8000]\n",
    )

    assert load(folder).voices == [
        voice(rate=8000),
        voice(rate=24000),
        voice("neha", rate=8000),
        voice("neha", rate=24000),
    ]


def test_the_generation_is_that_of_what_is_spoken(folder: Path, write: Write) -> None:
    def generation(phrases: str, *, top: str = TOP, cuts: Cuts | None = None) -> int:
        write(phrases, top=top)
        return load(folder, cuts).generation

    first = generation("  a: Hello.\n")
    others = [
        generation("  a: Hello!\n"),
        generation("  b: Hello.\n"),
        generation("  a: {text: Hello., whole: yes}\n"),
        generation("  a: {text: Hello., takes: 2}\n"),
        generation("  a: {text: Hello., pin: no}\n"),
        generation("  a: Hello.\n", top=TOP + "sample_rates: 8000\n"),
        generation("  a: {text: Hello., voice: {pace: 1.1}}\n"),
        generation("  a: Hello.\n", cuts=Cuts(clause_chars=50)),
    ]

    assert generation("  # Said first.\n  a: {text: Hello., tags: x, notes: y}\n") == first
    assert len({first, *others}) == 1 + len(others)
    assert all(0 <= each < 1 << 63 for each in others)
    assert load(folder).view(None).phrasebook.generation == load(folder).generation


def test_errors_keep_the_library_from_being_made_and_come_with_the_warnings(
    folder: Path, write: Write
) -> None:
    write("  a: {text: Hello., voice: {speaker: nobody}}\n  b: ...\n")

    with pytest.raises(BookErrors) as caught:
        load(folder)

    assert [each.severity for each in caught.value.problems] == ["warning", "error"]
    assert check(folder) == list(caught.value.problems)


def test_warnings_are_kept_by_the_library(folder: Path, write: Write) -> None:
    write("  a: {text: Hello., voice: {speaker: nobody}}\n")
    library = load(folder)

    assert [each.severity for each in library.warnings] == ["warning"]
    assert library.holds(voice("nobody"), "Hello.")


def test_without_books_nothing_is_held() -> None:
    library = Library.empty()

    assert (len(library), library.voices, library.phrases) == (0, [], ())
    assert not library.holds(voice(), "Hello.")
    assert split("One. Two.", Cuts(), library.view(None).phrasebook) == [Cut("One."), Cut("Two.")]


def test_the_demo_books_have_nothing_to_complain_about() -> None:
    assert check(DEMO) == []


def test_the_demo_books_hold_every_turn_made_of_their_phrases() -> None:
    library = load(DEMO)

    for first, second in pairwise(library.phrases):
        if first.voice == second.voice:
            for cut in split(f"{first.text} {second.text}", Cuts(), library.view(None).phrasebook):
                assert library.holds(first.voice, cut.text), cut
    assert {each.language for each in library.phrases} == {"en-IN", "hi-IN", "ta-IN"}


def test_a_phrase_is_found_by_its_name_with_all_that_say_it(folder: Path, write: Write) -> None:
    write(
        "  a: Hello.\n  b: Goodbye.\n", top="languages: [en-IN]\nvoice: {speaker: [ritu, shubh]}\n"
    )
    library = load(folder)

    found = [(each.text, each.voice.speaker) for each in library.said("book", "a")]

    assert found == [("Hello.", "ritu"), ("Hello.", "shubh")]
    assert not library.said("book", "c")
    assert not library.said("other", "a")
