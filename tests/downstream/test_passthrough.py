"""Everything else of Sarvam's API, over real sockets: what the origin gets, what the client is told."""

import asyncio
import gzip
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

from edgeproxy.core.events import Event, LimitMet, PassedOn, Purged
from edgeproxy.emulator.server import Emulator

from ..conftest import KEY, StartProxy, landed, made, proxy_mode, until
from ..fakes.sarvam import Rest
from ..wire import talk

WORDS = b"words " * 100


def passed(facts: list[Event]) -> list[PassedOn]:
    return [fact for fact in facts if isinstance(fact, PassedOn)]


async def said_raw(url: str, head: str) -> bytes:
    """What a server says to these bytes until it closes."""
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(head.encode())
        async with asyncio.timeout(10):
            return await reader.read()
    finally:
        writer.close()


# -- there and back --------------------------------------------------------------------------------


async def test_a_request_and_its_answer_go_through_as_they_are(
    url: str, http: aiohttp.ClientSession, rest: Rest, facts: list[Event]
) -> None:
    asked = {"input": "abc", "source_language_code": "en-IN"}
    async with http.post(f"{url}/translate", json=asked, headers={"X-Odd": "1"}) as answer:
        assert answer.status == 200
        assert (await answer.json())["translated_text"] == "cba"
        assert answer.headers["Cache-Status"] == "edgeproxy; fwd=bypass"
        assert answer.headers["x-request-id"]
    got = rest.got[-1]
    assert got.headers["X-Odd"] == "1"
    assert got.headers["Host"] not in url
    assert got.headers["api-subscription-key"] == "origin-key"
    assert "client-key" not in got.written
    await until(lambda: len(passed(facts)) == 1)
    fact = passed(facts)[0]
    assert (fact.method, fact.path, fact.status, fact.outcome) == ("POST", "/translate", 200, "ok")
    assert fact.to_origin_bytes == len(orjson.dumps(asked)) + 3  # blanks
    assert fact.to_client_bytes > 0


@pytest.mark.parametrize(
    "query", ["a=b%20c&d=%3A:&e=f+g&h=%E0%A4%A8", "x=//../y", "model=bulbul:v3&model=other&", "%ff"]
)
async def test_a_query_string_is_kept_byte_for_byte(
    url: str, http: aiohttp.ClientSession, rest: Rest, query: str
) -> None:
    await said_raw(
        url,
        f"GET /voices?{query} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
        "api-subscription-key: k\r\n\r\n",
    )
    assert rest.got[-1].raw == f"/voices?{query}"


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PATCH", "DELETE", "PUT", "POST"])
async def test_any_method_goes_through(
    url: str, http: aiohttp.ClientSession, rest: Rest, method: str
) -> None:
    async with http.request(method, f"{url}/lab/say?body=words&X-Said=yes") as answer:
        assert answer.status == 200
        assert answer.headers["X-Said"] == "yes"
        assert answer.headers["Content-Length"] == "5"
        assert await answer.read() == (b"" if method == "HEAD" else b"words")
    assert rest.got[-1].method == method


@pytest.mark.parametrize("status", [201, 204, 304, 400, 404, 422, 429, 500, 503])
async def test_any_status_goes_through(
    url: str, http: aiohttp.ClientSession, status: int, facts: list[Event]
) -> None:
    async with http.get(f"{url}/lab/say?status={status}&Retry-After=7&body=because") as answer:
        assert answer.status == status
        assert answer.headers["Retry-After"] == "7"
        assert await answer.text() == ("" if status in (204, 304) else "because")


async def test_a_redirect_is_the_clients_to_follow_and_leads_back_here(
    url: str, http: aiohttp.ClientSession, rest: Rest, sarvam: Emulator
) -> None:
    where = f"{sarvam.url}/voices"
    asked = f"{url}/lab/say?status=307&Location={where}"
    async with http.get(asked, allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (307, "/voices")
    assert [got.raw.partition("?")[0] for got in rest.got] == ["/lab/say"]


async def test_a_compressed_answer_is_passed_as_it_is(
    url: str, http: aiohttp.ClientSession
) -> None:
    packed = gzip.compress(WORDS)
    async with http.post(f"{url}/lab/echo", data=packed, headers={"X-Coding": "gzip"}) as answer:
        assert answer.headers["Content-Encoding"] == "gzip"
        assert await answer.read() == packed


async def test_a_compressed_body_is_passed_as_it_is(
    url: str, http: aiohttp.ClientSession, rest: Rest
) -> None:
    packed = gzip.compress(WORDS)
    # The fake's own server takes gzip off, so that what comes back was still in it when it came.
    for coding, heard in (("gzip", WORDS), ("a-coding-of-tomorrow", packed)):
        headers = {"Content-Encoding": coding}
        async with http.post(f"{url}/lab/echo", data=packed, headers=headers) as answer:
            assert await answer.read() == heard
        assert rest.got[-1].headers["Content-Encoding"] == coding
        assert rest.got[-1].headers["Content-Length"] == str(len(packed))


async def test_both_ways_are_streams_the_answer_begins_while_the_upload_is_open(
    url: str, http: aiohttp.ClientSession, rest: Rest
) -> None:
    more: asyncio.Queue[bytes] = asyncio.Queue()

    async def upload() -> AsyncIterator[bytes]:
        while piece := await more.get():
            yield piece

    more.put_nowait(b"first")
    async with asyncio.timeout(10), http.post(f"{url}/lab/echo", data=upload()) as answer:
        assert await answer.content.readany() == b"first"
        more.put_nowait(b"second")
        assert await answer.content.readany() == b"second"
        more.put_nowait(b"")
        assert await answer.read() == b""
    assert rest.got[-1].headers["Transfer-Encoding"] == "chunked"


async def test_connections_to_the_origin_are_used_again(
    url: str, http: aiohttp.ClientSession, rest: Rest, sarvam: Emulator
) -> None:
    for _ in range(3):
        async with http.get(f"{url}/lab/say?body=words") as answer:
            await answer.read()
    assert len({got.peer for got in rest.got if got.raw.startswith("/lab")}) == 1


# -- what is refused, and costs nothing ------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        "GET http://evil.example/voices",
        "GET //evil.example/voices",
        "GET /voices/../translate",
        "GET /voices/%2e%2e/translate",
        "GET /voices%2fx",
        "OPTIONS *",
    ],
)
async def test_a_target_that_could_be_misread_is_400_or_404(
    url: str, rest: Rest, line: str
) -> None:
    said = await said_raw(
        url, f"{line} HTTP/1.1\r\nHost: h\r\nConnection: close\r\napi-subscription-key: k\r\n\r\n"
    )
    assert said.split()[1] in (b"400", b"404")
    assert not rest.got


async def test_trace_would_read_our_key_aloud(
    url: str, http: aiohttp.ClientSession, rest: Rest
) -> None:
    async with http.request("TRACE", f"{url}/voices") as answer:
        assert answer.status == 405
    assert not rest.got


async def test_a_path_of_ours_stays_ours_whatever_the_method(
    url: str, http: aiohttp.ClientSession, rest: Rest
) -> None:
    for path, right in (("/text-to-speech", "POST"), ("/healthz", "GET")):
        async with http.delete(f"{url}{path}") as answer:
            assert answer.status == 405
            assert right in (await answer.json())["error"]["message"]
    assert not rest.got


async def test_without_a_key_nothing_is_passed(url: str, rest: Rest) -> None:
    async with aiohttp.ClientSession() as http, http.get(f"{url}/voices") as answer:
        assert answer.status == 403
    assert not rest.got


async def test_one_setting_switches_it_off(
    start_proxy: StartProxy, sarvam: Emulator, rest: Rest, http: aiohttp.ClientSession
) -> None:
    off = {"enabled": False}
    async with start_proxy(origin={"url": sarvam.url}, passthrough=off) as proxy:
        answer = await http.get(f"{proxy.url}/voices")
        assert answer.status == 404
        assert (await answer.json())["error"]["code"] == "not_found_error"
    assert not rest.got


async def test_who_is_refused_keeps_the_body_it_waited_to_send(url: str, rest: Rest) -> None:
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(
        b"POST /lab/swallow HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n"
    )
    async with asyncio.timeout(10):
        assert (await reader.readline()).startswith(b"HTTP/1.1 403")
    assert not rest.got
    writer.close()


async def test_who_is_let_in_is_told_to_go_on(url: str, rest: Rest) -> None:
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(
        b"POST /lab/swallow HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 9\r\n"
        b"api-subscription-key: k\r\n\r\n"
    )
    async with asyncio.timeout(10):
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"nine byte")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
    assert rest.heard == 9
    assert "Expect" not in rest.got[-1].headers
    writer.close()


# -- bodies ----------------------------------------------------------------------------------------


async def test_a_large_body_has_a_limit_of_its_own(
    url: str, http: aiohttp.ClientSession, rest: Rest
) -> None:
    async with http.post(f"{url}/lab/swallow", data=io.BytesIO(b"x" * 5_000_000)) as answer:
        assert await answer.json() == {"swallowed": 5_000_000}


async def test_a_body_over_the_limit_is_413_before_or_while_it_comes(
    start_proxy: StartProxy,
    sarvam: Emulator,
    rest: Rest,
    http: aiohttp.ClientSession,
    facts: list[Event],
) -> None:
    async def unsaid() -> AsyncIterator[bytes]:
        yield b"x" * 6000
        await until(lambda: rest.heard == 6000)
        yield b"x" * 6000

    limits = {"body_bytes": 10_000}
    async with start_proxy(origin={"url": sarvam.url}, passthrough=limits) as proxy:
        async with http.post(f"{proxy.url}/lab/swallow", data=b"x" * 10_001) as answer:
            assert answer.status == 413
            assert "10000" in (await answer.json())["error"]["message"]
        assert not rest.got
        async with http.post(f"{proxy.url}/lab/swallow", data=unsaid()) as answer:
            assert answer.status == 413
        await until(lambda: rest.left == 1)
        async with http.post(f"{proxy.url}/lab/swallow", data=b"x" * 10_000) as answer:
            assert answer.status == 200
    met = [fact for fact in facts if isinstance(fact, LimitMet)]
    assert [fact.limit for fact in met] == ["passthrough.body_bytes"] * 2


async def test_a_body_that_stops_half_way_is_408_and_the_origin_is_let_go(
    start_proxy: StartProxy, sarvam: Emulator, rest: Rest, http: aiohttp.ClientSession
) -> None:
    async def upload() -> AsyncIterator[bytes]:
        yield b"half"
        await rest.permit.wait()

    limits = {"silence_s": 0.2}
    async with start_proxy(origin={"url": sarvam.url}, passthrough=limits) as proxy:
        async with http.post(f"{proxy.url}/lab/swallow", data=upload()) as answer:
            assert answer.status == 408
            assert "0.2 s" in (await answer.json())["error"]["message"]
            rest.permit.set()
        await until(lambda: rest.left == 1)


async def test_a_client_that_leaves_in_mid_body_is_gone_for_the_origin_too(
    url: str, http: aiohttp.ClientSession, rest: Rest, facts: list[Event]
) -> None:
    host, port = url.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    writer.write(
        b"POST /lab/swallow HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n"
        b"api-subscription-key: k\r\n\r\nhalf"
    )
    await until(lambda: rest.heard == 4)
    writer.close()
    await until(lambda: rest.left == 1)
    await until(lambda: [fact.outcome for fact in passed(facts)] == ["left"])


async def test_a_client_that_leaves_in_mid_answer_is_gone_for_the_origin_too(
    url: str, http: aiohttp.ClientSession, rest: Rest
) -> None:
    async with http.get(f"{url}/lab/flood") as answer:
        await answer.content.readany()
    await until(lambda: rest.left == 1)


async def test_a_client_that_does_not_read_holds_the_origin_back(
    url: str, http: aiohttp.ClientSession, rest: Rest
) -> None:
    async with http.get(f"{url}/lab/flood") as answer:
        await answer.content.readany()
        seen = -1
        while seen != rest.heard:  # until nothing moves any more
            seen = rest.heard
            await asyncio.sleep(0.2)
        assert seen < 32_000_000  # what all sockets between them hold
        before = rest.heard
        while rest.heard == before:  # and reading lets it go on
            await answer.content.readany()


# -- an origin that fails --------------------------------------------------------------------------


async def test_no_origin_is_503_in_sarvams_shape(
    start_proxy: StartProxy, http: aiohttp.ClientSession
) -> None:
    async with start_proxy(origin={"url": "http://127.0.0.1:9"}) as proxy:
        async with http.get(f"{proxy.url}/voices") as answer:
            assert answer.status == 503
            assert "can't be reached" in (await answer.json())["error"]["message"]
        with pytest.raises(aiohttp.WSServerHandshakeError, match="503"):
            await http.ws_connect(f"{proxy.url}/lab/ws")


async def test_an_origin_that_says_nothing_is_504(
    start_proxy: StartProxy,
    sarvam: Emulator,
    rest: Rest,
    http: aiohttp.ClientSession,
    facts: list[Event],
) -> None:
    limits = {"silence_s": 0.2}
    async with start_proxy(origin={"url": sarvam.url}, passthrough=limits) as proxy:
        async with http.post(f"{proxy.url}/lab/silence", data=b"body") as answer:
            assert answer.status == 504
            assert (await answer.json())["error"]["code"] == "gateway_timeout_error"
        await until(lambda: rest.left == 1)
    (fact,) = passed(facts)
    assert (fact.status, fact.outcome, fact.to_origin_bytes) == (504, "error", 4)
    assert fact.reason is not None


async def test_an_answer_that_breaks_off_is_never_a_whole_one(
    url: str, http: aiohttp.ClientSession, rest: Rest, facts: list[Event]
) -> None:
    async with http.get(f"{url}/lab/half") as answer:
        assert await answer.content.readany() == b"half"
        rest.permit.set()
        with pytest.raises(aiohttp.ClientPayloadError):
            await answer.read()
    await until(lambda: [fact.outcome for fact in passed(facts)] == ["error"])


# -- tenants ---------------------------------------------------------------------------------------


async def test_a_tenant_has_the_paths_that_it_was_given_and_by_default_none(
    start_proxy: StartProxy, sarvam: Emulator, rest: Rest, tmp_path: Path
) -> None:
    tenants: dict[str, dict[str, Any]] = {
        "one": {"tokens": ["one"], "paths": ["/translate", "/lab"]},
        "two": {"tokens": ["two"]},
    }
    auth = proxy_mode(tmp_path, **tenants)
    async with (
        start_proxy(origin={"url": sarvam.url}, auth=auth) as proxy,
        aiohttp.ClientSession() as http,
    ):

        async def ask(path: str, token: str) -> tuple[int, str]:
            async with http.get(
                proxy.url + path, headers={"Authorization": f"Bearer {token}"}
            ) as a:
                return a.status, await a.text()

        assert (await ask("/lab/say", "one"))[0] == 200
        status, told = await ask("/voices", "one")
        assert status == 403
        assert "/voices is not among" in told
        assert "/translate, /lab" in told
        assert (await ask("/labs", "one"))[0] == 403
        status, told = await ask("/lab/say", "two")
        assert status == 403
        assert "Allowed: none" in told
        assert (await ask("/lab/say", "three"))[0] == 403
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            await http.ws_connect(f"{proxy.url}/lab/ws", headers={"api-subscription-key": "two"})
    assert [got.raw for got in rest.got if got.raw.startswith(("/lab", "/voices"))] == ["/lab/say"]


async def test_our_tokens_never_reach_the_origin(
    start_proxy: StartProxy, sarvam: Emulator, rest: Rest, tmp_path: Path
) -> None:
    token = "ept_secret"
    auth = proxy_mode(tmp_path, one={"tokens": [token], "paths": ["/"]})
    ways: list[tuple[dict[str, str], tuple[str, ...]]] = [
        ({"Api-Subscription-Key": token}, ()),
        ({"Authorization": f"Bearer {token}"}, ()),
        ({"api-subscription-key": token, "Authorization": f"Bearer {token}"}, ()),
        ({"api-subscription-key": token, "Cookie": f"t={token}"}, ()),
        ({"api-subscription-key": token, "Proxy-Authorization": token}, ()),
        ({}, (f"api-subscription-key.{token}",)),
        ({"api-subscription-key": token}, (f"api-subscription-key.{token}", "chat")),
    ]
    async with start_proxy(origin={"url": sarvam.url}, auth=auth) as proxy:
        for headers, subprotocols in ways:
            async with aiohttp.ClientSession(headers=headers) as http:
                async with http.ws_connect(f"{proxy.url}/lab/ws", protocols=subprotocols) as socket:
                    await socket.send_str("hello")
                    assert await socket.receive_str() == "hello"
                    assert socket.protocol == (subprotocols[0] if subprotocols else None)
                if not subprotocols:
                    async with http.get(f"{proxy.url}/lab/say") as answer:
                        assert answer.status == 200
    assert len(rest.got) >= 12
    for got in rest.got:
        assert token not in got.written
        assert "origin-key" in got.written


async def test_requests_that_are_passed_count_among_a_tenants_requests(
    start_proxy: StartProxy, sarvam: Emulator, tmp_path: Path
) -> None:
    auth = proxy_mode(tmp_path, one={"tokens": ["one"], "paths": ["/"], "requests_per_minute": 2})
    async with (
        start_proxy(origin={"url": sarvam.url}, auth=auth) as proxy,
        aiohttp.ClientSession(headers={"api-subscription-key": "one"}) as http,
    ):
        told = []
        for _ in range(3):
            async with http.get(f"{proxy.url}/lab/say") as answer:
                told.append(answer.status)
        assert told == [200, 200, 429]
        assert int(answer.headers["Retry-After"]) > 0


async def test_in_passthrough_mode_credentials_go_as_they_were_sent(
    start_proxy: StartProxy, sarvam: Emulator, rest: Rest
) -> None:
    async with start_proxy(
        origin={"url": sarvam.url, "api_key": None}, auth={"mode": "passthrough"}
    ) as proxy:
        for headers in ({"api-subscription-key": KEY}, {"Authorization": f"Bearer {KEY}"}):
            async with (
                aiohttp.ClientSession(headers=headers) as http,
                http.get(f"{proxy.url}/lab/say") as answer,
            ):
                assert answer.status == 200
            (name, value), *_ = headers.items()
            assert rest.got[-1].headers[name] == value
        async with (
            aiohttp.ClientSession() as http,
            http.ws_connect(
                f"{proxy.url}/lab/ws", protocols=[f"api-subscription-key.{KEY}"]
            ) as socket,
        ):
            assert socket.protocol == f"api-subscription-key.{KEY}"
        assert rest.got[-1].headers["Sec-WebSocket-Protocol"] == f"api-subscription-key.{KEY}"
        async with (
            aiohttp.ClientSession(headers={"api-subscription-key": "stranger"}) as http,
            http.get(f"{proxy.url}/lab/say") as answer,
        ):
            assert answer.status == 403
    assert not [got for got in rest.got if got.raw == "/lab/say" and "stranger" in got.written]


# -- the end ---------------------------------------------------------------------------------------


async def test_a_drain_lets_running_requests_end_and_closes_sockets_with_1012(
    start_proxy: StartProxy, sarvam: Emulator, rest: Rest, http: aiohttp.ClientSession
) -> None:
    started = start_proxy(origin={"url": sarvam.url})
    proxy = await started.__aenter__()
    socket = await http.ws_connect(f"{proxy.url}/lab/ws")
    answer = await http.get(f"{proxy.url}/lab/half?x")
    asked = asyncio.ensure_future(http.post(f"{proxy.url}/lab/silence", data=b"x"))
    await until(lambda: rest.heard == 1)
    stopping = asyncio.ensure_future(started.__aexit__(None, None, None))
    async with asyncio.timeout(10):
        assert (await socket.receive()).data == 1012
        assert socket.close_code == 1012
        assert not stopping.done()
        rest.permit.set()
        assert (await asked).status == 200
        await stopping
    answer.close()
    assert rest.close_codes == [1012]


# -- dictionaries ----------------------------------------------------------------------------------

DICTIONARY = "/text-to-speech/pronunciation-dictionary"


async def verdict(url: str, dict_id: str | None, *, key: str = KEY) -> str:
    """What becomes of a turn spoken with this dictionary."""
    async with talk(url, key=key, configured=False) as client:
        await client.config(dict_id=dict_id)
        (verdict,) = (await client.say("नमस्ते।")).verdicts
        return verdict


@pytest.mark.parametrize(
    ("method", "where", "forgets"),
    [
        ("PUT", "?dict_id=d1", True),
        ("PATCH", "/d1", True),
        ("DELETE", "/d1", True),
        ("POST", "/d1", True),
        ("PUT", "?dict_id=d2", False),
        ("GET", "/d1", False),
        ("POST", "", False),
    ],
)
async def test_a_dictionary_that_changes_forgets_what_was_spoken_with_it(
    start_proxy: StartProxy,
    sarvam: Emulator,
    rest: Rest,
    http: aiohttp.ClientSession,
    method: str,
    where: str,
    forgets: bool,
) -> None:
    rest.agreeable = True
    async with start_proxy(origin={"url": sarvam.url}) as proxy:
        for dict_id in ("d1", None):
            assert await verdict(proxy.url, dict_id) == "miss"
            await landed(proxy)
            assert (await verdict(proxy.url, dict_id)).startswith("hit")
        async with http.request(method, f"{proxy.url}{DICTIONARY}{where}") as answer:
            assert answer.status == 200
            # At the head already: whoever has heard of the change does not hear what was before it.
            assert (await verdict(proxy.url, "d1") == "miss") is forgets
        assert (await verdict(proxy.url, None)).startswith("hit")


async def test_a_change_that_was_refused_forgets_nothing(
    start_proxy: StartProxy, sarvam: Emulator, rest: Rest, http: aiohttp.ClientSession
) -> None:
    async with start_proxy(origin={"url": sarvam.url}) as proxy:
        assert await verdict(proxy.url, "d1") == "miss"
        await landed(proxy)
        async with http.delete(f"{proxy.url}{DICTIONARY}?dict_id=d1") as answer:
            assert answer.status == 404
        assert (await verdict(proxy.url, "d1")).startswith("hit")


async def test_a_change_whose_outcome_nobody_knows_forgets_too(
    start_proxy: StartProxy, sarvam: Emulator, rest: Rest, http: aiohttp.ClientSession
) -> None:
    rest.silent = True
    async with start_proxy(origin={"url": sarvam.url}, passthrough={"silence_s": 0.2}) as proxy:
        assert await verdict(proxy.url, "d1") == "miss"
        await landed(proxy)
        async with http.delete(f"{proxy.url}{DICTIONARY}?dict_id=d1") as answer:
            assert answer.status == 504
        assert await verdict(proxy.url, "d1") == "miss"


async def test_a_change_that_the_origin_never_heard_of_forgets_nothing(
    start_proxy: StartProxy, sarvam: Emulator, http: aiohttp.ClientSession, facts: list[Event]
) -> None:
    async with start_proxy(origin={"url": sarvam.url}) as proxy:
        await sarvam.stop()
        async with http.delete(f"{proxy.url}{DICTIONARY}?dict_id=d1") as answer:
            assert answer.status == 503
    assert not any(isinstance(fact, Purged) for fact in facts)


async def test_a_client_that_leaves_in_mid_change_has_it_forgotten_all_the_same(
    start_proxy: StartProxy, sarvam: Emulator, rest: Rest, facts: list[Event]
) -> None:
    rest.silent = True
    async with start_proxy(origin={"url": sarvam.url}) as proxy:
        assert await verdict(proxy.url, "d1") == "miss"
        await landed(proxy)
        host, port = proxy.url.removeprefix("http://").split(":")
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(
            f"DELETE {DICTIONARY}?dict_id=d1 HTTP/1.1\r\nHost: h\r\n"
            "api-subscription-key: k\r\n\r\n".encode()
        )
        await until(lambda: rest.heard == 1)
        writer.close()
        await until(lambda: any(isinstance(fact, Purged) for fact in facts))
        assert await verdict(proxy.url, "d1") == "miss"


async def test_clients_with_keys_of_their_own_forget_only_their_own(
    start_proxy: StartProxy, sarvam: Emulator, rest: Rest
) -> None:
    rest.agreeable, rest.keys = True, None
    async with start_proxy(
        origin={"url": sarvam.url, "api_key": None}, auth={"mode": "passthrough"}
    ) as proxy:
        for key in ("one", "two"):
            assert await verdict(proxy.url, "d1", key=key) == "miss"
        await landed(proxy)
        async with (
            aiohttp.ClientSession(headers={"api-subscription-key": "one"}) as http,
            http.put(f"{proxy.url}{DICTIONARY}?dict_id=d1") as answer,
        ):
            assert answer.status == 200
        assert await verdict(proxy.url, "d1", key="one") == "miss"
        assert (await verdict(proxy.url, "d1", key="two")).startswith("hit")


async def test_tenants_share_the_account_and_its_dictionaries(
    start_proxy: StartProxy, sarvam: Emulator, rest: Rest, tmp_path: Path
) -> None:
    rest.agreeable = True
    auth = proxy_mode(
        tmp_path, one={"tokens": ["one"], "paths": [DICTIONARY]}, two={"tokens": ["two"]}
    )
    async with start_proxy(origin={"url": sarvam.url}, auth=auth) as proxy:
        assert await verdict(proxy.url, "d1", key="two") == "miss"
        await landed(proxy)
        async with (
            aiohttp.ClientSession(headers={"api-subscription-key": "one"}) as http,
            http.put(f"{proxy.url}{DICTIONARY}?dict_id=d1") as answer,
        ):
            assert answer.status == 200
        assert await verdict(proxy.url, "d1", key="two") == "miss"


async def test_what_cant_be_forgotten_is_said_so_that_it_is_tried_again(
    start_proxy: StartProxy,
    sarvam: Emulator,
    rest: Rest,
    http: aiohttp.ClientSession,
    tmp_path: Path,
) -> None:
    rest.agreeable = True
    async with start_proxy(origin={"url": sarvam.url}) as proxy:
        (tmp_path / "data" / "purges.json").mkdir()
        async with http.put(f"{proxy.url}{DICTIONARY}?dict_id=d1") as answer:
            assert answer.status == 500
            assert "Send this again" in (await answer.json())["error"]["message"]


BOOK = """
languages: [en-IN]
voice: {model: "bulbul:v3", speaker: ritu, dict_id: d1}
sample_rates: [8000]
phrases:
  hello: Hello there.
"""


async def test_phrases_that_use_a_dictionary_are_made_anew_when_it_changes(
    start_proxy: StartProxy,
    sarvam: Emulator,
    rest: Rest,
    http: aiohttp.ClientSession,
    facts: list[Event],
    tmp_path: Path,
) -> None:
    rest.agreeable = True
    folder = tmp_path / "books"
    folder.mkdir()
    (folder / "desk.yaml").write_text(BOOK, encoding="utf-8")
    async with start_proxy(origin={"url": sarvam.url}, phrases={"directory": folder}) as proxy:
        await until(lambda: made(facts) == 1)
        async with http.put(f"{proxy.url}{DICTIONARY}?dict_id=d1") as answer:
            assert answer.status == 200
        await until(lambda: made(facts) == 2)
