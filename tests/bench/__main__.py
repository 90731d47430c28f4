"""``python -m tests.bench [NAME ...]``: the budgets that are ratios within one run, measured. Not a test.

``edgeproxy bench turns`` has those of the seed's six answers. Nothing here fails for being slow: a budget
that is missed is shown, and is somebody's next work.
"""

from collections.abc import Awaitable, Callable
from pathlib import Path

import click
import orjson
from rich.console import Console
from rich.table import Table

from edgeproxy.cli.common import run

from .decoding import decoding
from .figures import Row
from .hits import crowd, hits
from .idle import idle
from .misses import misses, sentences
from .phrases import phrases
from .starts import starts
from .telemetry import telemetry

BENCHMARKS: dict[str, Callable[[], Awaitable[list[Row]]]] = {
    "hits": hits,
    "telemetry": telemetry,
    "misses": misses,
    "crowd": crowd,
    "sentences": sentences,
    "decoding": decoding,
    "starts": starts,
    "idle": idle,
    "phrases": phrases,
}


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...", type=click.Choice(list(BENCHMARKS)))
@click.option("--json", "json_file", type=click.Path(dir_okay=False, path_type=Path))
def main(names: tuple[str, ...], json_file: Path | None) -> None:
    """Run benchmarks: by name, or all of them (five minutes)."""
    console = Console(highlight=False)
    rows: list[Row] = []
    for name in names or BENCHMARKS:
        with console.status(name):
            rows += run(_rows(name))
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("what", "figure", "budget", "", "detail"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        verdict = {True: "[green]kept[/green]", False: "[red]missed[/red]", None: ""}[row.kept]
        table.add_row(row.what, row.figure, row.budget, verdict, f"[dim]{row.detail}[/dim]")
    console.print(table)
    if json_file is not None:
        json_file.write_bytes(orjson.dumps(rows, option=orjson.OPT_INDENT_2) + b"\n")


async def _rows(name: str) -> list[Row]:
    return await BENCHMARKS[name]()


main()
