"""What an encoder gives out, decoded again, is what went in; and how long it thinks before it speaks."""

import hashlib
import io
import wave
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeproxy.audio.decode import decode_whole, decoder
from edgeproxy.audio.encode import (
    CODECS,
    DELAY,
    FIRST_PACKET,
    encode_whole,
    encoder,
)
from edgeproxy.audio.g711 import compress

Voice = Callable[[int, float], bytes]
Pieces = Callable[[bytes, list[int]], Iterator[bytes]]
Lag = Callable[[bytes, bytes], tuple[int, float]]

RATES = [8000, 16000, 22050, 24000]
LOSSY = ["mp3", "aac", "opus"]
SAMPLES = st.lists(st.integers(-(1 << 15), (1 << 15) - 1), max_size=3000).map(
    lambda samples: np.array(samples, "<i2").tobytes()
)


def streamed(pcm: bytes, codec: str, *, rate: int, bitrate: str = "128k") -> bytes:
    encoding = encoder(codec, rate=rate, bitrate=bitrate)
    return b"".join([*encoding.feed(pcm), *encoding.finish()])


def heard(data: bytes, codec: str, *, rate: int) -> bytes:
    """All that a player would play, padding included, at ``rate``."""
    if codec in ("opus", "flac"):
        return decode_whole(data, rate=rate)[0]
    decoding = decoder(codec, rate=rate, delay_samples=0)
    return decoding.feed(data) + decoding.finish()


@pytest.mark.parametrize("codec", ["linear16", "wav"])
@settings(deadline=None)
@given(pcm=SAMPLES)
def test_any_samples_come_back_exactly(codec: str, pcm: bytes) -> None:
    assert heard(streamed(pcm, codec, rate=16000), codec, rate=16000) == pcm


@settings(deadline=None)
@given(pcm=SAMPLES.filter(bool))
def test_flac_loses_nothing(pcm: bytes) -> None:
    assert heard(streamed(pcm, "flac", rate=16000), "flac", rate=16000) == pcm
    assert heard(encode_whole(pcm, "flac", rate=16000), "flac", rate=16000) == pcm


@pytest.mark.parametrize("law", ["mulaw", "alaw"])
@settings(deadline=None)
@given(pcm=SAMPLES)
def test_companding_a_second_time_changes_nothing(law: str, pcm: bytes) -> None:
    codes = streamed(pcm, law, rate=8000)
    assert codes == compress(pcm, law=law)
    once = heard(codes, law, rate=8000)
    assert heard(streamed(once, law, rate=8000), law, rate=8000) == once


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("codec", [*LOSSY, "flac"])
def test_the_sound_comes_back_whole_and_where_it_was(
    voice: Voice, lag: Lag, codec: str, rate: int
) -> None:
    pcm = voice(rate, 1.5)
    back = heard(streamed(pcm, codec, rate=rate), codec, rate=rate)
    shift, likeness = lag(pcm, back)
    assert shift == DELAY[codec]
    assert likeness > 0.97
    assert len(back) >= len(pcm) + 2 * DELAY[codec]


@settings(max_examples=20, deadline=None)
@given(codec=st.sampled_from(LOSSY), rate=st.sampled_from(RATES), samples=st.integers(1, 8000))
def test_no_length_is_cut_short(voice: Voice, codec: str, rate: int, samples: int) -> None:
    pcm = voice(rate, 1.0)[: 2 * samples]
    back = heard(streamed(pcm, codec, rate=rate), codec, rate=rate)
    assert len(back) >= len(pcm) + 2 * DELAY[codec]


@pytest.mark.parametrize("codec", [codec for codec in CODECS if codec != "wav"])
@settings(max_examples=20, deadline=None)
@given(sizes=st.lists(st.integers(1, 2000).map(lambda n: 2 * n), min_size=1, max_size=10))
def test_the_bytes_are_the_same_whatever_pieces_the_sound_comes_in(
    voice: Voice, pieces: Pieces, codec: str, sizes: list[int]
) -> None:
    pcm = voice(22050, 0.4)
    encoding = encoder(codec, rate=22050)
    packets = [packet for piece in pieces(pcm, sizes) for packet in encoding.feed(piece)]
    assert b"".join([*packets, *encoding.finish()]) == streamed(pcm, codec, rate=22050)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("codec", FIRST_PACKET)
def test_the_first_packet_comes_when_it_is_said_to(voice: Voice, codec: str, rate: int) -> None:
    pcm = voice(rate, 1.0)
    first = 2 * FIRST_PACKET[codec][rate]
    encoding = encoder(codec, rate=rate)
    encoding.feed(b"")  # Headers come out before any sound.
    assert encoding.feed(pcm[: first - 2]) == []
    assert len(encoding.feed(pcm[first - 2 : first])) == 1


@pytest.mark.parametrize("codec", ["linear16", "mulaw", "alaw"])
def test_the_simple_codecs_speak_at_once(codec: str) -> None:
    assert len(encoder(codec, rate=8000).feed(b"ab")) == 1


def test_a_wav_stream_begins_with_a_packet_of_44_bytes_and_no_sizes() -> None:
    header, pcm = encoder("wav", rate=24000).feed(b"abcd")
    assert len(header) == 44
    assert header[4:8] == header[40:44] == b"\xff" * 4
    assert pcm == b"abcd"


def test_a_wav_stream_of_nothing_is_its_header() -> None:
    (header,) = encoder("wav", rate=24000).finish()
    assert len(header) == 44


@pytest.mark.parametrize("codec", ["flac", "opus"])
def test_a_container_begins_with_its_headers_before_any_sound(codec: str) -> None:
    headers = b"".join(encoder(codec, rate=16000).feed(b""))
    assert headers.startswith({"flac": b"fLaC", "opus": b"OggS"}[codec])
    assert len(headers) < 200


@pytest.mark.parametrize(("codec", "start"), [("mp3", 0xFFE), ("aac", 0xFFF)])
def test_a_stream_is_bare_frames(voice: Voice, codec: str, start: int) -> None:
    data = streamed(voice(8000, 0.5), codec, rate=8000)
    assert int.from_bytes(data[:2], "big") >> 4 == start
    assert b"Info" not in data


@pytest.mark.parametrize("codec", CODECS)
def test_no_sound_is_encoded_as_no_sound(codec: str) -> None:
    encoding = encoder(codec, rate=16000)
    data = b"".join([*encoding.feed(b""), *encoding.finish()])
    if codec not in ("flac", "opus"):  # Nothing but headers is no file that anyone can read.
        assert not np.frombuffer(heard(data, codec, rate=16000), "<i2").any()


@pytest.mark.parametrize("codec", FIRST_PACKET)
def test_an_encoder_may_be_left_unfinished(voice: Voice, codec: str) -> None:
    pcm = voice(16000, 0.2)
    for _ in range(30):  # Where it does harm, it ends the process within a few.
        encoder(codec, rate=16000).feed(pcm)


@pytest.mark.parametrize("codec", CODECS)
def test_half_a_sample_is_refused(codec: str) -> None:
    with pytest.raises(ValueError, match="3 bytes are not whole samples"):
        encoder(codec, rate=8000).feed(b"abc")
    with pytest.raises(ValueError, match="3 bytes are not whole samples"):
        encode_whole(b"abc", codec, rate=8000)


@pytest.mark.parametrize("codec", LOSSY)
def test_a_higher_bit_rate_is_more_bytes(voice: Voice, codec: str) -> None:
    sizes = [
        len(streamed(voice(24000, 0.5), codec, rate=24000, bitrate=bitrate))
        for bitrate in ("32k", "64k", "96k")
    ]
    assert sizes == sorted(set(sizes))


@pytest.mark.parametrize("codec", LOSSY)
def test_a_bit_rate_beyond_the_codec_is_brought_down_to_it(voice: Voice, codec: str) -> None:
    pcm = voice(8000, 0.5)
    assert len(heard(streamed(pcm, codec, rate=8000, bitrate="192k"), codec, rate=8000)) >= len(pcm)


@pytest.mark.parametrize("bitrate", ["128", "128kbps", "0k", "-1k", "", "9999k"])
def test_a_bit_rate_in_another_form_is_refused(bitrate: str) -> None:
    with pytest.raises(ValueError, match="not like '128k'"):
        encoder("mp3", rate=8000, bitrate=bitrate)


@pytest.mark.parametrize("codec", ["pcm", "", "MP3"])
def test_an_unknown_codec_is_refused_with_those_there_are(codec: str) -> None:
    with pytest.raises(ValueError, match="there are linear16, wav, mp3"):
        encoder(codec, rate=8000)


@pytest.mark.parametrize(("codec", "rate"), [("mp3", 12345), ("aac", 1000), ("opus", 96000)])
def test_a_rate_the_codec_has_not_is_refused(codec: str, rate: int) -> None:
    with pytest.raises(ValueError, match=f"no {codec} at {rate} Hz"):
        encoder(codec, rate=rate)


@pytest.mark.parametrize("codec", CODECS)
def test_the_same_sound_gives_the_same_bytes(voice: Voice, codec: str) -> None:
    pcm = voice(16000, 0.3)
    assert encode_whole(pcm, codec, rate=16000) == encode_whole(pcm, codec, rate=16000)


def test_a_whole_wav_says_its_true_size(voice: Voice) -> None:
    pcm = voice(24000, 0.3)
    with wave.open(io.BytesIO(encode_whole(pcm, "wav", rate=24000))) as file:
        assert file.getnframes() == len(pcm) // 2
        assert file.getframerate() == 24000
        assert file.readframes(1 << 20) == pcm


def test_a_whole_flac_says_its_length_and_checksum(voice: Voice) -> None:
    pcm = voice(24000, 0.3)
    info = encode_whole(pcm, "flac", rate=24000)[8:42]
    assert int.from_bytes(info[13:18], "big") & (1 << 36) - 1 == len(pcm) // 2
    assert info[18:34] == hashlib.md5(pcm).digest()


@pytest.mark.parametrize("rate", [32000, 44100, 48000])
@pytest.mark.parametrize("codec", CODECS)
def test_a_whole_file_may_have_the_higher_rates_of_rest(
    voice: Voice, codec: str, rate: int
) -> None:
    pcm = voice(rate, 0.3)
    back = heard(encode_whole(pcm, codec, rate=rate), codec, rate=rate)
    assert len(pcm) <= len(back) <= len(pcm) + 2 * 3 * 1152
