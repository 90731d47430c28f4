"""A run of the bench that was never run: figures that can be reckoned in the head."""

import pytest

from edgeproxy.cli.bench.answers import ANSWERS
from edgeproxy.cli.bench.results import PACES, PIPELINES, Cell, Results, Took, panels

FIRST_AUDIO_MS = {"today": 1000.0, "plan": 400.0, "cold": 300.0, "warm": 5.0}


@pytest.fixture
def results() -> Results:
    """Two answers, three rounds; the greeting takes half as long as the other answer."""
    answers = ANSWERS[:2]
    words = {(pace, answer.name): 0.0 for pace in PACES for answer in answers}
    results = Results(answers, words)
    for profile, pace in panels():
        for pipeline in PIPELINES:
            for answer, part in zip(answers, (0.5, 1.0), strict=True):
                first = FIRST_AUDIO_MS[pipeline] * part
                results.turns[Cell(profile, pace, pipeline, answer.name)] = [
                    Took(first, 3000.0),
                    Took(first * 100, 9000.0),
                    Took(first / 100, 1000.0),
                ]
    return results
