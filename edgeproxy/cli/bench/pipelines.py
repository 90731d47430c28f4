"""The three ways from an answer's text to its sound: today's, the seed's plan, and through a proxy.

Each takes the text as it comes and gives decoded PCM, in order, to the caller's ear. What a pipeline may
have ready before there is text (a connection, say) it makes in :meth:`Pipeline.ready`, off the clock.
"""

import asyncio
import re
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Final, Protocol

import aiohttp

from ...audio import decode
from .answers import RATE, Answer, Feed
from .wire import Ear, Line, line

_TODAY_CHARS: Final = 150
_PLAN_CHARS: Final = 40
_PLAN_CONNECTIONS: Final = 2

_FFMPEG: Final = shutil.which("ffmpeg")
_DECODER_IN_PYTHON: Final = """
import os
from edgeproxy.audio.decode import decoder
mp3 = decoder("mp3", rate=%d)
while data := os.read(0, 65536):
    os.write(1, mp3.feed(data))
"""

DECODER_NAME: Final = "ffmpeg" if _FFMPEG else "Python with PyAV (there is no ffmpeg here)"
"""What a decoder process of :class:`Today` is on this machine."""


class Speak(Protocol):
    """One turn: takes the text from ``feed``, has it spoken, returns when the last PCM was heard."""

    async def __call__(self, feed: Feed, ear: Ear) -> None:
        """Raises TurnFailed."""


class Pipeline(Protocol):
    """A way of speaking."""

    def ready(self, answer: Answer) -> AbstractAsyncContextManager[Speak]:
        """What can be done before there is text; then the turn."""


class Today:
    """What agents do: text is gathered until there are 150 characters; for each such chunk a new
    connection, a config, MP3, and an FFmpeg process once there is something to decode; one after another.
    """

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self._http = http
        self._url = url

    @asynccontextmanager
    async def ready(self, answer: Answer) -> AsyncIterator[Speak]:
        """Nothing is ready."""

        async def speak(feed: Feed, ear: Ear) -> None:
            async for chunk in chunks(feed, at_least=_TODAY_CHARS):
                async with line(self._http, self._url) as connection:
                    await connection.configure(answer.voice, codec="mp3")
                    await connection.text(chunk)
                    await connection.flush()
                    await _through_a_process(connection.audio(), ear)

        yield speak


class Plan:
    """What the seed planned: chunks of 40 characters on two connections that are open and configured,
    two at a time, MP3, decoded in process, delivered in order."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self._http = http
        self._url = url

    @asynccontextmanager
    async def ready(self, answer: Answer) -> AsyncIterator[Speak]:
        """Two connections with the answer's voice."""
        async with AsyncExitStack() as stack:
            free: asyncio.Queue[Line] = asyncio.Queue()
            for _ in range(_PLAN_CONNECTIONS):
                connection = await stack.enter_async_context(line(self._http, self._url))
                await connection.configure(answer.voice, codec="mp3")
                free.put_nowait(connection)

            async def speak(feed: Feed, ear: Ear) -> None:
                parts: asyncio.Queue[_Part | None] = asyncio.Queue()
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(_deliver(parts, ear))
                    async for chunk in chunks(feed, at_least=_PLAN_CHARS):
                        part: _Part = asyncio.Queue()
                        parts.put_nowait(part)
                        tasks.create_task(_fill(part, chunk, await free.get(), free))
                    parts.put_nowait(None)

            yield speak


class Proxied:
    """Through edgeproxy, as LiveKit's plugin speaks to it: one connection that is kept, a config with
    each turn, the text as it comes, linear16. Cold or warm is the proxy's affair."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self._http = http
        self._url = url

    @asynccontextmanager
    async def ready(self, answer: Answer) -> AsyncIterator[Speak]:
        """The agent's connection, without a voice yet."""
        async with line(self._http, self._url) as connection:

            async def speak(feed: Feed, ear: Ear) -> None:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(_listen(connection, ear))
                    await connection.configure(answer.voice, codec="linear16")
                    async for piece in feed:
                        await connection.text(piece)
                    await connection.flush()

            yield speak


_Part = asyncio.Queue[bytes | None]
"""PCM of one chunk of the plan, then None."""


async def chunks(feed: Feed, *, at_least: int) -> AsyncIterator[str]:
    """Text gathered until there are ``at_least`` characters, cut at the first white space from there on."""
    enough = re.compile(rf"(?s).{{{at_least},}}?(?=\s)")
    pending = ""
    async for piece in feed:
        pending += piece
        while (cut := enough.match(pending)) is not None:
            yield cut[0]
            pending = pending[cut.end() :].lstrip()
    if pending.strip():
        yield pending


async def _fill(part: _Part, chunk: str, connection: Line, free: "asyncio.Queue[Line]") -> None:
    decoder = decode.decoder("mp3", rate=RATE)
    await connection.text(chunk)
    await connection.flush()
    async for mp3 in connection.audio():
        part.put_nowait(decoder.feed(mp3))
    free.put_nowait(connection)
    part.put_nowait(decoder.finish())
    part.put_nowait(None)


async def _deliver(parts: "asyncio.Queue[_Part | None]", ear: Ear) -> None:
    while (part := await parts.get()) is not None:
        while (pcm := await part.get()) is not None:
            ear.hear(pcm)


async def _listen(connection: Line, ear: Ear) -> None:
    async for pcm in connection.audio():
        ear.hear(pcm)


async def _through_a_process(audio: AsyncIterator[bytes], ear: Ear) -> None:
    """Decode in a process that is started when the first audio is there."""
    first = await anext(audio)
    process = await asyncio.create_subprocess_exec(
        *_decoder_command(), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    stdin, stdout = process.stdin, process.stdout
    assert stdin is not None
    assert stdout is not None

    async def listen() -> None:
        while pcm := await stdout.read(65536):
            ear.hear(pcm)

    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(listen())
            stdin.write(first)
            async for mp3 in audio:
                stdin.write(mp3)
                await stdin.drain()
            stdin.close()
    finally:
        if process.returncode is None and not stdout.at_eof():
            process.kill()
        await process.wait()


def _decoder_command() -> tuple[str, ...]:
    if _FFMPEG is None:
        return (sys.executable, "-c", _DECODER_IN_PYTHON % RATE)
    quiet = ("-loglevel", "error", "-nostdin")
    pcm = ("-f", "s16le", "-ar", str(RATE), "-ac", "1")
    return (_FFMPEG, *quiet, "-f", "mp3", "-i", "pipe:0", *pcm, "pipe:1")
