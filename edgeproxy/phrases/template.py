"""From a phrase to its texts: one per language, or one per combination of values where it is a template."""

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ..core.text import normalise
from .book import Book, Phrase
from .problem import Place, Problem, Severity
from .source import Source
from .written import PLACEHOLDER

MAX_EXPANSION: Final = 500
"""Texts that one template may become, in one language."""


@dataclass(frozen=True, slots=True)
class Line:
    """One text of a phrase, normalised. ``values``: what its placeholders became, in their order."""

    language: str
    text: str
    values: Mapping[str, str]


class Template:
    """A phrase that knows its book. ``problems`` grows as it is filled in."""

    def __init__(self, book: Book, phrase_id: str, source: Source) -> None:
        self.problems: list[Problem] = []
        self._book = book
        self._id = phrase_id
        self._phrase: Phrase = book.phrases[phrase_id]
        self._source = source

    def lines(self) -> list[Line]:
        """Every text, in the order of the book's languages and of the values.

        The texts are counted before the first is made, so that no template explodes.
        """
        book, phrase = self._book, self._phrase
        for number, language in enumerate(phrase.languages):
            if language not in book.languages:
                why = f"{language} is not among the languages of the book; add it there"
                self._report(("languages", number), why)
        languages = [each for each in book.languages if each in (phrase.languages or (each,))]
        for place, language in self._named_languages():
            if language not in languages:
                listed = ", ".join(languages)
                why = f"{language} is not among the `languages` here ({listed}); add or remove it"
                self._report(place, why)
        found: list[Line] = []
        used: set[str] = set()
        for language in languages:
            text = phrase.texts.get(language, phrase.text)
            if text is None:
                why = f"has no text in {language}; add one, or list its `languages`"
                self._report((), why, warning=True)
            elif "{" in text:
                found += self._filled(language, text, used)
            else:
                found.append(Line(language, text, {}))
        for name in phrase.values:
            if name not in used:
                why = f"no text has the placeholder {{{name}}}; add it, or remove these values"
                self._report(("values", name), why, warning=True)
        return found

    def place(self, language: str) -> Place:
        """Where the text of ``language`` stands in the book."""
        return ("phrases", self._id, language if language in self._phrase.texts else "text")

    def _named_languages(self) -> list[tuple[Place, str]]:
        phrase = self._phrase
        named: list[tuple[Place, str]] = [((each,), each) for each in phrase.texts]
        named += [(("voices", each), each) for each in phrase.voices]
        named += [(("audio", each), each) for each in phrase.audio if each]
        for name, values in phrase.values.items():
            named += [(("values", name, each), each) for each in values if each]
        return named

    def _filled(self, language: str, text: str, used: set[str]) -> list[Line]:
        names = list(dict.fromkeys(PLACEHOLDER.findall(text)))
        used.update(names)
        lists: list[tuple[str, ...]] = []
        for name in names:
            values = self._phrase.values.get(name) or self._book.values.get(name, {})
            chosen = values.get(language) or values.get("")
            if chosen is None:
                why = (
                    f"has {{{name}}}, but there are no `values` for {name} in {language}; list them"
                )
                self._report((language,), why)
                return []
            lists.append(chosen)
        count = math.prod(map(len, lists))
        if count > MAX_EXPANSION:
            why = f"becomes {count} texts in {language}; at most {MAX_EXPANSION}; shorten `values`"
            self._report((language,), why)
            return []
        return [
            _line(language, text, dict(zip(names, each, strict=True)))
            for each in itertools.product(*lists)
        ]

    def _report(self, path: Place, why: str, *, warning: bool = False) -> None:
        severity: Severity = "warning" if warning else "error"
        place = ("phrases", self._id, *path)
        self.problems.append(self._source.problem(place, why, severity=severity))


def _line(language: str, template: str, values: Mapping[str, str]) -> Line:
    said = PLACEHOLDER.sub(lambda match: values[match[1]], template)
    return Line(language, normalise(said), values)
