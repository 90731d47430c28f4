"""What is answered besides audio: the list of models, and audio as events."""

from binascii import b2a_base64
from typing import Final

import orjson

from ..sarvam import models
from . import errors, voices

EVENTS: Final = "text/event-stream"
DONE: Final = (
    b'data: {"type":"speech.audio.done",'
    b'"usage":{"input_tokens":0,"output_tokens":0,"total_tokens":0}}\n\n'
)
"""The last event. It has to say tokens, and none of OpenAI's were used."""


def say_audio(piece: bytes) -> bytes:
    """A piece of audio as an event."""
    encoded = b2a_base64(piece, newline=False)
    return b'data: {"type":"speech.audio.delta","audio":"%b"}\n\n' % encoded


def model_names() -> tuple[str, ...]:
    """The models that may be asked for: Sarvam's, then OpenAI's names for our default."""
    ours = sorted(each.name for each in models.MODELS.values() if not each.retired)
    return (*ours, *voices.MODELS)


def say_models() -> bytes:
    """The body of ``GET /v1/models``."""
    return orjson.dumps({"object": "list", "data": list(map(_model, model_names()))})


def say_model(name: str) -> bytes:
    """The body of ``GET /v1/models/{name}``. Raises :class:`errors.Invalid` where there is no such model."""
    if name not in model_names():
        raise errors.unknown_model(name, known=model_names())
    return orjson.dumps(_model(name))


def _model(name: str) -> dict[str, object]:
    # Since when a model is there nobody says; the SDKs want a number.
    return {"id": name, "object": "model", "created": 0, "owned_by": "sarvam"}
