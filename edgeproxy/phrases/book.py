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

The JSON Schema of :func:`schema` comes from here, so these docstrings are what an editor shows.
"""

from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from .written import (
    AudioByLanguage,
    Duration,
    Expiry,
    Id,
    Ids,
    Language,
    Languages,
    Name,
    Other,
    Rates,
    Schedule,
    Speakers,
    Tags,
    Text,
    ValuesByLanguage,
    is_language,
)


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
    speaker: Speakers = ()
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
    other: dict[str, Other] = Field(default_factory=dict)
    """Fields that this list does not have yet, exactly as the agents send them."""


class Loudness(_Written):
    """Bounds, in dB below full scale (dBFS): the RMS of what is audible. Speech as Sarvam delivers it lies
    between about -28 and -14."""

    least: Annotated[float, Field(ge=-60, le=0)]
    """Quieter is not heard by callers."""
    most: Annotated[float, Field(ge=-60, le=0)]
    """Louder is not heard by callers."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.least >= self.most:
            raise ValueError(f"has {self.least:g} for `least`, which is not below {self.most:g}")
        return self


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
    languages: Languages = ()
    """Only these of the book's languages."""
    voice: BookVoice | None = None
    """What is different from the book's voice."""
    voices: dict[Language, BookVoice] = Field(default_factory=dict)
    """The same for one language."""
    values: dict[Name, ValuesByLanguage] = Field(default_factory=dict)
    """Lists for placeholders: `{day}` is said with each value of `day`. Also by language."""
    pin: bool = True
    """Whether it is made ready ahead and kept for ever; `false` leaves it to chance like any text."""
    whole: bool = False
    """Spoken and kept as one recording instead of sentence by sentence."""
    takes: Annotated[int, Field(ge=1, le=10)] = 1
    """Recordings to take turns with, so that it does not sound canned. Makes it one recording."""
    audio: AudioByLanguage = Field(default_factory=dict)
    """A human recording instead (WAV, FLAC, MP3), in the folder of the books. Also by language."""
    refresh_after: Duration | None = None
    """Age at which it is spoken afresh."""
    expires: Expiry | None = None
    """The last day on which it is said, in India, or a time with its offset."""
    tags: Tags = ()
    """For finding it again."""
    notes: str | None = None
    """For people."""

    @model_validator(mode="before")
    @classmethod
    def _gather_texts(cls, written: Any) -> Any:
        if written is None or isinstance(written, str):
            return {"text": written}
        if not isinstance(written, dict):
            return written
        texts = {name: text for name, text in written.items() if is_language(name)}
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

    languages: Languages
    """The languages it is written in; a phrase that lacks one is reported."""
    voice: BookVoice | None = None
    """Who speaks, in all languages."""
    voices: dict[Language, BookVoice] = Field(default_factory=dict)
    """What is different in one language."""
    sample_rates: Rates = (22050,)
    """Hz that the agents ask for; others are made when somebody does."""
    tenants: Ids | None = None
    """Who may hear it; without this field everybody."""
    public: bool = False
    """Whether `/phrases/{book}/{id}` answers without a credential."""
    values: dict[Name, ValuesByLanguage] = Field(default_factory=dict)
    """Lists for placeholders that several phrases use."""
    refresh_after: Duration | None = None
    """Age at which a phrase is spoken afresh, if it does not say itself."""
    loudness_dbfs: Loudness | None = None
    """How loud a new recording may be, in dBFS; one that is not keeps the old one. What is made already is
    not judged again."""
    normalise_dbfs: Annotated[float, Field(ge=-40, le=-6)] | None = None
    """Scale every recording to this loudness, as far as its peaks allow. A change is made from the recordings
    there are and costs nothing; without the field they stay as loud as they came."""
    swap: Literal["auto", "manual"] = "auto"
    """`manual`: new recordings wait until `edgeproxy phrases use` picks them."""
    cron: Schedule | None = None
    """When the book is gone through: minute, hour, day, month, weekday."""
    notes: str | None = None
    """For people."""
    phrases: Annotated[dict[Id, Phrase], Field(min_length=1, json_schema_extra=_or_text_alone)]
    """What is said, by id."""

    @field_validator("public")
    @classmethod
    def _not_for_some(cls, public: bool, info: ValidationInfo) -> bool:
        if public and info.data.get("tenants") is not None:
            raise ValueError("opens to everybody what `tenants` keeps for some; remove one of them")
        return public

    @model_validator(mode="after")
    def _normalised_within_bounds(self) -> Self:
        bounds, to = self.loudness_dbfs, self.normalise_dbfs
        if bounds is not None and to is not None and not bounds.least <= to <= bounds.most:
            raise ValueError(
                f"has {to:g} for `normalise_dbfs`, outside its `loudness_dbfs`, {bounds.least:g} to "
                f"{bounds.most:g}; change one of them"
            )
        return self


def schema() -> dict[str, Any]:
    """The JSON Schema of a book (draft 2020-12), for editors that complete and check."""
    found = Book.model_json_schema(mode="validation")
    _close(found)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found}


def _close(schema: Any) -> None:
    """Let a name that fits no pattern be an error in the editor, too, as it is for the model."""
    if isinstance(schema, dict):
        if "patternProperties" in schema:
            schema["additionalProperties"] = False
        for each in schema.values():
            _close(each)
    elif isinstance(schema, list):
        for each in schema:
            _close(each)
