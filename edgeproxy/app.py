"""The composition root: builds every object, starts and stops in order. The only file that knows everyone.

Start: secret, store, books, pools (their sessions dial in the background), speech, doors, then the listener;
ready once it listens and the greetings on disk are in memory, whatever the origin does. Stop, in reverse,
is the drain: not ready, no new callers, turns finish, flights land, sessions close, and the store last.
"""

import asyncio
import gc
import signal
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
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
from .cache.admission import Admission
from .cache.demand import Demand
from .cache.flight import Flights
from .cache.memory import Memory
from .cache.purge import DamagedPurges, Purges, Scope
from .cache.store import Store
from .config import ConfigError, Settings
from .core.audio import Decoder
from .core.events import Emit
from .core.freshness import Freshness
from .core.key import Epochs
from .core.turn import Cuts
from .core.voice import Voice
from .downstream import terms
from .downstream.asking import TurnSettings
from .downstream.auth import Client, Keeper, Open
from .downstream.ledger import DamagedLedger, Ledger
from .downstream.limits import ConnectionLimits, Gate
from .downstream.passthrough import PassingDoor, PassingLimits
from .downstream.proof import PROVEN_S, Passthrough
from .downstream.proofs import Proofs
from .downstream.routes import DoorLimits, Doors, in_sarvams_shape
from .downstream.secret import install_secret
from .downstream.tenants import Tenants
from .downstream.terms import TenantsError
from .jobs.at_once import AtOnce
from .jobs.background import Background
from .jobs.nightly import Night
from .jobs.nights import Nights
from .jobs.schedule import Schedule
from .observe import log
from .openai.voices import Voices
from .operate.health import Health
from .operate.purging import Purging
from .phrases.books import Books
from .phrases.cron import Cron
from .phrases.generate import Generator
from .phrases.generations import Generations
from .phrases.greetings import Greetings
from .phrases.hits import Hits, open_hits
from .phrases.library import Library
from .phrases.pinned import scope_of
from .sarvam import fields, models
from .sarvam.handshake import WS_PATHS, origin_url
from .sarvam.refusals import Refused
from .speech import Ask, Patience, Speech
from .upstream.breaker import Breaker
from .upstream.places import Places
from .upstream.pool import Limits, Pool
from .upstream.pools import Account, Pools
from .upstream.relay import Relay
from .upstream.rest import RestDoor
from .upstream.session import Session

_ENCODERS: Final = 2
_LAND_S: Final = 5.0
_GREETINGS_S: Final = 0.3
"""How long readiness waits for greetings to be loaded: a start takes a second at the most, and what a slow
disk has not given by then is loaded behind the first callers."""
_DISCARD_EVERY_S: Final = 3600.0
_COUNTS_EVERY_S: Final = 60.0
_OTHERS_EVERY_S: Final = 1.0
_PROOFS_EVERY_S: Final = 10.0
_PROOFS_KEPT: Final = 10_000
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
    purging: Purging
    keeper: Keeper

    def reload(self) -> None:
        """Have the files that may change read again soon: books, tenants."""
        self.books.ask_reload()
        if isinstance(self.keeper, Tenants):
            self.keeper.ask_reload()


def check(settings: Settings) -> Library:
    """Validate what can be without starting anything. Raises ConfigError, or BookErrors."""
    _own_account(settings)
    cuts(settings)
    night_times(settings)
    prewarm_voices(settings)
    if settings.auth.tenants is not None:
        try:
            terms.read(settings.auth.tenants)
        except TenantsError as error:
            raise ConfigError(str(error)) from error
    return load_library(settings)


def _own_account(settings: Settings) -> Account:
    """Who pays for what is no client's own. Raises ConfigError where somebody has to and nobody can."""
    key = settings.origin.api_key
    if key is not None:
        return Account("own", key.get_secret_value(), own=True)
    ours = settings.phrases.directory is not None or settings.origin.prewarm_voices
    if settings.auth.mode == "passthrough" and not ours:
        return Account("own", "", own=True)  # never used: clients pay for all there is
    raise ConfigError(
        "origin.api_key: no Sarvam key; set SARVAM_API_KEY (any word will do for the emulator)"
    )


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
    return Library.load(directory, cuts(settings), tenants=_tenant_names(settings))


def _tenant_names(settings: Settings) -> Collection[str] | None:
    """Who books may be for; None where nobody knows."""
    if settings.auth.tenants is None:
        return None
    try:
        return terms.read(settings.auth.tenants).keys()
    except TenantsError:
        return None  # a file that was spoilt while we run: whoever follows it says so


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
    purging: Purging

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
    cache = settings.cache
    secret = install_secret(cache.data_dir)
    try:
        purges = Purges.load(cache.data_dir / "purges.json")
    except DamagedPurges as error:
        raise ConfigError(str(error)) from error
    account = _own_account(settings)
    async with AsyncExitStack() as undo:
        store = await Store.open(
            cache.data_dir / "records",
            quota_bytes=cache.quota_bytes,
            min_free_bytes=cache.min_free_bytes,
            is_pinned=lambda identity: scope_of(identity.namespace) is not None,
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
                answer_s=settings.origin.answer_timeout_s,
                fill_s=settings.origin.turn_deadline_s,
                refusal_kept_s=settings.origin.refusal_kept_s,
            ),
            admission=Admission(
                characters_kept=cache.characters_kept,
                asks=cache.asks_until_kept,
                personal=cache.keep_personal,
            ),
            freshness=Freshness(
                ttl_s=cache.ttl_s, stale_s=cache.stale_s, if_error_s=cache.stale_if_error_s
            ),
            purges=purges,
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
            purges=purges,
            keep=settings.phrases.generations_kept,
            characters_per_second=settings.phrases.characters_per_second,
            before_heard=greetings.made,
            epochs=Epochs(cache.epochs),
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
            Purging(
                purges,
                speech,
                store,
                generations,
                records_last_s=cache.discard_after_s,
                remake=books.look_again,
                emit=emit,
            ),
        )


@asynccontextmanager
async def running(settings: Settings, *, emit: Emit = log.tell) -> AsyncIterator[Proxy]:
    """Run the proxy for as long as the context lasts. Raises ConfigError, BookErrors, OSError (the port)."""
    async with workshop(settings, emit=emit) as shop, AsyncExitStack() as undo:
        executor = ThreadPoolExecutor(_ENCODERS, thread_name_prefix="encode")
        undo.callback(executor.shutdown)
        keeper, ledger = _keeper(shop, emit)
        if isinstance(keeper, Passthrough):
            undo.push_async_callback(keeper.proofs.save)
        if ledger is not None:
            undo.push_async_callback(ledger.save)
            # Fills that were begun go on when their clients are gone, and are paid for until they end.
            undo.push_async_callback(shop.flights.land, timeout_s=_LAND_S)
        doors = _doors(shop, keeper, executor, emit)
        health = Health(lambda: _details(shop, keeper))
        app = web.Application(
            client_max_size=settings.server.body_bytes, middlewares=[in_sarvams_shape]
        )
        doors.add_routes(app.router)
        health.add_routes(app.router)
        passing = _passing(shop, keeper, emit)
        if passing is not None:
            passing.add_route(app.router)
            undo.push_async_callback(passing.relay.close)
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=1.0)
        undo.push_async_callback(runner.cleanup)
        await runner.setup()
        gate = _gate(runner, settings, emit)
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
        background.start("greetings", shop.greetings.follow)
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
    """Hear of what the command line, or another process, has made, moved or purged."""
    while True:
        await asyncio.sleep(_OTHERS_EVERY_S)
        if await asyncio.to_thread(shop.generations.changed_on_disk):
            # The records first: a pointer must never stand at one we don't know of.
            await shop.store.refresh()
            await asyncio.to_thread(shop.generations.reload)
            await shop.greetings.load()
        await shop.purging.follow()


def _keeper(shop: Workshop, emit: Emit) -> tuple[Keeper, Ledger | None]:
    """Who lets clients in, and what tenants have spent, where there are any. Blocks."""
    auth = shop.settings.auth
    if auth.tenants is not None:
        try:
            ledger = Ledger.open(shop.settings.cache.data_dir / "months.json", emit=emit)
            tenants = Tenants(auth.tenants, account=shop.account, ledger=ledger, emit=emit)
        except (TenantsError, DamagedLedger) as error:
            raise ConfigError(str(error)) from error
        return tenants, ledger
    if auth.mode == "passthrough":
        allowed = {digest for line in auth.allow if (digest := terms.digest_written(line))}
        proofs = Proofs(most=_PROOFS_KEPT, good_s=PROVEN_S, grace_s=auth.grace_s, emit=emit)
        proofs.load(shop.settings.cache.data_dir / "proofs.json")
        proof = Passthrough(
            shop.pools.prove,
            secret=shop.secret,
            allowed=allowed,
            proofs=proofs,
            probes_per_minute=auth.probes_per_minute,
            emit=emit,
        )
        return proof, None
    return Open(secret=shop.secret, account=shop.account), None


def _doors(shop: Workshop, keeper: Keeper, executor: Executor, emit: Emit) -> Doors:
    settings = shop.settings
    turn = settings.turn
    return Doors(
        keeper=keeper,
        speech=shop.speech,
        settings=TurnSettings(
            cuts=cuts(settings),
            epochs=Epochs(settings.cache.epochs),
            generations=shop.generations,
            library=lambda: shop.library,
            account=shop.account,
            parallel_segments=turn.parallel_segments,
            hold_ms=turn.hold_ms,
            idle_text_ms=turn.idle_text_ms,
            trim_leading_silence_ms=turn.trim_leading_silence_ms,
            waiting_segments=turn.waiting_segments,
            deadline_s=settings.origin.turn_deadline_s,
        ),
        limits=DoorLimits(
            message_bytes=settings.server.message_bytes,
            body_timeout_s=settings.server.body_timeout_s,
            idle_s=settings.server.idle_s,
            drain_s=settings.server.drain_s,
        ),
        voices=Voices(language=settings.openai.language, named=settings.openai.voices),
        executor=executor,
        emit=emit,
    )


def _passing(shop: Workshop, keeper: Keeper, emit: Emit) -> PassingDoor | None:
    """The door of all that is not speech, if there is to be one."""
    settings, own = shop.settings, shop.account
    passthrough = settings.passthrough
    if not passthrough.enabled:
        return None

    async def forget(client: Client, dict_id: str) -> None:
        # Whoever uses our account uses its dictionaries, the books first of all.
        shared = client.account.key == own.key
        namespace = None if shared else client.namespace
        scope = Scope(voice={"dict_id": dict_id}, namespace=namespace)
        await shop.purging.purge(scope, soft=False)

    return PassingDoor(
        keeper=keeper,
        relay=Relay(
            settings.origin.url,
            connect_timeout_s=settings.origin.connect_timeout_s,
            message_bytes=passthrough.message_bytes,
        ),
        origin=settings.origin.url,
        forget=forget,
        limits=PassingLimits(
            body_bytes=passthrough.body_bytes,
            message_bytes=passthrough.message_bytes,
            silence_s=passthrough.silence_s,
            drain_s=settings.server.drain_s,
        ),
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
            # With fewer places than that to spare a night would never come to an end.
            reserve=min(pool.reserve, pool.account_sessions - 1),
            lease_timeout_s=pool.lease_timeout_s,
            waiting_most=pool.waiting_most,
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
        make_breaker=lambda account, model: Breaker(
            account.name,
            model,
            window_s=origin.breaker_window_s,
            least_attempts=origin.breaker_attempts,
            ratio=origin.breaker_ratio,
            emit=emit,
        ),
    )


def _make_decoder(codec: str, rate: int) -> Decoder:
    return decode.decoder(codec, rate=rate)


def _details(shop: Workshop, keeper: Keeper) -> Mapping[str, object]:
    return {
        "version": __version__,
        "pools": [repr(pool) for pool in shop.pools],
        "records": len(shop.store),
        "phrases": len(shop.library),
        "books_problem": shop.books.problem,
        "tenants_problem": keeper.problem if isinstance(keeper, Tenants) else None,
        "origin_problem": next(iter(shop.pools.problems(shop.account)), None),
    }


def _gate(runner: web.AppRunner, settings: Settings, emit: Emit) -> Gate:
    server = settings.server
    assert runner.server is not None
    return Gate(
        runner.server,
        limits=ConnectionLimits(
            connections=server.connections,
            connections_per_address=server.connections_per_address,
            header_timeout_s=server.header_timeout_s,
            header_bytes=server.header_bytes,
            body_timeout_s=server.body_timeout_s,
            idle_s=server.idle_s,
            unread_timeout_s=server.unread_timeout_s,
        ),
        emit=emit,
    )


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
