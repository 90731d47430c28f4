"""Frames are found wherever a stream is cut, and nothing else is taken for one."""

from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeproxy.audio.encode import encode_whole, encoder
from edgeproxy.audio.frames import ADTS, JUNK_BYTES, MP3, Framer, InfoTag, Shape, info_tag

Voice = Callable[[int, float], bytes]
Pieces = Callable[[bytes, list[int]], Iterator[bytes]]

SIZES = st.lists(st.integers(1, 900), min_size=1, max_size=20)


def id3(body: bytes, *, footer: bool = False) -> bytes:
    """An ID3v2.4 tag."""
    size = bytes(len(body) >> shift & 0x7F for shift in (21, 14, 7, 0))
    end = b"3DI\4\0\x10" + size if footer else b""
    return b"ID3\4\0" + (b"\x10" if footer else b"\0") + size + body + end


def stream(voice: Voice, shape: Shape) -> list[bytes]:
    """Half a second of frames, one by one."""
    encoding = encoder(shape.codec, rate=16000)
    return [*encoding.feed(voice(16000, 0.5)), *encoding.finish()]


def framed(shape: Shape, data: list[bytes]) -> list[bytes]:
    framer = Framer(shape)
    return [frame for piece in data for _, frame in framer.feed(piece)]


@pytest.mark.parametrize(
    ("shape", "head", "size", "samples"),
    [
        (MP3, "fffb9064", 417, 1152),  # MPEG-1, 128 kbit/s, 44,100 Hz
        (MP3, "fffb9264", 418, 1152),  # the same, padded
        (MP3, "fff3c4c0", 384, 576),  # MPEG-2, 128 kbit/s, 24,000 Hz
        (MP3, "ffe388c0", 576, 576),  # MPEG-2.5, 64 kbit/s, 8,000 Hz
        (ADTS, "fff15c4051bffc", 653, 1024),
    ],
)
def test_a_header_says_how_long_its_frame_is(
    shape: Shape, head: str, size: int, samples: int
) -> None:
    header = shape.read(bytes.fromhex(head))
    assert header is not None
    assert (header.size, header.samples) == (size, samples)


@pytest.mark.parametrize("shape", [MP3, ADTS])
@settings(deadline=None)
@given(head=st.binary(min_size=7, max_size=7))
def test_no_bytes_are_a_frame_of_no_length(shape: Shape, head: bytes) -> None:
    header = shape.read(head[: shape.header_bytes])
    assert header is None or (header.size > shape.header_bytes and header.samples > 0)


@pytest.mark.parametrize("shape", [MP3, ADTS])
@settings(deadline=None)
@given(sizes=SIZES)
def test_frames_are_the_same_wherever_the_stream_is_cut(
    voice: Voice, pieces: Pieces, shape: Shape, sizes: list[int]
) -> None:
    frames = stream(voice, shape)
    assert framed(shape, list(pieces(b"".join(frames), sizes))) == frames


@pytest.mark.parametrize("shape", [MP3, ADTS])
@settings(deadline=None)
@given(sizes=SIZES, at=st.integers(0, 8), footer=st.booleans())
def test_a_tag_between_frames_is_skipped_though_it_looks_like_frames(
    voice: Voice, pieces: Pieces, shape: Shape, sizes: list[int], at: int, footer: bool
) -> None:
    frames = stream(voice, shape)
    tag = id3(b"".join(frames[:2]), footer=footer)
    data = b"".join([*frames[:at], tag, tag, *frames[at:]])
    assert framed(shape, list(pieces(data, sizes))) == frames


@settings(deadline=None)
@given(sizes=SIZES, junk=st.binary(min_size=1, max_size=300))
def test_a_little_junk_costs_no_frame_after_it(
    voice: Voice, pieces: Pieces, sizes: list[int], junk: bytes
) -> None:
    frames = stream(voice, MP3)
    # One header alone among junk is chance, so it has to be there twice to be taken for a frame.
    junk = b"\0" + junk.replace(b"\xff", b"\0") + frames[0][:4] + b"\0" * 20
    data = b"".join([*frames[:3], junk, *frames[3:]])
    assert framed(MP3, list(pieces(data, sizes))) == frames


def test_much_junk_is_refused_at_once() -> None:
    framer = Framer(MP3)
    assert list(framer.feed(b"\0" * JUNK_BYTES)) == []
    with pytest.raises(ValueError, match="not mp3: 4096 bytes without a frame"):
        list(framer.feed(b"\0" * 4))


def test_what_only_begins_like_a_tag_is_junk(voice: Voice) -> None:
    frames = stream(voice, MP3)
    assert framed(MP3, [b"ID3\4\0\0\xff\0\0\0", *frames]) == frames


def test_an_encoder_tells_in_its_tag_what_is_padding(voice: Voice) -> None:
    ((_, first), (_, second), *rest) = Framer(MP3).feed(
        encode_whole(voice(24000, 1.0), "mp3", rate=24000)
    )
    tag = info_tag(first)
    assert tag is not None
    assert tag.delay == 576
    assert tag.frames == 1 + len(rest)
    assert tag.frames * 576 - tag.delay - (tag.padding or 0) == 24000
    assert info_tag(second) is None


@pytest.mark.parametrize(
    ("body", "tag"),
    [
        (b"Xing\0\0\0\0" + bytes(40), InfoTag(None, None, None)),
        (b"Xing\0\0\0\1\0\0\0\7" + bytes(40), InfoTag(7, None, None)),
        (
            b"Info\0\0\0\x0f\0\0\0\7" + bytes(108) + b"LAME" + bytes(17) + b"\x24\x01\x23",
            InfoTag(7, 576, 291),
        ),
        (b"Info\0\0", None),
        (b"Song" + bytes(40), None),
    ],
)
@pytest.mark.parametrize(
    ("head", "side"), [("fffb9064", 32), ("fffb90c4", 17), ("fff39044", 17), ("fff390c4", 9)]
)
def test_a_tag_is_read_as_far_as_it_goes(
    head: str, side: int, body: bytes, tag: InfoTag | None
) -> None:
    assert info_tag(bytes.fromhex(head) + bytes(side) + body) == tag
