"""The access log: one line per turn, and the few facts an operator must see, readable or as JSON.

``warning``: a caller heard less than it should have, or will before long; ``error``: so will all of them, or
a bug; ``info``: what is done all day; ``debug``: what only a developer asks about.

No credential is ever in a fact, so none can be in a line. A text shows only as the tag that its key begins
with (``edgeproxy cache explain`` tells it), unless the settings say otherwise. Other words of a client's (a
model, a path) may be there: they can forge neither a line nor a fact.
"""

import json
import logging
import sys
import textwrap
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any, Final, Literal

from ..core import events
from ..core.events import Event, TurnEnded

log: Final = logging.getLogger("edgeproxy")

_LEVELS: Final[dict[type[Event], int]] = {
    events.DialFailed: logging.WARNING,
    events.BreakerMoved: logging.WARNING,
    events.BooksRefused: logging.WARNING,
    events.BooksReloaded: logging.INFO,
    events.PhraseRefused: logging.WARNING,
    events.Purged: logging.INFO,
    events.CeilingMoved: logging.WARNING,
    events.CodecChanged: logging.WARNING,
    events.FillRetried: logging.WARNING,
    events.RecordRefused: logging.WARNING,
    events.RecordCorrupt: logging.WARNING,
    events.StoreFailed: logging.ERROR,
    events.KeyProven: logging.INFO,
    events.TenantsRefused: logging.WARNING,
    events.TenantsReloaded: logging.INFO,
    events.NightEnded: logging.INFO,
    events.AdminCalled: logging.INFO,
    events.LimitMet: logging.INFO,
    events.PassedOn: logging.INFO,
    TurnEnded: logging.INFO,
}
"""What is not listed is debug."""

_MOST_TAGS: Final = 8
_TAG_DIGITS: Final = 16

_with_texts = False
"""Whether the line of a turn has its text."""


def tell(event: Event) -> None:
    """Write one fact. The listener that :mod:`edgeproxy.app` gives to every room."""
    level = _level(event)
    if log.isEnabledFor(level):
        facts = _turn(event) if isinstance(event, TurnEnded) else _plain(event)
        log.log(level, "%s", _name(event), extra={"facts": facts})


def _level(event: Event) -> int:
    match event:
        case TurnEnded(outcome="error") | events.JobEnded(ok=False) | events.AdminCalled(ok=False):
            return logging.WARNING
    return _LEVELS.get(type(event), logging.DEBUG)


def _name(event: Event) -> str:
    return "turn" if isinstance(event, TurnEnded) else type(event).__name__


def _plain(event: Event) -> dict[str, Any]:
    return {field.name: getattr(event, field.name) for field in fields(event)}


def _turn(turn: TurnEnded) -> dict[str, Any]:
    def ms(seconds: float | None) -> float | None:
        return None if seconds is None else round(seconds * 1000, 2)

    facts: dict[str, Any] = {
        "request_id": turn.request_id,
        "namespace": turn.namespace,
        "door": turn.door,
        "codec": turn.codec,
        "outcome": turn.outcome,
        "verdicts": ",".join(segment.verdict for segment in turn.segments),
        "ttfb_ms": ms(turn.ttfb_s),
        "ttfa_ms": ms(turn.ttfa_s),
        "took_ms": ms(turn.took_s),
        "characters": sum(segment.characters for segment in turn.segments),
        "pcm_bytes": sum(segment.pcm_bytes for segment in turn.segments),
        "tags": ",".join(segment.key[:_TAG_DIGITS] for segment in turn.segments[:_MOST_TAGS]),
    }
    if _with_texts:
        facts["text"] = " ".join(segment.text for segment in turn.segments)
    if any(segment.would for segment in turn.segments):
        facts["would"] = ",".join(segment.would or "" for segment in turn.segments)
    if turn.underruns:
        facts |= {"underruns": turn.underruns, "underrun_ms": ms(turn.underrun_s)}
    if turn.tag:
        facts["tag"] = turn.tag
    if turn.reason:
        facts["reason"] = turn.reason
    return facts


def _quoted(value: object) -> str:
    """As it is, or as a JSON string where it might pass for more than one value."""
    text = str(value)
    plain = text.isprintable() and not set(text) & set(' "')
    return text if plain else json.dumps(text)


class _Readable(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        when = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S.%f")[:-3]
        message = record.getMessage()
        if not message.isprintable():
            message = json.dumps(message)
        facts = getattr(record, "facts", {})
        said = " ".join(f"{name}={_quoted(v)}" for name, v in facts.items() if v is not None)
        line = f"{when} {record.levelname.lower():7} {message} {said}".rstrip()
        if record.exc_info:
            # Indented, so that no line of an error's text passes for one of ours.
            line += "\n" + textwrap.indent(self.formatException(record.exc_info), "  ")
        return line


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)


def configure(*, format: Literal["readable", "json"], level: str, with_texts: bool = False) -> None:
    """Write the log to standard error from now on. ``with_texts``: also what callers are told."""
    global _with_texts
    _with_texts = with_texts
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if format == "json" else _Readable())
    log.handlers[:] = [handler]
    log.setLevel(level.upper())
    log.propagate = False
