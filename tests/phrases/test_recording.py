import math
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from edgeproxy.audio import encode
from edgeproxy.phrases.recording import RECORDING_BYTES, RecordingError, inspect

RATE = 24000
FORMATS = ("wav", "flac", "mp3")


def tone(rate: int = RATE, *, seconds: float = 1.0, channels: int = 1) -> bytes:
    samples = (
        round(9000 * math.sin(2 * math.pi * 440 * at / rate)) for at in range(int(rate * seconds))
    )
    return b"".join(struct.pack("<h", sample) * channels for sample in samples)


def stereo_wav(rate: int = RATE) -> bytes:
    pcm = tone(rate, channels=2)
    head = struct.pack("<IHHIIHH", 16, 1, 2, rate, rate * 4, 4, 16)
    return (
        b"RIFF"
        + struct.pack("<I", 36 + len(pcm))
        + b"WAVEfmt "
        + head
        + b"data"
        + struct.pack("<I", len(pcm))
        + pcm
    )


@pytest.fixture
def keep(tmp_path: Path) -> Callable[[bytes], Path]:
    def keep(data: bytes) -> Path:
        file = tmp_path / "hello"
        file.write_bytes(data)
        return file

    return keep


Keep = Callable[[bytes], Path]


@pytest.mark.parametrize("codec", FORMATS)
def test_what_studios_deliver_is_taken(keep: Keep, codec: str) -> None:
    recording = inspect(keep(encode.encode_whole(tone(), codec, rate=RATE)))

    assert (recording.rate, recording.channels) == (RATE, 1)
    assert list(recording.remarks(rate=RATE)) == []


@pytest.mark.parametrize("codec", FORMATS)
@pytest.mark.parametrize("part", [0.05, 0.5, 0.9])
def test_a_cut_recording_does_not_pass_for_a_whole_one(keep: Keep, codec: str, part: float) -> None:
    data = encode.encode_whole(tone(), codec, rate=RATE)

    with pytest.raises(RecordingError, match="export it again"):
        inspect(keep(data[: int(len(data) * part)]))


@pytest.mark.parametrize("data", [b"", b"RIFF", b"hello, world\n" * 1000, b"\x89PNG" + bytes(999)])
def test_what_is_no_audio_is_refused(keep: Keep, data: bytes) -> None:
    with pytest.raises(RecordingError, match=r"hello cannot be used: .* as WAV, FLAC or MP3"):
        inspect(keep(data))


def test_stereo_is_mixed_and_remarked_on(keep: Keep) -> None:
    (remark,) = inspect(keep(stereo_wav())).remarks(rate=RATE)

    assert remark == "hello has 2 channels, which are mixed to one; export it in mono"


def test_another_rate_is_resampled_and_remarked_on(keep: Keep) -> None:
    recording = inspect(keep(encode.encode_whole(tone(44100), "wav", rate=44100)))

    (remark,) = recording.remarks(rate=RATE)
    assert remark == "hello has 44100 Hz and is resampled to 24000; export it at 24000 Hz"


def test_a_rate_too_low_is_remarked_on(keep: Keep) -> None:
    recording = inspect(keep(encode.encode_whole(tone(8000), "wav", rate=8000)))

    (remark,) = recording.remarks(rate=RATE)
    assert remark == "hello has only 8000 Hz and will sound dull at 24000; record it anew"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"^hello\.wav cannot be read: no such file"):
        inspect(tmp_path / "hello.wav")


def test_a_film_instead_of_a_phrase_is_not_even_read(tmp_path: Path) -> None:
    file = tmp_path / "film.wav"
    with file.open("wb") as film:
        film.truncate(RECORDING_BYTES + 1)

    with pytest.raises(RecordingError, match="larger than"):
        inspect(file)


def test_a_changed_recording_has_another_digest(keep: Keep) -> None:
    first = inspect(keep(encode.encode_whole(tone(), "wav", rate=RATE)))
    second = inspect(keep(encode.encode_whole(tone(seconds=1.1), "wav", rate=RATE)))

    assert first.digest != second.digest
