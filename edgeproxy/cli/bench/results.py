"""What was measured, and what follows from it: medians over the rounds, means over the answers, ratios."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import fmean, median
from typing import Any, Final, NamedTuple

from .answers import TOKEN_S, Answer

PROFILES: Final = ("seed", "v3")
"""The emulator's profiles: the origin of January 2026, which spoke whole texts, and today's: it streams."""

PACES: Final = {"at once": 0.0, "at LLM pace": TOKEN_S}
"""How the text comes: seconds from token to token, 0 for all of it in one piece."""

PIPELINES: Final = {
    "today": "today's pipeline",
    "plan": "the seed's plan",
    "cold": "edgeproxy, cold",
    "warm": "edgeproxy, warm",
}

BUDGETS: Final = {"seed": 0.35, "v3": 0.45}
"""Most that a cold proxy's first audio may take of today's, by profile."""

WARM_BUDGET_MS: Final = 10.0


class Took(NamedTuple):
    """How long one turn took, in milliseconds since its first text."""

    first_audio: float
    last_audio: float


class Cell(NamedTuple):
    """What was measured together: a profile, a pace, a pipeline, the name of an answer."""

    profile: str
    pace: str
    pipeline: str
    answer: str


@dataclass
class Results:
    """All turns of a run. ``words_ms``: by (pace, answer), how long the text of the first segment takes to
    arrive, which no cache can shorten."""

    answers: Sequence[Answer]
    words_ms: dict[tuple[str, str], float]
    turns: dict[Cell, list[Took]] = field(default_factory=lambda: defaultdict(list))

    def median(self, cell: Cell) -> Took:
        """The median over the rounds, of either figure."""
        first, last = zip(*self.turns[cell], strict=True)
        return Took(median(first), median(last))

    def mean(self, profile: str, pace: str, pipeline: str) -> Took:
        """The mean over the answers of their medians."""
        names = [answer.name for answer in self.answers]
        first, last = zip(
            *(self.median(Cell(profile, pace, pipeline, name)) for name in names), strict=True
        )
        return Took(fmean(first), fmean(last))

    def ratio(self, profile: str, pace: str, pipeline: str) -> float:
        """First audio of a pipeline, as a part of today's: means over the answers."""
        today = self.mean(profile, pace, "today").first_audio
        return self.mean(profile, pace, pipeline).first_audio / today

    def after_words_ms(self, profile: str, pace: str, pipeline: str) -> float:
        """First audio counted from when the first segment's text was there: mean over the answers."""
        return self.mean(profile, pace, pipeline).first_audio - self.mean_words_ms(pace)

    def mean_words_ms(self, pace: str) -> float:
        """How long the text of the first segments takes to arrive, mean over the answers."""
        return fmean(self.words_ms[pace, answer.name] for answer in self.answers)

    def to_json(self, **about: Any) -> dict[str, Any]:
        """Everything, with ``about`` in front."""
        return {
            **about,
            "unit": "milliseconds since the first text, medians over the rounds",
            "answers": [
                {
                    "name": answer.name,
                    "language": answer.language,
                    "characters": len(answer.text),
                    "text": answer.text,
                    "first_words_ms": {
                        pace: round(self.words_ms[pace, answer.name], 1) for pace in PACES
                    },
                }
                for answer in self.answers
            ],
            "means": [self._mean_to_json(*which) for which in panels()],
            "turns": [
                {
                    **cell._asdict(),
                    **_rounded(self.median(cell)),
                    "rounds": [_rounded(took) for took in turns],
                }
                for cell, turns in self.turns.items()
            ],
        }

    def _mean_to_json(self, profile: str, pace: str) -> dict[str, Any]:
        return {
            "profile": profile,
            "pace": pace,
            "pipelines": {
                pipeline: {
                    **_rounded(self.mean(profile, pace, pipeline)),
                    "of_today": round(self.ratio(profile, pace, pipeline), 3),
                }
                for pipeline in PIPELINES
            },
            "warm_after_first_words_ms": round(self.after_words_ms(profile, pace, "warm"), 2),
            "cold_budget": BUDGETS[profile],
            "warm_budget_ms": WARM_BUDGET_MS,
        }


def panels() -> Iterable[tuple[str, str]]:
    """Each profile with each pace."""
    return [(profile, pace) for profile in PROFILES for pace in PACES]


def _rounded(took: Took) -> dict[str, float]:
    return {
        "first_audio_ms": round(took.first_audio, 2),
        "last_audio_ms": round(took.last_audio, 2),
    }
