"""``edgeproxy phrases list``: how each phrase stands."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Final

import click
from rich.table import Table

from ...config import Settings
from ...core.words import count
from ...phrases.standing import Standing, State, standings
from ..common import run
from .naming import tell_failures
from .rooms import age, console, with_books, workshop

_MEGABYTE: Final = 1_000_000
_HIT_DAYS: Final = 7


@click.command("list")
@with_books
def list_(settings: Settings) -> None:
    """Show each phrase: whether it can be heard, since when, how often, how long it is and what it weighs.

    Hits are those of its recordings in the last seven days, by the counts that the server saves each minute.
    """
    run(_list(settings))


async def _list(settings: Settings) -> None:
    async with workshop(settings) as shop:
        hits = shop.hits.of_days(_HIT_DAYS, now=datetime.now(UTC))
        rows = standings(shop.library, shop.generations)
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("phrase", "language", "speaker", "state"):
        table.add_column(name, no_wrap=True)
    for name in ("heard", "hits", "age", "takes", "length", "size"):
        table.add_column(name, justify="right", no_wrap=True)
    now = datetime.now(UTC)
    for row in rows:
        table.add_row(row.name, row.language, row.speaker, *_cells(row, hits, now))
    out = console()
    out.print(table)
    # A text that several phrases say is one recording.
    recordings = {each.unit.key: each for row in rows for each in row.recordings}.values()
    heard = sum(each.spoken is not None for each in recordings)
    size = sum(each.size for each in recordings)
    out.print(
        f"\n{heard:,} of {count(len(recordings), 'recording')} can be heard, about "
        f"{size / _MEGABYTE:.1f} MB with the generations before them"
    )
    tell_failures(each.made for each in recordings if each.made is not None)


def _cells(row: Standing, hits: Mapping[str, int], now: datetime) -> Iterator[str]:
    """State, heard, hits, age, takes, length and size of one phrase, said by one speaker in one language."""
    state, heard = row.state, row.heard
    yield f"{state}, see below" if state is State.FAILED else state
    yield f"{len(heard)}/{len(row.recordings)}" if row.recordings else ""
    if row.made is not None:
        yield f"{row.hits(hits):,}"
        yield age(row.made, now)
        yield str(max(each.takes for each in heard))
        yield f"{sum(each.seconds for each in heard):.1f} s"
        yield f"{sum(each.size for each in row.recordings) / _MEGABYTE:.2f} MB"
