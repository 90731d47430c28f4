"""Real speech from espeak-ng: the same sound for the same text, voice and seed, always.

espeak-ng keeps state between calls (the phase of its flutter, its noise generator), and neither its own
``espeak_Terminate`` nor a second ``espeak_Initialize`` puts all of it back: two calls with one text differ.
So the library is loaded afresh for each utterance and unloaded after it, with its random numbers seeded;
measured at about 2 ms beside 1 ms for the speech itself. That works wherever ``dlclose`` unloads, which
glibc does and musl does not.

The wheel ``espeakng-loader`` carries the library and its data. It is GPL-3 and therefore an optional extra
of this project, imported here and nowhere else.
"""

import asyncio
import ctypes
import hashlib
import threading
from array import array
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Final

from ..audio.resample import resample

RATE: Final = 22050
"""Hz; what espeak-ng speaks at."""

VOICES: Final = {
    "as": "as",
    "bn": "bn",
    "en": "en",
    "gu": "gu",
    "hi": "hi",
    "kn": "kn",
    "ml": "ml",
    "mr": "mr",
    "od": "or",
    "pa": "pa",
    "ta": "ta",
    "te": "te",
    "kok": "kok",
    "ne": "ne",
    "sd": "sd",
    "ur": "ur",
    # espeak-ng has no voice of these; the nearest by script.
    "brx": "hi",
    "doi": "hi",
    "ks": "ur",
    "mai": "hi",
    "mni": "bn",
    "sa": "hi",
    "sat": "bn",
}
"""The language of a Sarvam code (``od-IN``) to espeak-ng's voice."""

WOMEN: Final = frozenset(
    (
        *("anushka", "manisha", "vidya", "arya"),
        *(
            "ritu",
            "priya",
            "neha",
            "pooja",
            "simran",
            "kavya",
            "ishita",
            "shreya",
            "roopa",
            "tanya",
        ),
        *("shruti", "suhani", "kavitha", "rupali", "amelia", "sophia"),
    )
)
"""Speakers to be given a woman's voice; with any name not known here the seed decides."""

WOMENS_VARIANTS: Final = ("f1", "f2", "f3", "f4", "Annie", "belinda", "linda", "steph", "aunty")
MENS_VARIANTS: Final = (
    "m1",
    "m2",
    "m3",
    "m4",
    "m5",
    "m6",
    "m7",
    "david",
    "edward",
    "michel",
    "robert",
)

LEAD_S: Final = 0.04
TAIL_S: Final = 0.14
"""Silence around an utterance: espeak-ng leaves none, and sentences set edge to edge sound breathless."""

AUDIBLE: Final = 200
"""Samples at or under this are silence; espeak-ng's shortest answer to nothing is 8 ms of zeros."""

# Constants of speak_lib.h.
_SYNCHRONOUS: Final = 2
_DO_NOT_EXIT: Final = 0x8000
_UTF8: Final = 1
_SPEED, _VOLUME, _PITCH, _PITCH_RANGE = 1, 2, 3, 4

_VOLUME_OF_LOUDNESS_1: Final = 70
"""Of 100, at which some variants clip."""

_Samples = ctypes.POINTER(ctypes.c_short)
_Callback = ctypes.CFUNCTYPE(ctypes.c_int, _Samples, ctypes.c_int, ctypes.c_void_p)

_one_at_a_time = threading.Lock()


class SpeechUnavailable(RuntimeError):
    """The optional extra with espeak-ng is not installed."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How a speaker sounds: espeak-ng's variant, pitch and pitch range (0-100), words a minute at pace 1."""

    variant: str
    pitch: int
    pitch_range: int
    words_per_minute: int

    @classmethod
    def of(cls, speaker: str, *, seed: int = 0) -> "Manner":
        """The manner of ``speaker``: always the same for the same name and seed."""
        digest = hashlib.blake2b(f"{seed}/{speaker}".encode(), digest_size=8).digest()
        name = speaker.partition("_")[0]
        woman = name in WOMEN or (len(name) < len(speaker) and digest[0] % 2 == 0)
        variants = WOMENS_VARIANTS if woman else MENS_VARIANTS
        return cls(
            variant=variants[digest[1] % len(variants)],
            pitch=35 + digest[2] % 31,
            pitch_range=40 + digest[3] % 31,
            words_per_minute=150 + digest[4] % 31,
        )


def require() -> Any:
    """The wheel with espeak-ng. Raises :class:`SpeechUnavailable`, in one line, if it is not installed."""
    try:
        import espeakng_loader
    except ImportError:
        missing = "no speech without espeak-ng: pip install 'edgeproxy[emulator]'"
        raise SpeechUnavailable(missing) from None
    return espeakng_loader


def speak(
    text: str,
    *,
    language: str,
    speaker: str,
    pace: float = 1.0,
    pitch: float = 0.0,
    loudness: float = 1.0,
    seed: int = 0,
) -> bytes:
    """Speak ``text``: PCM at :data:`RATE`. Blocks for about 2 ms and 0.6 ms for each second of speech.

    ``language`` is a code of Sarvam's; ``pitch`` is 0 for the speaker's own, -1 and 1 for the ends of the
    scale. Text with nothing in it to say (blank, an ellipsis) is no bytes at all; text in a script that
    espeak-ng cannot read is hummed, a syllable a letter, since clients take silence for a fault. Calls from
    several threads take turns.

    Raises :class:`ValueError` for an unknown language and :class:`SpeechUnavailable` without espeak-ng.
    """
    code = language.partition("-")[0]
    if code not in VOICES:
        raise ValueError(f"no voice for language {language!r}: one of {', '.join(VOICES)}")
    manner = Manner.of(speaker, seed=seed)
    voice = f"{VOICES[code]}+{manner.variant}"
    parameters = {
        _SPEED: _between(80, round(manner.words_per_minute * pace), 450),
        _VOLUME: _between(0, round(_VOLUME_OF_LOUDNESS_1 * loudness), 200),
        _PITCH: _between(0, round(manner.pitch + 50 * pitch), 100),
        _PITCH_RANGE: manner.pitch_range,
    }
    # Part of the sound, like the rest: noise that is drawn from the text stays with the text.
    noise = int.from_bytes(
        hashlib.blake2b(f"{seed}/{text}".encode("utf-8", "replace"), digest_size=3).digest()
    )
    with _one_at_a_time:
        pcm = _espeak(text, voice=voice, parameters=parameters, noise=noise)
        letters = sum(character.isalnum() for character in text)
        if not _audible(pcm) and letters:
            pcm = _espeak("ma " * letters, voice=voice, parameters=parameters, noise=noise)
    if not _audible(pcm):
        return b""
    return _silence(LEAD_S) + pcm + _silence(TAIL_S)


def _between(low: int, value: int, high: int) -> int:
    return max(low, min(value, high))


def _silence(seconds: float) -> bytes:
    return bytes(2 * round(seconds * RATE))


def _audible(pcm: bytes) -> bool:
    return any(abs(sample) > AUDIBLE for sample in array("h", pcm))


def _espeak(text: str, *, voice: str, parameters: dict[int, int], noise: int) -> bytes:
    """One utterance from a library that has never spoken before."""
    try:
        import espeakng_loader
    except ImportError:
        raise SpeechUnavailable(
            "no speech without espeak-ng: pip install 'edgeproxy[emulator]'"
        ) from None

    pieces: list[bytes] = []

    def hear(samples: Any, count: int, _events: object) -> int:
        if samples and count > 0:
            pieces.append(ctypes.string_at(samples, 2 * count))
        return 0

    # Kept by name to the end of the function: ctypes does not keep it for the library.
    callback = _Callback(hear)

    library = ctypes.CDLL(espeakng_loader.get_library_path())
    try:
        data = espeakng_loader.get_data_path().encode()
        rate = library.espeak_Initialize(_SYNCHRONOUS, 0, data, _DO_NOT_EXIT)
        if rate != RATE:
            raise RuntimeError(f"espeak-ng did not start: {rate}, not {RATE}")
        library.espeak_SetSynthCallback(callback)
        if library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise RuntimeError(f"espeak-ng has no voice {voice!r}")
        for parameter, value in parameters.items():
            library.espeak_SetParameter(parameter, value, 0)
        library.espeak_ng_SetRandSeed(ctypes.c_long(noise))
        # A NUL would end the text for C.
        spoken = text.replace("\0", " ").encode("utf-8", "replace") + b"\0"
        library.espeak_Synth(spoken, ctypes.c_size_t(len(spoken)), 0, 0, 0, _UTF8, None, None)
        library.espeak_Synchronize()
    finally:
        library.espeak_Terminate()
        unload = ctypes.CDLL(None).dlclose
        unload.argtypes = [ctypes.c_void_p]
        unload(library._handle)
    return b"".join(pieces)


class Speech:
    """:func:`speak` for an event loop: off the loop, at any rate, recent utterances remembered.

    What is remembered is what would be spoken again, so remembering never shows.
    """

    def __init__(self, *, seed: int = 0, remembered: int = 64) -> None:
        """``seed`` gives the speakers their voices; ``remembered`` bounds the utterances kept."""
        self._seed = seed
        self._remembered = remembered
        self._recent: OrderedDict[tuple[object, ...], bytes] = OrderedDict()
        # Callers wait here rather than each in a thread of its own.
        self._one_at_a_time = asyncio.Lock()

    async def speak(
        self,
        text: str,
        *,
        language: str,
        speaker: str,
        rate: int = RATE,
        pace: float = 1.0,
        pitch: float = 0.0,
        loudness: float = 1.0,
    ) -> bytes:
        """As :func:`speak`, as PCM at ``rate`` Hz."""

        def work() -> bytes:
            pcm = speak(
                text,
                language=language,
                speaker=speaker,
                pace=pace,
                pitch=pitch,
                loudness=loudness,
                seed=self._seed,
            )
            return resample(pcm, rate=RATE, to=rate)

        key = (text, language, speaker, rate, pace, pitch, loudness)
        async with self._one_at_a_time:
            pcm = self._recent.get(key)
            if pcm is None:
                pcm = await asyncio.to_thread(work)
            self._recent[key] = pcm
            self._recent.move_to_end(key)
            while len(self._recent) > self._remembered:
                self._recent.popitem(last=False)
        return pcm
