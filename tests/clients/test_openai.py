"""OpenAI's own SDK, and LiveKit's and Pipecat's services for it, with nothing changed but their
``base_url``."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path
from typing import Any

import openai as sdk
import pytest
from livekit.agents import APIConnectionError, APIConnectOptions, APIStatusError
from livekit.plugins import openai as plugin

from edgeproxy.app import Proxy
from edgeproxy.audio import wav
from edgeproxy.audio.decode import decode_whole
from edgeproxy.core.audio import SAMPLE_BYTES
from edgeproxy.core.events import Event
from edgeproxy.emulator.server import Emulator

from ..conftest import KEY, StartProxy, landed, proxy_mode, turns
from .conftest import Original, verdicts
from .foreign import Foreign, foreign
from .sound import lag, likeness

SENTENCES = ("नमस्ते, आप कैसे हैं?", "आपका अपॉइंटमेंट कल सुबह दस बजे है।", "क्या यह ठीक है?")
TEXT = " ".join(SENTENCES)
RATE = 24000
ASK: dict[str, Any] = {"model": "gpt-4o-mini-tts", "voice": "shubh@hi-IN", "input": TEXT}
FORMATS = ("mp3", "opus", "aac", "flac", "wav", "pcm")
ONCE = APIConnectOptions(max_retry=0)


# -- the SDK ---------------------------------------------------------------------------------------

Heard = tuple[bytes, str]
"""Audio, and what ``Cache-Status`` said of it."""
Say = Callable[..., Awaitable[Heard]]


def make(url: str, *, key: str = KEY, retries: int = 0) -> sdk.AsyncOpenAI:
    return sdk.AsyncOpenAI(api_key=key, base_url=f"{url}/v1", max_retries=retries)


async def say_async(url: str, **changes: Any) -> Heard:
    async with make(url) as client:
        said = await client.audio.speech.with_raw_response.create(**{**ASK, **changes})
        return said.content, said.headers["cache-status"]


async def say_streamed(url: str, **changes: Any) -> Heard:
    async with (
        make(url) as client,
        client.audio.speech.with_streaming_response.create(**{**ASK, **changes}) as said,
    ):
        pieces = [piece async for piece in said.iter_bytes()]
        return b"".join(pieces), said.headers["cache-status"]


async def say_sync(url: str, **changes: Any) -> Heard:
    def say() -> Heard:
        with sdk.OpenAI(api_key=KEY, base_url=f"{url}/v1", max_retries=0) as client:
            said = client.audio.speech.with_raw_response.create(**{**ASK, **changes})
            return said.content, said.headers["cache-status"]

    return await asyncio.to_thread(say)


async def say_sync_streamed(url: str, **changes: Any) -> Heard:
    def say() -> Heard:
        with (
            sdk.OpenAI(api_key=KEY, base_url=f"{url}/v1", max_retries=0) as client,
            client.audio.speech.with_streaming_response.create(**{**ASK, **changes}) as said,
        ):
            return b"".join(said.iter_bytes()), said.headers["cache-status"]

    return await asyncio.to_thread(say)


SAYS = pytest.mark.parametrize(
    "say",
    [
        pytest.param(each, id=each.__name__)
        for each in (say_async, say_streamed, say_sync, say_sync_streamed)
    ],
)


def assert_sounds(sound: bytes, heard: bytes, *, name: str) -> None:
    """That it is this sound, in this format: every sample, where none is lost in it."""
    match name:
        case "pcm":
            assert heard == sound
        case "wav":
            assert heard == wav.header(rate=RATE, size=None) + sound
        case "flac":
            assert decode_whole(heard) == (sound, RATE)
        case _:
            pcm, _ = decode_whole(heard, rate=RATE)
            late = lag(sound, pcm)
            assert likeness(sound, pcm, lag=late) > 0.98
            assert 0 <= (len(pcm) - len(sound)) // SAMPLE_BYTES - late <= 2 * 1152


@SAYS
@pytest.mark.parametrize("name", FORMATS)
async def test_the_sdk_hears_the_origin_and_the_second_time_it_is_a_hit(
    proxy: Proxy, emulator: Emulator, original: Original, say: Say, name: str
) -> None:
    sound = await original(*SENTENCES, rate=RATE)
    first, missed = await say(proxy.url, response_format=name)
    await landed(proxy)
    spent = emulator.counters.flushes
    second, hit = await say(proxy.url, response_format=name)
    for heard in (first, second):
        assert_sounds(sound, heard, name=name)
    assert missed.startswith("edgeproxy; fwd=uri-miss")
    assert hit.startswith("edgeproxy; hit")
    assert emulator.counters.flushes == spent == len(SENTENCES)


async def test_an_agent_that_only_knows_openais_names_speaks(
    proxy: Proxy, original: Original
) -> None:
    text = "How may I help you today?"
    sound = await original(text, rate=RATE, language="en-IN", speaker="ritu")
    for model in ("tts-1", "tts-1-hd", "gpt-4o-mini-tts", "gpt-4o-mini-tts-2025-12-15"):
        heard, _ = await say_async(
            proxy.url,
            model=model,
            voice="alloy",
            input=text,
            response_format="pcm",
            instructions="Speak cheerfully.",
        )
        assert heard == sound


async def test_the_sdk_lists_the_models_and_finds_each(proxy: Proxy) -> None:
    async with make(proxy.url) as client:
        models = [model async for model in client.models.list()]
        assert {"bulbul:v3", "tts-1"} <= {model.id for model in models}
        for model in models:
            assert await client.models.retrieve(model.id) == model
        with pytest.raises(sdk.NotFoundError, match="bulbul:v3"):
            await client.models.retrieve("whisper-1")


@pytest.mark.parametrize(
    ("changes", "error", "param"),
    [
        ({"voice": "nobody"}, sdk.BadRequestError, "voice"),
        ({"speed": 4.0}, sdk.BadRequestError, "speed"),
        ({"input": ""}, sdk.BadRequestError, "input"),
        ({"response_format": "ogg"}, sdk.BadRequestError, "response_format"),
        ({"model": "bulbul:v2"}, sdk.BadRequestError, "model"),
        ({"model": "gpt-4o"}, sdk.NotFoundError, "model"),
    ],
)
async def test_refusals_are_the_sdks_typed_errors(
    proxy: Proxy,
    emulator: Emulator,
    changes: dict[str, Any],
    error: type[sdk.APIStatusError],
    param: str,
) -> None:
    for say in (say_async, say_streamed, say_sync, say_sync_streamed):
        with pytest.raises(error) as caught:
            await say(proxy.url, **changes)
        assert caught.value.param == param
        assert caught.value.type == "invalid_request_error"
        assert caught.value.request_id
    assert emulator.counters.utterances == 0


async def test_a_wrong_key_is_the_sdks_authentication_error(
    start_proxy: StartProxy, emulator: Emulator, tmp_path: Path
) -> None:
    async with (
        start_proxy(auth=proxy_mode(tmp_path, one={"tokens": [KEY]})) as proxy,
        make(proxy.url, key="wrong") as client,
    ):
        with pytest.raises(sdk.AuthenticationError) as caught:
            await client.audio.speech.create(**ASK)
        assert caught.value.code == "invalid_api_key"
        with pytest.raises(sdk.AuthenticationError):
            await client.models.list()
        assert (await say_async(proxy.url))[0]
    assert emulator.counters.refusals == 0


@pytest.mark.parametrize("code", [429, 503])
async def test_an_overload_of_the_origins_is_tried_again_by_the_sdk(
    proxy: Proxy, emulator: Emulator, original: Original, code: int
) -> None:
    text, error = SENTENCES[0], sdk.RateLimitError if code == 429 else sdk.InternalServerError
    # The proxy itself asks twice, as long as nobody has heard anything.
    emulator.change_faults(f"error:code={code}:after=0:count=2")
    async with make(proxy.url) as impatient:
        with pytest.raises(error):
            await impatient.audio.speech.create(**{**ASK, "input": text})
    emulator.change_faults(f"error:code={code}:after=0:count=2")
    async with make(proxy.url, retries=2) as patient:
        said = await patient.audio.speech.create(**{**ASK, "input": text, "response_format": "pcm"})
    assert said.content == await original(text, rate=RATE)


@SAYS
async def test_an_origin_that_breaks_off_is_an_error_and_never_a_short_answer(
    proxy: Proxy, emulator: Emulator, original: Original, say: Say
) -> None:
    emulator.change_faults("cut:after=1")
    # What breaks while it is streamed the SDK passes on as its HTTP library has it.
    with pytest.raises(Exception, match=r"(?i)peer closed|incomplete|connection error"):
        await say(proxy.url, response_format="pcm")
    emulator.change_faults("")
    heard, _ = await say(proxy.url, response_format="pcm")
    assert heard == await original(*SENTENCES, rate=RATE)


async def test_what_a_request_wishes_of_the_cache_is_said_through_the_sdk(
    proxy: Proxy, emulator: Emulator
) -> None:
    with pytest.raises(sdk.InternalServerError) as unknown:
        await say_async(proxy.url, extra_headers={"x-edgeproxy-cache": "only"})
    assert unknown.value.status_code == 504
    assert emulator.counters.flushes == 0
    await say_async(proxy.url)
    await landed(proxy)
    spent = emulator.counters.flushes
    await say_async(proxy.url, extra_query={"cache": "only"})
    assert emulator.counters.flushes == spent
    await say_async(proxy.url, extra_headers={"Cache-Control": "no-store"})
    assert emulator.counters.flushes == 2 * spent
    with pytest.raises(sdk.BadRequestError, match="refresh"):
        await say_async(proxy.url, extra_query={"cache": "maybe"})


# -- LiveKit ---------------------------------------------------------------------------------------

Agent = Callable[..., plugin.TTS]


@pytest.fixture
async def agent() -> AsyncIterator[Agent]:
    """Makes TTS objects as agents have them, pointed at a proxy; closed after the test."""
    async with AsyncExitStack() as stack:

        def make(url: str, **options: Any) -> plugin.TTS:
            settings = {"voice": "shubh@hi-IN", "api_key": KEY, **options}
            tts = plugin.TTS(base_url=f"{url}/v1", **settings)
            stack.push_async_callback(tts.aclose)
            return tts

        yield make


async def hear(tts: plugin.TTS, text: str) -> bytes:
    return bytes((await tts.synthesize(text, conn_options=ONCE).collect()).data)


LATE = {"mp3": 529, "opus": -480, "aac": -1024, "flac": -576}
"""Samples that the sound is late by. The plugin's decoder loses the first packet, and two of AAC: of MP3 only
silence, of the others this much of the sound."""


def assert_exactly(sound: bytes, heard: bytes) -> None:
    """That every sample arrived; the framework may mark the end by 10 ms of silence of its own."""
    assert heard in (sound, sound + bytes(RATE // 100 * SAMPLE_BYTES))


@pytest.mark.parametrize("model", ["gpt-4o-mini-tts", "tts-1", "bulbul:v3"])
@pytest.mark.parametrize("name", FORMATS)
async def test_livekit_hears_the_origin_and_the_second_time_it_is_a_hit(
    proxy: Proxy,
    agent: Agent,
    emulator: Emulator,
    facts: list[Event],
    original: Original,
    model: str,
    name: str,
) -> None:
    # With gpt-4o-mini-tts the plugin asks for events, with tts-1 it does not.
    sound = await original(*SENTENCES, rate=RATE)
    tts = agent(proxy.url, model=model, response_format=name)
    for _ in range(2):
        heard = await hear(tts, TEXT)
        if name in ("wav", "pcm"):
            assert_exactly(sound, heard)
        else:
            late = lag(sound, heard)
            assert late == LATE[name]
            assert likeness(sound, heard, lag=late) > 0.98
        await landed(proxy)
    first, second = await turns(facts, 2)
    assert (verdicts(first), verdicts(second)) == (["miss"] * 3, ["hit-memory"] * 3)
    assert first.door == second.door == "openai"
    assert emulator.counters.flushes == len(SENTENCES)


async def test_livekit_as_it_comes_speaks_once_its_url_is_changed(
    proxy: Proxy, agent: Agent, original: Original
) -> None:
    text = "How may I help you today?"
    tts = plugin.TTS(base_url=f"{proxy.url}/v1", api_key=KEY)
    heard = await hear(tts, text)
    await tts.aclose()
    sound = await original(text, rate=RATE, language="en-IN", speaker="shubh")
    assert likeness(sound, heard, lag=lag(sound, heard)) > 0.98


async def test_livekit_is_told_of_refusals_by_their_status(
    start_proxy: StartProxy, agent: Agent, tmp_path: Path
) -> None:
    async with start_proxy(auth=proxy_mode(tmp_path, one={"tokens": [KEY]})) as proxy:
        for options, status in (
            ({"voice": "nobody"}, 400),
            ({"speed": 4.0}, 400),
            ({"api_key": "wrong"}, 401),
        ):
            with pytest.raises(APIStatusError) as caught:
                await hear(agent(proxy.url, **options), TEXT)
            assert caught.value.status_code == status
            assert not caught.value.retryable


@pytest.mark.parametrize("model", ["gpt-4o-mini-tts", "tts-1"])
async def test_livekit_takes_an_origin_that_breaks_off_for_an_error(
    proxy: Proxy, agent: Agent, emulator: Emulator, original: Original, model: str
) -> None:
    emulator.change_faults("cut:after=1")
    tts = agent(proxy.url, model=model, response_format="pcm")
    with pytest.raises(APIConnectionError):
        await hear(tts, TEXT)
    emulator.change_faults("")
    assert_exactly(await original(*SENTENCES, rate=RATE), await hear(tts, TEXT))


# -- Pipecat ---------------------------------------------------------------------------------------


def pipecat(url: str, **options: Any) -> AbstractAsyncContextManager[Foreign]:
    """Its service, whose voices are OpenAI's and no others."""
    return foreign("pipecat_speaks.py", url, rate=RATE, openai=True, **options)


async def test_pipecat_hears_the_origin_and_the_second_time_it_is_a_hit(
    start_proxy: StartProxy, emulator: Emulator, facts: list[Event], original: Original
) -> None:
    sound = await original(*SENTENCES, rate=RATE)
    async with (
        start_proxy(openai={"voices": {"alloy": "shubh@hi-IN"}}) as proxy,
        pipecat(proxy.url) as agent,
    ):
        for _ in range(2):
            heard = await agent.say(*(f"{word} " for word in TEXT.split()))
            assert heard.errors == ()
            assert heard.audio == sound
            await landed(proxy)
    # It asks for each sentence by itself.
    told = [verdicts(turn) for turn in await turns(facts, 6)]
    assert told == [["miss"]] * 3 + [["hit-memory"]] * 3
    assert emulator.counters.flushes == len(SENTENCES)


async def test_pipecat_as_it_comes_speaks_once_its_url_is_changed(
    proxy: Proxy, original: Original
) -> None:
    text = "How may I help you today?"
    async with pipecat(proxy.url) as agent:
        heard = await agent.say(text)
    assert heard.errors == ()
    assert heard.audio == await original(text, rate=RATE, language="en-IN", speaker="ritu")


async def test_after_a_barge_in_pipecat_hears_the_next_turn_and_nothing_of_the_old_one(
    proxy: Proxy, emulator: Emulator, original: Original
) -> None:
    emulator.change_faults("stall:seconds=forever:text=appointment")
    async with pipecat(proxy.url) as agent:
        await agent.interrupt("Good morning to you. Your appointment is at ten.")
        emulator.change_faults("")
        heard = await agent.say("How may I help you today?")
    assert heard.audio == await original(
        "How may I help you today?", rate=RATE, language="en-IN", speaker="ritu"
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [({"voice": {"model": "bulbul:v2"}}, "deprecated"), ({"voice": {"speed": 4.0}}, "0.5 to 2.0")],
)
async def test_pipecat_is_told_why_a_request_is_refused(
    proxy: Proxy, emulator: Emulator, options: dict[str, Any], said: str
) -> None:
    async with pipecat(proxy.url, **options) as agent:
        heard = await agent.say("Good morning to you.")
    assert heard.audio == b""
    assert said in " ".join(heard.errors)
    assert emulator.counters.utterances == 0
