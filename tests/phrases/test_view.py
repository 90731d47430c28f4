"""Whose books a caller hears: its own before everybody's, and never another tenant's."""

from collections.abc import Callable
from pathlib import Path

from edgeproxy.core.turn import Cut, Cuts, split
from edgeproxy.core.voice import Voice
from edgeproxy.phrases.library import Library
from edgeproxy.phrases.pinned import SHARED
from edgeproxy.sarvam import models

Write = Callable[..., Path]

TOP = "languages: [en-IN]\nvoice: {speaker: ritu}\n"
VOICE = Voice(models.audible({"language": "en-IN", "speaker": "ritu", "rate": 8000}))


def load(folder: Path) -> Library:
    return Library.load(folder, Cuts())


def test_a_tenants_book_is_heard_by_its_tenants_alone(folder: Path, write: Write) -> None:
    write("  a: Hello there.\n", name="open.yaml")
    write("  a: Welcome to Acme.\n", top=TOP + "tenants: [acme, sun]\n", name="acme.yaml")
    library = load(folder)

    found = {
        tenant: library.view(tenant).scope(VOICE, "Welcome to Acme.")
        for tenant in (None, "acme", "sun", "other")
    }

    assert found == {None: None, "acme": "acme", "sun": "acme", "other": None}
    assert library.view("acme").scope(VOICE, "Hello there.") == SHARED
    assert library.holds(VOICE, "Welcome to Acme.")
    assert not library.holds(VOICE, "Goodbye.")


def test_its_own_books_come_before_everybodys(folder: Path, write: Write) -> None:
    write("  a: Hello there.\n", name="open.yaml")
    write("  a: Hello there.\n", top=TOP + "tenants: [acme]\n", name="acme.yaml")
    library = load(folder)

    assert library.view("acme").scope(VOICE, "Hello there.") == "acme"
    assert library.view(None).scope(VOICE, "Hello there.") == SHARED


def test_who_has_no_books_shares_one_view(folder: Path, write: Write) -> None:
    write("  a: Hello there.\n", name="open.yaml")
    write("  a: Welcome.\n", top=TOP + "tenants: [acme]\n", name="acme.yaml")
    library = load(folder)

    assert library.view("x") is library.view("y") is library.view(None)
    # Without whole phrases of its own a tenant's turns are cut like everybody's.
    assert library.view("acme").phrasebook is library.view(None).phrasebook


def test_whole_phrases_of_a_tenant_cut_its_own_texts_and_nobody_elses(
    folder: Path, write: Write
) -> None:
    said = "Hello there. Welcome to Acme. How are you?"
    write("  a: {text: Hello there. Welcome to Acme., whole: yes}\n", name="acme.yaml",
          top=TOP + "tenants: [acme]\n")  # fmt: skip
    write("  b: How are you?\n", name="open.yaml")
    library = load(folder)

    own = split(said, Cuts(), library.view("acme").phrasebook)
    others = split(said, Cuts(), library.view("sun").phrasebook)

    assert own == [Cut("Hello there. Welcome to Acme.", whole=True), Cut("How are you?")]
    assert [cut.text for cut in others] == ["Hello there.", "Welcome to Acme.", "How are you?"]
    assert [library.view("acme").scope(VOICE, cut.text) for cut in own] == ["acme", SHARED]


def test_a_book_is_pinned_as_each_of_its_tenants_would_cut_it(folder: Path, write: Write) -> None:
    write("  a: One day. Two days. Three days.\n", top=TOP + "tenants: [acme, sun]\n")
    write("  b: {text: One day. Two days., whole: yes}\n", top=TOP + "tenants: [sun]\n",
          name="sun.yaml")  # fmt: skip
    library = load(folder)

    assert library.phrases[0].segments == ("One day.", "Two days.", "Three days.")
    for tenant in ("acme", "sun"):
        view = library.view(tenant)
        cuts = split("One day. Two days. Three days.", Cuts(), view.phrasebook)
        assert all(view.scope(VOICE, cut.text) for cut in cuts), tenant


def test_a_tenants_book_whose_phrases_are_all_over_leaves_it_the_common_view(
    folder: Path, write: Write
) -> None:
    write("  a: {text: Happy 2020., expires: 2020-12-31}\n", top=TOP + "tenants: [acme]\n")
    library = load(folder)

    assert library.view("acme").scope(VOICE, "Happy 2020.") is None


def test_another_list_of_tenants_is_another_library(folder: Path, write: Write) -> None:
    write("  a: Hello.\n", top=TOP + "tenants: [acme]\n")
    before = load(folder).generation

    write("  a: Hello.\n", top=TOP + "tenants: [acme, sun]\n")

    assert load(folder).generation != before
