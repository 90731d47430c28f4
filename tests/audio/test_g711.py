"""G.711 against values from the tables of the standard, and what any pair of such tables must do."""

import numpy as np
import pytest

from edgeproxy.audio.g711 import compress, expand

ALL_CODES = bytes(range(256))
ALL_SAMPLES = np.arange(-(1 << 15), 1 << 15).astype("<i2")


def test_every_alaw_code_comes_back_as_itself() -> None:
    assert compress(expand(ALL_CODES, law="alaw"), law="alaw") == ALL_CODES


def test_every_mulaw_code_comes_back_as_itself_but_for_the_second_zero() -> None:
    assert compress(expand(ALL_CODES, law="mulaw"), law="mulaw") == ALL_CODES.replace(
        b"\x7f", b"\xff"
    )


@pytest.mark.parametrize(
    ("law", "code", "sample"),
    [
        ("mulaw", 0xFF, 0),
        ("mulaw", 0x7F, 0),
        ("mulaw", 0x80, 32124),
        ("mulaw", 0x00, -32124),
        ("mulaw", 0xEF, 132),
        ("alaw", 0xD5, 8),
        ("alaw", 0x55, -8),
        ("alaw", 0xAA, 32256),
        ("alaw", 0x2A, -32256),
        ("alaw", 0xC5, 264),
    ],
)
def test_codes_stand_for_the_samples_of_the_standard(law: str, code: int, sample: int) -> None:
    assert np.frombuffer(expand(bytes([code]), law=law), "<i2")[0] == sample


@pytest.mark.parametrize("law", ["mulaw", "alaw"])
def test_no_sample_moves_by_more_than_half_a_step(law: str) -> None:
    samples = ALL_SAMPLES.astype(int)
    heard = np.frombuffer(expand(compress(ALL_SAMPLES.tobytes(), law=law), law=law), "<i2").astype(
        int
    )
    # Sixteen steps to each doubling, except near zero; the loudest code stands for all that is louder.
    loudness = np.minimum(abs(samples), abs(heard).max())
    step = np.maximum(16, (loudness + 132) / 16)
    assert (abs(abs(heard) - loudness) <= step / 2 + 1).all()
    assert (np.diff(heard) >= 0).all()


@pytest.mark.parametrize("law", ["mulaw", "alaw"])
def test_a_sample_and_its_complement_are_equally_loud(law: str) -> None:
    heard = np.frombuffer(expand(compress(ALL_SAMPLES.tobytes(), law=law), law=law), "<i2").astype(
        int
    )
    assert (heard == -heard[::-1]).all()
