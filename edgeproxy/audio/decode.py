"""From codecs to PCM: push decoders for what the origin streams, and whole files for what people bring.

A decoder gives the same PCM wherever its stream is cut. It holds back no more than the codec makes it: the
first frame of an MP3 is PCM as soon as its last byte is there.
"""

import io
from typing import Final

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.error import FFmpegError
from numpy.typing import NDArray

from ..core.audio import SAMPLE_BYTES, Decoder
from . import frames, g711, wav
from .resample import Resampler, resample

STREAMABLE: Final = ("linear16", "wav", "mp3", "aac", "mulaw", "alaw")
"""Codecs a stream can be decoded from. Opus and FLAC come in containers, which are read whole."""

_MP3_DECODER_DELAY: Final = 529
"""Samples any MP3 decoder adds (528 of its filters and 1): encoders cannot count them, so no tag does."""

MP3_DELAY: Final = 576 + _MP3_DECODER_DELAY
"""Samples before the sound in an MP3 from LAME, which nearly everybody uses (FFmpeg has no other)."""

AAC_DELAY: Final = 1024
"""Samples before the sound in AAC: one frame, which the transform costs any encoder; FFmpeg adds no more."""

_CONTAINERS: Final = "ogg,flac,wav,mp3,aac"
"""What a file may be. Not all that FFmpeg reads: a playlist would make it open other files."""


def decoder(codec: str, *, rate: int, delay_samples: int | None = None) -> Decoder:
    """A decoder for a stream of ``codec`` (one of :data:`STREAMABLE`), giving PCM at ``rate`` Hz.

    ``linear16``, ``wav`` and G.711 must have that rate; MP3 and AAC (ADTS) of another are resampled.

    ``delay_samples``, for MP3 and AAC, is how much to cut off the front of a stream that does not tell,
    at its own rate. Encoders begin with silence; a file says how much in its Info tag, a stream has
    none. By default :data:`MP3_DELAY` or :data:`AAC_DELAY`: 50 ms of nothing before each answer
    (138 ms at 8 kHz) would be heard as hesitation. The padding at the end, up to two frames, stays.

    Raises ValueError when there is no such decoder.
    """
    match codec:
        case "linear16":
            return _Linear16()
        case "wav":
            return _Wav(rate=rate)
        case "mulaw" | "alaw":
            return _G711(law=codec)
        case "mp3":
            return _Framed(frames.MP3, rate, MP3_DELAY if delay_samples is None else delay_samples)
        case "aac":
            return _Framed(frames.ADTS, rate, AAC_DELAY if delay_samples is None else delay_samples)
    raise ValueError(f"no decoder for a stream of {codec!r}: there are {', '.join(STREAMABLE)}")


def decode_whole(data: bytes, *, rate: int | None = None) -> tuple[bytes, int]:
    """PCM and its rate from a file: Ogg (Opus, Vorbis), FLAC, WAV, MP3 or ADTS; channels are mixed to one.

    ``rate``: what to resample to; None keeps the file's own (Opus has 48,000 Hz, always). Raises
    ValueError when it cannot be read, all of it.
    """
    mix = av.AudioResampler(format="s16", layout="mono")
    pcm: list[bytes] = []
    native = 0
    try:
        options = {"format_whitelist": _CONTAINERS}
        with av.open(io.BytesIO(data), "r", options=options) as container:
            for frame in container.decode(audio=0):
                native = frame.sample_rate
                pcm.extend(mixed.to_ndarray().tobytes() for mixed in mix.resample(frame))
        pcm.extend(mixed.to_ndarray().tobytes() for mixed in mix.resample(None))
    except (FFmpegError, IndexError, ValueError) as error:
        # IndexError: a container without sound. ValueError: one whose rate changes midway.
        raise ValueError(f"not audio that can be read: {error}") from error
    if not native:
        raise ValueError("not audio that can be read: no sound in it")
    to = native if rate is None else rate
    return resample(b"".join(pcm), rate=native, to=to), to


class _Linear16:
    """PCM already, but cut anywhere: half a sample waits for its other half."""

    def __init__(self) -> None:
        self._half = b""

    def feed(self, data: bytes) -> bytes:
        data = self._half + data
        whole = len(data) - len(data) % SAMPLE_BYTES
        self._half = data[whole:]
        return data[:whole]

    def finish(self) -> bytes:
        if self._half:
            raise ValueError("the stream ends with half a sample")
        return b""


class _Wav:
    """A header, then PCM up to the size it promises, if it promises one."""

    def __init__(self, *, rate: int) -> None:
        self._header: wav.HeaderReader | None = wav.HeaderReader(rate=rate)
        self._left: int | None = None
        self._pcm = _Linear16()

    def feed(self, data: bytes) -> bytes:
        if self._header is not None:
            if (read := self._header.feed(data)) is None:
                return b""
            data, self._left = read
            self._header = None
        if self._left is not None:
            # What follows the sound (a title, a list of cue points) would be heard as noise.
            data = data[: self._left]
            self._left -= len(data)
        return self._pcm.feed(data)

    def finish(self) -> bytes:
        if self._header is not None:
            if self._header.empty:
                return b""
            raise ValueError("not WAV: it ends inside its header")
        if self._left:
            raise ValueError(f"{self._left} bytes less than the WAV header promises")
        return self._pcm.finish()


class _G711:
    """One byte, one sample."""

    def __init__(self, *, law: str) -> None:
        self._law = law

    def feed(self, data: bytes) -> bytes:
        return g711.expand(data, law=self._law)

    def finish(self) -> bytes:
        return b""


class _Framed:
    """MP3 or AAC: frames, each of which decodes to as many samples as it says.

    Mutable state, in samples at the stream's own rate: ``_position`` counts from where the current
    recording begins (an Info tag begins another); those before ``_start``, and from ``_end`` to
    ``_resume``, are padding.
    """

    def __init__(self, shape: frames.Shape, rate: int, delay: int) -> None:
        self._codec = shape.codec
        self._framer = frames.Framer(shape)
        self._context = av.CodecContext.create(shape.codec, "r")
        self._rate = rate
        self._native = rate
        self._resampler: Resampler | None = None
        self._delay = delay
        self._position = 0
        self._start = delay
        self._end = self._resume = 0
        self._came = False
        self._decoded = False

    def feed(self, data: bytes) -> bytes:
        self._came = self._came or bool(data)
        return b"".join(
            self._decode(frame, header.samples) for header, frame in self._framer.feed(data)
        )

    def finish(self) -> bytes:
        # A frame cut short at the very end is left out: transports, not codecs, tell what is complete.
        if self._came and not self._decoded:
            raise ValueError(f"not {self._codec}: no frame in it")
        return self._resampler.finish() if self._resampler else b""

    def _decode(self, frame: bytes, samples: int) -> bytes:
        if self._codec == "mp3" and (tag := frames.info_tag(frame)) is not None:
            self._decoded = True
            self._begin(tag, samples)
            return b""
        try:
            decoded = self._context.decode(av.Packet(frame))
        except FFmpegError as error:
            raise ValueError(f"broken {self._codec}: {error}") from error
        self._decoded = True
        return b"".join(self._deliver(part) for part in decoded)

    def _begin(self, tag: frames.InfoTag, samples: int) -> None:
        """Take a tag's word for what is padding in the recording that begins now."""
        self._position = self._end = self._resume = 0
        self._start = self._delay
        if tag.delay is not None and tag.padding is not None:
            self._start = tag.delay + _MP3_DECODER_DELAY
            if tag.frames is not None:
                self._resume = tag.frames * samples
                self._end = self._resume - tag.padding + _MP3_DECODER_DELAY

    def _deliver(self, frame: AudioFrame) -> bytes:
        samples = _mono(frame)
        first, self._position = self._position, self._position + len(samples)
        at = np.arange(first, self._position)
        keep = (at >= self._start) & ~((at >= self._end) & (at < self._resume))
        return self._resample(samples[keep].tobytes(), frame.sample_rate)

    def _resample(self, pcm: bytes, rate: int) -> bytes:
        rest = b""
        if rate != self._native:
            rest = self._resampler.finish() if self._resampler else b""
            self._resampler = None if rate == self._rate else Resampler(rate=rate, to=self._rate)
            self._native = rate
        return rest + (self._resampler.feed(pcm) if self._resampler else pcm)


def _mono(frame: AudioFrame) -> NDArray[np.int16]:
    """A frame of planar float (AAC) or 16-bit (MP3) samples as one channel, the mean of all."""
    pcm: NDArray[np.int16]
    channels = frame.to_ndarray()
    if channels.dtype == np.int16 and len(channels) == 1:
        pcm = channels[0]
    else:
        scale = 1 if channels.dtype == np.int16 else 1 << 15
        mixed = np.rint(channels.mean(axis=0) * scale)
        pcm = np.clip(mixed, -(1 << 15), (1 << 15) - 1).astype("<i2")
    return pcm
