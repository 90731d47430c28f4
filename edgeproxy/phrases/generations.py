"""What was made of each pinned text, and which of it callers hear: the pointer.

The unit is a pinned text in one voice, whatever the rate. It has generations 1, 2, 3 ..., and ``speaks``, the
number of the one that is heard. Each has records of its own in the store, under a namespace of its number, so
that going back is moving a number.

All of it is one JSON file that several processes share (a server, ``edgeproxy phrases use`` beside it). What
is changed here is done again on whatever the file holds at the time of :meth:`Generations.save`, so that
nobody undoes what another has done; and the file is replaced in one step, so that a crash leaves the old one.
"""

import logging
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Final, Self

import orjson

from ..cache import durable
from ..core.voice import Voice
from ..sarvam import models
from .pinned import SHARED, Failure, Generation, Pinned, namespace, unit_key

__all__ = ["Failure", "Generation", "Generations", "Pinned", "namespace", "unit_key"]

_VERSION: Final = 1

log: Final = logging.getLogger(__name__)


Change = Callable[[Pinned], Pinned | None]
"""From a unit to what becomes of it; None: it is gone."""


@dataclass(slots=True)
class _State:
    """Units by key, and what is looked up for each turn: by scope and voice at any rate, then text."""

    units: dict[str, Pinned] = field(default_factory=dict)
    speaking: dict[tuple[str, Voice], dict[str, Generation]] = field(default_factory=dict)
    _by_fields: dict[tuple[str, bytes], dict[str, Generation]] = field(default_factory=dict)
    """The same mappings, by what is quicker to come by than a voice."""

    def put(self, key: str, unit: Pinned | None) -> None:
        before = self.units.get(key)
        if unit is None:
            if before is not None:
                del self.units[key]
                self._texts(before).pop(before.text, None)
            return
        self.units[key] = unit
        if (spoken := unit.spoken) is None:
            self._texts(unit).pop(unit.text, None)
        else:
            self._texts(unit)[unit.text] = spoken

    def _texts(self, unit: Pinned) -> dict[str, Generation]:
        # All rates of a voice share one mapping, since one is made from the other.
        fields = (unit.scope, orjson.dumps(unit.voice, option=orjson.OPT_SORT_KEYS))
        if (texts := self._by_fields.get(fields)) is None:
            texts = self._by_fields[fields] = {}
            for rate in models.REST_RATES:
                self.speaking[unit.scope, unit.at_rate(rate)] = texts
        return texts


@dataclass(frozen=True, slots=True)
class _Step:
    """A change of one unit. ``blank``: what to begin with where there is none; None: nothing to do then."""

    key: str
    change: Change
    blank: Pinned | None = None

    def take(self, state: _State) -> None:
        if (unit := state.units.get(self.key, self.blank)) is not None:
            state.put(self.key, self.change(unit))


class Generations:
    """The units of one file, by key. Changes show at once here and on disk after :meth:`save`.

    Mutable state: what is known, what of it is not saved yet, and the file as it was last seen. Reading and
    changing are for the event loop's thread; :meth:`save` and :meth:`reload` may run in another.
    """

    def __init__(self, file: Path) -> None:
        """Nothing yet, to be saved in ``file``; see :meth:`load`."""
        self.file: Final = file
        self._state = _State()
        self._unsaved: list[_Step] = []
        self._seen: tuple[int, ...] | None = None
        self._guard = threading.Lock()
        """Held for moments, by whoever touches the state or what is unsaved."""
        self._saving = threading.Lock()
        """Held across a save or reload."""

    @classmethod
    def load(cls, file: Path) -> Self:
        """Read ``file``; without one there are none yet. Raises OSError where it can't be read.

        One that is damaged is put aside, under a name of its own, and told of.
        """
        generations = cls(file)
        if file.exists():
            generations.reload()
        return generations

    def speaking(self, voice: Voice, text: str, *, scope: str = SHARED) -> Generation | None:
        """The generation that speaks the normalised ``text`` in ``voice``, at whatever rate."""
        texts = self._state.speaking.get((scope, voice))
        return None if texts is None else texts.get(text)

    def get(self, voice: Voice, text: str, *, scope: str = SHARED) -> Pinned | None:
        """The unit of a normalised text in a voice, at whatever rate."""
        return self._state.units.get(unit_key(voice, text, scope=scope))

    def __getitem__(self, key: str) -> Pinned:
        return self._state.units[key]

    def __contains__(self, key: object) -> bool:
        return key in self._state.units

    def find(self, key: str) -> Pinned | None:
        """The unit of that key."""
        return self._state.units.get(key)

    def __iter__(self) -> Iterator[Pinned]:
        return iter(tuple(self._state.units.values()))

    def __len__(self) -> int:
        return len(self._state.units)

    # -- changes -----------------------------------------------------------------------------------

    def add(
        self,
        voice: Voice,
        text: str,
        generation: Generation,
        *,
        scope: str = SHARED,
        phrases: Sequence[str] = (),
        move: bool,
    ) -> Pinned:
        """A generation was made and lies in the store. ``move``: let it speak, unless the pointer is held."""

        def change(unit: Pinned) -> Pinned:
            others = [each for each in unit.generations if each.number != generation.number]
            return replace(
                unit,
                phrases=tuple(phrases) or unit.phrases,
                generations=tuple(sorted([*others, generation], key=lambda each: each.number)),
                speaks=generation.number if move and not unit.held else unit.speaks,
                failed=None,
                unused_since=None,
            )

        return self._begin(voice, text, scope, phrases, change)

    def fail(
        self,
        voice: Voice,
        text: str,
        failure: Failure,
        *,
        scope: str = SHARED,
        phrases: Sequence[str] = (),
    ) -> Pinned:
        """Nothing came of making it; what speaks goes on speaking. Attempts are added up."""

        def change(unit: Pinned) -> Pinned:
            before = unit.failed.attempts if unit.failed else 0
            return replace(unit, failed=replace(failure, attempts=before + failure.attempts))

        return self._begin(voice, text, scope, phrases, change)

    def take(self, unit: Pinned) -> None:
        """A unit from elsewhere, whole, in the place of one that nothing was made of yet; where it has
        generations their records lie in the store."""

        def change(here: Pinned) -> Pinned:
            return here if here.generations or not unit.generations else unit

        self._take(_Step(unit.key, change, unit))

    def use(self, key: str, number: int) -> Pinned:
        """Let generation ``number`` speak, and hold the pointer there. Raises ValueError if there is none."""
        unit = self[key]
        numbers = [each.number for each in unit.generations]
        if number not in numbers:
            there = ", ".join(map(str, numbers)) or "none"
            raise ValueError(f"there is no generation {number} of it; there are {there}")

        def change(unit: Pinned) -> Pinned:
            there = any(each.number == number for each in unit.generations)
            return replace(unit, speaks=number, held=True) if there else unit

        self._take(_Step(key, change))
        return self[key]

    def release(self, key: str) -> Pinned:
        """Let the latest generation speak, and each one after it."""

        def change(unit: Pinned) -> Pinned:
            latest = unit.latest
            return replace(unit, speaks=latest.number if latest else None, held=False)

        self._take(_Step(key, change))
        return self[key]

    def used_by(
        self, key: str, *, phrases: Sequence[str], unused_since: datetime | None = None
    ) -> None:
        """Note which phrases say it, or since when none does."""
        said = tuple(phrases)
        self._take(_Step(key, lambda unit: replace(unit, phrases=said, unused_since=unused_since)))

    def drop_beyond(self, key: str, keep: int) -> list[Generation]:
        """Forget the generations that are neither among the last ``keep`` nor spoken; which those were."""

        def change(unit: Pinned) -> Pinned:
            dropped = unit.beyond(keep)
            return replace(
                unit, generations=tuple(each for each in unit.generations if each not in dropped)
            )

        dropped = self[key].beyond(keep)
        if dropped:
            self._take(_Step(key, change))
        return dropped

    def retire(self, key: str) -> None:
        """Forget a unit with all its generations."""
        self._take(_Step(key, lambda _: None))

    def _begin(
        self, voice: Voice, text: str, scope: str, phrases: Sequence[str], change: Change
    ) -> Pinned:
        key = unit_key(voice, text, scope=scope)
        fields = {name: value for name, value in voice.fields.items() if name != "rate"}
        blank = Pinned(key=key, text=text, voice=fields, scope=scope, phrases=tuple(phrases))
        self._take(_Step(key, change, blank))
        return self[key]

    def _take(self, step: _Step) -> None:
        with self._guard:
            step.take(self._state)
            self._unsaved.append(step)

    # -- the file ----------------------------------------------------------------------------------

    def changed_on_disk(self) -> bool:
        """Whether the file is another than was last read or written here."""
        return durable.stamp(self.file) != self._seen

    def reload(self) -> None:
        """Read the file again; what is not saved yet stays changed. Raises OSError. Blocks."""
        with self._saving, durable.alone(self.file.parent):
            stamp, state = durable.stamp(self.file), self._read()
            self._become(state, stamp, saved=0)

    def save(self) -> None:
        """Have the changes on disk, safe, and learn of those that others made. Raises OSError; then nothing
        is different on disk, and another save tries again. Blocks."""
        with self._saving:
            with self._guard:
                steps, units = tuple(self._unsaved), dict(self._state.units)
            if not steps:
                return
            self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with durable.alone(self.file.parent) as folder:
                state = None
                if self.changed_on_disk():
                    state = self._read()
                    for step in steps:
                        step.take(state)
                    units = state.units
                self._write(units.values(), folder)
                self._become(state, durable.stamp(self.file), saved=len(steps))

    def _become(self, state: _State | None, stamp: tuple[int, ...] | None, *, saved: int) -> None:
        with self._guard:
            del self._unsaved[:saved]
            if state is not None:
                for step in self._unsaved:
                    step.take(state)
                self._state = state
            self._seen = stamp

    def _read(self) -> _State:
        state = _State()
        try:
            written = self.file.read_bytes()
        except FileNotFoundError:
            return state
        try:
            found = orjson.loads(written)
            if found["version"] != _VERSION:
                raise ValueError(f"version {found['version']}")
            for unit in map(Pinned.of, found["units"]):
                state.put(unit.key, unit)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            aside = self.file.with_name(f"{self.file.name}.damaged")
            self.file.replace(aside)
            log.error("%s can't be read (%s) and is now %s", self.file, error, aside.name)
            return _State()
        return state

    def _write(self, units: Iterable[Pinned], folder: int) -> None:
        # One unit a line, and one call for each, so that other threads get their turn in between.
        lines = b",\n".join(map(orjson.dumps, units))
        # One name for all, written under the lock: what a crash leaves behind is used up by the next.
        fresh = self.file.with_name(f"{self.file.name}.new")
        with open(fresh, "wb", opener=lambda name, how: os.open(name, how, 0o600)) as file:
            file.write(b'{"version":%d,"units":[\n%b\n]}\n' % (_VERSION, lines))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self.file)
        os.fsync(folder)
