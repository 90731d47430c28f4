"""How each phrase of the books stands: whether it is heard, since when, and what is the matter with it.

For whoever looks: the command line, the console, the metrics. One row for a phrase in one language by one
speaker, however many texts it is cut into or its values make of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ..core.audio import SAMPLE_BYTES
from .due import Unit, units
from .generations import Generations
from .library import Library
from .pinned import Generation, Pinned


class State(StrEnum):
    """What most deserves to be known of a phrase, the worst first."""

    CHANCE = "left to chance"
    """Its book says so: it is not made ahead."""
    FAILED = "failed"
    """It could not be made lately; what was heard before is heard still."""
    PICK = "waits to be picked"
    """It is made, and nothing of it is heard until somebody says which."""
    MISSING = "not made yet"
    STALE = "stale"
    """Somebody wants it made anew; it is heard until it is."""
    HELD = "held"
    """Somebody has put its pointer where it is."""
    WAITS = "newer one waits"
    READY = "ready"


@dataclass(frozen=True, slots=True)
class Recording:
    """One text of a phrase, as it is wanted and as it was made. ``made``: None, nothing was tried yet."""

    unit: Unit
    made: Pinned | None

    @property
    def spoken(self) -> Generation | None:
        """The generation that callers hear."""
        return None if self.made is None else self.made.spoken

    @property
    def state(self) -> State:
        """How it stands by itself."""
        return _state([self])

    @property
    def size(self) -> int:
        """Bytes of all its generations at all its rates, all takes as long as the first."""
        if self.made is None:
            return 0
        seconds = sum(each.seconds * each.takes for each in self.made.generations)
        return int(seconds * sum(self.unit.rates) * SAMPLE_BYTES)


@dataclass(frozen=True, slots=True)
class Standing:
    """One phrase in one language by one speaker. ``name``: ``book/id``; ``text``: of several, the first."""

    name: str
    language: str
    speaker: str
    text: str
    recordings: tuple[Recording, ...]

    @property
    def state(self) -> State:
        """What most deserves to be known."""
        return _state(self.recordings)

    @property
    def heard(self) -> list[Generation]:
        """The generations that callers hear, one for each recording that has one."""
        return [spoken for each in self.recordings if (spoken := each.spoken) is not None]

    @property
    def made(self) -> datetime | None:
        """When the oldest of what is heard was made."""
        return min((each.made for each in self.heard), default=None)

    def hits(self, counts: Mapping[str, int]) -> int:
        """How often it was heard, by ``counts`` of its units."""
        return sum(counts.get(each.unit.key, 0) for each in self.recordings)


def standings(library: Library, generations: Generations) -> list[Standing]:
    """All rows, in the order of the books. Some microseconds for each: many are for a thread."""
    rows: dict[tuple[str, str, str], list[Recording]] = {}
    texts: dict[tuple[str, str, str], str] = {}
    for each in library.phrases:
        row = (f"{each.book}/{each.id}", each.language, each.voice.speaker)
        rows.setdefault(row, [])
        texts.setdefault(row, each.text)
    for unit in units(library).values():
        recording = Recording(unit, generations.find(unit.key))
        for phrase in unit.phrases:
            rows[phrase, unit.voice.language, unit.voice.speaker].append(recording)
    return [Standing(*row, texts[row], tuple(of_row)) for row, of_row in rows.items()]


def _state(recordings: Sequence[Recording]) -> State:
    made = [each.made for each in recordings if each.made is not None]
    if not recordings:
        return State.CHANCE
    if any(pinned.failed and not pinned.is_stale for pinned in made):
        return State.FAILED
    if any(pinned.latest and pinned.speaks is None for pinned in made):
        return State.PICK
    if any(each.spoken is None for each in recordings):
        return State.MISSING
    if any(pinned.is_stale for pinned in made):
        return State.STALE
    if any(pinned.held for pinned in made):
        return State.HELD
    if any(pinned.latest != pinned.spoken for pinned in made):
        return State.WAITS
    return State.READY
