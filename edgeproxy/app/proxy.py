"""A proxy, from its first breath to its drain.

Start: the workshop, doors, the listener; ready once it listens and the greetings on disk are in memory,
whatever the origin does. Stop, in reverse, is the drain: not ready, no new callers, turns finish, flights
land, sessions close, and the store last.
"""

import asyncio
import gc
import signal
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from aiohttp import web

from .. import __version__
from ..cache.flight import Flights
from ..cache.store import Store
from ..config import Settings
from ..core.events import Emit
from ..downstream.auth import Keeper
from ..downstream.proof import Passthrough
from ..downstream.routes import Doors, in_sarvams_shape
from ..downstream.tenants import Tenants
from ..jobs.at_once import AtOnce
from ..jobs.background import Background
from ..jobs.nightly import Night
from ..jobs.nights import Nights
from ..jobs.schedule import Schedule
from ..observe import log
from ..operate.health import Health
from ..operate.purging import Purging
from ..phrases.books import Books
from ..phrases.generate import Generator
from ..phrases.generations import Generations
from ..speech import Speech
from ..upstream.pools import Pools
from .front import make_doors, make_gate, make_keeper, make_passing
from .rooms import LAND_S, Workshop, workshop
from .values import night_times, prewarm_voices

_ENCODERS: Final = 2
_GREETINGS_S: Final = 0.3
"""How long readiness waits for greetings to be loaded: a start takes a second at the most, and what a slow
disk has not given by then is loaded behind the first callers."""
_DISCARD_EVERY_S: Final = 3600.0
_COUNTS_EVERY_S: Final = 60.0
_OTHERS_EVERY_S: Final = 1.0
_PROOFS_EVERY_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Proxy:
    """A running proxy. ``url``: where it listens; the rest is there to be looked at."""

    url: str
    pools: Pools
    store: Store
    flights: Flights
    speech: Speech
    doors: Doors
    books: Books
    generations: Generations
    night: Night
    schedule: Schedule
    generator: Generator
    purging: Purging
    keeper: Keeper

    def reload(self) -> None:
        """Have the files that may change read again soon: books, tenants."""
        self.books.ask_reload()
        if isinstance(self.keeper, Tenants):
            self.keeper.ask_reload()


@asynccontextmanager
async def running(settings: Settings, *, emit: Emit = log.tell) -> AsyncIterator[Proxy]:
    """Run the proxy for as long as the context lasts. Raises ConfigError, BookErrors, OSError (the port)."""
    async with workshop(settings, emit=emit) as shop, AsyncExitStack() as undo:
        executor = ThreadPoolExecutor(_ENCODERS, thread_name_prefix="encode")
        undo.callback(executor.shutdown)
        keeper, ledger = make_keeper(shop, emit)
        if isinstance(keeper, Passthrough):
            undo.push_async_callback(keeper.proofs.save)
        if ledger is not None:
            undo.push_async_callback(ledger.save)
            # Fills that were begun go on when their clients are gone, and are paid for until they end.
            undo.push_async_callback(shop.flights.land, timeout_s=LAND_S)
        doors = make_doors(shop, keeper, executor, emit)
        health = Health(lambda: _details(shop, keeper))
        app = web.Application(
            client_max_size=settings.server.body_bytes, middlewares=[in_sarvams_shape]
        )
        doors.add_routes(app.router)
        health.add_routes(app.router)
        passing = make_passing(shop, keeper, emit)
        if passing is not None:
            passing.add_route(app.router)
            undo.push_async_callback(passing.relay.close)
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=1.0)
        undo.push_async_callback(runner.cleanup)
        await runner.setup()
        gate = make_gate(runner, settings, emit)
        undo.callback(gate.close)

        async def drain() -> None:
            await asyncio.gather(doors.drain(), *([] if passing is None else [passing.drain()]))

        undo.push_async_callback(drain)
        shop.pools.warm(shop.account, [*shop.library.voices, *prewarm_voices(settings)])
        port = await gate.listen(settings.server.host, settings.server.port)
        schedule = Schedule(emit=emit)
        schedule.every(
            _DISCARD_EVERY_S,
            "discard",
            lambda: shop.store.discard(older_than_s=settings.cache.discard_after_s),
        )
        schedule.every(_DISCARD_EVERY_S, "sweep", shop.store.sweep)
        schedule.every(_DISCARD_EVERY_S, "purges", shop.purging.finish)
        schedule.every(_COUNTS_EVERY_S, "counts of demand", shop.demand.save)
        schedule.every(_COUNTS_EVERY_S, "counts of hits", shop.hits.save)
        if isinstance(keeper, Passthrough):
            schedule.every(_PROOFS_EVERY_S, "proofs", keeper.proofs.save)
        night, nights = _nights(schedule, shop, emit)
        await nights.begin()
        schedule.start()
        undo.callback(schedule.stop)
        background = Background()
        undo.push_async_callback(background.stop)
        at_once = AtOnce(
            shop.books,
            shop.generator,
            budget_characters=settings.phrases.characters_at_once,
            now=lambda: datetime.now(UTC),
        )
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
        with suppress(TimeoutError):
            async with asyncio.timeout(_GREETINGS_S):
                await shop.greetings.load()
        # Goes on with what there was no time for.
        background.start("greetings", shop.greetings.follow)
        health.ready = True
        undo.callback(health.not_ready)
        yield Proxy(
            _url(settings.server.host, port),
            shop.pools,
            shop.store,
            shop.flights,
            shop.speech,
            doors,
            shop.books,
            shop.generations,
            night,
            schedule,
            shop.generator,
            shop.purging,
            keeper,
        )


def _nights(schedule: Schedule, shop: Workshop, emit: Emit) -> tuple[Night, Nights]:
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


def _details(shop: Workshop, keeper: Keeper) -> Mapping[str, object]:
    return {
        "version": __version__,
        "pools": [repr(pool) for pool in shop.pools],
        "records": len(shop.store),
        "store_problem": shop.store.problem,
        "phrases": len(shop.library),
        "books_problem": shop.books.problem,
        "tenants_problem": keeper.problem if isinstance(keeper, Tenants) else None,
        "origin_problem": next(iter(shop.pools.problems(shop.account)), None),
    }


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def serve(settings: Settings, *, stop: asyncio.Event) -> None:
    """Run until ``stop`` is set. SIGHUP reads books and tenants again, and renews the origin sessions one
    by one."""
    async with running(settings) as proxy:
        log.log.info("listening on %s, origin %s", proxy.url, settings.origin.url)
        # What is there now stays: no collection of garbage need go through it, while callers wait, again.
        gc.freeze()

        def renew() -> None:
            proxy.pools.expire()
            proxy.reload()

        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, renew)
        await stop.wait()
        log.log.info("draining")
