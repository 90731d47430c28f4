"""Sarvam's own Python SDK for all of Sarvam's API, with one base URL changed."""

import json
from base64 import b64encode
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from sarvamai import AsyncSarvamAI
from sarvamai.core.api_error import ApiError
from sarvamai.errors import NotFoundError

from edgeproxy.app import Proxy
from edgeproxy.core.events import Event, PassedOn
from edgeproxy.emulator.server import Emulator

from ..conftest import StartProxy, landed, turns, until
from ..fakes.sarvam import Rest
from .conftest import verdicts
from .test_sarvamai import async_client, hear

# The SDK imports these names of websockets' lazily, while its clients are used.
pytestmark = [
    pytest.mark.filterwarnings(f"ignore:{message}:DeprecationWarning:{module}")
    for message, module in (
        ("websockets.exceptions.InvalidStatusCode is deprecated", "sarvamai.core.websocket_compat"),
        ("websockets.legacy is deprecated", "websockets.legacy"),
        ("websockets.WebSocketClientProtocol is deprecated", "sarvamai"),
        ("The `dict` method is deprecated", "sarvamai"),
    )
]

WORDS = {"hi-IN": {"AI": "ए आई"}}


@pytest.fixture
async def proxy(start_proxy: StartProxy, sarvam: Emulator) -> AsyncIterator[Proxy]:
    async with start_proxy(origin={"url": sarvam.url}) as proxy:
        yield proxy


@pytest.fixture
async def client(proxy: Proxy) -> AsyncIterator[AsyncSarvamAI]:
    async with httpx.AsyncClient() as http:
        yield async_client(proxy.url, http)


async def say(client: AsyncSarvamAI, text: str, **voice: Any) -> bytes:
    """One turn over the WebSocket."""
    async with client.text_to_speech_streaming.connect(
        model="bulbul:v3", send_completion_event="true"
    ) as socket:
        await socket.configure(
            target_language_code="hi-IN",
            speaker="shubh",
            speech_sample_rate=16000,
            output_audio_codec="linear16",
            **voice,
        )
        await socket.convert(text)
        await socket.flush()
        answer = await hear(socket)
        assert not answer.errors
        return answer.audio


async def test_one_client_hears_and_speaks(
    client: AsyncSarvamAI, rest: Rest, facts: list[Event]
) -> None:
    recording = b"RIFF" + bytes(100_000)
    heard = await client.speech_to_text.transcribe(file=("question.wav", recording, "audio/wav"))
    assert heard.transcript == "100004 bytes"

    async with client.speech_to_text_streaming.connect(
        language_code="hi-IN", flush_signal="true"
    ) as socket:
        for _ in range(3):
            await socket.transcribe(audio=b64encode(bytes(32_000)).decode())
        await socket.flush()
        said = await socket.recv()
        assert said.type == "data"
        assert said.data.transcript == "96000 bytes"

    assert await say(client, "आपका स्वागत है।")
    spoken = await client.text_to_speech.convert(
        text="आपका स्वागत है।", language_code="hi-IN", model="bulbul:v3"
    )
    assert spoken.audios

    await until(lambda: len([fact for fact in facts if isinstance(fact, PassedOn)]) == 2)
    assert {fact.path for fact in facts if isinstance(fact, PassedOn)} == {"/speech-to-text"}
    assert len(await turns(facts, 2)) == 2
    for got in rest.got:
        assert "client-key" not in got.written


async def test_it_translates(client: AsyncSarvamAI) -> None:
    told = await client.text.translate(
        input="abc", source_language_code="en-IN", target_language_code="hi-IN"
    )
    assert told.translated_text == "cba"


async def test_chat_is_heard_word_by_word(client: AsyncSarvamAI, rest: Rest) -> None:
    words: list[str | None] = []
    stream = client.chat.completions(
        model="sarvam-m", messages=[{"role": "user", "content": "one two three"}], stream=True
    )
    async for chunk in await stream if hasattr(stream, "__await__") else stream:
        words.append(chunk.choices[0].delta.content)
        # The second word is not said before the first has been heard.
        rest.permit.set()
    assert words == ["one", "two", "three"]


async def test_a_cloned_voice_speaks_over_its_own_websocket(client: AsyncSarvamAI) -> None:
    async with client.voice_cloning_streaming.connect(send_completion_event="true") as socket:
        await socket._send({"type": "audio", "data": {"audio": "", "content_type": "audio/wav"}})
        assert (await socket.recv()).type == "audio"


async def test_a_dictionary_is_made_listed_changed_and_removed_and_never_heard_as_it_was(
    client: AsyncSarvamAI, proxy: Proxy, facts: list[Event]
) -> None:
    book = ("words.json", json.dumps({"pronunciations": WORDS}).encode(), "application/json")
    made = await client.pronunciation_dictionary.create(file=book)
    dict_id = made.dictionary_id
    listed = await client.pronunciation_dictionary.list()
    assert dict_id in str(listed)

    for times in (1, 2):
        await say(client, "AI आया।", dict_id=dict_id)
        await landed(proxy)
        assert (verdicts((await turns(facts, times))[-1]) == ["miss"]) is (times == 1)
    changed = await client.pronunciation_dictionary.update(dict_id=dict_id, file=book)
    assert changed.dictionary_id == dict_id
    await say(client, "AI आया।", dict_id=dict_id)
    assert verdicts((await turns(facts, 3))[-1]) == ["miss"]
    await landed(proxy)

    assert (await client.pronunciation_dictionary.delete(dict_id=dict_id)).success
    with pytest.raises(NotFoundError):
        await client.pronunciation_dictionary.get(dict_id=dict_id)
    await say(client, "AI आया।", dict_id=dict_id)
    assert verdicts((await turns(facts, 4))[-1]) == ["miss"]


async def test_a_refusal_of_the_origins_is_the_sdks_own_error(
    start_proxy: StartProxy, sarvam: Emulator, rest: Rest
) -> None:
    async with (
        start_proxy(origin={"url": sarvam.url, "api_key": "stale-key"}) as proxy,
        httpx.AsyncClient() as http,
    ):
        client = async_client(proxy.url, http)
        with pytest.raises(ApiError) as caught:
            await client.text.translate(
                input="abc", source_language_code="en-IN", target_language_code="hi-IN"
            )
        assert caught.value.status_code == 403
        with pytest.raises(ApiError) as caught:
            async with client.speech_to_text_streaming.connect(language_code="hi-IN"):
                pass
        assert caught.value.status_code == 403
