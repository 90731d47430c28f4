from collections.abc import Callable
from pathlib import Path

import pytest

from edgeproxy.core.voice import Voice
from edgeproxy.phrases.cast import Cast
from edgeproxy.phrases.reader import draft

Write = Callable[..., Path]

TOP = (
    "languages: [en-IN, hi-IN]\n"
    'voice: {model: "bulbul:v3", speaker: ritu, pace: 1.1}\n'
    "voices: {hi-IN: {speaker: neha}}\n"
    "sample_rates: [8000, 24000]\n"
)


def cast_of(file: Path) -> Callable[[str, str], tuple[Voice, ...]]:
    found = draft(file)
    assert found.book is not None, found.problems
    book, cast = found.book, Cast(found.book, found.source)

    def voices(phrase: str, language: str) -> tuple[Voice, ...]:
        return cast.voices(phrase, book.phrases[phrase], language)

    return voices


def said(file: Path, language: str = "en-IN") -> list[str]:
    found = draft(file)
    assert found.book is not None, found.problems
    cast = Cast(found.book, found.source)
    for name, phrase in found.book.phrases.items():
        cast.voices(name, phrase, language)
    return [str(each).removeprefix(str(file)) for each in cast.problems]


def test_a_voice_is_the_one_that_an_agent_with_these_fields_asks_for(write: Write) -> None:
    (voice,) = cast_of(write("  a: Hello.\n", top=TOP))("a", "en-IN")

    assert voice == Voice(
        {
            "model": "bulbul:v3",
            "language": "en-IN",
            "speaker": "ritu",
            "pace": 1.1,
            "temperature": 0.6,
            "rate": 24000,
        }
    )


def test_the_nearest_place_decides_and_the_rest_is_inherited(write: Write) -> None:
    voices = cast_of(
        write(
            "  a: Hello.\n"
            "  b: {text: Slowly., voice: {pace: 0.8}}\n"
            "  c: {text: Loud., voice: {pace: 0.8}, voices: {hi-IN: {speaker: priya}}}\n",
            top=TOP,
        )
    )

    def sketch(phrase: str, language: str) -> tuple[str, object]:
        (voice,) = voices(phrase, language)
        return voice.speaker, voice.fields["pace"]

    assert sketch("a", "hi-IN") == ("neha", 1.1)
    assert sketch("b", "hi-IN") == ("neha", 0.8)
    assert sketch("c", "hi-IN") == ("priya", 0.8)
    assert sketch("c", "en-IN") == ("ritu", 0.8)


def test_several_speakers_say_it_each(write: Write) -> None:
    file = write("  a: Hello.\n", top="languages: en-IN\nvoice: {speaker: [ritu, shubh]}\n")

    assert [each.speaker for each in cast_of(file)("a", "en-IN")] == ["ritu", "shubh"]


def test_without_a_voice_it_is_the_models_own(write: Write) -> None:
    (voice,) = cast_of(write("  a: Hello.\n", top="languages: en-IN\n"))("a", "en-IN")

    assert (voice.model, voice.speaker, voice.rate) == ("bulbul:v3", "shubh", 22050)


def test_fields_nobody_knows_are_passed_on_with_their_types(write: Write) -> None:
    file = write("  a: Hello.\n", top="languages: en-IN\nvoice: {other: {mood: 3, tone: '3'}}\n")

    (voice,) = cast_of(file)("a", "en-IN")

    assert (voice.fields["mood"], voice.fields["tone"]) == (3, "3")


@pytest.mark.parametrize(
    ("top", "warning"),
    [
        (
            "languages: en-IN\nvoice: {speaker: rituu}\n",
            ":2:9: warning: we don't know that bulbul:v3 has the speaker `rituu`; near it: ritu",
        ),
        (
            "languages: en-IN\nvoice: {speaker: anushka}\n",
            (
                ":2:9: warning: we don't know that bulbul:v3 has the speaker `anushka` "
                "(a speaker of bulbul:v2)"
            ),
        ),
        (
            "languages: en-IN\nvoice: {model: 'bulbul:v9', speaker: x}\n",
            ":2:9: warning: we don't know the model `bulbul:v9`",
        ),
        (
            "languages: en-IN\nvoice: {model: 'bulbul:v2'}\n",
            ":2:9: warning: `bulbul:v2` was switched off by Sarvam; use `bulbul:v3`",
        ),
        (
            "languages: en-IN\nvoice: {enable_preprocessing: yes}\n",
            ":2:9: warning: `enable_preprocessing` changes nothing in bulbul:v3",
        ),
    ],
)
def test_what_our_tables_lack_is_a_warning_and_still_a_voice(
    write: Write, top: str, warning: str
) -> None:
    file = write("  a: Hello.\n", top=top)

    (problem,) = said(file)

    assert problem.startswith(warning)
    assert len(cast_of(file)("a", "en-IN")) == 1


@pytest.mark.parametrize(
    ("language", "warning"),
    [("sa-IN", "only for accounts that asked"), ("or-IN", "we don't know that bulbul:v3 speaks")],
)
def test_a_doubtful_language_is_a_warning_where_it_is_listed(
    write: Write, language: str, warning: str
) -> None:
    file = write("  a: Hello.\n", top=f"languages: [en-IN, {language}]\n")

    (problem,) = said(file, language)

    assert problem.startswith(":1:20: warning:")
    assert warning in problem


def test_a_number_the_model_does_not_take_is_an_error_where_it_stands(write: Write) -> None:
    file = write(
        "  a: Hello.\n  b: {text: Hi., voice: {pace: 0.1}}\n",
        top="languages: en-IN\nvoice: {pace: 9}\n",
    )

    assert said(file) == [
        ":2:9: error: `pace` is 9.0; allowed: 0.5 to 2.0 for bulbul:v3",
        ":5:26: error: phrase b: `pace` is 0.1; allowed: 0.5 to 2.0 for bulbul:v3",
    ]
    assert cast_of(file)("a", "en-IN") == ()


def test_a_model_without_known_default_needs_a_speaker(write: Write) -> None:
    found = said(write("  a: Hello.\n", top="languages: en-IN\nvoice: {model: 'bulbul:v9'}\n"))

    assert any("`speaker` is missing" in problem for problem in found)
