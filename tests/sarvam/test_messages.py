"""The WebSocket's messages: what is heard, what is refused, and that what is said is heard again."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeproxy.sarvam import messages, models, refusals
from edgeproxy.sarvam.messages import (
    Audio,
    Config,
    Error,
    Final,
    Flush,
    Ping,
    Text,
    WireError,
    hear_client,
    hear_server,
)
from edgeproxy.sarvam.refusals import SCHEMA, Refusal, Refused


def config(**data: Any) -> str:
    return json.dumps({"type": "config", "data": {"language_code": "hi-IN", "speaker": "x"} | data})


def refused(message: str | bytes) -> Refusal:
    with pytest.raises(Refused) as caught:
        hear_client(message)
    return caught.value.refusal


def test_the_four_messages_of_a_client_are_heard() -> None:
    assert hear_client('{"type":"text","data":{"text":"नमस्ते"}}') == Text("नमस्ते")
    assert hear_client('{"type":"flush"}') == Flush()
    assert hear_client('{"type":"ping","data":null}') == Ping()
    heard = hear_client(config(emotion="warm"))
    assert heard == Config({"language": "hi-IN", "speaker": "x", "emotion": "warm"})


def test_a_config_that_says_little_has_sarvams_defaults() -> None:
    heard = hear_client(config(output_audio_codec=None))
    assert isinstance(heard, Config)
    assert (heard.language, heard.speaker, heard.model) == ("hi-IN", "x", None)
    assert (heard.rate, heard.codec, heard.bitrate) == (22050, "mp3", "128k")
    assert (heard.min_buffer_size, heard.max_chunk_length) == (50, 150)


def test_a_config_that_says_more_is_taken_at_its_word() -> None:
    heard = hear_client(
        config(
            model="bulbul:v3",
            speech_sample_rate="8000",
            output_audio_codec="mulaw",
            output_audio_bitrate="32k",
            min_buffer_size=30,
            max_chunk_length=500,
        )
    )
    assert isinstance(heard, Config)
    assert (heard.model, heard.rate, heard.codec, heard.bitrate) == (
        "bulbul:v3",
        8000,
        "mulaw",
        "32k",
    )
    assert (heard.min_buffer_size, heard.max_chunk_length) == (30, 500)


@pytest.mark.parametrize(
    ("message", "named"),
    [
        ('{"type":"convert","data":{"text":"x"}}', '`type` is "convert"'),
        ('{"data":{"text":"x"}}', "`type` is missing"),
        ('{"type":["text"]}', '`type` is ["text"]'),
        ('{"type":"text","text":"x"}', "`data` is missing"),
        ('{"type":"text","data":"x"}', '`data` is "x"'),
        ('{"type":"text","data":{}}', "`text` is missing"),
        ('{"type":"text","data":{"text":5}}', "`text` is 5"),
        ('{"type":"text","data":{"text":"\\ud83d"}}', "surrogate"),
        ('{"type":"config","data":[]}', "`data` is []"),
        ('{"type":"config","data":{"speaker":"x"}}', "`language_code` is missing"),
        ('{"type":"config","data":{"language_code":"hi-IN"}}', "`speaker` is missing"),
        (b'{"type":"flush"}', "binary"),
        (b"\xff\xfe", "binary"),
        ("flush", "JSON"),
        ("[" * 5000, "depth"),
        (config(min_buffer_size=20), "`min_buffer_size` is 20"),
    ],
)
def test_a_message_that_breaks_the_schema_is_refused_in_sarvams_words_and_ours(
    message: str | bytes, named: str
) -> None:
    refusal = refused(message)
    assert refusal.status == 422
    assert refusal.message.startswith(f"{SCHEMA}. ")
    assert named in refusal.message


def test_a_text_may_have_2500_characters_and_not_one_more() -> None:
    longest = "क" * 2500
    assert hear_client(messages.say_text(longest)) == Text(longest)
    refusal = refused(messages.say_text(longest + "क"))
    assert refusal.status == 422
    assert "2501" in refusal.message
    assert "2500" in refusal.message


def test_an_empty_text_is_heard() -> None:
    assert hear_client('{"type":"text","data":{"text":""}}') == Text("")


def test_an_unknown_rate_is_refused_with_400() -> None:
    assert refused(config(speech_sample_rate=11025)).status == 400


def test_what_our_tables_do_not_know_is_left_to_the_origin() -> None:
    message = config(language_code="xx-IN", speaker="nobody", model="bulbul:v9", pace=99)
    assert isinstance(hear_client(message), Config)


values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
keys = st.sampled_from(
    [
        "language_code",
        "target_language_code",
        "speaker",
        "model",
        "pace",
        "speech_sample_rate",
        "output_audio_codec",
        "min_buffer_size",
        "enable_preprocessing",
        "text",
        "audio",
        "content_type",
        "event_type",
        "message",
        "code",
        "details",
    ]
)
near_misses = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["config", "text", "flush", "ping", "audio", "event", "error"])
        | values
    },
    optional={"data": st.dictionaries(keys | st.text(), values) | values},
).map(json.dumps)
anything = st.text() | st.binary() | near_misses | near_misses.map(str.encode)


@given(anything)
def test_whatever_a_client_sends_is_a_message_or_refused(message: str | bytes) -> None:
    heard: messages.ClientMessage | Refusal
    try:
        heard = hear_client(message)
    except Refused as error:
        heard = error.refusal
    match heard:
        case Refusal():
            assert json.loads(heard.frame("id"))["data"]["code"] in (400, 422)
        case Config():
            # What was let in can be said again.
            assert messages.say_config(models.audible(heard.fields), codec="linear16")
        case _:
            assert isinstance(heard, Text | Flush | Ping)


@given(anything)
def test_whatever_the_origin_sends_is_a_message_or_a_wire_error(message: str | bytes) -> None:
    heard: messages.ServerMessage | WireError
    try:
        heard = hear_server(message)
    except WireError as error:
        heard = error
    if isinstance(heard, Error):
        assert json.loads(heard.refusal.frame("id"))
    else:
        assert isinstance(heard, Audio | Final) or str(heard)


def test_the_three_messages_of_the_origin_are_heard() -> None:
    audio = '{"type":"audio","data":{"request_id":"r","content_type":"audio/pcm","audio":"AAEC"}}'
    assert hear_server(audio) == Audio(b"\0\1\2", "audio/pcm", "r")
    assert hear_server(audio.encode()) == Audio(b"\0\1\2", "audio/pcm", "r")
    assert hear_server('{"type":"audio","data":{"audio":""}}') == Audio(b"", "")
    assert hear_server(messages.FINAL) == Final()
    dated = '{"type":"event","data":{"event_type":"final","timestamp":"2026-10-04T00:00:00Z"}}'
    assert hear_server(dated) == Final()
    assert hear_server(refusals.idle().frame("r")) == Error(refusals.idle())


@pytest.mark.parametrize(
    ("message", "named"),
    [
        ("<html>", "JSON"),
        ("[]", "[]"),
        ('{"type":"audio"}', "audio"),
        ('{"type":"pong","data":{}}', '"pong"'),
        ('{"type":"event","data":{"event_type":"started"}}', '"started"'),
        ('{"type":"event","data":{}}', "event_type"),
        ('{"type":"audio","data":{"content_type":"audio/pcm"}}', "without"),
        ('{"type":"audio","data":{"content_type":"audio/pcm","audio":"A"}}', "base64"),
        ('{"type":"audio","data":{"content_type":"audio/pcm","audio":"AA*A"}}', "base64"),
        ('{"type":"audio","data":{"content_type":"audio/pcm","audio":"नम"}}', "base64"),
    ],
)
def test_anything_else_is_a_wire_error_that_names_it(message: str, named: str) -> None:
    with pytest.raises(WireError) as caught:
        hear_server(message)
    assert named in str(caught.value)


@given(st.binary(), st.text())
def test_audio_that_is_said_is_heard(audio: bytes, request_id: str) -> None:
    said = messages.say_audio(audio, content_type="audio/pcm", request_id=request_id)
    assert hear_server(said) == Audio(audio, "audio/pcm", request_id)


def test_an_audio_message_reads_as_sarvams() -> None:
    said = messages.say_audio(memoryview(b"\0\1\2"), content_type="audio/pcm", request_id="r")
    assert said == (
        b'{"type":"audio","data":{"request_id":"r","content_type":"audio/pcm","audio":"AAEC"}}'
    )


def test_head_and_tail_kept_apart_are_the_whole_message() -> None:
    tail = messages.audio_tail(b"abc", content_type="audio/wav")
    whole = messages.say_audio(b"abc", content_type="audio/wav", request_id="r2")
    assert messages.audio_head("r2") + tail == whole


def test_flush_and_ping_are_heard_as_such() -> None:
    assert hear_client(messages.FLUSH) == Flush()
    assert hear_client(messages.PING) == Ping()


numbers = st.floats(-9, 9).map(lambda number: number + 0.0)
voices = st.fixed_dictionaries(
    {"language": st.sampled_from(["hi-IN", "xx"]), "speaker": st.sampled_from(["shubh", "ß"])},
    optional={
        "model": st.sampled_from([*models.MODELS, "bulbul:v9"]),
        "rate": st.sampled_from(models.WS_RATES),
        "pace": numbers,
        "pitch": numbers,
        "loudness": numbers,
        "temperature": numbers,
        "preprocessing": st.booleans(),
        "dict_id": st.text(),
        "emotion": st.text() | st.integers(-9, 9) | st.lists(st.text()),
    },
).map(models.audible)


@given(voices, st.sampled_from(models.CODECS), st.none() | st.sampled_from(models.BITRATES))
def test_a_voice_that_is_said_is_heard(
    voice: dict[str, Any], codec: str, bitrate: str | None
) -> None:
    heard = hear_client(messages.say_config(voice, codec=codec, bitrate=bitrate))
    assert isinstance(heard, Config)
    assert models.audible(heard.fields) == voice
    assert (heard.codec, heard.bitrate) == (codec, bitrate or "128k")


def test_the_origin_is_told_a_voice_in_full_and_in_its_own_words() -> None:
    voice = models.audible({"language": "hi-IN", "speaker": "shubh", "emotion": "warm"})
    assert orjson.loads(messages.say_config(voice, codec="linear16")) == {
        "type": "config",
        "data": {
            "target_language_code": "hi-IN",
            "speaker": "shubh",
            "model": "bulbul:v3",
            "speech_sample_rate": 22050,
            "pace": 1.0,
            "temperature": 0.6,
            "emotion": "warm",
            "output_audio_codec": "linear16",
            "min_buffer_size": 50,
            "max_chunk_length": 500,
        },
    }


def test_every_codec_has_a_content_type() -> None:
    types = {codec: messages.content_type(codec) for codec in models.CODECS}
    assert types["linear16"] == "audio/pcm"
    assert types["wav"] == "audio/wav"
    assert types["mp3"] == "audio/mpeg"
    assert len(set(types.values())) == len(models.CODECS)
