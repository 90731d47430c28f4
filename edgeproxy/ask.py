"""An ask: one segment as somebody wants it, whoever pays for it, and what they make of the cache."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from .core.key import Identity
from .upstream.pool import Order
from .upstream.pools import Account


class Use(StrEnum):
    """What a caller makes of the cache."""

    ON = "on"
    OFF = "off"
    """Neither is anything taken from it, nor put in."""
    ONLY = "only"
    """What is not in it is an error."""
    REFRESH = "refresh"
    """Nothing is taken from it; what the origin says takes its place."""


class Purse(Protocol):
    """Whose characters the origin is asked for. Neither method waits."""

    def spend(self, characters: int) -> None:
        """The origin is about to be asked for them. Raises Overdrawn where the purse has not so many."""

    def give_back(self, characters: int) -> None:
        """It never got them, or turned them away."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One segment as somebody wants it. ``keep``: whether it may be kept for others (the idle rule's
    cuts may not, since they depend on the clock)."""

    identity: Identity
    account: Account
    order: Order = Order.FIRST
    keep: bool = True
    use: Use = Use.ON
    written: bool = False
    """Whether a book says it: then it is kept whatever the policy is."""
    curated: bool = False
    """Whether it is a generation of a book's: pinned, and never too old to be spoken."""
    master: Identity | None = None
    """A curated text's recording at the rate it was made in, from which other rates are derived."""
    purse: Purse | None = None
    """Pays if this ask opens the flight and the store has nothing; who joins a flight pays nothing."""
