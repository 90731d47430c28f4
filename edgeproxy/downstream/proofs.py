"""Keys that the origin has let in: their names, and when that was. Kept over restarts.

So a restart costs the origin no handshake for each key, and in the middle of an outage the keys that had
grace before have it still. What is on disk is a MAC a key and its age; a damaged file is one that
is not there: each key is proven again.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

import orjson

from ..cache import durable
from ..core.events import Emit, StoreFailed, ignore


@dataclass(slots=True)
class Proof:
    """Moments on the clock. ``good_until``: when to ask the origin again; ``grace_until``: when it is worth
    nothing, should the origin not answer."""

    since: float
    good_until: float
    grace_until: float


class Proofs:
    """Of ``most`` keys; the one that was not used for longest is forgotten first. Mutable state: the table.

    ``good_s``: how long the origin's word holds; ``grace_s``: and how long after, while it can't be asked.
    """

    def __init__(
        self,
        *,
        most: int,
        good_s: float,
        grace_s: float,
        clock: Callable[[], float] = monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        emit: Emit = ignore,
    ) -> None:
        self._most = most
        self._good_s = good_s
        self._grace_s = grace_s
        self._clock = clock
        self._now = now
        self._emit = emit
        self._proofs: OrderedDict[str, Proof] = OrderedDict()
        self._file: Path | None = None
        self._saved = True

    def __len__(self) -> int:
        return len(self._proofs)

    def get(self, name: str) -> Proof | None:
        """What is known of a key, which is in use."""
        proof = self._proofs.get(name)
        if proof is not None:
            self._proofs.move_to_end(name)
        return proof

    def add(self, name: str, *, age_s: float = 0.0) -> None:
        """The origin has let this key in, ``age_s`` ago."""
        since = self._clock() - age_s
        good_until = since + self._good_s
        self._proofs[name] = Proof(since, good_until, good_until + self._grace_s)
        self._proofs.move_to_end(name)
        if len(self._proofs) > self._most:
            self._proofs.popitem(last=False)
        self._saved = False

    def remove(self, name: str) -> None:
        """The origin lets this key in no more."""
        if self._proofs.pop(name, None) is not None:
            self._saved = False

    def load(self, file: Path) -> None:
        """Recall what ``file`` says, and :meth:`save` there. Blocks."""
        self._file = file
        try:
            found = orjson.loads(file.read_bytes())
            asleep_s = (self._now() - datetime.fromisoformat(found["saved"])).total_seconds()
            ages = [(str(name), float(age_s)) for name, age_s in found["ages_s"].items()]
        except (OSError, AttributeError, KeyError, TypeError, ValueError):
            return
        for name, age_s in ages:
            # A clock that was put back makes nothing younger.
            if (age_s := age_s + max(0.0, asleep_s)) < self._good_s + self._grace_s:
                self.add(name, age_s=age_s)
        self._saved = True

    async def save(self) -> None:
        """Write what is new. A fault of the disk is told, and mended next time."""
        if self._saved or self._file is None:
            return
        now = self._clock()
        ages = {name: round(now - proof.since, 1) for name, proof in self._proofs.items()}
        data = orjson.dumps({"saved": self._now().isoformat(), "ages_s": ages})
        self._saved = True
        try:
            await asyncio.to_thread(durable.replace, self._file, data)
        except OSError as error:
            self._saved = False
            self._emit(StoreFailed("save proofs", f"{type(error).__name__}: {error}"))
