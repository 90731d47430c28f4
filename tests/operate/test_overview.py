"""How things stand: each problem in words, and what is dear is looked at seldom."""

from pathlib import Path

from edgeproxy.app import Proxy
from edgeproxy.core.events import Event
from edgeproxy.emulator.server import Emulator

from ..conftest import HELLO_BOOK, StartProxy, until
from .conftest import ADMIN, Operator

VOICE = {"target_language_code": "hi-IN", "speaker": "shubh"}


async def test_a_dead_origin_is_a_problem_in_words(
    start_proxy: StartProxy, emulator: Emulator, http: object
) -> None:
    await emulator.stop()
    async with start_proxy(origin={"prewarm_voices": [VOICE]}) as proxy:
        await until(lambda: any(pool.problem is not None for pool in proxy.pools))
        state = await Operator(http, proxy.url).look("state")  # type: ignore[arg-type]
    assert state["status"] == "degraded"
    assert state["problems"][0].startswith("the origin: ")
    (pool,) = state["origin"]["pools"]
    assert (pool["model"], pool["idle"], pool["account"]) == ("bulbul:v3", 0, "own")
    assert pool["problem"] == state["origin"]["problem"]


async def test_books_with_a_mistake_are_a_problem_until_they_have_none(
    operator: Operator, desk: Proxy, hello_book: Path
) -> None:
    file = hello_book / "desk.yaml"
    file.write_text(HELLO_BOOK.replace("en-IN", "nowhere"), encoding="utf-8")
    await until(lambda: desk.books.problem is not None)
    (problem,) = (await operator.look("state"))["problems"]
    assert problem.startswith("the newest phrase books are not used: ")
    file.write_text(HELLO_BOOK, encoding="utf-8")
    await until(lambda: desk.books.problem is None)
    assert (await operator.look("state"))["problems"] == []


async def test_how_phrases_stand_is_known_at_once_after_a_change(
    operator: Operator, desk: Proxy
) -> None:
    assert (await operator.look("state"))["phrases"]["by_state"] == {"ready": 1}
    (pinned,) = desk.generations
    desk.generations.use(pinned.key, 1)
    # Not looked at again so soon …
    assert (await operator.look("state"))["phrases"]["by_state"] == {"ready": 1}
    # … unless something was changed here.
    await operator.do("reload")
    assert (await operator.look("state"))["phrases"]["by_state"] == {"held": 1}


async def test_when_the_next_night_is_stands_there(
    start_proxy: StartProxy, http: object, facts: list[Event]
) -> None:
    async with start_proxy(admin=ADMIN, phrases={"night": "0 0 1 1 *"}) as proxy:
        night = (await Operator(http, proxy.url).look("state"))["night"]  # type: ignore[arg-type]
    assert not night["running"]
    assert "-12-31T18:" in night["next"]  # midnight in India
