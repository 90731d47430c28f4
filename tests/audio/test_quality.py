"""What is broken is named, with its figure; what is merely odd passes."""

from collections.abc import Callable

import numpy as np
import pytest

from edgeproxy.audio.quality import SILENT_PEAK, faults, leading_silence_s, silent

Voice = Callable[[int, float], bytes]

RATE = 8000
HELLO = "नमस्ते, मैं आपकी कैसे मदद कर सकती हूँ?"


def pcm(*samples: int) -> bytes:
    return np.array(samples, "<i2").tobytes()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (HELLO, 2.4),
        ("Your order has been confirmed.", 1.8),
        ("Your order has been confirmed.", 0.6),  # at three times the pace
        ("Your order has been confirmed.", 6.0),  # at 0.3 of it
        ("₹1,25,000", 3.5),
        ("9876543210", 6.0),
        ("Hi", 0.3),
        ("…", 0.5),
        ("வணக்கம்", 0.9),
    ],
)
def test_speech_of_its_text_has_no_fault(voice: Voice, text: str, seconds: float) -> None:
    assert faults(voice(RATE, seconds), rate=RATE, text=text) == []


def test_nothing_is_a_fault() -> None:
    assert faults(b"", rate=RATE, text="") == ["there is no sound in it"]


def test_half_a_sample_is_a_fault(voice: Voice) -> None:
    found = faults(voice(RATE, 1.0) + b"\0", rate=RATE, text="Hello there")
    assert found == ["16001 bytes are not whole samples"]


def test_silence_is_a_fault() -> None:
    found = faults(pcm(*[3, -20] * RATE), rate=RATE, text="Hello there")
    assert found == ["no sample is louder than 20: silence is below 164"]


def test_what_was_cut_off_is_a_fault(voice: Voice) -> None:
    found = faults(voice(RATE, 0.2), rate=RATE, text="Your order has been confirmed.")
    assert found == ["0.20 s is too short for 25 letters: at least 0.38 s"]


def test_what_goes_on_and_on_is_a_fault(voice: Voice) -> None:
    found = faults(voice(RATE, 7.0), rate=RATE, text="Hi")
    assert found == ["7.00 s is too long for 2 letters: at most 6.00 s"]


def test_each_fault_is_named(voice: Voice) -> None:
    assert len(faults(bytes(2 * 10 * RATE + 1), rate=RATE, text="Hi")) == 3


def test_no_fault_repeats_the_text() -> None:
    found = faults(b"\0" * 3, rate=RATE, text="SecretName" * 9)
    assert found
    assert not any("Secret" in fault for fault in found)


@pytest.mark.parametrize("peak", [SILENT_PEAK, -SILENT_PEAK, 1 << 14, -(1 << 15)])
def test_one_audible_sample_is_not_silence(peak: int) -> None:
    assert not silent(pcm(0, 0, peak))


@pytest.mark.parametrize("sound", [b"", pcm(0), pcm(SILENT_PEAK - 1, 1 - SILENT_PEAK)])
def test_less_than_audible_is_silence(sound: bytes) -> None:
    assert silent(sound)


def test_the_silence_in_front_is_measured_up_to_the_first_audible_sample() -> None:
    assert leading_silence_s(pcm(*[0] * 799, 10, 5000, 0), RATE) == 0.1
    assert leading_silence_s(pcm(5000), RATE) == 0.0
    assert leading_silence_s(pcm(*[0] * 400), RATE) == 0.05
    assert leading_silence_s(b"", RATE) == 0.0
