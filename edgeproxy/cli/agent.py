"""An agent's turns through LiveKit's own Sarvam plugin, as an agent would have them spoken.

Only the demo needs it, and only where the plugin is installed (the ``demo`` extra).
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from time import perf_counter

import aiohttp

from ..sarvam.handshake import REST_PATH, WS_PATHS, origin_url


@dataclass(frozen=True, slots=True)
class Line:
    """Something an agent says."""

    language: str
    speaker: str
    text: str


LINES = (
    Line("hi-IN", "shubh", "नमस्ते! आपका अपॉइंटमेंट कल सुबह साढ़े दस बजे है। क्या मैं इसे पक्का कर दूँ?"),
    Line("ta-IN", "priya", "வணக்கம்! உங்கள் மருத்துவர் இன்று மாலை கிடைப்பார். எந்த நேரம் வசதியாக இருக்கும்?"),
    Line("en-IN", "ritu", "Good morning! The clinic is open till eight today. How may I help you?"),
)


@dataclass(frozen=True, slots=True)
class Spoken:
    """How a line went. ``first_audio_s``: from the text to the plugin's first frame."""

    line: Line
    first_audio_s: float
    sound_s: float


async def speak_lines(url: str, *, key: str) -> AsyncIterator[Spoken]:
    """Speak every line through the proxy at ``url``; one agent, one TTS object a voice.

    Raises ImportError without the plugin, and the plugin's own errors.
    """
    from livekit.plugins import sarvam

    async with aiohttp.ClientSession() as session:
        for line in LINES:
            tts = sarvam.TTS(
                target_language_code=line.language,
                model="bulbul:v3",
                speaker=line.speaker,
                speech_sample_rate=24000,
                output_audio_codec="linear16",
                api_key=key,
                base_url=url + REST_PATH,
                ws_url=origin_url(url, WS_PATHS[0], websocket=True),
                http_session=session,
            )
            # An agent's plugin is connected long before there is something to say; a blank turn sees to it.
            async with tts.stream() as blank:
                blank.push_text(" ")
                blank.end_input()
                async for _ in blank:
                    pass
            async with tts.stream() as stream:
                began = perf_counter()
                stream.push_text(line.text)
                stream.end_input()
                first: float | None = None
                sound = 0.0
                async for heard in stream:
                    first = first or perf_counter() - began
                    sound += heard.frame.duration
            await tts.aclose()
            yield Spoken(line, first or 0.0, sound)
