"""All pools: one for each (account, model) that is in use; the pools of an account share its places."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from ..core.voice import Voice
from .places import Places
from .pool import Pool


@dataclass(frozen=True, slots=True)
class Account:
    """Whose Sarvam credential pays for a session. ``name`` may be logged, ``key`` never."""

    name: str
    key: str = field(repr=False)


MakePool = Callable[[Account, str, Places, Sequence[Voice]], Pool]


class Pools:
    """A pool begins with its first lease, or by :meth:`warm`, and ends by itself when it is not used."""

    def __init__(self, make: MakePool, *, make_places: Callable[[], Places]) -> None:
        self._make = make
        self._make_places = make_places
        self._pools: dict[tuple[Account, str], Pool] = {}
        self._places: dict[Account, Places] = {}

    def __iter__(self) -> Iterator[Pool]:
        return iter(self._pools.values())

    def of_account(self, account: Account) -> list[Pool]:
        """The pools of one account."""
        return [pool for (whose, _), pool in self._pools.items() if whose == account]

    def of(self, account: Account, model: str, *, voices: Sequence[Voice] = ()) -> Pool:
        """The pool of ``account`` and ``model``, begun now if need be."""
        pool = self._pools.get((account, model))
        if pool is None or pool.closed:
            # Those that have ended leave the tables here: the next begins only when somebody asks.
            self._pools = {key: each for key, each in self._pools.items() if not each.closed}
            in_use = {account for account, _ in self._pools}
            self._places = {who: each for who, each in self._places.items() if who in in_use}
            places = self._places.get(account)
            if places is None:
                places = self._places[account] = self._make_places()
            pool = self._pools[account, model] = self._make(account, model, places, voices)
        return pool

    async def prove(self, account: Account, model: str) -> None:
        """Have the origin let ``account`` in, by a session that then stands ready in its pool.

        Raises OriginRefused, or why the origin could not be asked.
        """
        await self.of(account, model).prove()

    def warm(self, account: Account, voices: Iterable[Voice]) -> None:
        """Begin the pools of the models of ``voices``, configured with them in turn."""
        by_model: dict[str, list[Voice]] = {}
        for voice in voices:
            by_model.setdefault(voice.model, []).append(voice)
        for model, theirs in by_model.items():
            self.of(account, model, voices=theirs)

    def expire(self) -> None:
        """Replace every session by a new one, gently: when the origin has moved, or its key."""
        for pool in self:
            pool.expire()

    async def close(self) -> None:
        """Close every pool."""
        await asyncio.gather(*(pool.close() for pool in self._pools.values()))
