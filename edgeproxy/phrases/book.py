"""The format of a phrase book, as a model: what may stand in the YAML, with bounds and meanings.

A book reads like a script. The top says who speaks, in which languages; below it every phrase has an id
and what is said::

    languages: [en-IN, hi-IN]
    voice: {model: "bulbul:v3", speaker: ritu}
    sample_rates: [22050, 24000]

    phrases:
      greeting:
        en-IN: Good morning, Asha Clinic. How may I help you?
        hi-IN: नमस्ते, आशा क्लिनिक। मैं आपकी क्या मदद करूँ?
        takes: 3

Every scalar arrives here as it was written, quoted or not, and the field decides what it is: a confirmation
``Yes`` is a text and ``10:30`` a time of day, whatever YAML 1.1 thinks of them.

The JSON Schema of :func:`schema` comes from here, so these docstrings are what an editor shows.
"""

import re
from datetime import UTC, date, datetime, time, timedelta, timezone
from pathlib import PurePosixPath
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    model_validator,
)

from ..core.text import normalise
from ..sarvam.models import WS_RATES
from .cron import Cron

INDIA: Final = timezone(timedelta(hours=5, minutes=30))
"""Where a date without a time is a day. One offset all year, so no table of time zones is needed."""

_LANGUAGE: Final = r"^[a-z]{2,3}-[A-Z]{2}$"
_ID: Final = r"^[a-z0-9][a-z0-9_-]{0,63}$"
_NAME: Final = r"^[a-z][a-z0-9_]{0,31}$"
_DURATION: Final = re.compile(r"(\d{1,4}) (minute|hour|day|week)s?")
# Control characters, halves of a pair, and what a wrong encoding leaves behind.
_UNSPEAKABLE: Final = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffd]")
_BRACE: Final = re.compile(r"[{}]")
PLACEHOLDER: Final = re.compile(r"\{([a-z][a-z0-9_]{0,31})\}")


class Plain(str):
    """A scalar that was written without quotes, so that ``3`` and ``"3"`` can be told apart."""

    __slots__ = ()


def _text(text: str) -> str:
    if found := _UNSPEAKABLE.search(text):
        raise ValueError(
            f"holds the character U+{ord(found[0]):04X}, which nobody can say; type it again, or "
            "remove it"
        )
    text = normalise(text)
    if not any(map(str.isalnum, text)):
        raise ValueError("has nothing to say; write the words, or remove the phrase")
    return text


def _template(text: str) -> str:
    text = _text(text)
    if _BRACE.search(PLACEHOLDER.sub("", text)):
        raise ValueError(
            "has a brace that is not part of a placeholder; write {name}, in small letters, "
            "digits and _, or leave the brace out"
        )
    return text


def _duration(written: Any) -> timedelta:
    if isinstance(written, timedelta):
        return written
    match = _DURATION.fullmatch(str(written).strip())
    if match is None or not int(match[1]):
        raise ValueError("must be a number of minutes, hours, days or weeks, such as `30 days`")
    return timedelta(**{f"{match[2]}s": int(match[1])})


def _end(written: Any) -> datetime:
    """A day in India lasts until its midnight; a time is taken exactly and has to say its offset."""
    if isinstance(written, datetime):
        return written
    try:
        if len(str(written)) == len("2027-03-31"):
            day = date.fromisoformat(str(written)) + timedelta(days=1)
            return datetime.combine(day, time(), INDIA)
        at = datetime.fromisoformat(str(written))
    except (ValueError, OverflowError):
        at = None
    if at is None or at.tzinfo is None:
        raise ValueError(
            "must be the last day, such as 2027-03-31, or a time with its offset, such as "
            "2027-03-31T18:00+05:30"
        )
    return at.astimezone(UTC)


def _recording(written: str) -> str:
    path = PurePosixPath(written)
    if path.is_absolute() or ".." in path.parts or "\\" in written or "\0" in written:
        raise ValueError("must be a file in the folder of the books, such as audio/greeting.wav")
    return written


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _for_all(value: Any) -> Any:
    """What stands for every language, under the name that no language has."""
    return value if isinstance(value, dict) else {"": value}


def _unique(items: tuple[Any, ...]) -> tuple[Any, ...]:
    for number, item in enumerate(items):
        if item in items[:number]:
            raise ValueError(f"lists {item!r} twice; once is enough")
    return items


def _as_json(value: Any) -> Any:
    """Unquoted numbers and flags in a field we don't know are what JSON would take them for."""
    if not isinstance(value, Plain):
        return value
    if value in ("true", "false"):
        return value == "true"
    if re.fullmatch(r"-?(0|[1-9]\d{0,17})", value):
        return int(value)
    if re.fullmatch(r"-?(0|[1-9]\d{0,17})\.\d{1,17}", value):
        return float(value)
    return str(value)


Language = Annotated[str, Field(pattern=_LANGUAGE, examples=["hi-IN"])]
Id = Annotated[str, Field(pattern=_ID, examples=["greeting"])]
Text = Annotated[str, AfterValidator(_template)]
_Value = Annotated[
    str, AfterValidator(_text), WithJsonSchema({"type": ["string", "number", "boolean"]})
]
_Values = Annotated[tuple[_Value, ...], Field(min_length=1), AfterValidator(_unique)]
_Speakers = Annotated[
    tuple[Annotated[str, Field(min_length=1)], ...],
    Field(min_length=1),
    BeforeValidator(_listed, json_schema_input_type=str | list[str]),
    AfterValidator(_unique),
]
_ValuesByLanguage = Annotated[
    dict[str, _Values],
    BeforeValidator(_for_all, json_schema_input_type=_Values | dict[Language, _Values]),
]
_AudioByLanguage = Annotated[
    dict[str, Annotated[str, Field(min_length=1), AfterValidator(_recording)]],
    BeforeValidator(_for_all, json_schema_input_type=str | dict[Language, str]),
]
_Duration = Annotated[
    timedelta,
    BeforeValidator(_duration),
    WithJsonSchema({"type": "string", "examples": ["12 hours", "30 days", "2 weeks"]}),
]
_Expiry = Annotated[
    datetime,
    BeforeValidator(_end),
    WithJsonSchema({"type": "string", "examples": ["2027-03-31", "2027-03-31T18:00+05:30"]}),
]
_Cron = Annotated[
    Cron,
    BeforeValidator(lambda written: Cron.parse(str(written))),
    WithJsonSchema({"type": "string", "examples": ["30 2 * * *", "0 3 * * sun"]}),
]
_Rate = Annotated[int, WithJsonSchema({"enum": list(WS_RATES)})]


class _Written(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
        arbitrary_types_allowed=True,
        allow_inf_nan=False,
    )


class BookVoice(_Written):
    """How something is spoken. Fields are called as in Sarvam's documentation; what is left out is
    taken from the next larger place (phrase, book), and at last from the model itself."""

    model: Annotated[str, Field(min_length=1)] | None = None
    """Sarvam's model, `bulbul:v3` if nobody says otherwise."""
    speaker: _Speakers = ()
    """A name, or a list: then each of them says every phrase."""
    pace: float | None = None
    """Speed, 1.0 is as usual; bulbul:v3 takes 0.5 to 2.0."""
    pitch: float | None = None
    """Higher or lower, 0.0 is as usual; not every model has it."""
    loudness: float | None = None
    """Volume, 1.0 is as usual; not every model has it."""
    temperature: float | None = None
    """Liveliness, 0.6 is as usual; not every model has it."""
    enable_preprocessing: bool | None = None
    """Whether numbers and abbreviations are spelled out; only bulbul:v2 lets one choose."""
    dict_id: str | None = None
    """Sarvam's id of a pronunciation dictionary."""
    other: dict[str, Annotated[str | int | float | bool, BeforeValidator(_as_json)]] = Field(
        default_factory=dict
    )
    """Fields that this list does not have yet, exactly as the agents send them."""


_BY_LANGUAGE: Final = ""
"""Where texts by language are gathered: no field that anybody writes, so that all others can be refused."""


def _languages_are_fields(schema: dict[str, Any]) -> None:
    gathered = schema["properties"].pop(_BY_LANGUAGE)
    schema["patternProperties"] = gathered["patternProperties"]


def _or_text_alone(schema: dict[str, Any]) -> None:
    for pattern, phrase in schema["patternProperties"].items():
        schema["patternProperties"][pattern] = {"anyOf": [{"type": "string"}, phrase]}


class Phrase(_Written):
    """What is said. A text alone will do; with more to say, one field per language (`hi-IN: ...`)."""

    model_config = ConfigDict(json_schema_extra=_languages_are_fields)

    texts: dict[Language, Text] = Field(default_factory=dict, alias=_BY_LANGUAGE)
    """Texts by language."""
    text: Text | None = None
    """The words, when they are the same in every language of the phrase."""
    languages: Annotated[tuple[Language, ...], AfterValidator(_unique)] = ()
    """Only these of the book's languages."""
    voice: BookVoice | None = None
    """What is different from the book's voice."""
    voices: dict[Language, BookVoice] = Field(default_factory=dict)
    """The same for one language."""
    values: dict[Annotated[str, Field(pattern=_NAME)], _ValuesByLanguage] = Field(
        default_factory=dict
    )
    """Lists for placeholders: `{day}` is said with each value of `day`. Also by language."""
    pin: bool = True
    """Whether it is made ready ahead and kept for ever; `false` leaves it to chance like any text."""
    whole: bool = False
    """Spoken and kept as one recording instead of sentence by sentence."""
    takes: Annotated[int, Field(ge=1, le=10)] = 1
    """Recordings to take turns with, so that it does not sound canned. Makes it one recording."""
    audio: _AudioByLanguage = Field(default_factory=dict)
    """A human recording instead (WAV, FLAC, MP3), in the folder of the books. Also by language."""
    refresh_after: _Duration | None = None
    """Age at which it is spoken afresh."""
    expires: _Expiry | None = None
    """The last day on which it is said, in India, or a time with its offset."""
    tags: tuple[str, ...] = ()
    """For finding it again."""
    notes: str | None = None
    """For people."""

    @model_validator(mode="before")
    @classmethod
    def _gather_texts(cls, written: Any) -> Any:
        if isinstance(written, str):
            return {"text": written}
        if not isinstance(written, dict):
            return written
        texts = {name: text for name, text in written.items() if re.match(_LANGUAGE, name)}
        rest = {name: value for name, value in written.items() if name not in texts}
        return {**rest, _BY_LANGUAGE: texts}

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if self.text is not None and self.texts:
            raise ValueError("has both `text` and texts by language; keep one of the two")
        if self.text is None and not self.texts:
            raise ValueError("has nothing to say; write `text`, or a text by language (hi-IN: ...)")
        if self.audio and self.takes > 1:
            raise ValueError("has both `audio` and `takes`; a human recording is its only take")
        if self.audio and self.values:
            raise ValueError("has both `audio` and `values`; a recording cannot say several texts")
        if "" in self.audio and len(self.texts) > 1:
            raise ValueError("has one `audio` for several languages; name it by language instead")
        return self

    def is_whole(self, language: str) -> bool:
        """Whether it is one recording in this language."""
        return self.whole or self.takes > 1 or self.recording(language) is not None

    def recording(self, language: str) -> str | None:
        """The file of the human recording in this language, relative to the book."""
        return self.audio.get(language) or self.audio.get("")


class Book(_Written):
    """A phrase book: what an agent says, who says it and for whom."""

    languages: Annotated[tuple[Language, ...], Field(min_length=1), AfterValidator(_unique)]
    """The languages it is written in; a phrase that lacks one is reported."""
    voice: BookVoice | None = None
    """Who speaks, in all languages."""
    voices: dict[Language, BookVoice] = Field(default_factory=dict)
    """What is different in one language."""
    sample_rates: Annotated[tuple[_Rate, ...], Field(min_length=1), AfterValidator(_unique)] = (
        22050,
    )
    """Hz that the agents ask for; others are made when somebody does."""
    tenants: Annotated[tuple[Id, ...], AfterValidator(_unique)] | None = None
    """Who may hear it; without this field everybody."""
    public: bool = False
    """Whether `/phrases/{book}/{id}` answers without a credential."""
    values: dict[Annotated[str, Field(pattern=_NAME)], _ValuesByLanguage] = Field(
        default_factory=dict
    )
    """Lists for placeholders that several phrases use."""
    refresh_after: _Duration | None = None
    """Age at which a phrase is spoken afresh, if it does not say itself."""
    swap: Literal["auto", "manual"] = "auto"
    """`manual`: new recordings wait until `edgeproxy phrases use` picks them."""
    cron: _Cron | None = None
    """When the book is gone through: minute, hour, day, month, weekday."""
    notes: str | None = None
    """For people."""
    phrases: Annotated[dict[Id, Phrase], Field(min_length=1, json_schema_extra=_or_text_alone)]
    """What is said, by id."""

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if self.public and self.tenants is not None:
            raise ValueError("is both `public` and for some `tenants`; keep one of the two")
        for rate in self.sample_rates:
            if rate not in WS_RATES:
                allowed = ", ".join(map(str, WS_RATES))
                raise ValueError(f"has a sample rate of {rate} Hz; there are {allowed}")
        return self


def schema() -> dict[str, Any]:
    """The JSON Schema of a book (draft 2020-12), for editors that complete and check."""
    found = Book.model_json_schema(mode="validation")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found}
