"""From cuts to asks: whose audio, who pays, who is first."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from edgeproxy.ask import Use
from edgeproxy.core.key import Epochs
from edgeproxy.core.turn import Cut, Cuts
from edgeproxy.core.voice import Voice
from edgeproxy.downstream.asking import Asker, TurnSettings
from edgeproxy.downstream.auth import Client
from edgeproxy.phrases.generations import Generation, Generations, namespace
from edgeproxy.phrases.library import Library
from edgeproxy.upstream.pool import Order
from edgeproxy.upstream.pools import Account

OWN = Account("own", "k")
CLIENT = Client("key-1", OWN)
VOICE = Voice({"model": "bulbul:v3", "language": "hi-IN", "speaker": "shubh", "rate": 24000})


@pytest.fixture
def generations(tmp_path: Path) -> Generations:
    """Of nothing, so far."""
    return Generations.load(tmp_path / "generations.json")


def held_text(library: Library) -> tuple[Voice, str]:
    """Something a book holds, and who says it."""
    spoken = library.phrases[0]
    return spoken.voice, spoken.segments[0]


def generation(number: int, *, rate: int, takes: int = 1) -> Generation:
    return Generation(
        number=number,
        made=datetime(2026, 11, 24, tzinfo=UTC),
        rate=rate,
        seconds=1.0,
        characters=10,
        loudness_dbfs=-20.0,
        takes=takes,
    )


def test_what_no_book_holds_is_the_clients_own(generations: Generations) -> None:
    ask = Asker(CLIENT, VOICE, generations, Epochs(), account=OWN).ask(
        Cut("नमस्ते।"), Library.empty().view(None), first=True
    )
    assert ask.identity.teller.namespace == "key-1"
    assert ask.account == CLIENT.account
    assert ask.order is Order.FIRST
    assert ask.keep


def test_later_segments_are_looked_ahead_and_clocked_cuts_are_not_kept(
    generations: Generations,
) -> None:
    ask = Asker(CLIENT, VOICE, generations, Epochs(), account=OWN).ask(
        Cut("नमस्ते", keep=False), Library.empty().view(None), first=False
    )
    assert ask.order is Order.AHEAD
    assert not ask.keep


def test_what_a_book_holds_is_everybodys(demo_books: Path, generations: Generations) -> None:
    library = Library.load(demo_books, Cuts())
    voice = library.voices[0]
    text = next(
        segment
        for phrase in library.phrases
        for segment in phrase.segments
        if library.holds(voice, segment)
    )
    asker = Asker(CLIENT, voice, generations, Epochs(), account=OWN)
    assert asker.ask(Cut(text), library.view(None), first=True).identity.teller.namespace == "books"
    assert (
        asker.ask(Cut("x" + text), library.view(None), first=True).identity.teller.namespace
        == "key-1"
    )


def test_what_was_made_is_spoken_by_the_generation_the_pointer_stands_at(
    demo_books: Path, generations: Generations
) -> None:
    library = Library.load(demo_books, Cuts())
    voice, text = held_text(library)
    generations.add(voice, text, generation(1, rate=voice.rate), move=True)
    asker = Asker(CLIENT, voice.at_rate(8000), generations, Epochs(), account=OWN)
    ask = asker.ask(Cut(text), library.view(None), first=True)
    assert ask.curated
    assert ask.identity.teller.namespace == namespace(1, 0)
    assert ask.identity.voice.rate == 8000
    assert ask.master is not None
    assert ask.master.voice == voice
    generations.add(voice, text, generation(2, rate=voice.rate), move=True)
    assert asker.ask(
        Cut(text), library.view(None), first=True
    ).identity.teller.namespace == namespace(2, 0)


def test_a_tenant_hears_its_own_book_and_nobody_else_does(
    tmp_path: Path, generations: Generations
) -> None:
    (tmp_path / "acme.yaml").write_text(
        "languages: [hi-IN]\ntenants: [acme]\nvoice: {speaker: shubh}\nphrases:\n  a: नमस्ते।\n",
        encoding="utf-8",
    )
    library = Library.load(tmp_path, Cuts())
    voice = library.phrases[0].voice
    tenant = Client("acme", Account("own", "k"), tenant="acme")
    asker = Asker(tenant, voice, generations, Epochs(), account=OWN)
    cut = Cut("नमस्ते।")

    unmade = asker.ask(cut, library.view("acme"), first=True)
    generations.add(voice, cut.text, generation(1, rate=voice.rate), scope="acme", move=True)
    made = asker.ask(cut, library.view("acme"), first=True)
    others = Asker(CLIENT, voice, generations, Epochs(), account=OWN).ask(
        cut, library.view(None), first=True
    )

    assert (unmade.curated, unmade.identity.teller.namespace) == (False, "book-acme")
    assert (made.curated, made.identity.teller.namespace) == (True, "book-acme:1:0")
    assert (others.curated, others.identity.teller.namespace) == (False, "key-1")


def test_takes_are_served_in_turn(demo_books: Path, generations: Generations) -> None:
    library = Library.load(demo_books, Cuts())
    voice, text = held_text(library)
    generations.add(voice, text, generation(1, rate=voice.rate, takes=3), move=True)
    asker = Asker(CLIENT, voice, generations, Epochs(), account=OWN)
    spaces = [
        asker.ask(Cut(text), library.view(None), first=True).identity.teller.namespace
        for _ in range(4)
    ]
    assert spaces == [namespace(1, take) for take in (0, 1, 2, 0)]


def test_off_has_the_origin_speak_also_what_a_book_holds_and_the_client_pays(
    demo_books: Path, generations: Generations
) -> None:
    library = Library.load(demo_books, Cuts())
    voice, text = held_text(library)
    generations.add(voice, text, generation(1, rate=voice.rate), move=True)
    client = Client("key-1", Account("theirs", "k"))
    asker = Asker(client, voice, generations, Epochs(), account=OWN, use=Use.OFF)
    ask = asker.ask(Cut(text), library.view(None), first=True)
    assert (ask.use, ask.account.name, ask.identity.namespace) == (Use.OFF, "theirs", "key-1")
    assert not ask.keep


def test_what_a_book_holds_is_nobodys_to_make_anew(
    demo_books: Path, generations: Generations
) -> None:
    library = Library.load(demo_books, Cuts())
    voice, text = held_text(library)
    asker = Asker(CLIENT, voice, generations, Epochs(), account=OWN, use=Use.REFRESH)
    view = library.view(None)
    unmade = asker.ask(Cut(text), view, first=True)
    generations.add(voice, text, generation(1, rate=voice.rate), move=True)
    made = asker.ask(Cut(text), view, first=True)
    own = asker.ask(Cut("नमस्ते।"), view, first=True)
    assert (unmade.use, made.use, own.use) == (Use.ON, Use.ON, Use.REFRESH)


def test_only_holds_for_books_too(demo_books: Path, generations: Generations) -> None:
    library = Library.load(demo_books, Cuts())
    voice, text = held_text(library)
    asker = Asker(CLIENT, voice, generations, Epochs(), account=OWN, use=Use.ONLY)
    assert asker.ask(Cut(text), library.view(None), first=True).use is Use.ONLY


def test_one_take_can_be_asked_for_of_the_scope_that_is_named(
    demo_books: Path, generations: Generations
) -> None:
    library = Library.load(demo_books, Cuts())
    voice, text = held_text(library)
    for scope in ("", "acme"):
        generations.add(
            voice, text, generation(1, rate=voice.rate, takes=2), scope=scope, move=True
        )
    asker = Asker(CLIENT, voice, generations, Epochs(), account=OWN)
    spaces = [
        asker.of_book(Cut(text), scope, order=Order.FIRST, take=take).identity.namespace
        for scope in ("", "acme")
        for take in (1, 1, 2)
    ]
    assert spaces == [*["books:1:1"] * 2, "books:1:0", *["book-acme:1:1"] * 2, "book-acme:1:0"]


def test_a_whole_text_is_asked_for_segment_by_segment(
    demo_books: Path, generations: Generations
) -> None:
    library = Library.load(demo_books, Cuts())
    settings = TurnSettings(
        cuts=Cuts(),
        epochs=Epochs(),
        generations=generations,
        library=lambda: library,
        account=OWN,
        parallel_segments=3,
        hold_ms=40,
        idle_text_ms=300,
        trim_leading_silence_ms=0,
        waiting_segments=10,
        deadline_s=60,
    )
    voice, text = held_text(library)
    asks = settings.asks(CLIENT, voice, f"Yes, of course. {text}", Use.ONLY)
    assert [ask.identity.text for ask in asks] == ["Yes, of course.", text]
    assert [ask.identity.namespace for ask in asks] == ["key-1", "books"]
    assert [ask.order for ask in asks] == [Order.FIRST, Order.AHEAD]
    assert {ask.use for ask in asks} == {Use.ONLY}
