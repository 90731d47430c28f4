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
from typing import Final

from aiohttp import web

from .. import __version__
from ..cache.flight import Flights
from ..cache.store import Store
from ..config import Settings
from ..core.events import Emit
from ..downstream.auth import Keeper
from ..downstream.limits import Gate
from ..downstream.proof import Passthrough
from ..downstream.routes import Doors, in_sarvams_shape
from ..jobs.nightly import Night
from ..jobs.schedule import Schedule
from ..observe import log
from ..operate.admin import Works
from ..operate.explain import Explainer
from ..operate.health import Health
from ..operate.overview import Doors as OfDoors
from ..operate.purging import Purging
from ..origin import OriginSpeech
from ..phrases.books import Books
from ..phrases.generate import Generator
from ..phrases.generations import Generations
from ..speech import Speech
from ..upstream.pools import Pools
from .front import (
    make_doors,
    make_gate,
    make_keeper,
    make_passing,
    reload_tenants,
    tenants_problem,
)
from .operator import Operator, keep_out, listening, own_address, served, url_of
from .rooms import LAND_S, Workshop, workshop
from .upkeep import make_nights, upkeep
from .values import prewarm_voices

_ENCODERS: Final = 2
_GREETINGS_S: Final = 0.3
"""How long readiness waits for greetings to be loaded: a start takes a second at the most, and what a slow
disk has not given by then is loaded behind the first callers."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """A running proxy. ``url``: where it listens; the rest is there to be looked at."""

    url: str
    pools: Pools
    store: Store
    flights: Flights
    origin: OriginSpeech
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
        reload_tenants(self.keeper)


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
        listeners.day.load()
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
        night, nights = make_nights(schedule, shop, emit)
        told_to_go = asyncio.Event()
        url = url_of(settings.server.host, settings.server.port)
        gates: list[Gate] = []
        operator = Operator(
            shop,
            listeners,
            OfDoors(
                url=lambda: url,
                status=lambda: health.status,
                connections=lambda: sum(gate.connections for gate in gates),
                conversations=lambda: doors.conversations,
                tenants_problem=lambda: tenants_problem(keeper),
                night_running=lambda: nights.is_running,
                next_night=lambda: schedule.next("night"),
                night_ended=lambda: night.ended,
            ),
            Works(
                reload_tenants=lambda: reload_tenants(keeper),
                run_night=nights.run_now,
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
            operator_url = await undo.enter_async_context(served(operator, *address))
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
        url = url_of(settings.server.host, port)
        background = await undo.enter_async_context(
            upkeep(shop, keeper, ledger, listeners, schedule, nights)
        )
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
            shop.origin,
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


def _details(shop: Workshop, keeper: Keeper) -> Mapping[str, object]:
    return {
        "version": __version__,
        "pools": [repr(pool) for pool in shop.pools],
        "records": len(shop.store),
        "store_problem": shop.store.problem,
        "phrases": len(shop.library),
        "books_problem": shop.books.problem,
        "tenants_problem": tenants_problem(keeper),
        "origin_problem": next(iter(shop.pools.problems(shop.account)), None),
    }


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
