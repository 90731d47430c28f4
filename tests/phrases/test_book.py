import json
from typing import Any

import pytest
from pydantic import ValidationError

from edgeproxy.phrases.book import Book, Phrase, schema


def phrase(**fields: Any) -> Phrase:
    return Phrase.model_validate({"en-IN": "Hello.", **fields})


def book(**fields: Any) -> Book:
    return Book.model_validate({"languages": "en-IN", "phrases": {"a": "Hello."}, **fields})


def test_a_phrase_is_a_text_or_has_one_field_per_language() -> None:
    alone = Phrase.model_validate("Hello.")
    many = Phrase.model_validate({"en-IN": "Hello.", "hi-IN": "नमस्ते।", "takes": "3"})

    assert (alone.text, alone.texts) == ("Hello.", {})
    assert (many.text, many.texts) == (None, {"en-IN": "Hello.", "hi-IN": "नमस्ते।"})
    assert many.takes == 3


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"text": "Hi"}, "both `text` and texts by language"),
        ({"audio": "a.wav", "takes": "2"}, "both `audio` and `takes`"),
        ({"audio": "a.wav", "values": {"x": ["1"]}}, "both `audio` and `values`"),
        ({"audio": "a.wav", "hi-IN": "नमस्ते।"}, "one `audio` for several languages"),
        ({"en-IN": None}, "valid string"),
    ],
)
def test_fields_that_exclude_each_other_are_refused(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        phrase(**fields)


@pytest.mark.parametrize(
    ("fields", "is_whole"),
    [
        ({}, False),
        ({"whole": "yes"}, True),
        ({"takes": "2"}, True),
        ({"audio": "a.wav"}, True),
        ({"audio": {"en-IN": "a.wav"}}, True),
        ({"audio": {"hi-IN": "a.wav"}}, False),
    ],
)
def test_takes_and_recordings_make_one_recording(fields: dict[str, Any], is_whole: bool) -> None:
    assert phrase(**fields).is_whole("en-IN") is is_whole


def test_one_speaker_or_language_needs_no_list() -> None:
    found = book(voice={"speaker": "ritu"}, sample_rates="24000")

    assert found.voice is not None
    assert (found.languages, found.voice.speaker) == (("en-IN",), ("ritu",))
    assert found.sample_rates == (24000,)


def test_a_rate_that_is_not_streamed_is_refused() -> None:
    with pytest.raises(ValidationError, match="44100 Hz"):
        book(sample_rates=["44100"])


def test_a_book_for_some_cannot_be_public() -> None:
    with pytest.raises(ValidationError, match="`tenants`"):
        book(tenants=["acme"], public="true")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"loudness_dbfs": {"least": "-12", "most": "-32"}}, "not below -32"),
        ({"loudness_dbfs": {"least": "-32"}}, "Field required"),
        ({"loudness_dbfs": {"least": "-90", "most": "-12"}}, "greater than or equal to -60"),
        ({"normalise_dbfs": "-3"}, "less than or equal to -6"),
        (
            {"normalise_dbfs": "-10", "loudness_dbfs": {"least": "-32", "most": "-12"}},
            "outside its `loudness_dbfs`, -32 to -12",
        ),
    ],
)
def test_a_loudness_that_cannot_be_is_refused(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        book(**fields)


@pytest.mark.parametrize("wrong", ["Greeting", "a b", "नमस्ते", "a/b", "-a", "x" * 65])
def test_an_id_fits_into_an_address(wrong: str) -> None:
    with pytest.raises(ValidationError):
        book(phrases={wrong: "Hello."})


def test_the_schema_closes_every_mapping_and_explains_every_field() -> None:
    found = schema()

    def walk(part: Any) -> None:
        if isinstance(part, dict):
            if "properties" in part or "patternProperties" in part:
                assert part["additionalProperties"] is False or part["title"] == "Other"
            for name, field in part.get("properties", {}).items():
                assert field.get("description"), name
            for each in part.values():
                walk(each)
        if isinstance(part, list):
            for each in part:
                walk(each)

    walk(found)
    assert found["$schema"].startswith("https://json-schema.org/")
    assert json.loads(json.dumps(found)) == found


def test_the_schema_lets_a_phrase_be_a_text_or_languages() -> None:
    found = schema()
    (phrases,) = found["properties"]["phrases"]["patternProperties"].values()

    assert {"type": "string"} in phrases["anyOf"]
    assert list(found["$defs"]["Phrase"]["patternProperties"]) == ["^[a-z]{2,3}-[A-Z]{2}$"]
    assert "texts" not in found["$defs"]["Phrase"]["properties"]
