from io import StringIO

import pytest
from rich.console import Console

from edgeproxy.cli.bench.results import Cell, Results, Took
from edgeproxy.cli.bench.table import show


def shown(results: Results, *, width: int = 100) -> str:
    console = Console(file=StringIO(), width=width, highlight=False)
    show(results, console=console, rounds=3, decoder="ffmpeg")
    written = console.file
    assert isinstance(written, StringIO)
    return written.getvalue()


def test_it_shows_every_answer_and_the_mean_of_each_pipeline(results: Results) -> None:
    lines = shown(results).splitlines()
    (greeting, *_) = (line for line in lines if line.startswith("greeting"))
    assert greeting.split()[-4:] == ["500", "200", "150", "2.5"]
    (mean, *_) = (line for line in lines if line.startswith("mean"))
    assert mean.split()[-4:] == ["750", "300", "225", "3.8"]


def test_it_says_which_budgets_are_kept(results: Results) -> None:
    assert shown(results).count("0.30 kept") == 4
    assert shown(results).count("3.8 ms kept") == 4


def test_it_says_which_budgets_are_missed(results: Results) -> None:
    for pipeline, slow in (("cold", 900.0), ("warm", 20.0)):
        for answer in results.answers:
            results.turns[Cell("seed", "at once", pipeline, answer.name)] = [Took(slow, slow)]
    assert shown(results).count("missed") == 2


@pytest.mark.parametrize("width", [80, 100])
def test_nothing_is_cut_off_in_a_terminal(results: Results, width: int) -> None:
    assert "…" not in shown(results, width=width)
