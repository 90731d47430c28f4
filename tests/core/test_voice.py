"""Every audible field is in a voice, and only what is audible tells two voices apart."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeproxy.core.voice import Voice

FIELDS: dict[str, Any] = {
    "model": "bulbul:v3",
    "language": "hi-IN",
    "speaker": "shubh",
    "rate": 24000,
    "pace": 1.0,
}


def test_equal_fields_are_one_voice_whatever_their_order() -> None:
    assert Voice(FIELDS) == Voice(dict(reversed(FIELDS.items())))
    assert hash(Voice(FIELDS)) == hash(Voice(dict(reversed(FIELDS.items()))))


@pytest.mark.parametrize("field", [*FIELDS, "dict_id", "a_field_of_tomorrow"])
def test_every_field_tells_voices_apart(field: str) -> None:
    assert Voice({**FIELDS, field: "other"}) != Voice(FIELDS)


@pytest.mark.parametrize(("one", "other"), [("1", 1), (True, 1), (None, "null"), ("a", ["a"])])
def test_values_of_another_type_are_other_values(one: object, other: object) -> None:
    assert Voice({**FIELDS, "x": one}) != Voice({**FIELDS, "x": other})


@given(
    st.dictionaries(st.text(max_size=5), st.text(max_size=5) | st.integers()),
    st.dictionaries(st.text(max_size=5), st.text(max_size=5) | st.integers()),
)
def test_the_canonical_form_is_injective(one: dict[str, Any], other: dict[str, Any]) -> None:
    first, second = Voice({**one, **FIELDS}), Voice({**other, **FIELDS})
    assert (first == second) == (first.fields == second.fields)


@pytest.mark.parametrize("missing", ["model", "language", "speaker", "rate"])
def test_a_voice_without_its_four_is_an_error_that_names_what_is_missing(missing: str) -> None:
    with pytest.raises(ValueError, match=missing):
        Voice({name: value for name, value in FIELDS.items() if name != missing})


def test_another_rate_is_another_voice() -> None:
    voice = Voice(FIELDS).at_rate(8000)
    assert voice.rate == 8000
    assert voice == Voice({**FIELDS, "rate": 8000})


def test_its_fields_are_its_own() -> None:
    given = dict(FIELDS)
    voice = Voice(given)
    given["pace"] = 2.0
    assert voice.fields["pace"] == 1.0
