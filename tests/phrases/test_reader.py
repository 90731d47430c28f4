from collections.abc import Callable
from pathlib import Path

import pytest

from edgeproxy.phrases.reader import BookErrors, draft, read

Write = Callable[..., Path]


def said(file: Path) -> list[str]:
    """Problems of a file, without its path."""
    try:
        problems = draft(file).problems
    except BookErrors as error:
        problems = error.problems
    return [str(problem).removeprefix(str(file)) for problem in problems]


def test_a_book_reads_like_a_script(write: Write) -> None:
    book = read(write("  hello: Hello.\n  yes: Yes\n  at-ten: 10:30\n"))

    assert {name: phrase.text for name, phrase in book.phrases.items()} == {
        "hello": "Hello.",
        "yes": "Yes",
        "at-ten": "10:30",
    }


def test_all_mistakes_are_told_at_once_each_with_its_place(write: Write) -> None:
    file = write(
        "  Bad Id: x\n"
        "  b:\n    en-in: Hello.\n"
        "  c:\n    en-IN: Hello.\n    takse: 3\n"
        "  d:\n"
        "  e: {text: [a], takes: 99}\n"
        "  f: '...'\n",
        top="languages: [en-IN]\nvoice: {pich: 1, temperature: hot}\nsample_rates: [22050, 1]\n",
    )

    assert sorted(said(file)) == sorted(
        [
            ":2:9: error: there is no field `pich`; did you mean `pitch`?",
            ":2:18: error: `temperature` must be a number, not `hot`",
            (
                ":3:23: error: `sample_rates` has 1 Hz, which Sarvam does not stream; "
                "there are 8000, 16000, 22050, 24000"
            ),
            (
                ":5:3: error: phrase Bad Id: must be an id of small letters, digits, - and _, "
                "not `Bad Id`"
            ),
            ":7:5: error: phrase b: there is no field `en-in`; did you mean `en-IN`?",
            ":10:5: error: phrase c: there is no field `takse`; did you mean `takes`?",
            (
                ":11:3: error: phrase d: has nothing to say; write `text`, or a text by language "
                "(hi-IN: ...)"
            ),
            ":12:7: error: phrase e: `text` must be a text, not a list",
            ":12:18: error: phrase e: `takes` must be at most 10, not `99`",
            (
                ":13:3: error: phrase f: `text` has nothing to say; write the words, or remove the "
                "phrase"
            ),
        ]
    )


def test_the_rest_of_a_book_is_read_past_what_is_broken(write: Write) -> None:
    found = draft(
        write("  a: {takes: many, text: A.}\n  b: B.\n", top="languages: en-IN\nswap: maybe\n")
    )

    assert found.book is not None
    assert list(found.book.phrases) == ["b"]
    assert len(found.problems) == 2


def test_a_key_that_is_there_twice_hides_no_other_mistake(write: Write) -> None:
    found = said(write("  a: One.\n  a: Two.\n  b: ''\n"))

    assert [problem.partition(";")[0] for problem in found] == [
        ":5:3: error: phrase a: `a` is here twice, first in line 4",
        ":6:3: error: phrase b: `text` has nothing to say",
    ]


def test_a_book_without_languages_cannot_be_read_at_all(write: Write) -> None:
    found = draft(write("  a: Hello.\n", top="swap: manual\n"))

    assert found.book is None
    assert [each.message for each in found.problems] == ["`languages` is missing; a book needs it"]


@pytest.mark.parametrize(
    ("content", "why"),
    [("", "is empty"), ("# nothing\n", "is empty"), ("- a\n", "not a map"), ("a", "not a map")],
)
def test_what_is_no_book_says_how_one_begins(folder: Path, content: str, why: str) -> None:
    file = folder / "book.yaml"
    file.write_text(content)

    with pytest.raises(BookErrors, match=f"{why}.*`languages:` and `phrases:`"):
        read(file)


def test_merge_keys_are_explained(write: Write) -> None:
    (problem,) = said(write("  a: &a {text: A.}\n  b:\n    text: B.\n    <<: *a\n"))

    assert ":7:5: error: phrase b: `<<` is not for books" in problem


@pytest.mark.parametrize(
    ("top", "why"),
    [
        ("languages: []\n", "`languages` is empty"),
        ("languages: [hindi]\n", "must be a language code such as hi-IN, not `hindi`"),
        ("languages: [en-IN, en-IN]\n", "`languages` lists 'en-IN' twice"),
        ("languages: {a: b}\n", "`languages` must be a list, not a mapping"),
        ("languages: en-IN\nswap: never\n", "`swap` must be 'auto' or 'manual', not `never`"),
        ("languages: en-IN\npublic: maybe\n", "`public` must be true or false, not `maybe`"),
        ("languages: en-IN\nvoice: ritu\n", "`voice` must be a mapping (`name: ...`), not `ritu`"),
        ("languages: en-IN\ncron: 0 3 30 2 *\n", "`cron` `0 3 30 2 *` never comes"),
        ("languages: en-IN\nloudness_dbfs: loud\n", "`loudness_dbfs` must be a mapping"),
        (
            "languages: en-IN\nloudness_dbfs: {least: -30, most: -12, soft: 1}\n",
            "there is no field `soft`; there are least, most",
        ),
        (
            "languages: en-IN\nloudness_dbfs: {least: -30}\n",
            "`most` is missing; a book needs it",
        ),
        (
            "languages: en-IN\nnormalise_dbfs: -1\n",
            "`normalise_dbfs` must be at most -6.0, not `-1`",
        ),
        ("languages: en-IN\nnonsense: 1\n", "there is no field `nonsense`; there are languages,"),
    ],
)
def test_each_mistake_at_the_top_has_its_sentence(write: Write, top: str, why: str) -> None:
    (problem,) = said(write("  a: Hello.\n", top=top))

    assert why in problem


def test_pydantics_own_words_never_come_through(write: Write) -> None:
    odd = "  a: {text: A., languages: 3, voices: [1], values: {x: {y: z}}, pin: [], takes: 1.5}\n"

    found = said(write(odd))

    assert found
    assert not [each for each in found if "Input should" in each or "input should" in each]
