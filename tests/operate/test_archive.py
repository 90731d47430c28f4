"""Archives are verified whole: what is cut, changed, of another version or of another hand is refused, and
nothing of it is taken."""

import hashlib
import random
import tarfile
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from edgeproxy import __version__
from edgeproxy.core.key import Teller
from edgeproxy.core.voice import Voice
from edgeproxy.operate import archive
from edgeproxy.operate.archive import opened
from edgeproxy.operate.tar import BadArchive
from edgeproxy.phrases.pinned import namespace

from .region import HOUR, NOW, VOICE, Region

Members = dict[str, bytes]


@pytest.fixture
async def region(tmp_path: Path) -> AsyncIterator[Region]:
    async with Region.at(tmp_path / "one") as region:
        yield region


@pytest.fixture
async def file(region: Region, tmp_path: Path) -> Path:
    """An archive of some of everything."""
    await region.make("नमस्ते।", numbers=(1, 2), takes=2)
    await region.keep("फिर मिलेंगे।")
    await region.keep("Goodbye.", promoted=True)
    region.demand.ask(Teller("tenant-asha", VOICE).identity("Goodbye."))
    await region.demand.save()
    await region.export(tmp_path / "a.tar")
    return tmp_path / "a.tar"


def unpacked(file: Path) -> Members:
    with tarfile.open(file) as tar:
        return {each.name: tar.extractfile(each).read() for each in tar}  # type: ignore[union-attr]


def sealed(file: Path, members: Members) -> None:
    """Write a tar that whoever knows how has sealed anew."""
    sha = hashlib.sha256()
    out = b""
    for name, data in members.items():
        if name != "seal.json":
            out += _header(name, len(data)) + data + bytes(-len(data) % 512)
    counts = {
        kind: sum(name.startswith(f"{kind}/") for name in members)
        for kind in ("records", "units", "counts")
    }
    seal = orjson.dumps({"sha256": "0" * 64, **counts}, option=orjson.OPT_SORT_KEYS)
    out += _header("seal.json", len(seal))
    sha.update(out)
    seal = orjson.dumps({"sha256": sha.hexdigest(), **counts}, option=orjson.OPT_SORT_KEYS)
    file.write_bytes(out + seal + bytes(-len(seal) % 512) + bytes(1024))


def _header(name: str, size: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size = size
    return info.tobuf(tarfile.USTAR_FORMAT)


def first(members: Members, beginning: str) -> str:
    return next(name for name in members if name.startswith(beginning))


def verify(file: Path) -> None:
    with opened(file):
        pass


async def test_it_has_what_it_says_and_nothing_of_a_secret(file: Path, region: Region) -> None:
    members = unpacked(file)
    manifest = orjson.loads(members["manifest.json"])
    assert next(iter(members)) == "manifest.json"
    assert (manifest["form"], manifest["identity"]) == (1, 1)
    assert (manifest["edgeproxy"], manifest["installation"]) == (__version__, "one")
    seal = orjson.loads(members["seal.json"])
    assert {**seal, "sha256": ""} == {"sha256": "", "records": 10, "units": 1, "counts": 1}
    whole = file.read_bytes()
    before = whole[: whole.index(members["seal.json"])]
    assert seal["sha256"] == hashlib.sha256(before).hexdigest()
    for name in region.tags():
        assert any(member.endswith(name) for member in members)


async def test_sealing_anew_what_was_unpacked_gives_an_archive(file: Path) -> None:
    """Else the tests below would be about nothing."""
    sealed(file, unpacked(file))
    verify(file)


async def test_wherever_it_is_cut_it_is_refused(file: Path, tmp_path: Path) -> None:
    whole = file.read_bytes()
    with tarfile.open(file) as tar:
        members = tar.getmembers()
    places = {0, 1, 511, 512, len(whole) - 1, len(whole) - 512, len(whole) - 1024}
    for member in members:
        end = member.offset_data + member.size
        places |= {member.offset, member.offset + 100, member.offset_data}
        places |= {member.offset_data + member.size // 2, end, end + (-member.size % 512)}
    places.discard(len(whole))
    for size in sorted(places):
        file.write_bytes(whole[:size])
        with pytest.raises(BadArchive, match=r"it was cut|it is no archive"):
            verify(file)
    async with Region.at(tmp_path / "two") as other:
        with pytest.raises(BadArchive):
            await other.take(file)
        assert not other.tags()
    assert not (tmp_path / "two" / "generations.json").exists()


async def test_a_byte_that_is_another_is_refused_wherever_it_is(file: Path) -> None:
    whole = file.read_bytes()
    chance = random.Random(11)
    places = chance.sample(range(len(whole)), 300) + list(range(len(whole) - 2048, len(whole), 16))
    for place in places:
        changed = bytearray(whole)
        changed[place] ^= chance.randrange(1, 256)
        file.write_bytes(changed)
        with pytest.raises(BadArchive):
            verify(file)


@pytest.mark.parametrize("what", ["nowhere.tar", "folder"])
def test_what_is_no_file_is_refused(tmp_path: Path, what: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(BadArchive, match=r"no file|no such file"):
        verify(tmp_path / what)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"form": 2}, f"its form is 2, written by edgeproxy 9.9; edgeproxy {__version__} takes 1"),
        ({"identity": 7}, "its version of identities is 7, written by edgeproxy 9.9"),
        ({"form": True}, "its form is True"),
        ({"form": None}, "its form is None"),
        ({"made": "yesterday"}, "its manifest.json can't be read"),
        ({"records": "many"}, "its manifest.json can't be read"),
    ],
)
async def test_another_version_is_named_with_what_is_taken(
    file: Path, changes: dict[str, Any], said: str
) -> None:
    members = unpacked(file)
    manifest = {**orjson.loads(members["manifest.json"]), "edgeproxy": "9.9", **changes}
    sealed(file, {**members, "manifest.json": orjson.dumps(manifest)})
    with pytest.raises(BadArchive, match=said):
        verify(file)


Edit = Callable[[Members], Members]


def without(beginning: str) -> Edit:
    return lambda members: {
        name: data for name, data in members.items() if not name.startswith(beginning)
    }


def swapped(one: str, other: str) -> Edit:
    """What is under the one name is the other's."""

    def edit(members: Members) -> Members:
        data = members[first(members, other)]
        return {**members, first(members, one): data}

    return edit


def moved(beginning: str, to: str) -> Edit:
    def edit(members: Members) -> Members:
        name = first(members, beginning)
        key = name.rpartition("/")[2]
        return {(f"{to}{key}" if each == name else each): data for each, data in members.items()}

    return edit


def unit(**changes: Any) -> Edit:
    def edit(members: Members) -> Members:
        name = first(members, "units/")
        return {**members, name: orjson.dumps({**orjson.loads(members[name]), **changes})}

    return edit


def generation(**changes: Any) -> Edit:
    def edit(members: Members) -> Members:
        name = first(members, "units/")
        written = orjson.loads(members[name])
        written["generations"][0] |= changes
        return {**members, name: orjson.dumps(written)}

    return edit


def counted(data: bytes) -> Edit:
    return lambda members: {**members, first(members, "counts/"): data}


def beside(name: str, data: bytes) -> Edit:
    return lambda members: {**members, name: data}


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (beside("records/dynamic/" + "0" * 48, b"x"), "begins with b'x'"),
        (swapped("records/dynamic/", "records/promoted/"), "the record of something else"),
        (moved("records/pinned/", "records/dynamic/"), "is not kept as dynamic"),
        (moved("records/dynamic/", "records/pinned/"), "is not kept as pinned"),
        (without("records/pinned/"), "is not whole in it"),
        (without("units/"), "which is no phrase's of its units"),
        (unit(text="Another."), "it is another"),
        (unit(speaks=9), "generation 9 speaks, which is not there"),
        (unit(generations=7), "units/.*json: Input should be a valid"),
        (unit(unused_since="2026-11-24T00:00:00"), "without its time zone"),
        (generation(made="2026-11-24T00:00:00"), "without its time zone"),
        (generation(number=2), "rising numbers"),
        (generation(takes=0), "rising numbers, and takes"),
        (generation(takes=10**12), "is not whole in it"),
        (generation(rate=48000), "is not whole in it"),
        (generation(seconds=1e300), "a generation has seconds, up to 86,400"),
        (generation(seconds=-1), "a generation has seconds"),
        (generation(seconds="9" * 5000), "a generation has seconds"),
        (generation(loudness_dbfs="inf"), "and a loudness"),
        (counted(b"{}"), "counts/asks/.*'form'"),
        (counted(b'{"form":1,"tellers":[],"asked":[[0,"x",1]]}'), "counts/asks/"),
        (beside("counts/hits/2026-02-31.json", b'{"form":1,"heard":{}}'), "2026-02-31.json: day"),
        (beside("counts/hits/2026-02-01.json", b'{"form":1,"heard":{"x":-1}}'), "from 1 on"),
        (
            beside("counts/hits/2026-02-01.json", b'{"form":1,"heard":{"x":9007199254740993}}'),
            "nobody",
        ),
        (beside("install-secret", b"x"), "'install-secret' is in it"),
        (beside("records/dynamic/../../../x", b"x"), "is in it, which is in no archive"),
    ],
)
async def test_what_does_not_hold_together_is_refused_whoever_sealed_it(
    file: Path, edit: Edit, said: str
) -> None:
    sealed(file, edit(unpacked(file)))
    with pytest.raises(BadArchive, match=said):
        verify(file)


async def test_a_name_is_there_once(file: Path) -> None:
    members = unpacked(file)
    whole = file.read_bytes()
    name = first(members, "records/dynamic/")
    again = whole[(at := whole.index(_header(name, 0)[:100])) : at + 512 + 2048]
    cut = whole[: whole.index(b"seal.json")]
    file.write_bytes(cut + again + whole[len(cut) :])
    with pytest.raises(BadArchive, match=f"{name} is in it twice"):
        verify(file)


async def test_more_than_there_may_be_is_refused(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "MOST", 5)
    with pytest.raises(BadArchive, match="more than 5 files"):
        verify(file)


async def test_a_record_that_sounds_otherwise_than_it_says_is_refused(
    file: Path, region: Region
) -> None:
    identity = Teller("tenant-asha", VOICE).identity("Fast.")
    members = unpacked(file)
    for record, said in (
        (region.record(identity, NOW), None),
        (region.record(identity, NOW.replace(tzinfo=None)), "without its time zone"),
    ):
        sealed(file, {**members, f"records/dynamic/{identity.key}": record.pack()})
        if said is None:
            verify(file)
        else:
            with pytest.raises(BadArchive, match=said):
                verify(file)


@pytest.mark.parametrize("deep", [b"[" * 100_000, b'{"a":' * 100_000])
async def test_a_record_that_nests_without_end_is_refused(
    file: Path, region: Region, deep: bytes
) -> None:
    members = unpacked(file)
    identity = Teller("tenant-asha", VOICE).identity("Deep.")
    record = replace(
        region.record(identity, NOW), identity=b"1 0 tenant-asha\n" + deep + b"\nDeep."
    )
    sealed(file, {**members, f"records/dynamic/{identity.key}": record.pack()})
    with pytest.raises(BadArchive, match="no identity"):
        verify(file)


async def test_a_recording_at_a_place_that_no_take_has_is_refused(
    file: Path, region: Region
) -> None:
    members = unpacked(file)
    where = Teller(namespace(1, 7), Voice(dict(VOICE.fields)))
    identity = where.identity("नमस्ते।")
    record = region.record(identity, NOW - HOUR)
    sealed(file, {**members, f"records/pinned/{identity.key}": record.pack()})
    with pytest.raises(BadArchive, match="no phrase's"):
        verify(file)


async def test_what_changes_between_two_looks_is_not_taken(file: Path) -> None:
    with opened(file) as found:
        (kept,) = [each for each in found.others if each.tag == "dynamic"]
        with file.open("r+b") as spoilt:
            spoilt.seek(kept.at.offset + 200)
            spoilt.write(b"spoilt")
        with pytest.raises(BadArchive, match="it changed while it was read"):
            found.record(kept)
