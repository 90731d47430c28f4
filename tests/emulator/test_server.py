import asyncio
import socket
import sys
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest
from sarvamai import AsyncSarvamAI
from sarvamai.environment import SarvamAIEnvironment

from edgeproxy.emulator import Emulator, run
from edgeproxy.emulator.speech import SpeechUnavailable

Starter = Callable[..., Any]


async def test_it_runs_inside_a_with(client: aiohttp.ClientSession) -> None:
    async with Emulator() as emulator:
        url = emulator.url
        assert emulator.ws_url == url.replace("http", "ws") + "/text-to-speech/ws"
        async with client.get(f"{url}/emulator/state") as answer:
            assert answer.status == 200
    with pytest.raises(aiohttp.ClientConnectionError):
        await client.get(f"{url}/emulator/state")
    with pytest.raises(RuntimeError, match="not running"):
        _ = emulator.url


async def test_it_can_go_and_come_back_on_its_port(emulate: Starter, dial: Starter) -> None:
    emulator = await emulate()
    port = int(emulator.url.rpartition(":")[2])
    caller = await dial(emulator)
    await caller.config()
    heard = await caller.turn("Hello.")
    async with asyncio.TaskGroup() as tasks:
        closed = tasks.create_task(caller.hear())
        await emulator.stop()
    assert closed.result() == 1001
    assert await emulator.start(port=port) == f"http://127.0.0.1:{port}"
    caller = await dial(emulator)
    await caller.config()
    assert await caller.turn("Hello.") == heard
    assert emulator.counters.connections == 2


async def test_a_port_that_is_taken_is_an_os_error() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(OSError, match="address already in use"),
    ):
        await Emulator().start(port=taken.getsockname()[1])


def test_bad_settings_are_refused_at_once() -> None:
    with pytest.raises(ValueError, match="'fast' is neither"):
        Emulator(latency="fast")
    with pytest.raises(ValueError, match="unknown fault 'rain'"):
        Emulator(faults="rain")


async def test_without_espeak_it_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    with pytest.raises(SpeechUnavailable, match=r"pip install 'edgeproxy\[emulator\]'"):
        await Emulator().start()


async def test_run_lasts_until_it_is_cancelled(client: aiohttp.ClientSession) -> None:
    urls: asyncio.Queue[str] = asyncio.Queue()
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(run(port=0, latency="instant", started=urls.put_nowait))
        url = await urls.get()
        async with client.get(f"{url}/emulator/state") as answer:
            assert answer.status == 200
        running.cancel()
    with pytest.raises(aiohttp.ClientConnectionError):
        await client.get(f"{url}/emulator/state")


async def test_many_sockets_at_once_hear_only_their_own(emulate: Starter, dial: Starter) -> None:
    emulator = await emulate()

    async def call(text: str) -> bytes:
        caller = await dial(emulator)
        await caller.config()
        audio: bytes = await caller.turn(text)
        return audio

    texts = [f"This is number {number}." for number in range(12)]
    alone = [await call(text) for text in texts]
    assert await asyncio.gather(*map(call, texts)) == alone
    assert len(set(alone)) == len(texts)


# The SDK imports names that the newest websockets has given up.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_sarvams_own_sdk_speaks_to_it(emulate: Starter) -> None:
    emulator = await emulate(keys={"sdk-key"})
    environment = SarvamAIEnvironment(
        base=emulator.url, creative=emulator.url, production=emulator.url.replace("http", "ws")
    )
    sarvam = AsyncSarvamAI(api_subscription_key="sdk-key", environment=environment)
    async with sarvam.text_to_speech_streaming.connect(
        model="bulbul:v3", send_completion_event="true"
    ) as connection:
        await connection.configure(target_language_code="hi-IN", speaker="shubh")
        await connection.convert("नमस्ते, आप कैसे हैं?")
        await connection.flush()
        kinds = []
        async for message in connection:
            kinds.append(message.type)
            if message.type == "event":
                break
    assert kinds.count("audio") >= 1
    assert kinds[-1] == "event"
