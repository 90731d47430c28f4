"""Which fields make a voice, and what a model takes."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeproxy.sarvam import models, refusals
from edgeproxy.sarvam.messages import Config, hear_client
from edgeproxy.sarvam.models import MODELS, audible, check_ranges, hint
from edgeproxy.sarvam.refusals import Refusal, Refused

# As sent by the real packages, captured.
LIVEKIT = """{"target_language_code":"hi-IN","speaker":"shubh","pace":1.0,"model":"bulbul:v3",
  "speech_sample_rate":22050,"output_audio_codec":"mp3","temperature":0.6,
  "output_audio_bitrate":"128k","min_buffer_size":50,"max_chunk_length":150}"""
LIVEKIT_JS = """{"target_language_code":"hi-IN","speaker":"shubh","model":"bulbul:v3","pace":1,
  "speech_sample_rate":"24000","output_audio_codec":"linear16","temperature":0.6}"""
SARVAMAI = """{"language_code":"hi-IN","speaker":"shubh","pitch":0.0,"pace":1.0,"loudness":1.0,
  "speech_sample_rate":22050,"enable_preprocessing":false,"output_audio_codec":"mp3",
  "output_audio_bitrate":"128k","min_buffer_size":50,"max_chunk_length":150,"dict_id":null}"""
PIPECAT = """{"target_language_code":"hi-IN","speaker":"shubh","speech_sample_rate":"24000",
  "enable_preprocessing":true,"min_buffer_size":50,"max_chunk_length":150,
  "output_audio_codec":"linear16","output_audio_bitrate":"128k","pace":1.0,"model":"bulbul:v3"}"""
BOLNA = """{"target_language_code":"hi-IN","speaker":"shubh","pace":1.0,"enable_preprocessing":true,
  "output_audio_codec":"wav","output_audio_bitrate":"32k","max_chunk_length":250,
  "min_buffer_size":50}"""


def heard(data: str) -> dict[str, Any]:
    config = hear_client(f'{{"type":"config","data":{data}}}')
    assert isinstance(config, Config)
    return dict(config.fields)


VOICE = {
    "model": "bulbul:v3",
    "language": "hi-IN",
    "speaker": "shubh",
    "rate": 24000,
    "pace": 1.0,
    "temperature": 0.6,
}


@pytest.mark.parametrize("data", [LIVEKIT, LIVEKIT_JS, SARVAMAI, PIPECAT, BOLNA])
def test_all_clients_that_mean_one_voice_share_it(data: str) -> None:
    fields = heard(data) | {"speech_sample_rate": 24000}
    voice = audible(fields, model="bulbul:v3")
    assert voice == VOICE
    # Also as canonical bytes, where 1 and 1.0 differ.
    assert json.dumps(voice, sort_keys=True) == json.dumps(VOICE, sort_keys=True)


def test_livekit_and_the_sdk_share_a_voice_of_v4_flash() -> None:
    speaker = {"speaker": "shubh_en_narration_gentle"}
    livekit = heard(LIVEKIT) | {"pitch": 0.0, "loudness": 1.0, "enable_preprocessing": False}
    sdk = heard(SARVAMAI)
    v4_flash = "bulbul:v4-flash"
    assert audible(livekit | speaker, model=v4_flash) == audible(sdk | speaker, model=v4_flash)


def test_the_default_model_and_rate_are_filled_in() -> None:
    voice = audible({"language": "hi-IN", "speaker": "shubh"})
    assert voice == VOICE | {"rate": 22050}


def test_the_querys_model_wins() -> None:
    assert audible(heard(LIVEKIT), model="bulbul:v9")["model"] == "bulbul:v9"


def test_without_a_speaker_the_models_own_speaks() -> None:
    assert audible({"language": "hi-IN"})["speaker"] == "shubh"
    assert audible({"language": "hi-IN"}, model="bulbul:v2")["speaker"] == "anushka"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("language", "ta-IN"),
        ("speaker", "ritu"),
        ("model", "bulbul:v3-beta"),
        ("speech_sample_rate", 8000),
        ("pace", 1.1),
        ("temperature", 0.7),
        ("pitch", 0.1),
        ("loudness", 1.1),
        ("dict_id", "d1"),
        ("emotion", "warm"),
        ("emotion", {"warm": [1]}),
    ],
)
def test_whatever_can_be_heard_changes_the_voice(field: str, value: Any) -> None:
    fields = heard(LIVEKIT)
    assert audible(fields | {field: value}) != audible(fields)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("min_buffer_size", 200),
        ("max_chunk_length", 500),
        ("output_audio_codec", "wav"),
        ("output_audio_bitrate", "32k"),
        ("enable_cached_responses", True),
        ("send_completion_event", True),
        ("enable_preprocessing", True),
        ("pitch", 0.0),
        ("loudness", 1.0),
        ("dict_id", None),
    ],
)
def test_whatever_can_not_be_heard_does_not(field: str, value: Any) -> None:
    fields = heard(LIVEKIT)
    assert audible(fields | {field: value}) == audible(fields)


def test_v4_flash_keeps_pitch_and_loudness_and_forgets_the_temperature() -> None:
    fields = {"language": "hi-IN", "speaker": "ritu_hi_sales", "temperature": 0.9}
    voice = audible(fields | {"enable_preprocessing": True}, model="bulbul:v4-flash")
    assert voice == {
        "model": "bulbul:v4-flash",
        "language": "hi-IN",
        "speaker": "ritu_hi_sales",
        "rate": 22050,
        "pace": 1.0,
        "pitch": 0.0,
        "loudness": 1.0,
    }


def test_v2_can_be_told_to_preprocess() -> None:
    fields = {"language": "hi-IN", "temperature": 0.9}
    plain = audible(fields, model="bulbul:v2")
    assert plain["preprocessing"] is False
    assert "temperature" not in plain
    assert audible(fields | {"enable_preprocessing": True}, model="bulbul:v2") != plain


def test_of_a_model_nobody_knows_everything_given_is_kept_and_nothing_made_up() -> None:
    given = {"language": "hi-IN", "speaker": "x", "pitch": 0.0, "temperature": 0.6}
    voice = audible(given | {"enable_preprocessing": False}, model="bulbul:v9")
    assert voice == given | {"preprocessing": False, "model": "bulbul:v9", "rate": 22050}


numbers = st.floats(-3, 3, allow_nan=False)
config_fields = st.fixed_dictionaries(
    {"language": st.sampled_from(sorted(models.LANGUAGES)), "speaker": st.text(min_size=1)},
    optional={
        "model": st.sampled_from([*MODELS, "bulbul:v9"]),
        "pace": numbers | st.integers(0, 3),
        "pitch": numbers,
        "loudness": numbers,
        "temperature": numbers,
        "enable_preprocessing": st.booleans(),
        "speech_sample_rate": st.sampled_from(models.WS_RATES),
        "dict_id": st.none() | st.text(),
        "emotion": st.text(),
        "min_buffer_size": st.integers(30, 200),
    },
)


@given(config_fields)
def test_a_voice_is_its_own_voice(fields: dict[str, Any]) -> None:
    voice = audible(fields)
    assert audible(voice) == voice


@pytest.mark.parametrize(
    ("model", "field", "value"),
    [
        ("bulbul:v2", "pace", 3.0),
        ("bulbul:v3", "pace", 0.5),
        ("bulbul:v3", "temperature", 2.0),
        ("bulbul:v3-beta", "pitch", -0.75),
        ("bulbul:v3", "loudness", 3.0),
        ("bulbul:v4-flash", "loudness", 0.1),
        ("bulbul:v4-flash", "pitch", 0.5),
        ("bulbul:v9", "pace", 900.0),
    ],
)
def test_the_ends_of_a_range_are_in_it(model: str, field: str, value: float) -> None:
    check_ranges(model, {field: value})


@pytest.mark.parametrize(
    ("model", "field", "value", "allowed"),
    [
        ("bulbul:v2", "pace", 3.1, "0.3 to 3.0"),
        ("bulbul:v3", "pace", 2.1, "0.5 to 2.0"),
        ("bulbul:v3", "temperature", 0.0, "0.01 to 2.0"),
        ("bulbul:v4-flash", "pitch", 0.6, "-0.5 to 0.5"),
        ("bulbul:v4-flash", "loudness", 2.6, "0.1 to 2.5"),
    ],
)
def test_out_of_range_is_refused_with_the_range(
    model: str, field: str, value: float, allowed: str
) -> None:
    with pytest.raises(Refused) as caught:
        check_ranges(model, {field: value})
    assert caught.value.refusal.status == 422
    assert caught.value.refusal.message == (
        f"{refusals.SCHEMA}. `{field}` is {value}; allowed: {allowed} for {model}"
    )


def test_each_model_speaks_by_default_with_one_of_its_own() -> None:
    for model in MODELS.values():
        assert model.default_speaker in model.speakers
        assert not model.languages & model.gated_languages
        check_ranges(model.name, model.defaults)
    assert [model.name for model in MODELS.values() if model.retired] == ["bulbul:v2"]


def test_a_model_nobody_knows_gets_the_most_liberal_limit() -> None:
    assert models.text_limit("bulbul:v2", door="rest") == 1500
    assert models.text_limit("bulbul:v9", door="rest") == 2500
    assert models.text_limit("bulbul:v9", door="stream") == 3500


def test_a_refused_speaker_is_told_who_there_is() -> None:
    said = {"message": "400: Speaker 'anushka' is not compatible with model bulbul:v3"}
    hinted = hint(Refusal.from_frame(said), audible({"language": "hi-IN", "speaker": "anushka"}))
    assert hinted.message.startswith(
        "Speaker 'anushka' is not compatible with model bulbul:v3. "
        '`speaker` is "anushka"; allowed: aayan, aditya, '
    )
    assert hinted.bare


def test_among_two_hundred_speakers_those_of_the_language_are_named() -> None:
    said = {"message": "400: Speaker 'shubh' is not compatible with model bulbul:v4-flash"}
    voice = {"language": "ta-IN", "speaker": "shubh", "model": "bulbul:v4-flash"}
    message = hint(Refusal.from_frame(said), voice).message
    assert "gokul_ta_narration" in message
    assert "_hi_" not in message


@pytest.mark.parametrize(
    ("message", "fields", "found"),
    [
        (
            "Please request beta access to ur-IN by contacting our support team.",
            {"language": "ur-IN"},
            '`target_language_code` is "ur-IN"; allowed: bn-IN, ',
        ),
        (
            "Model 'bulbul:v2' has been deprecated. Please use 'bulbul:v3' instead.",
            {"model": "bulbul:v2"},
            '`model` is "bulbul:v2"; allowed: bulbul:v3, bulbul:v3-beta, bulbul:v4-flash',
        ),
        (
            "Speech sample rate can only be 8000 Hz",
            {"speech_sample_rate": 24000},
            "`speech_sample_rate` is 24000; allowed: 8000, 16000, 22050, 24000",
        ),
        (
            "- speech_sample_rate: Input should be 8000",
            {"rate": 24000},
            "`speech_sample_rate` is 24000; allowed: 8000",
        ),
        ("Pace must be sane", {"pace": 1.9}, "`pace` is 1.9; allowed: 0.5 to 2.0"),
        (
            refusals.SCHEMA,
            {"language": "xx-IN", "speaker": "shubh"},
            '`target_language_code` is "xx-IN"; allowed: ',
        ),
        (
            refusals.SCHEMA,
            {"language": "hi-IN", "speaker": "nobody"},
            '`speaker` is "nobody"; allowed: ',
        ),
        (refusals.SCHEMA, {"model": "bulbul:v9"}, '`model` is "bulbul:v9"; allowed: bulbul:v3, '),
    ],
)
def test_a_hint_names_the_field_that_the_message_is_about(
    message: str, fields: dict[str, Any], found: str
) -> None:
    hinted = hint(Refusal(400, message, "c"), fields).message
    assert hinted.startswith(message)
    assert found in hinted.removeprefix(message)


@pytest.mark.parametrize(
    "refusal",
    [
        refusals.credentials(),
        refusals.rate_limited(),
        refusals.empty_text(),
        refusals.malformed("`speaker` is strange"),
        Refusal(400, "Something about the dict_id", "c"),
    ],
)
def test_a_refusal_about_something_else_or_hinted_already_stays_as_it_is(refusal: Refusal) -> None:
    assert hint(refusal, {"language": "hi-IN", "speaker": "nobody"}) == refusal


def test_a_model_nobody_knows_has_nothing_to_hint_at() -> None:
    refusal = Refusal(400, "Speaker 'x' is not known", "c")
    assert hint(refusal, {"speaker": "x", "model": "bulbul:v9"}) == refusal


@pytest.mark.parametrize(
    "model", ["M" * 65, "../../x", "a\r\nHost: evil", "मॉडल", " bulbul:v3", "-", "a?b=c"]
)
def test_a_model_whose_name_is_none_is_refused_before_anything_is_dialled(model: str) -> None:
    with pytest.raises(Refused, match=r"`model` is .* at most 64 letters"):
        models.check_ranges(model, {})


@pytest.mark.parametrize("model", ["bulbul:v5", "bulbul:v4-flash_2.1", "x" * 64])
def test_a_model_that_nobody_has_heard_of_is_the_origins_to_judge(model: str) -> None:
    models.check_ranges(model, {"pace": 99})
