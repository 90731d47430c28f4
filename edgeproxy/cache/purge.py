"""Purges: what was said before one and is covered by it is never served again, or only while it is renewed.

Purges are numbered. A record remembers the number of the last purge before its fill was *begun*, and is held
against all later ones when it is read: so a purge wins over every fill that was in the air, in whatever
process, no clock has a say, and one that was cut short by a crash is done again at the next start.

All of it is one small file, ``purges.json``, that several processes share: the command line adds to it, a
server follows it. Once no record is left that a purge covers, it is *over*: until then every read is held
against it, and from then on only what comes from elsewhere, out of an archive (:meth:`Purges.undoes`).
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import IntEnum
from pathlib import Path
from typing import Any, Final, Self

import orjson

from ..core.key import Identity
from ..core.text import normalise
from . import durable

_FORM: Final = 1
_MOST_OVER: Final = 1000
"""So many purges that are over are known one by one; of older ones, only until when there were any."""


class Doom(IntEnum):
    """What the purges say of a record."""

    NONE = 0
    STALE = 1
    """It may be served while it is renewed."""
    GONE = 2
    """It is not served, and not kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Which recordings a purge covers: those that fit everything that is given. Nothing given covers all.

    ``text``: exactly this one, normalised; ``prefix``: texts that begin so. ``namespace``: whose they are (of
    ``books:3:0`` the part before the first colon). ``voice``: fields and their values.
    """

    text: str | None = None
    prefix: str | None = None
    namespace: str | None = None
    voice: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def said(
        cls,
        *,
        text: str | None,
        prefix: str | None,
        namespace: str | None,
        voice: Mapping[str, Any],
    ) -> Self:
        """What somebody has said: texts as they were typed. See :attr:`blank`."""
        return cls(
            text=None if text is None else normalise(text),
            prefix=None if prefix is None else normalise(prefix),
            namespace=namespace,
            voice=voice,
        )

    @property
    def blank(self) -> str | None:
        """The field that is given and empty, which nobody means: every text begins with nothing."""
        return next((name for name in ("text", "prefix") if getattr(self, name) == ""), None)

    def covers(self, identity: Identity) -> bool:
        """Whether ``identity`` is among them."""
        fields = identity.voice.fields
        return (
            self.text in (None, identity.text)
            and (self.prefix is None or identity.text.startswith(self.prefix))
            and self.namespace in (None, identity.namespace.partition(":")[0])
            and all(name in fields and fields[name] == value for name, value in self.voice.items())
        )

    def __str__(self) -> str:
        given = {
            "text": self.text,
            "prefix": self.prefix,
            "namespace": self.namespace,
            **self.voice,
        }
        named = [f"{name} {value}" for name, value in given.items() if value is not None]
        return ", ".join(named) or "everything"


class DamagedPurges(ValueError):
    """What was purged is not known any more, so nobody may go on as if nothing had been. The text says what
    to do."""


@dataclass(frozen=True, slots=True)
class Purge:
    """One purge. ``soft``: it makes stale, instead of removing."""

    number: int
    when: datetime
    soft: bool
    scope: Scope


class Purges:
    """The purges in force. Reading is for the event loop's thread; what touches the file blocks.

    Mutable state: ``number``, the last purge there was; the purges in force and those that are over, oldest
    first; until when there were others.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._purges: tuple[Purge, ...] = ()
        self._over: tuple[Purge, ...] = ()
        self._unknown: datetime | None = None
        self.number = 0
        self._seen: tuple[int, ...] | None = None

    @classmethod
    def load(cls, file: Path) -> Self:
        """Read ``file``; without one there has been none. Raises OSError or :class:`DamagedPurges`."""
        purges = cls(file)
        purges.reload()
        return purges

    def __iter__(self) -> Iterator[Purge]:
        return iter(self._purges)

    def doom(self, identity: Identity, *, since: int) -> Doom:
        """What becomes of a recording of ``identity`` that was begun after the purge ``since``."""
        if since >= self.number:
            return Doom.NONE
        return max(
            (
                Doom.STALE if purge.soft else Doom.GONE
                for purge in self._purges
                if purge.number > since and purge.scope.covers(identity)
            ),
            default=Doom.NONE,
        )

    def undoes(self, identity: Identity, *, made: datetime) -> bool:
        """Whether a recording of ``identity`` that was ``made`` elsewhere would bring back what was purged
        here since, softly or not.

        Numbers are each installation's own, so that here the clocks have a say.
        """
        if self._unknown is not None and made < self._unknown:
            return True
        return any(
            made < purge.when and purge.scope.covers(identity)
            for purge in (*self._over, *self._purges)
        )

    def add(self, scope: Scope, *, soft: bool, now: datetime | None = None) -> Purge:
        """One more, in force and safe on disk when this returns. Raises OSError."""
        with self._alone():
            self.reload()
            now = now or datetime.now(UTC)
            # Not from one on: where the file was lost, records carry the numbers that were in it.
            number = max(self.number + 1, int(now.timestamp()))
            purge = Purge(number, now, soft, scope)
            self._write((*self._purges, purge), number, self._over, self._unknown)
        return purge

    def forget(self, purges: Collection[Purge]) -> None:
        """Let go of purges that no record is left for. Raises OSError."""
        numbers = {purge.number for purge in purges}
        with self._alone():
            self.reload()
            left = tuple(purge for purge in self._purges if purge.number not in numbers)
            if left == self._purges:
                return
            gone = (purge for purge in self._purges if purge.number in numbers)
            known = sorted((*self._over, *gone), key=lambda purge: purge.number)
            # Of several with one scope the last says it all.
            last = {_written(purge.scope): purge for purge in known}
            over = sorted(last.values(), key=lambda purge: purge.number)
            unknown = [purge.when for purge in over[:-_MOST_OVER]]
            if self._unknown is not None:
                unknown.append(self._unknown)
            kept = tuple(over[-_MOST_OVER:])
            self._write(left, self.number, kept, max(unknown, default=None))

    def changed_on_disk(self) -> bool:
        """Whether the file is another than was last read or written here."""
        return durable.stamp(self._file) != self._seen

    def reload(self) -> None:
        """Read the file again. Raises OSError or :class:`DamagedPurges`, and then those known before are in
        force."""
        stamp = durable.stamp(self._file)
        if stamp is None:
            return
        try:
            found = orjson.loads(self._file.read_bytes())
            if found["form"] != _FORM:
                raise ValueError(f"form {found['form']}")
            purges = tuple(map(_read, found["purges"]))
            # Not in what was written before there were archives.
            over, since = tuple(map(_read, found.get("over", ()))), found.get("unknown_before")
            unknown = None if since is None else datetime.fromisoformat(since)
            number = int(found["last"])
        except (KeyError, TypeError, ValueError) as error:
            raise DamagedPurges(
                f"{self._file} is damaged ({error}); remove it, and purge again what must not be heard"
            ) from error
        self._purges, self.number, self._seen = purges, number, stamp
        self._over, self._unknown = over, unknown

    def _alone(self) -> AbstractContextManager[int]:
        """Against whoever else purges."""
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return durable.alone(self._file.parent)

    def _write(
        self,
        purges: tuple[Purge, ...],
        last: int,
        over: tuple[Purge, ...],
        unknown: datetime | None,
    ) -> None:
        content = {
            "form": _FORM,
            "last": last,
            "purges": purges,
            "over": over,
            "unknown_before": unknown,
        }
        durable.replace(self._file, orjson.dumps(content, option=orjson.OPT_INDENT_2))
        self._purges, self.number, self._seen = purges, last, durable.stamp(self._file)
        self._over, self._unknown = over, unknown


def _read(written: Mapping[str, Any]) -> Purge:
    return Purge(
        written["number"],
        datetime.fromisoformat(written["when"]),
        written["soft"],
        Scope(**written["scope"]),
    )


def _written(scope: Scope) -> bytes:
    return orjson.dumps(scope, option=orjson.OPT_SORT_KEYS)
