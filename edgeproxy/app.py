"""The composition root: builds every object, starts and stops in order. The only file that knows everyone.

Start: secret, store, books, pools (their sessions dial in the background), speech, doors, then the listener;
ready once it listens and the greetings on disk are in memory, whatever the origin does. Stop, in reverse,
is the drain: not ready, no new callers, turns finish, flights land, sessions close, and the store last.
"""

import asyncio
import gc
import signal
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from aiohttp import web

from . import __version__
from .audio import decode
from .cache.demand import Demand
from .cache.flight import Flights
from .cache.memory import Memory
from .cache.store import Store
from .config import ConfigError, Settings
from .core.audio import Decoder
from .core.events import Emit
from .core.turn import Cuts
from .core.voice import Voice
from .downstream.asking import TurnSettings
from .downstream.auth import Keeper, install_secret
from .downstream.routes import DoorLimits, Doors, in_sarvams_shape
from .jobs.at_once import AtOnce
from .jobs.background import Background
from .jobs.nightly import Night
from .jobs.nights import Nights
from .jobs.schedule import Schedule
from .observe import log
from .operate.health import Health
from .phrases.books import Books
from .phrases.cron import Cron
from .phrases.generate import Generator
from .phrases.generations import Generations
from .phrases.greetings import Greetings
from .phrases.hits import Hits, open_hits
from .phrases.library import Library
from .sarvam import fields, models
from .sarvam.handshake import WS_PATHS, origin_url
from .sarvam.refusals import Refused
from .speech import Ask, Patience, Speech
from .upstream.places import Places
from .upstream.pool import Limits, Pool
from .upstream.pools import Account, Pools
from .upstream.rest import RestDoor
from .upstream.session import Session

_ENCODERS: Final = 2
_LAND_S: Final = 5.0
_GREETINGS_S: Final = 0.3
"""How long readiness waits for greetings to be loaded: a start takes a second at the most, and what a slow
disk has not given by then is loaded behind the first callers."""
_DISCARD_EVERY_S: Final = 3600.0
_COUNTS_EVERY_S: Final = 60.0
_POINTERS_EVERY_S: Final = 1.0
_SPARE_FOR_S: Final = 600.0
_CEILING_RECOVERS_S: Final = 10.0
_USER_AGENT: Final = f"edgeproxy/{__version__}"


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


def check(settings: Settings) -> Library:
    """Validate what can be without starting anything. Raises ConfigError, or BookErrors."""
    if settings.origin.api_key is None:
        raise ConfigError(
            "origin.api_key: no Sarvam key; set SARVAM_API_KEY (any word will do for the emulator)"
        )
    cuts(settings)
    night_times(settings)
    prewarm_voices(settings)
    return load_library(settings)


def night_times(settings: Settings) -> tuple[Cron, ZoneInfo]:
    """When the night begins. Raises ConfigError."""
    phrases = settings.phrases
    try:
        when = Cron.parse(phrases.night)
    except ValueError as error:
        raise ConfigError(f"phrases.night = {phrases.night!r}: {error}") from error
    try:
        return when, ZoneInfo(phrases.time_zone)
    except (ValueError, ZoneInfoNotFoundError) as error:
        raise ConfigError(
            f"phrases.time_zone = {phrases.time_zone!r}: there is no such zone; one like Asia/Kolkata"
        ) from error


def cuts(settings: Settings) -> Cuts:
    """The settings of the splitter."""
    turn = settings.turn
    try:
        return Cuts(
            min_segment_chars=turn.min_segment_chars,
            clause_chars=turn.clause_chars,
            first_clause_chars=turn.first_clause_chars,
            max_segment_chars=turn.max_segment_chars,
        )
    except ValueError as error:
        raise ConfigError(f"turn: {error}") from error


def load_library(settings: Settings) -> Library:
    """The phrase books, or an empty library where no folder is named."""
    directory = settings.phrases.directory
    if directory is None:
        return Library.empty()
    if not directory.is_dir():
        raise ConfigError(f"phrases.directory = {directory}: there is no such folder")
    return Library.load(directory, cuts(settings))


def prewarm_voices(settings: Settings) -> list[Voice]:
    """The voices of ``origin.prewarm_voices``."""
    voices = []
    for number, given in enumerate(settings.origin.prewarm_voices):
        try:
            read = fields.read(given, rates=models.WS_RATES)
            fields.require(read, "language", "speaker")
            audible = models.audible(read)
            models.check_ranges(audible["model"], read)
        except Refused as error:
            raise ConfigError(f"origin.prewarm_voices[{number}]: {error}") from error
        voices.append(Voice(audible))
    return voices


@dataclass(frozen=True, slots=True)
class Workshop:
    """The rooms below the doors: all that makes and keeps speech, for nobody in particular."""

    settings: Settings
    books: Books
    account: Account
    secret: bytes
    store: Store
    pools: Pools
    flights: Flights
    speech: Speech
    demand: Demand
    hits: Hits
    generations: Generations
    greetings: Greetings
    generator: Generator

    @property
    def library(self) -> Library:
        """The phrase books as they are now."""
        return self.books.library


@asynccontextmanager
async def workshop(settings: Settings, *, emit: Emit = log.tell) -> AsyncIterator[Workshop]:
    """Open the rooms below the doors. Raises ConfigError, BookErrors.

    Whatever was built has its undo, in reverse, however far the building came: flights land, sessions
    close, and the store last.
    """
    library = check(settings)
    assert settings.origin.api_key is not None
    cache = settings.cache
    secret = install_secret(cache.data_dir)
    account = Account("own", settings.origin.api_key.get_secret_value())
    async with AsyncExitStack() as undo:
        store = await Store.open(
            cache.data_dir / "records",
            quota_bytes=cache.quota_bytes,
            min_free_bytes=cache.min_free_bytes,
            emit=emit,
        )
        undo.push_async_callback(store.close)
        rest = RestDoor(
            settings.origin.url,
            user_agent=_USER_AGENT,
            timeout_s=settings.origin.rest_timeout_s,
            make_decoder=_make_decoder,
        )
        undo.push_async_callback(rest.close)
        pools = _pools(settings, emit)
        undo.push_async_callback(pools.close)
        flights = Flights()
        undo.push_async_callback(flights.land, timeout_s=_LAND_S)
        demand = Demand.open(cache.data_dir, emit=emit)
        undo.push_async_callback(demand.save)
        hits = open_hits(cache.data_dir / "hits", emit=emit)
        undo.push_async_callback(hits.save)

        def count(ask: Ask) -> None:
            if ask.curated:
                hits.count(ask.identity)
            elif ask.keep:
                demand.ask(ask.identity)

        speech = Speech(
            memory=Memory(limit_bytes=cache.memory_bytes),
            flights=flights,
            store=store,
            pools=pools,
            rest=rest,
            patience=Patience(
                first_audio_s=settings.origin.first_audio_timeout_s,
                stall_s=settings.origin.stall_timeout_s,
                refusal_kept_s=settings.origin.refusal_kept_s,
            ),
            characters_kept=cache.characters_kept,
            ttl_s=cache.ttl_s,
            on_ask=count,
            on_miss=demand.miss,
            emit=emit,
        )
        generations = Generations.load(cache.data_dir / "generations.json")
        books = Books(
            library,
            lambda: load_library(settings),
            directory=settings.phrases.directory,
            emit=emit,
        )
        greetings = Greetings(speech, books, generations, limit_bytes=cache.memory_bytes // 2)
        generator = Generator(
            store,
            lambda voice, text: speech.fetch(voice, text, account),
            generations,
            keep=settings.phrases.generations_kept,
            characters_per_second=settings.phrases.characters_per_second,
            before_heard=greetings.made,
            emit=emit,
        )
        yield Workshop(
            settings,
            books,
            account,
            secret,
            store,
            pools,
            flights,
            speech,
            demand,
            hits,
            generations,
            greetings,
            generator,
        )


@asynccontextmanager
async def running(settings: Settings, *, emit: Emit = log.tell) -> AsyncIterator[Proxy]:
    """Run the proxy for as long as the context lasts. Raises ConfigError, BookErrors, OSError (the port)."""
    async with workshop(settings, emit=emit) as shop, AsyncExitStack() as undo:
        executor = ThreadPoolExecutor(_ENCODERS, thread_name_prefix="encode")
        undo.callback(executor.shutdown)
        doors = _doors(shop, executor, emit)
        health = Health(lambda: _details(shop))
        app = web.Application(
            client_max_size=settings.server.body_bytes, middlewares=[in_sarvams_shape]
        )
        doors.add_routes(app.router)
        health.add_routes(app.router)
        runner = web.AppRunner(
            app, access_log=None, handler_cancellation=True, shutdown_timeout=1.0
        )
        undo.push_async_callback(runner.cleanup)
        await runner.setup()
        undo.push_async_callback(doors.drain)
        shop.pools.warm(shop.account, [*shop.library.voices, *prewarm_voices(settings)])
        site = web.TCPSite(runner, settings.server.host, settings.server.port, backlog=1024)
        await site.start()
        schedule = Schedule(emit=emit)
        schedule.every(
            _DISCARD_EVERY_S,
            "discard",
            lambda: shop.store.discard(older_than_s=settings.cache.discard_after_s),
        )
        schedule.every(_COUNTS_EVERY_S, "counts of demand", shop.demand.save)
        schedule.every(_COUNTS_EVERY_S, "counts of hits", shop.hits.save)
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
        background.start("greetings", shop.greetings.follow)
        background.start("pointers", lambda: _follow_pointers(shop))
        with suppress(TimeoutError):
            async with asyncio.timeout(_GREETINGS_S):
                await shop.greetings.load()
        health.ready = True
        undo.callback(health.not_ready)
        yield Proxy(
            _url(settings, runner.addresses),
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


async def _follow_pointers(shop: Workshop) -> None:
    """Hear of what the command line, or another process, has made or moved."""
    while True:
        await asyncio.sleep(_POINTERS_EVERY_S)
        if await asyncio.to_thread(shop.generations.changed_on_disk):
            # The records first: a pointer must never stand at one we don't know of.
            await shop.store.refresh()
            await asyncio.to_thread(shop.generations.reload)
            await shop.greetings.load()


def _doors(shop: Workshop, executor: Executor, emit: Emit) -> Doors:
    settings = shop.settings
    turn = settings.turn
    return Doors(
        keeper=Keeper(
            keys=[key.get_secret_value() for key in settings.auth.keys],
            secret=shop.secret,
            account=shop.account,
        ),
        speech=shop.speech,
        settings=TurnSettings(
            cuts=cuts(settings),
            generations=shop.generations,
            library=lambda: shop.library,
            parallel_segments=turn.parallel_segments,
            hold_ms=turn.hold_ms,
            idle_text_ms=turn.idle_text_ms,
            trim_leading_silence_ms=turn.trim_leading_silence_ms,
            waiting_segments=turn.waiting_segments,
        ),
        limits=DoorLimits(
            message_bytes=settings.server.message_bytes,
            body_timeout_s=settings.server.body_timeout_s,
            idle_s=settings.server.idle_s,
            drain_s=settings.server.drain_s,
        ),
        executor=executor,
        emit=emit,
    )


def _pools(settings: Settings, emit: Emit) -> Pools:
    origin, pool = settings.origin, settings.pool
    websocket = origin_url(origin.url, WS_PATHS[0], websocket=True)

    def make(account: Account, model: str, places: Places, voices: Sequence[Voice]) -> Pool:
        query = urlencode({"model": model, "send_completion_event": "true"})

        async def dial(on_end: Callable[[Session], None]) -> Session:
            return await Session.dial(
                f"{websocket}?{query}",
                key=account.key,
                user_agent=_USER_AGENT,
                timeout_s=origin.connect_timeout_s,
                codec=origin.codec,
                make_decoder=_make_decoder,
                ping_every_s=pool.ping_every_s,
                on_end=on_end,
            )

        limits = Limits(
            ready=pool.ready,
            reserve=pool.reserve,
            lease_timeout_s=pool.lease_timeout_s,
            max_age_s=pool.max_age_s,
            rest_s=pool.rest_ms / 1000,
            # Anybody can name a model: nothing is kept ready for one that nobody has heard of.
            spare_for_s=_SPARE_FOR_S if model in models.MODELS else 0.0,
        )
        return Pool(
            model,
            dial,
            places=places,
            limits=limits,
            voices=voices,
            keep=bool(voices),
            emit=emit,
        )

    return Pools(
        make,
        make_places=lambda: Places(pool.account_sessions, recover_s=_CEILING_RECOVERS_S, emit=emit),
    )


def _make_decoder(codec: str, rate: int) -> Decoder:
    return decode.decoder(codec, rate=rate)


def _details(shop: Workshop) -> Mapping[str, object]:
    problems = [str(pool.problem) for pool in shop.pools if pool.problem is not None]
    return {
        "version": __version__,
        "pools": [repr(pool) for pool in shop.pools],
        "records": len(shop.store),
        "phrases": len(shop.library),
        "books_problem": shop.books.problem,
        "origin_problem": problems[0] if problems else None,
    }


def _url(settings: Settings, addresses: Sequence[tuple[str, int]]) -> str:
    host = settings.server.host
    port = addresses[0][1]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def serve(settings: Settings, *, stop: asyncio.Event) -> None:
    """Run until ``stop`` is set. SIGHUP reads the books again, and renews the origin sessions one by one."""
    async with running(settings) as proxy:
        log.log.info("listening on %s, origin %s", proxy.url, settings.origin.url)
        # What is there now stays: no collection of garbage need go through it, while callers wait, again.
        gc.freeze()

        def renew() -> None:
            proxy.pools.expire()
            proxy.books.ask_reload()

        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, renew)
        await stop.wait()
        log.log.info("draining")
