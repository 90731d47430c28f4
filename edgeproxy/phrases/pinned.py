"""A unit of generation, as it is kept: a pinned text in one voice, what was made of it, and what is heard.

The voice is the same at every rate: one master is made, and the other rates from it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from ..core.key import Teller
from ..core.voice import Voice
from ..sarvam import models


def namespace(number: int, take: int) -> str:
    """Where the records of a generation's ``take`` (counted from 0) lie."""
    return f"books:{number}:{take}"


def is_generation(space: str) -> bool:
    """Whether that is a namespace of :func:`namespace`."""
    return space.startswith("books:")


def unit_key(voice: Voice, text: str) -> str:
    """The name of a unit: of ``voice`` at any rate and the normalised ``text``."""
    return Teller("books", voice.at_rate(models.DEFAULT_RATE)).identity_of_normal(text).key


@dataclass(frozen=True, slots=True)
class Generation:
    """One making of a text, with all its takes.

    ``rate`` in Hz is the master's, ``seconds`` and ``loudness_dbfs`` are the first take's. ``characters``:
    what it costs if it succeeds at once. ``recording``: the digest of the file, where a human spoke.
    """

    number: int
    made: datetime
    rate: int
    seconds: float
    characters: int
    loudness_dbfs: float
    takes: int = 1
    recording: str | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """The last making came to nothing. ``reasons``: each with its figure; ``attempts``: all since the last
    that came to something."""

    when: datetime
    reasons: tuple[str, ...]
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinned:
    """A unit, and what was made of it. Immutable: a change makes another.

    ``voice``: its fields, without the rate. ``phrases``: the ``book/id`` that say it. ``generations``: oldest
    first. ``speaks``: the number of the one that is heard, the pointer; ``held``: it was put there by hand,
    and stays. ``unused_since``: when the unit was first missing from the books.
    """

    key: str
    text: str
    voice: Mapping[str, Any]
    phrases: tuple[str, ...] = ()
    generations: tuple[Generation, ...] = ()
    speaks: int | None = None
    held: bool = False
    failed: Failure | None = None
    unused_since: datetime | None = None

    @classmethod
    def of(cls, written: Mapping[str, Any]) -> Self:
        """What was written as JSON. Raises KeyError, TypeError or ValueError when it is no unit."""
        failed, since = written["failed"], written["unused_since"]
        if failed is not None:
            when, reasons = datetime.fromisoformat(failed["when"]), tuple(failed["reasons"])
            failed = Failure(when=when, reasons=reasons, attempts=failed["attempts"])
        return cls(
            key=written["key"],
            text=written["text"],
            voice=written["voice"],
            phrases=tuple(written["phrases"]),
            generations=tuple(
                Generation(**{**each, "made": datetime.fromisoformat(each["made"])})
                for each in written["generations"]
            ),
            speaks=written["speaks"],
            held=written["held"],
            failed=failed,
            unused_since=None if since is None else datetime.fromisoformat(since),
        )

    @property
    def latest(self) -> Generation | None:
        """The generation made last."""
        return self.generations[-1] if self.generations else None

    @property
    def spoken(self) -> Generation | None:
        """The generation that callers hear; None: none yet."""
        return next((each for each in self.generations if each.number == self.speaks), None)

    def beyond(self, keep: int) -> list[Generation]:
        """Those that are neither among the last ``keep`` nor spoken."""
        return [each for each in self.generations[:-keep] if each.number != self.speaks]

    def at_rate(self, rate: int) -> Voice:
        """Its voice at ``rate`` Hz."""
        return Voice({**self.voice, "rate": rate})
