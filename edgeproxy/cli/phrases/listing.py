"""``edgeproxy phrases list``: how each phrase stands."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Final

import click
from rich.table import Table

from ...config import Settings
from ...core.audio import SAMPLE_BYTES
from ...phrases.due import Unit, units
from ...phrases.generations import Generations
from ...phrases.pinned import Pinned
from ..common import run
from .naming import tell_failures
from .rooms import age, console, count, with_books, workshop

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
        library, generations = shop.library, shop.generations
        hits = shop.hits.of_days(_HIT_DAYS, now=datetime.now(UTC))
    wanted = units(library)
    # What is left to chance has a row and no units.
    rows: dict[tuple[str, str, str], list[Unit]] = {
        (each.name, each.language, each.voice.speaker): [] for each in library.phrases
    }
    for unit in wanted.values():
        for phrase in unit.phrases:
            rows[phrase, unit.voice.language, unit.voice.speaker].append(unit)
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("phrase", "language", "speaker", "state"):
        table.add_column(name, no_wrap=True)
    for name in ("heard", "hits", "age", "takes", "length", "size"):
        table.add_column(name, justify="right", no_wrap=True)
    now = datetime.now(UTC)
    for row, of_row in rows.items():
        table.add_row(*row, *_cells(of_row, generations, hits, now))
    out = console()
    out.print(table)
    made = _made(wanted, generations)
    heard = sum(pinned.spoken is not None for pinned in made)
    size = sum(_size(pinned, wanted[pinned.key].rates) for pinned in made)
    out.print(
        f"\n{heard:,} of {count(len(wanted), 'recording')} can be heard, about "
        f"{size / _MEGABYTE:.1f} MB with the generations before them"
    )
    tell_failures(made)


def _cells(
    wanted: list[Unit], generations: Generations, hits: Mapping[str, int], now: datetime
) -> Iterator[str]:
    """State, heard, hits, age, takes, length and size of one phrase, said by one speaker in one language."""
    made = _made((unit.key for unit in wanted), generations)
    heard = [generation for pinned in made if (generation := pinned.spoken) is not None]
    yield _state(made, wanted=len(wanted), heard=len(heard))
    yield f"{len(heard)}/{len(wanted)}" if wanted else ""
    if heard:
        yield f"{sum(hits.get(unit.key, 0) for unit in wanted):,}"
        yield age(min(each.made for each in heard), now)
        yield str(max(each.takes for each in heard))
        yield f"{sum(each.seconds for each in heard):.1f} s"
        yield f"{sum(_size(pinned, wanted[0].rates) for pinned in made) / _MEGABYTE:.2f} MB"


def _made(keys: Iterable[str], generations: Generations) -> list[Pinned]:
    return [pinned for key in keys if (pinned := generations.find(key)) is not None]


def _state(made: list[Pinned], *, wanted: int, heard: int) -> str:
    """What most deserves to be known."""
    if not wanted:
        return "left to chance"
    if any(pinned.failed and not pinned.is_stale for pinned in made):
        return "failed, see below"
    if any(pinned.latest and pinned.speaks is None for pinned in made):
        return "waits to be picked"
    if heard < wanted:
        return "not made yet"
    if any(pinned.is_stale for pinned in made):
        return "stale"
    if any(pinned.held for pinned in made):
        return "held"
    if any(pinned.latest != pinned.spoken for pinned in made):
        return "newer one waits"
    return "ready"


def _size(pinned: Pinned, rates: Iterable[int]) -> int:
    """Bytes of all its generations, all takes as long as the first."""
    seconds = sum(each.seconds * each.takes for each in pinned.generations)
    return int(seconds * sum(rates) * SAMPLE_BYTES)
