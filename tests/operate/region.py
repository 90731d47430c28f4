"""An installation without doors: what is kept in a folder, and taking it elsewhere."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

from edgeproxy.cache.counts import Counts
from edgeproxy.cache.demand import Demand
from edgeproxy.cache.disk import Tag
from edgeproxy.cache.purge import Purges
from edgeproxy.cache.record import Record
from edgeproxy.cache.store import Store
from edgeproxy.core.key import Identity, Teller
from edgeproxy.core.voice import Voice
from edgeproxy.downstream.secret import is_name
from edgeproxy.operate.archive import opened
from edgeproxy.operate.exporting import Exported, export
from edgeproxy.operate.importing import Importing, Policy, Taken
from edgeproxy.phrases.generate import Generator
from edgeproxy.phrases.generations import Generation, Generations, Pinned
from edgeproxy.phrases.hits import Hits, open_hits

NOW = datetime.now(UTC)
HOUR = timedelta(hours=1)
VOICE = Voice({"model": "bulbul:v3", "language": "hi-IN", "speaker": "shubh", "rate": 8000})


class Region:
    """One installation. ``installation``: its fingerprint."""

    def __init__(self, directory: Path, store: Store, installation: str) -> None:
        self.directory = directory
        self.store = store
        self.installation = installation
        self.generations = Generations.load(directory / "generations.json")
        self.purges = Purges.load(directory / "purges.json")
        self.demand = Demand.open(directory)
        self.hits: Hits = open_hits(directory / "hits")

    @classmethod
    @asynccontextmanager
    async def at(
        cls,
        directory: Path,
        *,
        installation: str = "one",
        quota_bytes: int = 10**8,
        min_free_bytes: int = 0,
    ) -> AsyncIterator[Self]:
        store = await Store.open(
            directory / "records", quota_bytes=quota_bytes, min_free_bytes=min_free_bytes
        )
        try:
            yield cls(directory, store, installation)
        finally:
            await store.close()

    @property
    def counts(self) -> Mapping[str, Counts[Any]]:
        return {"asks": self.demand.asks, "misses": self.demand.misses, "hits": self.hits}

    async def keep(
        self,
        text: str,
        *,
        namespace: str = "tenant-asha",
        made: datetime = NOW - HOUR,
        promoted: bool = False,
        samples: int = 400,
    ) -> Identity:
        """Keep what a caller asked for."""
        identity = Teller(namespace, VOICE).identity(text)
        await self.store.put(identity, self.record(identity, made, samples))
        if promoted:
            await self.store.pin(identity)
        return identity

    async def make(
        self,
        text: str,
        *,
        numbers: tuple[int, ...] = (1,),
        takes: int = 1,
        scope: str = "",
        made: datetime = NOW - HOUR,
        use: int | None = None,
    ) -> Pinned:
        """Make generations of a phrase."""
        for number in numbers:
            of = Generation(number, made, VOICE.rate, 0.05, len(text), -20.0, takes=takes)
            for take in range(takes):
                for rate in (8000, 16000):
                    identity = of.identity(VOICE.at_rate(rate), text, take, scope=scope)
                    await self.store.put(identity, self.record(identity, made), pinned=True)
            unit = self.generations.add(
                VOICE, text, of, scope=scope, phrases=["desk/one"], move=True
            )
        if use is not None:
            unit = self.generations.use(unit.key, use)
        self.generations.save()
        return unit

    def record(self, identity: Identity, made: datetime, samples: int = 400) -> Record:
        """What sounds like nothing else."""
        pcm = (identity.blob * samples)[: 2 * samples]
        return Record(identity.blob, identity.voice.rate, pcm, made, self.purges.number)

    async def export(self, file: Path) -> Exported:
        return await export(
            file,
            self.store,
            self.generations,
            self.purges,
            self.counts,
            installation=self.installation,
            now=NOW,
        )

    async def take(self, file: Path, *, keep_personal: bool = False) -> Taken:
        """Verify and import."""
        generator = Generator(
            self.store, never, self.generations, purges=self.purges, characters_per_second=1.0
        )
        importing = Importing(
            self.store,
            self.generations,
            self.purges,
            self.counts,
            Policy(
                installation=self.installation,
                is_private=is_name,
                discard_after_s=7 * 86_400,
                keep_personal=keep_personal,
            ),
            alone=generator.alone,
        )
        with opened(file) as archive:
            return await importing.take(archive, now=NOW)

    def tags(self) -> dict[str, Tag]:
        return self.store.tags()

    def speaks(self, text: str) -> int | None:
        found = Generations.load(self.generations.file).speaking(VOICE, text)
        return None if found is None else found.number


async def never(voice: Voice, text: str) -> bytes:
    raise AssertionError("the origin was asked")
