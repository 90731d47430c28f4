"""Placeholder until the splitter lands."""

import re
from dataclasses import dataclass

from .phrasebook import EMPTY, Phrasebook


@dataclass(frozen=True)
class Cuts:
    min_segment_chars: int = 3
    clause_chars: int = 60
    first_clause_chars: int = 60
    max_segment_chars: int = 200


@dataclass(frozen=True)
class Cut:
    text: str
    keep: bool = True
    whole: bool = False


class Turn:
    def __init__(self, cuts: Cuts, phrases: Phrasebook = EMPTY) -> None:
        self.pending = ""
        self.holding = False

    def feed(self, message: str) -> list[Cut]:
        self.pending += message
        out = []
        while m := re.match(r"(.*?[.!?।])(\s+|$)", self.pending, re.S):
            out.append(Cut(m[1].strip()))
            self.pending = self.pending[m.end() :]
        return out

    def flush(self) -> list[Cut]:
        rest, self.pending = self.pending.strip(), ""
        return [Cut(rest)] if rest else []

    config_changed = flush
    release = flush
    idle = flush


def split(text: str, cuts: Cuts, phrases: Phrasebook = EMPTY) -> list[Cut]:
    turn = Turn(cuts, phrases)
    return turn.feed(text) + turn.flush()
