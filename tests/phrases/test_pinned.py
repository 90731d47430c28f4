"""A unit as it is kept: what is heard, what may go, and back from JSON what was written."""

from datetime import UTC, datetime

import orjson
import pytest

from edgeproxy.core.key import Teller
from edgeproxy.core.voice import Voice
from edgeproxy.phrases.pinned import (
    SHARED,
    Failure,
    Generation,
    Pinned,
    namespace,
    scope_of,
    space,
    speaker_for,
    unit_key,
)

NOW = datetime(2026, 11, 24, 2, 30, tzinfo=UTC)
FIELDS = {"model": "bulbul:v3", "language": "hi-IN", "speaker": "ritu"}
VOICE = Voice({**FIELDS, "rate": 24000})


def generation(number: int) -> Generation:
    return Generation(number, NOW, 24000, 1.5, 7, -20.25, takes=2)


def pinned(*numbers: int, speaks: int | None = None) -> Pinned:
    return Pinned(
        key=unit_key(VOICE, "नमस्ते।"),
        text="नमस्ते।",
        voice=FIELDS,
        phrases=("desk/greeting",),
        generations=tuple(map(generation, numbers)),
        speaks=speaks,
    )


def test_a_unit_is_the_same_at_every_rate_and_another_in_every_other_voice() -> None:
    key = unit_key(VOICE, "Hello.")

    assert unit_key(VOICE.at_rate(8000), "Hello.") == key
    assert unit_key(VOICE, "Goodbye.") != key
    assert unit_key(Voice({**FIELDS, "rate": 24000, "pace": 1.2}), "Hello.") != key


def test_each_take_of_each_generation_lies_in_a_place_of_its_own() -> None:
    places = {
        namespace(number, take, scope=scope)
        for scope in (SHARED, "acme", "s", "books")
        for number in range(1, 20)
        for take in range(20)
    }
    assert len(places) == 4 * 380


def test_what_was_made_before_there_were_scopes_is_everybodys() -> None:
    written = orjson.loads(orjson.dumps(pinned(1, speaks=1)))
    del written["scope"]

    assert Pinned.of(written) == pinned(1, speaks=1)
    assert (namespace(2, 0), space(SHARED)) == ("books:2:0", "books")
    usual = VOICE.at_rate(22050)
    assert unit_key(VOICE, "Hello.") == Teller("books", usual).identity("Hello.").key
    assert unit_key(VOICE, "Hello.", scope="acme") != unit_key(VOICE, "Hello.")


def test_what_is_heard_is_where_the_pointer_stands() -> None:
    assert pinned(1, 2, 3, speaks=2).spoken == generation(2)
    assert pinned(1, 2, 3).spoken is None
    assert pinned(1, 2, 3).latest == generation(3)
    assert pinned().latest is None


@pytest.mark.parametrize(
    ("speaks", "keep", "old"),
    [(5, 3, [1, 2]), (1, 3, [2]), (1, 1, [2, 3, 4]), (None, 9, [])],
)
def test_what_may_go_is_neither_young_nor_heard(
    speaks: int | None, keep: int, old: list[int]
) -> None:
    unit = pinned(1, 2, 3, 4, 5, speaks=speaks)

    assert [each.number for each in unit.beyond(keep)] == old


def test_it_comes_back_from_json_as_it_was_written() -> None:
    bare = pinned()
    full = Pinned(
        key="key",
        text="नमस्ते।",
        voice={**FIELDS, "pace": 1.1},
        phrases=("desk/greeting", "desk/again"),
        generations=(generation(3), Generation(4, NOW, 8000, 0.5, 0, -18.0, recording="abc")),
        speaks=3,
        held=True,
        failed=Failure(NOW, ("0.20 s is too short", "silent"), 3),
        unused_since=NOW,
    )

    for unit in (bare, full):
        assert Pinned.of(orjson.loads(orjson.dumps(unit))) == unit


def test_its_voice_comes_back_at_any_rate() -> None:
    assert pinned().at_rate(24000) == VOICE


def test_whose_a_namespace_is_can_be_read_from_it() -> None:
    for scope in (SHARED, "acme"):
        assert speaker_for(space(scope)) == scope
        assert scope_of(space(scope)) is None
        assert scope_of(namespace(3, 0, scope=scope)) == scope
        assert speaker_for(namespace(3, 0, scope=scope)) == scope
    for whose in ("key-0123", "tenant-books", "shared-book"):
        assert speaker_for(whose) is None


def test_some_of_its_generations_are_a_unit_if_what_speaks_is_among_them() -> None:
    assert pinned(1, 2, 3, speaks=2).only({2, 3}) == pinned(2, 3, speaks=2)
    assert pinned(1, 2, speaks=2).only({1}) is None
    assert pinned(1, 2).only(set()) == pinned()


def test_a_generations_record_is_at_the_rate_it_was_made_in_unless_another_is_meant() -> None:
    unit = pinned(1, 2)
    generation = unit.generations[1]
    own = unit.identity(generation)
    assert own == generation.identity(unit.at_rate(generation.rate), unit.text, 0, scope=unit.scope)
    assert unit.identity(generation, 1).namespace == namespace(2, 1, scope=unit.scope)
    assert unit.identity(generation, rate=8000).voice == unit.at_rate(8000)
