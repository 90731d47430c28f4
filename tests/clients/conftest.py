"""What an origin's voice sounds like with no proxy in between."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from edgeproxy.emulator.server import Emulator

from ..wire import talk

Original = Callable[..., Awaitable[bytes]]


@pytest.fixture
async def original() -> AsyncIterator[Original]:
    """Gives the PCM of each of some texts, all together, as the emulator speaks them.

    It is a second emulator that is asked, of the same voices: the counters of the first tell what the
    proxy has cost.
    """
    async with Emulator() as emulator:

        async def speak(
            *texts: str, rate: int, language: str = "hi-IN", speaker: str = "shubh"
        ) -> bytes:
            async with talk(emulator.url) as direct:
                await direct.config(
                    target_language_code=language, speaker=speaker, speech_sample_rate=rate
                )
                return b"".join([(await direct.say(text)).audio for text in texts])

        yield speak
