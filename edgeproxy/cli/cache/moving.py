"""``edgeproxy cache export`` and ``import``: what is kept, to another region or to where it was."""

from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from ... import app
from ...cache.counts import Counts
from ...cache.disk import Tag
from ...cache.purge import DamagedPurges
from ...config import Settings
from ...core.words import count
from ...downstream.secret import fingerprint, is_name
from ...operate import archive
from ...operate.exporting import Exported, Unfit, export
from ...operate.importing import Importing, Policy, Taken, Unwanted
from ...operate.tar import BadArchive
from ...phrases.generate import Progress
from ..common import fail, run
from ..phrases.rooms import progress, with_data, with_settings, workshop

_MEGABYTE = 1_000_000
_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command("export")
@click.argument("into", metavar="FILE", type=_FILE)
@with_data
def export_(settings: Settings, into: Path) -> None:
    """Write all that is kept into FILE, a tar, for another region or as a backup.

    A proxy may run on it. The file appears when it is whole. The installation's secret is not in it: keep
    `install-secret` beside a backup.
    """
    if into.exists() and not into.is_file():
        fail(f"{into} is no file; name one that may be replaced, or is not there", code=2)
    exported = run(_export(settings, into))
    kinds = {Tag.PINNED: "of books", Tag.PROMOTED: "promoted", Tag.DYNAMIC: "for now"}
    listed = ", ".join(f"{exported.records[tag]:,} {what}" for tag, what in kinds.items())
    told = [
        f"{count(exported.records.total(), 'record')} ({listed})",
        count(exported.units, "phrase"),
        f"counts of {count(exported.days, 'day')}",
        f"{exported.size / _MEGABYTE:,.1f} MB",
    ]
    click.echo(f"{into}: {', '.join(told)}{_left_out(exported.left_out)}")
    if bad := exported.left_out[Unfit.BAD]:
        fail(f"{count(bad, 'record')} can't be read; see `edgeproxy cache verify`")


async def _export(settings: Settings, into: Path) -> Exported:
    async with workshop(settings) as shop:
        if not shop.store.is_open:
            fail(f"{into} was not written: {shop.store.problem}")
        try:
            with progress() as tell:
                return await export(
                    into,
                    shop.store,
                    shop.generations,
                    shop.purges,
                    _counts(shop),
                    installation=fingerprint(shop.secret),
                    now=datetime.now(UTC),
                    progress=tell,
                )
        except (OSError, ValueError) as error:
            fail(f"{into} was not written: {_why(error)}")


@click.command("import")
@click.argument("source", metavar="FILE", type=_FILE)
@with_settings
def import_(settings: Settings, source: Path) -> None:
    """Take what is in FILE and not here.

    All of the file is checked first: nothing is taken of one that is not whole. What is here stays as it is,
    and what was purged here stays purged. A running proxy knows within seconds.
    """
    with ExitStack() as undo:
        tell = undo.enter_context(progress())
        try:
            opened = undo.enter_context(archive.opened(source, progress=tell))
        except (BadArchive, OSError) as error:
            fail(f"{source} was not imported, and nothing is changed: {_why(error)}")
        try:
            taken = run(_import(settings, opened, tell))
        except (BadArchive, DamagedPurges, OSError) as error:
            fail(f"the import broke off: {_why(error)}; put that right, and import {source} again")
    told = [count(taken.records, "record"), count(taken.units, "phrase")]
    told += [f"counts of {count(taken.days, 'day')}"] if taken.days else []
    click.echo(
        f"taken: {', '.join(told)}; there already: {count(taken.there, 'record')}"
        f"{_left_out(taken.left_out)}"
    )
    if taken.left_out[Unwanted.DISK]:
        fail("the disk did not take everything; make room, and import it again")


async def _import(settings: Settings, opened: archive.Archive, tell: Progress) -> Taken:
    async with workshop(settings) as shop:
        if shop.store.problem is not None:
            fail(f"nothing was imported: {shop.store.problem}")
        importing = Importing(
            shop.store,
            shop.generations,
            shop.purges,
            _counts(shop),
            Policy(
                installation=fingerprint(shop.secret),
                is_private=is_name,
                discard_after_s=settings.cache.discard_after_s,
                keep_personal=settings.cache.keep_personal,
            ),
            alone=shop.generator.alone,
        )
        return await importing.take(opened, now=datetime.now(UTC), progress=tell)


def _counts(shop: app.Workshop) -> Mapping[str, Counts[Any]]:
    return {"asks": shop.demand.asks, "misses": shop.demand.misses, "hits": shop.hits}


def _left_out(reasons: Mapping[Any, int]) -> str:
    named = [f"{number:,} {why}" for why, number in reasons.items() if number]
    return f"; left out: {', '.join(named)}" if named else ""


def _why(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"{error.filename or ''} {error.strerror or error}".strip()
    return str(error)
