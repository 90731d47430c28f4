"""From a client's cuts to asks: whose audio it is, who pays, who is served first. The same at every door."""

from collections.abc import Callable
from dataclasses import dataclass

from ..core.key import Teller
from ..core.turn import Cut, Cuts
from ..core.voice import Voice
from ..phrases.library import NAMESPACE, Library
from ..speech import Ask
from ..upstream.pool import Order
from .auth import Client


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnSettings:
    """How text becomes segments; times in milliseconds."""

    cuts: Cuts
    library: Callable[[], Library]
    """The books as they are now: a turn keeps the ones it began with."""
    parallel_segments: int
    hold_ms: int
    idle_text_ms: int
    trim_leading_silence_ms: int
    waiting_segments: int
    """Segments one client may have waiting to be sent."""


class Asker:
    """Asks for one client in one voice: what a book holds is everybody's, the rest is the client's own."""

    def __init__(self, client: Client, voice: Voice) -> None:
        self.voice = voice
        self._account = client.account
        self._own = Teller(client.namespace, voice)
        self._books = Teller(NAMESPACE, voice)

    def ask(self, cut: Cut, library: Library, *, first: bool) -> Ask:
        """The ask for ``cut``; ``first``: whether a caller waits in silence for it."""
        teller = self._books if library.holds(self.voice, cut.text) else self._own
        identity = teller.identity_of_normal(cut.text)
        return Ask(identity, self._account, Order.FIRST if first else Order.AHEAD, keep=cut.keep)
