"""Recordings of the books for who listens to them: played, and taken back when they sound wrong."""

import asyncio
from typing import Any

import pytest

from edgeproxy.app import Proxy
from edgeproxy.audio.wav import HEADER_BYTES

from ..conftest import until
from ..wire import talk
from .conftest import Operator

HELLO = "Hello there."
RITU = {"target_language_code": "en-IN", "speaker": "ritu"}


async def recording(operator: Operator) -> dict[str, Any]:
    """The one recording of the one phrase."""
    (phrase,) = (await operator.look("phrases"))["phrases"]
    (found,) = phrase["recordings"]
    assert isinstance(found, dict)
    return found


async def hear(desk: Proxy) -> bytes:
    async with talk(desk.url) as client:
        await client.config(**RITU)
        return (await client.say(HELLO)).audio


async def make_another(desk: Proxy, operator: Operator) -> None:
    """A second generation that is heard."""
    (before,) = desk.generations
    await operator.do("purge", {"phrase": "desk/hello", "soft": True})
    await operator.do("night")
    await until(lambda: any(each.speaks == 2 for each in desk.generations))
    assert before.speaks == 1


async def play(operator: Operator, key: str, query: str = "") -> bytes:
    url = f"{operator.url}/admin/phrases/{key}/audio{query}"
    async with operator.session.get(url) as answer:
        assert (answer.status, answer.content_type) == (200, "audio/wav")
        return await answer.read()


async def test_a_phrase_is_listed_as_it_stands(operator: Operator, desk: Proxy) -> None:
    await hear(desk)
    await hear(desk)
    (phrase,) = (await operator.look("phrases"))["phrases"]
    assert (phrase["name"], phrase["language"], phrase["speaker"]) == (
        "desk/hello",
        "en-IN",
        "ritu",
    )
    assert (phrase["state"], phrase["text"], phrase["hits"]) == ("ready", HELLO, 2)
    assert (phrase["heard"], phrase["wanted"], phrase["takes"]) == (1, 1, 1)
    assert phrase["seconds"] > 0.3
    assert 0 <= phrase["age_s"] < 60
    (found,) = phrase["recordings"]
    assert (found["speaks"], found["generations"], found["failed"]) == (1, [1], None)


async def test_what_is_played_is_what_callers_hear(operator: Operator, desk: Proxy) -> None:
    file = await play(operator, (await recording(operator))["key"])
    assert file[HEADER_BYTES:] == await hear(desk)


async def test_what_sounds_wrong_goes_back_a_generation_and_stays_there(
    operator: Operator, desk: Proxy
) -> None:
    first = await hear(desk)
    await make_another(desk, operator)
    key = (await recording(operator))["key"]
    assert (await operator.do(f"phrases/{key}/wrong"))["generation"] == 1
    found = await recording(operator)
    assert (found["state"], found["speaks"], found["held"]) == ("held", 1, True)
    assert await hear(desk) == first
    assert (await play(operator, key, "?generation=2"))[:4] == b"RIFF"
    assert (await operator.do(f"phrases/{key}/latest"))["generation"] == 2
    assert (await recording(operator))["state"] == "ready"


async def test_two_who_hear_the_same_take_back_that_one_alone(
    operator: Operator, desk: Proxy
) -> None:
    await make_another(desk, operator)
    found = await recording(operator)
    path, said = f"phrases/{found['key']}/wrong", {"made": found["made"]}
    answers = await asyncio.gather(*(operator.call("POST", path, said) for _ in range(5)))
    assert sorted(status for status, _ in answers) == [200, 409, 409, 409, 409]
    assert [each.speaks for each in desk.generations] == [1]
    assert await operator.refused("POST", path, {"made": "today"}) == (400, "body")
    # The only one that is left, made anew under the same number.
    said = {"made": (await recording(operator))["made"]}
    assert (await operator.do(path, said))["did"] == "purged"
    await until(lambda: any(each.speaks for each in desk.generations))
    assert await operator.refused("POST", path, said) == (409, "moved")


async def test_the_only_one_is_purged_and_made_anew(operator: Operator, desk: Proxy) -> None:
    (before,) = desk.generations
    key = (await recording(operator))["key"]
    assert (await operator.do(f"phrases/{key}/wrong"))["did"] == "purged"
    await until(
        lambda: any(
            each.spoken is not None and each.spoken != before.spoken for each in desk.generations
        )
    )
    assert await hear(desk)


@pytest.mark.parametrize("path", ["phrases/nobody/wrong", "phrases/nobody/latest"])
async def test_what_there_is_not_is_told(operator: Operator, path: str) -> None:
    assert await operator.refused("POST", path, {}) == (404, "unknown")
    assert await operator.refused("GET", "phrases/nobody/audio") == (404, "unknown")


async def test_a_generation_there_is_not_is_told_with_those_there_are(operator: Operator) -> None:
    key = (await recording(operator))["key"]
    status, found = await operator.call("GET", f"phrases/{key}/audio?generation=7")
    assert (status, found["error"]["message"]) == (
        404,
        "there is no generation 7 of it; there are: 1",
    )
    assert await operator.refused("GET", f"phrases/{key}/audio?generation=x") == (400, "query")


async def test_without_the_token_nothing_sounds_wrong(operator: Operator, desk: Proxy) -> None:
    key = (await recording(operator))["key"]
    assert await operator.refused("POST", f"phrases/{key}/wrong", {}, token=None) == (401, "token")
    assert [each.speaks for each in desk.generations] == [1]
