"""A record comes back as it was, or not at all."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeproxy.cache.record import MAGIC, Facts, Record, facts_of
from edgeproxy.core.errors import RecordError
from edgeproxy.core.key import checksum

MADE = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
RECORD = Record("1 0 ns\n{}\nनमस्ते".encode(), 24000, b"\x01\x00" * 200, MADE)


@given(
    identity=st.binary(max_size=200),
    rate=st.sampled_from([8000, 22050, 48000]),
    samples=st.binary(max_size=400),
)
def test_a_record_comes_back_as_it_was(identity: bytes, rate: int, samples: bytes) -> None:
    record = Record(identity, rate, samples + samples, MADE, purge=7)
    assert Record.unpack(record.pack()) == record


@given(cut=st.integers(0, len(RECORD.pack()) - 1))
def test_a_cut_record_is_an_error_wherever_it_was_cut(cut: int) -> None:
    with pytest.raises(RecordError):
        Record.unpack(RECORD.pack()[:cut])


@given(position=st.integers(0, len(RECORD.pack()) - 1), flip=st.integers(1, 255))
def test_a_flipped_byte_is_an_error_wherever_it_is(position: int, flip: int) -> None:
    value = bytearray(RECORD.pack())
    value[position] ^= flip
    with pytest.raises(RecordError):
        Record.unpack(bytes(value))


@given(junk=st.binary(max_size=300))
def test_junk_is_an_error_and_nothing_else(junk: bytes) -> None:
    with pytest.raises(RecordError):
        Record.unpack(junk)


@given(body=st.binary(max_size=100))
def test_a_wellsummed_record_with_a_wrong_inside_is_an_error(body: bytes) -> None:
    value = MAGIC + body
    with pytest.raises(RecordError):
        Record.unpack(value + checksum(value))


@pytest.mark.parametrize("deep", [b"[" * 8000, b'{"a":' * 4000])
def test_a_header_that_nests_without_end_is_an_error(deep: bytes) -> None:
    body = MAGIC + len(deep).to_bytes(4, "little") + deep + bytes(4)
    for read in (Record.unpack, facts_of):
        with pytest.raises(RecordError, match="unreadable header"):
            read(body + checksum(body))


def test_another_version_of_the_form_is_a_clean_miss() -> None:
    with pytest.raises(RecordError, match="version"):
        Record.unpack(b"EPR0" + RECORD.pack()[4:])


def test_the_identity_is_read_without_the_audio() -> None:
    facts = facts_of(RECORD.pack()[:150])
    assert facts == Facts(RECORD.identity, 24000, 400, MADE, purge=0)
    assert facts.seconds == 200 / 24000
    assert facts_of(replace(RECORD, purge=3).pack()) == replace(facts, purge=3)
    silent = replace(RECORD, rate=0).pack()
    for head in (b"EPR0" + RECORD.pack()[4:], RECORD.pack()[:20], b"", silent):
        with pytest.raises(RecordError):
            facts_of(head)
