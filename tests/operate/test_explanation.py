"""What may be asked, and what is said to a question that can't be answered."""

from typing import Any

import pytest

from edgeproxy.operate.explanation import BadQuestion, Question

HINDI = {"text": "नमस्ते।", "language": "hi-IN"}


def test_a_voice_may_be_written_as_on_the_wire_or_as_it_is_kept() -> None:
    kept = Question.read({**HINDI, "speaker": "ritu", "rate": 8000, "pace": 1})
    on_the_wire = Question.read(
        {
            "text": "नमस्ते।",
            "target_language_code": "hi-IN",
            "speaker": "ritu",
            "speech_sample_rate": "8000",
            "output_audio_codec": "mp3",
            "tenant": None,
        }
    )
    assert kept == on_the_wire
    assert kept.voice.fields["pace"] == 1.0
    assert Question.read(HINDI).voice.speaker == "shubh"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"text": None}, "`text` is missing"),
        ({"text": " "}, "cannot be empty"),
        ({"text": "a" * 2501}, "2501 characters; allowed: at most 2500"),
        ({"language": None}, "`language_code` is missing"),
        ({"model": "bulbul:v9"}, "`speaker` is missing"),
        ({"model": "../x", "speaker": "ritu"}, "`model` is"),
        ({"rate": 11025}, "can only be 8000"),
        ({"pace": 9.0}, "0.5 to 2.0 for bulbul:v3"),
        ({"pace": True}, "a number"),
        ({"target_language_code": "ta-IN"}, "by two names"),
        ({"tenant": 1}, "`tenant` is 1; allowed: a name"),
        ({"namespace": "key-\n"}, "`namespace`"),
        ({"namespace": ""}, "`namespace`"),
        ({"namespace": "key-1", "tenant": "asha"}, "keep one of them"),
    ],
)
def test_a_bad_question_is_told_what_is_wrong(given: dict[str, Any], said: str) -> None:
    with pytest.raises(BadQuestion, match=said.replace("(", r"\(")):
        Question.read({**HINDI, **given})
