"""``edgeproxy phrases plan`` and ``build``: what would be made, and making it."""

from collections import Counter
from datetime import UTC, datetime

import click
from rich.table import Table

from ... import app
from ...config import Settings
from ...core.words import count
from ...phrases.due import Due
from ...phrases.generate import Built
from ...phrases.price import cost
from ..common import fail, run
from .naming import clipped
from .rooms import console, progress, with_books, workshop

_only = click.option("--only", metavar="BOOK[/ID]", help="Nothing but this book or phrase.")
_all = click.option(
    "--all", "all_due", is_flag=True, help="Also what is fresh; an extra generation."
)


@click.command()
@_only
@_all
@with_books
def plan(settings: Settings, only: str | None, *, all_due: bool) -> None:
    """Show what `build` would make, why, and what it costs. Asks the origin for nothing."""
    run(_plan(settings, only, all_due=all_due))


@click.command()
@_only
@_all
@click.option("--dry-run", is_flag=True, help="The same as `plan`.")
@with_books
def build(settings: Settings, only: str | None, *, all_due: bool, dry_run: bool) -> None:
    """Make what is new, changed or too old; what is good enough is heard at once.

    What fails its check is not heard: the recording before it speaks on, and the exit code is 1. Stopped
    half-way, it goes on where it was when begun again.
    """
    if dry_run:
        run(_plan(settings, only, all_due=all_due))
    elif run(_build(settings, only, all_due=all_due)):
        fail("not everything could be made; what was heard before is heard still")


async def _plan(settings: Settings, only: str | None, *, all_due: bool) -> None:
    async with workshop(settings) as shop:
        due = _due(shop, only, all_due=all_due)
    if not due:
        click.echo("nothing to do: everything the books say is made")
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("phrase", "language", "speaker", "why"):
        table.add_column(column, no_wrap=True)
    table.add_column("characters", justify="right", no_wrap=True)
    table.add_column("text")
    for each in due:
        voice = each.unit.voice
        table.add_row(
            each.unit.phrases[0],
            voice.language,
            voice.speaker,
            each.reason,
            f"{each.characters:,}",
            clipped(each.unit.text),
        )
    console().print(table)
    reasons = Counter(each.reason for each in due)
    listed = ", ".join(f"{number:,} {reason}" for reason, number in reasons.items())
    characters = sum(each.characters for each in due)
    click.echo(f"\n{count(len(due), 'recording')} to make ({listed}): {cost(characters)}")
    if characters > settings.phrases.characters_per_night:
        click.echo(
            f"more than the budget of one run, {settings.phrases.characters_per_night:,} characters "
            "(phrases.characters_per_night): the rest waits for the next"
        )


def _due(shop: app.Workshop, only: str | None, *, all_due: bool) -> list[Due]:
    try:
        return shop.generator.plan(shop.library, now=datetime.now(UTC), only=only, all_due=all_due)
    except ValueError as error:
        fail(str(error), code=2)


async def _build(settings: Settings, only: str | None, *, all_due: bool) -> bool:
    """Whether something was left that should have been made."""
    async with workshop(settings, asks_origin=True) as shop:
        due = _due(shop, only, all_due=all_due)
        if not due:
            click.echo("nothing to do: everything the books say is made")
            return False
        with progress() as tell:
            built = await shop.generator.build(
                due,
                budget_characters=settings.phrases.characters_per_night,
                progress=tell,
            )
    return _tell(built, settings)


def _tell(built: Built, settings: Settings) -> bool:
    waiting = [each for each in built.made if each.unit.manual]
    click.echo(f"{count(len(built.made), 'recording')} made: {cost(built.characters)}")
    if waiting:
        first = waiting[0].unit.phrases[0]
        click.echo(
            f"{count(len(waiting), 'recording')} of these wait to be picked (swap: manual), such as "
            f"{first}; see `edgeproxy phrases history {first}`"
        )
    for refused in built.failed:
        unit = refused.due.unit
        who = f"{unit.voice.language} {unit.voice.speaker}: {clipped(unit.text)}"
        why = "; ".join(refused.reasons)
        click.echo(f"failed: {unit.phrases[0]}: {who}: {why}", err=True)
    if built.skipped:
        why = built.stopped or (
            f"the budget of {settings.phrases.characters_per_night:,} characters "
            "(phrases.characters_per_night) is spent"
        )
        click.echo(
            f"{count(len(built.skipped), 'recording')} left for the next run: {why}", err=True
        )
    return bool(built.failed) or built.stopped is not None
