"""A decoder gives the sound that went in, wherever its stream was cut, and refuses what is none."""

import io
import wave
from collections.abc import Callable, Iterator
from typing import Literal

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeproxy.audio import wav
from edgeproxy.audio.decode import (
    AAC_DELAY,
    MP3_DELAY,
    STREAMABLE,
    decode_whole,
    decoder,
)
from edgeproxy.audio.encode import encode_whole, encoder
from edgeproxy.audio.g711 import compress, expand

Voice = Callable[[int, float], bytes]
Pieces = Callable[[bytes, list[int]], Iterator[bytes]]
Lag = Callable[[bytes, bytes], tuple[int, float]]

RATE = 22050
SIZES = st.lists(st.integers(1, 2000), min_size=1, max_size=20)
FRAMED = ["mp3", "aac"]


def streamed(pcm: bytes, codec: str, *, rate: int) -> bytes:
    encoding = encoder(codec, rate=rate)
    return b"".join([*encoding.feed(pcm), *encoding.finish()])


def decoded(
    data: bytes, codec: str, *, rate: int = RATE, delay_samples: int | None = None
) -> bytes:
    decoding = decoder(codec, rate=rate, delay_samples=delay_samples)
    return decoding.feed(data) + decoding.finish()


def id3(body: bytes) -> bytes:
    return b"ID3\3\0\0\0\0" + bytes([len(body) >> 7, len(body) & 0x7F]) + body


@pytest.mark.parametrize("codec", STREAMABLE)
@settings(deadline=None)
@given(sizes=SIZES)
def test_the_sound_is_the_same_wherever_the_stream_is_cut(
    voice: Voice, pieces: Pieces, codec: str, sizes: list[int]
) -> None:
    data = streamed(voice(RATE, 0.3), codec, rate=RATE)
    decoding = decoder(codec, rate=RATE)
    heard = b"".join(map(decoding.feed, pieces(data, sizes))) + decoding.finish()
    assert heard == decoded(data, codec)


@settings(deadline=None)
@given(sizes=SIZES)
def test_resampling_does_not_hear_where_the_stream_was_cut(
    voice: Voice, pieces: Pieces, sizes: list[int]
) -> None:
    data = streamed(voice(RATE, 0.3), "mp3", rate=RATE)
    decoding = decoder("mp3", rate=8000)
    heard = b"".join(map(decoding.feed, pieces(data, sizes))) + decoding.finish()
    assert heard == decoded(data, "mp3", rate=8000)


@pytest.mark.parametrize("codec", STREAMABLE)
def test_nothing_at_all_is_no_sound_and_no_error(codec: str) -> None:
    assert decoded(b"", codec) == b""


@pytest.mark.parametrize("codec", ["linear16", "wav"])
def test_pcm_passes_unchanged(voice: Voice, codec: str) -> None:
    pcm = voice(RATE, 0.1)
    assert decoded(streamed(pcm, codec, rate=RATE), codec) == pcm


@pytest.mark.parametrize("law", ["mulaw", "alaw"])
def test_g711_is_expanded(voice: Voice, law: str) -> None:
    codes = compress(voice(8000, 0.1), law=law)
    assert decoded(codes, law, rate=8000) == expand(codes, law=law)


@pytest.mark.parametrize("codec", ["linear16", "wav"])
def test_half_a_sample_at_the_end_is_an_error(codec: str) -> None:
    decoding = decoder(codec, rate=RATE)
    assert decoding.feed(streamed(b"abcd", codec, rate=RATE) + b"e") == b"abcd"
    with pytest.raises(ValueError, match="half a sample"):
        decoding.finish()


def test_what_follows_the_sound_in_a_wav_is_not_heard() -> None:
    data = wav.header(rate=RATE, size=4) + b"abcd" + b"LIST\4\0\0\0name"
    decoding = decoder("wav", rate=RATE)
    assert b"".join(decoding.feed(bytes([byte])) for byte in data) == b"abcd"
    assert decoding.finish() == b""


@pytest.mark.parametrize("missing", [2, 20])
def test_a_wav_that_ends_early_is_an_error(missing: int) -> None:
    decoding = decoder("wav", rate=RATE)
    decoding.feed((wav.header(rate=RATE, size=8) + b"abcdefgh")[:-missing])
    with pytest.raises(ValueError, match=r"less than|inside its header"):
        decoding.finish()


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 24000, 44100])
@pytest.mark.parametrize("codec", FRAMED)
def test_a_lossy_stream_begins_where_the_sound_did(
    voice: Voice, lag: Lag, codec: str, rate: int
) -> None:
    pcm = voice(rate, 1.5)
    heard = decoded(streamed(pcm, codec, rate=rate), codec, rate=rate)
    shift, likeness = lag(pcm, heard)
    assert shift == 0
    assert likeness > 0.98
    assert 0 <= len(heard) - len(pcm) < 2 * 2 * 1152


@pytest.mark.parametrize(("codec", "delay"), [("mp3", MP3_DELAY), ("aac", AAC_DELAY)])
def test_the_delay_can_be_kept(voice: Voice, codec: str, delay: int) -> None:
    data = streamed(voice(RATE, 0.5), codec, rate=RATE)
    whole = decoded(data, codec, delay_samples=0)
    assert whole[2 * delay :] == decoded(data, codec)
    assert len(whole) == len(decoded(data, codec)) + 2 * delay


def test_an_mp3_that_tells_its_padding_gives_back_exactly_what_went_in(
    voice: Voice, lag: Lag
) -> None:
    pcm = voice(RATE, 1.0)
    file = encode_whole(pcm, "mp3", rate=RATE)
    heard = decoded(file, "mp3")
    assert len(heard) == len(pcm)
    assert lag(pcm, heard)[0] == 0
    # Its word counts, not ours.
    assert decoded(file, "mp3", delay_samples=0) == heard


def test_files_one_after_another_are_trimmed_each_by_its_own_tag(voice: Voice, lag: Lag) -> None:
    pcm = voice(RATE, 1.0)
    file = encode_whole(pcm, "mp3", rate=RATE)
    heard = decoded(id3(b"first") + file + id3(b"second") + file, "mp3")
    assert len(heard) == 2 * len(pcm)
    assert lag(pcm, heard[len(pcm) :])[0] == 0


def test_a_stream_after_a_file_loses_nothing_to_the_tag_of_the_file(voice: Voice) -> None:
    pcm = voice(RATE, 1.0)
    bare = streamed(pcm, "mp3", rate=RATE)
    heard = decoded(encode_whole(pcm, "mp3", rate=RATE) + bare, "mp3")
    assert len(heard) == len(pcm) + len(decoded(bare, "mp3", delay_samples=0))


@pytest.mark.parametrize("codec", FRAMED)
def test_another_rate_is_resampled_in_place(voice: Voice, lag: Lag, codec: str) -> None:
    heard = decoded(streamed(voice(24000, 1.5), codec, rate=24000), codec, rate=16000)
    original = decode_whole(encode_whole(voice(24000, 1.5), "wav", rate=24000), rate=16000)[0]
    shift, likeness = lag(original, heard)
    assert shift == 0
    assert likeness > 0.98


def test_a_rate_that_changes_midway_is_heard_at_one_rate(voice: Voice) -> None:
    parts = [(8000, 0.5), (RATE, 0.4), (24000, 0.3)]
    data = b"".join(encode_whole(voice(*part), "mp3", rate=part[0]) for part in parts)
    assert len(decoded(data, "mp3")) == 2 * sum(round(RATE * seconds) for _, seconds in parts)


@pytest.mark.parametrize("codec", FRAMED)
def test_two_channels_become_their_mean(codec: Literal["mp3", "aac"]) -> None:
    at = np.arange(RATE) / RATE
    left = np.sin(2 * np.pi * 300 * at) * 8000
    file = io.BytesIO()
    with av.open(file, "w", format={"mp3": "mp3", "aac": "adts"}[codec]) as container:
        stream = container.add_stream(codec, rate=RATE, layout="stereo")
        samples = np.stack([left, left * 0], axis=1).astype("<i2").reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="stereo")
        frame.sample_rate = RATE
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    heard = np.frombuffer(decoded(file.getvalue(), codec), "<i2")[5000:15000]
    assert abs(heard).max() == pytest.approx(4000, rel=0.1)


@pytest.mark.parametrize("codec", FRAMED)
@pytest.mark.parametrize(
    "foreign",
    [
        b'{"type":"error","data":{"message":"no"}}',
        b"RIFF" + bytes(9000),
        b"OggS" * 2000,
        id3(b"only a title"),
        b"\xff",
    ],
)
def test_what_is_not_the_codec_is_an_error_at_the_latest_at_the_end(
    codec: str, foreign: bytes
) -> None:
    with pytest.raises(ValueError, match=f"not {codec}"):
        decoded(foreign, codec)


@pytest.mark.parametrize(("made", "taken"), [("mp3", "aac"), ("aac", "mp3"), ("flac", "mp3")])
def test_one_codec_is_not_taken_for_another(voice: Voice, made: str, taken: str) -> None:
    with pytest.raises(ValueError, match=f"not {taken}"):
        decoded(streamed(voice(RATE, 1.0), made, rate=RATE), taken)


def test_a_broken_frame_is_an_error(voice: Voice) -> None:
    data = bytearray(streamed(voice(RATE, 0.3), "aac", rate=RATE))
    data[7:200] = b"\xff" * 193
    with pytest.raises(ValueError, match="broken aac"):
        decoded(bytes(data), "aac")


@pytest.mark.parametrize("codec", ["opus", "flac", "pcm", ""])
def test_there_is_no_stream_decoder_for_containers(codec: str) -> None:
    with pytest.raises(ValueError, match=r"there are linear16, wav, mp3"):
        decoder(codec, rate=RATE)


@pytest.mark.parametrize(
    ("codec", "rate"), [("wav", RATE), ("flac", RATE), ("mp3", RATE), ("opus", 48000)]
)
def test_a_whole_file_gives_its_sound_and_its_rate(
    voice: Voice, lag: Lag, codec: str, rate: int
) -> None:
    pcm = voice(rate, 1.0)
    heard, native = decode_whole(encode_whole(pcm, codec, rate=rate))
    assert native == rate
    assert len(heard) == len(pcm)
    shift, likeness = lag(pcm, heard)
    assert shift == 0
    assert likeness > 0.98


def test_a_whole_file_is_resampled_when_asked(voice: Voice) -> None:
    heard, rate = decode_whole(encode_whole(voice(24000, 1.0), "flac", rate=24000), rate=8000)
    assert (rate, len(heard)) == (8000, 2 * 8000)


def test_a_whole_file_of_two_channels_becomes_one() -> None:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setparams((2, 2, 8000, 0, "NONE", ""))
        writer.writeframes(np.array([[1000, 3000]] * 400, "<i2").tobytes())
    heard, _ = decode_whole(file.getvalue())
    assert set(np.frombuffer(heard, "<i2")) == {2000}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no sound at all",
        b"#EXTM3U\n#EXTINF:1,\nfile:///etc/hostname\n",
        b"ffconcat version 1.0\nfile '/etc/hostname'\n",
        wav.header(rate=8000, size=0),
    ],
)
def test_a_file_without_sound_of_its_own_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="not audio that can be read"):
        decode_whole(data)
