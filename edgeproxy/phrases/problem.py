"""What is wrong with a book, so that whoever wrote it can put it right: the place, the phrase, the remedy."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]
Place = tuple[str | int, ...]
"""Where something is in a book: keys and positions in lists, from the top."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing to put right. ``line`` and ``column`` count from 1; 0 means the file as a whole.

    ``message`` says what is wrong and what to do about it; ``phrase`` is the id, if it is about one.
    """

    file: str
    line: int
    column: int
    phrase: str | None
    message: str
    severity: Severity = "error"

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        about = f"phrase {self.phrase}: " if self.phrase else ""
        return f"{place}: {self.severity}: {about}{self.message}"


class BookErrors(Exception):
    """The books can't be used. ``problems``: all of them, warnings too, in the order of the files."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = in_order(problems)
        super().__init__("\n".join(map(str, self.problems)))


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Each problem once, by file and place."""
    return tuple(
        sorted(set(problems), key=lambda each: (each.file, each.line, each.column, str(each)))
    )
