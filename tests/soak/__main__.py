"""``python -m tests.soak``: a proxy under mixed faults for as long as wished, and an oracle on every turn.

Exit code 1 if a turn was wrong, silently cut or without an end, or if something leaked. Results as a
table, and as JSON in ``build/soak``.
"""

import logging
import os
import shutil
import sys
from pathlib import Path

import click
import orjson
from rich.console import Console
from rich.table import Table

from edgeproxy.cli.common import run

from .ledger import Ledger
from .run import new_folder, soak


@click.command()
@click.option("--seconds", type=float, default=lambda: float(os.environ.get("SOAK_S", "600")))
@click.option("--clients", type=int, default=60, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default="build/soak")
def main(seconds: float, clients: int, seed: int, out: Path) -> None:
    """Soak a proxy."""
    # The emulator's server is told of every connection that is cut under it.
    logging.getLogger("aiohttp.server").disabled = True
    console = Console(highlight=False)
    folder = new_folder()
    out.mkdir(parents=True, exist_ok=True)
    try:
        with console.status("starting") as status:

            def tell(ledger: Ledger, weather: str) -> None:
                status.update(
                    f"{ledger.turns:,} turns: {ledger.outcomes['right']:,} right, "
                    f"{ledger.outcomes['error']:,} honest errors, [bold]{ledger.wrong} wrong, "
                    f"{ledger.cut} cut, {ledger.lost} lost[/bold]   [dim]{weather}[/dim]"
                )

            ledger = run(
                soak(seconds=seconds, clients=clients, seed=seed, folder=folder, tell=tell)
            )
        shutil.copy(folder / "proxy.log", out / "proxy.log")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    _show(console, ledger)
    (out / "soak.json").write_bytes(orjson.dumps(ledger.to_json(), option=orjson.OPT_INDENT_2))
    sys.exit(0 if ledger.passed else 1)


def _show(console: Console, ledger: Ledger) -> None:
    table = Table(box=None, pad_edge=False, header_style="dim", show_header=False)
    table.add_column(style="dim")
    table.add_column()
    before, after = ledger.figures["before"], ledger.figures["after"]
    rows: list[tuple[str, str]] = [
        ("turns", f"{ledger.turns:,} in {ledger.figures['seconds']} s"),
        ("outcomes", _counted(ledger.outcomes)),
        ("verdicts of segments", _counted(ledger.verdicts)),
        ("finals", f"{ledger.finals:,} of {ledger.owed:,} owed on sockets that stayed open"),
        ("faults struck", _counted(ledger.faults)),
        ("spoilt by the origin", f"{ledger.spoilt:,} turns, unnoticeably"),
        ("most told errors", _counted(dict(ledger.errors.most_common(8)))),
        ("proxies started", str(ledger.figures["starts"])),
        ("sockets, files, threads", f"{_handles(before)} -> {_handles(after)}"),
        (
            "memory",
            f"{before['resident_bytes'] / 1e6:.0f} -> {after['resident_bytes'] / 1e6:.0f} MB",
        ),
        ("wrong answers", str(ledger.wrong)),
        ("silently cut turns", str(ledger.cut)),
        ("lost finals", str(ledger.lost)),
        ("phrases that fell silent", str(ledger.mute)),
        ("leaks", "; ".join(ledger.leaks) or "0"),
        ("bugs in the log", str(ledger.bugs)),
    ]
    for row in rows:
        table.add_row(*row)
    console.print(table)
    for finding in ledger.findings:
        console.print(f"[red]{finding}[/red]", markup=True, soft_wrap=True)


def _counted(counts: dict[str, int]) -> str:
    ordered = sorted(counts.items(), key=lambda each: -each[1])
    return ", ".join(f"{name!s} {number:,}" for name, number in ordered)


def _handles(look: dict[str, int]) -> str:
    return f"{look['sockets']}, {look['files']}, {look['threads']}"


if __name__ == "__main__":
    main()
