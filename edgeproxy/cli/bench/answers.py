"""What the bench has spoken: the six answers of the seed's clinic, and how an agent comes by their text.

The study this project grew from measured six real answers of a clinic's voice agent. Its texts are not
public, so these are ours, of the same kind and length, two in each of three languages. As agents are told
to speak, some begin with a word or two to show that they listen, and some go straight to the matter.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Final

from ...core.turn import Cuts, Turn
from ...sarvam.models import DEFAULT_MODEL

RATE: Final = 22050
"""Hz, in every pipeline: what LiveKit's plugin asks for."""

TOKEN_S: Final = 0.04
"""Between two tokens: 25 in a second, about what the language models of voice agents stream."""

_TOKEN: Final = re.compile(r"\s*\S{1,4}")
"""Up to four characters of a word, with the space before it, as a language model's tokens come."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One turn of the agent."""

    name: str
    language: str
    speaker: str
    text: str

    @property
    def voice(self) -> dict[str, Any]:
        """Its voice, as fields of Sarvam's config."""
        return {
            "target_language_code": self.language,
            "speaker": self.speaker,
            "model": DEFAULT_MODEL,
            "speech_sample_rate": RATE,
        }


ANSWERS: Final = (
    Answer(
        "greeting",
        "hi-IN",
        "shubh",
        "नमस्ते! मैं क्लिनिक से बोल रहा हूँ, बताइए क्या मदद करूँ?",
    ),
    Answer(
        "fracture surgery",
        "en-IN",
        "ritu",
        "Yes, we do that here. Our senior orthopaedic team operates, most patients go home after two "
        "days, and the plaster stays on for about six weeks. Shall I book a consultation with Dr. Rao "
        "for you this week?",
    ),
    Answer(
        "hand fracture",
        "ta-IN",
        "priya",
        "கை எலும்பு முறிவுக்கு முதலில் எக்ஸ்ரே எடுத்துப் பார்ப்போம். எலும்பு நகராமல் இருந்தால் மாவுக்கட்டு போதும், "
        "அறுவை சிகிச்சை தேவைப்படாது. இன்று மாலை மருத்துவரைச் சந்திக்க நேரம் ஒதுக்கட்டுமா?",
    ),
    Answer(
        "stress fracture",
        "hi-IN",
        "shubh",
        "जी, मैं समझ गया। स्ट्रेस फ्रैक्चर हड्डी में आई एक बारीक दरार होती है। ज़्यादातर मरीज़ छह से आठ हफ़्तों के आराम से ठीक हो "
        "जाते हैं, और ऑपरेशन की ज़रूरत कम ही पड़ती है। क्या मैं कल सुबह डॉ. शर्मा के साथ आपका समय तय कर दूँ?",
    ),
    Answer(
        "sports injuries",
        "en-IN",
        "ritu",
        "For sports injuries a doctor and a physiotherapist see you together. Please bring earlier "
        "scans if you have any, and do not put weight on the leg until you have been examined. We "
        "are open from nine in the morning to eight in the evening; which time would suit you?",
    ),
    Answer(
        "goodbye",
        "ta-IN",
        "priya",
        "அழைத்ததற்கு நன்றி! விரைவில் நலம் பெற வாழ்த்துகள்.",
    ),
)


def tokens(text: str) -> list[str]:
    """``text`` as a language model would stream it; joined, it is ``text`` again."""
    return _TOKEN.findall(text)


class Feed:
    """The text of an answer on its way to a pipeline. The clock of the turn starts with its first piece.

    ``token_s``: between two tokens, kept on the clock however slow the pipeline; 0 is all at once.
    """

    def __init__(self, text: str, *, token_s: float) -> None:
        self._pieces = tokens(text) if token_s else [text]
        self._token_s = token_s
        self.began = perf_counter()

    async def __aiter__(self) -> AsyncIterator[str]:
        self.began = perf_counter()
        for number, piece in enumerate(self._pieces):
            await asyncio.sleep(self.began + number * self._token_s - perf_counter())
            yield piece


def first_words_s(text: str, *, token_s: float, cuts: Cuts) -> float:
    """How long the text takes to arrive until its first segment can be cut: no proxy can be sooner."""
    turn = Turn(cuts)
    pieces = tokens(text) if token_s else [text]
    for number, piece in enumerate(pieces):
        if turn.feed(piece):
            return number * token_s
    return (len(pieces) - 1) * token_s
