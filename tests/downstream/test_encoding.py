"""PCM in pieces, in the client's codec: exact where the codec is, gapless where it has a memory."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from edgeproxy.audio.decode import decode_whole, decoder
from edgeproxy.downstream.encoding import PIECE_BYTES, Line, Output, Ready, Trim
from edgeproxy.sarvam.models import WS_RATES

LOSSY = ["mp3", "aac", "opus"]


@pytest.fixture(scope="module")
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as executor:
        yield executor


def tone(seconds: float, rate: int, *, hertz: float = 330.0, start: float = 0.0) -> bytes:
    """A tone whose phase runs on from ``start``, so that two in a row join without a click."""
    moments = np.arange(int(seconds * rate)) / rate + start
    return (8000 * np.sin(2 * np.pi * hertz * moments)).astype("<i2").tobytes()


def line_of(codec: str, rate: int, executor: ThreadPoolExecutor) -> Line:
    return Line(Output(codec, rate), executor=executor, wrap=bytes)


async def played(line: Line, *clips: bytes) -> list[bytes]:
    pieces = line.opening()
    for clip in clips:
        pieces += [piece async for piece in line.play(clip)]
    return pieces + list(await line.finish())


def decoded(codec: str, data: bytes, rate: int) -> bytes:
    if codec in ("flac", "opus"):
        return decode_whole(data, rate=rate)[0]
    made = decoder(codec, rate=rate)
    return made.feed(data) + made.finish()


@pytest.mark.parametrize("rate", WS_RATES)
@pytest.mark.parametrize("codec", ["linear16", "wav", "flac"])
async def test_exact_codecs_give_every_sample_back(
    codec: str, rate: int, executor: ThreadPoolExecutor
) -> None:
    pcm = tone(1.3, rate)
    pieces = await played(line_of(codec, rate, executor), pcm, pcm)
    assert decoded(codec, b"".join(pieces), rate) == pcm + pcm


@pytest.mark.parametrize("rate", WS_RATES)
@pytest.mark.parametrize("codec", ["mulaw", "alaw"])
async def test_g711_is_the_same_however_it_is_cut(
    codec: str, rate: int, executor: ThreadPoolExecutor
) -> None:
    pcm = tone(1.0, rate)
    once = b"".join(await played(line_of(codec, rate, executor), pcm))
    halves = b"".join(await played(line_of(codec, rate, executor), pcm[:8000], pcm[8000:]))
    assert once == halves
    assert len(once) == len(pcm) // 2


@pytest.mark.parametrize("rate", WS_RATES)
@pytest.mark.parametrize("codec", LOSSY)
async def test_lossy_codecs_join_segments_without_a_gap(
    codec: str, rate: int, executor: ThreadPoolExecutor
) -> None:
    parts = [tone(0.7, rate, start=0.7 * number) for number in range(3)]
    whole = tone(2.1, rate)
    pieces = await played(line_of(codec, rate, executor), *parts)
    heard = np.frombuffer(decoded(codec, b"".join(pieces), rate), "<i2").astype(float)
    wanted = np.frombuffer(whole, "<i2").astype(float)
    # An Opus of another rate is resampled back: a few samples either way.
    assert -16 <= len(heard) - len(wanted) <= 5 * 1152
    # Where one segment ends and the next begins the tone just goes on: no frame is quiet.
    frame = rate // 50
    inner = heard[: len(wanted)][frame * 5 : -frame * 5]
    loudness = [np.abs(inner[at : at + frame]).max() for at in range(0, len(inner) - frame, frame)]
    assert min(loudness) > 4000


@pytest.mark.parametrize("codec", ["linear16", "wav", "mulaw"])
def test_the_first_piece_is_20_ms_and_none_is_large(
    codec: str, executor: ThreadPoolExecutor
) -> None:
    ready = line_of(codec, 24000, executor).cut(tone(3, 24000))
    assert len(ready.body[0]) == 960 // (2 if codec == "mulaw" else 1)
    assert max(map(len, ready.body)) <= PIECE_BYTES
    assert len(ready) == len(b"".join(ready.body))


def test_a_wav_turn_begins_with_its_header_as_a_piece_of_its_own(
    executor: ThreadPoolExecutor,
) -> None:
    (header,) = line_of("wav", 8000, executor).opening()
    assert len(header) == 44
    assert header[4:8] == header[40:44] == b"\xff" * 4
    assert line_of("linear16", 8000, executor).opening() == []


@pytest.mark.parametrize("codec", [*LOSSY, "flac"])
async def test_a_turn_that_begins_ready_goes_on_as_if_it_had_been_encoded_live(
    codec: str, executor: ThreadPoolExecutor
) -> None:
    first, second = tone(0.9, 24000), tone(0.6, 24000, start=0.9)
    alone = line_of(codec, 24000, executor)
    ready = Ready([piece async for piece in alone.play(first)], await alone.finish())

    continued = line_of(codec, 24000, executor)
    continued.sent(ready, first)
    after = [piece async for piece in continued.play(second)] + list(await continued.finish())
    live = await played(line_of(codec, 24000, executor), first, second)
    assert b"".join([*ready.body, *after]) == b"".join(live)

    ended = line_of(codec, 24000, executor)
    ended.sent(ready, first)
    assert ended.ends_at_once
    assert await ended.finish() == ready.end


async def test_what_is_wrapped_is_what_is_sent(executor: ThreadPoolExecutor) -> None:
    line = Line(Output("linear16", 8000), executor=executor, wrap=lambda piece: b"<" + piece + b">")
    pieces = [piece async for piece in line.play(bytes(1000))]
    assert all(piece.startswith(b"<") and piece.endswith(b">") for piece in pieces)


@pytest.mark.parametrize("size", [1, 7, 80, 400, 4000])
@pytest.mark.parametrize(("most_ms", "left_ms"), [(0, 100), (40, 60), (100, 0), (500, 0)])
def test_silence_in_front_is_left_out_up_to_the_most_however_it_is_cut(
    size: int, most_ms: int, left_ms: int
) -> None:
    sound = tone(0.2, 8000)[2:]
    pcm = bytes(1600) + sound + bytes(800)
    trim = Trim(most_ms=most_ms, rate=8000)
    parts = [pcm[at : at + 2 * size] for at in range(0, len(pcm), 2 * size)]
    kept = b"".join(map(trim, parts))
    assert pcm.endswith(kept[-len(sound) - 800 :])
    # Where silence comes in pieces of its own, the last frame of each is sent all the same.
    spared = 0 if size >= 1600 else 1600
    assert len(pcm) - 1600 + left_ms * 16 <= len(kept) <= len(pcm) - 1600 + left_ms * 16 + spared


def test_what_is_all_silence_is_never_left_out_whole() -> None:
    assert len(Trim(most_ms=1000, rate=8000)(bytes(1600))) == 320
