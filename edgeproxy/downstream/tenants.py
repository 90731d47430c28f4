"""Proxy mode: clients hold tokens of ours, and the proxy's account pays within what their terms allow.

::

    token ─ SHA-256 ─► in the table? ─► Client(namespace, account, allowance of its tenant)
                                                       │ each turn
             still its token? ─► a place among its turns? ─► a request left? ─► characters left?
                                                       │ each miss
                                              within the month's cap?

The file is read again when it has changed and stayed so for a second (it is looked at each second: that
sees through the links by which Kubernetes swaps mounted secrets, which a watcher of one file does not) and
when asked. One that can't be used changes nothing, and is told.

What was agreed anew holds from the next turn on, also on sockets that are open: rates, caps and voices
of the tenant, and whether the token still lets anybody in. One that was revoked gets Sarvam's 403 in
answer to its next text, and its socket is closed at once. Only the namespace stays until the client
comes again.

Rates count what is asked for, hits too: they protect the proxy. The month counts what the origin was asked
for: money. So what is known is spoken on when it is spent, and whoever joins a fill that is up pays nothing.
"""

import asyncio
import hmac
from collections.abc import Mapping
from math import inf
from pathlib import Path
from typing import Any, Final

from ..cache import durable
from ..core.errors import Overdrawn
from ..core.events import Emit, TenantsRefused, TenantsReloaded, ignore
from ..sarvam import refusals
from ..sarvam.refusals import Refused
from ..upstream.pools import Account
from . import terms
from .auth import Allowance, Client
from .ledger import Ledger
from .paths import Target
from .rates import Bucket
from .terms import TenantsError, Terms

_LOOK_EVERY_S: Final = 1.0
_LOCKED_OUT: Final = Terms.model_validate({"tokens": []})
_TURN_OVER_S: Final = 1.0


class Tenant:
    """One tenant as it is now, whoever calls in its name. It is its own purse.

    Mutable state: its terms, how much of its rates is left, how many turns it has.
    """

    def __init__(self, name: str, agreed: Terms, ledger: Ledger) -> None:
        self.name = name
        self._ledger = ledger
        self._turns = 0
        self._requests: Bucket | None = None
        self._characters: Bucket | None = None
        self.terms = agreed
        self.agree(agreed)

    def agree(self, agreed: Terms) -> None:
        """From now on these are its terms. What is left of a rate stays, where the rate does."""
        self.terms = agreed
        self._requests = _renewed(self._requests, agreed.requests_per_minute)
        self._characters = _renewed(self._characters, agreed.characters_per_minute)

    def begin_turn(self) -> None:
        """One turn more, if there is a place and a request left for it."""
        most = self.terms.concurrent_turns
        if most is not None and self._turns >= most:
            said = f"`concurrent_turns` is {most}, and so many are being spoken"
            raise Refused(refusals.rate_limited(retry_after_s=_TURN_OVER_S).with_hint(said))
        self.count_request()
        self._turns += 1

    def end_turn(self) -> None:
        """One turn less."""
        self._turns -= 1

    def count_request(self) -> None:
        """One request more that is no turn."""
        _take(self._requests, 1, "requests_per_minute")

    def take(self, characters: int) -> None:
        """Characters to be spoken, from wherever."""
        _take(self._characters, characters, "characters_per_minute")

    def spend(self, characters: int) -> None:
        """Characters that the origin is about to be asked for."""
        cap = self.terms.characters_per_month
        if not self._ledger.spend(self.name, characters, cap=cap):
            raise Overdrawn(
                f"`characters_per_month` is {cap}, {self._ledger.spent(self.name)} are spent and "
                f"{characters} more were asked for; what is known is spoken on, and a new month begins "
                f"on {self._ledger.renewed():%Y-%m-%d} (UTC)"
            )

    def give_back(self, characters: int) -> None:
        """The origin never got them, or turned them away."""
        self._ledger.give_back(self.name, characters)


class _Holder(Allowance):
    """What the holder of one token may do: what its tenant may, for as long as the token is good."""

    def __init__(self, tenant: Tenant, digest: bytes) -> None:
        self._tenant = tenant
        self._digest = digest
        self.purse = tenant

    def check_voice(self, fields: Mapping[str, Any]) -> None:
        self._tenant.terms.check_voice(fields)

    def begin_turn(self) -> None:
        if self._digest not in self._tenant.terms.tokens:
            raise Refused(refusals.credentials())
        self._tenant.begin_turn()

    def end_turn(self) -> None:
        self._tenant.end_turn()

    def take(self, characters: int) -> None:
        self._tenant.take(characters)

    def check_path(self, path: Target) -> None:
        agreed = self._tenant.terms
        if self._digest not in agreed.tokens:
            raise Refused(refusals.credentials())
        if not path.is_under(agreed.paths):
            raise Refused(refusals.path_not_allowed(path.path, allowed=agreed.paths))

    def count_request(self) -> None:
        self._tenant.count_request()


class Tenants:
    """Keeps the doors by the tenants file. Mutable state: the table of tokens, ``problem``."""

    def __init__(
        self, file: Path, *, account: Account, ledger: Ledger, emit: Emit = ignore
    ) -> None:
        """Blocks to read ``file``. Raises :class:`.terms.TenantsError`."""
        self._file = file
        self._account = account
        self._ledger = ledger
        self._emit = emit
        self._tenants: dict[str, Tenant] = {}
        self._clients: dict[bytes, tuple[bytes, Client]] = {}
        self._seen = _look(file)
        self._asked = asyncio.Event()
        self.problem: str | None = None
        """Why the newest file is not what holds; None when it is."""
        self._agree(terms.read(file))

    def __len__(self) -> int:
        return len(self._tenants)

    def spent(self, tenant: str) -> int:
        """Characters asked of the origin this month, in the name of ``tenant``."""
        return self._ledger.spent(tenant)

    async def admit(self, key: str | None, *, address: str, model: str | None = None) -> Client:
        """See :class:`.auth.Keeper`."""
        digest = terms.digest_of(key or "")
        # How long the look-up takes may tell something of the digest of what was sent, which whoever
        # sent it knows; the digests it is held against can't be steered towards, byte by byte, without
        # inverting SHA-256. What is found is compared in constant time all the same.
        known, client = self._clients.get(digest, (b"", None))
        if not key or client is None or not hmac.compare_digest(known, digest):
            raise Refused(refusals.credentials())
        return client

    async def reload(self) -> bool:
        """Read the file again; whether it could be used. One that can't changes nothing."""
        seen = await asyncio.to_thread(_look, self._file)
        try:
            agreed = await asyncio.to_thread(terms.read, self._file)
        except TenantsError as error:
            self._seen, self.problem = seen, str(error)
            self._emit(TenantsRefused(self.problem))
            return False
        self._seen, self.problem = seen, None
        self._agree(agreed)
        self._emit(TenantsReloaded(len(self._tenants), len(self._clients)))
        return True

    def ask_reload(self) -> None:
        """Have the file read again soon, changed or not. For signal handlers."""
        self._asked.set()

    async def follow(self) -> None:
        """Reload when the file changes or somebody asks, for as long as this is not cancelled."""
        before = self._seen
        while True:
            try:
                async with asyncio.timeout(_LOOK_EVERY_S):
                    await self._asked.wait()
            except TimeoutError:
                looked, before = before, await asyncio.to_thread(_look, self._file)
                # Still being written, maybe: the first half of a file is a file, too.
                if before == self._seen or before != looked:
                    continue
            self._asked.clear()
            await self.reload()

    def _agree(self, agreed: Mapping[str, Terms]) -> None:
        for name, gone in self._tenants.items():
            if name not in agreed:
                gone.agree(_LOCKED_OUT)  # its sockets hold it still
        self._tenants = {name: self._tenant(name, each) for name, each in agreed.items()}
        self._clients = {
            digest: (digest, self._client(tenant, digest))
            for tenant in self._tenants.values()
            for digest in tenant.terms.tokens
        }

    def _client(self, tenant: Tenant, digest: bytes) -> Client:
        space = tenant.terms.space_of(tenant.name)
        return Client(space, self._account, tenant.name, _Holder(tenant, digest))

    def _tenant(self, name: str, agreed: Terms) -> Tenant:
        tenant = self._tenants.get(name)
        if tenant is None:
            return Tenant(name, agreed, self._ledger)
        tenant.agree(agreed)
        return tenant


def _look(file: Path) -> tuple[int, int, int] | None:
    """What tells one content of a file from another, without reading it; None: it can't be looked at."""
    try:
        return durable.stamp(file)
    except OSError:
        return None


def _renewed(bucket: Bucket | None, per_minute: int | None) -> Bucket | None:
    if bucket is not None and bucket.per_minute == per_minute:
        return bucket
    return None if per_minute is None else Bucket(per_minute)


def _take(bucket: Bucket | None, amount: int, named: str) -> None:
    if bucket is None or not (wait_s := bucket.take(amount)):
        return
    if wait_s == inf:
        said = (
            f"`{named}` is {bucket.per_minute}, and {amount} at once never fit; send less at a time"
        )
        raise Refused(refusals.rate_limited().with_hint(said))
    said = f"`{named}` is {bucket.per_minute}; there is room in {wait_s:.1f} s"
    raise Refused(refusals.rate_limited(retry_after_s=wait_s).with_hint(said))
