"""What is asked when somebody wants to know whether a text would be a hit, and what is answered.

Both are plain values: the answer is what ``edgeproxy cache explain --json`` and ``POST /admin/explain`` give.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Self

from ..core.voice import Voice
from ..phrases.nearest import Difference
from ..sarvam import fields, models, refusals
from ..sarvam.refusals import Json, Refused

NOBODY: Final = ""
"""The namespace of a client of whom it was not said who it is."""


class BadQuestion(ValueError):
    """The question can't be answered as it was put: the text names what is wrong, and what is allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A text as a client would send it, and its voice. ``tenant`` or ``namespace``: whose client it is; with
    neither, nobody's in particular."""

    text: str
    voice: Voice
    tenant: str | None = None
    namespace: str | None = None

    @classmethod
    def read(cls, given: Mapping[str, Json]) -> Self:
        """The question in ``given``: ``text``, ``tenant``, ``namespace``, and the fields of a client's
        config, also by the names they have in a voice. Raises :class:`BadQuestion`."""
        config: dict[str, Json] = {}
        for name, value in given.items():
            if name not in ("text", "tenant", "namespace"):
                wire_name = models.WIRE_NAMES.get(name, name)
                if config.setdefault(wire_name, value) != value:
                    raise BadQuestion(f"`{name}` is there by two names; keep one of them")
        try:
            voice = _voice(config)
            text = _text(given.get("text"), voice)
        except Refused as error:
            raise BadQuestion(str(error)) from None
        tenant, namespace = (_name(name, given.get(name)) for name in ("tenant", "namespace"))
        if tenant is not None and namespace is not None:
            raise BadQuestion(
                "both `tenant` and `namespace` say whose client asks; keep one of them"
            )
        return cls(text=text, voice=voice, tenant=tenant, namespace=namespace)


def _voice(config: Mapping[str, Json]) -> Voice:
    read = fields.read(config, rates=models.REST_RATES)
    fields.require(read, "language")
    voice = models.audible(read)
    models.check_ranges(voice["model"], read)
    if "speaker" not in voice:  # only of models we know do we know who speaks when nobody is named
        fields.require(read, "speaker")
    return Voice(voice)


def _text(text: Json, voice: Voice) -> str:
    if not isinstance(text, str):
        raise Refused(refusals.schema("text", text, allowed="a non-empty string"))
    if not text.strip():
        raise Refused(refusals.empty_text())
    if len(text) > (limit := models.text_limit(voice.model, door="ws")):
        raise Refused(refusals.text_too_long(len(text), limit=limit))
    return text


def _name(name: str, value: Json) -> str | None:
    if value is not None and not (isinstance(value, str) and value.isprintable() and value):
        raise BadQuestion(f"`{name}` is {refusals.shown(value)}; allowed: a name")
    return value


class Verdict(StrEnum):
    """What would become of a segment, the best first."""

    PAUSE = "pause"
    HIT_MEMORY = "hit-memory"
    HIT_DISK = "hit-disk"
    STALE = "stale"
    MISS = "miss"


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of a segment. ``kept``: ``for good`` or ``for now``."""

    key: str
    namespace: str
    made: datetime
    age_s: float
    seconds: float
    kept: str


@dataclass(frozen=True, slots=True)
class Near:
    """Another recording of the same text, and how it is not what was asked for."""

    key: str
    namespace: str
    made: datetime
    differs: tuple[Difference, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Almost:
    """The phrase that was probably meant. ``text`` is all of it. ``same``: what the segment and the phrase,
    or its nearest sentence, begin with alike; ``asked`` and ``written``: how each goes on. ``differs``: how
    its voice is not what was asked for."""

    name: str
    language: str
    speaker: str
    text: str
    same: str
    asked: str
    written: str
    differs: tuple[Difference, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One segment. ``key``: the name of its record; None where that depends on who asks, which was not said.
    ``book``: the phrase that says it, as ``book/id``."""

    text: str
    verdict: Verdict
    key: str | None
    identity: Mapping[str, Any]
    book: str | None
    record: Kept | None
    why: tuple[str, ...]
    near: tuple[Near, ...] = ()
    phrase: Almost | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """The whole text as given, the voice it is asked for in (canonical fields), and its segments."""

    text: str
    voice: Mapping[str, Any]
    segments: tuple[Segment, ...]
