from collections.abc import Callable
from pathlib import Path

from edgeproxy.phrases.reader import draft
from edgeproxy.phrases.template import MAX_EXPANSION, Line, Template

Write = Callable[..., Path]

TOP = "languages: [en-IN, hi-IN]\n"


def lines(file: Path, phrase: str = "a") -> tuple[list[Line], list[str]]:
    found = draft(file)
    assert found.book is not None, found.problems
    template = Template(found.book, phrase, found.source)
    said = template.lines()
    return said, [str(each).removeprefix(str(file)) for each in template.problems]


def test_each_language_has_its_line_in_the_order_of_the_book(write: Write) -> None:
    found, problems = lines(write("  a: {hi-IN: नमस्ते।, en-IN: Hello.}\n", top=TOP))

    assert found == [Line("en-IN", "Hello.", {}), Line("hi-IN", "नमस्ते।", {})]
    assert problems == []


def test_a_text_alone_is_said_in_every_language(write: Write) -> None:
    found, _ = lines(write("  a: Asha Clinic.\n", top=TOP))

    assert [(each.language, each.text) for each in found] == [
        ("en-IN", "Asha Clinic."),
        ("hi-IN", "Asha Clinic."),
    ]


def test_a_template_is_said_with_every_combination_of_its_values(write: Write) -> None:
    found, problems = lines(
        write(
            "  a:\n"
            "    text: Namaste {name}, aapka appointment {day} ko hai.\n"
            "    languages: hi-IN\n"
            "    values: {name: [Asha, Ravi], day: [Somvar, 10]}\n",
            top=TOP,
        )
    )

    assert [each.text for each in found] == [
        "Namaste Asha, aapka appointment Somvar ko hai.",
        "Namaste Asha, aapka appointment 10 ko hai.",
        "Namaste Ravi, aapka appointment Somvar ko hai.",
        "Namaste Ravi, aapka appointment 10 ko hai.",
    ]
    assert found[1].values == {"name": "Asha", "day": "10"}
    assert problems == []


def test_values_may_differ_by_language_and_stand_at_the_top_of_the_book(write: Write) -> None:
    file = write(
        "  a: {en-IN: 'On {day}.', hi-IN: '{day} को।'}\n"
        "  b: {en-IN: 'By {day}.', hi-IN: '{day} तक।', values: {day: [X]}}\n",
        top=TOP + "values:\n  day: {en-IN: [Monday], hi-IN: [सोमवार, मंगलवार]}\n",
    )

    assert [each.text for each in lines(file)[0]] == ["On Monday.", "सोमवार को।", "मंगलवार को।"]
    assert [each.text for each in lines(file, "b")[0]] == ["By X.", "X तक।"]


def test_a_value_cannot_bring_in_another_placeholder(write: Write) -> None:
    file = write("  a: {en-IN: '{x} {y}.', values: {x: ['{y}'], y: [2]}}\n", top=TOP)

    assert lines(file)[0][0].text == "{y} 2."


def test_a_template_that_explodes_is_counted_and_refused(write: Write) -> None:
    ten = "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]"
    values = ", ".join(f"v{number}: {ten}" for number in range(12))
    text = " ".join(f"{{v{number}}}" for number in range(12))

    found, problems = lines(
        write(f"  a: {{text: '{text}', languages: en-IN, values: {{{values}}}}}\n", top=TOP)
    )

    assert found == []
    assert problems == [
        (
            f":3:3: error: phrase a: becomes {10**12} texts in en-IN; at most {MAX_EXPANSION}; "
            "shorten `values`"
        )
    ]


def test_a_placeholder_without_values_is_an_error(write: Write) -> None:
    _, problems = lines(write("  a:\n    en-IN: Hello {name}.\n    hi-IN: नमस्ते।\n", top=TOP))

    assert problems == [
        ":4:5: error: phrase a: has {name}, but there are no `values` for name in en-IN; list them"
    ]


def test_values_that_no_text_uses_are_a_warning(write: Write) -> None:
    _, (problem,) = lines(write("  a: {text: Hello., values: {name: [Asha]}}\n", top=TOP))

    assert problem.startswith(":3:30: warning: phrase a: no text has the placeholder {name}")


def test_a_missing_translation_is_a_warning_unless_it_is_meant(write: Write) -> None:
    file = write("  a: {en-IN: Hello.}\n  b: {en-IN: Bye., languages: en-IN}\n", top=TOP)

    assert lines(file)[1] == [
        ":3:3: warning: phrase a: has no text in hi-IN; add one, or list its `languages`"
    ]
    assert lines(file, "b")[1] == []


def test_a_language_the_book_does_not_have_is_an_error_wherever_it_is_named(write: Write) -> None:
    _, problems = lines(
        write(
            "  a:\n"
            "    text: Hello {x}.\n"
            "    languages: [en-IN, bn-IN]\n"
            "    voices: {te-IN: {pace: 1}}\n"
            "    values: {x: {en-IN: [1], ml-IN: [1]}}\n"
            "  b: {en-IN: Hello., ta-IN: வணக்கம்.}\n",
            top=TOP,
        )
    )

    assert [each.partition(";")[0] for each in problems] == [
        ":5:24: error: phrase a: bn-IN is not among the languages of the book",
        ":6:14: error: phrase a: te-IN is not among the `languages` here (en-IN)",
        ":7:30: error: phrase a: ml-IN is not among the `languages` here (en-IN)",
    ]
