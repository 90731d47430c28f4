"""What a proxy does by the clock and all the time, beside its callers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Final

from ..core.events import Emit
from ..downstream.auth import Keeper
from ..downstream.ledger import Ledger
from ..downstream.proof import Passthrough
from ..downstream.tenants import Tenants
from ..jobs.at_once import AtOnce
from ..jobs.background import Background
from ..jobs.nightly import Night
from ..jobs.nights import Nights
from ..jobs.schedule import Schedule
from ..observe import log
from .operator import Listeners
from .rooms import Workshop
from .values import night_times

_HOUR_S: Final = 3600.0
_MINUTE_S: Final = 60.0
_OTHERS_EVERY_S: Final = 1.0
_PROOFS_EVERY_S: Final = 10.0


def make_nights(schedule: Schedule, shop: Workshop, emit: Emit) -> tuple[Night, Nights]:
    """What is done by night, and when."""
    settings = shop.settings
    when, zone = night_times(settings)
    night = Night(
        shop.generator,
        shop.generations,
        shop.demand,
        shop.hits,
        shop.store,
        lambda: shop.library,
        directory=settings.cache.data_dir,
        when=when,
        zone=zone,
        budget_characters=settings.phrases.characters_per_night,
        promote_top=settings.phrases.promote_top,
        discard_after_s=settings.cache.discard_after_s,
        emit=emit,
    )
    nights = Nights(
        night,
        schedule,
        shop.books,
        when=when,
        zone=zone,
        jitter_s=settings.phrases.night_jitter_s,
        now=lambda: datetime.now(UTC),
    )
    return night, nights


async def _follow_others(shop: Workshop) -> None:
    """Hear of what the command line, or another process, has made, moved, brought or purged."""
    while True:
        await asyncio.sleep(_OTHERS_EVERY_S)
        try:
            if await asyncio.to_thread(shop.generations.changed_on_disk):
                # The records first: a pointer must never stand at one we don't know of.
                await shop.store.refresh()
                await asyncio.to_thread(shop.generations.reload)
                # Somebody may have purged what is to be made again.
                shop.books.look_again()
            elif await asyncio.to_thread(shop.store.changed_on_disk):
                await shop.store.refresh()
        except OSError as error:
            # As long as it lasts what others did is not known; the next look may be luckier.
            log.log.error("what other processes did can't be read: %s", error)
        await shop.purging.follow()


@asynccontextmanager
async def upkeep(
    shop: Workshop,
    keeper: Keeper,
    ledger: Ledger | None,
    listeners: Listeners,
    schedule: Schedule,
    nights: Nights,
) -> AsyncIterator[Background]:
    """Begin all of it, and end it with the context. Gives those who go on all the time, for one more."""
    oldest_s = shop.settings.cache.discard_after_s
    schedule.every(_HOUR_S, "discard", lambda: shop.store.discard(older_than_s=oldest_s))
    schedule.every(_HOUR_S, "sweep", shop.store.sweep)
    schedule.every(_HOUR_S, "purges", shop.purging.finish)
    schedule.every(_MINUTE_S, "counts of demand", shop.demand.save)
    schedule.every(_MINUTE_S, "counts of hits", shop.hits.save)
    schedule.every(_MINUTE_S, "sums of the day", listeners.day.save)
    if isinstance(keeper, Passthrough):
        schedule.every(_PROOFS_EVERY_S, "proofs", keeper.proofs.save)
    await nights.begin()
    background = Background()
    at_once = AtOnce(
        shop.books,
        shop.generator,
        budget_characters=shop.settings.phrases.characters_at_once,
        now=lambda: datetime.now(UTC),
    )
    schedule.start()
    try:
        background.start("books", shop.books.watch)
        background.start("books, when asked", shop.books.reload_when_asked)
        background.start("at once", at_once.run)
        background.start("nights", nights.follow)
        background.start("purges cut short", shop.purging.finish)
        background.start("leftovers", shop.store.sweep)
        background.start("other processes", lambda: _follow_others(shop))
        if isinstance(keeper, Tenants):
            background.start("tenants", keeper.follow)
        if ledger is not None:
            background.start("ledger", ledger.keep_saved)
        yield background
    finally:
        await background.stop()
        schedule.stop()
