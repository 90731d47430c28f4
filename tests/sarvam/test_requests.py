"""The HTTP doors: bodies as the real clients send them, and answers that come back as they were."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeproxy.sarvam import models, requests
from edgeproxy.sarvam.messages import WireError
from edgeproxy.sarvam.refusals import SCHEMA, Refusal, Refused
from edgeproxy.sarvam.requests import SpeechRequest, hear_rest, hear_stream

Hear = Callable[[bytes], SpeechRequest]
both_doors = pytest.mark.parametrize("hear", [hear_rest, hear_stream])


def body(**data: Any) -> bytes:
    return json.dumps({"text": "नमस्ते", "language_code": "hi-IN"} | data).encode()


def refused(hear: Hear, message: bytes) -> Refusal:
    with pytest.raises(Refused) as caught:
        hear(message)
    return caught.value.refusal


@pytest.mark.parametrize(("hear", "codec"), [(hear_rest, "wav"), (hear_stream, "mp3")])
def test_each_door_has_its_default_codec(hear: Hear, codec: str) -> None:
    request = hear(body())
    assert request == SpeechRequest("नमस्ते", {"language": "hi-IN"}, codec)
    assert request.bitrate == "128k"


@both_doors
def test_what_livekit_sends_is_taken(hear: Hear) -> None:
    request = hear(
        body(
            speaker="shubh",
            pace=1.0,
            model="bulbul:v3",
            speech_sample_rate="22050",
            output_audio_codec="linear16",
            output_audio_bitrate="64k",
            min_buffer_size=50,
            max_chunk_length=150,
        )
    )
    assert (request.codec, request.bitrate) == ("linear16", "64k")
    assert models.audible(request.fields)["rate"] == 22050


@both_doors
@pytest.mark.parametrize("text", ["", " ", "\n\t"])
def test_a_blank_text_is_refused_as_sarvam_does(hear: Hear, text: str) -> None:
    refusal = refused(hear, body(text=text))
    assert (refusal.status, refusal.message) == (400, "'text' cannot be empty")


@both_doors
@pytest.mark.parametrize(
    ("data", "named"),
    [
        ({"text": None}, "`text` is missing"),
        ({"text": ["x"]}, '`text` is ["x"]'),
        ({"language_code": None}, "`language_code` is missing"),
        ({"pace": 2.5}, "`pace` is 2.5; allowed: 0.5 to 2.0"),
        ({"output_audio_codec": "pcm"}, "linear16"),
        ({"model": "bulbul:v9"}, "`speaker` is missing"),
        ({"inputs": ["a", "b"], "text": None}, "`inputs` is"),
        ({"inputs": ["a"]}, "`inputs` is"),
    ],
)
def test_a_body_that_breaks_the_schema_is_refused_by_name(
    hear: Hear, data: dict[str, Any], named: str
) -> None:
    refusal = refused(hear, body(**data))
    assert refusal.status == 422
    assert refusal.message.startswith(f"{SCHEMA}. ")
    assert named in refusal.message


@both_doors
@pytest.mark.parametrize("message", [b"", b"{", b"[]", b'{"text":"\xff"}', b'{"text":"\\ud800"}'])
def test_what_is_no_json_object_is_refused(hear: Hear, message: bytes) -> None:
    assert refused(hear, message).status == 422


def test_one_legacy_input_is_a_text_for_rest() -> None:
    assert hear_rest(body(text=None, inputs=["hi"])).text == "hi"
    assert "inputs" in refused(hear_stream, body(text=None, inputs=["hi"])).message


def test_rest_knows_more_rates_than_the_others() -> None:
    assert hear_rest(body(speech_sample_rate=48000)).fields["speech_sample_rate"] == 48000
    refusal = refused(hear_stream, body(speech_sample_rate=48000))
    assert refusal.status == 400
    assert refusal.message.startswith("Speech sample rate can only be 8000, 16000, 22050, 24000 Hz")


@pytest.mark.parametrize(
    ("hear", "data", "limit"),
    [
        (hear_rest, {"model": "bulbul:v2"}, 1500),
        (hear_rest, {}, 2500),
        (hear_rest, {"model": "bulbul:v9", "speaker": "x"}, 2500),
        (hear_stream, {}, 3500),
    ],
)
def test_a_text_may_be_as_long_as_the_model_takes(
    hear: Hear, data: dict[str, Any], limit: int
) -> None:
    assert len(hear(body(text="क" * limit, **data)).text) == limit
    refusal = refused(hear, body(text="क" * (limit + 1), **data))
    assert f"`text` has {limit + 1} characters; allowed: at most {limit}" in refusal.message


@given(st.binary() | st.text().map(str.encode))
def test_whatever_comes_is_a_request_or_refused(message: bytes) -> None:
    for hear in (hear_rest, hear_stream):
        try:
            request = hear(message)
        except Refused as error:
            json.loads(error.refusal.body("id"))
        else:
            assert request.text.strip()


@both_doors
def test_a_request_that_is_said_is_heard(hear: Hear) -> None:
    voice = models.audible({"language": "hi-IN", "speaker": "shubh", "emotion": "warm"})
    request = hear(requests.say_request(voice, "नमस्ते", codec="linear16"))
    assert (request.text, request.codec) == ("नमस्ते", "linear16")
    assert models.audible(request.fields) == voice


@given(st.binary())
def test_an_answer_that_is_said_is_heard(audio: bytes) -> None:
    answer = requests.say_answer('20261004_"x"', audio)
    assert json.loads(answer).keys() == {"request_id", "audios"}
    assert requests.hear_answer(answer) == audio


@pytest.mark.parametrize(
    "answer",
    [b"", b"<html>", b"[]", b"{}", b'{"audios":[]}', b'{"audios":["",""]}', b'{"audios":["*"]}'],
)
def test_an_answer_without_its_one_audio_is_a_wire_error(answer: bytes) -> None:
    with pytest.raises(WireError):
        requests.hear_answer(answer)
