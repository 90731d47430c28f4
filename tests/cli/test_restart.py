"""A restart under load: what was committed is there again, and a drain cuts nobody off."""

import asyncio
import itertools
import json
import signal
from asyncio.subprocess import Process
from base64 import b64decode
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest

from edgeproxy.emulator.server import Emulator

from ..conftest import until
from ..fakes.origin import Origin
from ..wire import talk
from .conftest import Start

CALLERS = 8


@dataclass
class Load:
    """What callers heard of a process, and what it said of itself."""

    heard: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    """Record key -> text and audio of turns that were answered whole."""
    cut: list[str] = field(default_factory=list)
    """Texts whose answer broke off after some of it was heard."""
    kept: set[str] = field(default_factory=set)
    url: str = ""

    async def listen(self, process: Process) -> None:
        """Read the log to its end."""
        assert process.stderr is not None
        while line := await process.stderr.readline():
            said: dict[str, Any] = json.loads(line)
            if said["event"].startswith("listening on "):
                self.url = said["event"].split()[2].rstrip(",")
            elif said["event"] == "RecordKept":
                self.kept.add(said["key"])

    async def call(self, numbers: Iterator[int]) -> None:
        """Say one new text after the other for as long as somebody answers."""
        with suppress(aiohttp.ClientError, ConnectionError):
            async with talk(self.url) as client:
                for number in numbers:
                    text = f"यह वाक्य {number} है।"
                    await client.text(text)
                    await client.flush()
                    audio = b""
                    while True:
                        message = await client.socket.receive()
                        if message.type is not aiohttp.WSMsgType.TEXT:
                            if audio:
                                self.cut.append(text)
                            return
                        said = json.loads(message.data)
                        if said["type"] == "audio":
                            audio += b64decode(said["data"]["audio"])
                        else:
                            (segment,) = said["data"]["edgeproxy"]["segments"]
                            self.heard[segment["key"]] = text, audio
                            break


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL], ids=lambda end: end.name)
async def test_a_restart_under_load_loses_no_record_that_was_committed(
    start: Start, emulator: Emulator, end: signal.Signals
) -> None:
    def serve() -> Any:
        return start(
            "serve", "--port", "0", "--upstream", emulator.url, SARVAM_API_KEY="k",
            EDGEPROXY_CACHE__MIN_FREE_BYTES="0",
            EDGEPROXY_LOG__FORMAT="json", EDGEPROXY_LOG__LEVEL="debug",
        )  # fmt: skip

    load = Load()
    process = await serve()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(load.listen(process))
        await until(lambda: load.url != "", timeout_s=30)
        numbers = iter(range(100, 1000))
        for _ in range(CALLERS):
            tasks.create_task(load.call(numbers))
        await until(lambda: len(load.kept) >= 50, timeout_s=30)
        process.send_signal(end)
        assert await process.wait() == (0 if end is signal.SIGTERM else -signal.SIGKILL)
    assert next(numbers, None) is not None, "the load did not last until the end"
    committed = load.heard.keys() & load.kept
    assert len(committed) >= 40
    if end is signal.SIGTERM:
        assert load.cut == []
        assert load.heard.keys() == committed, "what was being filled has landed"

    again = Load()
    process = await serve()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(again.listen(process))
        await until(lambda: again.url != "", timeout_s=30)
        flushes = emulator.counters.flushes
        async with talk(again.url) as client:
            for key in itertools.islice(committed, 200):
                text, audio = load.heard[key]
                answer = await client.say(text)
                assert answer.verdicts == ["hit-disk"]
                assert answer.audio == audio
        assert emulator.counters.flushes == flushes
        process.terminate()
        await process.wait()


async def test_a_drain_says_so_at_once_and_finishes_what_it_began(start: Start) -> None:
    load = Load()
    key = {"api-subscription-key": "client-key"}
    async with (
        Origin() as origin,
        asyncio.TaskGroup() as tasks,
        aiohttp.ClientSession(headers=key) as session,
    ):
        process = await start(
            "serve", "--port", "0", "--upstream", origin.url, SARVAM_API_KEY="k",
            EDGEPROXY_ORIGIN__STALL_TIMEOUT_S="9", EDGEPROXY_LOG__FORMAT="json",
        )  # fmt: skip
        tasks.create_task(load.listen(process))
        await until(lambda: load.url != "", timeout_s=30)
        voice = {
            "target_language_code": "hi-IN",
            "speaker": "shubh",
            "text": "audio then wait then audio 300",
        }
        async with talk(load.url) as speaking, talk(load.url) as spent:
            await spent.say(" ")  # not expecting anything any more
            await speaking.text("audio then wait then audio 200")
            await speaking.flush()
            assert (await speaking.hear())["type"] == "audio"
            asking = tasks.create_task(session.post(f"{load.url}/text-to-speech", json=voice))
            await until(lambda: origin.waiting == 2)
            process.send_signal(signal.SIGTERM)
            assert await spent.closed() == 1012
            async with session.get(f"{load.url}/readyz") as response:
                assert response.status == 503
                assert (await response.json())["status"] == "draining"
            async with session.post(f"{load.url}/text-to-speech", json=voice) as response:
                assert response.status == 503
                assert int(response.headers["Retry-After"]) >= 1
                assert response.headers["Connection"] == "close"
                assert (await response.json())["error"]["message"] == "the proxy is shutting down"
            with pytest.raises(aiohttp.WSServerHandshakeError):
                async with talk(load.url):
                    pass
            origin.permit.set()
            answer = await speaking.answer()
            assert (answer.errors, bool(answer.audio)) == ([], True)
            assert (await asking).status == 200
            assert await speaking.closed() == 1012
        assert await process.wait() == 0
