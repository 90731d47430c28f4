"""The results of ``bench turns`` for a terminal."""

from rich.console import Console
from rich.table import Table

from .results import BUDGETS, PIPELINES, WARM_BUDGET_MS, Cell, Results, panels


def show(results: Results, *, console: Console, rounds: int, decoder: str) -> None:
    """Print a table for each profile and pace, and how the means compare with the budgets."""
    for profile, pace in panels():
        console.print(_panel(results, profile, pace))
        console.print()
    console.print(_summary(results))
    console.print(
        "[dim]Here warm is counted from when the text of the first segment is there, which no cache can "
        "hurry.[/dim]\n"
        f"[dim]{'; '.join(f'{short}: {name}' for short, name in PIPELINES.items())}.\n"
        f"From the first text to the first PCM the caller has; medians of {rounds} rounds, means over the "
        f"answers. Decoder process of today's pipeline: {decoder}.[/dim]"
    )


def _panel(results: Results, profile: str, pace: str) -> Table:
    table = Table(
        box=None,
        pad_edge=False,
        header_style="dim",
        title=f"[bold]{profile}[/bold] origin, text {pace}: first audio in ms",
        title_justify="left",
        title_style="",
    )
    table.add_column("answer", min_width=16)
    table.add_column("characters", justify="right")
    table.add_column("first words", justify="right")
    for pipeline in PIPELINES:
        table.add_column(pipeline, justify="right")
    for answer in results.answers:
        cells = (Cell(profile, pace, pipeline, answer.name) for pipeline in PIPELINES)
        table.add_row(
            answer.name,
            str(len(answer.text)),
            f"{results.words_ms[pace, answer.name]:.0f}",
            *(_number(results.median(cell).first_audio) for cell in cells),
        )
    means = {pipeline: results.mean(profile, pace, pipeline) for pipeline in PIPELINES}
    table.add_row(
        "mean", "", "", *(_number(mean.first_audio) for mean in means.values()), style="bold"
    )
    table.add_row("to the last", "", "", *(_number(mean.last_audio) for mean in means.values()))
    return table


def _summary(results: Results) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("origin")
    table.add_column("text")
    for name in ("plan/today", "cold/today", "budget", "warm", "budget"):
        table.add_column(name, justify="right", no_wrap=True)
    for profile, pace in panels():
        cold = results.ratio(profile, pace, "cold")
        warm = results.after_words_ms(profile, pace, "warm")
        table.add_row(
            profile,
            pace,
            f"{results.ratio(profile, pace, 'plan'):.2f}",
            _judged(f"{cold:.2f}", kept=cold <= BUDGETS[profile]),
            f"≤ {BUDGETS[profile]:.2f}",
            _judged(f"{warm:.1f} ms", kept=warm < WARM_BUDGET_MS),
            f"< {WARM_BUDGET_MS:.0f} ms",
        )
    return table


def _number(milliseconds: float) -> str:
    return f"{milliseconds:.1f}" if milliseconds < 100 else f"{milliseconds:,.0f}"


def _judged(figure: str, *, kept: bool) -> str:
    return f"[green]{figure} kept[/green]" if kept else f"[red]{figure} missed[/red]"
