"""A unit of generation, as it is kept: a pinned text in one voice, what was made of it, and what is heard.

The voice is the same at every rate: one master is made, and the other rates from it. Whose it is, is its
*scope*: what everybody may hear, or one tenants' book. A text that two scopes say is two units, so that
nobody hears or moves what is another's.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, Final, Self

from ..core.key import Identity, Teller
from ..core.voice import Voice
from ..sarvam import models

SHARED: Final = ""
"""The scope of what everybody may hear; any other is the name of a tenants' book."""


def space(scope: str) -> str:
    """The namespace of what a scope says and nobody has made yet."""
    # No name of a book makes the one the other: theirs have the hyphen.
    return f"book-{scope}" if scope else "books"


def namespace(number: int, take: int, *, scope: str = SHARED) -> str:
    """Where the records of a generation's ``take`` (counted from 0) lie."""
    return f"{space(scope)}:{number}:{take}"


def scope_of(namespace: str) -> str | None:
    """The scope whose generation's records lie there; None: it is no generation's."""
    return speaker_for(namespace) if ":" in namespace else None


def speaker_for(namespace: str) -> str | None:
    """The scope whose text lies there, made or not; None: it is a client's own."""
    whose = namespace.partition(":")[0]
    if whose == space(SHARED):
        return SHARED
    return whose.removeprefix("book-") if whose.startswith("book-") else None


def unit_key(voice: Voice, text: str, *, scope: str = SHARED) -> str:
    """The name of a unit: of ``voice`` at any rate and the normalised ``text``, in its scope."""
    return unit_teller(voice, scope=scope).identity_of_normal(text).key


def unit_teller(voice: Voice, *, scope: str = SHARED) -> Teller:
    """Of whose identities the keys name units: for those who name many of one voice."""
    return Teller(space(scope), voice.at_rate(models.DEFAULT_RATE))


@dataclass(frozen=True, slots=True)
class Generation:
    """One making of a text, with all its takes.

    ``rate`` in Hz is the master's, ``seconds`` and ``loudness_dbfs`` are the first take's. ``characters``:
    what it costs if it succeeds at once. ``recording``: the digest of the file, where a human spoke.
    ``normalised``: the dBFS its takes were scaled to, where they were. ``epoch``: that of its voice then;
    what is of an earlier one speaks until it is made anew.
    """

    number: int
    made: datetime
    rate: int
    seconds: float
    characters: int
    loudness_dbfs: float
    takes: int = 1
    recording: str | None = None
    normalised: float | None = None
    epoch: int = 0

    def identity(self, voice: Voice, text: str, take: int, *, scope: str = SHARED) -> Identity:
        """That of the record of one take, counted from 0; ``voice``: at the rate of the record."""
        where = namespace(self.number, take, scope=scope)
        return Teller(where, voice).identity_of_normal(text)


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
    scope: str = SHARED
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
            # Not in what was written before there were tenants' books.
            scope=written.get("scope", SHARED),
            phrases=tuple(written["phrases"]),
            generations=tuple(
                Generation(**{**_known(each), "made": datetime.fromisoformat(each["made"])})
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

    @property
    def is_stale(self) -> bool:
        """Whether somebody wants it made anew, though nothing is wrong with how it was made."""
        return self.failed is not None and not self.failed.attempts

    def beyond(self, keep: int) -> list[Generation]:
        """Those that are neither among the last ``keep`` nor spoken."""
        return [each for each in self.generations[:-keep] if each.number != self.speaks]

    def only(self, numbers: Collection[int]) -> Self | None:
        """The same with these of its generations; None where the one that speaks is not among them."""
        if self.speaks is not None and self.speaks not in numbers:
            return None
        kept = tuple(each for each in self.generations if each.number in numbers)
        return replace(self, generations=kept)

    def identity(
        self, generation: Generation, take: int = 0, *, rate: int | None = None
    ) -> Identity:
        """That of the record of one take of a generation; at the rate it was made in, if none is given."""
        voice = self.at_rate(generation.rate if rate is None else rate)
        return generation.identity(voice, self.text, take, scope=self.scope)

    def at_rate(self, rate: int) -> Voice:
        """Its voice at ``rate`` Hz."""
        return Voice({**self.voice, "rate": rate})


_FIELDS: Final = frozenset(field.name for field in fields(Generation))


def _known(written: Mapping[str, Any]) -> dict[str, Any]:
    """Without what a newer build has written: going back to this one must not lose what was made."""
    return {name: value for name, value in written.items() if name in _FIELDS}
