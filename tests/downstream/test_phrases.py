"""Phrases by URL: what a turn would say, as a file, to those who may hear it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from edgeproxy.app import Proxy
from edgeproxy.audio.decode import decode_whole
from edgeproxy.core.events import Event, PhraseGenerated, TurnEnded
from edgeproxy.emulator.server import Emulator

from ..clients.sound import lag, likeness
from ..conftest import KEY, StartProxy, landed, proxy_mode, turns, until
from ..wire import talk

BOOK = """
languages: [en-IN, hi-IN]
voice: {{model: "bulbul:v3", speaker: ritu}}
sample_rates: [8000, 24000]
refresh_after: 7 days
{more}
phrases:
  greeting:
    en-IN: Good morning! This is the clinic's front desk. How may I help you?
  hold:
    en-IN: One moment, please.
    takes: 2
  booked:
    en-IN: You are booked on {{day}}.
    values: {{day: [Monday, Tuesday]}}
  hello:
    en-IN: Hello there.
    hi-IN: नमस्ते जी।
  chance:
    en-IN: It rains today.
    pin: false
"""
SEGMENTS = 3 + 1 + 2 + 2
GREETING = "Good morning! This is the clinic's front desk. How may I help you?"
NO_BUILDING: dict[str, Any] = {"characters_at_once": 0}
Got = tuple[aiohttp.ClientResponse, bytes]


@pytest.fixture
def books(tmp_path: Path) -> Path:
    folder = tmp_path / "books"
    folder.mkdir()
    (folder / "desk.yaml").write_text(BOOK.format(more=""), encoding="utf-8")
    return folder


def publish(books: Path) -> Path:
    (books / "desk.yaml").write_text(BOOK.format(more="public: true"), encoding="utf-8")
    return books


async def made(facts: list[Event], segments: int = SEGMENTS) -> None:
    await until(lambda: sum(isinstance(fact, PhraseGenerated) for fact in facts) == segments)


@pytest.fixture
async def proxy(start_proxy: StartProxy, books: Path, facts: list[Event]) -> AsyncIterator[Proxy]:
    """A proxy whose book, which is nobody's in particular, is made."""
    async with start_proxy(phrases={"directory": books}) as proxy:
        await made(facts)
        yield proxy


async def get(
    url: str, path: str, *, key: str | None = KEY, method: str = "GET", **headers: str
) -> Got:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    if key is not None:
        sent["api-subscription-key"] = key
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, f"{url}/phrases/{path}", headers=sent) as response,
    ):
        return response, await response.read()


async def file(url: str, path: str, **how: Any) -> Got:
    response, body = await get(url, path, **how)
    assert response.status == 200, body
    return response, body


async def error(response: aiohttp.ClientResponse) -> str:
    message: str = (await response.json())["error"]["message"]
    return message


async def turn(url: str, text: str, *, rate: int = 24000, language: str = "en-IN") -> bytes:
    """The same as a turn."""
    async with talk(url) as client:
        await client.config(target_language_code=language, speaker="ritu", speech_sample_rate=rate)
        return (await client.say(text)).audio


# -- what is heard ---------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 24000])
async def test_every_format_at_every_rate_is_the_turn(
    proxy: Proxy, emulator: Emulator, rate: int
) -> None:
    spent = emulator.counters.flushes
    pcm = await turn(proxy.url, GREETING, rate=rate)
    for ending in ("pcm", "wav", "mp3", "opus"):
        response, body = await file(proxy.url, f"desk/greeting.{ending}?rate={rate}")
        assert response.headers["Cache-Status"].startswith("edgeproxy; hit")
        if ending == "pcm":
            assert body == pcm
            assert response.headers["Content-Type"] == (
                f"audio/pcm; rate={rate}; channels=1; bits=16; endianness=little"
            )
            continue
        heard, _ = await asyncio.to_thread(decode_whole, body, rate=rate)
        assert abs(len(heard) - len(pcm)) <= 2 * rate // 100
        if ending == "wav":
            assert heard == pcm
            assert response.headers["Content-Type"] == "audio/wav"
        else:
            late = lag(pcm, heard)
            assert abs(late) <= rate // 200
            assert likeness(pcm, heard, lag=late) > 0.97
    assert emulator.counters.flushes == spent


@pytest.mark.parametrize("rate", [32000, 44100, 48000])
async def test_rates_that_only_rest_has_are_made_from_the_master(
    proxy: Proxy, emulator: Emulator, rate: int
) -> None:
    spent = emulator.counters.flushes
    for ending in ("pcm", "wav", "mp3", "opus"):
        _, body = await file(proxy.url, f"desk/hello.{ending}?language=hi-IN&rate={rate}")
        if ending == "pcm":
            pcm = body
        else:
            heard, _ = await asyncio.to_thread(decode_whole, body, rate=rate)
            assert likeness(pcm, heard, lag=lag(pcm, heard)) > 0.97
    assert emulator.counters.flushes == spent
    assert emulator.counters.rest_calls == 0


async def test_without_a_rate_it_is_the_books_highest(proxy: Proxy) -> None:
    _, whole = await file(proxy.url, "desk/greeting.wav")
    assert int.from_bytes(whole[24:28], "little") == 24000


async def test_values_language_and_take_say_which(proxy: Proxy) -> None:
    for day in ("Monday", "Tuesday"):
        _, body = await file(proxy.url, f"desk/booked.pcm?value.day={day}")
        assert body == await turn(proxy.url, f"You are booked on {day}.")
    _, body = await file(proxy.url, "desk/hello.pcm?language=hi-IN&speaker=ritu")
    assert body == await turn(proxy.url, "नमस्ते जी।", language="hi-IN")
    tags = {
        take: (await file(proxy.url, f"desk/hold.pcm{take}"))[0].headers["ETag"]
        for take in ("", "?take=1", "?take=2")
    }
    assert tags[""] == tags["?take=1"] != tags["?take=2"]


async def test_an_encoded_file_is_the_same_each_time_and_counted_as_heard(
    proxy: Proxy, facts: list[Event]
) -> None:
    bodies = {(await file(proxy.url, "desk/greeting.opus"))[1] for _ in range(3)}
    crowd = await asyncio.gather(*(file(proxy.url, "desk/greeting.mp3") for _ in range(20)))
    assert len(bodies) == len({body for _, body in crowd}) == 1
    told = await turns(facts, 23)
    assert {turn.door for turn in told} == {"phrase"}
    verdicts = {segment.verdict for turn in told for segment in turn.segments}
    assert verdicts <= {"hit-memory", "hit-disk", "collapsed"}


# -- as a file -------------------------------------------------------------------------------------


async def test_head_tells_what_get_would(proxy: Proxy) -> None:
    await file(proxy.url, "desk/greeting.pcm")
    for ending in ("pcm", "wav", "mp3", "opus"):
        got, body = await file(proxy.url, f"desk/greeting.{ending}")
        told, nothing = await get(proxy.url, f"desk/greeting.{ending}", method="HEAD")
        assert (told.status, nothing) == (200, b"")
        changing = {"Date", "X-Request-ID", "Server-Timing"}
        assert {n: v for n, v in told.headers.items() if n not in changing} == {
            n: v for n, v in got.headers.items() if n not in changing
        }
        assert int(told.headers["Content-Length"]) == len(body)


async def test_ranges_are_parts_of_the_whole(proxy: Proxy) -> None:
    response, whole = await file(proxy.url, "desk/greeting.mp3")
    size, etag = len(whole), response.headers["ETag"]
    response, part = await get(proxy.url, "desk/greeting.mp3", Range="bytes=100-199")
    assert (response.status, part) == (206, whole[100:200])
    assert response.headers["Content-Range"] == f"bytes 100-199/{size}"
    assert response.headers["Content-Type"] == "audio/mpeg"
    response, rest = await get(proxy.url, "desk/greeting.mp3", Range=f"bytes={size - 5}-")
    assert (response.status, rest) == (206, whole[-5:])
    response, _ = await get(proxy.url, "desk/greeting.mp3", Range=f"bytes={size}-", If_Range=etag)
    assert response.status == 416
    assert response.headers["Content-Range"] == f"bytes */{size}"
    assert str(size) in await error(response)


async def test_who_has_it_already_is_told_so(proxy: Proxy) -> None:
    response, _ = await file(proxy.url, "desk/greeting.mp3")
    etag, since = response.headers["ETag"], response.headers["Last-Modified"]
    assert etag.startswith('"')
    for condition in ({"If_None_Match": etag}, {"If_Modified_Since": since}):
        response, body = await get(proxy.url, "desk/greeting.mp3", **condition)
        assert (response.status, body) == (304, b"")
        assert response.headers["ETag"] == etag
        assert response.headers["Cache-Control"] == "private, max-age=300"
    assert (await get(proxy.url, "desk/greeting.mp3", If_Match='"other"'))[0].status == 412
    other, _ = await get(proxy.url, "desk/greeting.mp3?rate=8000", If_None_Match=etag)
    assert other.status == 200
    assert other.headers["ETag"] != etag


async def test_the_tag_follows_the_pointer(proxy: Proxy) -> None:
    async def tag() -> str:
        return (await file(proxy.url, "desk/greeting.wav"))[0].headers["ETag"]

    first = await tag()
    await proxy.night.run(datetime.now(UTC) + timedelta(days=8))
    second = await tag()
    for unit in proxy.generations:
        if unit.text in GREETING:
            proxy.generations.use(unit.key, 1)
    third = await tag()
    response, _ = await get(proxy.url, "desk/greeting.wav", If_None_Match=second)
    assert first != second
    assert third == first
    assert response.status == 200


# -- who may hear it -------------------------------------------------------------------------------


async def test_without_a_credential_only_a_public_book_speaks(
    start_proxy: StartProxy, books: Path, facts: list[Event]
) -> None:
    async with start_proxy(phrases={"directory": books}) as proxy:
        await made(facts)
        refused = [
            (await get(proxy.url, path, key=None))[0]
            for path in ("desk/greeting.mp3", "desk/nothing.mp3", "other/greeting.mp3")
        ]
        assert [each.status for each in refused] == [403] * 3
        assert len({await error(each) for each in refused}) == 1
        response, _ = await file(proxy.url, "desk/greeting.mp3")
        assert response.headers["Cache-Control"] == "private, max-age=300"
        assert "api-subscription-key" in response.headers["Vary"]
        publish(books)
        await proxy.books.reload()
        response, body = await file(proxy.url, "desk/greeting.wav", key=None)
        assert response.headers["Cache-Control"] == "public, max-age=300"
        assert "Vary" not in response.headers
        assert body[44:] == await turn(proxy.url, GREETING)
        assert (await get(proxy.url, "desk/chance.wav", key=None))[0].status == 403


async def test_a_tenants_book_is_there_for_its_tenants_alone(
    start_proxy: StartProxy, books: Path, tmp_path: Path, facts: list[Event]
) -> None:
    (books / "acme.yaml").write_text(
        "languages: [en-IN]\nvoice: {speaker: ritu}\ntenants: [acme]\n"
        "phrases:\n  greeting: Welcome to Acme.\n  hello: Hello there.\n",
        encoding="utf-8",
    )
    auth = proxy_mode(tmp_path, acme={"tokens": ["a"]}, sun={"tokens": ["s"]})
    async with start_proxy(auth=auth, phrases={"directory": books}) as proxy:
        await made(facts, SEGMENTS + 2)
        assert (await get(proxy.url, "acme/greeting.mp3", key="a"))[0].status == 200
        assert (await get(proxy.url, "desk/greeting.mp3", key="a"))[0].status == 200
        there, _ = await get(proxy.url, "acme/greeting.mp3", key="s")
        nowhere, _ = await get(proxy.url, "acmf/greeting.mp3", key="s")
        assert (there.status, nowhere.status) == (404, 404)
        assert (await error(there)).replace("acme", "acmf") == await error(nowhere)
        assert (await get(proxy.url, "acme/greeting.mp3", key=None))[0].status == 403
        assert (await get(proxy.url, "acme/greeting.mp3", key="unknown"))[0].status == 403
        # What both books say is two recordings, and a URL names the one of its book.
        ours, _ = await get(proxy.url, "acme/hello.pcm?rate=24000", key="a")
        everybodys, _ = await get(proxy.url, "desk/hello.pcm?rate=24000&language=en-IN", key="a")
        assert ours.headers["ETag"] != everybodys.headers["ETag"]


async def test_a_tenants_voices_and_rates_hold_here_too(
    start_proxy: StartProxy, books: Path, tmp_path: Path, facts: list[Event]
) -> None:
    auth = proxy_mode(
        tmp_path,
        shubh={"tokens": ["v"], "voices": [{"speaker": "shubh"}]},
        few={"tokens": ["f"], "characters_per_minute": len(GREETING)},
    )
    async with start_proxy(auth=auth, phrases={"directory": books}) as proxy:
        await made(facts)
        assert (await get(proxy.url, "desk/greeting.mp3", key="v"))[0].status == 400
        response, _ = await get(proxy.url, "desk/greeting.mp3", key="f")
        assert response.status == 200
        etag = response.headers["ETag"]
        assert (await get(proxy.url, "desk/greeting.mp3", key="f"))[0].status == 429
        response, _ = await get(proxy.url, "desk/greeting.mp3", key="f", If_None_Match=etag)
        assert response.status == 304


# -- what is not made ------------------------------------------------------------------------------


async def test_what_is_not_made_is_spoken_for_a_credential_and_the_house_pays(
    start_proxy: StartProxy, books: Path, tmp_path: Path, emulator: Emulator
) -> None:
    auth = proxy_mode(tmp_path, broke={"tokens": ["b"], "characters_per_month": 0})
    directory = publish(books)
    async with start_proxy(auth=auth, phrases={"directory": directory, **NO_BUILDING}) as proxy:
        response, _ = await get(proxy.url, "desk/greeting.pcm", key=None)
        assert response.status == 503
        assert response.headers["Retry-After"]
        assert "not been recorded" in await error(response)
        assert emulator.counters.flushes == 0
        response, body = await get(proxy.url, "desk/greeting.pcm", key="b", Range="bytes=0-9")
        assert (response.status, emulator.counters.flushes) == (200, 3)
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["Accept-Ranges"] == "none"
        assert "ETag" not in response.headers
        assert response.headers["Cache-Status"].startswith("edgeproxy; fwd=uri-miss; stored")
        await landed(proxy)
        again, same = await get(proxy.url, "desk/greeting.pcm", key=None)
        assert (again.status, same) == (200, body)
        assert again.headers["Cache-Control"] == "no-store"
        # What is left to chance is a text like any other, and not on the house.
        response, _ = await get(proxy.url, "desk/chance.pcm", key="b")
        assert response.status == 429
        assert emulator.counters.flushes == 3


async def test_the_switches_of_the_cache_hold_here_too(
    proxy: Proxy, emulator: Emulator, facts: list[Event]
) -> None:
    made_so_far = emulator.counters.flushes
    _, body = await file(proxy.url, "desk/greeting.pcm?cache=only&tag=preload")
    for query, headers in (("", {"Cache_Control": "no-cache"}), ("?cache=refresh", {})):
        # A book's recordings are nobody's to make anew by asking.
        response, same = await file(proxy.url, f"desk/greeting.pcm{query}", **headers)
        assert same == body
        assert "; hit" in response.headers["Cache-Status"]
    assert emulator.counters.flushes == made_so_far
    response, live = await file(proxy.url, "desk/greeting.pcm?cache=off")
    assert emulator.counters.flushes == made_so_far + 3
    assert "fwd=bypass" in response.headers["Cache-Status"]
    assert response.headers["Cache-Control"] == "no-store"
    assert live == body  # the emulator says the same words in the same way
    response, _ = await get(proxy.url, "desk/chance.pcm?cache=only")
    assert response.status == 504
    tags = [fact.tag for fact in facts if isinstance(fact, TurnEnded)]
    assert tags[0] == "preload"
    response, _ = await get(proxy.url, "desk/greeting.pcm?cache=maybe")
    assert response.status == 400


async def test_a_stranger_spends_nothing_whatever_it_wishes(
    start_proxy: StartProxy, books: Path, facts: list[Event], emulator: Emulator
) -> None:
    async with start_proxy(phrases={"directory": publish(books)}) as proxy:
        await made(facts)
        spent = emulator.counters.flushes
        for query in ("", "?cache=off", "?cache=refresh", "?rate=8000", "?rate=16000"):
            for ending in ("pcm", "opus"):
                await file(proxy.url, f"desk/greeting.{ending}{query}", key=None)
        assert emulator.counters.flushes == spent
        assert emulator.counters.rest_calls == 0


# -- what is not there -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "status", "told"),
    [
        ("other/greeting.mp3", 404, "There are desk"),
        ("desk/nothing.mp3", 404, "There are greeting, hold, booked, hello, chance"),
        ("desk/greeting.flac", 404, ".pcm, .wav, .mp3, .opus"),
        ("desk/greeting", 404, ".pcm, .wav, .mp3, .opus"),
        ("desk/.mp3", 404, ".pcm"),
        ("desk/greeting.mp3?language=ta-IN", 400, "allowed: en-IN"),
        ("desk/hello.mp3", 400, "allowed: en-IN, hi-IN"),
        ("desk/greeting.mp3?speaker=nobody", 400, "allowed: ritu"),
        ("desk/greeting.mp3?rate=11025", 400, "allowed: 8000, 16000, 22050, 24000"),
        ("desk/greeting.mp3?rate=8000.0", 400, "`rate`"),
        ("desk/greeting.mp3?take=2", 400, "allowed: 1 to 1"),
        ("desk/hold.mp3?take=0", 400, "allowed: 1 to 2"),
        ("desk/booked.mp3", 400, "allowed: Monday, Tuesday"),
        ("desk/booked.mp3?value.day=Sunday", 400, "allowed: Monday, Tuesday"),
        ("desk/greeting.mp3?lang=hi-IN", 400, "`lang`"),
        ("desk%2Fx/greeting.mp3", 404, "There are desk"),
        ("desk/..%2Fgreeting.mp3", 404, "There are greeting"),
    ],
)
async def test_what_is_not_there_is_told_with_what_is(
    start_proxy: StartProxy, books: Path, emulator: Emulator, path: str, status: int, told: str
) -> None:
    async with start_proxy(phrases={"directory": books, **NO_BUILDING}) as proxy:
        response, _ = await get(proxy.url, path)
        assert response.status == status
        assert told in await error(response)
        post, _ = await get(proxy.url, "desk/greeting.mp3", method="POST")
        assert post.status == 405
    assert emulator.counters.flushes == 0


async def test_a_process_that_must_go_takes_no_new_ones(
    start_proxy: StartProxy, books: Path, facts: list[Event]
) -> None:
    async with start_proxy(phrases={"directory": publish(books)}) as proxy:
        await made(facts)
        await proxy.doors.drain()
        for key in (None, KEY):
            response, _ = await get(proxy.url, "desk/greeting.mp3", key=key)
            assert response.status == 503
