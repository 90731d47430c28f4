"""What may be written into a field: texts, lists, durations, days, files; each read strictly, with a remedy.

Every scalar arrives here as it was written, quoted or not, and the field decides what it is: a confirmation
``Yes`` is a text and ``10:30`` a time of day, whatever YAML 1.1 thinks of them.
"""

import re
from datetime import UTC, date, datetime, time, timedelta, timezone
from pathlib import PurePosixPath
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from ..core.text import normalise
from ..sarvam.models import WS_RATES
from .cron import Cron

INDIA: Final = timezone(timedelta(hours=5, minutes=30))
"""Where a date without a time is a day. One offset all year, so no table of time zones is needed."""

LANGUAGE: Final = r"^[a-z]{2,3}-[A-Z]{2}$"
ID: Final = r"^[a-z0-9][a-z0-9_-]{0,63}$"
NAME: Final = r"^[a-z][a-z0-9_]{0,31}$"
_DURATION: Final = re.compile(r"(\d{1,4}) (minute|hour|day|week)s?")
# Control characters, halves of a pair, and what a wrong encoding leaves behind.
_UNSPEAKABLE: Final = re.compile(
    r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffd-\uffff]"
)
_BRACE: Final = re.compile(r"[{}]")
PLACEHOLDER: Final = re.compile(r"\{([a-z][a-z0-9_]{0,31})\}")


_IS_LANGUAGE: Final = re.compile(LANGUAGE)


def is_language(name: str) -> bool:
    """Whether ``name`` looks like a language; whether there is one by that name is another matter."""
    return _IS_LANGUAGE.fullmatch(name) is not None


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


def _rate(rate: int) -> int:
    if rate not in WS_RATES:
        allowed = ", ".join(map(str, WS_RATES))
        raise ValueError(f"has {rate} Hz, which Sarvam does not stream; there are {allowed}")
    return rate


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _for_all(value: Any) -> Any:
    """What stands for every language, under the name that no language has."""
    return value if isinstance(value, dict) else {"": value}


def _distinct(items: tuple[Any, ...]) -> tuple[Any, ...]:
    # Not `min_length`: that would count what is left of a list whose items are broken.
    if not items:
        raise ValueError("is empty; put something in, or leave it out")
    seen = set()
    for item in items:
        if item in seen:
            raise ValueError(f"lists {item!r} twice; once is enough")
        seen.add(item)
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


Language = Annotated[str, Field(pattern=LANGUAGE, examples=["hi-IN"])]
Id = Annotated[str, Field(pattern=ID, examples=["greeting"])]
Ids = Annotated[tuple[Id, ...], AfterValidator(_distinct)]
Name = Annotated[str, Field(pattern=NAME)]
Text = Annotated[str, AfterValidator(_template)]
Other = Annotated[str | int | float | bool, BeforeValidator(_as_json)]
Value = Annotated[
    str, AfterValidator(_text), WithJsonSchema({"type": ["string", "number", "boolean"]})
]
Values = Annotated[tuple[Value, ...], AfterValidator(_distinct)]
Speakers = Annotated[
    tuple[Annotated[str, Field(min_length=1)], ...],
    BeforeValidator(_listed, json_schema_input_type=str | list[str]),
    AfterValidator(_distinct),
]
ValuesByLanguage = Annotated[
    dict[str, Values],
    BeforeValidator(_for_all, json_schema_input_type=Values | dict[Language, Values]),
]
AudioByLanguage = Annotated[
    dict[str, Annotated[str, Field(min_length=1), AfterValidator(_recording)]],
    BeforeValidator(_for_all, json_schema_input_type=str | dict[Language, str]),
]
Duration = Annotated[
    timedelta,
    BeforeValidator(_duration),
    WithJsonSchema({"type": "string", "examples": ["12 hours", "30 days", "2 weeks"]}),
]
Expiry = Annotated[
    datetime,
    BeforeValidator(_end),
    WithJsonSchema({"type": "string", "examples": ["2027-03-31", "2027-03-31T18:00+05:30"]}),
]
Schedule = Annotated[
    Cron,
    BeforeValidator(lambda written: Cron.parse(str(written))),
    WithJsonSchema({"type": "string", "examples": ["30 2 * * *", "0 3 * * sun"]}),
]
_Rate = Annotated[int, AfterValidator(_rate), WithJsonSchema({"enum": list(WS_RATES)})]
Rates = Annotated[
    tuple[_Rate, ...],
    BeforeValidator(_listed, json_schema_input_type=_Rate | list[_Rate]),
    AfterValidator(_distinct),
]
Languages = Annotated[
    tuple[Language, ...],
    BeforeValidator(_listed, json_schema_input_type=Language | list[Language]),
    AfterValidator(_distinct),
]
Tags = Annotated[tuple[str, ...], BeforeValidator(_listed, json_schema_input_type=str | list[str])]
