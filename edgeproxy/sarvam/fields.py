"""The fields a ``config`` message and an HTTP body have in common: read strictly, kept canonically.

Canonical: ``language`` whichever key carried it, the sample rate an int, paces and their kin floats,
null gone. Unknown fields stay as they came. Everything else is refused, naming field, value and
what is allowed.
"""

import math
from collections.abc import Callable, Collection, Mapping
from typing import Final

import orjson

from . import refusals
from .models import BITRATES, CODECS, NUMBERS
from .refusals import Json, Refused

MIN_BUFFER_SIZES: Final = (30, 200)
MAX_CHUNK_LENGTHS: Final = (50, 500)

_LANGUAGE_KEYS: Final = ("language_code", "target_language_code")
_REQUIRED: Final = {
    "language": ("language_code", "a code such as hi-IN (also as `target_language_code`)"),
    "speaker": ("speaker", "a non-empty string"),
}
_OUR_NAMES: Final = {
    # Names that mean something else in a voice: taken for unknown fields they would overwrite it.
    "language": "language_code",
    "rate": "speech_sample_rate",
    "preprocessing": "enable_preprocessing",
}


def load(message: str | bytes) -> dict[str, Json]:
    """Parse one JSON object. Raises :class:`Refused` (422) saying what it is instead."""
    try:
        data = orjson.loads(message)
    except orjson.JSONDecodeError as error:
        # orjson refuses lone surrogates, invalid UTF-8, infinities and bottomless nesting, and says so.
        raise Refused(refusals.malformed(f"Not readable as JSON: {error}")) from None
    if not isinstance(data, dict):
        raise Refused(refusals.malformed(f"Not a JSON object: {refusals.shown(data)}"))
    return data


def read(data: Mapping[str, Json], *, rates: Collection[int]) -> dict[str, Json]:
    """The canonical fields of ``data``.

    Raises :class:`Refused`: 400 for a sample rate (Hz) that is not among ``rates``, else 422.
    """
    fields: dict[str, Json] = {}
    for name, value in data.items():
        if value is None:
            continue
        if name in _LANGUAGE_KEYS:
            language = _word(name, value)
            if fields.setdefault("language", language) != language:
                allowed = f"the same as the other name for it, {refusals.shown(fields['language'])}"
                raise Refused(refusals.schema(name, value, allowed=allowed))
        elif name == "speech_sample_rate":
            fields[name] = _rate(value, rates)
        elif reader := _READERS.get(name):
            fields[name] = reader(name, value)
        else:
            fields[name] = _unknown(name, value)
    return fields


def require(fields: Mapping[str, Json], *names: str) -> None:
    """Raise :class:`Refused` (422) if one of ``names``, ``language`` and ``speaker``, is missing."""
    for name in names:
        if name not in fields:
            wire_name, allowed = _REQUIRED[name]
            raise Refused(refusals.schema(wire_name, allowed=allowed))


def _word(name: str, value: Json) -> str:
    if not isinstance(value, str) or not value.strip():
        raise Refused(refusals.schema(name, value, allowed="a non-empty string"))
    return value


def _string(name: str, value: Json) -> str:
    if not isinstance(value, str):
        raise Refused(refusals.schema(name, value, allowed="a string or null"))
    return value


def _number(name: str, value: Json) -> float:
    # bool is an int to Python, and not to anybody who writes a config.
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise Refused(refusals.schema(name, value, allowed="a number"))
    return value + 0.0  # Also makes -0.0 the 0.0 it means.


def _flag(name: str, value: Json) -> bool:
    if not isinstance(value, bool):
        raise Refused(refusals.schema(name, value, allowed="true or false"))
    return value


def _whole(value: Json) -> int | None:
    """An integer, also when written as 50.0 or "50", as some clients do; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10:
        return int(value)
    if isinstance(value, int) or (isinstance(value, float) and value.is_integer()):
        return int(value)
    return None


def _between(least: int, most: int) -> Callable[[str, Json], int]:
    def read_whole(name: str, value: Json) -> int:
        number = _whole(value)
        if number is None or not least <= number <= most:
            allowed = f"an integer from {least} to {most}"
            raise Refused(refusals.schema(name, value, allowed=allowed))
        return number

    return read_whole


def _rate(value: Json, rates: Collection[int]) -> int:
    rate = _whole(value)
    if rate is not None and rate in rates:
        return rate
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        raise Refused(refusals.sample_rate(value, rates=rates))
    listed = ", ".join(map(str, rates))
    raise Refused(refusals.schema("speech_sample_rate", value, allowed=listed))


def _codec(name: str, value: Json) -> str:
    if not isinstance(value, str) or value not in CODECS:
        refusal = refusals.schema(name, value, allowed=", ".join(CODECS))
        # Sarvam's own guide says `pcm`.
        if value in ("pcm", "pcm_s16le"):
            refusal = refusal.with_hint("Raw PCM is called `linear16` here")
        raise Refused(refusal)
    return value


def _bitrate(name: str, value: Json) -> str:
    if not isinstance(value, str) or value not in BITRATES:
        raise Refused(refusals.schema(name, value, allowed=", ".join(BITRATES)))
    return value


def _unknown(name: str, value: Json) -> Json:
    if wire_name := _OUR_NAMES.get(name):
        raise Refused(refusals.schema(name, value, allowed=f"this field is called `{wire_name}`"))
    if not refusals.is_shallow(value):
        raise Refused(refusals.schema(name, value, allowed="a value that nests less deeply"))
    return value


_READERS: Final[Mapping[str, Callable[[str, Json], Json]]] = {
    "speaker": _word,
    "model": _word,
    "dict_id": _string,
    "enable_preprocessing": _flag,
    "enable_cached_responses": _flag,
    "output_audio_codec": _codec,
    "output_audio_bitrate": _bitrate,
    "min_buffer_size": _between(*MIN_BUFFER_SIZES),
    "max_chunk_length": _between(*MAX_CHUNK_LENGTHS),
    **dict.fromkeys(NUMBERS, _number),
}
