"""MP3 to PCM: how soon, and how fast. CPU time of this thread, so that a busy machine changes nothing."""

import math
from array import array
from statistics import median
from time import thread_time

from edgeproxy.audio.decode import decoder
from edgeproxy.audio.encode import encoder

from .figures import Row

_RATE = 22050
_SECONDS = 10
_MESSAGE_BYTES = 4096
_TIMES = 30


async def decoding() -> list[Row]:
    """First PCM after the first bytes, and a whole decode."""
    mp3 = _mp3()
    firsts = []
    wholes = []
    for _ in range(_TIMES):
        began = thread_time()
        opened = decoder("mp3", rate=_RATE)
        pcm = opened.feed(mp3[:_MESSAGE_BYTES])
        firsts.append((thread_time() - began) * 1000)
        assert pcm
        for start in range(_MESSAGE_BYTES, len(mp3), _MESSAGE_BYTES):
            opened.feed(mp3[start : start + _MESSAGE_BYTES])
        opened.finish()
        wholes.append(_SECONDS / (thread_time() - began))
    return [
        Row(
            "first PCM after the first MP3 bytes",
            f"{median(firsts):.2f} ms CPU",
            "< 1 ms",
            median(firsts) < 1.0,
            f"{_MESSAGE_BYTES} bytes, decoder made in that time",
        ),
        Row(
            "a whole MP3 decoded",
            f"{median(wholes):,.0f} × real time",
            "> 500 ×",
            median(wholes) > 500,
            f"{_SECONDS} s at {_RATE} Hz",
        ),
    ]


def _mp3() -> bytes:
    """Something that is no easier to decode than speech: a chord that swells and fades."""
    samples = array(
        "h",
        (
            int(9000 * math.sin(n * 0.05) * math.sin(n * 0.0007) + 4000 * math.sin(n * 0.31))
            for n in range(_SECONDS * _RATE)
        ),
    )
    stream = encoder("mp3", rate=_RATE, bitrate="128k")
    return b"".join([*stream.feed(samples.tobytes()), *stream.finish()])
