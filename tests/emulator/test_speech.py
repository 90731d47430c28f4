import asyncio
import hashlib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from edgeproxy.emulator.speech import RATE, VOICES, Manner, Speech, SpeechUnavailable, speak

NAMASTE = "नमस्ते, आप कैसे हैं? मैं आपकी मदद कर सकता हूँ।"

V3_MEN_AND_WOMEN = (
    *("shubh", "aditya", "ritu", "priya", "neha", "rahul", "pooja", "rohan", "simran", "kavya"),
    *("amit", "dev", "ishita", "shreya", "ratan", "varun", "manan", "sumit", "roopa", "kabir"),
    *("aayan", "ashutosh", "advait", "anand", "tanya", "tarun", "sunny", "mani", "gokul", "vijay"),
    *("shruti", "suhani", "mohit", "kavitha", "rehan", "soham", "rupali"),
)


def digest(pcm: bytes) -> str:
    return hashlib.sha256(pcm).hexdigest()


def seconds(pcm: bytes) -> float:
    return len(pcm) / 2 / RATE


def test_the_same_words_sound_the_same_whatever_was_spoken_before() -> None:
    first = speak(NAMASTE, language="hi-IN", speaker="shubh")
    for text, language, speaker in [
        ("Good morning, this is a call from your bank.", "en-IN", "ritu"),
        ("வணக்கம்", "ta-IN", "amit"),
        ("", "hi-IN", "shubh"),
    ]:
        speak(text, language=language, speaker=speaker, pace=1.4)
        assert speak(NAMASTE, language="hi-IN", speaker="shubh") == first


def test_the_same_words_sound_the_same_in_another_process() -> None:
    program = (
        "import hashlib, sys; from edgeproxy.emulator.speech import speak; "
        "speak('Something else first.', language='en-IN', speaker='neha'); "
        "print(hashlib.sha256(speak(sys.argv[1], language='hi-IN', speaker='shubh')).hexdigest())"
    )
    elsewhere = subprocess.run(
        [sys.executable, "-c", program, NAMASTE], capture_output=True, text=True, check=True
    )
    assert elsewhere.stdout.strip() == digest(speak(NAMASTE, language="hi-IN", speaker="shubh"))


def test_the_same_words_sound_the_same_from_many_threads_at_once() -> None:
    texts = ["One moment please.", "How can I help you?", "Thank you for calling."]
    alone = {text: speak(text, language="en-IN", speaker="priya") for text in texts}
    with ThreadPoolExecutor(max_workers=6) as threads:
        together = list(
            threads.map(
                lambda text: (text, speak(text, language="en-IN", speaker="priya")), texts * 6
            )
        )
    assert all(pcm == alone[text] for text, pcm in together)


def test_every_language_has_a_voice_that_is_heard() -> None:
    for code in VOICES:
        assert seconds(speak("1 2 3", language=f"{code}-IN", speaker="shubh")) > 0.5, code


def test_every_speaker_sounds_different() -> None:
    said = {digest(speak("Hello.", language="en-IN", speaker=name)) for name in V3_MEN_AND_WOMEN}
    assert len(said) == len(V3_MEN_AND_WOMEN)


def test_another_seed_gives_a_speaker_another_manner() -> None:
    assert Manner.of("shubh", seed=1) == Manner.of("shubh", seed=1)
    assert Manner.of("shubh", seed=1) != Manner.of("shubh", seed=2)


def test_pace_shortens_and_loudness_and_pitch_change_the_sound() -> None:
    plain = speak(NAMASTE, language="hi-IN", speaker="shubh")
    fast = speak(NAMASTE, language="hi-IN", speaker="shubh", pace=2.0)
    assert seconds(fast) < 0.7 * seconds(plain)
    assert speak(NAMASTE, language="hi-IN", speaker="shubh", pitch=0.5) != plain
    assert speak(NAMASTE, language="hi-IN", speaker="shubh", loudness=0.3) != plain


def test_nothing_to_say_is_no_audio() -> None:
    for text in ("", "  \n", "..."):
        assert speak(text, language="en-IN", speaker="shubh") == b""


def test_a_script_espeak_cannot_read_is_still_heard() -> None:
    assert seconds(speak("ꯃꯤꯇꯩ", language="mni-IN", speaker="shubh")) > 0.3


def test_odd_characters_do_not_end_the_text() -> None:
    whole = speak("Hello there my friend", language="en-IN", speaker="shubh")
    assert seconds(
        speak("Hello\0there my friend", language="en-IN", speaker="shubh")
    ) > 0.9 * seconds(whole)
    assert speak("Hello \ud800 there", language="en-IN", speaker="shubh")


def test_an_unknown_language_is_named_with_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"'fr-FR'.*as, bn, en"):
        speak("Bonjour", language="fr-FR", speaker="shubh")


def test_without_the_extra_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    with pytest.raises(SpeechUnavailable, match=r"pip install 'edgeproxy\[emulator\]'"):
        speak("Hello", language="en-IN", speaker="shubh")


async def test_speech_off_the_loop_is_the_same_at_any_rate_and_when_forgotten() -> None:
    speech = Speech(remembered=1)
    said = await asyncio.gather(
        *(speech.speak(NAMASTE, language="hi-IN", speaker="shubh") for _ in range(4))
    )
    assert set(said) == {speak(NAMASTE, language="hi-IN", speaker="shubh")}
    low = await speech.speak(NAMASTE, language="hi-IN", speaker="shubh", rate=8000)
    assert len(low) / 2 / 8000 == pytest.approx(seconds(said[0]), abs=0.001)
    assert await speech.speak(NAMASTE, language="hi-IN", speaker="shubh") == said[0]
    assert await speech.speak(NAMASTE, language="hi-IN", speaker="shubh", rate=8000) == low
