"""What an origin's voice sounds like with no proxy in between, and what a proxy says of its turns."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from edgeproxy.core.events import TurnEnded
from edgeproxy.emulator.server import Emulator

from ..wire import talk

Original = Callable[..., Awaitable[bytes]]


def verdicts(turn: TurnEnded) -> list[str]:
    """What became of each segment."""
    return [segment.verdict for segment in turn.segments]


@pytest.fixture
async def original() -> AsyncIterator[Original]:
    """Gives the PCM of each of some texts, all together, as the emulator speaks them.

    It is a second emulator that is asked, of the same voices: the counters of the first tell what the
    proxy has cost.
    """
    async with Emulator() as emulator:

        async def speak(
            *texts: str,
            rate: int,
            language: str = "hi-IN",
            speaker: str = "shubh",
            model: str = "bulbul:v3",
        ) -> bytes:
            query = f"model={model}&send_completion_event=true"
            async with talk(emulator.url, query=query, configured=False) as direct:
                await direct.config(
                    target_language_code=language, speaker=speaker, speech_sample_rate=rate
                )
                return b"".join([(await direct.say(text)).audio for text in texts])

        yield speak
