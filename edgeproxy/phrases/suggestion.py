"""What callers heard often and no book holds yet, as a book to paste from.

It is a whole book: what all voices have in common stands at its top, what those of one
language have in common below ``voices``, and the rest with the phrase. So every phrase is said as callers
heard it.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, Self

from pydantic import ValidationError

from ..cache.demand import Wanted
from ..core.key import text_tag
from ..core.voice import Voice
from ..core.words import count
from ..sarvam import models
from .book import Book, BookVoice
from .library import Library
from .price import cost

_MOST: Final = 50
_OFTEN: Final = 2
_SLUG_WORDS: Final = 4
_SLUG_CHARACTERS: Final = 50
_NOTHING: Final = ("null", "Null", "NULL", "true", "false")
_COMMENT: Final = """\
# Asked for in the last {days}, and in no book: {texts}.
# Asking the origin for them has cost {saved}, and in a book would not have.
# Give them better ids, and paste them below `phrases:` of a book that speaks with this voice,
# or save all of this as a book of its own. `edgeproxy phrases check` tells whether it fits."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A text worth adding. ``voice``: what a book says of its voice, field to value, without the language."""

    text: str
    language: str
    voice: Mapping[str, Any]
    asked: int
    characters: int
    """What asking the origin for it cost so far."""

    @classmethod
    def of(cls, wanted: Wanted) -> Self | None:
        """The same for what was wanted; None where a book cannot say it (a brace, an odd language)."""
        if "{" in wanted.text:
            return None
        fields = dict(wanted.voice)
        language = fields.pop("language")
        fields.pop("rate", None)
        known = models.MODELS.get(fields["model"])
        voice = {
            models.WIRE_NAMES.get(name, name): value
            for name, value in fields.items()
            # What the model takes anyway need not stand in a book.
            if known is None or known.defaults.get(name) != value
        }
        book = {
            "languages": [language],
            "voice": _nested(voice),
            "phrases": {"said": {language: wanted.text}},
        }
        try:
            Book.model_validate(book)
        except ValidationError:
            return None
        return cls(wanted.text, language, voice, wanted.asked, wanted.spent)


def worth_adding(wanted: Iterable[Wanted], library: Library) -> list[Suggestion]:
    """What was asked for more than once, no book holds and one could, in the order given: the first of
    them, and no more are looked at. Ten thousand that a book holds take long: for a thread."""
    found = (
        suggestion
        for each in wanted
        if each.asked >= _OFTEN
        and not library.holds(Voice({"rate": models.DEFAULT_RATE, **each.voice}), each.text)
        and (suggestion := Suggestion.of(each)) is not None
    )
    return list(islice(found, _MOST))


def as_book(suggested: Sequence[Suggestion], *, days: int) -> str:
    """The suggestions as YAML that is a book."""
    languages = sorted({each.language for each in suggested})
    everywhere = _shared(each.voice for each in suggested)
    by_language = {
        language: _without(
            _shared(each.voice for each in suggested if each.language == language), everywhere
        )
        for language in languages
    }
    characters = sum(each.characters for each in suggested)
    lines = [
        _COMMENT.format(
            days=count(days, "day"), texts=count(len(suggested), "text"), saved=cost(characters)
        ),
        f"languages: [{', '.join(languages)}]",
        f"voice: {_flow(everywhere)}",
    ]
    if any(by_language.values()):
        lines.append("voices:")
        lines += [f"  {name}: {_flow(voice)}" for name, voice in by_language.items() if voice]
    lines.append("phrases:")
    ids: set[str] = set()
    for each in suggested:
        own = _without(_without(each.voice, everywhere), by_language[each.language])
        lines += [
            "",
            f"  {_new_id(each.text, ids)}:  # asked {each.asked:,} times: {cost(each.characters)}",
            f"    {each.language}: {_scalar(each.text)}",
        ]
        if own:
            lines.append(f"    voice: {_flow(own)}")
    return "\n".join(lines)


def _new_id(text: str, taken: set[str]) -> str:
    """An id from the first words, where they are Latin; else one that is the same tomorrow."""
    words = re.findall(r"[a-z0-9]+", text.lower().replace("'", "")) if text.isascii() else []
    found = "-".join(words[:_SLUG_WORDS])[:_SLUG_CHARACTERS]
    if not found or found in _NOTHING:
        found = f"text-{text_tag(text)[:4]}"
    number = 2
    unique = found
    while unique in taken:
        unique = f"{found}-{number}"
        number += 1
    taken.add(unique)
    return unique


def _shared(voices: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The fields that are in all of them with one value."""
    first, *others = voices
    return {
        name: value
        for name, value in first.items()
        if all(name in other and _value(other[name]) == _value(value) for other in others)
    }


def _without(voice: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in voice.items() if name not in said}


def _nested(voice: Mapping[str, Any]) -> dict[str, Any]:
    """With what the books have no field for below ``other``."""
    fields = {name: value for name, value in voice.items() if name in BookVoice.model_fields}
    other = _without(voice, fields)
    return {**fields, "other": other} if other else fields


def _flow(voice: Mapping[str, Any]) -> str:
    return _mapping(_nested(voice))


def _mapping(fields: Mapping[str, Any]) -> str:
    written = (
        f"{_value(name)}: {_mapping(value) if isinstance(value, dict) else _value(value)}"
        for name, value in fields.items()
    )
    return f"{{{', '.join(written)}}}"


def _value(value: Any) -> str:
    """A value inside braces; JSON is YAML, and names need no quotes."""
    if isinstance(value, str) and value not in _NOTHING and re.fullmatch(r"[A-Za-z][\w-]*", value):
        return value
    return json.dumps(value, ensure_ascii=False)


def _scalar(text: str) -> str:
    """A text on a line of its own, in quotes only where YAML would take it for something else."""
    plain = (
        text[0].isalpha()
        and text not in _NOTHING
        and ": " not in text
        and " #" not in text
        and not text.endswith(":")
    )
    return text if plain else json.dumps(text, ensure_ascii=False)
