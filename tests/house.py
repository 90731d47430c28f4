"""Speech and the rooms below it, on real parts: an origin, a disk, a pool. Without doors or settings."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic
from typing import Any

from edgeproxy.ask import Ask
from edgeproxy.audio import decode
from edgeproxy.cache.admission import Admission
from edgeproxy.cache.clip import Clip
from edgeproxy.cache.flight import Flights
from edgeproxy.cache.memory import Memory
from edgeproxy.cache.purge import Purges, Scope
from edgeproxy.cache.store import Store
from edgeproxy.core.errors import Overdrawn
from edgeproxy.core.events import Event
from edgeproxy.core.freshness import Freshness
from edgeproxy.core.key import Teller
from edgeproxy.core.voice import Voice
from edgeproxy.emulator import Emulator
from edgeproxy.origin import OriginSpeech, Patience
from edgeproxy.sarvam.handshake import WS_PATHS, origin_url
from edgeproxy.speech import Speech
from edgeproxy.upstream.breaker import Breaker
from edgeproxy.upstream.places import Places
from edgeproxy.upstream.pool import Limits, Pool
from edgeproxy.upstream.pools import Account, Pools
from edgeproxy.upstream.rest import RestDoor
from edgeproxy.upstream.session import Session

from .fakes.origin import Origin
from .waiting import until

ACCOUNT = Account("own", "origin-key")
VOICE = Voice(
    {
        "model": "bulbul:v3",
        "language": "hi-IN",
        "speaker": "shubh",
        "rate": 8000,
        "pace": 1.0,
        "temperature": 0.6,
    }
)
TELLER = Teller("ns", VOICE)
HELLO = "नमस्ते, आप कैसे हैं?"
FRESHNESS = Freshness(ttl_s=3600)
OVER = Freshness(ttl_s=1e-9)
PATIENCE = Patience(first_audio_s=2.0, stall_s=0.3)
SCHEMA = "Input parameters has to be a valid dictionary"


class Purse:
    """So many characters, and what became of them."""

    def __init__(self, characters: int) -> None:
        self.left = self.least = characters

    def spend(self, characters: int) -> None:
        if characters > self.left:
            raise Overdrawn("nothing left")
        self.left -= characters
        self.least = min(self.least, self.left)

    def give_back(self, characters: int) -> None:
        self.left += characters


class House:
    """Speech and the rooms below it."""

    def __init__(
        self,
        speech: Speech,
        origin: OriginSpeech,
        store: Store,
        flights: Flights,
        memory: Memory,
        purges: Purges,
        pools: Pools,
    ) -> None:
        self.speech, self.origin = speech, origin
        self.store, self.flights, self.memory = store, flights, memory
        self.purges, self.pools = purges, pools
        self.later_s = 0.0
        """How far the breakers' clock is ahead."""

    @property
    def breaker(self) -> Breaker:
        return self.pools.breaker(ACCOUNT, VOICE.model)

    def ask(self, text: str = HELLO, *, voice: Voice = VOICE, **how: Any) -> Ask:
        return Ask(Teller("ns", voice).identity(text), ACCOUNT, **how)

    def purge(self, *, soft: bool = False, **scope: Any) -> None:
        self.speech.purge(self.purges.add(Scope(**scope), soft=soft))

    async def hear(self, ask: Ask) -> tuple[bytes, Clip, str]:
        clip, how = self.speech.clip(ask)
        try:
            return await clip.whole(), clip, how
        finally:
            self.speech.leave(ask, clip)

    async def landed(self) -> None:
        await until(lambda: not len(self.flights))


@asynccontextmanager
async def open_house(
    directory: Path,
    emulator: Emulator | Origin,
    facts: list[Event],
    *,
    patience: Patience = PATIENCE,
    memory_bytes: int = 10_000_000,
    characters_kept: int = 200,
    freshness: Freshness = FRESHNESS,
    account_sessions: int = 100,
    waiting_most: int = 1000,
) -> AsyncIterator[House]:
    url = origin_url(emulator.url, WS_PATHS[0], websocket=True)

    def make_pool(account: Account, model: str, places: Places, voices: object) -> Pool:
        return Pool(
            model,
            lambda on_end: Session.dial(
                f"{url}?model={model}&send_completion_event=true",
                key=account.key,
                user_agent="test",
                timeout_s=10,
                codec="linear16",
                make_decoder=lambda codec, rate: decode.decoder(codec, rate=rate),
                ping_every_s=30,
                on_end=on_end,
            ),
            places=places,
            limits=Limits(ready=1, rest_s=0, waiting_most=waiting_most),
            emit=facts.append,
        )

    pools = Pools(
        make_pool,
        make_places=lambda: Places(account_sessions, recover_s=10),
        make_breaker=lambda account, model: Breaker(
            account.name, model, emit=facts.append, clock=lambda: monotonic() + built.later_s
        ),
    )
    rest = RestDoor(
        emulator.url,
        user_agent="test",
        timeout_s=5,
        make_decoder=lambda codec, rate: decode.decoder(codec, rate=rate),
    )
    flights = Flights()
    store = await Store.open(directory, quota_bytes=10**8, min_free_bytes=0, emit=facts.append)
    memory = Memory(limit_bytes=memory_bytes)
    purges = Purges.load(directory.with_name("purges.json"))
    origin = OriginSpeech(pools, rest, patience=patience, emit=facts.append)
    speech = Speech(
        memory=memory,
        flights=flights,
        store=store,
        origin=origin,
        admission=Admission(characters_kept=characters_kept),
        freshness=freshness,
        purges=purges,
        emit=facts.append,
    )
    built = House(speech, origin, store, flights, memory, purges, pools)
    try:
        yield built
    finally:
        await flights.land(timeout_s=2)
        await pools.close()
        await rest.close()
        await store.close()
