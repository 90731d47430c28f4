"""The oracle: what the emulator says for a text, sample by sample, asked of its speech room directly.

The emulator promises the same sound for the same words in the same voice. So what a caller must hear is
known without asking the proxy anything: the text through the same splitter, each segment as the emulator
speaks it, one after the other.
"""

from collections import OrderedDict
from collections.abc import AsyncIterator, Iterable
from typing import Any

from edgeproxy.audio.resample import resample
from edgeproxy.core.audio import SAMPLE_BYTES
from edgeproxy.core.text import has_word
from edgeproxy.core.turn import Cuts, split
from edgeproxy.emulator import utterance
from edgeproxy.emulator.speech import Speech

MAX_CHUNK_LENGTH = 150
"""Sarvam's own: longer segments are spoken in pieces."""
PAUSE_S = 0.1
"""What has no word in it is a pause of ours."""


class Truth:
    """What is right. ``masters``: rates that books are made at, from which others are derived; ``known``:
    how many segments are remembered."""

    def __init__(self, *, seed: int = 0, masters: Iterable[int] = (), known: int = 400) -> None:
        self._speech = Speech(seed=seed)
        self._masters = tuple(masters)
        self._most = known
        self._known: OrderedDict[tuple[object, ...], bytes] = OrderedDict()

    async def segment(
        self, text: str, *, language: str = "hi-IN", speaker: str = "shubh", rate: int = 8000
    ) -> bytes:
        """The sound of one segment."""
        return await self._made(text, language, speaker, rate, rate)

    async def sounds(
        self, text: str, *, language: str = "hi-IN", speaker: str = "shubh", rate: int = 8000
    ) -> AsyncIterator[bytes]:
        """The sounds that a segment may have: its own, and those derived from a book's master."""
        yield await self._made(text, language, speaker, rate, rate)
        for master in self._masters:
            if master != rate and has_word(text):
                yield await self._made(text, language, speaker, rate, master)

    async def turn(self, text: str, **voice: Any) -> bytes:
        """The whole of a turn that no book has a say in."""
        parts = [await self.segment(cut.text, **voice) for cut in split(text, Cuts())]
        return b"".join(parts)

    async def is_right(self, heard: bytes, text: str, **voice: Any) -> bool:
        """Whether ``heard`` is the turn, all of it and nothing else."""
        return await self._is_followed(heard, text, whole=True, **voice)

    async def is_beginning(self, heard: bytes, text: str, **voice: Any) -> bool:
        """Whether ``heard`` is how the turn begins, however far it came."""
        return await self._is_followed(heard, text, whole=False, **voice)

    async def _is_followed(self, heard: bytes, text: str, *, whole: bool, **voice: Any) -> bool:
        at = 0
        for cut in split(text, Cuts()):
            if at == len(heard) and not whole:
                return True
            async for sound in self.sounds(cut.text, **voice):
                if heard.startswith(sound, at):
                    at += len(sound)
                    break
                if not whole and sound.startswith(heard[at:]):
                    return True
            else:
                return False
        return at == len(heard)

    async def _made(self, text: str, language: str, speaker: str, rate: int, master: int) -> bytes:
        key = (text, language, speaker, rate, master)
        if (known := self._known.get(key)) is None:
            known = await self._spoken(text, language, speaker, master)
            if master != rate:
                known = resample(known, rate=master, to=rate)
            self._known[key] = known
        self._known.move_to_end(key)
        while len(self._known) > self._most:
            self._known.popitem(last=False)
        return known

    async def _spoken(self, text: str, language: str, speaker: str, rate: int) -> bytes:
        if not has_word(text):
            return bytes(int(rate * PAUSE_S) * SAMPLE_BYTES)
        pieces = [
            await self._speech.speak(piece, language=language, speaker=speaker, rate=rate)
            for piece in utterance.split(text, limit=MAX_CHUNK_LENGTH)
        ]
        return b"".join(pieces)
