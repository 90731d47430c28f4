"""Who may come in, whose audio they hear, who pays: what the doors know of it.

::

    credential ─► keeper.admit ─► a Client: namespace, account, allowance        or Sarvam's 403
                                     │
      its voice ─► allowance.check_voice ─┐
      its turn  ─► allowance.begin_turn  ─┼─► or a refusal in Sarvam's shape
      its text  ─► allowance.take        ─┘
      what has to be asked of the origin ─► allowance.purse
      what is passed on ─► allowance.check_path, .count_request

There are three keepers, one a mode: :class:`Open` (here), :class:`~.tenants.Tenants` and
:class:`~.proof.Passthrough`. The doors don't know which they have.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from ..ask import Purse
from ..sarvam import refusals
from ..sarvam.refusals import Refused
from ..upstream.pools import Account
from .paths import Target
from .secret import name_of


class Allowance:
    """What a client may do: this one, everything. Each method raises :class:`Refused` for what it may not.

    None of them waits. What is refused leaves nothing behind that would have to be ended.
    """

    purse: Purse | None = None
    """Who is asked before the origin is; None: nobody."""

    def check_voice(self, fields: Mapping[str, Any]) -> None:
        """Whether it may speak in this voice."""

    def begin_turn(self) -> None:
        """A turn begins, to be ended by :meth:`end_turn`. Who was let in may be turned away here."""

    def end_turn(self) -> None:
        """A turn is over."""

    def take(self, characters: int) -> None:
        """So many characters are to be spoken, from wherever."""

    def check_path(self, path: Target) -> None:
        """Whether it may have this passed on to the origin: now, since what is allowed may change."""

    def count_request(self) -> None:
        """One request more, that is passed on."""

    @contextmanager
    def turn(self, characters: int) -> Iterator[None]:
        """A turn whose text is known as a whole."""
        self.begin_turn()
        try:
            self.take(characters)
            yield
        finally:
            self.end_turn()


UNLIMITED: Final = Allowance()


@dataclass(frozen=True, slots=True)
class Client:
    """Somebody who was let in. ``namespace``: whose audio it hears; ``account``: who pays; ``tenant``: whose
    books it hears besides everybody's."""

    namespace: str
    account: Account
    tenant: str | None = None
    allowance: Allowance = field(default=UNLIMITED, repr=False)


class Keeper(Protocol):
    """Lets clients in."""

    async def admit(self, key: str | None, *, address: str, model: str | None = None) -> Client:
        """The client with this key. ``address``: where it calls from; ``model``: what it is going to ask
        for, if it said so.

        Raises :class:`Refused` (Sarvam's 403 first of all) or an EdgeProxyError.
        """


class Open:
    """Any key comes in, with a namespace of its own, and the proxy's account pays for all of them.

    No key at all is Sarvam's 403, so that an agent that forgot its key learns of it here.
    """

    def __init__(self, *, secret: bytes, account: Account) -> None:
        self._secret = secret
        self._account = account

    async def admit(self, key: str | None, *, address: str, model: str | None = None) -> Client:
        """See :class:`Keeper`."""
        if not key:
            raise Refused(refusals.credentials())
        return Client(name_of(self._secret, key), self._account)
