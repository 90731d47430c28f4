"""How long things take: profiles of Sarvam's latency, drawn from a seed.

A :class:`Profile` is a set of distributions. :meth:`Profile.timing` draws from them what one utterance will
take; the same seed, connection and utterance always draw the same figures, whatever else goes on. Three
profiles are built in, ``instant``, ``v3`` and ``seed``; any other comes from a YAML file::

    base: v3                    # where the keys that are not named come from; instant if left out
    handshake_s: [0.20, 0.37]   # from, to; or one number
    first_audio_s:              # by length of the text in characters; or as above
      50: [0.27, 0.33]
      150: [0.80, 0.90]
    stall_probability: 0.05
"""

import asyncio
import dataclasses
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import yaml


class Clock:
    """The time that latencies are kept by; tests put their own in its place."""

    def now(self) -> float:
        """Seconds from some moment on."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait; not at all for 0 or less."""
        if seconds > 0:
            await asyncio.sleep(seconds)


@dataclass(frozen=True, slots=True)
class Range:
    """Any figure between two, each as likely as the other."""

    low: float
    high: float

    def draw(self, dice: random.Random) -> float:
        """One figure; always takes one number from ``dice``."""
        return self.low + (self.high - self.low) * dice.random()


@dataclass(frozen=True, slots=True)
class Curve:
    """A range that depends on the length of the text: ``(characters, range)``, shortest first.

    In a straight line from point to point, level before the first and after the last.
    """

    points: tuple[tuple[int, Range], ...]

    def at(self, characters: int) -> Range:
        """The range for a text of that length."""
        first, last = self.points[0], self.points[-1]
        if characters <= first[0]:
            return first[1]
        for (left, low), (right, high) in pairwise(self.points):
            if characters <= right:
                part = (characters - left) / (right - left)
                return Range(
                    low.low + (high.low - low.low) * part,
                    low.high + (high.high - low.high) * part,
                )
        return last[1]


@dataclass(frozen=True, slots=True)
class Timing:
    """What one utterance will take; times in seconds."""

    wav_header_s: float
    first_audio_s: float
    realtime_factor: float
    stall_s: float
    """Length of the silence in mid-utterance; 0 for none."""
    stall_at: float
    """Where in the utterance, 0 to 1."""
    final_s: float
    loses_final: bool

    def dues(self, lengths_s: Sequence[float]) -> list[float]:
        """When each message of audio is sent, counted from the text; ``lengths_s`` is what each plays for.

        A stall comes before one of them, never before the first.
        """
        stalled = max(1, int(self.stall_at * len(lengths_s)))
        due, dues = self.first_audio_s, []
        for index, length_s in enumerate(lengths_s):
            if index == stalled:
                due += self.stall_s
            dues.append(due)
            due += length_s * self.realtime_factor
        return dues


@dataclass(frozen=True, slots=True)
class Profile:
    """Distributions, in seconds unless said otherwise."""

    name: str
    handshake_s: Range
    """From the opened TCP connection to the answer to the upgrade."""
    config_s: Range
    """From a ``config`` until what is said after it can begin: text that comes later does not wait."""
    wav_header_s: Range
    """From the text to the bare WAV header, which comes before there is any audio."""
    first_audio_s: Curve
    """From the text to the first audio, the header not counted."""
    realtime_factor: Range
    """Seconds to send one second of speech once it has begun."""
    stall_probability: float
    stall_s: Range
    final_s: Range
    """From the last audio to the ``final``."""
    missing_final_probability: float
    """1 in 34 runs of F2 never had its ``final``. 0 in the built-in profiles: that is a fault to ask for
    (``--faults missing_final=0.03``), not one to meet by chance."""
    rest_s: Curve
    """REST: from the request to the whole answer."""
    stream_first_byte_s: Range
    """HTTP stream: from the request to the first bytes of audio."""
    v2_alive: bool = False
    """Whether ``bulbul:v2`` still speaks: it was retired about 2026-09."""

    def handshake(self, *, seed: int, at: str) -> float:
        """How long the connection ``at`` takes to be answered."""
        return self.handshake_s.draw(random.Random(f"{seed}/{at}/handshake"))

    def config(self, *, seed: int, at: str) -> float:
        """How long the ``config`` before the utterance ``at`` takes."""
        return self.config_s.draw(random.Random(f"{seed}/{at}/config"))

    def timing(self, characters: int, *, seed: int, at: str) -> Timing:
        """What the utterance ``at`` (a connection's number, its own number in it) will take."""
        # Every figure is drawn each time and in this order: none depends on whether another was wanted.
        dice = random.Random(f"{seed}/{at}/timing")
        header = self.wav_header_s.draw(dice)
        first_audio = self.first_audio_s.at(characters).draw(dice)
        factor = self.realtime_factor.draw(dice)
        stalls = dice.random() < self.stall_probability
        stall = self.stall_s.draw(dice)
        stall_at = dice.random()
        final = self.final_s.draw(dice)
        loses_final = dice.random() < self.missing_final_probability
        return Timing(
            wav_header_s=header,
            first_audio_s=first_audio,
            realtime_factor=factor,
            stall_s=stall if stalls else 0.0,
            stall_at=stall_at,
            final_s=final,
            loses_final=loses_final,
        )

    def rest(self, characters: int, *, seed: int, at: str) -> float:
        """How long REST takes for a text of that length."""
        return self.rest_s.at(characters).draw(random.Random(f"{seed}/{at}/rest"))

    def stream_first_byte(self, *, seed: int, at: str) -> float:
        """How long HTTP stream takes to begin."""
        return self.stream_first_byte_s.draw(random.Random(f"{seed}/{at}/stream"))


_NOTHING: Final = Range(0.0, 0.0)

INSTANT: Final = Profile(
    name="instant",
    handshake_s=_NOTHING,
    config_s=_NOTHING,
    wav_header_s=_NOTHING,
    first_audio_s=Curve(((0, _NOTHING),)),
    realtime_factor=_NOTHING,
    stall_probability=0.0,
    stall_s=_NOTHING,
    final_s=_NOTHING,
    missing_final_probability=0.0,
    rest_s=Curve(((0, _NOTHING),)),
    stream_first_byte_s=_NOTHING,
)
"""No waiting at all: for tests."""

V3: Final = Profile(
    name="v3",
    # 209 ms (field report F1), 326-369 ms (F2).
    handshake_s=Range(0.20, 0.37),
    # Nobody measured it apart from the first audio, which has it inside.
    config_s=_NOTHING,
    # 80-85 ms after the text (F2).
    wav_header_s=Range(0.080, 0.085),
    # 130 ms (F1), 258-287 ms (F2), 258 and 268 ms (F3), 240-270 ms (F10); no growth with the text was seen.
    first_audio_s=Curve(((0, Range(0.13, 0.29)),)),
    # 4.7 s of speech in about 0.75 s after the first audio, 2.65 s within 1.38 s (F1, F2).
    realtime_factor=Range(0.25, 0.50),
    # Healthy runs stood still for 550-786 ms now and then (F2, which does not say how often: our guess).
    stall_probability=0.03,
    stall_s=Range(0.55, 0.80),
    # 0-2 ms after the last audio, 22 of 22 (F2).
    final_s=Range(0.0, 0.002),
    missing_final_probability=0.0,
    # 1.1-1.45 s for about 70 characters (F1, F7), 1.76 s for 44 and 4.17 s for 164 (F2).
    rest_s=Curve(((70, Range(1.1, 1.76)), (164, Range(2.6, 4.17)))),
    # 0.34-0.38 s from Chennai (F7), 0.443 s (F11).
    stream_first_byte_s=Range(0.34, 0.443),
)
"""Sarvam in late 2026: ``bulbul:v3`` over a warm network."""

SEED: Final = dataclasses.replace(
    V3,
    name="seed",
    # The latency study of January 2026 on bulbul:v2 with MP3: connect 50-100 ms, config 20-50 ms ...
    handshake_s=Range(0.05, 0.10),
    config_s=Range(0.02, 0.05),
    # ... first audio 0.3 s for 20-50 characters, 0.8-1.2 s for 150-300: the model did not stream.
    first_audio_s=Curve(
        ((50, Range(0.28, 0.32)), (150, Range(0.80, 0.90)), (300, Range(1.05, 1.20)))
    ),
    v2_alive=True,
)
"""The study this project grew from; what it did not measure is as in :data:`V3`."""

PROFILES: Final = {profile.name: profile for profile in (INSTANT, V3, SEED)}


def parse_latency(name: str) -> Profile:
    """The built-in profile of that name, or the one in the YAML file of that path.

    Raises :class:`ValueError`, in one line, for anything else.
    """
    if (known := PROFILES.get(name)) is not None:
        return known
    try:
        document = yaml.safe_load(Path(name).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(
            f"latency {name!r} is neither {', '.join(PROFILES)} nor a file that can be read: {error}"
        ) from None
    except yaml.YAMLError as error:
        raise ValueError(f"latency profile {name}: {' '.join(str(error).split())}") from None
    try:
        return _profile(Path(name).stem, document)
    except ValueError as error:
        raise ValueError(f"latency profile {name}: {error}") from None


def _profile(name: str, document: Any) -> Profile:
    if not isinstance(document, Mapping):
        raise ValueError("expected keys and values")
    base = document.get("base", "instant")
    if base not in PROFILES:
        raise ValueError(f"base {base!r}: one of {', '.join(PROFILES)}")
    kinds = {
        field.name: field.type for field in dataclasses.fields(Profile) if field.name != "name"
    }
    values: dict[str, Any] = {}
    for key, value in document.items():
        if key == "base":
            continue
        if key not in kinds:
            raise ValueError(f"unknown key {key!r}: one of base, {', '.join(kinds)}")
        if kinds[key] is Curve:
            values[key] = _curve(key, value)
        elif kinds[key] is Range:
            values[key] = _range(key, value)
        elif kinds[key] is bool:
            if not isinstance(value, bool):
                raise ValueError(f"{key}: {value!r} is neither true nor false")
            values[key] = value
        else:
            values[key] = _probability(key, value)
    return dataclasses.replace(PROFILES[base], name=name, **values)


def _number(key: str, value: Any) -> float:
    # bool is an int to Python, not to the writer of the file; NaN fails the comparison.
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 3600:
        raise ValueError(f"{key}: {value!r} is not a number from 0 to 3600")
    return float(value)


def _probability(key: str, value: Any) -> float:
    if _number(key, value) > 1:
        raise ValueError(f"{key}: {value!r} is not a probability from 0 to 1")
    return float(value)


def _range(key: str, value: Any) -> Range:
    if not isinstance(value, list):
        return Range(_number(key, value), _number(key, value))
    numbers = [_number(key, number) for number in value]
    if len(numbers) != 2 or numbers[0] > numbers[1]:
        raise ValueError(f"{key}: {value!r} is not [from, to]")
    return Range(*numbers)


def _curve(key: str, value: Any) -> Curve:
    if not isinstance(value, Mapping):
        return Curve(((0, _range(key, value)),))
    if not value or not all(type(characters) is int and characters >= 0 for characters in value):
        raise ValueError(f"{key}: expected lengths in characters and their ranges")
    return Curve(tuple(sorted((length, _range(key, one)) for length, one in value.items())))
