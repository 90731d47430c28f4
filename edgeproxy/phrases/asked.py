"""Which phrase somebody means who names it from outside: by book and id, and as little more as is needed.

A language, a speaker or a value has to be named only where there are several. Nothing is guessed: who names
too little, or what there is not, is told what there is.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from ..core.text import normalise
from ..sarvam import refusals
from ..sarvam.refusals import Refused
from .book import Book
from .library import Library
from .shelf import Spoken

VALUE: Final = "value."
"""``value.day=Monday`` says what ``{day}`` becomes."""
_MOST_NAMED: Final = 20


def book_of(library: Library, name: str, *, tenant: str | None) -> Book:
    """The book, if this tenant may hear it; None: a caller that is nobody's. Raises Refused, saying the same
    whether the book is not there or another's."""
    books = {each: book for each, book in library.books.items() if _hears(book, tenant)}
    if name not in books:
        raise Refused(refusals.unknown_phrase("book", name, there_are=_listed(books)))
    return books[name]


def phrase_of(
    library: Library,
    book: str,
    phrase_id: str,
    *,
    language: str | None = None,
    speaker: str | None = None,
    values: Mapping[str, str],
) -> Spoken:
    """The one that is meant, of a book that is there. Raises Refused."""
    said = list(library.said(book, phrase_id))
    if not said:
        there = [each for each in library.books[book].phrases if library.said(book, each)]
        what = f"phrase in the book `{book}` with the id"
        raise Refused(refusals.unknown_phrase(what, phrase_id, there_are=_listed(there)))
    said = _chosen(said, "language", language, lambda each: each.language)
    said = _chosen(said, "speaker", speaker, lambda each: each.voice.speaker)
    names = said[0].values.keys()
    for name in values:
        if name not in names:
            allowed = _listed(VALUE + each for each in names)
            raise Refused(refusals.parameter(VALUE + name, values[name], allowed=allowed))
    for name in names:
        given = values.get(name)
        value = None if given is None else normalise(given)
        said = _chosen(said, VALUE + name, value, _value(name))
    return said[0]


def _value(name: str) -> Callable[[Spoken], str]:
    return lambda each: each.values[name]


def _chosen(
    said: list[Spoken], name: str, wanted: str | None, of: Callable[[Spoken], str]
) -> list[Spoken]:
    there = dict.fromkeys(map(of, said))
    if wanted not in there and not (wanted is None and len(there) == 1):
        raise Refused(refusals.parameter(name, wanted, allowed=_listed(there)))
    return said if wanted is None else [each for each in said if of(each) == wanted]


def _hears(book: Book, tenant: str | None) -> bool:
    return book.tenants is None or tenant in book.tenants


def _listed(names: Iterable[str]) -> str:
    names = list(names)
    more = len(names) - _MOST_NAMED
    shown = ", ".join(names[:_MOST_NAMED])
    return f"{shown} and {more} more" if more > 0 else shown or "none"
