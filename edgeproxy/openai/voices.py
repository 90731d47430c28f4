"""OpenAI's names of voices and models, and who speaks for them here.

An agent that names OpenAI's voices and models speaks as soon as its URL is changed: each name stands for a
speaker, all the models for our default. LiveKit's plugin says ``ash`` unless told otherwise, Pipecat's
``alloy`` and knows no other names than these. Whatever else is said is taken for a speaker of Sarvam's,
and whether there is one the origin decides, as everywhere.
"""

import re
from collections.abc import Mapping
from typing import Final

from ..sarvam.models import DEFAULT_MODEL

SPEAKERS: Final[Mapping[str, str]] = {
    "alloy": "ritu",
    "ash": "shubh",
    "ballad": "aditya",
    "cedar": "rohan",
    "coral": "priya",
    "echo": "rahul",
    "fable": "dev",
    "marin": "pooja",
    "nova": "neha",
    "onyx": "kabir",
    "sage": "ishita",
    "shimmer": "simran",
    "verse": "amit",
}
"""OpenAI's voices, and the speaker of `bulbul:v3` for each. No two are the same, so that an agent's
different people stay different."""

MODELS: Final = ("gpt-4o-mini-tts", "tts-1", "tts-1-hd")
"""OpenAI's models; as :data:`..sarvam.models.DEFAULT_MODEL`, like their dated versions."""
_THEIRS: Final = re.compile(rf"(?:{'|'.join(MODELS)})(?:-[0-9-]+)?")
_OURS: Final = "bulbul:"


def model_of(name: str) -> str | None:
    """Sarvam's model that ``name`` means; None for one of neither OpenAI's nor Sarvam's."""
    if name.startswith(_OURS):
        return name  # which of them there are, the origin knows
    return DEFAULT_MODEL if _THEIRS.fullmatch(name) else None


def parted(voice: str) -> tuple[str, str | None]:
    """``name`` or ``name@language``. Raises ValueError for anything else."""
    name, at, language = voice.partition("@")
    if not name.strip() or "@" in language or (at and not language.strip()):
        raise ValueError("`speaker` or `speaker@language`, as shubh@hi-IN")
    return name.strip(), language.strip() or None


class Voices:
    """Who is meant by a name. ``named``: what names mean here besides, or in place of, :data:`SPEAKERS`, as
    ``speaker`` or ``speaker@language``; ``language``: that of whom nobody says one."""

    def __init__(self, *, language: str, named: Mapping[str, str]) -> None:
        self._language = language
        self._named = {name: parted(voice) for name, voice in named.items()}

    def meant(self, voice: str) -> tuple[str, str]:
        """Speaker and language. Raises ValueError as :func:`parted`."""
        name, language = parted(voice)
        speaker, usual = self._named.get(name) or (SPEAKERS.get(name, name), None)
        return speaker, language or usual or self._language
