"""All pools: one for each (account, model) that is in use; the pools of an account share its places.

Beside each stands the breaker of the same (account, model), which is asked for REST's utterances, too,
and outlives a pool: what it knows is about the origin, not about sessions.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from ..core.voice import Voice
from .breaker import Breaker, State
from .places import Places
from .pool import Pool
from .session import OriginRefused


@dataclass(frozen=True, slots=True)
class Account:
    """Whose Sarvam credential pays for a session. ``name`` may be logged, ``key`` never. ``own``: it is the
    proxy's, so that what the origin has against it is no client's affair."""

    name: str
    key: str = field(repr=False)
    own: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """How one pool stands at a moment. ``breaker``: the state of the one beside it."""

    account: Account
    model: str
    sessions: dict[str, int]
    waiting: int
    held: int
    """Places that its account has taken."""
    ceiling: int
    """Places that it may take."""
    breaker: State
    problem: str | None


MakePool = Callable[[Account, str, Places, Sequence[Voice]], Pool]
MakeBreaker = Callable[[Account, str], Breaker]


class Pools:
    """A pool begins with its first lease, or by :meth:`warm`, and ends by itself when it is not used."""

    def __init__(
        self,
        make: MakePool,
        *,
        make_places: Callable[[], Places],
        make_breaker: MakeBreaker = lambda account, model: Breaker(account.name, model),
    ) -> None:
        self._make = make
        self._make_places = make_places
        self._make_breaker = make_breaker
        self._pools: dict[tuple[Account, str], Pool] = {}
        self._breakers: dict[tuple[Account, str], Breaker] = {}
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

    def breaker(self, account: Account, model: str) -> Breaker:
        """The breaker of ``account`` and ``model``: each utterance is an attempt of it."""
        breaker = self._breakers.get((account, model))
        if breaker is None:
            # Anybody can name a model: what a new one would not do otherwise is not kept.
            self._breakers = {key: each for key, each in self._breakers.items() if not each.at_rest}
            breaker = self._breakers[account, model] = self._make_breaker(account, model)
        return breaker

    def standings(self) -> list[Standing]:
        """Of all pools in use."""
        found = []
        for (account, model), pool in self._pools.items():
            if not pool.closed:
                breaker = self._breakers.get((account, model))
                state = State.CLOSED if breaker is None else breaker.state
                problem = (
                    breaker.problem if breaker is not None and breaker.problem else pool.problem
                )
                found.append(
                    Standing(
                        account,
                        model,
                        pool.sessions,
                        pool.waiting,
                        pool.places.taken,
                        pool.places.ceiling,
                        state,
                        None if problem is None else str(problem),
                    )
                )
        return found

    def problems(self, own: Account) -> list[str]:
        """What is wrong with the origin now, the worst first; empty while it is well.

        What the origin has against the key of another account than ``own`` is that client's affair.
        """
        refused = (each.problem for each in self._breakers.values())
        failed = (
            str(pool.problem)
            for (account, _), pool in self._pools.items()
            if pool.problem is not None
            and not pool.closed
            and (account == own or not isinstance(pool.problem, OriginRefused))
        )
        return [*filter(None, refused), *failed]

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
