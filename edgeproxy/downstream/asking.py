"""From a client's cuts to asks: whose audio it is, who pays, who is served first. The same at every door."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from ..ask import Ask, Use
from ..core.errors import OriginSilent
from ..core.key import Epochs, Identity, Teller
from ..core.turn import Cut, Cuts, split
from ..core.voice import Voice
from ..phrases.generations import Generations
from ..phrases.library import Library
from ..phrases.pinned import namespace, space
from ..phrases.view import View
from ..upstream.pool import Order
from ..upstream.pools import Account
from .auth import Client


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnSettings:
    """How text becomes segments; times in milliseconds."""

    cuts: Cuts
    epochs: Epochs
    generations: Generations
    library: Callable[[], Library]
    """The books as they are now: a turn keeps the ones it began with."""
    account: Account
    """Pays for what stands in a book, whoever asks."""
    parallel_segments: int
    hold_ms: int
    idle_text_ms: int
    trim_leading_silence_ms: int
    waiting_segments: int
    """Segments one client may have waiting to be sent."""
    deadline_s: float
    """For a turn, once all of its text is there."""

    def asker(self, client: Client, voice: Voice, use: Use) -> "Asker":
        """Who asks for this client in this voice."""
        return Asker(client, voice, self.generations, self.epochs, account=self.account, use=use)

    def asks(self, client: Client, voice: Voice, text: str, use: Use = Use.ON) -> list[Ask]:
        """What is asked for where a client's text is there as a whole, segment by segment."""
        asker, view = self.asker(client, voice, use), self.library().view(client.tenant)
        cuts = split(text, self.cuts, view.phrasebook)
        return [asker.ask(cut, view, first=not number) for number, cut in enumerate(cuts)]


@asynccontextmanager
async def in_time(deadline_s: float | None) -> AsyncIterator[None]:
    """Whatever is done of a turn in the block, it ends. Raises OriginSilent. None: no deadline yet."""
    try:
        async with asyncio.timeout(deadline_s):
            yield
    except TimeoutError:
        raise OriginSilent("the turn was not over by its deadline") from None


class Asker:
    """Asks for one client in one voice: what a book holds is its scope's, the rest is the client's own.

    What a book holds is spoken by the generation its pointer stands at; until there is one, it is a text
    like any other that all callers of the scope share, and that the proxy pays for: no client's key buys what
    others hear, and no tenant's month.

    A client may have the origin speak afresh, on its own account: all of it (``off``), or what is its own
    (``refresh``). What is a book's is nobody's to make anew by asking for it.
    """

    def __init__(
        self,
        client: Client,
        voice: Voice,
        generations: Generations,
        epochs: Epochs,
        *,
        account: Account,
        use: Use = Use.ON,
    ) -> None:
        self.voice = voice
        self._account = account
        self._use = use
        self._client = client
        self._generations = generations
        self._epoch = epochs.of(voice)
        self._tellers: dict[tuple[str, int], Teller] = {}
        self._takes: dict[str, int] = {}

    def ask(self, cut: Cut, view: View, *, first: bool) -> Ask:
        """The ask for ``cut``; ``view``: the client's, of the books as they were when the turn began;
        ``first``: whether a caller waits in silence for it."""
        order = Order.FIRST if first else Order.AHEAD
        scope = None if self._use is Use.OFF else view.scope(self.voice, cut.text)
        if scope is not None:
            # Takes are served in turn, so that what is heard often does not sound canned.
            return self.of_book(cut, scope, order=order, take=None)
        client = self._client
        return Ask(
            self._identity(client.namespace, self.voice.rate, cut.text, self._epoch),
            client.account,
            order,
            # Nor is it counted, where nothing is to be kept of it.
            keep=cut.keep and self._use is not Use.OFF,
            use=self._use,
            purse=client.allowance.purse,
        )

    def of_book(self, cut: Cut, scope: str, *, order: Order, take: int | None) -> Ask:
        """The ask for what a book of ``scope`` says; ``take``: counted from 0, None: the next."""
        rate = self.voice.rate
        use = Use.ONLY if self._use is Use.ONLY else Use.ON
        speaks = self._generations.speaking(self.voice, cut.text, scope=scope)
        if speaks is None:
            shared = self._identity(space(scope), rate, cut.text, self._epoch)
            return Ask(shared, self._account, order, keep=cut.keep, use=use, written=True)
        if take is None:
            take = self._takes[cut.text] = self._takes.get(cut.text, -1) + 1
        where = namespace(speaks.number, take % speaks.takes, scope=scope)
        return Ask(
            self._identity(where, rate, cut.text),
            self._account,
            order,
            use=use,
            curated=True,
            master=self._identity(where, speaks.rate, cut.text),
        )

    def _identity(self, where: str, rate: int, text: str, epoch: int = 0) -> Identity:
        # A generation is of its number, and of no epoch: it speaks until the next one is there.
        teller = self._tellers.get((where, rate))
        if teller is None:
            voice = self.voice if rate == self.voice.rate else self.voice.at_rate(rate)
            teller = self._tellers[where, rate] = Teller(where, voice, epoch)
        return teller.identity_of_normal(text)
