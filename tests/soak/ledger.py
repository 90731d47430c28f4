"""What became of every turn: the books of a soak, and its verdict."""

from collections import Counter, deque
from dataclasses import dataclass, field, fields
from typing import Any


@dataclass(slots=True)
class Ledger:
    """Counts. ``findings``: what must never be, each with enough to look for its cause."""

    turns: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    """``right``, ``error`` (and said so), ``broken`` (and nobody could take it for whole), ``left``."""
    by_kind: Counter[str] = field(default_factory=Counter)
    verdicts: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    owed: int = 0
    """Finals that were owed on sockets that stayed open."""
    finals: int = 0
    spoilt: int = 0
    """Turns that the origin spoilt and nobody could tell."""
    faults: Counter[str] = field(default_factory=Counter)
    wrong: int = 0
    cut: int = 0
    """Turns that ended like whole ones and were not."""
    lost: int = 0
    """Turns without an end: no final, no error, no close."""
    mute: int = 0
    """Phrases that did not speak, although they need no origin."""
    leaks: list[str] = field(default_factory=list)
    bugs: int = 0
    """Lines of the proxy's log that tell of a bug."""
    findings: deque[str] = field(default_factory=lambda: deque(maxlen=50))
    figures: dict[str, Any] = field(default_factory=dict)

    def turn(self, kind: str, outcome: str) -> None:
        """A turn is over."""
        self.turns += 1
        self.outcomes[outcome] += 1
        self.by_kind[f"{kind} {outcome}"] += 1

    def find(self, what: str, *, kind: str, text: str, detail: str) -> None:
        """Something that must never be: ``wrong``, ``cut``, ``lost`` or ``mute``."""
        setattr(self, what, getattr(self, what) + 1)
        self.findings.append(f"{what}: {kind}: {detail}: {text!r}")
        self.turn(kind, what)

    @property
    def passed(self) -> bool:
        """Whether nothing was found."""
        return not (self.wrong or self.cut or self.lost or self.mute or self.leaks or self.bugs)

    def to_json(self) -> dict[str, Any]:
        """All of it."""
        books: dict[str, Any] = {each.name: getattr(self, each.name) for each in fields(self)}
        return {**books, "findings": list(self.findings), "passed": self.passed}
