"""From a client's cuts to asks: whose audio it is, who pays, who is served first. The same at every door."""

from collections.abc import Callable
from dataclasses import dataclass

from ..core.key import Identity, Teller
from ..core.turn import Cut, Cuts
from ..core.voice import Voice
from ..phrases.generations import Generations
from ..phrases.library import Library
from ..phrases.pinned import namespace, space
from ..phrases.view import View
from ..speech import Ask
from ..upstream.pool import Order
from .auth import Client


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnSettings:
    """How text becomes segments; times in milliseconds."""

    cuts: Cuts
    generations: Generations
    library: Callable[[], Library]
    """The books as they are now: a turn keeps the ones it began with."""
    parallel_segments: int
    hold_ms: int
    idle_text_ms: int
    trim_leading_silence_ms: int
    waiting_segments: int
    """Segments one client may have waiting to be sent."""


class Asker:
    """Asks for one client in one voice: what a book holds is its scope's, the rest is the client's own.

    What a book holds is spoken by the generation its pointer stands at; until there is one, it is a text
    like any other that all callers of the scope share.
    """

    def __init__(self, client: Client, voice: Voice, generations: Generations) -> None:
        self.voice = voice
        self._client = client
        self._generations = generations
        self._tellers: dict[tuple[str, int], Teller] = {}
        self._takes: dict[str, int] = {}

    def ask(self, cut: Cut, view: View, *, first: bool) -> Ask:
        """The ask for ``cut``; ``view``: the client's, of the books as they were when the turn began;
        ``first``: whether a caller waits in silence for it."""
        account, rate = self._client.account, self.voice.rate
        order = Order.FIRST if first else Order.AHEAD
        scope = view.scope(self.voice, cut.text)
        if scope is None:
            own = self._identity(self._client.namespace, rate, cut.text)
            return Ask(own, account, order, keep=cut.keep)
        speaks = self._generations.speaking(self.voice, cut.text, scope=scope)
        if speaks is None:
            return Ask(self._identity(space(scope), rate, cut.text), account, order, keep=cut.keep)
        # Takes are served in turn, so that what is heard often does not sound canned.
        take = self._takes[cut.text] = self._takes.get(cut.text, -1) + 1
        where = namespace(speaks.number, take % speaks.takes, scope=scope)
        return Ask(
            self._identity(where, rate, cut.text),
            account,
            order,
            curated=True,
            master=self._identity(where, speaks.rate, cut.text),
        )

    def _identity(self, where: str, rate: int, text: str) -> Identity:
        teller = self._tellers.get((where, rate))
        if teller is None:
            voice = self.voice if rate == self.voice.rate else self.voice.at_rate(rate)
            teller = self._tellers[where, rate] = Teller(where, voice)
        return teller.identity_of_normal(text)
