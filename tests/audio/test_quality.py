"""What is broken is named, with its figure; what is merely odd passes."""

from collections.abc import Callable

import numpy as np
import pytest

from edgeproxy.audio.quality import (
    SILENCE_DBFS,
    SILENT_PEAK,
    clipping,
    faults,
    holes,
    judge,
    leading_silence_s,
    loudness_dbfs,
    scaled_to,
    silent,
)
from edgeproxy.audio.resample import resample
from edgeproxy.emulator import speech

Voice = Callable[[int, float], bytes]

RATE = 8000
HELLO = "नमस्ते, मैं आपकी कैसे मदद कर सकती हूँ?"

SPOKEN = {
    "as": "নমস্কাৰ, আপুনি কেনে আছে?",
    "bn": "নমস্কার, আপনি কেমন আছেন?",
    "brx": "नमस्कार, नों माबोरै दं?",
    "doi": "नमस्कार, तुस कियां ओ?",
    "en": "Shh, six sixths of sixty thistles hiss.",
    "gu": "નમસ્તે, તમે કેમ છો?",
    "hi": "छह सौ छत्तीस।",
    "kn": "ನಮಸ್ಕಾರ, ನೀವು ಹೇಗಿದ್ದೀರಿ?",
    "kok": "नमस्कार, तुमी कशे आसात?",
    "ks": "سلام، توهۍ چھِو وارٕے؟",
    "mai": "नमस्कार, अहाँ केहन छी?",
    "ml": "നമസ്കാരം, സുഖമാണോ?",
    "mni": "খুরুমজরি, নহাক কমদৌরি?",
    "mr": "नमस्कार, तुम्ही कसे आहात?",
    "ne": "नमस्ते, तपाईंलाई कस्तो छ?",
    "od": "ନମସ୍କାର, ଆପଣ କେମିତି ଅଛନ୍ତି?",
    "pa": "ਸਤ ਸ੍ਰੀ ਅਕਾਲ, ਤੁਸੀਂ ਕਿਵੇਂ ਹੋ?",
    "sa": "नमस्ते, भवान् कथम् अस्ति?",
    "sat": "ᱡᱚᱦᱟᱨ, ᱟᱢ ᱪᱮᱫ ᱞᱮᱠᱟ ᱢᱮᱱᱟᱢᱟ?",
    "sd": "سلام، توهان ڪيئن آهيو؟",
    "ta": "வணக்கம், எப்படி இருக்கிறீர்கள்?",
    "te": "నమస్కారం, మీరు ఎలా ఉన్నారు?",
    "ur": "السلام علیکم، آپ کیسے ہیں؟",
}


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
    assert found == ["it is cut off in the middle of a value: 16001 bytes are an odd number"]


def test_silence_is_a_fault() -> None:
    found = faults(pcm(*[3, -20] * RATE), rate=RATE, text="Hello there")
    assert found == [
        "it is silent: its loudest moment is 20 of 32767, and below 164 nothing is heard"
    ]


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


# -- what is judged before callers hear it ---------------------------------------------------------


def spoken(language: str = "hi", speaker: str = "ritu", **manner: float) -> bytes:
    """Real speech, at 22,050 Hz."""
    return speech.speak(
        SPOKEN[language], language=f"{language}-IN", speaker=speaker, seed=0, **manner
    )


def noise(colour: float, *, rate: int, seconds: float, peak: int = 12_000) -> bytes:
    """Noise whose power falls with frequency to the power of ``colour``: 0 is white, 1 pink."""
    size = round(rate * seconds)
    spectrum = np.fft.rfft(np.random.default_rng(5).normal(size=size))
    frequencies = np.fft.rfftfreq(size, 1 / rate).clip(min=1 / seconds)
    sound = np.fft.irfft(spectrum / frequencies ** (colour / 2), size)
    found: bytes = (sound / np.abs(sound).max() * peak).astype("<i2").tobytes()
    return found


def seconds_of(sound: bytes) -> float:
    return len(sound) / 2 / speech.RATE


def verdict(sound: bytes, *, text: str = "Hi", rate: int = speech.RATE) -> list[str]:
    return judge(sound, rate=rate, text=text)


@pytest.mark.parametrize("language", sorted(speech.VOICES))
def test_real_speech_passes_in_each_language_whoever_speaks(language: str) -> None:
    for speaker in ("ritu", "shubh", "dev", "gokul"):
        sound = spoken(language, speaker)
        found = judge(
            sound, rate=speech.RATE, text=SPOKEN[language], previous_s=0.9 * seconds_of(sound)
        )
        assert found == [], speaker


@pytest.mark.parametrize("rate", [8000, 16000, 48000])
@pytest.mark.parametrize("pace", [0.3, 1.0, 3.0])
def test_real_speech_passes_at_each_pace_and_rate(rate: int, pace: float) -> None:
    for language in ("en", "hi", "ta"):
        sound = resample(spoken(language, pace=pace), rate=speech.RATE, to=rate)
        assert judge(sound, rate=rate, text=SPOKEN[language]) == []


def test_a_hiss_alone_is_no_noise() -> None:
    for text in ("Psst!", "Shh!", "Yes."):
        sound = speech.speak(text, language="en-IN", speaker="shubh")
        assert judge(sound, rate=speech.RATE, text=text) == []


@pytest.mark.parametrize("rate", [8000, 22050, 48000])
@pytest.mark.parametrize("seconds", [0.15, 2.5])
@pytest.mark.parametrize(("colour", "flatness"), [(0.0, 0.5), (1.0, 0.3)])
def test_noise_is_caught(rate: int, seconds: float, colour: float, flatness: float) -> None:
    (fault,) = verdict(noise(colour, rate=rate, seconds=seconds), rate=rate)
    begin, _, end = fault.partition(" of ")
    assert (begin, end[4:]) == ("it is noise and no voice: a flatness", ", at most 0.25")
    assert float(end[:4]) == pytest.approx(flatness, abs=0.08)


def test_pcm_that_is_a_byte_off_is_caught() -> None:
    assert any("is noise" in fault for fault in verdict(spoken("ta")[1:-1]))


def test_a_voice_that_breaks_down_half_way_is_caught() -> None:
    sound = spoken("en")
    half = len(sound) // 4 * 2
    rest = noise(0, rate=speech.RATE, seconds=(len(sound) - half) / 2 / speech.RATE, peak=4000)
    (fault,) = verdict(sound[:half] + rest)
    assert "is noise" in fault


def test_what_is_shorter_than_a_frame_is_not_listened_to() -> None:
    assert verdict(noise(0, rate=8000, seconds=0.05), rate=8000, text="…") == []


def test_a_hole_is_caught_and_a_pause_is_not() -> None:
    sound, pause, hole = spoken(), bytes(2 * speech.RATE), bytes(4 * speech.RATE)
    middle = len(sound) // 4 * 2
    assert holes(sound[:middle] + pause + sound[middle:], rate=speech.RATE) == []
    (fault,) = verdict(sound[:middle] + hole + sound[middle:], text="Hello there")
    assert fault == "2.00 s of silence inside: at most 1.50 s"
    assert holes(hole + sound + hole, rate=speech.RATE) == []


def test_clipping_is_caught_and_a_peak_at_full_scale_is_not() -> None:
    loud = np.frombuffer(spoken(), "<i2") * 8.0
    clipped = loud.clip(-32768, 32767).astype("<i2").tobytes()
    (fault,) = clipping(clipped)
    assert fault.endswith("% of it is clipped at full volume, at most 0.2%")
    assert fault in verdict(clipped)
    peaks = np.tile([32767, 32767, 0, -32768, -32767, 0], 1000).astype("<i2").tobytes()
    assert clipping(peaks) == []
    assert clipping(np.tile([32767, 32767, 32767, 0], 9).astype("<i2").tobytes()) == [
        "it is distorted: 75.0% of it is clipped at full volume, at most 0.2%"
    ]


def test_a_cut_and_a_repetition_are_caught_by_what_was_before() -> None:
    sound = spoken()
    seconds = seconds_of(sound)
    half = sound[: len(sound) // 4 * 2]
    assert verdict(half) == []
    for found, length in ((half, seconds / 2), (sound * 2, seconds * 2)):
        bounds = f"it may be {0.6 * seconds:.2f} to {1.7 * seconds:.2f} s"
        (fault,) = judge(found, rate=speech.RATE, text="Hi", previous_s=seconds)
        assert fault == f"{length:.2f} s where it was {seconds:.2f} s before: {bounds}"


def test_what_is_too_quiet_or_too_loud_is_caught() -> None:
    sound = spoken()
    level = loudness_dbfs(sound)
    assert judge(sound, rate=speech.RATE, text="Hi", loudness=(-16.0, -6.0)) == [
        f"{level:.1f} dBFS is too quiet: at least -16.0 dBFS"
    ]
    assert judge(sound, rate=speech.RATE, text="Hi", loudness=(-40.0, -30.0)) == [
        f"{level:.1f} dBFS is too loud: at most -30.0 dBFS"
    ]


def test_silence_has_its_fault_once() -> None:
    assert verdict(bytes(2 * speech.RATE)) == [
        "it is silent: its loudest moment is 0 of 32767, and below 164 nothing is heard"
    ]
    assert verdict(b"") == ["there is no sound in it"]


def test_a_verdict_never_repeats_the_text() -> None:
    secret = "SecretName" * 9
    found = judge(noise(0, rate=RATE, seconds=0.2), rate=RATE, text=secret, previous_s=9.0)
    assert len(found) == 3
    assert not any("Secret" in fault for fault in found)


def test_loudness_is_that_of_the_audible_part() -> None:
    square = pcm(*[8192, -8192] * 2048)
    assert loudness_dbfs(square) == pytest.approx(-12.04, abs=0.01)
    assert loudness_dbfs(bytes(8192) + square + bytes(8192)) == loudness_dbfs(square)
    assert loudness_dbfs(b"") == loudness_dbfs(bytes(999)) == SILENCE_DBFS


@pytest.mark.parametrize("dbfs", [-30.0, -16.0])
def test_a_sound_is_scaled_to_a_loudness(dbfs: float) -> None:
    sound = spoken()
    scaled = scaled_to(sound, dbfs)
    assert len(scaled) == len(sound)
    assert loudness_dbfs(scaled) == pytest.approx(dbfs, abs=0.3)


def test_scaling_never_clips() -> None:
    scaled = np.frombuffer(scaled_to(spoken(), -1.0), "<i2").astype(int)
    assert np.abs(scaled).max() == 32767
    assert clipping(scaled.astype("<i2").tobytes()) == []


def test_silence_is_not_scaled() -> None:
    assert scaled_to(bytes(100), -20.0) == bytes(100)
