"""What the books want made, and why: from a library and what was made so far to what is due."""

import difflib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal, get_args

from ..core.key import NO_EPOCHS, Epochs, Teller
from ..core.text import has_word, normalise
from ..core.voice import Voice
from ..sarvam import models
from .generations import Generations
from .library import Library
from .pinned import Generation, Pinned, unit_teller
from .recording import Recording
from .shelf import Spoken

Reason = Literal[
    "new",
    "changed text",
    "changed voice",
    "failed check",
    "changed loudness",
    "older than refresh_after",
]
"""Why something is due, the most pressing first. A changed voice is also another recording, a higher rate, or
more takes; a failed check is also a record that is gone. What has changed only in ``normalise_dbfs`` is made
from the takes there are, and costs nothing; bounds of loudness are for what is made from then on."""

_PRESSING: Final = {reason: place for place, reason in enumerate(get_args(Reason))}


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A pinned text in one voice, as all books of its ``scope`` together want it.

    ``voice`` has the highest of ``rates`` (Hz); ``phrases``: the ``book/id`` that say it; ``recording``: what
    a human said instead; ``manual``: its pointer is only moved by hand; ``loudness``: least and most, and
    ``normalise``: what it is scaled to, in dBFS, where its book says so.
    """

    key: str
    scope: str
    text: str
    voice: Voice
    rates: tuple[int, ...]
    phrases: tuple[str, ...]
    takes: int
    recording: Recording | None
    manual: bool
    refresh_after: timedelta | None
    loudness: tuple[float, float] | None = None
    normalise: float | None = None

    @property
    def characters(self) -> int:
        """What making it costs; nothing, where a human has spoken."""
        return 0 if self.recording else self.takes * len(self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A unit that is to be made. ``after``: the number of its latest generation, 0 without; ``asked``: when
    it was found due, which is what its generation will be dated, unless it is only rescaled."""

    unit: Unit
    reason: Reason
    after: int
    asked: datetime

    @property
    def characters(self) -> int:
        """What making it costs, if it succeeds at once."""
        return 0 if self.is_rescaled else self.unit.characters

    @property
    def is_rescaled(self) -> bool:
        """Whether it is made from the takes of its latest generation, and nobody speaks it anew."""
        return self.reason == "changed loudness" and self.unit.recording is None

    @property
    def rupees(self) -> float:
        """The same in money."""
        return self.characters * models.RUPEES_PER_CHARACTER


def units(library: Library) -> dict[str, Unit]:
    """All units of all books, by key, in the order of the books."""
    found: dict[str, list[Unit]] = {}
    tellers: dict[tuple[str, Voice], Teller] = {}
    for spoken in library.phrases:
        if spoken.phrase.pin:
            whose = (spoken.scope, spoken.voice)
            if (teller := tellers.get(whose)) is None:
                teller = tellers[whose] = unit_teller(spoken.voice, scope=spoken.scope)
            for text in filter(has_word, spoken.pinned):
                key = teller.identity_of_normal(text).key
                found.setdefault(key, []).append(_unit(key, spoken, text, library))
    return {key: same[0] if len(same) == 1 else _together(same) for key, same in found.items()}


def _unit(key: str, spoken: Spoken, text: str, library: Library) -> Unit:
    book, phrase = library.books[spoken.book], spoken.phrase
    # The sentences of a whole phrase are what a turn falls back to; only the whole has takes or a recording.
    whole = spoken.whole and text == normalise(spoken.text)
    bounds = book.loudness_dbfs
    return Unit(
        key=key,
        scope=spoken.scope,
        text=text,
        voice=spoken.voice,
        rates=spoken.rates,
        phrases=(spoken.name,),
        takes=phrase.takes if whole else 1,
        recording=spoken.recording if whole else None,
        manual=book.swap == "manual",
        refresh_after=phrase.refresh_after or book.refresh_after,
        loudness=None if bounds is None else (bounds.least, bounds.most),
        normalise=book.normalise_dbfs,
    )


def _together(same: Sequence[Unit]) -> Unit:
    """What satisfies all phrases that share a text; how loud it is, the first says that has a say."""
    first = same[0]
    ages = [each.refresh_after for each in same if each.refresh_after is not None]
    has_a_say = (each for each in same if (each.loudness, each.normalise) != (None, None))
    louder = next(has_a_say, first)
    return replace(
        first,
        voice=max((each.voice for each in same), key=lambda voice: voice.rate),
        rates=tuple(sorted({rate for each in same for rate in each.rates})),
        phrases=tuple(dict.fromkeys(name for each in same for name in each.phrases)),
        takes=max(each.takes for each in same),
        recording=next((each.recording for each in same if each.recording), None),
        manual=any(each.manual for each in same),
        refresh_after=min(ages, default=None),
        loudness=louder.loudness,
        normalise=louder.normalise,
    )


def due(
    library: Library,
    generations: Generations,
    *,
    is_there: Callable[[Unit, Generation], bool],
    now: datetime,
    only: str | None = None,
    all_due: bool = False,
    epochs: Epochs = NO_EPOCHS,
) -> list[Due]:
    """What is to be made, the most pressing first, else in the order of the books.

    ``is_there``: whether the records of a generation are; ``only``: a ``book/id``, or all of a ``book``;
    ``all_due``: as if nothing were young enough; ``epochs``: those that voices are of now. Raises ValueError
    when there is no such phrase.
    """
    wanted = units(library)
    _check(only, library)
    gone: dict[str, list[Pinned]] = {}
    for pinned in generations:
        if pinned.key not in wanted and pinned.generations:
            for phrase in pinned.phrases:
                gone.setdefault(phrase, []).append(pinned)
    found = []
    for unit in wanted.values():
        if only is None or any(only in (name, name.partition("/")[0]) for name in unit.phrases):
            made = generations.find(unit.key)
            reason = _reason(unit, made, gone, is_there, now, epochs)
            if reason is None and all_due and unit.recording is None:
                reason = "older than refresh_after"
            if reason is not None:
                latest = made.latest.number if made and made.latest else 0
                found.append(Due(unit=unit, reason=reason, after=latest, asked=now))
    return sorted(found, key=lambda each: _PRESSING[each.reason])


def _reason(
    unit: Unit,
    made: Pinned | None,
    gone: dict[str, list[Pinned]],
    is_there: Callable[[Unit, Generation], bool],
    now: datetime,
    epochs: Epochs,
) -> Reason | None:
    if made is None:
        return _why_new(unit, gone)
    if (latest := made.latest) is None:
        return "failed check"
    if latest.recording != (unit.recording.digest if unit.recording else None):
        return "changed voice"
    if latest.rate < unit.voice.rate or latest.takes < unit.takes:
        return "changed voice"
    if unit.recording is None and latest.epoch < epochs.of(unit.voice):
        return "changed voice"
    if made.failed is not None or not is_there(unit, latest):
        return "failed check"
    # A human does not say it again.
    age = None if unit.recording else unit.refresh_after
    if age and latest.made + age <= now:
        return "older than refresh_after"
    # Without the field nothing is undone: it would have to be asked for again.
    changed = unit.normalise is not None and latest.normalised != unit.normalise
    return "changed loudness" if changed else None


def _why_new(unit: Unit, gone: dict[str, list[Pinned]]) -> Reason:
    """Whether it takes the place of something that its phrases no longer say."""
    before = [
        pinned
        for phrase in unit.phrases
        for pinned in gone.get(phrase, ())
        if pinned.scope == unit.scope
    ]
    usual = unit.voice.at_rate(models.DEFAULT_RATE)
    if any(pinned.at_rate(models.DEFAULT_RATE) == usual for pinned in before):
        return "changed text"
    if any(pinned.text == unit.text for pinned in before):
        return "changed voice"
    return "new"


def _check(only: str | None, library: Library) -> None:
    if only is not None and only not in (names := set(_names(library))):
        close = difflib.get_close_matches(only, sorted(names), n=1)
        meant = f"; did you mean {close[0]}?" if close else ""
        raise ValueError(f"there is no phrase or book `{only}`{meant}")


def _names(library: Library) -> Iterator[str]:
    for spoken in library.phrases:
        yield spoken.book
        yield spoken.name
