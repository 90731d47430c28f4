"""The WebSocket's messages, both ways. Text frames, one JSON object each; see §2 of the protocol notes."""

import typing
from binascii import a2b_base64, b2a_base64
from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson

from . import fields, refusals
from .models import DEFAULT_BITRATE, DEFAULT_RATE, WIRE_NAMES, WS_RATES
from .refusals import Json, Refusal, Refused

TEXT_LIMIT: typing.Final = 2500
"""Characters of one ``text`` message."""

FLUSH: typing.Final = '{"type":"flush"}'
PING: typing.Final = '{"type":"ping"}'
FINAL: typing.Final = '{"type":"event","data":{"event_type":"final"}}'

_CONTENT_TYPES: typing.Final = {
    "linear16": "audio/pcm",
    "wav": "audio/wav",
    "mp3": "audio/mpeg",
    # audio/basic means μ-law at 8,000 Hz only and has no sister for A-law; these two are the
    # registered names of G.711 at any rate (RFC 4856).
    "mulaw": "audio/PCMU",
    "alaw": "audio/PCMA",
    "opus": "audio/ogg",
    "flac": "audio/flac",
    "aac": "audio/aac",
}


class WireError(Exception):
    """The origin said something that is not its protocol."""


@dataclass(frozen=True, slots=True)
class Config:
    """A ``config`` message, validated, as sent: None is absent or null (R6).

    ``fields``: every key that was sent and not null, canonical in name and type (``language`` whichever
    key carried it, ``speech_sample_rate`` a number, paces floats), unknown keys kept as they came.
    """

    fields: Mapping[str, Json] = field(default_factory=dict)

    @property
    def language(self) -> str:
        """The language's code."""
        return str(self.fields["language"])

    @property
    def speaker(self) -> str:
        """The speaker."""
        return str(self.fields["speaker"])

    @property
    def model(self) -> str | None:
        """The model, unless left to the query or the default."""
        return self.fields.get("model")

    @property
    def rate(self) -> int:
        """The sample rate, in Hz."""
        return int(self.fields.get("speech_sample_rate", DEFAULT_RATE))

    @property
    def codec(self) -> str:
        """The codec the client wants to hear."""
        return str(self.fields.get("output_audio_codec", "mp3"))

    @property
    def bitrate(self) -> str:
        """The bitrate of lossy codecs, as ``128k``."""
        return str(self.fields.get("output_audio_bitrate", DEFAULT_BITRATE))

    @property
    def min_buffer_size(self) -> int:
        """Characters that start a synthesis without a flush."""
        return int(self.fields.get("min_buffer_size", 50))

    @property
    def max_chunk_length(self) -> int:
        """Characters a synthesis takes at most."""
        return int(self.fields.get("max_chunk_length", 150))


@dataclass(frozen=True, slots=True)
class Text:
    """A ``text`` message: 0 to 2,500 characters."""

    text: str


@dataclass(frozen=True, slots=True)
class Flush:
    """A ``flush`` message: speak what is buffered; answered by one ``final``."""


@dataclass(frozen=True, slots=True)
class Ping:
    """A ``ping`` message: keeps the connection; never answered."""


ClientMessage = Config | Text | Flush | Ping


@dataclass(frozen=True, slots=True)
class Audio:
    """An ``audio`` message, decoded from base64."""

    audio: bytes
    content_type: str
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Final:
    """An ``event`` message with ``event_type`` ``final``."""


@dataclass(frozen=True, slots=True)
class Error:
    """An ``error`` message: see :meth:`edgeproxy.sarvam.refusals.Refusal.from_frame`."""

    refusal: Refusal


ServerMessage = Audio | Final | Error


def hear_client(message: str | bytes) -> ClientMessage:
    """Parse what a client sent. Raises :class:`Refused` (422 and the rest) naming field, value, allowed.

    Bytes are a binary message, which the protocol has not. Numbers are not held against the ranges
    of a model, since the URL has the last word on which it is: see :func:`models.check_ranges`.
    """
    if isinstance(message, bytes):
        raise Refused(refusals.malformed("A binary message; allowed: text messages"))
    said = fields.load(message)
    kind = said.get("type")
    try:
        return _hear_client(kind, said)
    except Refused as error:
        if isinstance(kind, str) and kind in ("config", "text"):
            error.message_type = kind
        raise


def _hear_client(kind: Json, said: Mapping[str, Json]) -> ClientMessage:
    match kind:
        case "text":
            return Text(_text(_data(said)))
        case "flush":
            return Flush()
        case "ping":
            return Ping()
        case "config":
            config = fields.read(_data(said), rates=WS_RATES)
            fields.require(config, "language", "speaker")
            return Config(config)
        case unknown:
            raise Refused(refusals.schema("type", unknown, allowed="config, text, flush, ping"))


def _data(said: Mapping[str, Json]) -> Mapping[str, Json]:
    data = said.get("data")
    if not isinstance(data, dict):
        raise Refused(refusals.schema("data", data, allowed="an object"))
    return data


def _text(data: Mapping[str, Json]) -> str:
    text = data.get("text")
    if not isinstance(text, str):
        raise Refused(refusals.schema("text", text, allowed="a string"))
    if len(text) > TEXT_LIMIT:
        raise Refused(refusals.text_too_long(len(text), limit=TEXT_LIMIT))
    return text


def hear_server(message: str | bytes) -> ServerMessage:
    """Parse what the origin sent. Raises :class:`WireError` on anything that is not one of the three."""
    try:
        said = orjson.loads(message)
    except orjson.JSONDecodeError as error:
        raise WireError(f"not JSON: {error}") from None
    data = said.get("data") if isinstance(said, dict) else None
    if not isinstance(data, dict):
        raise WireError(f"not a message: {refusals.shown(said)}")
    match said.get("type"):
        case "audio":
            return _audio(data)
        case "event":
            if (event := data.get("event_type")) != "final":
                raise WireError(f"unknown event_type: {refusals.shown(event)}")
            return Final()
        case "error":
            return Error(Refusal.from_frame(data))
        case unknown:
            raise WireError(f"unknown type: {refusals.shown(unknown)}")


def _audio(data: Mapping[str, Json]) -> Audio:
    audio, content_type, request_id = map(data.get, ("audio", "content_type", "request_id"))
    if not isinstance(audio, str):
        raise WireError("an audio message without its audio")
    try:
        decoded = a2b_base64(audio, strict_mode=True)
    except ValueError as error:
        raise WireError(f"audio that is not base64: {error}") from None
    return Audio(
        decoded,
        # Nobody acts on it, so its absence is no reason to lose the audio.
        content_type if isinstance(content_type, str) else "",
        request_id if isinstance(request_id, str) else None,
    )


def say_config(voice: Mapping[str, Json], *, codec: str, bitrate: str | None = None) -> str:
    """The ``config`` message that asks for ``voice``, as :func:`models.audible` gives it, in ``codec``."""
    data = wire_fields(voice)
    data["output_audio_codec"] = codec
    if bitrate is not None:
        data["output_audio_bitrate"] = bitrate
    # The origin is given whole segments: it shall neither wait for more nor cut them again.
    data["min_buffer_size"] = 50
    data["max_chunk_length"] = fields.MAX_CHUNK_LENGTHS[1]
    return orjson.dumps({"type": "config", "data": data}).decode()


def wire_fields(voice: Mapping[str, Json]) -> dict[str, Json]:
    """A voice under the names of the wire: the inverse of :func:`models.audible`."""
    return {WIRE_NAMES.get(name, name): value for name, value in voice.items()}


def say_text(text: str) -> str:
    """The ``text`` message. Raises ``TypeError`` for a text with lone surrogates, which no parser gives."""
    return orjson.dumps({"type": "text", "data": {"text": text}}).decode()


def say_audio(audio: bytes | memoryview, *, content_type: str, request_id: str) -> bytes:
    """The ``audio`` message, whole, in the bytes of a text frame."""
    return audio_head(request_id) + audio_tail(audio, content_type=content_type)


def audio_head(request_id: str) -> bytes:
    """The part of an ``audio`` message that changes with each request; the tail follows it."""
    return b'{"type":"audio","data":{"request_id":%b,' % orjson.dumps(request_id)


def audio_tail(audio: bytes | memoryview, *, content_type: str) -> bytes:
    """The part of an ``audio`` message that can be kept ready for the wire."""
    encoded = b2a_base64(audio, newline=False)
    return b'"content_type":%b,"audio":"%b"}}' % (orjson.dumps(content_type), encoded)


def content_type(codec: str) -> str:
    """The media type of a codec, on the WebSocket and over HTTP alike. No known client reads it."""
    return _CONTENT_TYPES[codec]
