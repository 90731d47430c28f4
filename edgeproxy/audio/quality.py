"""What is wrong with a recording, before it is kept: each fault a sentence with the figure and its bound.

The sentences are read by people who curate phrases and have never heard of samples.

The bounds are for speech as such, wide enough for any language, speaker and pace (0.3 to 3.0) the origin
offers. They are to catch what is broken, and never to judge how well it is spoken.

:func:`faults` is for every fill: one look at the samples. :func:`judge` is for what will be heard a thousand
times, and listens more closely, at 2 ms of CPU for a second of sound.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..core.audio import SAMPLE_BYTES, duration_s

SILENT_PEAK: Final = 164
"""Below this (0.5 % of full scale, -46 dBFS) is silence: above any encoder's noise, below any voice."""

SILENCE_DBFS: Final = -96.0
"""The loudness of silence: a number, since minus infinity does not survive JSON."""

MIN_S_PER_LETTER: Final = 0.015
"""Shorter is cut off. Unhurried speech takes about 0.07 s a letter; three times the pace is 0.023."""

MAX_S_PER_LETTER: Final = 1.5
"""Longer is not this text. Wide, because one digit may be a word of four syllables, spoken slowly."""

MAX_EXTRA_S: Final = 3.0
"""Allowed on top of that, for pauses, and for marks that are spoken (``%``, ``₹``)."""

MAX_HOLE_S: Final = 1.5
"""A longer silence between two sounds is a hole; pauses between sentences are shorter at any pace."""

MAX_CLIPPED: Final = 0.002
"""Share of samples that may be clipped: more than a plosive that touches full scale."""

DURATIONS: Final = (0.6, 1.7)
"""Least and most, as factors of the generation before: half of it is a cut, twice it says things twice."""

LOUDNESS_DBFS: Final = (-40.0, -6.0)
"""Least and most: no voice that is meant to be heard is outside."""

MAX_FLATNESS: Final = 0.25
"""Spectral flatness of the calmest quarter of the noisiest second: 0 for a tone, 1 for all frequencies alike.

White noise, PCM that is a byte off and bytes that are no PCM have 0.5, pink noise has 0.3. Speech with a
vowel in it has at most 0.12, measured on espeak-ng in 23 languages; a mere "Psst!" has 0.21.
"""

_FULL_SCALE: Final = 32767
_CLIPPED_RUN: Final = 3
"""Fewer samples at full scale in a row are a peak."""

_BLOCK: Final = 256
"""Samples that are heard or not heard together where loudness is measured: 5 to 32 ms."""

_FRAME_S: Final = 0.064
"""Long enough to tell the harmonics of the deepest voice apart."""

_HOP_S: Final = 0.016
_BAND_HZ: Final = (80.0, 3500.0)
"""Where the harmonics of voices are, and what the lowest sample rate has as well."""

_LOUD: Final = 0.1
"""Frames under this part of the loudest (-20 dB) say nothing of the voice."""

_FRAMES_AT_ONCE: Final = 256


def silent(pcm: bytes) -> bool:
    """Whether nothing in it can be heard."""
    return not _audible(pcm).any()


def leading_silence_s(pcm: bytes, rate: int) -> float:
    """Seconds before the first audible sample; all of it when there is none."""
    audible = _audible(pcm)
    first = int(audible.argmax()) if audible.any() else len(audible)
    return first / rate


def longest_s(text: str) -> float:
    """Seconds of sound beyond which it can't be this text."""
    return sum(character.isalnum() for character in text) * MAX_S_PER_LETTER + MAX_EXTRA_S


def loudness_dbfs(pcm: bytes) -> float:
    """RMS of the audible part, in dB of a square wave at full scale; of silence :data:`SILENCE_DBFS`."""
    samples, audible = _samples(pcm), _audible(pcm)
    if not audible.any():
        return SILENCE_DBFS
    starts = np.arange(0, len(samples), _BLOCK)
    heard = np.logical_or.reduceat(audible, starts)
    energies = np.add.reduceat(samples.astype(np.float64) ** 2, starts)
    lengths = np.diff(starts, append=len(samples))
    mean = energies[heard].sum() / lengths[heard].sum()
    return float(10 * np.log10(mean / _FULL_SCALE**2))


def scaled_to(pcm: bytes, dbfs: float) -> bytes:
    """The same sound that loud (see :func:`loudness_dbfs`), or as loud as it gets without clipping.

    Takes whole samples; silence stays as it is.
    """
    if silent(pcm):
        return pcm
    wanted = 10 ** ((dbfs - loudness_dbfs(pcm)) / 20)
    gain = min(wanted, _FULL_SCALE / _peak(pcm))
    scaled: bytes = np.rint(_samples(pcm) * gain).astype("<i2").tobytes()
    return scaled


def faults(pcm: bytes, *, rate: int, text: str) -> list[str]:
    """Why this may not be kept as the sound of ``text``; empty when it may. The text is not repeated."""
    found = []
    if len(pcm) % SAMPLE_BYTES:
        found.append(f"it is cut off in the middle of a value: {len(pcm)} bytes are an odd number")
    if len(pcm) < SAMPLE_BYTES:
        return [*found, "there is no sound in it"]
    if silent(pcm):
        loudest = f"its loudest moment is {_peak(pcm)} of {_FULL_SCALE}"
        found.append(f"it is silent: {loudest}, and below {SILENT_PEAK} nothing is heard")
    seconds = duration_s(len(pcm), rate)
    letters = sum(character.isalnum() for character in text)
    if seconds < (least := letters * MIN_S_PER_LETTER):
        found.append(f"{seconds:.2f} s is too short for {letters} letters: at least {least:.2f} s")
    if seconds > (most := longest_s(text)):
        found.append(f"{seconds:.2f} s is too long for {letters} letters: at most {most:.2f} s")
    return found


def judge(
    pcm: bytes,
    *,
    rate: int,
    text: str,
    previous_s: float | None = None,
    loudness: tuple[float, float] = LOUDNESS_DBFS,
) -> list[str]:
    """Why this may not become what callers hear as ``text``; empty when it may. The text is not repeated.

    ``previous_s``: seconds of what they hear now; None where nothing compares. ``loudness``: least and most,
    in dBFS. What is silent is not listened to any further.
    """
    found = faults(pcm, rate=rate, text=text)
    if previous_s is not None:
        seconds = duration_s(len(pcm), rate)
        least, most = (factor * previous_s for factor in DURATIONS)
        if not least <= seconds <= most:
            bounds = f"it may be {least:.2f} to {most:.2f} s"
            found.append(f"{seconds:.2f} s where it was {previous_s:.2f} s before: {bounds}")
    if not silent(pcm):
        found += holes(pcm, rate=rate)
        found += clipping(pcm)
        found += too_quiet_or_loud(pcm, *loudness)
        found += _noise(pcm, rate)
    return found


def holes(pcm: bytes, *, rate: int) -> list[str]:
    """The longest silence between two sounds, if it is too long."""
    gaps = np.diff(np.flatnonzero(_audible(pcm)))
    longest_s = int(gaps.max(initial=0)) / rate
    if longest_s <= MAX_HOLE_S:
        return []
    return [f"{longest_s:.2f} s of silence inside: at most {MAX_HOLE_S:.2f} s"]


def clipping(pcm: bytes) -> list[str]:
    """How much is cut off at full scale, if it is too much."""
    samples = _samples(pcm)
    full = (samples >= _FULL_SCALE) | (samples <= -_FULL_SCALE)
    # Where a run begins, and where the one behind it is over, by turns.
    edges = np.flatnonzero(np.diff(full, prepend=False, append=False))
    runs = edges[1::2] - edges[::2]
    clipped = int(runs[runs >= _CLIPPED_RUN].sum())
    if clipped <= MAX_CLIPPED * len(samples):
        return []
    share = f"{clipped / len(samples):.1%} of it is clipped at full volume"
    return [f"it is distorted: {share}, at most {MAX_CLIPPED:.1%}"]


def too_quiet_or_loud(pcm: bytes, least: float, most: float) -> Iterator[str]:
    """How loud it is, if that is outside of ``least`` to ``most`` dBFS."""
    level = loudness_dbfs(pcm)
    if level < least:
        yield f"{level:.1f} dBFS is too quiet: at least {least:.1f} dBFS"
    if level > most:
        yield f"{level:.1f} dBFS is too loud: at most {most:.1f} dBFS"


def _noise(pcm: bytes, rate: int) -> Iterator[str]:
    flatness = _flatness(_samples(pcm), rate)
    # A second at a time: a voice may break down half-way. And a quarter of it: hisses are flat as well, but
    # there is no saying anything for a second without a vowel.
    second = min(len(flatness), round(1 / _HOP_S))
    if second:
        seconds = np.lib.stride_tricks.sliding_window_view(flatness, second)
        worst = float(np.percentile(seconds, 25, axis=1).max())
        if worst > MAX_FLATNESS:
            yield f"it is noise and no voice: a flatness of {worst:.2f}, at most {MAX_FLATNESS:.2f}"


def _flatness(samples: NDArray[np.int16], rate: int) -> NDArray[np.float64]:
    """Of each loud frame in turn, the ratio of geometric to arithmetic mean of its power spectrum."""
    size = round(_FRAME_S * rate)
    if len(samples) < size:
        return np.empty(0)
    frames = np.lib.stride_tricks.sliding_window_view(samples, size)[:: round(_HOP_S * rate)]
    sums = np.concatenate([[0.0], np.cumsum(samples.astype(np.float64) ** 2)])
    levels = np.sqrt(sums[size:] - sums[:-size])[:: round(_HOP_S * rate)]
    loud = frames[levels >= levels.max() * _LOUD]
    window = np.hanning(size)
    frequencies = np.fft.rfftfreq(size, 1 / rate)
    voice = (frequencies >= _BAND_HZ[0]) & (frequencies <= _BAND_HZ[1])
    found = []
    for start in range(0, len(loud), _FRAMES_AT_ONCE):
        spectrum = np.fft.rfft(loud[start : start + _FRAMES_AT_ONCE] * window, axis=1)[:, voice]
        # The smallest power that is not nothing: its logarithm must exist.
        power = np.abs(spectrum) ** 2 + 1.0
        found.append(np.exp(np.log(power).mean(axis=1)) / power.mean(axis=1))
    return np.concatenate(found)


def _samples(pcm: bytes) -> NDArray[np.int16]:
    return np.frombuffer(pcm, "<i2", count=len(pcm) // SAMPLE_BYTES)


def _audible(pcm: bytes) -> NDArray[np.bool_]:
    samples = _samples(pcm)
    # Not abs(): -32768 has no positive counterpart in 16 bits.
    return (samples >= SILENT_PEAK) | (samples <= -SILENT_PEAK)


def _peak(pcm: bytes) -> int:
    return int(np.abs(_samples(pcm).astype(np.int32)).max())
