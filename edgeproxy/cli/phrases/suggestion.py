"""``edgeproxy phrases suggest``: what callers heard often and no book holds yet."""

from collections.abc import Sequence
from datetime import UTC, datetime

import click

from ...config import Settings
from ...core.words import count
from ...phrases.suggestion import Suggestion, as_book, worth_adding
from ..common import run
from .rooms import with_books, workshop


@click.command()
@click.option("--days", type=click.IntRange(1, 365), default=7, show_default=True)
@with_books
def suggest(settings: Settings, days: int) -> None:
    """Print the texts worth adding, most asked first, as YAML to paste into a book.

    They come from what callers of the last days wanted, whether it was a hit or had to be asked of the
    origin; beside each stands what the origin took for it. What looks personal (numbers, addresses, codes
    that are spelled) is never kept.
    """
    suggested = run(_suggested(settings, days))
    if suggested:
        click.echo(as_book(suggested, days=days))
    else:
        click.echo(
            f"nothing to suggest: in the last {count(days, 'day')} no text that is in no book was "
            "asked for twice",
            err=True,
        )


async def _suggested(settings: Settings, days: int) -> Sequence[Suggestion]:
    async with workshop(settings) as shop:
        return worth_adding(shop.demand.top(days, now=datetime.now(UTC)), shop.library)
