"""The rooms below the doors, opened and closed in order. Whatever was built has its undo, in reverse."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from .. import __version__
from ..ask import Ask
from ..audio import decode
from ..cache.admission import Admission
from ..cache.demand import Demand
from ..cache.flight import Flights
from ..cache.memory import Memory
from ..cache.purge import DamagedPurges, Purges
from ..cache.store import Store
from ..config import ConfigError, Settings
from ..core.audio import Decoder
from ..core.events import Emit
from ..core.freshness import Freshness
from ..core.key import Epochs
from ..core.voice import Voice
from ..downstream.secret import install_secret
from ..observe import log
from ..operate.purging import Purging
from ..origin import OriginSpeech, Patience
from ..phrases.books import Books
from ..phrases.generate import Generator
from ..phrases.generations import Generations
from ..phrases.greetings import Greetings
from ..phrases.hits import Hits, open_hits
from ..phrases.library import Library
from ..phrases.pinned import scope_of
from ..sarvam import models
from ..sarvam.handshake import WS_PATHS, origin_url
from ..speech import Mode, Speech
from ..upstream.breaker import Breaker
from ..upstream.places import Places
from ..upstream.pool import Limits, Pool
from ..upstream.pools import Account, Pools
from ..upstream.rest import RestDoor
from ..upstream.session import Session
from .values import check, load_library, own_account

LAND_S: Final = 5.0
"""How long fills may take to land when the house is closed."""
_SPARE_FOR_S: Final = 600.0
_CEILING_RECOVERS_S: Final = 10.0
_USER_AGENT: Final = f"edgeproxy/{__version__}"


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
    memory: Memory
    origin: OriginSpeech
    speech: Speech
    demand: Demand
    hits: Hits
    generations: Generations
    greetings: Greetings
    generator: Generator
    purges: Purges
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
    account = own_account(settings)
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
        undo.push_async_callback(flights.land, timeout_s=LAND_S)
        demand = Demand.open(cache.data_dir, emit=emit)
        undo.push_async_callback(demand.save)
        hits = open_hits(cache.data_dir / "hits", emit=emit)
        undo.push_async_callback(hits.save)

        def count(ask: Ask) -> None:
            if ask.curated:
                hits.count(ask.identity)
            elif ask.keep:
                demand.ask(ask.identity)

        origin_speech = OriginSpeech(
            pools,
            rest,
            patience=Patience(
                first_audio_s=settings.origin.first_audio_timeout_s,
                stall_s=settings.origin.stall_timeout_s,
                answer_s=settings.origin.answer_timeout_s,
                fill_s=settings.origin.turn_deadline_s,
                refusal_kept_s=settings.origin.refusal_kept_s,
            ),
            emit=emit,
        )
        memory = Memory(limit_bytes=cache.memory_bytes)
        speech = Speech(
            memory=memory,
            flights=flights,
            store=store,
            origin=origin_speech,
            admission=Admission(
                characters_kept=cache.characters_kept,
                asks=cache.asks_until_kept,
                personal=cache.keep_personal,
            ),
            freshness=Freshness(
                ttl_s=cache.ttl_s, stale_s=cache.stale_s, if_error_s=cache.stale_if_error_s
            ),
            purges=purges,
            mode=Mode(cache.mode),
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
            lambda voice, text: origin_speech.fetch(voice, text, account),
            generations,
            purges=purges,
            keep=settings.phrases.generations_kept,
            characters_per_second=settings.phrases.characters_per_second,
            before_heard=greetings.made,
            forget=speech.forget,
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
            memory,
            origin_speech,
            speech,
            demand,
            hits,
            generations,
            greetings,
            generator,
            purges,
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
