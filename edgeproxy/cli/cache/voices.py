"""A voice on the command line: ``FIELD=VALUE``, as often as there are fields."""

from collections.abc import Iterable
from typing import Any, Final

import click
import orjson

from ...sarvam import models

_TEXTS: Final = ("model", "language", "speaker", "dict_id")


def voice_fields(given: Iterable[str]) -> dict[str, Any]:
    """The fields of a voice that ``given`` say, by the names they have there, each with a value of its kind;
    of a field that is not known here the value is taken for JSON, where it is any. Raises UsageError."""
    fields: dict[str, Any] = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not (name and equals and value):
            raise click.UsageError(
                f"--voice {each}: write a field and its value, such as speaker=ritu"
            )
        name = models.VOICE_NAMES.get(name, name)
        if name in fields:
            raise click.UsageError(f"--voice {each}: {name} is there already; write it once")
        fields[name] = _value(name, value, given=each)
    return fields


def _value(name: str, value: str, *, given: str) -> Any:
    if name in _TEXTS:
        return value
    if name == "rate" or name in models.NUMBERS:
        try:
            return int(value) if name == "rate" else float(value)
        except ValueError:
            raise click.UsageError(f"--voice {given}: {name} is a number") from None
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        return value
