"""The WAV header as others read it, and as others write it."""

import io
import wave

import pytest

from edgeproxy.audio.wav import HeaderReader, header


def test_a_header_with_true_sizes_is_what_the_standard_library_reads() -> None:
    pcm = bytes(range(200))
    with wave.open(io.BytesIO(header(rate=24000, size=len(pcm)) + pcm)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 24000)
        assert file.readframes(1000) == pcm


def test_a_header_without_sizes_says_so_in_both_places() -> None:
    endless = header(rate=8000, size=None)
    assert len(endless) == 44
    assert endless[4:8] == endless[40:44] == b"\xff\xff\xff\xff"


@pytest.mark.parametrize("size", [None, 4])
def test_a_header_may_be_cut_anywhere(size: int | None) -> None:
    whole = header(rate=22050, size=size)
    for cut in range(len(whole)):
        reader = HeaderReader(rate=22050)
        assert reader.feed(whole[:cut]) is None
        assert reader.feed(whole[cut:] + b"abcd") == (b"abcd", size)


def test_a_size_of_nothing_means_to_the_end() -> None:
    reader = HeaderReader(rate=8000)
    assert reader.feed(header(rate=8000, size=0) + b"ab") == (b"ab", None)


def test_chunks_in_front_of_the_sound_are_passed_over() -> None:
    plain = header(rate=8000, size=2)
    title = b"LIST" + (5).to_bytes(4, "little") + b"title" + b"\0"
    reader = HeaderReader(rate=8000)
    assert reader.feed(plain[:12] + title + plain[12:36] + title + plain[36:] + b"ab") == (b"ab", 2)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\xff\xfb\x90\x64", "begins with"),
        (b"RIFX", "begins with"),
        (b"RIFF\0\0\0\0AVI ", "begins with"),
        (header(rate=8000, size=2)[:12] + b"data\2\0\0\0ab", "before its format"),
        (header(rate=8000, size=2)[:12] + b"LIST\xff\xff\xff\x7f", "a chunk b'LIST' of"),
        (header(rate=8000, size=2)[:12] + b"fmt \2\0\0\0\1\0", "a format of 2 bytes"),
        (header(rate=24000, size=2), "at 24000 Hz, not 16-bit mono at 8000 Hz"),
        (header(rate=8000, size=2).replace(b"\1\0\1\0", b"\1\0\2\0"), "2 channels"),
        (header(rate=8000, size=2).replace(b"\2\0\x10\0", b"\2\0\x18\0"), "24 bit"),
        (header(rate=8000, size=2).replace(b"\1\0\1\0", b"\7\0\1\0"), "format 7"),
    ],
)
def test_what_is_not_this_wav_is_refused_with_the_reason(data: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        HeaderReader(rate=8000).feed(data)
