"""From a file to a book, or to everything that is wrong with it.

No mistake hides another: a broken phrase is reported and left out, and the rest of the book is checked all
the same. What pydantic says of a field is put into the words of those who write books.
"""

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from .book import Book, BookVoice, Loudness, Phrase
from .problem import BookErrors, Place, Problem
from .source import Source
from .written import ID, LANGUAGE, NAME

__all__ = ["BookErrors", "Draft", "Problem", "draft", "read"]


@dataclass(frozen=True, slots=True)
class Draft:
    """A book as far as it could be understood. ``book`` is None if its top could not."""

    source: Source
    book: Book | None
    problems: tuple[Problem, ...]


def draft(file: Path) -> Draft:
    """Read ``file``, without the phrases that are broken. Raises :class:`BookErrors` for bad YAML."""
    source = Source(file)
    content = source.content
    if not isinstance(content, dict):
        is_what = "is empty" if content is None else "is not a mapping"
        raise BookErrors(
            [source.problem((), f"{is_what}; a book begins with `languages:` and `phrases:`")]
        )
    try:
        return Draft(source, Book.model_validate(content), tuple(source.problems))
    except ValidationError as error:
        problems = (*source.problems, *_explained(source, error))
        broken = [tuple(each["loc"]) for each in error.errors()]
    try:
        return Draft(source, Book.model_validate(_without(content, broken)), problems)
    except ValidationError:
        return Draft(source, None, problems)


def _without(content: dict[str, Any], broken: list[Place]) -> dict[str, Any]:
    """The content without its broken phrases, and without what else is broken at the top."""
    fields = {place[0] for place in broken if place and place[0] != "phrases"}
    ids = {place[1] for place in broken if place[:1] == ("phrases",) and len(place) > 1}
    rest = {name: value for name, value in content.items() if name not in fields}
    if ids:
        phrases = content["phrases"]
        rest["phrases"] = {name: phrases[name] for name in phrases if name not in ids}
    return rest


def read(file: Path) -> Book:
    """The book in ``file``. Raises :class:`BookErrors`."""
    found = draft(file)
    if found.book is None or found.problems:
        raise BookErrors(found.problems)
    return found.book


_KINDS: Final = {
    "string_type": "a text",
    "string_sub_type": "a text",
    "dict_type": "a mapping (`name: ...`)",
    "model_type": "a mapping (`name: ...`)",
    "tuple_type": "a list",
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_parsing": "a number",
    "float_type": "a number",
    "finite_number": "a number",
    "bool_parsing": "true or false",
    "bool_type": "true or false",
}


_NAMING: Final = {
    LANGUAGE: "a language code such as hi-IN",
    ID: "an id of small letters, digits, - and _",
    NAME: "a name of small letters, digits and _",
}


def _explained(source: Source, error: ValidationError) -> Iterator[Problem]:
    for each in error.errors(include_url=False):
        place: Place = tuple(step for step in each["loc"] if step != "[key]")
        yield source.problem(place, _sentence(each, place))


def _sentence(each: Any, place: Place) -> str:
    kind, input_, context = each["type"], each["input"], each.get("ctx", {})
    # A phrase is named in front of the message already.
    name = "" if len(place) == 2 and place[0] == "phrases" else f"`{_last_name(place)}` "
    if kind == "extra_forbidden":
        return _unknown(place)
    if kind == "missing":
        return f"{name}is missing; a book needs it"
    if kind == "value_error":
        return f"{name}{context['error']}"
    if kind == "string_pattern_mismatch":
        return f"{name}must be {_NAMING[context['pattern']]}, not {_shown(input_)}"
    if kind in ("too_short", "string_too_short"):
        return f"{name}is empty; put something in, or leave it out"
    if kind == "literal_error":
        return f"{name}must be {context['expected']}, not {_shown(input_)}"
    if kind == "less_than_equal":
        return f"{name}must be at most {context['le']}, not {_shown(input_)}"
    if kind == "greater_than_equal":
        return f"{name}must be at least {context['ge']}, not {_shown(input_)}"
    if wanted := _KINDS.get(kind):
        return f"{name}must be {wanted}, not {_shown(input_)}"
    return f"{name}is {_shown(input_)}: {each['msg'].lower()}"


def _last_name(place: Place) -> str:
    """The field a place belongs to, rather than a position in its list."""
    return next((step for step in reversed(place) if isinstance(step, str) and step), "the book")


def _unknown(place: Place) -> str:
    name = str(place[-1])
    if name == "<<":
        return "`<<` is not for books; what phrases have in common stands at the top of the book"
    model: type[BaseModel] = Phrase if place[0] == "phrases" else Book
    if "voice" in place[:-1] or "voices" in place[:-1]:
        model = BookVoice
    if "loudness_dbfs" in place[:-1]:
        model = Loudness
    fields = [field for field in model.model_fields if field != "texts"]
    if model is Phrase and (code := re.fullmatch(r"([a-z]{2,3})[-_]([a-z]{2})", name, re.I)):
        return f"there is no field `{name}`; did you mean `{code[1].lower()}-{code[2].upper()}`?"
    if close := difflib.get_close_matches(name, fields, n=1, cutoff=0.7):
        return f"there is no field `{name}`; did you mean `{close[0]}`?"
    by_language = ", or a language such as hi-IN" if model is Phrase else ""
    return f"there is no field `{name}`; there are {', '.join(fields)}{by_language}"


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    text = str(value)
    return f"`{text[:40]}…`" if len(text) > 40 else f"`{text}`"
