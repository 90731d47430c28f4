"""From cuts to asks: whose audio, who pays, who is first."""

from pathlib import Path

from edgeproxy.core.turn import Cut, Cuts
from edgeproxy.core.voice import Voice
from edgeproxy.downstream.asking import Asker
from edgeproxy.downstream.auth import Client
from edgeproxy.phrases.library import NAMESPACE, Library
from edgeproxy.upstream.pool import Order
from edgeproxy.upstream.pools import Account

CLIENT = Client("key-1", Account("own", "k"))
VOICE = Voice({"model": "bulbul:v3", "language": "hi-IN", "speaker": "shubh", "rate": 24000})


def test_what_no_book_holds_is_the_clients_own() -> None:
    ask = Asker(CLIENT, VOICE).ask(Cut("नमस्ते।"), Library.empty(), first=True)
    assert ask.identity.teller.namespace == "key-1"
    assert ask.account == CLIENT.account
    assert ask.order is Order.FIRST
    assert ask.keep


def test_later_segments_are_looked_ahead_and_clocked_cuts_are_not_kept() -> None:
    ask = Asker(CLIENT, VOICE).ask(Cut("नमस्ते", keep=False), Library.empty(), first=False)
    assert ask.order is Order.AHEAD
    assert not ask.keep


def test_what_a_book_holds_is_everybodys(demo_books: Path) -> None:
    library = Library.load(demo_books, Cuts())
    voice = library.voices[0]
    text = next(
        segment
        for phrase in library.phrases
        for segment in phrase.segments
        if library.holds(voice, segment)
    )
    asker = Asker(CLIENT, voice)
    assert asker.ask(Cut(text), library, first=True).identity.teller.namespace == NAMESPACE
    assert asker.ask(Cut("x" + text), library, first=True).identity.teller.namespace == "key-1"
