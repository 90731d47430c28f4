"""What a request makes of the cache, in its own words and in HTTP's; and that no door misunderstands it."""

import json
from typing import Any

import aiohttp
import pytest
from multidict import CIMultiDict

from edgeproxy.app import Proxy
from edgeproxy.ask import Use
from edgeproxy.core.events import Event
from edgeproxy.downstream.wishes import Wish
from edgeproxy.emulator.server import Emulator
from edgeproxy.sarvam.refusals import Refused

from ..conftest import KEY, landed, turns
from ..wire import CONFIG, talk

HELLO = "नमस्ते, आप कैसे हैं?"
ASKED = "model=bulbul:v3&send_completion_event=true&verdict=true"
DOORS = ["websocket", "", "/stream"]


def request(query: dict[str, str], **headers: str) -> Wish:
    return Wish.of_request(
        query, CIMultiDict({name.replace("_", "-"): value for name, value in headers.items()})
    )


@pytest.mark.parametrize(
    ("said", "use"),
    [
        ("no-cache", Use.REFRESH),
        ("No-Store", Use.OFF),
        ("max-age=0, only-if-cached", Use.ONLY),
        ("no-cache, no-store", Use.OFF),
        ("no-store,only-if-cached", Use.ONLY),
        ("max-age=0", Use.ON),
        ("no-transform", Use.ON),
        ("", Use.ON),
    ],
)
def test_https_own_words_are_understood(said: str, use: Use) -> None:
    assert request({}, cache_control=said).use is use


def test_the_query_wins_over_the_header_and_both_over_https_own_words() -> None:
    both = {"x_edgeproxy_cache": "off", "cache_control": "only-if-cached"}
    assert request({"cache": "on"}, **both).use is Use.ON
    assert request({}, **both).use is Use.OFF
    assert request({"tag": "a"}, x_edgeproxy_tag="b") == Wish(tag="a")
    assert request({}, x_edgeproxy_tag="b") == Wish(tag="b")


def test_a_browser_that_opens_a_websocket_wishes_nothing() -> None:
    headers = CIMultiDict({"Cache-Control": "no-cache", "Pragma": "no-cache"})
    assert Wish.of_handshake({}, headers) == Wish()


@pytest.mark.parametrize("value", ["", "On", "yes", "no-cache", "x" * 200])
def test_an_unknown_switch_is_refused_and_says_what_there_is(value: str) -> None:
    for query, headers in (({"cache": value}, {}), ({}, {"x_edgeproxy_cache": value})):
        with pytest.raises(Refused, match="on, off, only, refresh") as caught:
            request(query, **headers)
        assert caught.value.refusal.status == 400


@pytest.mark.parametrize("tag", ["", "Greeting", "a b", "é", "a" * 33, "a\nb"])
def test_a_tag_that_would_not_do_in_a_log_is_refused(tag: str) -> None:
    with pytest.raises(Refused, match="1 to 32 small letters"):
        request({"tag": tag})


# -- at the doors ----------------------------------------------------------------------------------


async def ask(
    url: str, door: str, query: str = "", headers: dict[str, str] | None = None
) -> tuple[str, dict[str, Any]]:
    """One turn; the verdict, and the error if there was one."""
    headers = headers or {}
    if door == "websocket":
        async with talk(url, query=f"{ASKED}&{query}", headers=headers) as client:
            answer = await client.say(HELLO)
            return ",".join(answer.verdicts), answer.errors[0] if answer.errors else {}
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            f"{url}/text-to-speech{door}?{query}",
            json={"text": HELLO, **CONFIG},
            headers={"api-subscription-key": KEY, **headers},
        ) as response,
    ):
        body = await response.read()
        if response.status != 200:
            error = json.loads(body)["error"]
            return "", {"code": response.status, "message": error["message"]}
        return response.headers["Cache-Status"].partition('detail="')[2].rstrip('"'), {}


def by_header(switch: str) -> dict[str, str]:
    return {"x-edgeproxy-cache": switch}


@pytest.mark.parametrize("door", DOORS)
async def test_off_reads_nothing_and_keeps_nothing(
    proxy: Proxy, emulator: Emulator, door: str
) -> None:
    for _ in range(2):
        assert (await ask(proxy.url, door, "cache=off"))[0] == "bypass"
        await landed(proxy)
    assert emulator.counters.flushes == 2
    assert len(proxy.store) == 0
    assert (await ask(proxy.url, door))[0] == "miss"
    await landed(proxy)
    assert (await ask(proxy.url, door, headers=by_header("off")))[0] == "bypass"
    assert emulator.counters.flushes == 4


@pytest.mark.parametrize("door", DOORS)
async def test_only_never_asks_the_origin(proxy: Proxy, emulator: Emulator, door: str) -> None:
    _, error = await ask(proxy.url, door, "cache=only")
    assert error["code"] == 504
    assert "not in the cache" in error["message"]
    assert emulator.counters.flushes == 0
    await ask(proxy.url, door)
    await landed(proxy)
    assert (await ask(proxy.url, door, headers=by_header("only")))[0] == "hit-memory"
    assert emulator.counters.flushes == 1


@pytest.mark.parametrize("door", DOORS)
async def test_refresh_asks_again_and_is_the_next_ones_hit(
    proxy: Proxy, emulator: Emulator, door: str
) -> None:
    await ask(proxy.url, door)
    await landed(proxy)
    assert (await ask(proxy.url, door, "cache=refresh"))[0] == "bypass"
    await landed(proxy)
    assert (await ask(proxy.url, door))[0] == "hit-memory"
    assert emulator.counters.flushes == 2


@pytest.mark.parametrize("door", ["", "/stream"])
async def test_https_own_words_do_the_same(proxy: Proxy, emulator: Emulator, door: str) -> None:
    def says(word: str) -> dict[str, str]:
        return {"Cache-Control": word}

    assert (await ask(proxy.url, door, headers=says("only-if-cached")))[1]["code"] == 504
    assert (await ask(proxy.url, door, headers=says("no-store")))[0] == "bypass"
    await landed(proxy)
    assert len(proxy.store) == 0
    assert (await ask(proxy.url, door, headers=says("no-cache")))[0] == "bypass"
    await landed(proxy)
    assert len(proxy.store) == 1
    assert (await ask(proxy.url, door, headers=says("only-if-cached")))[0] == "hit-memory"
    assert emulator.counters.flushes == 2


async def test_one_that_only_looks_fails_nobody_else(proxy: Proxy, emulator: Emulator) -> None:
    async with talk(proxy.url, query=f"{ASKED}&cache=only") as looks, talk(proxy.url) as asks:
        for client in (looks, asks):
            await client.text(HELLO)
            await client.flush()
        assert (await looks.answer()).errors
        answer = await asks.answer()
    assert answer.verdicts == ["miss"]
    assert not answer.errors
    assert emulator.counters.flushes == 1


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("query", ["cache=maybe", "tag=Not+One"])
async def test_what_is_no_wish_is_told_so_and_costs_nothing(
    proxy: Proxy, emulator: Emulator, door: str, query: str
) -> None:
    _, error = await ask(proxy.url, door, query)
    assert error["code"] == 400
    assert query.partition("=")[0] in error["message"]
    assert "allowed: " in error["message"]
    assert emulator.counters.flushes == 0


async def test_a_websocket_with_an_unknown_wish_answers_each_turn_and_stays_open(
    proxy: Proxy,
) -> None:
    async with talk(proxy.url, query=f"{ASKED}&cache=maybe") as client:
        for _ in range(2):
            answer = await client.say(HELLO)
            assert [error["code"] for error in answer.errors] == [400]
            assert not answer.audio


@pytest.mark.parametrize("door", DOORS)
async def test_the_tag_is_told_of_the_turn(proxy: Proxy, facts: list[Event], door: str) -> None:
    await ask(proxy.url, door, "tag=reminder-2")
    await ask(proxy.url, door)
    assert [turn.tag for turn in await turns(facts, 2)] == ["reminder-2", None]


@pytest.mark.parametrize("switch", ["on", "off", "refresh", "only"])
async def test_no_switch_adds_a_message_or_a_key_unasked(proxy: Proxy, switch: str) -> None:
    async with talk(proxy.url) as client:
        await client.say(HELLO)
    await landed(proxy)
    plain = ASKED.replace("&verdict=true", "")
    async with talk(proxy.url, query=f"{plain}&cache={switch}&tag=a") as client:
        answer = await client.say(HELLO)
    assert answer.audio
    assert answer.messages[-1] == {"type": "event", "data": {"event_type": "final"}}
    assert {kind for each in answer.messages[:-1] for kind in each["data"]} == {
        "audio",
        "content_type",
        "request_id",
    }
