"""A proxy, from its first breath to its drain.

Start: the workshop, doors, the listeners; ready once it listens and the greetings on disk are in memory,
whatever the origin does. Stop, in reverse, is the drain: not ready, no new callers, turns finish, flights
land, sessions close, and the store last; the operator's side can be looked at until then.
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
from ..config import ConfigError, Settings
from ..core.events import Emit
from ..downstream.auth import Keeper
from ..downstream.limits import Gate
from ..downstream.proof import Passthrough
from ..downstream.routes import Doors, in_sarvams_shape
from ..downstream.tenants import Tenants
from ..jobs.at_once import AtOnce
from ..jobs.background import Background
from ..jobs.nightly import Night
from ..jobs.nights import Nights
from ..jobs.schedule import Schedule
from ..observe import log
from ..operate.admin import Works
from ..operate.explain import Explainer
from ..operate.health import Health
from ..operate.overview import Doors as OfDoors
from ..operate.purging import Purging
from ..phrases.books import Books
from ..phrases.generate import Generator
from ..phrases.generations import Generations
from ..speech import Speech
from ..upstream.pools import Pools
from .front import make_doors, make_gate, make_keeper, make_passing
from .operator import Operator, keep_out, listening, own_address
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
    explainer: Explainer
    operator_url: str
    """Where metrics, console and admin API are; the same, or a listener of their own."""
    told_to_go: asyncio.Event
    """Set when somebody has asked for a drain by the admin API."""

    def reload(self) -> None:
        """Have the files that may change read again soon: books, tenants."""
        self.books.ask_reload()
        _reload_tenants(self.keeper)


@asynccontextmanager
async def running(settings: Settings, *, emit: Emit | None = None) -> AsyncIterator[Proxy]:
    """Run the proxy for as long as the context lasts. Raises ConfigError, BookErrors, OSError (the port).

    ``emit``: hears each fact at once, and in place of the log.
    """
    async with (
        listening(settings, emit) as listeners,
        workshop(settings, emit=listeners.tell) as shop,
        AsyncExitStack() as undo,
    ):
        emit = listeners.tell
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
        schedule = Schedule(emit=emit)
        night, nights = _nights(schedule, shop, emit)
        told_to_go = asyncio.Event()
        url = _url(settings.server.host, settings.server.port)
        gates: list[Gate] = []
        operator = Operator(
            shop,
            listeners,
            OfDoors(
                url=lambda: url,
                status=lambda: health.status,
                connections=lambda: sum(gate.connections for gate in gates),
                conversations=lambda: doors.conversations,
                tenants_problem=lambda: _tenants_problem(keeper),
                night_running=lambda: night.is_running,
                next_night=lambda: schedule.next("night"),
                night_ended=lambda: night.ended,
            ),
            Works(
                reload_tenants=lambda: _reload_tenants(keeper),
                run_night=nights.run_now,
                night_is_running=lambda: night.is_running,
                drain=told_to_go.set,
            ),
            emit,
        )
        address = own_address(settings)
        operator_url = None
        if address is None:
            operator.add_routes(app.router)
        else:
            keep_out(app.router)
            operator_url = await undo.enter_async_context(_listening(operator, *address))
        passing = make_passing(shop, keeper, emit)
        if passing is not None:
            passing.add_route(app.router)
            undo.push_async_callback(passing.relay.close)
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=1.0)
        undo.push_async_callback(runner.cleanup)
        await runner.setup()
        gate = make_gate(runner, settings, emit)
        gates.append(gate)
        undo.callback(gate.close)

        async def drain() -> None:
            await asyncio.gather(doors.drain(), *([] if passing is None else [passing.drain()]))

        undo.push_async_callback(drain)
        shop.pools.warm(shop.account, [*shop.library.voices, *prewarm_voices(settings)])
        port = await gate.listen(settings.server.host, settings.server.port)
        url = _url(settings.server.host, port)
        schedule.every(
            _DISCARD_EVERY_S,
            "discard",
            lambda: shop.store.discard(older_than_s=settings.cache.discard_after_s),
        )
        schedule.every(_DISCARD_EVERY_S, "sweep", shop.store.sweep)
        schedule.every(_DISCARD_EVERY_S, "purges", shop.purging.finish)
        schedule.every(_COUNTS_EVERY_S, "counts of demand", shop.demand.save)
        schedule.every(_COUNTS_EVERY_S, "counts of hits", shop.hits.save)
        schedule.every(_COUNTS_EVERY_S, "sums of the day", listeners.day.save)
        if isinstance(keeper, Passthrough):
            schedule.every(_PROOFS_EVERY_S, "proofs", keeper.proofs.save)
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
            url,
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
            operator.explainer,
            operator_url or url,
            told_to_go,
        )


@asynccontextmanager
async def _listening(operator: Operator, host: str, port: int) -> AsyncIterator[str]:
    """The operator's side on a listener of its own; its URL. Raises ConfigError."""
    app = web.Application()
    operator.add_routes(app.router)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=1.0)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            why = f"cannot listen on {host}:{port}: {error.strerror or error}"
            raise ConfigError(f"admin.port: {why}; name another") from error
        yield _url(host, runner.addresses[0][1])
    finally:
        await runner.cleanup()


def _tenants_problem(keeper: Keeper) -> str | None:
    return keeper.problem if isinstance(keeper, Tenants) else None


def _reload_tenants(keeper: Keeper) -> None:
    if isinstance(keeper, Tenants):
        keeper.ask_reload()


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
        "tenants_problem": _tenants_problem(keeper),
        "origin_problem": next(iter(shop.pools.problems(shop.account)), None),
    }


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def _either(*events: asyncio.Event) -> None:
    async with asyncio.TaskGroup() as tasks:
        waits = [tasks.create_task(event.wait()) for event in events]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()


async def serve(settings: Settings, *, stop: asyncio.Event) -> None:
    """Run until ``stop`` is set. SIGHUP reads books and tenants again, and renews the origin sessions one
    by one."""
    async with running(settings) as proxy:
        log.log.info(
            "listening on %s, origin %s; console: %s/console",
            proxy.url,
            settings.origin.url,
            proxy.operator_url,
        )
        # What is there now stays: no collection of garbage need go through it, while callers wait, again.
        gc.freeze()

        def renew() -> None:
            proxy.pools.expire()
            proxy.reload()

        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, renew)
        await _either(stop, proxy.told_to_go)
        log.log.info("draining")
