"""An archive: what an installation keeps, in one file that seeds another or restores the same.

::

    manifest.json               of which form, by whom, when; how many records there were to begin with
    records/pinned/KEY          values as they lie on the disk, of one phrase in one voice, and then
    units/KEY.json                  what was made of it, what speaks, and whether it is held there
    records/promoted/KEY        what callers asked for: what a night has promoted, and the rest,
    records/dynamic/KEY             the least recently used first
    counts/asks|misses|hits/2026-11-24.json     how often what was asked for, missed, heard
    seal.json                   see :mod:`.tar`

Everything is verified before anything of it is used: each record is whole, is what it is called, and sounds
as its identity says; each recording that a unit names is there. The installation's secret is in no archive,
only what tells whether two archives are of one.
"""

import os
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from math import isfinite
from pathlib import Path
from typing import Any, BinaryIO, Final

import orjson
from pydantic import TypeAdapter, ValidationError

from .. import __version__
from ..cache import demand
from ..cache.counts import Form
from ..cache.disk import Tag
from ..cache.record import Record
from ..core.errors import RecordError
from ..core.key import VERSION, Identity
from ..phrases import hits
from ..phrases.generate import Progress
from ..phrases.pinned import Generation, Pinned, scope_of, unit_key
from ..sarvam import models
from .tar import SMALL_BYTES, BadArchive, Member, Reader

FORM: Final = 1
MANIFEST: Final = "manifest.json"
COUNTS: Final[Mapping[str, Form[Any]]] = {
    "asks": demand.FORM,
    "misses": demand.FORM,
    "hits": hits.FORM,
}
"""What counts are kept as, by what they are counts of."""
MOST: Final = 2_000_000
"""Members of an archive: each takes some memory."""

_RECORD: Final = re.compile(f"records/({'|'.join(Tag)})/([0-9a-f]{{48}})")
_UNIT: Final = re.compile(r"units/([0-9a-f]{48})\.json")
_COUNTS: Final = re.compile(rf"counts/({'|'.join(COUNTS)})/(\d{{4}}-\d\d-\d\d)\.json")
_LIMITS: Final = {
    # A human's recording of 20 MB, at a higher rate.
    _RECORD: 256 * 1024 * 1024,
    _UNIT: 4 * 1024 * 1024,
    _COUNTS: 64 * 1024 * 1024,
}
_LONGEST_S: Final = 86_400
"""Longer than any record of an archive can be."""
_OFTEN: Final = 10**9
"""Nothing is asked for more often on one day."""
_PINNED: Final = TypeAdapter(Pinned)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What an archive says of itself first. ``installation``: the fingerprint of the one it is of;
    ``records``: how many there were when it was begun, of which some may have gone before they were read."""

    made: datetime
    installation: str
    records: int
    edgeproxy: str = __version__
    identity: int = VERSION
    form: int = FORM

    def packed(self) -> bytes:
        """The member to write."""
        return orjson.dumps(self, option=orjson.OPT_INDENT_2)


@dataclass(frozen=True, slots=True)
class Kept:
    """A record in an archive, as much of it as is needed to know whether it is wanted."""

    key: str
    tag: Tag
    at: Member
    namespace: str
    made: datetime


@dataclass(slots=True)
class Archive:
    """An archive that was verified. ``curated``: the records of each unit, by its key; ``others``: the rest;
    ``counts``: the days of each kind."""

    manifest: Manifest
    _file: BinaryIO
    units: dict[str, Pinned] = field(default_factory=dict)
    curated: dict[str, list[Kept]] = field(default_factory=dict)
    others: list[Kept] = field(default_factory=list)
    counts: list[tuple[str, date, Member]] = field(default_factory=list)

    def record(self, kept: Kept) -> tuple[Identity, Record]:
        """Read a record again. Blocks; raises OSError, and :class:`BadArchive` where it has changed since."""
        try:
            return checked(kept.key, self._read(kept.at))
        except RecordError as error:
            raise BadArchive(f"it changed while it was read: {kept.at.name}: {error}") from error

    def counted(self, kind: str, at: Member) -> Counter[Any]:
        """Read the counts of a day again. Blocks; raises OSError or :class:`BadArchive`."""
        return _counted(kind, at, self._read(at))

    def _read(self, at: Member) -> bytes:
        return os.pread(self._file.fileno(), at.size, at.offset)


@contextmanager
def opened(file: Path, *, progress: Progress = lambda done, total, what: None) -> Iterator[Archive]:
    """Verify the archive in ``file``, all of it. Blocks; raises :class:`BadArchive` or OSError."""
    if not file.is_file():
        raise BadArchive("it is no file" if file.exists() else "there is no such file")
    with file.open("rb") as opened:
        yield _verified(opened, progress)


def checked(key: str, value: bytes) -> tuple[Identity, Record]:
    """What a value is that is kept under ``key``. Raises RecordError unless it is just that, whole."""
    record = Record.unpack(value)
    try:
        identity = Identity.parse(record.identity)
        canonical = identity.teller.identity_of_normal(identity.text)
    except (RecursionError, TypeError, ValueError) as error:
        raise RecordError(f"no identity: {error}") from error
    if canonical != identity or identity.key != key:
        raise RecordError("the record of something else")
    if record.rate != identity.voice.rate or type(record.rate) is not int:
        raise RecordError(f"a record of {record.rate} Hz, for {identity.voice.rate}")
    if record.made.tzinfo is None:
        raise RecordError("a date without its time zone")
    return identity, record


def masters(unit: Pinned, generation: Generation) -> Iterator[Identity]:
    """What a generation is made of: each take as it was made."""
    for take in range(generation.takes):
        yield unit.identity(generation, take)


def recordings(unit: Pinned, generation: Generation) -> Iterator[Identity]:
    """What there may be of a generation: each take at every rate."""
    for rate in models.REST_RATES:
        for take in range(generation.takes):
            yield unit.identity(generation, take, rate=rate)


def _limit_of(name: str) -> int | None:
    if name == MANIFEST:
        return SMALL_BYTES
    return next((most for form, most in _LIMITS.items() if form.fullmatch(name)), None)


def _verified(file: BinaryIO, progress: Progress) -> Archive:
    reader = Reader(file, first=MANIFEST, limit_of=_limit_of)
    members = iter(reader)
    archive = Archive(_manifest(members), file)
    names = {MANIFEST}
    records = 0
    for member, data in members:
        if member.name in names:
            raise BadArchive(f"{member.name} is in it twice")
        names.add(member.name)
        if len(names) > MOST:
            raise BadArchive(f"more than {MOST:,} files are in it")
        if found := _RECORD.fullmatch(member.name):
            _add_record(archive, member, Tag(found[1]), found[2], data)
            records += 1
            progress(records, archive.manifest.records, "checked")
        elif found := _UNIT.fullmatch(member.name):
            archive.units[found[1]] = _unit(member, found[1], data)
        elif found := _COUNTS.fullmatch(member.name):
            _counted(found[1], member, data)
            archive.counts.append((found[1], _day(member, found[2]), member))
    _hold_together(archive)
    counts = {"records": records, "units": len(archive.units), "counts": len(archive.counts)}
    if reader.counts != counts:
        raise BadArchive("it was changed since it was written: other counts are in its seal")
    return archive


def _manifest(members: Iterator[tuple[Member, bytes]]) -> Manifest:
    _, data = next(members)
    try:
        found = orjson.loads(data)
        by, form = str(found["edgeproxy"]), found["form"]
        for what, version, ours in (
            ("form", form, FORM),
            ("version of identities", found.get("identity"), VERSION),
        ):
            if version != ours or type(version) is not int:
                raise BadArchive(
                    f"its {what} is {version}, written by edgeproxy {by}; "
                    f"edgeproxy {__version__} takes {ours}"
                )
        made = datetime.fromisoformat(found["made"])
        return Manifest(
            made=made,
            installation=str(found["installation"]),
            records=int(found["records"]),
            edgeproxy=by,
        )
    except BadArchive:
        raise
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise BadArchive(f"its {MANIFEST} can't be read ({error})") from error


def _add_record(archive: Archive, member: Member, tag: Tag, key: str, data: bytes) -> None:
    try:
        identity, record = checked(key, data)
        curated = (scope := scope_of(identity.namespace)) is not None
        if curated != (tag is Tag.PINNED):
            raise RecordError(f"what lies in {identity.namespace} is not kept as {tag}")
    except RecordError as error:
        raise BadArchive(f"it was changed or damaged: {member.name}: {error}") from error
    kept = Kept(key, tag, member, sys.intern(identity.namespace), record.made)
    if scope is None:
        archive.others.append(kept)
    else:
        unit = unit_key(identity.voice, identity.text, scope=scope)
        archive.curated.setdefault(unit, []).append(kept)


def _unit(member: Member, key: str, data: bytes) -> Pinned:
    try:
        unit = _PINNED.validate_json(data)
        named = unit_key(unit.at_rate(models.DEFAULT_RATE), unit.text, scope=unit.scope)
        if not key == unit.key == named:
            raise ValueError("it is another")
        dates = [each.made for each in unit.generations]
        dates += [when for when in (unit.failed and unit.failed.when, unit.unused_since) if when]
        if any(when.tzinfo is None for when in dates):
            raise ValueError("a date without its time zone")
        numbers = [each.number for each in unit.generations]
        if numbers != sorted(set(numbers)) or any(each.takes < 1 for each in unit.generations):
            raise ValueError("generations have rising numbers, and takes")
        figures = [(each.seconds, each.loudness_dbfs) for each in unit.generations]
        if not all(0 <= long <= _LONGEST_S and isfinite(loud) for long, loud in figures):
            raise ValueError(f"a generation has seconds, up to {_LONGEST_S:,}, and a loudness")
        if unit.speaks is not None and unit.spoken is None:
            raise ValueError(f"generation {unit.speaks} speaks, which is not there")
    except ValidationError as error:
        raise BadArchive(
            f"it was changed or damaged: {member.name}: {error.errors()[0]['msg']}"
        ) from error
    except ValueError as error:
        raise BadArchive(f"it was changed or damaged: {member.name}: {error}") from error
    return unit


def _counted(kind: str, member: Member, data: bytes) -> Counter[Any]:
    try:
        found = COUNTS[kind].unpack(data)
        if not all(type(times) is int and 0 < times <= _OFTEN for times in found.values()):
            raise ValueError("how often is a number from 1 on, and none that nobody counts to")
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise BadArchive(f"it was changed or damaged: {member.name}: {error}") from error
    return found


def _day(member: Member, written: str) -> date:
    try:
        return date.fromisoformat(written)
    except ValueError as error:
        raise BadArchive(f"it was changed or damaged: {member.name}: {error}") from error


def _hold_together(archive: Archive) -> None:
    """What units name is there, and nothing else of books is."""
    left = {kept.key: kept for records in archive.curated.values() for kept in records}
    for unit in archive.units.values():
        for each in unit.generations:
            for identity in masters(unit, each):
                if identity.key not in left:
                    raise BadArchive(
                        f"generation {each.number} of units/{unit.key}.json is not whole in it"
                    )
            for identity in recordings(unit, each):
                left.pop(identity.key, None)
    for kept in left.values():
        raise BadArchive(f"{kept.at.name} is in it, which is no phrase's of its units")
