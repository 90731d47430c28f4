"""Who speaks for OpenAI's names."""

import pytest

from edgeproxy.openai.voices import MODELS, SPEAKERS, Voices, model_of, parted
from edgeproxy.sarvam import models

VOICES = Voices(language="en-IN", named={"alloy": "priya@ta-IN", "desk": "ritu", "ash": "rohan"})


def test_every_voice_of_openais_has_a_speaker_of_the_default_model_and_none_the_same() -> None:
    assert set(SPEAKERS.values()) <= models.MODELS[models.DEFAULT_MODEL].speakers
    assert len(set(SPEAKERS.values())) == len(SPEAKERS)


@pytest.mark.parametrize(
    ("voice", "speaker", "language"),
    [
        ("nova", SPEAKERS["nova"], "en-IN"),
        ("nova@hi-IN", SPEAKERS["nova"], "hi-IN"),
        ("shubh", "shubh", "en-IN"),
        ("shubh@hi-IN", "shubh", "hi-IN"),
        ("aarti_hi_customer@hi-IN", "aarti_hi_customer", "hi-IN"),
        ("nobody", "nobody", "en-IN"),
        ("Nova", "Nova", "en-IN"),
        # As the settings have it, in place of ours, with a language of its own or without.
        ("alloy", "priya", "ta-IN"),
        ("alloy@hi-IN", "priya", "hi-IN"),
        ("ash", "rohan", "en-IN"),
        ("desk", "ritu", "en-IN"),
    ],
)
def test_a_voice_is_a_speaker_and_a_language(voice: str, speaker: str, language: str) -> None:
    assert VOICES.meant(voice) == (speaker, language)


@pytest.mark.parametrize(
    "voice", ["", " ", "@", "@hi-IN", "shubh@", "shubh@ ", "shubh@hi-IN@ta-IN"]
)
def test_what_names_no_speaker_or_no_language_is_refused(voice: str) -> None:
    for read in (VOICES.meant, parted):
        with pytest.raises(ValueError, match="speaker@language"):
            read(voice)


@pytest.mark.parametrize(
    "name", [*MODELS, "tts-1-1106", "tts-1-hd-1106", "gpt-4o-mini-tts-2025-12-15"]
)
def test_openais_models_and_their_dated_versions_are_our_default(name: str) -> None:
    assert model_of(name) == models.DEFAULT_MODEL


@pytest.mark.parametrize("name", ["bulbul:v3", "bulbul:v4-flash", "bulbul:v9"])
def test_sarvams_models_are_themselves(name: str) -> None:
    assert model_of(name) == name


@pytest.mark.parametrize(
    "name", ["gpt-4o", "tts-2", "my-tts-1", "whisper-1", "bulbul", "tts-1-new"]
)
def test_other_models_are_nobodys(name: str) -> None:
    assert model_of(name) is None
