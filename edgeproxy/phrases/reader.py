"""From a file to a book, or to everything that is wrong with it.

No mistake hides another: a broken phrase is reported and left out, and the rest of the book is checked all
the same. What pydantic says of a field is put into the words of those who write books.
"""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from .book import Book, BookVoice, Phrase
from .problem import BookErrors, Place, Problem
from .source import Source

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
        return Draft(source, Book.model_validate(content), ())
    except ValidationError as error:
        problems = tuple(_explained(source, error))
        broken = {
            each["loc"][1]
            for each in error.errors()
            if each["loc"][:1] == ("phrases",) and each["loc"][1:]
        }
    phrases = content.get("phrases")
    if isinstance(phrases, dict):
        content = {**content, "phrases": {k: v for k, v in phrases.items() if k not in broken}}
    try:
        return Draft(source, Book.model_validate(content), problems)
    except ValidationError:
        return Draft(source, None, problems)


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


def _explained(source: Source, error: ValidationError) -> Iterator[Problem]:
    for each in error.errors(include_url=False):
        loc: Place = tuple(step for step in each["loc"] if step != "[key]")
        name = next((str(step) for step in reversed(loc) if step != ""), "the book")
        yield source.problem(loc, _sentence(each, loc, name))


def _sentence(each: Any, loc: Place, name: str) -> str:
    kind: str = each["type"]
    if kind == "extra_forbidden":
        return _unknown(loc, name)
    if kind == "missing":
        return f"`{name}` is missing; a book needs it"
    if kind == "string_pattern_mismatch" and each["loc"][-1] == "[key]":
        return f"`{name}` cannot be a name here; {_NAMING.get(each['ctx']['pattern'][:6], '')}"
    if wanted := _KINDS.get(kind):
        return f"`{name}` must be {wanted}, not {_shown(each['input'])}"
    if kind == "value_error":
        return f"`{name}` {each['ctx']['error']}"
    said = each["msg"][0].lower() + each["msg"][1:]
    return f"`{name}` is {_shown(each['input'])}: {said}"


_NAMING: Final = {
    "^[a-z]": "use small letters, digits, _ (and - in an id)",
}


def _unknown(loc: Place, name: str) -> str:
    model: type[BaseModel] = Book
    if "voice" in loc[:-1] or "voices" in loc[:-1]:
        model = BookVoice
    elif loc[0] == "phrases":
        model = Phrase
    fields = [each for each in model.model_fields if each != "texts"]
    if name == "<<":
        return "`<<` is not for books; what phrases have in common stands at the top of the book"
    close = difflib.get_close_matches(name, fields, n=1)
    if close:
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
