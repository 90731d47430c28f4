"""``edgeproxy phrases history`` and ``use``: the generations that are kept, and which of them is heard."""

import asyncio

import click
from rich.table import Table

from ...config import Settings
from ...core.words import count
from ...phrases.due import units
from ...phrases.pinned import Generation, Pinned
from ..common import fail, run
from .naming import clipped, named, short, shown, tell_failures
from .rooms import console, with_books, workshop


@click.command()
@click.argument("phrase")
@with_books
def history(settings: Settings, phrase: str) -> None:
    """Show the generations of PHRASE that are kept, and which is heard.

    PHRASE is BOOK/ID, BOOK/ID/LANGUAGE, or the name of one recording as it stands in the first column.
    """
    run(_history(settings, phrase))


async def _history(settings: Settings, name: str) -> None:
    async with workshop(settings) as shop:
        found = named(name, shop.library, shop.generations)
        said = units(shop.library)
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("recording", "language", "speaker"):
        table.add_column(column, no_wrap=True)
    # Where it is narrow, words make room for figures.
    table.add_column("text")
    for column in ("generation", "made", "takes", "length", "loudness"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("")
    place = {key: number for number, key in enumerate(said)}
    for pinned in sorted(found, key=lambda pinned: place.get(pinned.key, len(place))):
        voice = pinned.voice
        head = (short(pinned), voice["language"], voice["speaker"], clipped(pinned.text))
        for each in pinned.generations:
            table.add_row(
                *head,
                str(each.number),
                f"{each.made.astimezone():%Y-%m-%d %H:%M}",
                str(each.takes),
                f"{each.seconds:.2f} s",
                f"{each.loudness_dbfs:.1f} dBFS",
                _remarks(each, pinned, is_said=pinned.key in said),
            )
            head = ("", "", "", "")
    if table.row_count:
        console().print(table)
    tell_failures(found)


def _remarks(generation: Generation, pinned: Pinned, *, is_said: bool) -> str:
    remarks = []
    if generation.number == pinned.speaks:
        remarks.append("heard, held" if pinned.held else "heard")
    if generation.recording is not None:
        remarks.append("by a human")
    if not is_said:
        remarks = ["no book says it any more"]
    return ", ".join(remarks)


@click.command()
@click.argument("phrase")
@click.argument("generation", type=click.IntRange(min=1), required=False)
@click.option("--latest", is_flag=True, help="The newest, and each one that comes after it.")
@with_books
def use(settings: Settings, phrase: str, generation: int | None, *, latest: bool) -> None:
    """Let callers hear GENERATION of PHRASE, and keep it so until told otherwise.

    PHRASE is BOOK/ID, BOOK/ID/LANGUAGE, or the name of one recording as `history` shows it. All of its
    recordings move, or none does.
    """
    if (generation is None) is not latest:
        raise click.UsageError("say which: the number of a generation, or --latest")
    run(_use(settings, phrase, generation))


async def _use(settings: Settings, name: str, number: int | None) -> None:
    async with workshop(settings) as shop:
        said = units(shop.library)
        found = [
            pinned
            for pinned in named(name, shop.library, shop.generations)
            if pinned.key in said and pinned.generations
        ]
        if not found:
            fail(f"there is nothing to choose: no recording of {name} is both made and in a book")
        for pinned in found:
            numbers = [each.number for each in pinned.generations]
            if number is not None and number not in numbers:
                fail(
                    f"there is no generation {number} of {shown(pinned)}, but "
                    f"{', '.join(map(str, numbers))}; nothing was moved. One recording alone is named "
                    "as `edgeproxy phrases history` shows it"
                )
        for pinned in found:
            if number is None:
                shop.generations.release(pinned.key)
            else:
                shop.generations.use(pinned.key, number)
        try:
            await asyncio.to_thread(shop.generations.save)
        except OSError as error:
            fail(f"{shop.generations.file} cannot be written: {error.strerror or error}")
    what = count(len(found), "recording")
    if number is None:
        click.echo(f"{name}: the latest generation is heard in {what}, and is not held")
    else:
        click.echo(
            f"{name}: generation {number} is heard in {what}, and stays until "
            f"`edgeproxy phrases use {name} --latest`"
        )
