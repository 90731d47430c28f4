"""What is taken of an archive: what is not here, was not purged here, and can be heard here."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from edgeproxy.app import Proxy
from edgeproxy.cache.purge import Doom, Scope
from edgeproxy.core.events import Event
from edgeproxy.core.key import Identity
from edgeproxy.downstream.secret import fingerprint
from edgeproxy.operate.archive import Archive
from edgeproxy.operate.importing import Taken, Unwanted
from edgeproxy.operate.tar import BadArchive
from edgeproxy.phrases.generations import Failure, Generation, Generations

from ..conftest import StartProxy, landed, made, until, write_tenants
from ..fakes.process import free_port
from ..wire import talk
from .region import HOUR, NOW, VOICE, Region

KEY = "key-" + "0" * 32
"""The namespace of a client that is known by its key."""


@pytest.fixture
async def region(tmp_path: Path) -> AsyncIterator[Region]:
    async with Region.at(tmp_path / "one") as region:
        yield region


@pytest.fixture
async def other(tmp_path: Path) -> AsyncIterator[Region]:
    """Another region, with nothing in it."""
    async with Region.at(tmp_path / "two", installation="two") as region:
        yield region


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "a.tar"


def left_out(taken: Taken) -> dict[str, int]:
    return {why: number for why, number in taken.left_out.items() if number}


async def heard(region: Region, identity: Identity) -> bytes:
    record = await region.store.get(identity)
    assert record is not None
    assert region.purges.doom(identity, since=record.purge) is Doom.NONE
    return record.pcm


async def test_an_empty_region_has_all_of_it_then_and_a_second_time_changes_nothing(
    region: Region, other: Region, file: Path
) -> None:
    unit = await region.make("नमस्ते।", numbers=(1, 2, 3), takes=2, use=2)
    of_tenants = await region.make("Only for Asha.", scope="asha")
    failure = Failure(NOW, ("0.02 s is too short",), 3)
    failed = region.generations.fail(VOICE, "Never made.", failure)
    asked = await region.keep("फिर मिलेंगे।")
    promoted = await region.keep("Goodbye.", promoted=True)
    await region.export(file)
    other.purges.add(Scope(text="Something else."), soft=False)
    taken = await other.take(file)
    assert (taken.records, taken.units, taken.there, left_out(taken)) == (16, 2, 0, {})
    assert other.tags() == region.tags()
    found = Generations.load(other.generations.file)
    assert list(found) == [unit, of_tenants, failed]
    assert found.speaking(VOICE, of_tenants.text, scope="asha") == of_tenants.spoken
    assert other.speaks("नमस्ते।") == 2
    for identity in (asked, promoted, unit.generations[1].identity(VOICE, unit.text, 1)):
        assert await heard(other, identity) == await heard(region, identity)
    before = {each: each.read_bytes() for each in other.directory.rglob("*.val")}
    again = await other.take(file)
    assert (again.records, again.units, again.there, left_out(again)) == (0, 0, 16, {})
    assert {each: each.read_bytes() for each in other.directory.rglob("*.val")} == before
    assert list(Generations.load(other.generations.file)) == [unit, of_tenants, failed]


async def test_a_record_carries_the_purge_number_of_where_it_is_now(
    region: Region, other: Region, file: Path
) -> None:
    region.purges.add(Scope(text="Elsewhere."), soft=False)
    identity = await region.keep("Hello.", made=NOW + HOUR)
    await region.export(file)
    number = other.purges.add(Scope(text="Here."), soft=False).number
    await other.take(file)
    record = await other.store.get(identity)
    assert record is not None
    assert (record.purge, record.made) == (number, NOW + HOUR)


async def test_what_is_here_stays_as_it_is(region: Region, other: Region, file: Path) -> None:
    theirs = await region.keep("Hello.", samples=100)
    ours = await other.keep("Hello.", samples=200)
    assert theirs == ours
    await region.export(file)
    taken = await other.take(file)
    assert (taken.records, taken.there) == (0, 1)
    assert len(await heard(other, ours)) == 400


async def test_a_phrase_that_was_made_here_stays_and_another_comes_whole(
    region: Region, other: Region, file: Path
) -> None:
    await region.make("Both.", numbers=(1, 2), use=1)
    await region.make("Theirs.", numbers=(1, 2), use=1)
    await region.make("Tried here.")
    ours = await other.make("Both.", numbers=(2,))
    other.generations.fail(VOICE, "Tried here.", Failure(NOW, ("silent",), 3))
    await region.export(file)
    taken = await other.take(file)
    assert other.generations[ours.key] == ours
    assert (other.speaks("Both."), other.speaks("Theirs."), other.speaks("Tried here.")) == (
        2,
        1,
        1,
    )
    assert (taken.records, taken.units, taken.there) == (6, 2, 2)
    assert left_out(taken) == {Unwanted.MADE_HERE: 2}
    # Nor is anything left here of the generation that the other region has besides.
    theirs = Generation(1, NOW, VOICE.rate, 0.05, 5, -20.0)
    assert theirs.identity(VOICE, "Both.", 0) not in other.store


async def test_what_a_crash_left_of_a_phrase_gives_way_to_what_comes_whole(
    region: Region, other: Region, file: Path
) -> None:
    unit = await region.make("Hello.")
    leftover = unit.generations[0].identity(VOICE, unit.text, 0)
    await other.store.put(leftover, other.record(leftover, NOW, samples=7), pinned=True)
    await region.export(file)
    taken = await other.take(file)
    assert (taken.records, taken.there) == (2, 0)
    assert await heard(other, leftover) == await heard(region, leftover)


async def test_a_phrase_is_heard_only_when_all_its_records_are_safe(
    region: Region, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await region.make("Hello.", takes=2)
    asked = await region.keep("Goodbye.")
    await region.export(file)
    async with Region.at(tmp_path / "two", installation="two") as other:
        room = [10**9, 10**9, 0, 10**9]
        monkeypatch.setattr("edgeproxy.cache.disk.Disk.free_bytes", property(lambda _: room.pop(0)))
        taken = await other.take(file)
        assert left_out(taken) == {Unwanted.DISK: 4}
        assert (taken.records, taken.units, other.speaks("Hello.")) == (1, 0, None)
        assert list(other.tags()) == [asked.key]
        monkeypatch.undo()
        taken = await other.take(file)
        assert (taken.records, taken.there, other.speaks("Hello.")) == (4, 1, 1)


async def test_a_purge_here_wins_over_what_was_made_before_it(
    region: Region, other: Region, file: Path
) -> None:
    for text in ("Purged.", "Softly.", "Other."):
        await region.keep(text)
    await region.keep("Purged. ", namespace="tenant-ravi", made=NOW + HOUR)
    await region.make("Purged phrase.")
    await region.export(file)
    for text in ("Purged.", "Purged phrase."):
        other.purges.add(Scope(text=text), soft=False)
    other.purges.add(Scope(text="Softly."), soft=True)
    # Even when nothing here is covered any more.
    other.purges.forget(list(other.purges))
    taken = await other.take(file)
    assert left_out(taken) == {Unwanted.PURGED: 4}
    assert (taken.records, taken.units, other.speaks("Purged phrase.")) == (2, 0, None)
    assert len(other.tags()) == 2


async def test_a_generation_that_was_purged_here_stays_away_and_the_later_one_comes(
    region: Region, other: Region, file: Path
) -> None:
    await region.make("Hello.", numbers=(1,))
    await region.make("Hello.", numbers=(2,), made=NOW + HOUR)
    await region.export(file)
    other.purges.add(Scope(text="Hello."), soft=False)
    taken = await other.take(file)
    assert (taken.records, taken.units, other.speaks("Hello.")) == (2, 1, 2)
    (unit,) = other.generations
    assert [each.number for each in unit.generations] == [2]


async def test_a_purge_that_comes_meanwhile_wins_too(
    region: Region, other: Region, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await region.keep("First.")
    later = await region.keep("Later.")
    await region.make("Phrase.")
    await region.export(file)
    record = Archive.record

    def purging(self: Archive, kept: object) -> object:
        monkeypatch.undo()
        command = type(other.purges).load(other.directory / "purges.json")
        command.add(Scope(), soft=False, now=NOW + HOUR)
        return record(self, kept)  # type: ignore[arg-type]

    monkeypatch.setattr(Archive, "record", purging)
    await other.take(file)
    assert other.speaks("Phrase.") is None
    assert later not in other.store


async def test_clients_of_another_installation_are_left_out_and_of_the_same_restored(
    region: Region, other: Region, file: Path, tmp_path: Path
) -> None:
    private, shared = await region.keep("Hello.", namespace=KEY), await region.keep("Hello.")
    await region.export(file)
    taken = await other.take(file)
    assert (taken.records, left_out(taken)) == (1, {Unwanted.STRANGERS: 1})
    assert list(other.tags()) == [shared.key]
    async with Region.at(tmp_path / "three", installation="one") as same:
        assert (await same.take(file)).records == 2
        assert private in same.store


async def test_what_is_too_old_or_looks_personal_is_left_out_unless_promoted_or_allowed(
    region: Region, other: Region, file: Path
) -> None:
    old = NOW - timedelta(days=8)
    await region.keep("Old.", made=old)
    promoted = await region.keep("Old and wanted.", made=old, promoted=True)
    personal = await region.keep("Your code is 123456.")
    await region.export(file)
    taken = await other.take(file)
    assert left_out(taken) == {Unwanted.OLD: 1, Unwanted.PERSONAL: 1}
    assert list(other.tags()) == [promoted.key]
    assert (await other.take(file, keep_personal=True)).records == 1
    assert personal in other.store


async def test_the_quota_holds_and_nothing_here_makes_room(
    region: Region, file: Path, tmp_path: Path
) -> None:
    texts = [f"Sentence {word}." for word in ("one", "two", "three", "four")]
    kept = [await region.keep(text, samples=5000) for text in texts]
    promoted = await region.keep("Wanted.", samples=5000, promoted=True)
    await region.export(file)
    async with Region.at(tmp_path / "two", quota_bytes=32_000) as small:
        ours = await small.keep("Ours.", samples=5000)
        taken = await small.take(file)
        assert left_out(taken) == {Unwanted.QUOTA: 2}
        # Of what is dynamic, rather what was used last.
        assert set(small.tags()) == {each.key for each in (ours, promoted, *kept[2:])}
        assert small.store.room >= 0
        again = await small.take(file)
        assert (again.records, again.there, left_out(again)) == (0, 3, {Unwanted.QUOTA: 2})


async def test_free_disk_holds(region: Region, file: Path, tmp_path: Path) -> None:
    await region.keep("Hello.")
    await region.make("Phrase.")
    await region.export(file)
    async with Region.at(tmp_path / "two", min_free_bytes=10**18) as full:
        taken = await full.take(file)
        assert left_out(taken) == {Unwanted.DISK: 3}
        assert not full.tags()


async def test_counts_come_back_to_who_counted_them_a_day_at_most_once(
    region: Region, other: Region, file: Path, tmp_path: Path
) -> None:
    unit = await region.make("Phrase.")
    hello = await region.keep("Hello.")
    for _ in range(3):
        region.demand.ask(hello)
    region.demand.miss(hello)
    region.hits.count(unit.generations[0].identity(VOICE, unit.text, 0))
    await region.demand.save()
    await region.hits.save()
    exported = await region.export(file)
    assert exported.days == 1
    assert (await other.take(file)).days == 0
    assert not other.demand.top(1, now=NOW)
    async with Region.at(tmp_path / "three", installation="one") as restored:
        assert (await restored.take(file)).days == 1
        (wanted,) = restored.demand.top(1, now=NOW)
        assert (wanted.asked, wanted.missed) == (3, 1)
        assert restored.hits.of_days(1, now=NOW) == {unit.key: 1}
        restored.demand.ask(hello)
        await restored.demand.save()
        assert (await restored.take(file)).days == 0
        (wanted,) = restored.demand.top(1, now=NOW)
        assert (wanted.asked, wanted.missed) == (4, 1)


async def test_an_archive_that_is_spoilt_while_it_is_taken_leaves_a_store_that_is_whole(
    region: Region, other: Region, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for text in ("One.", "Two.", "Three."):
        await region.keep(text)
    await region.export(file)
    record, looks = Archive.record, 0

    def failing(self: Archive, kept: object) -> object:
        nonlocal looks
        looks += 1
        if looks == 2:
            raise BadArchive("it changed while it was read")
        return record(self, kept)  # type: ignore[arg-type]

    monkeypatch.setattr(Archive, "record", failing)
    with pytest.raises(BadArchive, match="while it was read"):
        await other.take(file)
    assert len(other.tags()) == 1
    assert await other.store.verify(1.0) == (1, 0)
    assert (await other.take(file)).records == 2


# -- with a proxy on it ----------------------------------------------------------------------------


@asynccontextmanager
async def beside(proxy: Proxy, directory: Path) -> AsyncIterator[Region]:
    """The data of a running proxy, opened by another process."""
    secret = (directory / "install-secret").read_bytes()
    async with Region.at(directory, installation=fingerprint(secret)) as region:
        yield region


async def test_a_region_seeded_with_an_archive_speaks_without_its_origin(
    start_proxy: StartProxy,
    facts: list[Event],
    hello_book: Path,
    file: Path,
    tmp_path: Path,
) -> None:
    tenants = {"mode": "proxy", "tenants": write_asha(tmp_path)}
    async with start_proxy(phrases={"directory": hello_book}, auth=tenants) as proxy:
        await until(lambda: made(facts) == 1)
        async with talk(proxy.url, key="asha-token") as client:
            asked = (await client.say("फिर मिलेंगे।")).audio
            await client.config(target_language_code="en-IN", speaker="ritu")
            phrase = (await client.say("Hello there.")).audio
        await landed(proxy)
        async with beside(proxy, tmp_path / "data") as region:
            await region.export(file)
    async with Region.at(tmp_path / "seeded", installation="two") as other:
        assert (await other.take(file)).records == 2
    async with (
        start_proxy(
            phrases={"directory": hello_book},
            auth=tenants,
            cache={"data_dir": tmp_path / "seeded"},
            origin={"url": f"http://127.0.0.1:{free_port()}"},
        ) as proxy,
        talk(proxy.url, key="asha-token") as client,
    ):
        answer = await client.say("फिर मिलेंगे।")
        assert (answer.audio, answer.verdicts) == (asked, ["hit-disk"])
        await client.config(target_language_code="en-IN", speaker="ritu")
        answer = await client.say("Hello there.")
        assert answer.audio == phrase
        assert answer.verdicts[0].startswith("hit")
    assert made(facts) == 1


async def test_a_running_proxy_finds_what_is_imported_beside_it_phrases_or_not(
    start_proxy: StartProxy, facts: list[Event], hello_book: Path, file: Path, tmp_path: Path
) -> None:
    async with start_proxy(phrases={"directory": hello_book}) as proxy:
        await until(lambda: made(facts) == 1)
        async with talk(proxy.url) as client:
            await client.say("फिर मिलेंगे।")
        await landed(proxy)
        async with beside(proxy, tmp_path / "data") as region:
            await region.export(file)
    (tmp_path / "two").mkdir()
    secret = (tmp_path / "data" / "install-secret").read_bytes()
    (tmp_path / "two" / "install-secret").write_bytes(secret)
    off = {"url": f"http://127.0.0.1:{free_port()}"}
    async with start_proxy(cache={"data_dir": tmp_path / "two"}, origin=off) as proxy:
        async with beside(proxy, tmp_path / "two") as region:
            await region.take(file)
        await until(lambda: len(proxy.store) == 2 and len(proxy.generations) == 1)
        # Now with nothing but what callers asked for.
        async with beside(proxy, tmp_path / "two") as region:
            for key, tag in region.tags().items():
                if tag == "dynamic":
                    await region.store.remove(key)
            await region.store.tell_others()
            await until(lambda: len(proxy.store) == 1)
            await region.take(file)
        await until(lambda: len(proxy.store) == 2)
        async with talk(proxy.url) as client:
            assert (await client.say("फिर मिलेंगे।")).verdicts == ["hit-disk"]


def write_asha(folder: Path) -> Path:
    return write_tenants(folder / "tenants.yaml", asha={"tokens": ["asha-token"]})
