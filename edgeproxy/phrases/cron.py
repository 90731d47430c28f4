"""When a book is gone through: the five fields of cron, and whether they ever come true.

As in crontab(5) the week begins with Sunday as 0 or 7, names may stand for months and weekdays, and when
both the day of the month and the weekday are restricted either of them will do.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

_MONTHS: Final = (
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
)  # fmt: skip
_WEEKDAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_LONGEST: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)

# Name, least, most, and what may stand for the numbers from the least on.
_FIELDS: Final[Sequence[tuple[str, int, int, Sequence[str]]]] = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day", 1, 31, ()),
    ("month", 1, 12, _MONTHS),
    ("weekday", 0, 7, _WEEKDAYS),
)


@dataclass(frozen=True, slots=True)
class Cron:
    """Times of the clock, each field spelled out; ``days`` or ``weekdays`` (0 is Sunday) None: any.

    ``written``: as it stands in the book.
    """

    written: str
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...] | None
    months: tuple[int, ...]
    weekdays: tuple[int, ...] | None

    @classmethod
    def parse(cls, written: str) -> Self:
        """Read ``minute hour day month weekday``. Raises ValueError; also for what never comes."""
        parts = written.lower().split()
        if len(parts) != len(_FIELDS):
            raise ValueError(
                "must have five fields: minute, hour, day, month, weekday, such as `30 2 * * *`"
            )
        minutes, hours, days, months, weekdays = map(_numbers, parts, _FIELDS)
        any_day, any_weekday = parts[2].startswith("*"), parts[4].startswith("*")
        if any_weekday and not any(day <= _LONGEST[month - 1] for month in months for day in days):
            raise ValueError(f"`{written}` never comes: those months have no day {min(days)}")
        return cls(
            written,
            minutes,
            hours,
            None if any_day and "/" not in parts[2] else days,
            months,
            None if any_weekday and "/" not in parts[4] else weekdays,
        )


def _numbers(part: str, field: tuple[str, int, int, Sequence[str]]) -> tuple[int, ...]:
    name, _, most, _ = field
    found: set[int] = set()
    for piece in part.split(","):
        span, _, step = piece.partition("/")
        first, last = _span(span, field, open_ended=bool(step))
        if step and not (step.isascii() and step.isdigit() and 0 < int(step) <= most):
            raise ValueError(f"{name}: the step in `{piece}` must be a number from 1 to {most}")
        found.update(range(first, last + 1, int(step or 1)))
    if name == "weekday":
        found = {number % 7 for number in found}
    return tuple(sorted(found))


def _span(
    span: str, field: tuple[str, int, int, Sequence[str]], *, open_ended: bool
) -> tuple[int, int]:
    name, least, most, _ = field
    if span == "*":
        # Seven would be a second Sunday, and throw `*/2` out of step.
        return least, 6 if name == "weekday" else most
    begin, dash, end = span.partition("-")
    first = _number(begin, field)
    last = _number(end, field) if dash else most if open_ended else first
    if first > last:
        raise ValueError(f"{name}: `{span}` runs backwards; write {least} to {most} in order")
    return first, last


def _number(word: str, field: tuple[str, int, int, Sequence[str]]) -> int:
    name, least, most, names = field
    if word in names:
        return least + names.index(word)
    if word.isascii() and word.isdigit() and len(word) <= 2 and least <= int(word) <= most:
        return int(word)
    or_names = f" or a name such as {names[1]}" if names else ""
    raise ValueError(f"{name}: `{word}` must be a number from {least} to {most}{or_names}")
