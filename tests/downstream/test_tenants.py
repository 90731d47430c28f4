"""Tenants over real sockets: who comes in, in which voice, how much, on whose bill; and reloads."""

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from edgeproxy.app import Proxy
from edgeproxy.core.events import Event, TenantsRefused, TenantsReloaded, TurnEnded
from edgeproxy.downstream.ledger import Ledger
from edgeproxy.downstream.tenants import Tenants
from edgeproxy.emulator.server import Emulator
from edgeproxy.sarvam.refusals import Refused
from edgeproxy.upstream.pools import Account

from ..conftest import StartProxy, landed, proxy_mode, until, write_tenants
from ..fakes.origin import Origin
from ..wire import CONFIG, talk

HELLO = "नमस्ते, आप कैसे हैं?"
COMPLETION = "model=bulbul:v3&send_completion_event=true"
BODY = {**CONFIG, "text": HELLO}


async def post(
    url: str, token: str, *, path: str = "/text-to-speech", **changes: Any
) -> tuple[int, dict[str, Any], dict[str, str]]:
    async with (
        aiohttp.ClientSession(headers={"api-subscription-key": token}) as session,
        session.post(f"{url}{path}", json={**BODY, **changes}) as response,
    ):
        body = await response.json() if response.content_type == "application/json" else {}
        return response.status, body, dict(response.headers)


async def refused_handshake(url: str, key: str | None) -> int:
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        async with talk(url, key=key):
            pass
    return caught.value.status


def keeper(proxy: Proxy) -> Tenants:
    assert isinstance(proxy.keeper, Tenants)
    return proxy.keeper


# -- who comes in ----------------------------------------------------------------------------------


async def test_each_of_a_tenants_tokens_comes_in_and_nothing_else_does(
    start_proxy: StartProxy, tmp_path: Path
) -> None:
    auth = proxy_mode(tmp_path, one={"tokens": ["old", "new"]}, two={"tokens": ["other"]})
    async with start_proxy(auth=auth) as proxy:
        for token in ("old", "new", "other"):
            async with talk(proxy.url, key=token) as client:
                assert (await client.say(HELLO)).audio
        for key in (None, "wrong", "OLD", "oldx"):
            assert await refused_handshake(proxy.url, key) == 403
            status, body, _ = await post(proxy.url, key or "")
            assert (status, body["error"]["code"]) == (403, "invalid_api_key_error")


async def test_the_hash_in_the_file_is_no_token(start_proxy: StartProxy, tmp_path: Path) -> None:
    auth = proxy_mode(tmp_path, one={"tokens": ["token"]})
    line = auth["tenants"].read_text().split('"')[-2]
    assert line.startswith("sha256:")
    async with start_proxy(auth=auth) as proxy:
        assert await refused_handshake(proxy.url, line) == 403
        assert await refused_handshake(proxy.url, line.removeprefix("sha256:")) == 403


async def test_tenants_hear_only_their_own_audio_unless_their_namespace_is_shared(
    start_proxy: StartProxy, tmp_path: Path, emulator: Emulator
) -> None:
    auth = proxy_mode(
        tmp_path,
        one={"tokens": ["1a", "1b"]},
        two={"tokens": ["2"]},
        three={"tokens": ["3"], "namespace": "common"},
        four={"tokens": ["4"], "namespace": "common"},
    )
    async with start_proxy(auth=auth) as proxy:
        heard = {}
        for token in ("1a", "1b", "2", "3", "4"):
            async with talk(proxy.url, key=token) as client:
                (heard[token],) = (await client.say(HELLO)).verdicts
            await landed(proxy)
    assert heard == {"1a": "miss", "1b": "hit-memory", "2": "miss", "3": "miss", "4": "hit-memory"}
    assert emulator.counters.spoken(HELLO) == 3


async def test_no_token_is_in_a_fact_a_log_an_answer_or_on_the_disk(
    start_proxy: StartProxy, tmp_path: Path, facts: list[Event], caplog: pytest.LogCaptureFixture
) -> None:
    auth = proxy_mode(tmp_path, one={"tokens": ["tell-nobody"], "requests_per_minute": 1})
    async with start_proxy(auth=auth) as proxy:
        async with talk(proxy.url, key="tell-nobody") as client:
            told = [(await client.say(HELLO)).messages, (await client.say(HELLO)).messages]
        told.append(await post(proxy.url, "tell-nobody"))  # type: ignore[arg-type]
        write_tenants(auth["tenants"])
        assert await keeper(proxy).reload()
        told.append(await post(proxy.url, "tell-nobody"))  # type: ignore[arg-type]
        shown = [repr(proxy.keeper), str(facts), caplog.text, str(told)]
    assert not any("tell-nobody" in each for each in shown)
    for file in tmp_path.rglob("*"):
        assert not file.is_file() or b"tell-nobody" not in file.read_bytes(), file


# -- voices ----------------------------------------------------------------------------------------


async def test_a_voice_that_is_not_allowed_is_refused_with_those_that_are(
    start_proxy: StartProxy, tmp_path: Path, emulator: Emulator
) -> None:
    voices = ["shubh", {"speaker": "priya", "language": "en-*"}]
    auth = proxy_mode(tmp_path, one={"tokens": ["t"], "voices": voices})
    async with start_proxy(auth=auth) as proxy:
        async with talk(proxy.url, key="t", configured=False) as client:
            await client.config(speaker="priya")
            error = (await client.hear())["data"]
            assert error["code"] == 400
            assert "Speaker 'priya'" in error["message"]
            assert "shubh; language en-* speaker priya" in error["message"]
            await client.config()  # the socket is still good for a voice that is allowed
            assert (await client.say(HELLO)).audio
        for path in ("/text-to-speech", "/text-to-speech/stream"):
            status, body, _ = await post(proxy.url, "t", path=path, speaker="priya")
            assert status == 400
            assert "shubh" in body["error"]["message"]
        status, _, _ = await post(
            proxy.url, "t", speaker="priya", target_language_code="en-IN", text="Hello."
        )
        assert status == 200
    assert emulator.counters.spoken("Hello.") == 1
    assert emulator.counters.spoken(HELLO) == 1


async def test_a_voice_that_is_allowed_no_more_is_refused_from_the_next_turn_on(
    start_proxy: StartProxy, tmp_path: Path
) -> None:
    auth = proxy_mode(tmp_path, one={"tokens": ["t"]})
    async with start_proxy(auth=auth) as proxy, talk(proxy.url, key="t") as client:
        assert (await client.say(HELLO)).audio
        write_tenants(auth["tenants"], one={"tokens": ["t"], "voices": ["priya"]})
        assert await keeper(proxy).reload()
        await client.config()  # the same: LiveKit repeats it before each turn
        answer = await client.say(HELLO)
        assert ([error["code"] for error in answer.errors], answer.audio) == ([400], b"")
        await client.config(speaker="priya")
        assert (await client.say(HELLO)).audio


# -- rates -----------------------------------------------------------------------------------------


async def test_over_a_rate_a_websocket_gets_an_error_and_its_final_and_stays_open(
    start_proxy: StartProxy, tmp_path: Path
) -> None:
    auth = proxy_mode(tmp_path, one={"tokens": ["t"], "requests_per_minute": 2})
    async with start_proxy(auth=auth) as proxy, talk(proxy.url, key="t") as client:
        assert (await client.say(HELLO)).audio
        assert (await client.say(HELLO)).audio
        for _ in range(2):
            await client.text(HELLO)
            error = (await client.hear())["data"]  # in answer to the text, before any flush
            assert error["code"] == 429
            assert error["message"].startswith("rate limit exceeded. `requests_per_minute` is 2; ")
            await client.text(HELLO)  # says nothing more
            await client.flush()
            assert [each["type"] for each in (await client.answer()).messages] == ["event"]
        write_tenants(auth["tenants"], one={"tokens": ["t"]})
        assert await keeper(proxy).reload()
        assert (await client.say(HELLO)).audio


@pytest.mark.parametrize("path", ["/text-to-speech", "/text-to-speech/stream"])
async def test_over_a_rate_http_is_429_with_retry_after(
    start_proxy: StartProxy, tmp_path: Path, facts: list[Event], path: str
) -> None:
    limit = {"tokens": ["t"], "characters_per_minute": len(HELLO)}
    async with start_proxy(auth=proxy_mode(tmp_path, one=limit)) as proxy:
        assert (await post(proxy.url, "t", path=path))[0] == 200
        status, body, headers = await post(proxy.url, "t", path=path)
        assert status == 429
        assert body["error"]["code"] == "rate_limit_exceeded_error"
        assert f"`characters_per_minute` is {len(HELLO)}" in body["error"]["message"]
        assert 0 < int(headers["Retry-After"]) <= 60
        status, body, headers = await post(proxy.url, "t", path=path, text=HELLO * 2)
        assert (status, "never fit" in body["error"]["message"]) == (429, True)
        assert "Retry-After" not in headers
    assert [fact.outcome for fact in facts if isinstance(fact, TurnEnded)] == [
        "ok",
        "error",
        "error",
    ]


async def test_the_places_for_turns_are_given_back_whatever_becomes_of_them(
    start_proxy: StartProxy, tmp_path: Path, origin: Origin
) -> None:
    auth = proxy_mode(tmp_path, one={"tokens": ["t"], "concurrent_turns": 1})
    async with start_proxy(auth=auth, origin={"url": origin.url}) as proxy:
        async with talk(proxy.url, key="t") as first, talk(proxy.url, key="t") as second:
            await first.text("audio 200 then wait then audio 200.")
            await first.flush()
            await first.hear()
            answer = await second.say("audio 200.")
            assert [error["code"] for error in answer.errors] == [429]
            assert "`concurrent_turns` is 1" in answer.errors[0]["message"]
            assert (await post(proxy.url, "t"))[0] == 429
            origin.permit.set()
            await first.answer()
            assert (await second.say("audio 200.")).audio
            # A turn that fails, and one whose client leaves.
            assert (await second.say("refuse 400 no.")).errors
            await second.text("audio 300 then audio 300.")
            await second.hear()
        async with talk(proxy.url, key="t") as third:
            async with asyncio.timeout(10):
                while not (answer := await third.say("audio 300.")).audio:
                    assert [error["code"] for error in answer.errors] == [429]
        assert (await post(proxy.url, "t", text="refuse 400 no."))[0] == 400
        assert (await post(proxy.url, "t", text="audio 400."))[0] == 200


# -- the month -------------------------------------------------------------------------------------


def spent(proxy: Proxy) -> int:
    return keeper(proxy).spent("one")


async def test_when_the_month_is_spent_what_is_known_is_spoken_on(
    start_proxy: StartProxy, tmp_path: Path, emulator: Emulator
) -> None:
    cap = len(HELLO) + 3
    auth = proxy_mode(tmp_path, one={"tokens": ["t"], "characters_per_month": cap})
    async with start_proxy(auth=auth) as proxy, talk(proxy.url, key="t") as client:
        assert (await client.say(HELLO)).verdicts == ["miss"]
        await landed(proxy)
        answer = await client.say("कुछ और।")
        (error,) = answer.errors
        assert (error["code"], answer.audio) == (429, b"")
        assert "`characters_per_month` is" in error["message"]
        assert (await client.say(HELLO)).verdicts == ["hit-memory"]
        status, body, headers = await post(proxy.url, "t", text="कुछ और।")
        assert (status, body["error"]["code"]) == (429, "insufficient_quota_error")
        assert "Retry-After" not in headers
        assert spent(proxy) == len(HELLO)
    assert emulator.counters.characters == len(HELLO)


@pytest.mark.parametrize("parallel", [1, 8])
async def test_misses_at_once_never_pass_the_month_together(
    start_proxy: StartProxy, tmp_path: Path, emulator: Emulator, parallel: int
) -> None:
    texts = [f"वाक्य संख्या {number:02}।" for number in range(24)]
    cap = 5 * len(texts[0]) + 2
    auth = proxy_mode(tmp_path, one={"tokens": ["t"], "characters_per_month": cap})
    settings = {"turn": {"parallel_segments": parallel}, "cache": {"characters_kept": 200}}
    async with start_proxy(auth=auth, **settings) as proxy:
        answers = await asyncio.gather(*(post(proxy.url, "t", text=text) for text in texts))
        await landed(proxy)
        assert sorted(status for status, _, _ in answers) == [200] * 5 + [429] * 19
        assert spent(proxy) == 5 * len(texts[0])
    assert emulator.counters.characters == 5 * len(texts[0])


async def test_whoever_joins_a_fill_pays_nothing(
    start_proxy: StartProxy, tmp_path: Path, origin: Origin
) -> None:
    text = "audio 200 then wait."
    auth = proxy_mode(tmp_path, one={"tokens": ["t"], "characters_per_month": len(text)})
    async with start_proxy(auth=auth, origin={"url": origin.url}) as proxy:
        async with talk(proxy.url, key="t") as first, talk(proxy.url, key="t") as second:
            for each in (first, second):
                await each.text(text)
                await each.flush()
                await each.hear()
            origin.permit.set()
            for each in (first, second):
                assert not (await each.answer()).errors
        assert spent(proxy) == len(text)
    assert len(origin.asked) == 1


async def test_what_the_origin_never_got_or_refused_is_not_charged_and_a_second_attempt_is(
    start_proxy: StartProxy, tmp_path: Path, emulator: Emulator
) -> None:
    auth = proxy_mode(tmp_path, one={"tokens": ["t"], "characters_per_month": 10_000})
    async with start_proxy(auth=auth, pool={"lease_timeout_s": 0.3}) as proxy:
        assert (await post(proxy.url, "t", speaker="nobody"))[0] == 400
        assert spent(proxy) == 0
        emulator.change_faults("missing_final:count=1")
        assert (await post(proxy.url, "t"))[0] == 200
        assert spent(proxy) == emulator.counters.characters == 2 * len(HELLO)
        emulator.change_faults("refuse")
        before = spent(proxy)
        assert (await post(proxy.url, "t", text="कुछ और।", model="bulbul:v4-flash"))[0] >= 500
        assert spent(proxy) == before


@pytest.mark.parametrize("seed", range(3))
async def test_in_any_weather_the_month_holds_what_the_origin_took(
    start_proxy: StartProxy, tmp_path: Path, emulator: Emulator, seed: int
) -> None:
    auth = proxy_mode(tmp_path, one={"tokens": ["t"], "characters_per_month": 100_000})
    emulator.change_faults(
        "cut=0.2,missing_final=0.1,error=0.1:code=503,garbage=0.1,500=0.1,refuse=0.1,1003=0.05"
    )
    patience = {"first_audio_timeout_s": 0.3, "stall_timeout_s": 0.2}
    async with start_proxy(auth=auth, origin={"url": emulator.url, **patience}) as proxy:
        for batch in range(5):
            texts = [f"यह वाक्य संख्या {seed} {batch} {number} है।" for number in range(8)]
            await asyncio.gather(*(post(proxy.url, "t", text=text) for text in texts))
        await landed(proxy)
        # Not less; a text that was sent into a socket that had just died may be on top.
        assert spent(proxy) >= emulator.counters.characters > 0


async def test_the_month_outlasts_a_restart(start_proxy: StartProxy, tmp_path: Path) -> None:
    limit = {"tokens": ["t"], "characters_per_month": 2 * len(HELLO) - 1}
    auth = proxy_mode(tmp_path, one=limit, two={"tokens": ["u"]})
    async with start_proxy(auth=auth) as proxy:
        assert (await post(proxy.url, "t"))[0] == 200
    async with start_proxy(auth=auth) as proxy:
        assert spent(proxy) == len(HELLO)
        assert (await post(proxy.url, "t", text=HELLO[::-1]))[0] == 429
        assert (await post(proxy.url, "t"))[0] == 200


async def test_books_are_on_the_house(
    start_proxy: StartProxy, tmp_path: Path, emulator: Emulator
) -> None:
    (tmp_path / "books").mkdir()
    (tmp_path / "books" / "one.yaml").write_text(
        f'languages: [hi-IN]\nvoice: {{model: "bulbul:v3", speaker: shubh}}\n'
        f"phrases: {{hello: {{hi-IN: '{HELLO}'}}}}\n",
        encoding="utf-8",
    )
    auth = proxy_mode(tmp_path, one={"tokens": ["t"], "characters_per_month": 0})
    async with start_proxy(
        auth=auth, phrases={"directory": tmp_path / "books", "characters_at_once": 0}
    ) as proxy:
        assert (await post(proxy.url, "t"))[0] == 200
        assert (await post(proxy.url, "t", text="कुछ और।"))[0] == 429
        # Past the cache it is a text like any other: nobody has the house pay for it again and again.
        async with talk(proxy.url, query=f"{COMPLETION}&cache=off", key="t") as client:
            assert [error["code"] for error in (await client.say(HELLO)).errors] == [429]
        async with talk(proxy.url, query=f"{COMPLETION}&cache=refresh", key="t") as client:
            assert not (await client.say(HELLO)).errors
    assert emulator.counters.spoken(HELLO) == 1


# -- reload ----------------------------------------------------------------------------------------


async def test_a_file_that_changes_is_seen_by_itself(
    start_proxy: StartProxy, tmp_path: Path, facts: list[Event]
) -> None:
    auth = proxy_mode(tmp_path, one={"tokens": ["old"]})
    async with start_proxy(auth=auth) as proxy:
        write_tenants(auth["tenants"], one={"tokens": ["old", "new"]}, two={"tokens": ["2"]})
        await until(lambda: TenantsReloaded(2, 3) in facts)
        async with talk(proxy.url, key="new") as client:
            assert (await client.say(HELLO)).audio


async def test_a_revoked_token_is_told_at_its_next_turn_and_its_socket_is_closed(
    start_proxy: StartProxy, tmp_path: Path
) -> None:
    auth = proxy_mode(tmp_path, one={"tokens": ["old", "new"]}, two={"tokens": ["gone"]})
    async with start_proxy(auth=auth) as proxy:
        async with (
            talk(proxy.url, key="old") as old,
            talk(proxy.url, key="new") as new,
            talk(proxy.url, key="gone") as gone,
        ):
            for client in (old, new, gone):
                assert (await client.say(HELLO)).audio
            write_tenants(auth["tenants"], one={"tokens": ["new"]})
            assert await keeper(proxy).reload()
            for client in (old, gone):
                await client.text(HELLO)
                error = (await client.hear())["data"]
                assert error["code"] == 403
                assert error["message"] == "Invalid or missing authentication credentials"
                assert await client.closed() == 1008  # never 1000 or 1001
            assert (await new.say(HELLO)).verdicts == ["hit-memory"]
        assert await refused_handshake(proxy.url, "old") == 403
        assert (await post(proxy.url, "gone"))[0] == 403


async def test_a_bad_file_keeps_the_tenants_and_says_so_until_it_is_good_again(
    start_proxy: StartProxy, tmp_path: Path, facts: list[Event]
) -> None:
    auth = proxy_mode(tmp_path, one={"tokens": ["t"]})
    good = auth["tenants"].read_text()

    async def problem() -> str | None:
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{proxy.url}/readyz") as response,
        ):
            assert response.status == 200
            told: str | None = (await response.json())["tenants_problem"]
            return told

    async with start_proxy(auth=auth) as proxy:
        assert await problem() is None
        for content in ("", "tenants:\n  one:\n    tokens: [t]\n", "tenants: ["):
            auth["tenants"].write_text(content)
            proxy.reload()
            await until(lambda: any(isinstance(fact, TenantsRefused) for fact in facts))
            said = str(await problem())
            assert "tenants.yaml:" in said
            assert (await post(proxy.url, "t"))[0] == 200
            facts.clear()
        auth["tenants"].unlink()
        await until(lambda: any(isinstance(fact, TenantsRefused) for fact in facts))
        assert "cannot be read" in str(await problem())
        auth["tenants"].write_text(good)
        await until(lambda: any(isinstance(fact, TenantsReloaded) for fact in facts))
        assert await problem() is None


async def test_a_reload_gives_nobody_its_minute_again(tmp_path: Path) -> None:
    file = write_tenants(tmp_path / "t.yaml", one={"tokens": ["t"], "requests_per_minute": 1})
    ledger = Ledger.open(tmp_path / "months.json")
    tenants = Tenants(file, account=Account("own", "k"), ledger=ledger)
    client = await tenants.admit("t", address="")
    with client.allowance.turn(1):
        pass
    write_tenants(file, one={"tokens": ["t", "u"], "requests_per_minute": 1, "concurrent_turns": 9})
    assert await tenants.reload()
    for token in ("t", "u"):
        client = await tenants.admit(token, address="")
        with pytest.raises(Refused, match="requests_per_minute"), client.allowance.turn(1):
            pass
