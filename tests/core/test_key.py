"""Identity is the whole truth; the key only names it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeproxy.core.key import Epochs, Teller, checksum, text_tag
from edgeproxy.core.voice import Voice

VOICE = Voice({"model": "bulbul:v3", "language": "hi-IN", "speaker": "shubh", "rate": 24000})
TELLER = Teller("ns", VOICE)


@pytest.mark.parametrize(
    "other",
    [
        Teller("another", VOICE),
        Teller("ns", VOICE.at_rate(8000)),
        Teller("ns", VOICE, epoch=1),
    ],
)
def test_namespace_voice_and_epoch_are_in_it(other: Teller) -> None:
    assert other.identity("नमस्ते") != TELLER.identity("नमस्ते")
    assert other.identity("नमस्ते").key != TELLER.identity("नमस्ते").key


def test_nfc_and_nfd_and_white_space_make_no_difference() -> None:
    assert TELLER.identity("cafe\u0301  au\nlait ") == TELLER.identity("caf\u00e9 au lait")


@pytest.mark.parametrize("joiner", ["\u200d", "\u200c"])
def test_joiners_are_kept_since_they_change_the_sound(joiner: str) -> None:
    assert TELLER.identity(f"क्{joiner}ष") != TELLER.identity("क्ष")


def test_digits_are_not_folded() -> None:
    assert TELLER.identity("५") != TELLER.identity("5")


@given(st.text(max_size=30), st.text(max_size=30))
def test_two_texts_share_an_identity_only_if_they_are_one_text(one: str, other: str) -> None:
    first, second = TELLER.identity(one), TELLER.identity(other)
    assert (first == second) == (first.text == second.text)
    assert (first.key == second.key) == (first == second)


# Few values, so that equal parts meet in unequal wholes; some made to run into their neighbours.
_VALUES = st.sampled_from(["a", "ab", "b", "", "1", "\n", '"', '{"x":1}', "a\nb", "1 0 ns", "नमस्ते"])
_PARTS = st.tuples(
    st.integers(0, 12),
    st.text(alphabet="ab01- ", max_size=4),
    st.dictionaries(
        st.sampled_from(["model", "language", "speaker", "dict_id", "pace", "a", "a\n"]),
        _VALUES | st.integers(0, 2) | st.booleans() | st.none() | st.floats(0, 1),
        max_size=7,
    ),
    _VALUES,
)


@given(st.data())
def test_identities_are_equal_only_if_all_four_of_their_parts_are(data: st.DataObject) -> None:
    identities = []
    for _ in range(2):
        epoch, namespace, fields, text = data.draw(_PARTS)
        voice = Voice({"model": "m", "language": "l", "speaker": "s", "rate": 8000, **fields})
        identity = Teller(namespace, voice, epoch=epoch).identity(text)
        identities.append(((epoch, namespace, voice, identity.text), identity))
    (parts, one), (other_parts, other) = identities
    assert (one == other) == (parts == other_parts)
    assert (one.key == other.key) == (one == other)


def test_all_variants_of_a_text_share_the_keys_front() -> None:
    keys = [
        Teller(name, voice).identity("नमस्ते").key
        for name in ("a", "b")
        for voice in (VOICE, VOICE.at_rate(8000))
    ]
    assert len(set(keys)) == 4
    assert all(key.startswith(text_tag("नमस्ते")) for key in keys)
    assert {len(key) for key in keys} == {48}


def test_a_namespace_cannot_reach_into_the_next_line() -> None:
    with pytest.raises(ValueError, match="line break"):
        Teller("ns\nother", VOICE)


def test_the_checksum_sees_every_byte() -> None:
    assert len(checksum(b"abc")) == 16
    assert checksum(b"abc") != checksum(b"abd")


def test_an_epoch_is_raised_with_the_model_and_with_the_voice() -> None:
    epochs = Epochs({"bulbul:v3": 2, "bulbul:v3/shubh": 1})
    assert [epochs.of(VOICE), Epochs().of(VOICE)] == [3, 0]
    other = Voice({**VOICE.fields, "speaker": "ritu"})
    assert epochs.of(other) == 2
    identity = Teller("ns", VOICE).identity("hello")
    assert Teller("ns", VOICE, epochs.of(VOICE)).identity("hello") != identity
