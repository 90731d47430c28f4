"""Bodies of OpenAI's, as they are understood."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeproxy.openai.errors import Error, Invalid
from edgeproxy.openai.requests import CODECS, Heard, hear
from edgeproxy.openai.voices import Voices
from edgeproxy.sarvam import models

VOICES = Voices(language="en-IN", named={})
BODY: dict[str, Any] = {"model": "tts-1", "voice": "shubh@hi-IN", "input": "नमस्ते।"}


def heard(**changes: Any) -> Heard:
    return hear(orjson.dumps({**BODY, **changes}), VOICES)


def refused(body: bytes) -> Error:
    with pytest.raises(Invalid) as caught:
        hear(body, VOICES)
    return caught.value.error


def test_a_body_is_a_request_as_sarvams_doors_know_it() -> None:
    asked = heard(speed=1.5, response_format="pcm")
    assert asked.speech.text == "नमस्ते।"
    assert asked.speech.codec == "linear16"
    assert models.audible(asked.speech.fields) == {
        "model": "bulbul:v3",
        "language": "hi-IN",
        "speaker": "shubh",
        "rate": 24000,
        "pace": 1.5,
        "temperature": 0.6,
    }


def test_what_is_not_said_is_as_openai_has_it() -> None:
    for silent in ({}, {"speed": None, "response_format": None, "stream_format": None}):
        asked = heard(**silent)
        assert asked.speech.codec == "mp3"
        assert "pace" not in asked.speech.fields
        assert not asked.events


@pytest.mark.parametrize(("name", "codec"), CODECS.items())
def test_all_of_openais_formats_are_there(name: str, codec: str) -> None:
    assert heard(response_format=name).speech.codec == codec


def test_a_voice_may_be_an_object_with_its_id() -> None:
    assert heard(voice={"id": "priya@ta-IN"}).speech.fields["speaker"] == "priya"


def test_a_speed_of_one_is_the_voice_of_who_says_none() -> None:
    assert models.audible(heard(speed=1).speech.fields) == models.audible(heard().speech.fields)


@pytest.mark.parametrize("fields", [{"instructions": "Be cheerful."}, {"user": "me", "x": [1]}])
def test_instructions_and_unknown_fields_are_passed_over(fields: dict[str, Any]) -> None:
    assert heard(**fields) == heard()


def test_events_are_asked_for_by_name() -> None:
    assert heard(stream_format="sse").events
    assert not heard(stream_format="audio").events


def test_a_model_we_dont_know_the_range_of_takes_any_speed() -> None:
    assert heard(model="bulbul:v9", speed=3.9).speech.fields["pace"] == 3.9


@pytest.mark.parametrize(
    ("changes", "status", "param", "named"),
    [
        ({"model": None}, 400, "model", "is missing; allowed: bulbul:v3"),
        ({"model": 3}, 400, "model", "tts-1"),
        ({"model": "gpt-4o"}, 404, "model", "bulbul:v3"),
        ({"input": None}, 400, "input", "is missing"),
        ({"input": ["नमस्ते।"]}, 400, "input", "1 to 4096"),
        ({"input": " \n"}, 400, "input", "1 to 4096"),
        ({"input": "क" * 4097}, 400, "input", "4097"),
        ({"voice": None}, 400, "voice", "is missing; allowed: `speaker` or `speaker@language`"),
        ({"voice": {"name": "shubh"}}, 400, "voice", "speaker@language"),
        ({"voice": {"id": 3}}, 400, "voice", "speaker@language"),
        ({"voice": "shubh@"}, 400, "voice", "speaker@language"),
        ({"speed": 0.25}, 400, "speed", "0.5 to 2.0 for bulbul:v3"),
        ({"speed": 4}, 400, "speed", "0.5 to 2.0 for bulbul:v3"),
        ({"speed": True}, 400, "speed", "a number"),
        ({"speed": "fast"}, 400, "speed", "a number"),
        ({"response_format": "ogg"}, 400, "response_format", "mp3, opus, aac, flac, wav, pcm"),
        ({"response_format": ["mp3"]}, 400, "response_format", "pcm"),
        ({"stream_format": "ndjson"}, 400, "stream_format", "audio, sse"),
    ],
)
def test_what_cant_be_spoken_is_refused_with_what_is_allowed(
    changes: dict[str, Any], status: int, param: str, named: str
) -> None:
    error = refused(orjson.dumps({**BODY, **changes}))
    assert (error.status, error.param, error.type) == (status, param, "invalid_request_error")
    assert f"`{param}`" in error.message or param == "model"
    assert named in error.message


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'"x"', b"\xff", b'{"input": "\\ud800"}', b"[" * 9999]
)
def test_what_is_no_json_object_is_a_400(body: bytes) -> None:
    assert refused(body).status == 400


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)
_FIELDS = ("model", "voice", "input", "speed", "response_format", "stream_format", "instructions")


@given(st.dictionaries(st.sampled_from(_FIELDS), _JSON))
def test_whatever_a_body_holds_it_is_understood_or_refused_in_openais_shape(
    changes: dict[str, Any],
) -> None:
    try:
        body = orjson.dumps({**BODY, **changes})
    except TypeError:
        return  # an integer that is none of JSON's
    try:
        said = hear(body, VOICES).speech.text
    except Invalid as invalid:
        error = invalid.error
    else:
        assert said.strip()
        return
    assert error.status in (400, 404)
    assert orjson.loads(error.body())["error"]["message"] == error.message
