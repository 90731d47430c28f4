"""All pools: apart by account and model, together in the places of an account."""

from collections.abc import Callable, Sequence
from contextlib import suppress

from edgeproxy.core.errors import OriginSilent
from edgeproxy.core.voice import Voice
from edgeproxy.emulator.server import Emulator
from edgeproxy.upstream.places import Places
from edgeproxy.upstream.pool import Pool
from edgeproxy.upstream.pools import Account, Pools

from ..conftest import until
from .conftest import VOICE

MakePool = Callable[..., Pool]
ONE, TWO = Account("one", "key-1"), Account("two", "key-2")


def pools_of(make_pool: MakePool, made: list[tuple[str, str, Places]], **limits: float) -> Pools:
    def make(account: Account, model: str, places: Places, voices: Sequence[Voice]) -> Pool:
        made.append((account.name, model, places))
        return make_pool(places=places, voices=voices, keep=bool(voices), **limits)

    return Pools(make, make_places=lambda: Places(10, recover_s=10))


async def test_accounts_and_models_never_share_a_session(make_pool: MakePool) -> None:
    made: list[tuple[str, str, Places]] = []
    pools = pools_of(make_pool, made)
    assert pools.of(ONE, "bulbul:v3") is pools.of(ONE, "bulbul:v3")
    assert pools.of(ONE, "bulbul:v3") is not pools.of(TWO, "bulbul:v3")
    assert pools.of(ONE, "bulbul:v3") is not pools.of(ONE, "bulbul:v4-flash")
    assert [each[:2] for each in made] == [
        ("one", "bulbul:v3"),
        ("two", "bulbul:v3"),
        ("one", "bulbul:v4-flash"),
    ]


async def test_the_pools_of_an_account_share_places_and_those_of_two_do_not(
    make_pool: MakePool,
) -> None:
    made: list[tuple[str, str, Places]] = []
    pools = pools_of(make_pool, made)
    for account, model in ((ONE, "a"), (ONE, "b"), (TWO, "a")):
        pools.of(account, model)
    assert made[0][2] is made[1][2]
    assert made[0][2] is not made[2][2]


async def test_warming_begins_a_pool_for_each_model(make_pool: MakePool) -> None:
    made: list[tuple[str, str, Places]] = []
    pools = pools_of(make_pool, made)
    pools.warm(ONE, [VOICE, Voice({**VOICE.fields, "model": "bulbul:v4-flash"})])
    assert [model for _, model, _ in made] == ["bulbul:v3", "bulbul:v4-flash"]
    await until(lambda: all(pool.idle for pool in pools))


async def test_a_pool_that_has_ended_is_begun_anew(make_pool: MakePool) -> None:
    pools = pools_of(make_pool, [], spare_for_s=0.0)
    first = pools.of(ONE, "somebodys-own-model")
    await until(lambda: first.closed)
    assert pools.of(ONE, "somebodys-own-model") is not first
    assert len(list(pools)) == 1


async def test_breakers_are_apart_by_account_and_model_and_only_those_with_a_memory_are_kept(
    make_pool: MakePool,
) -> None:
    pools = pools_of(make_pool, [])
    failing = pools.breaker(ONE, "a")
    for _ in range(20):
        with suppress(OriginSilent), failing.attempt():
            raise OriginSilent("nothing came")
    resting = pools.breaker(TWO, "a")
    assert len({failing, resting, pools.breaker(ONE, "b")}) == 3
    assert pools.breaker(ONE, "a") is failing
    assert pools.breaker(TWO, "a") is not resting
    assert pools.problems(ONE) == ["a is not asked for (open): nothing came"]
    assert len(list(pools)) == 0, "to ask for a breaker begins no pool"


def test_a_key_never_shows() -> None:
    assert "key-1" not in repr(ONE)


async def test_accounts_that_come_and_go_leave_nothing_behind(make_pool: MakePool) -> None:
    pools = pools_of(make_pool, [], spare_for_s=0.0)
    for number in range(3):
        gone = [pools.of(Account(f"{number}-{n}", "k"), "m") for n in range(50)]
        await until(lambda gone=gone: all(pool.closed for pool in gone))  # type: ignore[misc]
    pools.of(ONE, "m")
    assert len(list(pools)) == len(pools._places) == 1


async def test_an_account_that_is_in_use_keeps_its_places(make_pool: MakePool) -> None:
    made: list[tuple[str, str, Places]] = []
    pools = pools_of(make_pool, made)
    for account, model in ((ONE, "a"), (TWO, "a"), (ONE, "b")):
        pools.of(account, model)
    assert made[0][2] is made[2][2]


async def test_proving_an_account_dials_for_it_and_for_no_other(
    make_pool: MakePool, emulator: Emulator
) -> None:
    made: list[tuple[str, str, Places]] = []
    pools = pools_of(make_pool, made)
    await pools.prove(ONE, "bulbul:v3")
    assert [each[:2] for each in made] == [("one", "bulbul:v3")]
    assert [pool.idle for pool in pools.of_account(ONE)] == [1]
    assert pools.of_account(TWO) == []


async def test_how_pools_stand_is_told_by_account_and_model(make_pool: MakePool) -> None:
    pools = pools_of(make_pool, [])
    await pools.prove(ONE, "bulbul:v3")
    await until(lambda: pools.of(ONE, "bulbul:v3").idle > 0)
    (standing,) = pools.standings()
    assert (standing.account, standing.model, standing.breaker) == (ONE, "bulbul:v3", "closed")
    assert standing.sessions["idle"] == pools.of(ONE, "bulbul:v3").idle
    assert standing.held == sum(standing.sessions.values()) <= standing.ceiling
    assert (standing.waiting, standing.problem) == (0, None)
