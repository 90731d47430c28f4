from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from edgeproxy.phrases import source
from edgeproxy.phrases.problem import BookErrors, Problem
from edgeproxy.phrases.source import FILE_BYTES, Source


@pytest.fixture(params=["CBaseLoader", "BaseLoader"])
def loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both of PyYAML's parsers: not every installation has the fast one."""
    monkeypatch.setattr(source, "_Loader", getattr(yaml, request.param))


@pytest.fixture
def read(folder: Path) -> Callable[[str | bytes], Source]:
    def read(content: str | bytes) -> Source:
        file = folder / "book.yaml"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return Source(file)

    return read


def only_problem(error: BookErrors) -> Problem:
    (problem,) = error.problems
    return problem


Read = Callable[[str | bytes], Source]


@pytest.mark.usefixtures("loader")
def test_scalars_stay_as_they_were_written(read: Read) -> None:
    content: Any = read("a: Yes\nb: 10:30\nc: 007\nd: 2027-01-01\ne: no\nf: 'null'\n").content

    assert content == {
        "a": "Yes", "b": "10:30", "c": "007", "d": "2027-01-01", "e": "no", "f": "null",
    }  # fmt: skip


def test_what_is_not_written_is_nothing(read: Read) -> None:
    assert read("a:\nb: ~\nc: null\n").content == {"a": None, "b": None, "c": None}


def test_a_problem_knows_the_place_of_keys_and_items(read: Read) -> None:
    found = read("voice: {pace: 9}\nphrases:\n  hello:\n    tags: [a, b]\n")

    tag = found.problem(("phrases", "hello", "tags", 1), "x")
    pace = found.problem(("voice", "pace"), "x", severity="warning")

    assert (tag.line, tag.column, tag.phrase, tag.severity) == (4, 15, "hello", "error")
    assert (pace.line, pace.column, pace.phrase, pace.severity) == (1, 9, None, "warning")


def test_a_place_that_was_not_written_is_the_nearest_above_it(read: Read) -> None:
    found = read("phrases:\n  hello: Hi\n")

    problem = found.problem(("phrases", "hello", "text"), "x")

    assert (problem.line, problem.column, problem.phrase) == (2, 3, "hello")


def test_a_key_that_is_there_twice_is_a_problem_and_the_rest_is_read(read: Read) -> None:
    found = read("phrases:\n  a: One\n  b: Two\n  a: Three\n")

    (problem,) = found.problems
    assert (problem.line, problem.column, problem.phrase) == (4, 3, "a")
    assert problem.message == "`a` is here twice, first in line 2; rename or remove one of them"
    assert found.content == {"phrases": {"a": "One", "b": "Two"}}


@pytest.mark.usefixtures("loader")
def test_broken_yaml_says_where_and_in_which_phrase(read: Read) -> None:
    with pytest.raises(BookErrors) as caught:
        read("languages: [en-IN]\nphrases:\n  a: Hello: there\n  b: Bye\n")

    problem = only_problem(caught.value)
    assert (problem.line, problem.column, problem.phrase) == (3, 11, "a")
    assert problem.message.endswith("put a text that holds `: ` or ` #` in quotes")


def test_a_quote_that_is_never_closed_is_found_where_it_opens(read: Read) -> None:
    with pytest.raises(BookErrors) as caught:
        read('phrases:\n  a: "Hello\n  b: Bye\n')

    assert (only_problem(caught.value).line, only_problem(caught.value).column) == (2, 6)


def test_a_file_that_is_not_utf8_says_which_byte(read: Read) -> None:
    with pytest.raises(BookErrors) as caught:
        read("phrases:\n  a: नमस्ते Café\n".encode().replace("é".encode(), b"\xe9"))

    problem = only_problem(caught.value)
    assert (problem.line, problem.column) == (2, 16)
    assert problem.message == "is not UTF-8 (byte 0xE9); save it as UTF-8"


def test_utf16_is_named(read: Read) -> None:
    with pytest.raises(BookErrors, match="UTF-16"):
        read("a: b\n".encode("utf-16"))


def test_a_byte_order_mark_is_no_part_of_the_first_key(read: Read) -> None:
    assert read(b"\xef\xbb\xbfa: b\n").content == {"a": "b"}


@pytest.mark.usefixtures("loader")
def test_a_nul_is_refused_where_it_stands(read: Read) -> None:
    with pytest.raises(BookErrors) as caught:
        read("a: b\nb: c\0d\n")

    assert only_problem(caught.value).line == 2


def test_a_huge_file_is_not_read(read: Read) -> None:
    assert read("a: b\n" + "#" * (FILE_BYTES - 5)).content == {"a": "b"}
    with pytest.raises(BookErrors, match=f"larger than {FILE_BYTES} bytes"):
        read("#" * (FILE_BYTES + 1))


def test_a_file_that_cannot_be_read_is_a_problem(folder: Path) -> None:
    with pytest.raises(BookErrors, match=r"gone\.yaml: error: cannot be read: No such file"):
        Source(folder / "gone.yaml")


@pytest.mark.usefixtures("loader")
@pytest.mark.parametrize("bottomless", ["[" * 100_000, "{a: " * 100_000, "- " * 100_000])
def test_bottomless_nesting_is_refused_before_it_is_built(read: Read, bottomless: str) -> None:
    with pytest.raises(BookErrors, match="nests more than 16 deep"):
        read(bottomless)


def test_an_alias_repeats_what_it_stands_for(read: Read) -> None:
    assert read("a: &days [Mon, Tue]\nb: *days\n").content["b"] == ["Mon", "Tue"]


@pytest.mark.parametrize("cyclic", ["a: &a\n  b: *a\n", "a: &a [*a]\n", "&a {? *a : b}\n"])
def test_an_alias_inside_itself_is_refused(read: Read, cyclic: str) -> None:
    with pytest.raises(BookErrors, match="inside itself"):
        read(cyclic)


def test_an_alias_for_nothing_is_refused(read: Read) -> None:
    with pytest.raises(BookErrors, match="`\\*a` stands for nothing"):
        read("b: *a\n")


def test_aliases_that_explode_are_refused(read: Read) -> None:
    layers = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    layers += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]

    with pytest.raises(BookErrors, match="explode"):
        read("\n".join(layers))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("a: !!python/object/apply:os.system [echo]\n", "has the tag"),
        ("a: b\n---\nc: d\n", "second document"),
        ("? [a, b]\n: c\n", "key that is a list"),
        (f"? {'x' * 900_000}\n: c\n", "key of 900000 characters"),
    ],
)
def test_what_a_book_never_needs_is_refused(read: Read, content: str, said: str) -> None:
    with pytest.raises(BookErrors, match=said):
        read(content)


@pytest.mark.parametrize("text", ["phrases: [", "phrases: {", "a: 'b", 'a: "b\n', "- [\n  -"])
def test_what_is_never_closed_is_an_error_of_the_file_even_at_its_very_end(
    tmp_path: Path, text: str
) -> None:
    file = tmp_path / "book.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(BookErrors, match=r"book\.yaml:\d+:\d+"):
        Source(file)
