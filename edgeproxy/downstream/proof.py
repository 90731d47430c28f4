"""Passthrough mode: the client's own Sarvam key pays, once the origin has let it in.

::

                      ┌── refused in the last 30 s ─► Sarvam's 403
    key ─► its name ──┤
                      ├── proven in the last hour ─► let in, at no cost upstream
                      │
                      └── neither ─► one handshake with the origin
                                       ├─ let in ─► proven; the session stands ready in the account's pool
                                       ├─ 403 ─► refused
                                       └─ no answer ─► proven before: let in, as long as grace lasts
                                                       never proven: 503, since we can't know

Nobody hears a recording, and no WebSocket is accepted, on a key that the origin has not let in: else any
made-up key would hear the books. A key is held only in its account; whatever remembers it has its name, a
MAC under this installation's secret, which is its tenant and namespace, too.

Handshakes for unknown keys cost us and the origin something, so each address has so many a minute, and
there are only so many at once in all. What is remembered is bounded: of what is forgotten, a key that was
proven is proven again.
"""

import ipaddress
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from math import ceil
from time import monotonic
from typing import Final, TypeVar

from ..core.errors import EdgeProxyError, OriginUnreachable, Overloaded
from ..core.events import Emit, KeyProven, ignore
from ..sarvam import models, refusals
from ..sarvam.refusals import Refused
from ..upstream.pools import Account
from ..upstream.session import OriginRefused
from .auth import Client
from .proofs import Proofs
from .rates import Bucket
from .secret import name_of
from .terms import digest_of

T = TypeVar("T")

Prove = Callable[[Account, str], Awaitable[None]]
"""(account, model): returns once the origin has let it in, else raises why not."""

PROVEN_S: Final = 3600.0
_REFUSED_S: Final = 30.0
_ASK_AGAIN_S: Final = 30.0
"""How long a key with grace is let in before the origin is asked once more."""
_MOST_AT_ONCE: Final = 64
_MOST_ADDRESSES: Final = 10_000


@dataclass(slots=True)
class _Probe:
    """A handshake under way, for a session of ``model``, whatever those who join it ask for."""

    model: str
    waiting: int = 0


class Passthrough:
    """Keeps the doors by asking the origin. Mutable state: what it has said, and the handshakes under way.

    ``allowed``: digests of the only keys that are let in at all; empty for any. ``most``: refused keys that
    are remembered.
    """

    def __init__(
        self,
        prove: Prove,
        *,
        secret: bytes,
        allowed: Collection[bytes],
        proofs: Proofs,
        probes_per_minute: int,
        most: int = 10_000,
        emit: Emit = ignore,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._prove = prove
        self._secret = secret
        self._allowed = frozenset(allowed)
        self.proofs = proofs
        self._probes_per_minute = probes_per_minute
        self._most = most
        self._emit = emit
        self._clock = clock
        self._refused: OrderedDict[str, float] = OrderedDict()
        self._addresses: OrderedDict[str, Bucket] = OrderedDict()
        self._probing: dict[str, _Probe] = {}

    @property
    def remembered(self) -> int:
        """Keys and addresses that something is remembered of."""
        return len(self.proofs) + len(self._refused) + len(self._addresses) + len(self._probing)

    async def admit(self, key: str | None, *, address: str, model: str | None = None) -> Client:
        """See :class:`.auth.Keeper`."""
        if not key or (self._allowed and digest_of(key) not in self._allowed):
            raise Refused(refusals.credentials())
        name = name_of(self._secret, key)
        client = Client(name, Account(name, key), tenant=name)
        now = self._clock()
        proof = self.proofs.get(name)
        if proof is not None and now < proof.good_until:
            return client
        if now < self._refused.get(name, 0.0):
            raise Refused(refusals.credentials())
        try:
            await self._probe(client.account, address, model)
        except OriginRefused as error:
            if error.status not in (401, 403):
                self._lean_on_grace(name, error)
                return client
            self.proofs.remove(name)
            _note(self._refused, name, self._clock() + _REFUSED_S, most=self._most)
            self._emit(KeyProven(name, "refused"))
            raise Refused(refusals.credentials()) from None
        except (EdgeProxyError, Refused) as error:
            self._lean_on_grace(name, error)
            return client
        self.proofs.add(name)
        self._refused.pop(name, None)
        self._emit(KeyProven(name, "accepted"))
        return client

    async def _probe(self, account: Account, address: str, model: str | None) -> None:
        under_way = self._probing.get(account.name)
        if under_way is None:
            # Whoever joins a handshake that is under way costs nothing.
            if len(self._probing) >= _MOST_AT_ONCE:
                raise Overloaded("too many unknown keys are being proven at once")
            wait_s = self._bucket(address).take()
            if wait_s:
                said = (
                    f"{self._probes_per_minute} unknown keys a minute are tried for one address; "
                    f"there is room in {ceil(wait_s)} s"
                )
                raise Refused(refusals.rate_limited(retry_after_s=wait_s).with_hint(said))
            # A model that the origin has not is no fault of the key's.
            known = model if model in models.MODELS else None
            under_way = self._probing[account.name] = _Probe(known or models.DEFAULT_MODEL)
        under_way.waiting += 1
        try:
            await self._prove(account, under_way.model)
        finally:
            under_way.waiting -= 1
            if not under_way.waiting:
                del self._probing[account.name]

    def _lean_on_grace(self, name: str, why: Exception) -> None:
        """Return if a key that could not be proven is good for a while yet; raise what to tell its client."""
        proof, now = self.proofs.get(name), self._clock()
        if proof is not None and now < proof.grace_until:
            # So that the next one does not wait for a dead origin, either.
            proof.good_until = min(now + _ASK_AGAIN_S, proof.grace_until)
            self._emit(KeyProven(name, "grace"))
            return
        self._emit(KeyProven(name, "unknown"))
        if isinstance(why, OriginRefused) and why.status != 429:
            raise OriginUnreachable(str(why)) from why
        raise why

    def _bucket(self, address: str) -> Bucket:
        network = _network(address)
        bucket = self._addresses.get(network)
        if bucket is None:
            bucket = Bucket(self._probes_per_minute, clock=self._clock)
        _note(self._addresses, network, bucket, most=_MOST_ADDRESSES)
        return bucket


def _note(table: OrderedDict[str, T], name: str, value: T, *, most: int) -> None:
    """Put into ``table``, as the newest; the oldest leaves where there are too many."""
    table[name] = value
    table.move_to_end(name)
    if len(table) > most:
        table.popitem(last=False)


def _network(address: str) -> str:
    """Who counts as one address: of IPv6, whoever has one has 2 to the 64."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False))
