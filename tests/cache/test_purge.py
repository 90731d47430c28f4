"""A purge holds for what was begun before it, in every process, and across restarts."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeproxy.cache import purge
from edgeproxy.cache.purge import DamagedPurges, Doom, Purges, Scope
from edgeproxy.core.key import Identity, Teller
from edgeproxy.core.voice import Voice

Identify = Callable[[str], Identity]
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
VOICE = Voice({"model": "bulbul:v3", "language": "hi-IN", "speaker": "shubh", "rate": 8000})


@pytest.fixture
def purges(tmp_path: Path) -> Purges:
    return Purges.load(tmp_path / "purges.json")


def test_without_a_purge_nothing_is_doomed(purges: Purges, identify: Identify) -> None:
    assert purges.doom(identify("hello"), since=0) is Doom.NONE


def test_what_was_begun_before_is_gone_and_what_comes_after_is_not(
    purges: Purges, identify: Identify
) -> None:
    hello = identify("hello")
    before = purges.number
    purges.add(Scope(text="hello"), soft=False)
    assert purges.doom(hello, since=before) is Doom.GONE
    assert purges.doom(hello, since=purges.number) is Doom.NONE
    assert purges.doom(identify("other"), since=before) is Doom.NONE


def test_a_soft_purge_makes_stale_and_a_hard_one_wins_over_it(
    purges: Purges, identify: Identify
) -> None:
    purges.add(Scope(text="hello"), soft=True)
    assert purges.doom(identify("hello"), since=0) is Doom.STALE
    purges.add(Scope(text="hello"), soft=False)
    purges.add(Scope(), soft=True)
    assert purges.doom(identify("hello"), since=0) is Doom.GONE
    assert purges.doom(identify("other"), since=0) is Doom.STALE
    assert purges.doom(identify("hello"), since=purges.number - 1) is Doom.STALE


@pytest.mark.parametrize(
    ("scope", "covered"),
    [
        (Scope(), True),
        (Scope(text="Hello there."), True),
        (Scope(text="Hello"), False),
        (Scope(prefix="Hello"), True),
        (Scope(prefix="there"), False),
        (Scope(namespace="books"), True),
        (Scope(namespace="book"), False),
        (Scope(voice={"speaker": "shubh"}), True),
        (Scope(voice={"speaker": "shubh", "rate": 8000}), True),
        (Scope(voice={"speaker": "ritu"}), False),
        (Scope(voice={"dict_id": None}), False),
        (Scope(prefix="Hello", voice={"speaker": "ritu"}), False),
    ],
)
def test_a_scope_covers_what_fits_all_that_is_given(scope: Scope, *, covered: bool) -> None:
    identity = Teller("books:3:0", VOICE).identity("Hello there.")
    assert scope.covers(identity) is covered


def test_it_holds_after_a_restart_and_in_other_processes(
    tmp_path: Path, identify: Identify
) -> None:
    here, there = (Purges.load(tmp_path / "purges.json") for _ in range(2))
    here.add(Scope(text="hello"), soft=False)
    assert there.doom(identify("hello"), since=0) is Doom.NONE
    assert there.changed_on_disk()
    there.reload()
    assert [str(purge.scope) for purge in there] == ["text hello"]
    assert there.doom(identify("hello"), since=0) is Doom.GONE
    assert not there.changed_on_disk()
    second = there.add(Scope(), soft=True)
    here.reload()
    assert [purge.number for purge in here] == [there.number - 1, second.number]


def test_numbers_go_on_when_purges_are_forgotten(purges: Purges, tmp_path: Path) -> None:
    first = purges.add(Scope(), soft=False)
    second = purges.add(Scope(), soft=False)
    purges.forget([first, second])
    assert list(purges) == []
    assert Purges.load(tmp_path / "purges.json").add(Scope(), soft=False).number > second.number


def test_a_purge_holds_for_what_bears_the_numbers_of_a_file_that_was_lost(
    purges: Purges, tmp_path: Path, identify: Identify
) -> None:
    before = purges.add(Scope(text="other"), soft=False).number
    (tmp_path / "purges.json").unlink()
    again = Purges.load(tmp_path / "purges.json")
    again.add(Scope(text="hello"), soft=False, now=datetime.now(UTC) + timedelta(seconds=2))
    assert again.doom(identify("hello"), since=before) is Doom.GONE


def test_a_damaged_file_is_an_error_with_its_remedy_and_changes_nothing(
    purges: Purges, tmp_path: Path, identify: Identify
) -> None:
    number = purges.add(Scope(text="hello"), soft=False).number
    (tmp_path / "purges.json").write_bytes(b'{"form": 1, "last": 9, "purges": [{}]}')
    with pytest.raises(DamagedPurges, match=r"purges\.json.*remove it"):
        Purges.load(tmp_path / "purges.json")
    with pytest.raises(DamagedPurges):
        purges.reload()
    assert purges.doom(identify("hello"), since=0) is Doom.GONE
    assert purges.number == number


@given(text=st.text(), voice=st.dictionaries(st.text(min_size=1), st.text() | st.integers()))
def test_an_identity_comes_back_from_its_canonical_form(
    text: str, voice: dict[str, object]
) -> None:
    told = Voice({**voice, **VOICE.fields})
    identity = Teller("books:1:0", told, 7).identity(text.encode(errors="replace").decode())
    again = Identity.parse(identity.blob)
    assert again == identity
    assert (again.text, again.key, again.namespace) == (identity.text, identity.key, "books:1:0")
    assert (again.voice, again.teller.epoch) == (told, 7)


@pytest.mark.parametrize("blob", [b"", b"1 0 ns", b"2 0 ns\n{}\ntext", b"1 x ns\n{}\ntext"])
def test_what_is_no_identity_is_an_error(blob: bytes) -> None:
    with pytest.raises(ValueError, match=r"unpack|version|needs"):
        Identity.parse(blob)


def test_what_is_brought_from_elsewhere_is_held_against_what_was_purged_since(
    purges: Purges, tmp_path: Path, identify: Identify
) -> None:
    hard = purges.add(Scope(text="hello"), soft=False, now=NOW)
    soft = purges.add(Scope(text="soft"), soft=True, now=NOW)
    for known in (purges, Purges.load(tmp_path / "purges.json")):
        for text in ("hello", "soft"):
            assert known.undoes(identify(text), made=NOW - HOUR)
            assert not known.undoes(identify(text), made=NOW)
        assert not known.undoes(identify("other"), made=NOW - HOUR)
    # Nothing here is covered any more, but what is in an archive may be.
    purges.forget([hard, soft])
    assert not list(purges)
    assert purges.doom(identify("hello"), since=0) is Doom.NONE
    for known in (purges, Purges.load(tmp_path / "purges.json")):
        assert known.undoes(identify("hello"), made=NOW - HOUR)
        assert not known.undoes(identify("hello"), made=NOW)


def test_of_two_purges_that_are_over_the_later_says_it_all(
    purges: Purges, identify: Identify
) -> None:
    soft = purges.add(Scope(text="hello"), soft=True, now=NOW)
    hard = purges.add(Scope(text="hello"), soft=False, now=NOW + HOUR)
    purges.forget([hard])
    # What is soft stays in force for longer.
    purges.forget([soft])
    assert purges.undoes(identify("hello"), made=NOW)


def test_purges_that_are_over_are_bounded_and_what_is_not_known_any_more_is_not_taken(
    purges: Purges, tmp_path: Path, identify: Identify, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(purge, "_MOST_OVER", 2)
    for number, text in enumerate(("one", "two", "two", "three")):
        purges.forget([purges.add(Scope(text=text), soft=False, now=NOW + number * HOUR)])
    # The last of "two" stands for both, so that only "one" is not known any more.
    for known in (purges, Purges.load(tmp_path / "purges.json")):
        assert known.undoes(identify("two"), made=NOW + HOUR)
        assert known.undoes(identify("three"), made=NOW)
        assert not known.undoes(identify("one"), made=NOW)
        assert known.undoes(identify("other"), made=NOW - HOUR)
    purges.add(Scope(text="four"), soft=False)
    assert purges.undoes(identify("three"), made=NOW)


def test_a_file_of_before_there_were_archives_is_read(tmp_path: Path, identify: Identify) -> None:
    (tmp_path / "purges.json").write_bytes(b'{"form": 1, "last": 9, "purges": []}')
    purges = Purges.load(tmp_path / "purges.json")
    assert purges.number == 9
    assert not purges.undoes(identify("hello"), made=NOW)
