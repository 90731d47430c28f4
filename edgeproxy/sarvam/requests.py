"""The JSON bodies of REST and HTTP stream, and REST's answer; see §5 of the protocol notes."""

from binascii import a2b_base64, b2a_base64
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

import orjson

from . import fields, models, refusals
from .messages import WireError, wire_fields
from .refusals import Json, Refused

_TEXT_ALLOWED: Final = "a non-empty string"


@dataclass(frozen=True, slots=True)
class SpeechRequest:
    """A text to be spoken and how. ``fields`` as in :class:`messages.Config`, the text not among them."""

    text: str
    fields: Mapping[str, Json] = field(default_factory=dict)
    codec: str = "wav"

    @property
    def bitrate(self) -> str:
        """The bitrate of lossy codecs, as ``128k``."""
        return str(self.fields.get("output_audio_bitrate", models.DEFAULT_BITRATE))


def hear_rest(body: bytes) -> SpeechRequest:
    """Parse the body of ``POST /text-to-speech``. Raises :class:`Refused` naming field, value, allowed.

    The default codec is wav. A legacy ``inputs`` list of one text is taken for ``text``.
    """
    data = fields.load(body)
    if (inputs := data.pop("inputs", None)) is not None:
        if data.get("text") is not None or not isinstance(inputs, list) or len(inputs) != 1:
            allowed = "a list of one text, if there is no `text`"
            raise Refused(refusals.schema("inputs", inputs, allowed=allowed))
        data["text"] = inputs[0]
    return _hear(data, door="rest", rates=models.REST_RATES, codec="wav")


def hear_stream(body: bytes) -> SpeechRequest:
    """Parse the body of ``POST /text-to-speech/stream``, as :func:`hear_rest`; the default codec is mp3.

    Sarvam's schema asks only for ``text`` here, but without a language there is nothing to speak with.
    """
    data = fields.load(body)
    if (inputs := data.pop("inputs", None)) is not None:
        raise Refused(refusals.schema("inputs", inputs, allowed="`text`, here"))
    return _hear(data, door="stream", rates=models.WS_RATES, codec="mp3")


def _hear(
    data: dict[str, Json], *, door: models.Door, rates: Collection[int], codec: str
) -> SpeechRequest:
    text = data.pop("text", None)
    if not isinstance(text, str):
        raise Refused(refusals.schema("text", text, allowed=_TEXT_ALLOWED))
    if not text.strip():
        raise Refused(refusals.empty_text())
    read = fields.read(data, rates=rates)
    fields.require(read, "language")
    model = read.get("model", models.DEFAULT_MODEL)
    if model not in models.MODELS:
        # Only of models we know do we know who speaks when nobody is named.
        fields.require(read, "speaker")
    models.check_ranges(model, read)
    if len(text) > (limit := models.text_limit(model, door=door)):
        raise Refused(refusals.text_too_long(len(text), limit=limit))
    return SpeechRequest(text, read, read.get("output_audio_codec", codec))


def say_request(voice: Mapping[str, Json], text: str, *, codec: str) -> bytes:
    """The body that asks either HTTP door for ``text`` in ``voice``, as :func:`models.audible` gives it."""
    return orjson.dumps({"text": text, **wire_fields(voice), "output_audio_codec": codec})


def say_answer(request_id: str, audio: bytes | memoryview) -> bytes:
    """The body of REST's 200."""
    encoded = b2a_base64(audio, newline=False)
    return b'{"request_id":%b,"audios":["%b"]}' % (orjson.dumps(request_id), encoded)


def hear_answer(body: bytes) -> bytes:
    """The audio of REST's 200 for one text. Raises :class:`WireError` if it does not hold just that."""
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise WireError(f"not JSON: {error}") from None
    match answer:
        case {"audios": [str(audio)]}:
            pass
        case _:
            raise WireError(f"not one audio: {refusals.shown(answer)}")
    try:
        return a2b_base64(audio, strict_mode=True)
    except ValueError as error:
        raise WireError(f"audio that is not base64: {error}") from None
