"""Who speaks: from book, phrase and language to voices, and what our tables think of them.

Fields are looked for in the phrase for this language, in the phrase, in the book for this language and in
the book, in this order; what is left comes from the model, as for any client. A number the model does not
take is an error. A speaker, language or model that our tables lack is only a warning: the tables may be
stale, and the origin decides.
"""

import difflib
from collections.abc import Iterator
from typing import Any, Final

from ..core.voice import Voice
from ..sarvam import fields, models
from ..sarvam.refusals import Refused
from .book import Book, BookVoice, Phrase
from .problem import Place, Problem
from .source import Source

_STALE: Final = "our tables may be stale, else the origin will refuse it"


class Cast:
    """The voices of one book. ``problems`` grows as voices are asked for."""

    def __init__(self, book: Book, source: Source) -> None:
        self.problems: list[Problem] = []
        self._book = book
        self._source = source
        self._usual: dict[str, tuple[Voice, ...]] = {}

    def voices(self, phrase_id: str, phrase: Phrase, language: str) -> tuple[Voice, ...]:
        """Who says ``phrase`` in ``language``: a voice per speaker, at the highest rate the book asks for."""
        layers = self._book_layers(language)
        own = list(_own_layers(phrase_id, phrase, language))
        if own:
            return self._resolve([*layers, *own], language)
        if language not in self._usual:
            self._usual[language] = self._resolve(layers, language)
        return self._usual[language]

    def _book_layers(self, language: str) -> list[tuple[Place, BookVoice]]:
        layers: list[tuple[Place, BookVoice]] = []
        if self._book.voice is not None:
            layers.append((("voice",), self._book.voice))
        if language in self._book.voices:
            layers.append((("voices", language), self._book.voices[language]))
        return layers

    def _resolve(self, layers: list[tuple[Place, BookVoice]], language: str) -> tuple[Voice, ...]:
        given: dict[str, Any] = {"language_code": language}
        number = self._book.languages.index(language)
        origin: dict[str, Place] = {"language_code": ("languages", number)}
        for path, voice in layers:
            for name in voice.model_fields_set:
                value = getattr(voice, name)
                if name == "other":
                    given |= value
                    origin |= {each: (*path, "other", each) for each in value}
                elif value is not None:
                    given[name] = value
                    origin[name] = (*path, name)
        speakers: tuple[str | None, ...] = given.pop("speaker", None) or (None,)
        found = []
        for speaker in speakers:
            one = given if speaker is None else {**given, "speaker": speaker}
            if (made := self._voice(one, origin)) is not None:
                found.append(made)
        return tuple(found)

    def _voice(self, given: dict[str, Any], origin: dict[str, Place]) -> Voice | None:
        at = self._source.problem
        broken = len(self.problems)
        model = given.get("model", models.DEFAULT_MODEL)
        for name, value in given.items():
            try:
                fields.read({name: value}, rates=models.WS_RATES)
                models.check_ranges(model, {name: value})
            except Refused as error:
                # Sarvam's own words say nothing to who writes a book; ours stand behind them.
                why = error.refusal.message.partition(". ")[2]
                self.problems.append(at(origin[name], why))
        for name, message in _doubts(model, given):
            self.problems.append(at(origin.get(name, ("voice",)), message, severity="warning"))
        if len(self.problems) > broken and self.problems[broken].severity == "error":
            return None
        rate = max(self._book.sample_rates)
        asked = fields.read({**given, "speech_sample_rate": rate}, rates=models.WS_RATES)
        audible = models.audible(asked)
        if "speaker" not in audible:
            why = f"`speaker` is missing, and the default of `{model}` is not known; name one"
            self.problems.append(at(("voice",), why))
            return None
        return Voice(audible)


def _own_layers(phrase_id: str, phrase: Phrase, language: str) -> Iterator[tuple[Place, BookVoice]]:
    if phrase.voice is not None:
        yield ("phrases", phrase_id, "voice"), phrase.voice
    if language in phrase.voices:
        yield ("phrases", phrase_id, "voices", language), phrase.voices[language]


def _doubts(model: str, given: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Field and message of what our tables do not know, or know to have no effect."""
    known = models.MODELS.get(model)
    if known is None:
        listed = ", ".join(sorted(each.name for each in models.MODELS.values() if not each.retired))
        yield "model", f"we don't know the model `{model}`; we know {listed}; {_STALE}"
        return
    if known.retired:
        yield "model", f"`{model}` was switched off by Sarvam; use `{known.successor}`"
    language = given["language_code"]
    if language in known.gated_languages:
        yield "language_code", f"{language} is spoken only for accounts that asked Sarvam for it"
    elif language not in known.languages:
        close = difflib.get_close_matches(language, known.languages, n=1, cutoff=0.7)
        meant = f"did you mean {close[0]}? " if close else ""
        yield "language_code", f"we don't know that {model} speaks {language}; {meant}{_STALE}"
    speaker = given.get("speaker", known.default_speaker)
    if speaker not in known.speakers:
        close = difflib.get_close_matches(speaker, sorted(known.speakers), n=3, cutoff=0.5)
        others = [each.name for each in models.MODELS.values() if speaker in each.speakers]
        meant = f" (a speaker of {', '.join(others)})" if others else ""
        near = f"; near it: {', '.join(close)}" if close else ""
        yield (
            "speaker",
            f"we don't know that {model} has the speaker `{speaker}`{meant}{near}; {_STALE}",
        )
    for name in given:
        if models.VOICE_NAMES.get(name, name) in known.ignored:
            yield name, f"`{name}` changes nothing in {model}; leave it out"
