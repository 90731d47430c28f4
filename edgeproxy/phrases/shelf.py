"""A folder of books, read and held against each other: what is said, by whom, and what is wrong with it."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final, Self

from ..core.voice import Voice
from ..sarvam import models
from .book import Book, Phrase
from .cast import Cast
from .pinned import SHARED
from .problem import BookErrors, Problem
from .reader import Draft, draft
from .recording import Recording, RecordingError, inspect
from .template import Line, Template

BOOK_TEXTS: Final = 50_000
"""Texts that all templates of one book may become."""

_BOOK_ID: Final = r"[a-z0-9][a-z0-9_-]{0,63}"


@dataclass(frozen=True, slots=True)
class Spoken:
    """A phrase as one voice says it, with its template filled in: the unit of generation.

    ``book`` and ``id`` name the phrase; ``scope`` is whose it is (see :mod:`~edgeproxy.phrases.pinned`).
    ``values`` is what its placeholders became, in order.
    ``voice`` has the highest of ``rates`` (Hz): the master, from which the other rates are made.
    ``recording``: what a human said instead.
    ``segments``: what a turn of its own is cut into, in order, normalised.
    ``pinned``: every segment it may be found as, whatever stands before it; a whole recording first.
    """

    book: str
    id: str
    scope: str
    language: str
    values: Mapping[str, str]
    text: str
    voice: Voice
    rates: tuple[int, ...]
    whole: bool
    recording: Recording | None
    phrase: Phrase
    segments: tuple[str, ...] = ()
    pinned: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        name: str,
        book: Book,
        phrase_id: str,
        line: Line,
        voice: Voice,
        recording: Recording | None,
    ) -> Self:
        """``line`` of a phrase in the book ``name``, said by ``voice``, not cut yet."""
        phrase = book.phrases[phrase_id]
        return cls(
            book=name,
            id=phrase_id,
            scope=SHARED if book.tenants is None else name,
            language=line.language,
            values=line.values,
            text=line.text,
            voice=voice,
            rates=tuple(sorted(book.sample_rates)),
            whole=phrase.is_whole(line.language),
            recording=recording,
            phrase=phrase,
        )

    @property
    def name(self) -> str:
        """``book/id``."""
        return f"{self.book}/{self.id}"


class Shelf:
    """The books of a folder, and everything that is wrong with them.

    ``books``: by name. ``spoken``: what they say, not cut yet, in the order of the files. What is wrong with
    one phrase or file keeps none of the others out.
    """

    def __init__(self, directory: Path, *, tenants: Collection[str] | None, now: datetime) -> None:
        """Read all books of ``directory``; see :meth:`~edgeproxy.phrases.library.Library.load`."""
        self.books: dict[str, Book] = {}
        self.spoken: list[Spoken] = []
        self.problems: list[Problem] = []
        self._tenants = tenants
        self._now = now
        # Books may ask for one voice at different rates: the same person all the same.
        self._timbres: dict[Voice, Voice] = {}
        self._first: dict[tuple[str, Voice, str], tuple[Spoken, Callable[[str], Problem]]] = {}
        for file in self._files(directory):
            try:
                found = draft(file)
            except BookErrors as error:
                self.problems += error.problems
                continue
            self.problems += found.problems
            if found.book is not None:
                self._add(found, found.book)

    def clear(self) -> None:
        """Let go of what was read, one by one: all at once would be one step, and live traffic waits."""
        while self._first:
            self._first.popitem()
        while self.spoken:
            self.spoken.pop()

    def _files(self, directory: Path) -> Iterator[Path]:
        try:
            files = sorted(
                file
                for file in directory.iterdir()
                if file.suffix in (".yaml", ".yml") and not file.name.startswith(".")
            )
        except OSError as error:
            why = f"is no folder of books: {error.strerror}"
            self.problems.append(Problem(str(directory), 0, 0, None, why))
            return
        names: dict[str, Path] = {}
        for file in files:
            if not re.fullmatch(_BOOK_ID, file.stem):
                why = "a book is named by small letters, digits, - and _; rename the file"
                self.problems.append(Problem(str(file), 0, 0, None, why))
            elif (other := names.setdefault(file.stem, file)) is not file:
                why = f"there is the book {other.name} already; rename or remove one of them"
                self.problems.append(Problem(str(file), 0, 0, None, why))
            else:
                yield file

    def _add(self, found: Draft, book: Book) -> None:
        name = found.source.file.stem
        at = found.source.problem
        self.books[name] = book
        for number, tenant in enumerate(book.tenants or ()):
            if self._tenants is not None and tenant not in self._tenants:
                listed = ", ".join(sorted(self._tenants)) or "none"
                why = f"there is no tenant `{tenant}`; there are {listed}"
                self.problems.append(at(("tenants", number), why))
        cast = Cast(book, found.source)
        texts = 0
        for phrase_id, phrase in book.phrases.items():
            if phrase.expires is not None and phrase.expires <= self._now:
                why = "is over, so the phrase is not said any more; remove it, or change the date"
                path = ("phrases", phrase_id, "expires")
                self.problems.append(at(path, why, severity="warning"))
                continue
            template = Template(book, phrase_id, found.source)
            lines = template.lines()
            self.problems += template.problems
            texts += len(lines)
            if texts > BOOK_TEXTS:
                why = f"the book becomes more than {BOOK_TEXTS} texts here; shorten `values`"
                self.problems.append(at(("phrases", phrase_id), why))
                break
            recordings = self._recordings(found, book, phrase_id)
            for line in lines:
                recording = recordings.get(phrase.recording(line.language))
                for voice in cast.voices(phrase_id, phrase, line.language):
                    place = partial(at, template.place(line.language))
                    self._speak(Spoken.of(name, book, phrase_id, line, voice, recording), place)
        self.problems += cast.problems

    def _recordings(self, found: Draft, book: Book, phrase_id: str) -> dict[str | None, Recording]:
        """The recordings of a phrase, by the name that the book gives them."""
        recordings: dict[str | None, Recording] = {}
        for language, written in book.phrases[phrase_id].audio.items():
            place = partial(found.source.problem, ("phrases", phrase_id, "audio", language))
            try:
                recording = inspect(found.source.file.parent / written)
            except RecordingError as error:
                self.problems.append(place(str(error)))
                continue
            recordings[written] = recording
            for remark in recording.remarks(rate=max(book.sample_rates)):
                self.problems.append(place(remark, severity="warning"))
        return recordings

    def _speak(self, spoken: Spoken, place: Callable[[str], Problem]) -> None:
        """Take a text in, unless it is too long or somebody says it already."""
        text, model = spoken.text, spoken.voice.model
        if len(text) > (limit := models.text_limit(model, door="ws")):
            why = f"has {len(text)} characters in {spoken.language}; {model} takes {limit}"
            self.problems.append(place(f"{why}; make it two phrases"))
            return
        if (timbre := self._timbres.get(spoken.voice)) is None:
            timbre = self._timbres[spoken.voice] = spoken.voice.at_rate(models.DEFAULT_RATE)
        # A tenant may say for itself what everybody's books say, too; but nobody says it twice.
        for hearer in self.books[spoken.book].tenants or (SHARED,):
            first, where = self._first.setdefault((hearer, timbre, text), (spoken, place))
            if first is not spoken:
                there = where("")
                who = f"{spoken.voice.speaker} says the same in {first.book}/{first.id}"
                why = f"{who} ({there.file}:{there.line}); keep one of the two"
                self.problems.append(place(why))
                return
        self.spoken.append(spoken)
