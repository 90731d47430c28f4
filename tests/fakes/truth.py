"""The oracle: what the emulator says for a text, sample by sample, asked of its speech room directly.

The emulator promises the same sound for the same words in the same voice. So what a caller must hear is
known without asking the proxy anything: the text through the same splitter, each segment as the emulator
speaks it, one after the other.
"""

from collections.abc import Iterable

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
    """What is right. ``masters``: rates that books are made at, from which others are derived."""

    def __init__(
        self, *, seed: int = 0, masters: Iterable[int] = (), remembered: int = 4096
    ) -> None:
        self._speech = Speech(seed=seed, remembered=remembered)
        self._masters = tuple(masters)
        self._known: dict[tuple[str, str, str, int], tuple[bytes, ...]] = {}

    async def segment(
        self, text: str, *, language: str = "hi-IN", speaker: str = "shubh", rate: int = 8000
    ) -> tuple[bytes, ...]:
        """The sounds that a segment may have: its own, and those derived from a book's master."""
        key = (text, language, speaker, rate)
        if (known := self._known.get(key)) is None:
            own = await self._spoken(text, language, speaker, rate)
            derived = [
                resample(await self._spoken(text, language, speaker, master), rate=master, to=rate)
                for master in self._masters
                if master != rate and has_word(text)
            ]
            known = self._known[key] = tuple(dict.fromkeys((own, *derived)))
        return known

    async def turn(self, text: str, **voice: str | int) -> bytes:
        """The whole of a turn that no book has a say in."""
        parts = [(await self.segment(cut.text, **voice))[0] for cut in split(text, Cuts())]  # type: ignore[arg-type]
        return b"".join(parts)

    async def is_right(self, heard: bytes, text: str, **voice: str | int) -> bool:
        """Whether ``heard`` is the turn, all of it and nothing else."""
        return (await self._follow(heard, text, whole=True, **voice)) == len(heard)

    async def is_beginning(self, heard: bytes, text: str, **voice: str | int) -> bool:
        """Whether ``heard`` is how the turn begins, however far it came."""
        return (await self._follow(heard, text, whole=False, **voice)) == len(heard)

    async def _follow(self, heard: bytes, text: str, *, whole: bool, **voice: str | int) -> int:
        at = 0
        for cut in split(text, Cuts()):
            sounds = await self.segment(cut.text, **voice)  # type: ignore[arg-type]
            left = len(heard) - at
            said = next((each for each in sounds if heard.startswith(each, at)), None)
            if said is not None:
                at += len(said)
            elif not whole and any(each.startswith(heard[at:]) for each in sounds if left):
                return len(heard)
            else:
                return -1 if whole or left else at
        return at

    async def _spoken(self, text: str, language: str, speaker: str, rate: int) -> bytes:
        if not has_word(text):
            return bytes(int(rate * PAUSE_S) * SAMPLE_BYTES)
        pieces = [
            await self._speech.speak(piece, language=language, speaker=speaker, rate=rate)
            for piece in utterance.split(text, limit=MAX_CHUNK_LENGTH)
        ]
        return b"".join(pieces)
