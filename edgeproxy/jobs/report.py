"""What a night has done: for a machine as JSON, for people as a page of text."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final

import orjson

from ..phrases.price import cost
from ..sarvam.models import RUPEES_PER_CHARACTER

_NAMED: Final = 20
"""Texts a page names of each kind; the JSON has all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A phrase's text that has a new generation. ``speaks``: whether callers hear it already."""

    phrase: str
    language: str
    speaker: str
    text: str
    generation: int
    speaks: bool
    seconds: float
    characters: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NotMade:
    """One that failed, and why, with the figures: what was heard before is heard still."""

    phrase: str
    language: str
    speaker: str
    text: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Promoted:
    """A text of no book that is now kept beyond the day. ``asked``: how often callers wanted it that day;
    ``missed``: how many of these were asked of the origin."""

    text: str
    language: str
    speaker: str
    asked: int
    missed: int
    characters: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A night from its beginning to its end, however often it was interrupted.

    ``book``: the only one it was about; None: all. ``skipped``: texts left for another night, because the
    budget was spent, or for the reason ``stopped``. ``retired``: texts the books no longer say, forgotten;
    ``demoted``: records that were promoted once, and that nobody asked for lately;
    ``discarded``: records that were too old; ``checked`` and ``bad``: records read to see whether they are
    whole, and those that were not. ``characters``: asked of the origin. ``heard``: how often callers heard
    what books hold since the day before, and ``heard_characters``: what the origin would have been asked for
    it.
    """

    book: str | None
    began: datetime
    took_s: float = 0.0
    made: tuple[Made, ...]
    failed: tuple[NotMade, ...]
    skipped: int
    stopped: str | None
    characters: int
    retired: int = 0
    promoted: tuple[Promoted, ...] = ()
    demoted: int = 0
    discarded: int = 0
    checked: int = 0
    bad: int = 0
    heard: int = 0
    heard_characters: int = 0

    @property
    def rupees(self) -> float:
        """What the origin takes for the characters."""
        return self.characters * RUPEES_PER_CHARACTER

    @property
    def saved_characters(self) -> int:
        """What asking the origin for the promoted texts has cost in a day, and will not cost again."""
        return sum(each.missed * each.characters for each in self.promoted)

    def __str__(self) -> str:
        return (
            f"{len(self.made)} made, {len(self.failed)} failed, {self.skipped} skipped, "
            f"{len(self.promoted)} promoted, {self.characters} characters"
        )

    def as_json(self) -> bytes:
        """All of it."""
        saved = self.saved_characters
        figures = {
            "rupees": round(self.rupees, 2),
            "heard_rupees": round(self.heard_characters * RUPEES_PER_CHARACTER, 2),
            "saved_characters": saved,
            "saved_rupees": round(saved * RUPEES_PER_CHARACTER, 2),
        }
        return orjson.dumps({**asdict(self), **figures}, option=orjson.OPT_INDENT_2)

    def as_text(self) -> str:
        """A page to read in the morning."""
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        what = "Night" if self.book is None else f"Night of the book {self.book}"
        yield f"{what} of {self.began:%A, %d %B %Y, %H:%M %Z}, {self.took_s:,.0f} s"
        yield ""
        yield f"made      {len(self.made):,}"
        waiting = sum(not each.speaks for each in self.made)
        if waiting:
            yield f"          {waiting:,} of these wait until somebody picks them (phrases use)"
        yield f"failed    {len(self.failed):,}"
        if self.skipped:
            yield f"skipped   {self.skipped:,}: {self.stopped or 'the budget is spent'}"
        yield f"cost      {cost(self.characters)}"
        if self.book is None:
            yield f"retired   {self.retired:,} that no book says any more"
            yield f"promoted  {len(self.promoted):,} of no book, now kept for as long as they are asked for"
            yield f"demoted   {self.demoted:,} that were promoted once and nobody asks for any more"
            yield f"heard     {self.heard:,} times from the books: {cost(self.heard_characters)} not spent"
            yield f"saved     {cost(self.saved_characters)} a day, by what was promoted"
            yield f"discarded {self.discarded:,} old records"
            yield f"checked   {self.checked:,} records, {self.bad:,} of them bad and removed"
        yield from _listed(
            "Failed, so what was heard before is heard still:",
            [f"{_who(each)}: {'; '.join(each.reasons)}" for each in self.failed],
        )
        yield from _listed(
            "Made:", [f"{_who(each)}: {each.seconds:.1f} s, {each.text}" for each in self.made]
        )
        yield from _listed(
            "Promoted:",
            [
                f"{each.language} {each.speaker}, asked {each.asked:,} times, "
                f"{each.missed:,} of these of the origin: {each.text}"
                for each in self.promoted
            ],
        )


def _who(each: Made | NotMade) -> str:
    return f"{each.phrase} {each.language} {each.speaker}"


def _listed(title: str, lines: list[str]) -> Iterator[str]:
    if lines:
        yield ""
        yield title
        yield from (f"  {line}" for line in lines[:_NAMED])
        if len(lines) > _NAMED:
            yield f"  and {len(lines) - _NAMED:,} more"
