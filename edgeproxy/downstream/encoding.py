"""PCM to the client's codec, in the pieces it is sent in.

Two kinds of codec. The *exact* ones (``linear16 wav mulaw alaw``) turn each sample into its own bytes, so
any piece can be encoded alone and cut anywhere: a complete clip is cut once and kept ready. The others
(``mp3 opus aac flac``) are streams with a memory: one encoder per turn, off the event loop, so that
joins between segments have no encoder gaps.

The first piece is 20 ms in an exact codec, else the first packets the encoder gives; then pieces of up
to 16 KiB, and never is a piece held back to fill it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Final, TypeVar

from ..audio import encode, g711, quality, wav
from ..core.audio import SAMPLE_BYTES, Encoder, frame_bytes

PIECE_BYTES: Final = 16 * 1024
"""Bytes of a full piece: what Sarvam sends in one message, 22 KiB once in base64."""
_NEXT_PCM_MS: Final = 1000
"""And then in pieces of this: long enough to be cheap, short enough to stop soon."""

_EXACT: Final[dict[str, Callable[[bytes], bytes]]] = {
    "linear16": lambda pcm: pcm,
    "wav": lambda pcm: pcm,
    "mulaw": lambda pcm: g711.compress(pcm, law="mulaw"),
    "alaw": lambda pcm: g711.compress(pcm, law="alaw"),
}

Wrap = Callable[[bytes], bytes]
"""A piece -> what is sent for it."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Output:
    """What a client asked to hear. ``rate`` in Hz; ``bitrate`` like ``128k``, for lossy codecs."""

    codec: str
    rate: int
    bitrate: str = "128k"

    @property
    def exact(self) -> bool:
        """Whether each sample is encoded by itself."""
        return self.codec in _EXACT

    @property
    def ready_key(self) -> tuple[str, str]:
        """Under which a clip keeps this encoding of itself."""
        return self.codec, "" if self.exact else self.bitrate


@dataclass(frozen=True, slots=True)
class Ready:
    """A clip as a turn of its own, ready to send: ``body``, then ``end`` (what closing the encoder gives).

    ``body`` is also how the turn begins if more segments follow: an encoder is a function of what
    was fed to it, so the same PCM gives the same packets, whatever comes after.
    """

    body: Sequence[bytes]
    end: Sequence[bytes] = ()

    def __len__(self) -> int:
        """Bytes in all."""
        return sum(map(len, self.body)) + sum(map(len, self.end))


class Trim:
    """Leaves out the silence in front of one clip, up to ``most_ms``, wherever its PCM is cut."""

    def __init__(self, *, most_ms: int, rate: int) -> None:
        self._rate = rate
        self._left = rate * most_ms // 1000 * SAMPLE_BYTES

    def __call__(self, pcm: bytes) -> bytes:
        """The next PCM of the clip, without what is left out."""
        if not self._left:
            return pcm
        silence = round(quality.leading_silence_s(pcm, self._rate) * self._rate) * SAMPLE_BYTES
        # The last frame of what is all silence is sent: whoever sent text waits for some sound.
        most = max(0, len(pcm) - frame_bytes(self._rate)) if silence == len(pcm) else silence
        cut = min(most, self._left)
        self._left = self._left - cut if silence == len(pcm) else 0
        return pcm[cut:]


class Line:
    """One turn's audio on its way into the client's codec. What it gives has been through ``wrap``.

    Mutable state: the encoder (made when first needed), whether any audio went this way yet
    (``fresh``), and what was sent from a ready form that the encoder has not seen (``_owed``).
    """

    def __init__(self, output: Output, *, executor: Executor, wrap: Wrap) -> None:
        self.output = output
        self._executor = executor
        self._wrap = wrap
        self._exact = _EXACT.get(output.codec)
        self._encoder: Encoder | None = None
        self._owed: tuple[bytes, Ready] | None = None
        self._opened = False
        self.fresh = True

    def opening(self) -> list[bytes]:
        """What goes before the audio of a turn, once: a ``wav`` header, as a piece of its own."""
        if self.output.codec != "wav" or self._opened:
            return []
        self._opened = True
        return [self._wrap(wav.header(rate=self.output.rate, size=None))]

    def cut(self, pcm: bytes) -> Ready:
        """A complete clip in an exact codec."""
        return Ready(list(map(self._wrap, self._exact_pieces(pcm, first=True))))

    def sent(self, ready: Ready, pcm: bytes) -> None:
        """``pcm`` went out in its ready form. A stream codec's must be the first of its line."""
        if self._exact is None:
            assert self.fresh
            self._owed = pcm, ready
        self.fresh = False

    async def play(self, pcm: bytes) -> AsyncIterator[bytes]:
        """Encode the next PCM of the turn; yield the pieces as they come."""
        if self._owed is not None:
            # The encoder was spared the first clip; now that another follows, bring it to where it
            # would be. What it gives for the first is what was sent already.
            (owed, _), self._owed = self._owed, None
            async for _ in self._encode(owed, first=True):
                pass
        first, self.fresh = self.fresh, False
        if self._exact is not None:
            for piece in self._exact_pieces(pcm, first=first):
                yield self._wrap(piece)
        else:
            async for piece in self._encode(pcm, first=first):
                yield self._wrap(piece)

    @property
    def ends_at_once(self) -> bool:
        """Whether :meth:`finish` has no encoder to wait for."""
        return self._encoder is None

    async def finish(self) -> Sequence[bytes]:
        """What the encoder still holds. The line is spent."""
        if self._owed is not None:
            return self._owed[1].end
        if self._encoder is None:
            return []
        return list(map(self._wrap, _pieces(await self._off_loop(self._encoder.finish))))

    async def _encode(self, pcm: bytes, *, first: bool) -> AsyncIterator[bytes]:
        if self._encoder is None:
            output = self.output
            self._encoder = await self._off_loop(
                lambda: encode.encoder(output.codec, rate=output.rate, bitrate=output.bitrate)
            )
        for part in _parts(pcm, self.output, first=first):
            for piece in _pieces(await self._off_loop(self._encoder.feed, part)):
                yield piece

    def _exact_pieces(self, pcm: bytes, *, first: bool) -> Iterator[bytes]:
        assert self._exact is not None
        start = 0
        if first:
            start = frame_bytes(self.output.rate)
            yield self._exact(pcm[:start])
        # In bytes of PCM; G.711 makes one byte of a sample.
        step = PIECE_BYTES * (1 if self.output.codec in ("linear16", "wav") else SAMPLE_BYTES)
        for position in range(start, len(pcm), step):
            yield self._exact(pcm[position : position + step])

    async def _off_loop(self, work: Callable[..., T], *arguments: bytes) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, work, *arguments)


def _parts(pcm: bytes, output: Output, *, first: bool) -> Iterator[bytes]:
    start = 0
    if first:  # just enough for the encoder's first packet
        start = encode.FIRST_PACKET[output.codec][output.rate] * SAMPLE_BYTES
        yield pcm[:start]
    step = output.rate * _NEXT_PCM_MS // 1000 * SAMPLE_BYTES
    for position in range(start, len(pcm), step):
        yield pcm[position : position + step]


def _pieces(packets: Sequence[bytes]) -> Iterator[bytes]:
    """Packets joined into pieces of up to PIECE_BYTES; a packet is never cut."""
    gathered: list[bytes] = []
    size = 0
    for packet in packets:
        if size and size + len(packet) > PIECE_BYTES:
            yield b"".join(gathered)
            gathered, size = [], 0
        gathered.append(packet)
        size += len(packet)
    if size:
        yield b"".join(gathered)
