"""A tar with a seal: written whole or not at all, and read without believing a word of it."""

import random
import stat
import subprocess
import tarfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from edgeproxy.operate.tar import SEAL, BadArchive, Reader, Writer

WHEN = datetime(2026, 11, 24, 2, 30, tzinfo=UTC)
CONTENTS = {
    "first": b"one",
    "folder/second": bytes(range(256)) * 5,
    "empty": b"",
    "block": b"x" * 512,
}


def write(file: Path) -> Path:
    writer = Writer(file, when=WHEN)
    for name, data in CONTENTS.items():
        writer.add(name, data)
    assert not file.exists()
    assert writer.finish({"members": len(CONTENTS)}) == file.stat().st_size
    return file


def read(file: Path, *, limit: int = 2000) -> dict[str, bytes]:
    with file.open("rb") as opened:
        reader = Reader(
            opened, first="first", limit_of=lambda name: limit if name in CONTENTS else None
        )
        found = {member.name: data for member, data in reader}
        if reader.counts != {"members": len(found)}:
            raise BadArchive("other counts")
        return found


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write(tmp_path / "a.tar")


def test_what_is_written_is_read_and_nobody_elses(file: Path) -> None:
    assert read(file) == CONTENTS
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [each.name for each in file.parent.iterdir()] == ["a.tar"]


def test_any_tar_unpacks_it(file: Path) -> None:
    listed = subprocess.run(["tar", "tf", file], check=True, capture_output=True, text=True)
    assert listed.stdout.split() == [*CONTENTS, SEAL]
    with tarfile.open(file) as found:
        unpacked = found.extractfile("folder/second")
        assert unpacked is not None
        assert unpacked.read() == CONTENTS["folder/second"]


def test_what_is_not_finished_leaves_what_was_there(file: Path) -> None:
    before = file.read_bytes()
    writer = Writer(file, when=WHEN)
    writer.add("first", b"another")
    writer.discard()
    assert file.read_bytes() == before
    assert [each.name for each in file.parent.iterdir()] == ["a.tar"]


def test_wherever_it_is_cut_it_says_so(file: Path) -> None:
    whole = file.read_bytes()
    for size in {*range(0, len(whole), 97), *range(len(whole) - 2100, len(whole), 7)}:
        file.write_bytes(whole[:size])
        with pytest.raises(BadArchive, match="it was cut" if size >= 512 else "it is no archive"):
            read(file)


def test_a_byte_that_is_another_is_never_overlooked(file: Path) -> None:
    whole = file.read_bytes()
    chance = random.Random(7)
    for position in range(len(whole)):
        changed = bytearray(whole)
        changed[position] ^= chance.randrange(1, 256)
        file.write_bytes(changed)
        with pytest.raises(BadArchive):
            read(file)


def test_what_follows_its_end_is_not_overlooked_either(file: Path) -> None:
    file.write_bytes(file.read_bytes() + bytes(512))
    with pytest.raises(BadArchive, match="does not fit"):
        read(file)


@pytest.mark.parametrize("content", [b"", b"x" * 2000, bytes(10240), b"\x1f\x8b" + bytes(1000)])
def test_another_file_is_no_archive(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(BadArchive, match="it does not begin with the first of"):
        read(file)


def test_another_tar_is_no_archive(file: Path) -> None:
    with tarfile.open(file, "w") as tar:
        tar.addfile(tarfile.TarInfo("second"))
    with pytest.raises(BadArchive, match="it is no archive"):
        read(file)


@pytest.mark.parametrize(
    ("kind", "named"),
    [
        (tarfile.SYMTYPE, "'block' in it is a link"),
        (tarfile.LNKTYPE, "a link"),
        (tarfile.CHRTYPE, "a device"),
        (tarfile.FIFOTYPE, "a pipe"),
        (tarfile.DIRTYPE, "a folder"),
        (tarfile.GNUTYPE_LONGNAME, "an unknown kind"),
        (tarfile.XHDTYPE, "an unknown kind"),
        (tarfile.GNUTYPE_SPARSE, "an unknown kind"),
    ],
)
def test_there_is_nothing_but_files(file: Path, kind: bytes, named: str) -> None:
    odd = tarfile.TarInfo("block")
    odd.type, odd.linkname = kind, "/etc/passwd"
    forge(file, odd)
    with pytest.raises(BadArchive, match=named):
        read(file)


@pytest.mark.parametrize("name", ["../first", "/first", "other", "first/../../x", "नाम"])
def test_a_name_that_is_not_known_is_refused(file: Path, name: str) -> None:
    forge(file, tarfile.TarInfo(name))
    with pytest.raises(BadArchive, match="which is in no archive"):
        read(file)


@pytest.mark.parametrize("size", [2001, 10**12, -512])
def test_no_memory_is_taken_for_what_a_header_claims(file: Path, size: int) -> None:
    odd = tarfile.TarInfo("block")
    odd.size = size
    forge(file, odd)
    with pytest.raises(BadArchive, match=f"block in it has {size:,} bytes; it may have 2,000"):
        read(file)


def test_a_size_that_is_allowed_and_not_there_is_a_cut(file: Path) -> None:
    odd = tarfile.TarInfo("block")
    odd.size = 10**9
    forge(file, odd)
    with pytest.raises(BadArchive, match=r"it was cut: .* within block"):
        read(file, limit=10**10)


def forge(file: Path, odd: tarfile.TarInfo) -> None:
    """A tar with an odd header after its first member."""
    first = tarfile.TarInfo("first")
    first.size = 3
    head = first.tobuf(tarfile.USTAR_FORMAT)
    body = b"one".ljust(512, b"\0")
    file.write_bytes(head + body + odd.tobuf(tarfile.GNU_FORMAT, "utf-8") + bytes(1024))
