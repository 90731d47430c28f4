"""Which texts are kept by themselves."""

from collections.abc import Callable

import pytest

from edgeproxy.cache import admission
from edgeproxy.cache.admission import Admission, Unfit
from edgeproxy.core.key import Identity

Identify = Callable[[str], Identity]


def test_what_is_short_and_nobodys_own_is_kept_at_first_sight(identify: Identify) -> None:
    assert Admission(characters_kept=200).admits(identify("Please hold the line."))


def test_what_is_longer_than_the_limit_is_not_kept(identify: Identify) -> None:
    rule = Admission(characters_kept=10)
    assert rule.admits(identify("a" * 10))
    assert not rule.admits(identify("a" * 11))


@pytest.mark.parametrize(
    "text",
    [
        "Your number is 98 76 54 32 10.",
        "Your number is 9876-5432.",
        "आपका नंबर ९८७६५ है।",
        "Write to asha@example.in, please.",
        "It is at https://example.in/x.",
        "The code is A B 7 Q.",
    ],
)
def test_what_looks_personal_is_kept_only_where_somebody_said_so(
    text: str, identify: Identify
) -> None:
    assert not Admission(characters_kept=200).admits(identify(text))
    assert Admission(characters_kept=200, personal=True).admits(identify(text))


def test_why_a_text_is_never_kept_can_be_told() -> None:
    rule = Admission(characters_kept=20, asks=3)
    texts = ("a" * 21, "Call 9876.", "Call us.")
    assert [rule.turns_away(text) for text in texts] == [Unfit.LONG, Unfit.PERSONAL, None]


def test_after_so_many_asks_and_not_before(identify: Identify) -> None:
    rule = Admission(characters_kept=200, asks=3)
    hello, other = identify("hello"), identify("other")
    assert [rule.admits(hello) for _ in range(3)] == [False, False, True]
    assert not rule.admits(other)


def test_asks_of_what_nobody_asks_for_any_more_are_forgotten(
    identify: Identify, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "_REMEMBERED", 2)
    rule = Admission(characters_kept=200, asks=2)
    for text in ("one", "two", "three"):
        assert not rule.admits(identify(text))
    assert not rule.admits(identify("one"))
    assert rule.admits(identify("three"))
