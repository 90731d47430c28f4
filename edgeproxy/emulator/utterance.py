"""From a text to what goes on the wire: pieces, speech, faults of the sound, messages of a codec."""

import asyncio
import re
from collections.abc import Container, Iterator
from typing import Final

from ..audio.encode import encoder
from ..core.audio import SAMPLE_BYTES, Encoder
from .delivery import Delivery
from .speech import Speech

CHUNK_BYTES: Final = 16384
"""PCM in one message, as seen at 24 kHz (field report F1) ..."""

CHUNK_BYTES_AT_8_KHZ: Final = 8800
"""... and at 8 kHz (F10)."""

_SENTENCE: Final = re.compile(r".+?(?:[.!?…]+(?=\s|$)|[।॥۔؟]+|$)\s*", re.DOTALL)


def split(text: str, *, limit: int) -> list[str]:
    """Pieces of at most ``limit`` characters, cut at ends of sentences, else at spaces, else anywhere.

    Joined they are ``text`` again.
    """
    pieces: list[str] = []
    current = ""
    for sentence in _SENTENCE.findall(text):
        for part in _fit(sentence, limit):
            if current and len(current) + len(part) > limit:
                pieces.append(current)
                current = ""
            current += part
    return [*pieces, current] if current else pieces


def _fit(sentence: str, limit: int) -> Iterator[str]:
    while len(sentence) > limit:
        cut = sentence.rfind(" ", 0, limit) + 1 or limit
        yield sentence[:cut]
        sentence = sentence[cut:]
    yield sentence


async def pronounce(speech: Speech, text: str, *, delivery: Delivery) -> bytes:
    """``text`` as PCM at the rate of the delivery, piece by piece."""
    pieces = [
        await speech.speak(
            piece,
            language=delivery.language,
            speaker=delivery.speaker,
            rate=delivery.rate,
            pace=delivery.pace,
            pitch=delivery.pitch,
            loudness=delivery.loudness,
        )
        for piece in split(text, limit=delivery.max_chunk_length)
    ]
    return b"".join(pieces)


def spoil(pcm: bytes, faults: Container[str]) -> bytes:
    """The sound with what ``silence``, ``empty`` and ``short`` do to it."""
    if "empty" in faults:
        return b""
    if "short" in faults:
        pcm = pcm[: len(pcm) // 2 // SAMPLE_BYTES * SAMPLE_BYTES]
    return bytes(len(pcm)) if "silence" in faults else pcm


def message_bytes(rate: int) -> int:
    """How much PCM Sarvam sends in one message at ``rate`` Hz."""
    return CHUNK_BYTES_AT_8_KHZ if rate == 8000 else CHUNK_BYTES


def chunks(pcm: bytes, *, size: int) -> list[bytes]:
    """PCM in pieces of ``size`` bytes, the last one shorter."""
    return [pcm[start : start + size] for start in range(0, len(pcm), size)]


class Coder:
    """One continuous stream of a codec, encoded off the loop, as bytes for one message at a time.

    ``wav`` is its PCM here: the header is a message of its own, and not of every stream.
    """

    def __init__(self, delivery: Delivery) -> None:
        self._plain = delivery.codec in ("linear16", "wav")
        self._encoder: Encoder | None = (
            None
            if self._plain
            else encoder(delivery.codec, rate=delivery.rate, bitrate=delivery.bitrate)
        )

    async def feed(self, pcm: bytes) -> bytes:
        """What ``pcm`` completes; maybe nothing yet."""
        if self._encoder is None:
            return pcm
        return b"".join(await asyncio.to_thread(self._encoder.feed, pcm))

    async def finish(self) -> bytes:
        """What is still inside."""
        if self._encoder is None:
            return b""
        return b"".join(await asyncio.to_thread(self._encoder.finish))
