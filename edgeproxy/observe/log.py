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
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import fields
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any, Final, Literal, TextIO

import orjson

from ..core import events
from ..core.events import Event, TurnEnded
from .later import Told

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

_NAMES: Final = {
    logging.DEBUG: "debug",
    logging.INFO: "info",
    logging.WARNING: "warning",
    logging.ERROR: "error",
}
_WOULD: Final = attrgetter("would")
_MOST_TAGS: Final = 8
_TAG_DIGITS: Final = 16


def tell(event: Event) -> None:
    """Write one fact. A listener for rooms."""
    hear([(event, datetime.now(UTC))])


def hear(told: Sequence[Told]) -> None:
    """Write facts, with the times at which they were told."""
    # Whoever uses us may have a log of its own.
    ours = next(iter(log.handlers), None)
    lines = ours if isinstance(ours, _Lines) and len(log.handlers) == 1 else None
    written = []
    for event, when in told:
        level = _level(event)
        if not log.isEnabledFor(level):
            continue
        if isinstance(event, TurnEnded):
            name, facts = "turn", _turn(event)
            if lines is not None and lines.with_texts:
                facts["text"] = " ".join(segment.text for segment in event.segments)
        else:
            name, facts = type(event).__name__, _plain(event)
        if lines is None:
            log.log(level, "%s", name, extra={"facts": facts})
        else:
            written.append(lines.form.fact(when, _NAMES[level], name, facts))
    if lines is not None and written:
        lines.write(written)


def _level(event: Event) -> int:
    match event:
        case TurnEnded(outcome="error") | events.JobEnded(ok=False) | events.AdminCalled(ok=False):
            return logging.WARNING
    return _LEVELS.get(type(event), logging.DEBUG)


def _plain(event: Event) -> dict[str, Any]:
    return {field.name: getattr(event, field.name) for field in fields(event)}


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 2)


def _turn(turn: TurnEnded) -> dict[str, Any]:
    segments = turn.segments
    facts: dict[str, Any] = {
        "request_id": turn.request_id,
        "namespace": turn.namespace,
        "door": turn.door,
        "codec": turn.codec,
        "outcome": turn.outcome,
        "verdicts": ",".join([segment.verdict for segment in segments]),
        "ttfb_ms": _ms(turn.ttfb_s),
        "ttfa_ms": _ms(turn.ttfa_s),
        "took_ms": _ms(turn.took_s),
        "characters": sum([segment.characters for segment in segments]),
        "pcm_bytes": sum([segment.pcm_bytes for segment in segments]),
        "tags": ",".join([segment.key[:_TAG_DIGITS] for segment in segments[:_MOST_TAGS]]),
    }
    if any(map(_WOULD, segments)):
        facts["would"] = ",".join(segment.would or "" for segment in segments)
    if turn.underruns:
        facts |= {"underruns": turn.underruns, "underrun_ms": _ms(turn.underrun_s)}
    if turn.tag:
        facts["tag"] = turn.tag
    if turn.reason:
        facts["reason"] = turn.reason
    return facts


def _quoted(text: str) -> str:
    """As it is, or as a JSON string where it might pass for more than one value."""
    printable = text.isprintable()
    if printable and not set(text) & set(' "'):
        return text
    return json.dumps(text, ensure_ascii=not printable)


class _Readable(logging.Formatter):
    def fact(self, when: datetime, level: str, name: str, facts: Mapping[str, Any]) -> str:
        pairs = [f"{key}={value}" for key, value in facts.items() if value is not None]
        said = " ".join(pairs)
        # Looked at as a whole, since each turn comes this way and next to none needs quotes.
        is_plain = said.isascii() and said.isprintable() and '"' not in said
        if not is_plain or said.count(" ") != len(pairs) - 1:
            said = " ".join(
                [
                    f"{key}={_quoted(str(value))}"
                    for key, value in facts.items()
                    if value is not None
                ]
            )
        return f"{when.isoformat(timespec='milliseconds')[11:23]} {level:7} {name} {said}".rstrip()

    def format(self, record: logging.LogRecord) -> str:
        message = record.getMessage()
        if not message.isprintable():
            message = json.dumps(message)
        when = datetime.fromtimestamp(record.created, UTC)
        line = self.fact(when, record.levelname.lower(), message, getattr(record, "facts", {}))
        if record.exc_info:
            # Indented, so that no line of an error's text passes for one of ours.
            line += "\n" + textwrap.indent(self.formatException(record.exc_info), "  ")
        return line


class _Json(logging.Formatter):
    def fact(self, when: datetime, level: str, name: str, facts: Mapping[str, Any]) -> str:
        line = {"time": when.isoformat(), "level": level, "event": name, **facts}
        try:
            said = orjson.dumps(line).decode()
        except TypeError:  # what a client has sent may be no UTF-8
            return json.dumps(line)
        # There are more line breaks than JSON's own.
        return said if said.isprintable() else json.dumps(line)

    def format(self, record: logging.LogRecord) -> str:
        facts = dict(getattr(record, "facts", {}))
        if record.exc_info:
            facts["exception"] = self.formatException(record.exc_info)
        when = datetime.fromtimestamp(record.created, UTC)
        return self.fact(when, record.levelname.lower(), record.getMessage(), facts)


class _Lines(logging.StreamHandler[TextIO]):
    """Writes records as every handler does; and facts without their becoming records, since each turn is
    one."""

    def __init__(self, stream: TextIO, form: _Readable | _Json, *, with_texts: bool) -> None:
        super().__init__(stream)
        self.setFormatter(form)
        self.form = form
        self.with_texts = with_texts
        """Whether the line of a turn has its text."""

    def write(self, lines: Sequence[str]) -> None:
        """In one go."""
        try:
            with self.lock or nullcontext():
                self.stream.write("\n".join((*lines, "")))
                self.flush()
        except (OSError, ValueError):
            # The log's own disk is full, or its reader gone: there is nobody to tell, and callers go on.
            return


def configure(*, format: Literal["readable", "json"], level: str, with_texts: bool = False) -> None:
    """Write the log to standard error from now on. ``with_texts``: also what callers are told."""
    form = _Json() if format == "json" else _Readable()
    log.handlers[:] = [_Lines(sys.stderr, form, with_texts=with_texts)]
    log.setLevel(level.upper())
    log.propagate = False
