"""The README's example for LiveKit, as it stands there: a greeting in hand before anybody calls."""

import ast
import re
from pathlib import Path
from typing import Any

import aiohttp
from livekit import rtc
from livekit.agents import Agent, AgentSession
from livekit.agents.voice.io import AudioOutput, AudioOutputCapabilities

from edgeproxy.core.events import Event, PhraseGenerated
from edgeproxy.emulator.server import Emulator

from ..conftest import KEY, StartProxy, until
from ..wire import talk

README = Path(__file__).parents[2] / "README.md"
GREETING = "Good morning! How may I help you?"
BOOK = f"languages: [en-IN]\nvoice: {{speaker: ritu}}\nphrases:\n  greeting: {GREETING}\n"


class Speaker(AudioOutput):
    """Plays everything in no time."""

    def __init__(self) -> None:
        super().__init__(label="test", capabilities=AudioOutputCapabilities(pause=False))
        self.heard: list[rtc.AudioFrame] = []

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        await super().capture_frame(frame)
        self.heard.append(frame)

    def flush(self) -> None:
        super().flush()
        seconds = sum(frame.duration for frame in self.heard)
        self.on_playback_finished(playback_position=seconds, interrupted=False)

    def clear_buffer(self) -> None:
        raise AssertionError("nobody interrupts")


async def test_an_agent_says_a_phrase_that_it_has_in_hand(
    start_proxy: StartProxy, tmp_path: Path, facts: list[Event], emulator: Emulator
) -> None:
    books = tmp_path / "books"
    books.mkdir()
    (books / "front-desk.yaml").write_text(BOOK, encoding="utf-8")
    (example,) = re.findall(
        r"```python\n(# LiveKit, Python: the greeting .*?)```", README.read_text("utf-8"), re.DOTALL
    )
    speaker, session = Speaker(), AgentSession[Any]()
    session.output.audio = speaker
    async with (
        start_proxy(phrases={"directory": books}) as proxy,
        aiohttp.ClientSession() as http,
    ):
        await until(lambda: sum(isinstance(fact, PhraseGenerated) for fact in facts) == 2)
        spent = emulator.counters.flushes
        await session.start(Agent(instructions=""))
        code = compile(
            example.replace("http://edge:8080", proxy.url),
            str(README),
            "exec",
            flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT,
        )
        await eval(code, {"http": http, "session": session, "KEY": KEY})
        await session.aclose()
        async with talk(proxy.url) as client:
            await client.config(
                target_language_code="en-IN", speaker="ritu", speech_sample_rate=24000
            )
            pcm = (await client.say(GREETING)).audio
    assert {frame.sample_rate for frame in speaker.heard} == {24000}
    assert b"".join(bytes(frame.data) for frame in speaker.heard) == pcm
    assert emulator.counters.flushes == spent
