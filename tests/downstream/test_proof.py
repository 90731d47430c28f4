"""Clients with keys of their own: let in on the origin's word, for a while, and at their own cost."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from edgeproxy.app import Proxy
from edgeproxy.config import ConfigError
from edgeproxy.core.errors import EdgeProxyError, OriginUnreachable, Overloaded
from edgeproxy.core.events import Event, KeyProven
from edgeproxy.downstream.auth import Client
from edgeproxy.downstream.proof import PROVEN_S, Passthrough
from edgeproxy.downstream.proofs import Proofs
from edgeproxy.downstream.terms import digest_of, written
from edgeproxy.emulator.server import Emulator
from edgeproxy.sarvam import refusals
from edgeproxy.sarvam.refusals import Refused
from edgeproxy.upstream.pools import Account
from edgeproxy.upstream.session import OriginRefused

from ..conftest import StartProxy, landed, until
from ..wire import CONFIG, talk

HELLO = "नमस्ते, आप कैसे हैं?"
OWN = Account("own", "origin-key", own=True)
HOUR_S = PROVEN_S


@pytest.fixture
async def guarded() -> AsyncIterator[Emulator]:
    """An origin that knows its clients' keys, and not the proxy's own."""
    async with Emulator(keys={"key-a", "key-b", "sk_tell_nobody"}) as emulator:
        yield emulator


@pytest.fixture
async def passing(start_proxy: StartProxy, guarded: Emulator) -> AsyncIterator[Proxy]:
    """A proxy that passes its clients' keys through."""
    async with start_proxy(auth={"mode": "passthrough"}, origin={"url": guarded.url}) as proxy:
        yield proxy


async def post(url: str, key: str, text: str = HELLO) -> tuple[int, dict[str, Any], dict[str, str]]:
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {key}"}) as session,
        session.post(f"{url}/text-to-speech", json={**CONFIG, "text": text}) as response,
    ):
        return response.status, await response.json(), dict(response.headers)


async def refused_handshake(url: str, key: str) -> aiohttp.WSServerHandshakeError:
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        async with talk(url, key=key):
            pass
    return caught.value


# -- over real sockets -----------------------------------------------------------------------------


async def test_two_keys_have_no_session_no_audio_and_no_bill_in_common(
    passing: Proxy, guarded: Emulator
) -> None:
    heard = {}
    for key in ("key-a", "key-b"):
        async with talk(passing.url, key=key) as client:
            (heard[key],) = (await client.say(HELLO)).verdicts
        await landed(passing)
    assert heard == {"key-a": "miss", "key-b": "miss"}
    assert guarded.counters.spoken(HELLO) == 2
    # Each pool has a key of its own; the proxy's, which this origin does not know, was never used.
    assert len(list(passing.pools)) == 2
    assert passing.pools.of_account(OWN) == []
    assert (await post(passing.url, "key-a"))[2]["Cache-Status"].startswith("edgeproxy; hit")


async def test_an_unknown_key_hears_nothing_not_even_what_is_known(
    passing: Proxy, guarded: Emulator
) -> None:
    async with talk(passing.url, key="key-a") as client:
        await client.say(HELLO)
    await landed(passing)
    said = guarded.counters.utterances
    for _ in range(3):
        assert (await refused_handshake(passing.url, "made-up")).status == 403
        status, body, _ = await post(passing.url, "made-up")
        assert (status, body["error"]["code"]) == (403, "invalid_api_key_error")
        assert body["error"]["message"] == "Invalid or missing authentication credentials"
    assert guarded.counters.utterances == said
    assert guarded.counters.refusals == 1  # one handshake for the six


async def test_a_reconnect_storm_of_a_known_key_costs_nothing_upstream(
    passing: Proxy, guarded: Emulator
) -> None:
    for _ in range(30):
        async with talk(passing.url, key="key-a"):
            pass
    assert (guarded.counters.connections, guarded.counters.handshakes) == (1, 1)


async def test_many_with_the_same_unknown_key_at_once_are_one_handshake(
    passing: Proxy, guarded: Emulator
) -> None:
    async def connect(key: str) -> int:
        try:
            async with talk(passing.url, key=key):
                return 101
        except aiohttp.WSServerHandshakeError as error:
            return error.status

    keys = [*["key-a"] * 20, *["made-up"] * 20]
    assert set(await asyncio.gather(*map(connect, keys))) == {101, 403}
    assert (guarded.counters.connections, guarded.counters.refusals) == (2, 1)


async def test_the_session_that_proved_a_key_speaks_its_first_turn(
    start_proxy: StartProxy, guarded: Emulator
) -> None:
    async with start_proxy(
        auth={"mode": "passthrough"},
        origin={"url": guarded.url},
        pool={"account_sessions": 1, "ready": 1, "reserve": 0},
    ) as proxy:
        async with talk(proxy.url, key="key-a") as client:
            (pool,) = proxy.pools.of_account(next(iter(proxy.pools._pools))[0])
            assert pool.idle == 1
            assert (await client.say(HELLO)).audio
        assert guarded.counters.handshakes == 1


async def test_each_address_has_so_many_unknown_keys_a_minute_and_known_ones_need_none(
    start_proxy: StartProxy, guarded: Emulator
) -> None:
    auth = {"mode": "passthrough", "probes_per_minute": 3}
    async with start_proxy(auth=auth, origin={"url": guarded.url}) as proxy:
        async with talk(proxy.url, key="key-a"):
            pass
        for number in range(2):
            assert (await refused_handshake(proxy.url, f"made-up-{number}")).status == 403
        assert (await refused_handshake(proxy.url, "made-up-2")).status == 429
        status, body, headers = await post(proxy.url, "made-up-3")
        assert (status, body["error"]["code"]) == (429, "rate_limit_exceeded_error")
        assert 0 < int(headers["Retry-After"]) <= 20
        async with talk(proxy.url, key="key-a") as client:
            assert (await client.say(HELLO)).audio
    assert guarded.counters.refusals == 2


async def test_only_keys_that_are_listed_are_even_tried(
    start_proxy: StartProxy, guarded: Emulator
) -> None:
    auth = {"mode": "passthrough", "allow": [written("key-a"), written("made-up")]}
    async with start_proxy(auth=auth, origin={"url": guarded.url}) as proxy:
        assert (await refused_handshake(proxy.url, "key-b")).status == 403
        assert guarded.counters.connections == 0
        assert (await refused_handshake(proxy.url, "made-up")).status == 403
        async with talk(proxy.url, key="key-a") as client:
            assert (await client.say(HELLO)).audio


@pytest.mark.parametrize("weather", ["refuse", "500", "503"])
async def test_while_the_origin_is_down_known_keys_hear_what_is_known_and_unknown_ones_503(
    passing: Proxy, guarded: Emulator, weather: str
) -> None:
    async with talk(passing.url, key="key-a") as client:
        await client.say(HELLO)
    await landed(passing)
    guarded.change_faults(weather)
    async with talk(passing.url, key="key-a") as client:
        assert (await client.say(HELLO)).verdicts == ["hit-memory"]
    assert (await refused_handshake(passing.url, "key-b")).status == 503
    status, body, headers = await post(passing.url, "key-b")
    assert (status, headers["Retry-After"]) == (503, "1")
    assert "can't be reached" in body["error"]["message"]
    guarded.change_faults("")
    async with asyncio.timeout(10):
        # Nothing was remembered against it; only the dials back off for a moment.
        while (await post(passing.url, "key-b"))[0] != 200:
            await asyncio.sleep(0.01)


async def test_after_a_restart_in_mid_outage_known_keys_still_hear_what_is_known(
    start_proxy: StartProxy, guarded: Emulator, tmp_path: Path
) -> None:
    rooms = {"auth": {"mode": "passthrough"}, "origin": {"url": guarded.url}}
    async with start_proxy(**rooms) as proxy, talk(proxy.url, key="key-a") as client:
        assert (await client.say(HELLO)).audio
        await landed(proxy)
    assert (tmp_path / "data" / "proofs.json").exists()
    guarded.change_faults("refuse")
    async with start_proxy(**rooms) as proxy:
        async with talk(proxy.url, key="key-a") as client:
            assert (await client.say(HELLO)).verdicts == ["hit-disk"]
        assert (await refused_handshake(proxy.url, "key-b")).status == 503


async def test_a_model_that_nobody_knows_is_nothing_against_the_key(passing: Proxy) -> None:
    async with talk(passing.url, key="key-a", query="model=x&send_completion_event=true") as client:
        assert client.socket.protocol is None


async def test_books_are_on_the_house(start_proxy: StartProxy, tmp_path: Path) -> None:
    (tmp_path / "books").mkdir()
    (tmp_path / "books" / "one.yaml").write_text(
        f'languages: [hi-IN]\nvoice: {{model: "bulbul:v3", speaker: shubh}}\n'
        f"phrases: {{hello: {{hi-IN: '{HELLO}'}}}}\n",
        encoding="utf-8",
    )
    async with (
        Emulator(keys={"origin-key", "key-a", "key-b"}) as guarded,
        start_proxy(
            auth={"mode": "passthrough"},
            origin={"url": guarded.url},
            phrases={"directory": tmp_path / "books", "characters_at_once": 0},
        ) as proxy,
    ):
        for key, verdict in (("key-a", "miss"), ("key-b", "hit-memory")):
            async with talk(proxy.url, key=key) as client:
                assert (await client.say(HELLO)).verdicts == [verdict]
            await landed(proxy)
        (own,) = proxy.pools.of_account(OWN)
        assert own.idle
        assert (await post(proxy.url, "made-up"))[0] == 403  # what is everybody's is not anybody's


async def test_a_proxy_without_books_needs_no_key_of_its_own(
    start_proxy: StartProxy,
    guarded: Emulator,
    monkeypatch: pytest.MonkeyPatch,
    demo_books: Path,
) -> None:
    monkeypatch.delenv("SARVAM_API_KEY", raising=False)
    rooms = {"auth": {"mode": "passthrough"}, "origin": {"url": guarded.url, "api_key": None}}
    async with start_proxy(**rooms) as proxy, talk(proxy.url, key="key-a") as client:
        assert (await client.say(HELLO)).audio
    with pytest.raises(ConfigError, match="SARVAM_API_KEY"):
        async with start_proxy(**rooms, phrases={"directory": demo_books}):
            pass


async def test_unknown_keys_leave_no_pools_behind(
    start_proxy: StartProxy, guarded: Emulator
) -> None:
    auth = {"mode": "passthrough", "probes_per_minute": 1000}
    async with start_proxy(auth=auth, origin={"url": guarded.url}) as proxy:
        for _ in range(3):
            answers = await asyncio.gather(*(post(proxy.url, f"made-up-{n}") for n in range(40)))
            assert {status for status, _, _ in answers} == {403}
            await until(lambda: all(pool.closed for pool in proxy.pools))
            # Remembered for half a minute, so that what comes now costs nothing.
            assert guarded.counters.refusals == 40
        async with talk(proxy.url, key="key-a"):
            assert len(list(proxy.pools)) == 1


async def test_no_key_is_in_a_fact_a_log_an_answer_or_on_the_disk(
    passing: Proxy, tmp_path: Path, facts: list[Event], caplog: pytest.LogCaptureFixture
) -> None:
    async with talk(passing.url, key="sk_tell_nobody") as client:
        told = [str((await client.say(HELLO)).messages)]
    told.append(str(await post(passing.url, "sk_tell_nobody", "कुछ और।")))
    told.append(str(await post(passing.url, "sk_made_up")))
    async with aiohttp.ClientSession() as session, session.get(f"{passing.url}/readyz") as response:
        ready = await response.json()
    # What the origin has against somebody's key is not what ails this proxy.
    assert (ready["status"], ready["origin_problem"]) == ("ready", None)
    await landed(passing)
    assert isinstance(passing.keeper, Passthrough)
    await passing.keeper.proofs.save()
    admitted = await passing.keeper.admit("sk_tell_nobody", address="127.0.0.1")
    told += [str(ready), str(facts), caplog.text, repr(admitted), repr(passing.pools)]
    assert not any(secret in shown for shown in told for secret in ("tell_nobody", "made_up"))
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert "proofs.json" in [file.name for file in files]
    assert not any(b"tell_nobody" in file.read_bytes() for file in files)


# -- by a clock that the test turns ----------------------------------------------------------------


class Origin:
    """What the origin says to handshakes, by key; and how many there were."""

    def __init__(self) -> None:
        self.says: dict[str, EdgeProxyError] = {}
        self.asked: list[tuple[str, str]] = []
        self.now = 0.0
        self.answers = asyncio.Event()
        self.answers.set()

    async def prove(self, account: Account, model: str) -> None:
        self.asked.append((account.key, model))
        await asyncio.sleep(0)
        await self.answers.wait()
        if (error := self.says.get(account.key)) is not None:
            raise error

    def keeper(self, **options: Any) -> Passthrough:
        settings: dict[str, Any] = {
            "secret": b"s" * 32,
            "allowed": (),
            "proofs": Proofs(most=100, good_s=HOUR_S, grace_s=600.0, clock=lambda: self.now),
            "probes_per_minute": 1000,
            "clock": lambda: self.now,
        }
        return Passthrough(self.prove, **{**settings, **options})


Admit = Callable[[str], Awaitable[Client]]
NO = OriginRefused(refusals.credentials())
DOWN = OriginUnreachable("no connection to the origin")


async def test_a_proof_holds_for_an_hour_and_a_refusal_for_half_a_minute() -> None:
    origin = Origin()
    keeper = origin.keeper()
    origin.says["bad"] = NO
    await keeper.admit("good", address="a")
    for origin.now in (0.0, 29.0, 31.0):
        with pytest.raises(Refused):
            await keeper.admit("bad", address="a")
    for origin.now in (HOUR_S - 1, HOUR_S + 1):
        await keeper.admit("good", address="a", model="bulbul:v4-flash")
    assert origin.asked == [
        ("good", "bulbul:v3"),
        ("bad", "bulbul:v3"),
        ("bad", "bulbul:v3"),
        ("good", "bulbul:v4-flash"),
    ]


async def test_a_key_that_is_taken_at_last_comes_in_and_one_that_is_taken_no_more_does_not() -> (
    None
):
    origin = Origin()
    keeper = origin.keeper()
    origin.says["key"] = NO
    with pytest.raises(Refused):
        await keeper.admit("key", address="a")
    del origin.says["key"]
    origin.now = 31
    await keeper.admit("key", address="a")
    origin.says["key"] = NO
    origin.now += HOUR_S
    with pytest.raises(Refused):
        await keeper.admit("key", address="a")


async def test_grace_is_for_keys_that_were_taken_before_and_ends(facts: list[Event]) -> None:
    origin = Origin()
    keeper = origin.keeper(emit=facts.append)
    client = await keeper.admit("key", address="a")
    origin.says |= {"key": DOWN, "other": DOWN}
    asked = len(origin.asked)
    origin.now = HOUR_S + 1
    for _ in range(10):
        assert await keeper.admit("key", address="a") == client
    assert len(origin.asked) == asked + 1  # a dead origin is not waited for each time
    with pytest.raises(OriginUnreachable):
        await keeper.admit("other", address="a")
    origin.now = HOUR_S + 599
    await keeper.admit("key", address="a")
    origin.now = HOUR_S + 601
    with pytest.raises(OriginUnreachable):
        await keeper.admit("key", address="a")
    del origin.says["key"]
    await keeper.admit("key", address="a")
    outcomes = [fact.outcome for fact in facts if isinstance(fact, KeyProven)]
    assert outcomes == ["accepted", "grace", "unknown", "grace", "unknown", "accepted"]


async def test_too_many_sessions_are_no_word_about_the_key() -> None:
    origin = Origin()
    keeper = origin.keeper()
    origin.says["key"] = OriginRefused(refusals.rate_limited(retry_after_s=2.0))
    with pytest.raises(OriginRefused) as caught:
        await keeper.admit("key", address="a")
    assert caught.value.status == 429
    del origin.says["key"]
    await keeper.admit("key", address="a")


async def test_memory_is_bounded_however_many_keys_and_addresses_come() -> None:
    origin = Origin()
    keeper = origin.keeper(most=100)
    for number in range(3000):
        key = f"key-{number}"
        if number % 2:
            origin.says[key] = NO
        try:
            await keeper.admit(key, address=f"10.0.{number // 256}.{number % 256}")
        except Refused:
            origin.says.clear()
    assert keeper.remembered == 100 + 100 + 3000
    for number in range(12_000):
        await keeper.admit("key-2998", address=f"2001:db8:{number:x}::1")
    assert keeper.remembered == 100 + 100 + 3000  # a known key leaves no trace of its address


async def test_one_network_is_one_address() -> None:
    origin = Origin()
    keeper = origin.keeper(probes_per_minute=2)
    for number in range(2):
        await keeper.admit(f"key-{number}", address=f"2001:db8::{number}")
    with pytest.raises(Refused, match="2 unknown keys a minute"):
        await keeper.admit("key-2", address="2001:db8::ffff")
    await keeper.admit("key-2", address="2001:db8:0:1::")
    await keeper.admit("key-3", address="10.0.0.1")
    await keeper.admit("key-4", address="10.0.0.1")
    with pytest.raises(Refused):
        await keeper.admit("key-5", address="::ffff:10.0.0.1")


async def test_there_are_only_so_many_handshakes_at_once() -> None:
    origin = Origin()
    keeper = origin.keeper()
    answers = await asyncio.gather(
        *(keeper.admit(f"key-{number}", address=str(number)) for number in range(100)),
        return_exceptions=True,
    )
    assert sum(isinstance(answer, Client) for answer in answers) == 64
    assert sum(isinstance(answer, Overloaded) for answer in answers) == 36
    assert isinstance(await keeper.admit("key-99", address="b"), Client)


async def test_a_key_is_proven_once_whatever_models_are_asked_for_at_once() -> None:
    origin = Origin()
    keeper = origin.keeper(probes_per_minute=1)
    models = ("bulbul:v4-flash", "bulbul:v3", None, "unheard-of")
    await asyncio.gather(*(keeper.admit("key", address="a", model=model) for model in models))
    assert {model for _, model in origin.asked} == {"bulbul:v4-flash"}


async def test_whoever_leaves_during_the_handshake_leaves_nothing_behind() -> None:
    origin = Origin()
    keeper = origin.keeper()
    origin.answers.clear()
    waiting = asyncio.create_task(keeper.admit("key", address="a"))
    await until(lambda: bool(origin.asked))
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert keeper.remembered == 1  # its address
    origin.answers.set()
    await keeper.admit("key", address="a")


async def test_a_name_is_all_that_is_left_of_a_key() -> None:
    client = await Origin().keeper(allowed={digest_of("key")}).admit("key", address="a")
    assert client.tenant == client.namespace == client.account.name
    assert client.account.key == "key"
