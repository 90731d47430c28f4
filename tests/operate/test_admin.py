"""The admin API on a running proxy: each thing an operator changes is seen by the next caller."""

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from edgeproxy.app import Proxy
from edgeproxy.core.events import AdminCalled, Event, NightEnded
from edgeproxy.emulator.server import Emulator

from ..conftest import HELLO_BOOK, StartProxy, landed, turns, until
from ..wire import talk
from .conftest import ADMIN, TOKEN, Operator

ONE = "पहला वाक्य यह है।"


async def verdicts(proxy: Proxy, *texts: str) -> list[str]:
    async with talk(proxy.url) as client:
        said = [(await client.say(text)).verdicts[0] for text in texts]
    await landed(proxy)
    return said


async def test_what_is_said_shows_in_the_state(
    operator: Operator, desk: Proxy, facts: list[Event]
) -> None:
    assert await verdicts(desk, ONE, ONE) == ["miss", "hit-memory"]
    await turns(facts, 2)
    state = await operator.look("state")
    assert [turn["verdict"] for turn in state["turns"]] == ["miss", "hit-memory"]
    assert state["first_audio"]["by_verdict"]["miss"]["turns"] == 1
    today = state["today"]
    assert (today["turns"], today["turns_from_cache"], today["characters"]) == (2, 1, 2 * len(ONE))
    assert today["characters_asked"] == len(ONE) + len("Hello there.")
    assert today["rupees_saved"] == round(len(ONE) * 0.003, 2)
    assert state["phrases"] == {"total": 1, "by_state": {"ready": 1}}
    assert (state["cache"], state["status"], state["problems"]) == ("on", "ready", [])
    assert state["origin"]["pools"][0]["breaker"] == "closed"
    assert state["store"]["pinned_records"] == 1
    later = await operator.look(f"state?after={state['seq']}")
    assert later["turns"] == []
    # The page of a process before this one knows more turns than there were.
    assert len((await operator.look("state?after=1000"))["turns"]) == 2


async def test_who_may_change_something_is_told_so(operator: Operator) -> None:
    assert not (await operator.look("state"))["may_change"]
    _, state = await operator.call("GET", "state")
    assert (state["may_change"], state["can_change"]) == (True, True)


async def test_a_purge_takes_it_back_at_once(operator: Operator, desk: Proxy) -> None:
    await verdicts(desk, ONE)
    done = await operator.do("purge", {"text": f"  {ONE} "})
    assert (done["records"], done["phrases"]) == (1, 0)
    assert done["says"].startswith("gone:")
    assert await verdicts(desk, ONE) == ["miss"]


async def test_a_purge_that_matches_nothing_says_so(operator: Operator, desk: Proxy) -> None:
    before = len(desk.store)
    done = await operator.do("purge", {"prefix": "nobody ever said this"})
    assert (done["records"], done["says"].partition(":")[0]) == (0, "nothing was there")
    assert len(desk.store) == before


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"soft": True},
        {"text": "a", "all": True},
        {"phrase": "desk/hello", "prefix": "a"},
        {"phrase": "desk/hello", "all": True},
        {"text": 7},
        {"voice": ["ritu"]},
        {"everything": True},
        {"prefix": ""},
        {"prefix": " \n"},
        {"text": " "},
        {"prefix": "", "namespace": "tenant-asha"},
    ],
)
async def test_a_purge_that_does_not_say_what_changes_nothing(
    operator: Operator, desk: Proxy, body: dict[str, Any]
) -> None:
    before = len(desk.store)
    assert await operator.refused("POST", "purge", body) == (400, "body")
    assert len(desk.store) == before


async def test_a_phrase_that_is_purged_is_made_anew(operator: Operator, desk: Proxy) -> None:
    (pinned,) = desk.generations
    assert pinned.spoken is not None
    done = await operator.do("purge", {"phrase": "desk/hello"})
    assert done["phrases"] == 1
    await until(
        lambda: [each.spoken for each in desk.generations] not in ([], [None], [pinned.spoken])
    )


async def test_an_unknown_phrase_is_told_with_what_was_meant(operator: Operator) -> None:
    status, found = await operator.call("POST", "purge", {"phrase": "desk/helo"})
    assert (status, found["error"]["code"]) == (404, "unknown")
    assert "did you mean desk/hello?" in found["error"]["message"]


async def test_switched_off_everything_is_asked_of_the_origin_and_nothing_is_kept(
    operator: Operator, desk: Proxy, emulator: Emulator
) -> None:
    assert await verdicts(desk, ONE) == ["miss"]
    kept, asked = len(desk.store), emulator.counters.flushes
    assert await operator.do("cache", {"cache": "off"}, "PUT") == {"cache": "off"}
    assert await verdicts(desk, ONE, ONE, "एक नया वाक्य।") == ["bypass"] * 3
    assert emulator.counters.flushes == asked + 3
    assert len(desk.store) == kept
    assert (await operator.look("state"))["cache"] == "off"
    await operator.do("cache", {"cache": "on"}, "PUT")
    assert await verdicts(desk, ONE) == ["hit-memory"]


async def test_in_its_shadow_it_is_told_what_would_have_been_a_hit(
    operator: Operator, desk: Proxy, emulator: Emulator, facts: list[Event]
) -> None:
    await operator.do("cache", {"cache": "shadow"}, "PUT")
    asked = emulator.counters.flushes
    assert await verdicts(desk, ONE) == ["bypass"]
    assert await verdicts(desk, ONE) == ["bypass"]
    assert emulator.counters.flushes == asked + 2
    ended = await turns(facts, 2)
    assert [turn.segments[0].would for turn in ended] == ["miss", "hit-memory"]
    state = await operator.look("state")
    assert [turn["would"] for turn in state["turns"]] == ["miss", "hit-memory"]
    assert (state["today"]["shadow_segments"], state["today"]["shadow_would"]) == (2, 1)


async def test_in_its_shadow_a_text_costs_what_it_would_have_cost(
    operator: Operator, desk: Proxy
) -> None:
    await operator.do("cache", {"cache": "shadow"}, "PUT")
    await verdicts(desk, ONE)
    await verdicts(desk, ONE, ONE)
    (text,) = (await operator.look("wanted"))["texts"]
    assert (text["asked"], text["characters"]) == (3, len(ONE))


async def test_a_switch_that_does_not_exist_moves_nothing(operator: Operator) -> None:
    assert await operator.refused("PUT", "cache", {"cache": "maybe"}) == (400, "body")
    assert (await operator.look("state"))["cache"] == "on"


async def test_books_are_read_again_and_a_mistake_is_told(
    operator: Operator, desk: Proxy, hello_book: Path
) -> None:
    assert (await operator.do("reload"))["phrases"] == 1
    (hello_book / "desk.yaml").write_text(HELLO_BOOK + "  hello: Twice.\n", encoding="utf-8")
    status, found = await operator.call("POST", "reload", {})
    assert (status, found["error"]["code"]) == (422, "books")
    assert "the books before speak on" in found["error"]["message"]
    assert len(desk.books.library) == 1


async def test_a_night_is_run_now_and_its_report_is_there(
    operator: Operator, desk: Proxy, facts: list[Event]
) -> None:
    assert (await operator.look("nights")) == {"nights": []}
    status, _ = await operator.call("POST", "night", {})
    assert status == 202
    await until(lambda: any(isinstance(fact, NightEnded) for fact in facts))
    await until(lambda: not desk.night.is_running)
    (night,) = (await operator.look("nights"))["nights"]
    assert night["report"]["failed"] == []
    assert night["text"].startswith("Night of")


async def test_a_report_that_can_not_be_read_hides_no_other(
    operator: Operator, desk: Proxy, tmp_path: Path
) -> None:
    reports = tmp_path / "data" / "reports"
    reports.mkdir(exist_ok=True)
    for name, written in (("01", b'{"book": null}'), ("02", b"{"), ("03", b'{"book": null}')):
        (reports / f"2026-01-{name}.json").write_bytes(written)
    for name, text in (("01", b"A page."), ("02", b"A page."), ("03", b"\xff")):
        (reports / f"2026-01-{name}.txt").write_bytes(text)
    # As if it were forgotten while somebody looks.
    (reports / "2026-01-04.json").symlink_to("nowhere")
    nights = {night["name"]: night for night in (await operator.look("nights"))["nights"]}
    assert nights["2026-01-01"] == {
        "name": "2026-01-01",
        "report": {"book": None},
        "text": "A page.",
    }
    for name in ("02", "03", "04"):
        assert nights[f"2026-01-{name}"]["text"].startswith("this report can't be read: ")


async def test_one_night_at_a_time_and_only_of_books_there_are(
    operator: Operator, desk: Proxy
) -> None:
    assert await operator.refused("POST", "night", {"book": "nobody"}) == (404, "unknown")
    async with desk.night._one_at_a_time:
        assert (await operator.look("state"))["night"]["running"]
        assert await operator.refused("POST", "night", {}) == (409, "busy")


async def test_of_those_who_ask_for_a_night_at_once_one_begins_it(
    operator: Operator, desk: Proxy
) -> None:
    answers = await asyncio.gather(*(operator.call("POST", "night", {}) for _ in range(5)))
    assert sorted(status for status, _ in answers) == [202, 409, 409, 409, 409]
    await until(lambda: not desk.night.is_running)


async def test_texts_that_are_wanted_come_as_yaml(operator: Operator, desk: Proxy) -> None:
    await verdicts(desk, ONE, ONE, ONE)
    wanted = await operator.look("wanted?days=1")
    (text,) = wanted["texts"]
    assert (text["text"], text["asked"], text["language"]) == (ONE, 3, "hi-IN")
    assert ONE in wanted["yaml"]
    assert (await operator.look("wanted"))["days"] == 7
    assert await operator.refused("GET", "wanted?days=0") == (400, "query")


async def test_a_drain_is_asked_for(operator: Operator, desk: Proxy) -> None:
    status, _ = await operator.call("POST", "drain", {})
    assert status == 202
    async with asyncio.timeout(5):
        await desk.told_to_go.wait()


CHANGES: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("POST", "purge", {"all": True}),
    ("POST", "reload", {}),
    ("POST", "night", {}),
    ("POST", "drain", {}),
    ("PUT", "cache", {"cache": "off"}),
)


@pytest.mark.parametrize(("method", "path", "body"), CHANGES)
@pytest.mark.parametrize("token", [None, "wrong"])
async def test_without_the_right_token_nothing_changes(
    operator: Operator, desk: Proxy, method: str, path: str, body: object, token: str | None
) -> None:
    before = len(desk.store)
    assert await operator.refused(method, path, body, token=token) == (401, "token")
    assert (len(desk.store), desk.told_to_go.is_set()) == (before, False)
    assert (desk.speech.mode, desk.night.is_running) == ("on", False)


@pytest.mark.parametrize("from_", [{"Origin": "http://evil.example"}, {"Host": "evil.example"}])
async def test_nor_by_a_page_of_another_site(
    operator: Operator, desk: Proxy, from_: dict[str, str]
) -> None:
    assert (await operator.refused("PUT", "cache", {"cache": "off"}, **from_))[0] == 403
    assert (await operator.refused("GET", "state", **from_))[0] == 403
    assert desk.speech.mode == "on"


async def test_each_change_is_told_and_no_token_with_it(
    operator: Operator, facts: list[Event]
) -> None:
    await operator.do("cache", {"cache": "off"}, "PUT")
    await operator.refused("PUT", "cache", {"cache": "on"}, token="guess-me")
    told = [fact for fact in facts if isinstance(fact, AdminCalled)]
    assert [(fact.action, fact.ok) for fact in told] == [
        ("PUT /admin/cache", True),
        ("PUT /admin/cache", False),
    ]
    assert TOKEN not in repr(facts)
    assert "guess-me" not in repr(facts)


async def test_without_a_token_set_looking_works_and_changing_says_what_to_set(
    start_proxy: StartProxy, http: aiohttp.ClientSession
) -> None:
    async with start_proxy() as proxy:
        operator = Operator(http, proxy.url)
        assert not (await operator.look("state"))["can_change"]
        status, found = await operator.call("PUT", "cache", {"cache": "off"}, token=None)
    assert status == 401
    assert "admin.token" in found["error"]["message"]


async def test_a_proxy_in_its_shadow_from_the_start(
    start_proxy: StartProxy, http: aiohttp.ClientSession
) -> None:
    async with start_proxy(admin=ADMIN, cache={"mode": "shadow"}) as proxy:
        assert await verdicts(proxy, ONE, ONE) == ["bypass", "bypass"]
        assert (await Operator(http, proxy.url).look("state"))["cache"] == "shadow"


async def test_why_a_text_is_no_hit_is_told_without_the_token(
    operator: Operator, desk: Proxy
) -> None:
    await verdicts(desk, ONE)
    asked = {"text": f"{ONE} Hello there.", "language": "hi-IN", "rate": 8000}
    status, found = await operator.call("POST", "explain", asked, token=None)
    assert status == 200
    hit, miss = found["segments"]
    assert (hit["verdict"], hit["record"]["kept"]) == ("hit-memory", "for now")
    assert (miss["verdict"], miss["phrase"]["name"]) == ("miss", "desk/hello")
    assert miss["phrase"]["differs"] == [
        {"field": "language", "asked": "hi-IN", "kept": "en-IN"},
        {"field": "speaker", "asked": "shubh", "kept": "ritu"},
    ]
    assert found["voice"]["rate"] == 8000
    for wrong in ({"rate": 11025}, {"language": None}, {"tenant": "acme"}, {"text": 1}):
        assert await operator.refused("POST", "explain", {**asked, **wrong}) == (400, "body")


async def test_all_calls_are_described(operator: Operator) -> None:
    described = await operator.look("openapi.json")
    for path in (
        "state",
        "pool",
        "phrases",
        "nights",
        "wanted",
        "explain",
        "purge",
        "reload",
        "night",
        "drain",
    ):
        assert f"/admin/{path}" in described["paths"]
    assert all("summary" in call for each in described["paths"].values() for call in each.values())
    assert (await operator.look("pool"))["pools"]
