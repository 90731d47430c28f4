"""Figures in sentences."""

from edgeproxy.core.words import count


def test_one_is_one_and_more_are_several() -> None:
    assert [count(number, "text") for number in (0, 1, 2_000)] == [
        "0 texts",
        "1 text",
        "2,000 texts",
    ]
