"""What is foretold of an ask is what becomes of it, wherever its audio lies and however old it is."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from edgeproxy.ask import Ask
from edgeproxy.cache.record import Record
from edgeproxy.core.freshness import Age
from edgeproxy.core.key import Teller
from edgeproxy.operate.explanation import NOBODY
from edgeproxy.operate.found import Found, find

from ..house import HELLO, VOICE, House


async def find_all(house: House, ask: Ask) -> list[Found]:
    kept = await house.store.variants(HELLO)
    assert kept is not None
    return find(ask, house.speech, kept, house.speech.remembered(HELLO))


async def put(house: House, ask: Ask, *, ago_s: float = 0.0, pinned: bool = False) -> None:
    made = datetime.now(UTC) - timedelta(seconds=ago_s)
    rate = ask.identity.voice.rate
    record = Record(ask.identity.blob, rate, b"\x01\x02" * rate, made)
    assert await house.store.put(ask.identity, record, pinned=pinned)


async def becomes(house: House, ask: Ask) -> str:
    _, clip, how = await house.hear(ask)
    await house.landed()
    if how != "fill":
        return how
    if clip.stale:
        return "stale"
    return f"hit-{clip.source}" if clip.source == "disk" else "miss"


@pytest.mark.parametrize(("ago_s", "pinned"), [(0, False), (5000, False), (5000, True)])
@pytest.mark.parametrize("curated", [False, True])
@pytest.mark.parametrize("purge", [None, "soft", "hard"])
async def test_what_lies_on_the_disk(
    house: House, ago_s: float, pinned: bool, curated: bool, purge: str | None
) -> None:
    ask = house.ask(curated=curated)
    await put(house, ask, ago_s=ago_s, pinned=pinned)
    if purge is not None:
        house.purge(text=HELLO, soft=purge == "soft")
    (found,) = await find_all(house, ask)
    assert found.seconds == 1.0
    assert (found.purge is not None) is (purge is not None)
    assert await becomes(house, ask) == found.verdict


async def test_what_is_in_memory(house: House) -> None:
    ask = house.ask()
    await put(house, ask)
    assert await becomes(house, ask) == "hit-disk"
    (found,) = await find_all(house, ask)
    assert (found.verdict, found.age, found.record) == ("hit-memory", Age.FRESH, ask.identity)
    assert await becomes(house, ask) == "hit-memory"


async def test_what_is_made_from_another_rate(house: House) -> None:
    master = Teller("books:1:0", VOICE.at_rate(24000)).identity(HELLO)
    ask = house.ask(curated=True)
    ask = replace(ask, master=master)
    assert [each.verdict for each in await find_all(house, ask)] == ["miss"]
    await put(house, replace(ask, identity=master), pinned=True)
    (found,) = await find_all(house, ask)
    assert (found.verdict, found.record) == ("hit-disk", master)
    assert await becomes(house, ask) == "hit-disk"


async def test_nobody_in_particular_has_what_any_client_has_and_no_books(house: House) -> None:
    nobody = replace(house.ask(), identity=Teller(NOBODY, VOICE).identity(HELLO))
    for namespace, ago_s in (("key-1", 10), ("key-2", 0), ("key-3", 9000), ("books:1:0", 0)):
        identity = Teller(namespace, VOICE).identity(HELLO)
        await put(house, replace(nobody, identity=identity), ago_s=ago_s)
    other = Teller("key-4", VOICE, epoch=1).identity(HELLO)
    await put(house, replace(nobody, identity=other))
    found = await find_all(house, nobody)
    assert [(each.verdict.value, each.ask.identity.namespace) for each in found] == [
        ("hit-disk", "key-2"),
        ("hit-disk", "key-1"),
        ("miss", "key-3"),
        ("miss", NOBODY),
    ]
