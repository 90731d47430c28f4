from collections.abc import Callable, Collection
from datetime import UTC, datetime
from pathlib import Path

import pytest

from edgeproxy.audio import encode
from edgeproxy.phrases import shelf
from edgeproxy.phrases.shelf import Shelf

Write = Callable[..., Path]

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
TOP = "languages: [en-IN]\nvoice: {speaker: ritu}\n"


def open_shelf(folder: Path, *, tenants: Collection[str] | None = None) -> Shelf:
    return Shelf(folder, tenants=tenants, now=NOW)


def said(folder: Path, *, tenants: Collection[str] | None = None) -> list[str]:
    found = open_shelf(folder, tenants=tenants).problems
    return [str(each).replace(f"{folder}/", "") for each in found]


def test_books_are_named_by_their_files(folder: Path, write: Write) -> None:
    write("  a: Hello.\n", name="front-desk.yaml")
    write("  a: Goodbye.\n", name="closing.yml")
    (folder / "notes.txt").write_text("not a book")
    (folder / ".#front-desk.yaml").write_text("an editor's: [own")

    found = open_shelf(folder)

    assert list(found.books) == ["closing", "front-desk"]
    assert [(each.book, each.id, each.text) for each in found.spoken] == [
        ("closing", "a", "Goodbye."),
        ("front-desk", "a", "Hello."),
    ]
    assert found.problems == []


def test_the_master_has_the_highest_rate_asked_for(folder: Path, write: Write) -> None:
    write("  a: Hello.\n", top=TOP + "sample_rates: [8000, 24000, 16000]\n")

    (spoken,) = open_shelf(folder).spoken

    assert (spoken.voice.rate, spoken.rates) == (24000, (8000, 16000, 24000))


def test_a_broken_book_keeps_no_other_from_being_read(folder: Path, write: Write) -> None:
    write("  a: 'Hello\n", name="broken.yaml")
    write("  a: {pinn: false}\n  b: Goodbye.\n", name="half.yaml")
    write("  a: Hello.\n", name="whole.yaml")

    found = open_shelf(folder)

    assert [(each.book, each.id) for each in found.spoken] == [("half", "b"), ("whole", "a")]
    assert [each.split(":")[0] for each in said(folder)] == ["broken.yaml", "half.yaml"]


def test_a_folder_that_is_not_there_is_a_problem(folder: Path) -> None:
    (problem,) = said(folder / "nowhere")

    assert "is no folder of books: No such file or directory" in problem


def test_an_empty_folder_is_an_empty_shelf(folder: Path) -> None:
    assert open_shelf(folder).books == {}
    assert said(folder) == []


def test_a_file_whose_name_fits_no_address_is_a_problem(folder: Path, write: Write) -> None:
    write("  a: Hello.\n", name="Front Desk.yaml")

    (problem,) = said(folder)

    assert problem.startswith("Front Desk.yaml: error: a book is named by small letters")


def test_two_files_of_one_name_are_a_problem(folder: Path, write: Write) -> None:
    write("  a: Hello.\n", name="desk.yaml")
    write("  a: Hello.\n", name="desk.yml")

    (problem,) = said(folder)

    assert problem == (
        "desk.yml: error: there is the book desk.yaml already; rename or remove one of them"
    )


def test_one_text_in_one_voice_is_said_by_one_phrase(folder: Path, write: Write) -> None:
    write("  a: Hello there.\n", name="one.yaml")
    write(
        "  b: 'Hello  there.'\n"
        "  c: {text: Hello there., voice: {pace: 1}}\n"
        "  d: {text: Hello there., voice: {pace: 1.2}}\n"
        "  e: {text: Hello there., voice: {speaker: neha}}\n",
        top=TOP + "sample_rates: 8000\n",
        name="two.yaml",
    )

    assert said(folder) == [
        f"two.yaml:{line}: error: phrase {name}: ritu says the same in one/a (one.yaml:4); "
        "keep one of the two"
        for line, name in (("5:3", "b"), ("6:7", "c"))
    ]


def test_combinations_that_come_out_the_same_are_found(folder: Path, write: Write) -> None:
    write("  a: {text: 'Dial {x}{y}.', values: {x: [1, 11], y: [1, 11]}}\n")

    (problem,) = said(folder)

    assert "phrase a: ritu says the same in book/a" in problem


def test_books_of_different_tenants_may_say_the_same(folder: Path, write: Write) -> None:
    write("  a: Hello.\n", top=TOP + "tenants: [acme]\n", name="one.yaml")
    write("  a: Hello.\n", top=TOP + "tenants: [zenith]\n", name="two.yaml")
    write("  a: Hello.\n", name="three.yaml")

    assert said(folder) == []


def test_a_tenant_that_does_not_exist_is_an_error_where_it_stands(
    folder: Path, write: Write
) -> None:
    write("  a: Hello.\n", top=TOP + "tenants: [acme, zenith]\n")

    assert said(folder, tenants=["acme"]) == [
        "book.yaml:3:17: error: there is no tenant `zenith`; there are acme"
    ]
    assert said(folder, tenants=["acme", "zenith"]) == []
    assert said(folder) == []


def test_a_text_over_the_models_limit_is_an_error(folder: Path, write: Write) -> None:
    write(f"  a: {'word ' * 500}\n  b: {'word ' * 500}more\n")

    assert said(folder) == [
        (
            "book.yaml:5:3: error: phrase b: has 2504 characters in en-IN; bulbul:v3 takes 2500; "
            "make it two phrases"
        )
    ]


def test_what_is_over_is_not_said_any_more(folder: Path, write: Write) -> None:
    write(
        "  a: {text: Diwali!, expires: 2026-11-23}\n"
        "  b: {text: Today., expires: 2026-11-24}\n"
        "  c: {text: Now., expires: '2026-11-24T12:00+00:00'}\n"
    )

    found = open_shelf(folder)

    assert [each.id for each in found.spoken] == ["b"]
    assert [(each.phrase, each.severity) for each in found.problems] == [
        ("a", "warning"),
        ("c", "warning"),
    ]


def test_a_book_that_explodes_stops_being_filled_in(
    folder: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelf, "BOOK_TEXTS", 5)
    write(
        "  a: {text: 'A {n}.', values: {n: [1, 2, 3]}}\n"
        "  b: {text: 'B {n}.', values: {n: [1, 2, 3]}}\n"
        "  c: Hello.\n"
    )

    (problem,) = said(folder)

    assert problem == (
        "book.yaml:5:3: error: phrase b: the book becomes more than 5 texts here; shorten `values`"
    )


def test_recordings_are_looked_at_and_belong_to_their_language(folder: Path, write: Write) -> None:
    (folder / "audio").mkdir()
    wav = encode.encode_whole(bytes(48000), "wav", rate=24000)
    (folder / "audio" / "hello.wav").write_bytes(wav)
    write(
        "  a:\n    en-IN: Hello.\n    hi-IN: नमस्ते।\n    audio: {en-IN: audio/hello.wav}\n",
        top="languages: [en-IN, hi-IN]\nsample_rates: 24000\n",
    )

    english, hindi = open_shelf(folder).spoken

    assert english.recording is not None
    assert english.recording.file == folder / "audio" / "hello.wav"
    assert (english.whole, hindi.whole, hindi.recording) == (True, False, None)
    assert said(folder) == []


def test_recordings_that_cannot_be_used_are_errors_the_rest_are_remarks(
    folder: Path, write: Write
) -> None:
    wav = encode.encode_whole(bytes(88200), "wav", rate=44100)
    (folder / "studio.wav").write_bytes(wav)
    (folder / "cut.wav").write_bytes(wav[:40000])
    (folder / "text.wav").write_bytes(b"not audio")
    write(
        "".join(
            f"  {name}: {{text: {name} is said., audio: {name}.wav}}\n"
            for name in ("studio", "cut", "text", "missing")
        )
    )

    assert [(each.phrase, each.line, each.severity) for each in open_shelf(folder).problems] == [
        ("studio", 4, "warning"),
        ("cut", 5, "error"),
        ("text", 6, "error"),
        ("missing", 7, "error"),
    ]
