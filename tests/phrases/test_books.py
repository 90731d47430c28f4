"""The books as they are now: swapped when good, kept when bad."""

import asyncio
import gc
from pathlib import Path

import pytest

from edgeproxy.core.events import BooksRefused, BooksReloaded, Event
from edgeproxy.core.turn import Cuts
from edgeproxy.phrases.books import Books
from edgeproxy.phrases.library import Library

from ..conftest import until

BOOK = """
languages: [en-IN]
voice: {model: "bulbul:v3", speaker: ritu}
phrases:
  hello: %s
"""


@pytest.fixture
def book(tmp_path: Path) -> Path:
    book = tmp_path / "desk.yaml"
    book.write_text(BOOK % "Hello there.", encoding="utf-8")
    return book


@pytest.fixture
def books(book: Path, facts: list[Event]) -> Books:
    def load() -> Library:
        return Library.load(book.parent, Cuts())

    return Books(load(), load, directory=book.parent, emit=facts.append)


async def test_a_changed_book_is_another_library(
    books: Books, book: Path, facts: list[Event]
) -> None:
    before = books.library
    assert not await books.reload()
    assert books.library is before
    book.write_text(BOOK % "Good morning.", encoding="utf-8")
    assert await books.reload()
    assert [each.text for each in books.library.phrases] == ["Good morning."]
    assert [type(fact) for fact in facts] == [BooksReloaded]


async def test_a_bad_book_changes_nothing_and_says_so_until_it_is_good_again(
    books: Books, book: Path, facts: list[Event]
) -> None:
    before = books.library
    book.write_text("phrases: [", encoding="utf-8")
    assert not await books.reload()
    assert books.library is before
    assert books.problem is not None
    assert "desk.yaml:" in books.problem
    assert [type(fact) for fact in facts] == [BooksRefused]
    book.write_text(BOOK % "Hello there.", encoding="utf-8")
    assert not await books.reload()
    assert books.problem is None


BAD: dict[str, tuple[bytes, str]] = {
    "broken": (b"phrases: [", "desk.yaml:2:1: error"),
    "huge": (b"#" * 1_000_001, "is larger than 1000000 bytes"),
    "cyclic": (b"phrases: &a {b: *a}", "is inside itself"),
    "the same key twice": ((BOOK % "A.").encode() + b"  hello: B.\n", "is here twice"),
    "another encoding": ((BOOK % "A.").encode("utf-16"), "is UTF-16, not UTF-8"),
    "a byte that is no text": (b"\xff" + (BOOK % "A.").encode(), "is not UTF-8 (byte 0xFF)"),
    "a template that explodes": (
        (BOOK % "{text: '{a} {b} {c}', values: {a: &d [%s], b: *d, c: *d}}")
        .replace("%s", ", ".join(map(str, range(10))))
        .encode(),
        "becomes 1000 texts",
    ),
    "a recording that is missing": ((BOOK % "{text: A., audio: no.wav}").encode(), "no such file"),
    "a recording that is none": ((BOOK % "{text: A., audio: desk.yaml}").encode(), "no such sound"),
    "a cron that never fires": (b"cron: 0 0 30 2 *" + (BOOK % "A.").encode(), "never comes"),
    "a tenant that is not there": (
        b"tenants: [nobody]" + (BOOK % "A.").encode(),
        "there is no tenant `nobody`; there are acme",
    ),
}


@pytest.mark.parametrize(("written", "why"), BAD.values(), ids=BAD)
async def test_whatever_is_wrong_with_the_new_book_the_old_one_speaks_on(
    book: Path, facts: list[Event], written: bytes, why: str
) -> None:
    def load() -> Library:
        return Library.load(book.parent, Cuts(), tenants=["acme"])

    books = Books(load(), load, directory=book.parent, emit=facts.append)
    before = books.library

    book.write_bytes(written)

    assert not await books.reload()
    assert books.library is before
    assert why in str(books.problem)
    assert facts == [BooksRefused(str(books.problem))]


async def test_a_change_on_disk_is_seen(books: Books, book: Path) -> None:
    watching = asyncio.ensure_future(books.watch())
    async with asyncio.timeout(30):
        number = 0
        before = books.library
        while books.library is before:
            # Written again and again: the watcher may not have begun when the first change comes.
            number += 1
            book.write_text(BOOK % f"Number {number}.", encoding="utf-8")
            await asyncio.sleep(0.1)
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    assert books.library.phrases[0].text.startswith("Number ")


async def test_a_reload_can_be_asked_for(books: Books, book: Path) -> None:
    before = books.library
    waiting = asyncio.ensure_future(books.reload_when_asked())
    book.write_text(BOOK % "Asked for.", encoding="utf-8")
    books.ask_reload()
    async with asyncio.timeout(10):
        async for _ in books.changes():
            if books.library is not before:
                break
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert books.library.phrases[0].text == "Asked for."


@pytest.mark.parametrize("field", ["cron: 0 3 * * sun", "swap: manual", "refresh_after: 2 weeks"])
async def test_what_changes_no_word_is_another_library_all_the_same(
    books: Books, book: Path, field: str
) -> None:
    before = books.library

    book.write_text(f"{field}\n{BOOK % 'Hello there.'}", encoding="utf-8")

    assert await books.reload()
    assert books.library.generation == before.generation
    assert not await books.reload()


async def test_everybody_who_follows_sees_each_library_or_the_one_after_it(
    books: Books, book: Path
) -> None:
    seen: list[list[str]] = [[], []]

    async def follow(texts: list[str]) -> None:
        async for _ in books.changes():
            texts.append(books.library.phrases[0].text)
            await asyncio.sleep(0)

    following = [asyncio.ensure_future(follow(texts)) for texts in seen]
    for number in (1, 2, 3):
        book.write_text(BOOK % f"Number {number}.", encoding="utf-8")
        await books.reload()
    await until(lambda: all(texts[-1:] == ["Number 3."] for texts in seen))
    for each in following:
        each.cancel()
    await asyncio.gather(*following, return_exceptions=True)
    assert [texts[0] for texts in seen] == ["Hello there."] * 2


async def test_collecting_garbage_is_on_again_whatever_came_of_a_reload(
    books: Books, book: Path
) -> None:
    for written in (BOOK % "Good morning.", "phrases: ["):
        book.write_text(written, encoding="utf-8")
        await books.reload()
        assert gc.isenabled()
