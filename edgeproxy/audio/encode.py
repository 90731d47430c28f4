"""From PCM to codecs: push encoders for streams, and whole files.

What a stream costs, measured with FFmpeg 8 and held by the tests: :data:`FIRST_PACKET` is how much PCM
goes in before the first sound comes out, :data:`DELAY` how much silence a player hears before it. The
tail is padded to whole frames; nothing of the sound is lost.
"""

import io
import re
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final, Literal

import av

from ..core.audio import SAMPLE_BYTES, Encoder
from . import g711, wav
from .resample import Resampler, av_frame

CODECS: Final = ("linear16", "wav", "mp3", "aac", "mulaw", "alaw", "opus", "flac")
"""What can be encoded: all that Sarvam's ``output_audio_codec`` may name."""

VERSION: Final = av.__version__
"""Of what encodes: the same PCM gives the same bytes for as long as it is the same."""

DELAY: Final[Mapping[str, int]] = {"mp3": 1105, "aac": 1024, "flac": 0, "opus": 0}
"""Samples of silence in front of a stream. Opus says in its header how much it has, and players drop it."""

FIRST_PACKET: Final[Mapping[str, Mapping[int, int]]] = {
    "mp3": {8000: 1152, 16000: 1152, 22050: 1152, 24000: 1152},
    "aac": {8000: 2048, 16000: 2048, 22050: 2048, 24000: 2048},
    "flac": {8000: 192, 16000: 256, 22050: 576, 24000: 576},
    "opus": {8000: 320, 16000: 640, 22050: 898, 24000: 960},
}
"""By codec and rate: samples of PCM that go in before the first packet with sound comes out.

MP3 48 to 144 ms, AAC 85 to 256, FLAC 16 to 26, Opus 40. The codecs not named here need one sample.
"""


@dataclass(frozen=True, slots=True)
class _Coder:
    """How FFmpeg makes a codec: its encoder, its container, and the options of both."""

    name: Literal["libmp3lame", "aac", "flac", "libopus"]
    container: str
    options: Mapping[str, str] = field(default_factory=dict)
    container_options: Mapping[str, str] = field(default_factory=dict)
    rates: Sequence[int] = ()
    """The only rates it has, if they are few."""

    def rate(self, wanted: int) -> int:
        """The rate to encode ``wanted`` at: the next higher it has, so that nothing is lost."""
        return min((rate for rate in self.rates if rate >= wanted), default=wanted)


_CODERS: Final[Mapping[str, _Coder]] = {
    # Without the bit reservoir the first packet needs one frame less of PCM (70 ms at 8 kHz), and
    # at speech bit rates there is nothing to save up for. Level 7 is twice as fast as the default.
    "mp3": _Coder(
        "libmp3lame",
        "mp3",
        {"reservoir": "0", "compression_level": "7"},
        {"id3v2_version": "0"},
    ),
    # The faster of its two searches: two to four times so, for the same bit rate.
    "aac": _Coder("aac", "adts", {"aac_coder": "fast"}),
    # Level 2 has blocks of 27 ms instead of 105, for 1 % more bytes. No room for tags to come.
    "flac": _Coder("flac", "flac", {"compression_level": "2"}, {"metadata_header_padding": "0"}),
    # A page for each packet, else they come out once a second.
    "opus": _Coder(
        "libopus",
        "ogg",
        container_options={"page_duration": "20000"},
        rates=(8000, 12000, 16000, 24000, 48000),
    ),
}


def encoder(codec: str, *, rate: int, bitrate: str = "128k") -> Encoder:
    """An encoder for a stream of ``codec`` (one of :data:`CODECS`) from PCM at ``rate`` Hz.

    ``wav`` begins with a packet of its own, the 44-byte header with sizes 0xFFFFFFFF that Sarvam sends.
    MP3 is bare frames, AAC is ADTS, FLAC and Opus (in Ogg) begin with their headers. Opus has few
    rates: from any other, 22,050 Hz say, it is resampled to the next higher.

    ``bitrate``: as Sarvam writes it, for the lossy codecs; brought down to what the codec has at this rate.
    Raises ValueError when there is no such codec, rate or bit rate.
    """
    match codec:
        case "linear16":
            return _Plain(lambda pcm: pcm)
        case "wav":
            return _Plain(lambda pcm: pcm, header=wav.header(rate=rate, size=None))
        case "mulaw" | "alaw":
            return _Plain(lambda pcm: g711.compress(pcm, law=codec))
    return _Muxed(codec, rate, bitrate)


def encode_whole(pcm: bytes, codec: str, *, rate: int, bitrate: str = "128k") -> bytes:
    """All of ``pcm`` (whole samples) as one complete file, as Sarvam's REST answers have it.

    Unlike a stream it knows its length: WAV and FLAC say it, and MP3 and Opus say what is padding, so
    that a player gives back exactly what went in (AAC in ADTS has no place to). Errors as :func:`encoder`.
    """
    _whole_samples(pcm)
    if codec == "wav":
        return wav.header(rate=rate, size=len(pcm)) + pcm
    if codec in _CODERS:
        file = io.BytesIO()
        muxed = _Muxed(codec, rate, bitrate, file=file)
        muxed.feed(pcm)
        muxed.finish()
        return file.getvalue()
    plain = encoder(codec, rate=rate)
    return b"".join((*plain.feed(pcm), *plain.finish()))


def _whole_samples(pcm: bytes) -> None:
    if len(pcm) % SAMPLE_BYTES:
        raise ValueError(f"{len(pcm)} bytes are not whole samples")


class _Plain:
    """Codecs whose every sample stands alone. A ``header``, if there is one, is the first packet."""

    def __init__(self, encode: Callable[[bytes], bytes], *, header: bytes = b"") -> None:
        self._encode = encode
        self._header = [header] if header else []

    def feed(self, pcm: bytes) -> Sequence[bytes]:
        _whole_samples(pcm)
        packets, self._header = self._header, []
        if pcm:
            packets.append(self._encode(pcm))
        return packets

    def finish(self) -> Sequence[bytes]:
        return self.feed(b"")


class _Sink:
    """Where a muxer writes: each write is a packet, and none can be taken back, as in a stream."""

    def __init__(self) -> None:
        self.packets: list[bytes] = []

    def write(self, data: bytes) -> int:
        self.packets.append(bytes(data))
        return len(data)


class _Muxed:
    """A codec of FFmpeg's, in its container. Written to ``file``, or given out packet by packet."""

    def __init__(
        self, codec: str, rate: int, bitrate: str, *, file: io.BytesIO | None = None
    ) -> None:
        if (coder := _CODERS.get(codec)) is None:
            raise ValueError(f"no encoder for {codec!r}: there are {', '.join(CODECS)}")
        if re.fullmatch(r"[1-9][0-9]{0,2}k", bitrate) is None:
            raise ValueError(f"bit rate {bitrate!r} is not like '128k'")
        self._rate = coder.rate(rate)
        self._resampler = Resampler(rate=rate, to=self._rate) if rate != self._rate else None
        self._samples = 0
        self._sink = _Sink()
        # bitexact: the same PCM gives the same bytes, with no random serial number and no version in them.
        options = {**coder.container_options, "fflags": "+bitexact+flush_packets"}
        if file is None and codec == "mp3":
            options["write_xing"] = "0"
        try:
            self._container = av.open(
                self._sink if file is None else file, "w", format=coder.container, options=options
            )
            # Whoever leaves midway drops the encoder unfinished, and before PyAV 17 a container that is
            # collected while still open writes to a file already gone, and ends the process.
            weakref.finalize(self, self._container.close)
            self._stream = self._container.add_stream(
                coder.name, rate=self._rate, options=dict(coder.options), layout="mono"
            )
            self._stream.bit_rate = int(bitrate[:-1]) * 1000
            self._container.start_encoding()
        except (av.FFmpegError, ValueError) as error:
            raise ValueError(f"no {codec} at {rate} Hz and {bitrate}: {error}") from error

    def feed(self, pcm: bytes) -> Sequence[bytes]:
        _whole_samples(pcm)
        self._encode(self._resampler.feed(pcm) if self._resampler else pcm)
        return self._take()

    def finish(self) -> Sequence[bytes]:
        if self._resampler:
            self._encode(self._resampler.finish())
        self._container.mux(self._stream.encode(None))
        self._container.close()
        return self._take()

    def _encode(self, pcm: bytes) -> None:
        if pcm:
            frame = av_frame(pcm, rate=self._rate)
            frame.pts, frame.time_base = self._samples, Fraction(1, self._rate)
            self._samples += frame.samples
            self._container.mux(self._stream.encode(frame))

    def _take(self) -> Sequence[bytes]:
        packets, self._sink.packets = self._sink.packets, []
        return packets
