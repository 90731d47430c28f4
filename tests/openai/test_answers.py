"""What is answered besides audio."""

from base64 import b64decode

import orjson
import pytest

from edgeproxy.openai import answers
from edgeproxy.openai.errors import Invalid
from edgeproxy.openai.requests import hear
from edgeproxy.openai.voices import Voices
from edgeproxy.sarvam import models


def test_every_model_that_is_listed_can_be_looked_up_and_asked_for() -> None:
    listed = orjson.loads(answers.say_models())
    assert listed["object"] == "list"
    names = [each["id"] for each in listed["data"]]
    assert {"bulbul:v3", "tts-1", "gpt-4o-mini-tts"} <= set(names)
    assert not {each.name for each in models.MODELS.values() if each.retired} & set(names)
    for each in listed["data"]:
        assert orjson.loads(answers.say_model(each["id"])) == each
        body = orjson.dumps({"model": each["id"], "voice": "shubh", "input": "x"})
        assert hear(body, Voices(language="en-IN", named={})).speech.fields["model"] in names


def test_another_model_is_a_404_that_says_which_there_are() -> None:
    with pytest.raises(Invalid, match="tts-1-hd") as caught:
        answers.say_model("whisper-1")
    assert (caught.value.error.status, caught.value.error.code) == (404, "model_not_found")


def test_an_event_holds_its_piece_and_the_last_one_says_that_it_is_over() -> None:
    piece = bytes(range(256))
    event = answers.say_audio(piece)
    for each in (event, answers.DONE):
        assert each.startswith(b"data: {")
        assert each.endswith(b"}\n\n")
        assert each.count(b"\n") == 2
    assert b64decode(orjson.loads(event.removeprefix(b"data: "))["audio"]) == piece
    done = orjson.loads(answers.DONE.removeprefix(b"data: "))
    assert done["type"] == "speech.audio.done"
    assert set(done["usage"]) == {"input_tokens", "output_tokens", "total_tokens"}
