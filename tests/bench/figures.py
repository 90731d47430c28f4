"""What a benchmark says: one row of figures, held against its budget where it has one."""

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """``figure`` and ``budget`` with their units, for people; ``kept`` is None where there is no budget."""

    what: str
    figure: str
    budget: str = ""
    kept: bool | None = None
    detail: str = ""


def percentile(values: Sequence[float], part: float) -> float:
    """The value that ``part`` (0 to 1) of all are not above."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(part * len(ordered)) - 1)]
