"""What each model knows, ignores and allows. Data with sources; the rules below only read it.

Where documents and clients disagree the most liberal reading stands, because the origin decides: a
speaker, language or model that is not listed here is never refused for that. Sections are those of
the protocol notes.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from . import refusals, speakers
from .refusals import Json, Refusal, Refused

Door = Literal["rest", "stream", "ws"]
"""Where a text comes in: each has its own limits."""

DEFAULT_MODEL: Final = "bulbul:v3"
"""Of three disagreeing defaults (§1) the only one that still answers and that all clients know."""
DEFAULT_RATE: Final = 22050
DEFAULT_BITRATE: Final = "128k"
RUPEES_PER_CHARACTER: Final = 30 / 10_000
"""§4: v3 and v4-flash cost the same."""

WS_RATES: Final = (8000, 16000, 22050, 24000)
"""Sample rates (Hz) of the WebSocket and of HTTP stream."""
REST_RATES: Final = (*WS_RATES, 32000, 44100, 48000)
CODECS: Final = ("mp3", "wav", "linear16", "mulaw", "alaw", "opus", "flac", "aac")
BITRATES: Final = ("32k", "64k", "96k", "128k", "192k")


def _in_india(codes: str) -> frozenset[str]:
    return frozenset(f"{code}-IN" for code in codes.split())


LANGUAGES: Final = _in_india("bn en gu hi kn ml mr od pa ta te")
GATED_LANGUAGES: Final = _in_india("as brx doi kok ks mai mni ne sa sat sd ur")
"""Spoken only for accounts that asked for access."""

VOICE_NAMES: Final[Mapping[str, str]] = {
    "language_code": "language",
    "target_language_code": "language",
    "speech_sample_rate": "rate",
    "enable_preprocessing": "preprocessing",
}
"""Fields that are called otherwise in a voice than on the wire."""

WIRE_NAMES: Final[Mapping[str, str]] = {
    # The older name of the two, which every version of the API has accepted.
    "language": "target_language_code",
    "rate": "speech_sample_rate",
    "preprocessing": "enable_preprocessing",
}

NUMBERS: Final = ("pace", "pitch", "loudness", "temperature")
"""Fields that are floats."""

_MODEL_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9:._-]{0,63}")
_MODEL_NAMES: Final = "a name such as bulbul:v3: at most 64 letters, digits and : . _ -"

_INAUDIBLE: Final = frozenset(
    {
        "min_buffer_size",
        "max_chunk_length",
        "output_audio_codec",
        "output_audio_bitrate",
        "enable_cached_responses",
        "send_completion_event",
    }
)


@dataclass(frozen=True, slots=True)
class Model:
    """One model of Sarvam's.

    ``defaults``: audible fields it fills in itself when they are not given, ``default_speaker`` aside.
    ``ranges``: field to (least, most), both allowed; a field without one takes any number.
    ``ignored``: audible fields that change nothing; ``ignored_if``: the same while they have this value.
    ``text_limits``: characters of one text, by door.
    ``successor``: the model Sarvam names in its place, once ``retired``.
    """

    name: str
    speakers: frozenset[str]
    default_speaker: str
    defaults: Mapping[str, Json]
    ranges: Mapping[str, tuple[float, float]]
    ignored: frozenset[str]
    text_limits: Mapping[Door, int]
    ignored_if: Mapping[str, Json]
    languages: frozenset[str] = LANGUAGES
    gated_languages: frozenset[str] = GATED_LANGUAGES
    retired: bool = False
    successor: str | None = None


_V3_RANGES: Final = {
    "pace": (0.5, 2.0),
    # "Ignored if provided", says the documentation: what v2 takes may stand in a config.
    "pitch": (-0.75, 0.75),
    "loudness": (0.3, 3.0),
    # The newest documentation says 1.0, the OpenAPI of 2026-07 and LiveKit 2.0.
    "temperature": (0.01, 2.0),
}
_V3_LIMITS: Final[Mapping[Door, int]] = {"rest": 2500, "stream": 3500, "ws": 2500}


def _v3(name: str) -> Model:
    return Model(
        name,
        speakers=speakers.V3,
        default_speaker="shubh",
        defaults={"pace": 1.0, "temperature": 0.6},
        ranges=_V3_RANGES,
        ignored=frozenset({"preprocessing"}),
        # Whether other values are ignored or refused is disputed, so those stay in the voice.
        ignored_if={"pitch": 0.0, "loudness": 1.0},
        text_limits=_V3_LIMITS,
    )


MODELS: Final[Mapping[str, Model]] = {
    model.name: model
    for model in (
        Model(
            "bulbul:v2",
            speakers=speakers.V2,
            default_speaker="anushka",
            defaults={"pace": 1.0, "pitch": 0.0, "loudness": 1.0, "preprocessing": False},
            ranges={"pace": (0.3, 3.0), "pitch": (-0.75, 0.75), "loudness": (0.3, 3.0)},
            ignored=frozenset({"temperature"}),
            ignored_if={},
            # HTTP stream: not documented for v2.
            text_limits={"rest": 1500, "stream": 3500, "ws": 2500},
            gated_languages=frozenset(),
            retired=True,
            successor=DEFAULT_MODEL,
        ),
        _v3("bulbul:v3-beta"),
        _v3("bulbul:v3"),
        Model(
            "bulbul:v4-flash",
            speakers=speakers.V4_FLASH,
            # Sarvam's documentation; LiveKit and Pipecat send one of their own choice.
            default_speaker="shubh_enhi_ads",
            defaults={"pace": 1.0, "pitch": 0.0, "loudness": 1.0},
            # The temperature is forced to 0.6, whatever is sent.
            ranges={
                "pace": (0.5, 2.0),
                "pitch": (-0.5, 0.5),
                "loudness": (0.1, 2.5),
                "temperature": (0.01, 2.0),
            },
            ignored=frozenset({"preprocessing", "temperature"}),
            ignored_if={},
            text_limits=_V3_LIMITS,
        ),
    )
}


def text_limit(model: str, *, door: Door) -> int:
    """How many characters one text may have; a model we don't know gets the most liberal limit."""
    if known := MODELS.get(model):
        return known.text_limits[door]
    return max(each.text_limits[door] for each in MODELS.values())


def audible(fields: Mapping[str, Json], *, model: str | None = None) -> dict[str, Json]:
    """The canonical voice that ``fields`` of a config or body mean; ``model``, the query's, wins.

    Keys are ``model language speaker rate pace pitch loudness temperature preprocessing dict_id`` and
    whatever we do not know, without what the model ignores. Defaults of a known model are filled in,
    so that equal voices are equal mappings however they were written; a voice is its own voice.
    ``language`` is there if it was given; ``speaker`` also if the model is known.
    """
    voice: dict[str, Json] = {
        VOICE_NAMES.get(name, name): float(value) if name in NUMBERS else value
        for name, value in fields.items()
        if value is not None and name not in _INAUDIBLE
    }
    voice["model"] = model or voice.get("model", DEFAULT_MODEL)
    voice.setdefault("rate", DEFAULT_RATE)
    known = MODELS.get(voice["model"])
    if known is None:
        return voice
    voice = {"speaker": known.default_speaker, **known.defaults, **voice}
    return {
        name: value
        for name, value in voice.items()
        if name not in known.ignored and known.ignored_if.get(name) != value
    }


def check_ranges(model: str, fields: Mapping[str, Json]) -> None:
    """Raise :class:`Refused` (422) for a number the model does not take; a model we don't know takes all, but
    its name must be one."""
    known = MODELS.get(model)
    if known is None:
        # It becomes part of a URL, and stands in logs and in health.
        if not _MODEL_NAME.fullmatch(model):
            raise Refused(refusals.schema("model", model, allowed=_MODEL_NAMES))
        return
    for name, (least, most) in known.ranges.items():
        value = fields.get(name)
        if value is not None and not least <= value <= most:
            allowed = f"{least} to {most} for {model}"
            raise Refused(refusals.schema(name, value, allowed=allowed))


_MENTIONS: Final = re.compile(
    r"\b(?:speech_)?(?:(sample[ _]rate)|(speaker|language|model|pace|pitch|loudness|temperature))\b",
    re.IGNORECASE,
)


def hint(refusal: Refusal, fields: Mapping[str, Json]) -> Refusal:
    """A refusal of the origin's, with the field, its value and what we know to be allowed put behind.

    The field is the one the message speaks of or whose value it quotes. Sarvam's text for all schema
    errors does neither: there it is those that our tables don't know. A refusal that is not about
    the fields, or says it already, is given back unchanged.
    """
    if refusal.status not in (400, 422):
        return refusal
    voice = {VOICE_NAMES.get(name, name): value for name, value in fields.items()}
    voice.setdefault("model", DEFAULT_MODEL)
    named = _named(refusal.message, voice)
    if named is not None:
        names = [named]
    else:
        names = list(_doubtful(voice)) if refusal.message.startswith(refusals.SCHEMA) else []
    for name in names:
        wire_name = WIRE_NAMES.get(name, name)
        allowed = _allowed(name, voice)
        if allowed and f"`{wire_name}`" not in refusal.message:
            refusal = refusal.with_hint(
                refusals.finding(wire_name, voice.get(name), allowed=allowed)
            )
    return refusal


def field_at_fault(refusal: Refusal, voice: Mapping[str, Json]) -> str | None:
    """The field of a canonical voice that a refusal speaks of or quotes, if it can be told."""
    return _named(refusal.message, voice)


def _named(message: str, voice: Mapping[str, Json]) -> str | None:
    for name in ("language", "speaker"):
        value = voice.get(name)
        if (
            isinstance(value, str)
            and value
            and re.search(rf"(?<!\w){re.escape(value)}(?!\w)", message)
        ):
            return name
    if mention := _MENTIONS.search(message):
        return "rate" if mention[1] else mention[2].lower()
    return None


def _doubtful(voice: Mapping[str, Json]) -> Iterator[str]:
    known = MODELS.get(voice["model"])
    if known is None or known.retired:
        yield "model"
        return
    if voice.get("language") not in known.languages:
        yield "language"
    if voice.get("speaker", known.default_speaker) not in known.speakers:
        yield "speaker"


def _allowed(name: str, voice: Mapping[str, Json]) -> str | None:
    if name == "model":
        return ", ".join(sorted(each.name for each in MODELS.values() if not each.retired))
    if name == "rate":
        return ", ".join(map(str, WS_RATES))
    known = MODELS.get(voice["model"])
    if known is None:
        return None
    if name == "speaker":
        return f"{_listed_speakers(known, voice.get('language'))} (for {known.name})"
    if name == "language":
        open_to_all = ", ".join(sorted(known.languages))
        gated = ", ".join(sorted(known.gated_languages))
        return f"{open_to_all}{f'; on request {gated}' if gated else ''} (for {known.name})"
    if bounds := known.ranges.get(name):
        return f"{bounds[0]} to {bounds[1]} (for {known.name})"
    return None


def _listed_speakers(model: Model, language: Json) -> str:
    """All speakers of a model, or, where they are many, those made for a language."""
    listed = sorted(model.speakers)
    if isinstance(language, str):
        code = language.partition("-")[0]
        made_for = [name for name in listed if re.search(rf"_(?:en)?{re.escape(code)}_", name)]
        listed = made_for or listed
    return ", ".join(listed)
