"""The body of ``POST /v1/audio/speech``, read as a request that Sarvam's doors know.

::

    model            bulbul:*, or OpenAI's name of one       ► model
    voice            speaker, or speaker@language             ► speaker, language
    input            the text
    speed            within the range of the model            ► pace
    response_format  mp3 (default) opus aac flac wav pcm      ► codec; always 24,000 Hz, mono
    stream_format    audio (default) or sse                   ► whether the audio comes as events

``instructions`` are how OpenAI's newer models are told to act, which Sarvam's can't be: they are passed over,
as is every field that we don't know.
"""

import math
from dataclasses import dataclass
from typing import Final

import orjson

from ..sarvam import models, refusals
from ..sarvam.refusals import Json
from ..sarvam.requests import SpeechRequest
from . import errors
from .answers import model_names
from .voices import Voices, model_of

SPEECH_PATH: Final = "/v1/audio/speech"
MODELS_PATH: Final = "/v1/models"

RATE: Final = 24000
"""Of OpenAI's ``pcm``, which has no header to say another; of all its formats here."""
CODECS: Final = {
    "mp3": "mp3",
    "opus": "opus",
    "aac": "aac",
    "flac": "flac",
    "wav": "wav",
    "pcm": "linear16",
}
_TEXT_LIMIT: Final = 4096
"""Characters, as OpenAI documents it. A text is spoken in segments, so no limit of Sarvam's is in the way."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What is to be spoken, and whether it is to come as events."""

    speech: SpeechRequest
    events: bool


def hear(body: bytes, voices: Voices) -> Heard:
    """Parse a body. Raises :class:`errors.Invalid` naming field, value, allowed."""
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise errors.malformed(f"The body is not readable as JSON: {error}") from None
    if not isinstance(data, dict):
        raise errors.malformed(f"The body is not a JSON object: {refusals.shown(data)}")
    model = _model(data.get("model"))
    text = _text(data.get("input"))
    speaker, language = _voice(data.get("voice"), voices)
    asked = {"model": model, "language": language, "speaker": speaker, "speech_sample_rate": RATE}
    if (speed := data.get("speed")) is not None:
        asked["pace"] = _pace(speed, model)
    codec = CODECS[_one_of("response_format", data.get("response_format"), tuple(CODECS))]
    events = _one_of("stream_format", data.get("stream_format"), ("audio", "sse")) == "sse"
    return Heard(SpeechRequest(text, asked, codec), events)


def _model(name: Json) -> str:
    if not isinstance(name, str) or not name:
        raise errors.invalid("model", name, allowed=", ".join(model_names()))
    model = model_of(name)
    if model is None:
        raise errors.unknown_model(name, known=model_names())
    return model


def _text(text: Json) -> str:
    if not isinstance(text, str) or not text.strip():
        raise errors.invalid("input", text, allowed=f"a text of 1 to {_TEXT_LIMIT} characters")
    if len(text) > _TEXT_LIMIT:
        raise errors.too_long("input", len(text), limit=_TEXT_LIMIT)
    return text


def _voice(voice: Json, voices: Voices) -> tuple[str, str]:
    # Newer SDKs have an object for voices that somebody made.
    name = voice.get("id") if isinstance(voice, dict) else voice
    try:
        return voices.meant(name if isinstance(name, str) else "")
    except ValueError as error:
        raise errors.invalid("voice", voice, allowed=str(error)) from None


def _pace(speed: Json, model: str) -> float:
    if isinstance(speed, bool) or not isinstance(speed, int | float) or not math.isfinite(speed):
        raise errors.invalid("speed", speed, allowed="a number")
    known = models.MODELS.get(model)
    if known is not None:
        least, most = known.ranges["pace"]
        if not least <= speed <= most:
            raise errors.invalid("speed", speed, allowed=f"{least} to {most} for {model}")
    return float(speed)


def _one_of(param: str, value: Json, allowed: tuple[str, ...]) -> str:
    """``value``, or the first of what is allowed where there is none."""
    if value is None:
        return allowed[0]
    if not isinstance(value, str) or value not in allowed:
        raise errors.invalid(param, value, allowed=", ".join(allowed))
    return value
