from collections.abc import AsyncIterator

import aiohttp
import pytest

from edgeproxy import app
from edgeproxy.cli.bench.answers import ANSWERS, RATE, Answer, Feed
from edgeproxy.cli.bench.pipelines import Pipeline, Plan, Proxied, Today, chunks
from edgeproxy.cli.bench.wire import Ear
from edgeproxy.core.audio import duration_s
from edgeproxy.emulator.server import Emulator

ANSWER = next(answer for answer in ANSWERS if answer.name == "fracture surgery")


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def speak(pipeline: Pipeline, answer: Answer = ANSWER, *, token_s: float = 0.0) -> Ear:
    ear = Ear()
    async with pipeline.ready(answer) as turn:
        await turn(Feed(answer.text, token_s=token_s), ear)
    return ear


async def gathered(text: str, *, at_least: int, token_s: float = 0.0) -> list[str]:
    return [chunk async for chunk in chunks(Feed(text, token_s=token_s), at_least=at_least)]


async def test_chunks_end_at_the_first_space_past_the_threshold() -> None:
    assert await gathered("one two three four", at_least=5) == ["one two", "three", "four"]


async def test_chunks_do_not_depend_on_how_the_text_comes() -> None:
    at_once = await gathered(ANSWER.text, at_least=40)
    assert await gathered(ANSWER.text, at_least=40, token_s=1e-6) == at_once
    assert " ".join(at_once) == ANSWER.text


async def test_today_takes_a_connection_and_a_config_for_each_chunk_in_order(
    http: aiohttp.ClientSession, emulator: Emulator
) -> None:
    ear = await speak(Today(http, emulator.url))
    counters = emulator.counters
    expected = await gathered(ANSWER.text, at_least=150)
    assert list(counters.recent) == expected
    assert counters.handshakes == counters.configs == len(expected)
    assert duration_s(ear.pcm_bytes, RATE) > 5


async def test_the_plan_has_two_connections_and_a_config_on_each(
    http: aiohttp.ClientSession, emulator: Emulator
) -> None:
    ear = await speak(Plan(http, emulator.url))
    counters = emulator.counters
    assert sorted(counters.recent) == sorted(await gathered(ANSWER.text, at_least=40))
    assert counters.handshakes == counters.configs == 2
    assert duration_s(ear.pcm_bytes, RATE) > 5


async def test_a_proxy_is_given_the_whole_text_and_a_second_turn_is_heard_alike(
    http: aiohttp.ClientSession, proxy: app.Proxy, emulator: Emulator
) -> None:
    pipeline = Proxied(http, proxy.url)
    cold = await speak(pipeline)
    spoken = emulator.counters.utterances
    await proxy.flights.land(timeout_s=5)
    warm = await speak(pipeline)
    assert cold.pcm_bytes == warm.pcm_bytes > 0
    assert emulator.counters.utterances == spoken


async def test_every_pipeline_takes_text_as_a_language_model_gives_it(
    http: aiohttp.ClientSession, proxy: app.Proxy, emulator: Emulator
) -> None:
    for pipeline in (
        Today(http, emulator.url),
        Plan(http, emulator.url),
        Proxied(http, proxy.url),
    ):
        assert (await speak(pipeline, ANSWERS[0], token_s=0.001)).pcm_bytes
