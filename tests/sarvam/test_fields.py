"""Fields are read strictly where Sarvam's schema is strict, and liberally where clients differ."""

from typing import Any

import pytest

from edgeproxy.sarvam.fields import load, read, require
from edgeproxy.sarvam.models import BITRATES, CODECS, WS_RATES
from edgeproxy.sarvam.refusals import SCHEMA, Refusal, Refused


def refused(data: dict[str, Any]) -> Refusal:
    with pytest.raises(Refused) as caught:
        read(data, rates=WS_RATES)
    return caught.value.refusal


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("speaker", ""),
        ("speaker", " "),
        ("speaker", 5),
        ("model", ""),
        ("language_code", ["hi-IN"]),
        ("target_language_code", ""),
        ("pace", True),
        ("pace", "fast"),
        ("pitch", [0.0]),
        ("loudness", float("nan")),
        ("temperature", float("inf")),
        ("enable_preprocessing", "true"),
        ("enable_preprocessing", 1),
        ("enable_cached_responses", 0),
        ("dict_id", 7),
        ("output_audio_codec", "ogg"),
        ("output_audio_codec", ["mp3"]),
        ("output_audio_codec", "MP3"),
        ("output_audio_bitrate", "48k"),
        ("output_audio_bitrate", 128),
        ("min_buffer_size", 29),
        ("min_buffer_size", 201),
        ("min_buffer_size", True),
        ("min_buffer_size", 50.5),
        ("max_chunk_length", 49),
        ("max_chunk_length", 501),
        ("speech_sample_rate", True),
        ("speech_sample_rate", [24000]),
    ],
)
def test_what_breaks_the_schema_is_refused_by_name(name: str, value: Any) -> None:
    refusal = refused({name: value})
    assert refusal.status == 422
    assert refusal.message.startswith(f"{SCHEMA}. `{name}` is ")
    assert "; allowed: " in refusal.message


@pytest.mark.parametrize("codec", ["pcm", "pcm_s16le"])
def test_pcm_is_told_its_name_here(codec: str) -> None:
    assert "linear16" in refused({"output_audio_codec": codec}).message.partition("allowed:")[2]


@pytest.mark.parametrize("rate", [24000, 24000.0, "24000"])
def test_a_rate_is_a_rate_however_it_is_written(rate: Any) -> None:
    assert read({"speech_sample_rate": rate}, rates=WS_RATES) == {"speech_sample_rate": 24000}


@pytest.mark.parametrize("rate", [11025, "11025", 22050.5, "२४०००", "fast", "9" * 5000, -1])
def test_an_unknown_rate_is_refused_in_sarvams_words(rate: Any) -> None:
    refusal = refused({"speech_sample_rate": rate})
    assert refusal.status == 400
    assert refusal.message.startswith(
        "Speech sample rate can only be 8000, 16000, 22050, 24000 Hz. `speech_sample_rate` is "
    )
    assert len(refusal.message) < 200


@pytest.mark.parametrize("name", ["language_code", "target_language_code"])
def test_both_names_of_the_language_are_one(name: str) -> None:
    assert read({name: "hi-IN"}, rates=WS_RATES) == {"language": "hi-IN"}


def test_both_names_may_be_given_if_they_agree() -> None:
    both = {"language_code": "hi-IN", "target_language_code": "hi-IN"}
    assert read(both, rates=WS_RATES) == {"language": "hi-IN"}
    refusal = refused(both | {"target_language_code": "ta-IN"})
    assert (refusal.status, "hi-IN" in refusal.message) == (422, True)


def test_null_is_absent() -> None:
    names = ["language_code", "speaker", "pace", "speech_sample_rate", "dict_id", "emotion"]
    assert read(dict.fromkeys(names), rates=WS_RATES) == {}


def test_numbers_become_floats_and_minus_nought_is_nought() -> None:
    fields = read({"pace": 1, "pitch": -0.0}, rates=WS_RATES)
    assert repr(fields) == "{'pace': 1.0, 'pitch': 0.0}"


@pytest.mark.parametrize("value", ["warm", 5, 0.5, True, [1, {"a": "b"}], {"x": [None]}])
def test_unknown_fields_stay_as_they_came(value: Any) -> None:
    assert read({"emotion": value}, rates=WS_RATES) == {"emotion": value}


@pytest.mark.parametrize("name", ["language", "rate", "preprocessing"])
def test_a_name_that_means_something_else_in_a_voice_is_refused(name: str) -> None:
    assert f"`{name}` is" in refused({name: "hi-IN"}).message


def test_an_unknown_field_too_deep_to_be_passed_on_is_refused() -> None:
    deep: list[Any] = []
    for _ in range(300):
        deep = [deep]
    refusal = refused({"emotion": deep})
    assert "`emotion` is a list" in refusal.message


def test_all_codecs_and_bitrates_are_taken() -> None:
    for codec in CODECS:
        assert read({"output_audio_codec": codec}, rates=WS_RATES)["output_audio_codec"] == codec
    for bitrate in BITRATES:
        assert read({"output_audio_bitrate": bitrate}, rates=WS_RATES)


def test_what_is_missing_is_named() -> None:
    require({"language": "hi-IN", "speaker": "x"}, "language", "speaker")
    with pytest.raises(Refused, match="`language_code` is missing"):
        require({"speaker": "x"}, "language", "speaker")
    with pytest.raises(Refused, match="`speaker` is missing"):
        require({"language": "hi-IN"}, "language", "speaker")


@pytest.mark.parametrize(
    ("message", "why"),
    [
        ("", "empty"),
        ("hello", "JSON"),
        ("[1]", "Not a JSON object: [1]"),
        ("null", "Not a JSON object: null"),
        ('{"a":NaN}', "JSON"),
        ('{"a":1e999}', "infinity"),
        ('{"a":"\\ud800"}', "surrogate"),
        (b'{"a":"\xff"}', "UTF-8"),
        ('{"a":' * 2000, "depth"),
    ],
)
def test_what_is_no_json_object_is_refused_saying_what_it_is(
    message: str | bytes, why: str
) -> None:
    with pytest.raises(Refused) as caught:
        load(message)
    assert caught.value.refusal.status == 422
    assert caught.value.refusal.message.startswith(SCHEMA)
    assert why in caught.value.refusal.message
