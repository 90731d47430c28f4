"""``edgeproxy cache stats`` and ``verify``: what is kept, and whether it is whole."""

import click

from ...config import Settings
from ...core.words import count
from ..common import fail, run
from ..phrases.rooms import with_data, workshop

_MEGABYTE = 1_000_000


@click.command()
@with_data
def stats(settings: Settings) -> None:
    """Show how much is kept."""
    run(_stats(settings))


async def _stats(settings: Settings) -> None:
    async with workshop(settings) as shop:
        store = shop.store
        for name, records, size in (
            ("for good (books, promoted)", store.pinned_records, store.pinned_bytes),
            ("for now", store.dynamic_records, store.dynamic_bytes),
        ):
            click.echo(f"{name}: {count(records, 'record')}, {size / _MEGABYTE:,.1f} MB")
        click.echo(
            f"quota of what is kept for now: {settings.cache.quota_bytes / _MEGABYTE:,.0f} MB"
        )


@click.command()
@click.option(
    "--share", type=click.FloatRange(0, 1), default=1.0, show_default=True, help="Of all records."
)
@with_data
def verify(settings: Settings, share: float) -> None:
    """Read records and check each whole; bad ones are removed, and the exit code is 1."""
    checked, bad = run(_verify(settings, share))
    if bad:
        fail(f"{count(checked, 'record')} read, {bad:,} of them bad and removed")
    click.echo(f"{count(checked, 'record')} read, all whole")


async def _verify(settings: Settings, share: float) -> tuple[int, int]:
    async with workshop(settings) as shop:
        return await shop.store.verify(share)
