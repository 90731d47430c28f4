"""YAML without meaning: a file's plain lists, mappings and texts, each with its place.

Read event by event instead of through a loader: nothing is built before its keys, depth and aliases have been
checked (libyaml's own composer takes the whole process down on deep nesting), scalars stay as they were
written, and every key keeps its place.
"""

import codecs
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NoReturn

import yaml

from .problem import BookErrors, Problem, Severity
from .written import Plain

FILE_BYTES: Final = 1_000_000
"""Largest book."""

_DEPTH: Final = 16
_KEY_CHARACTERS: Final = 200
_COPIED_NODES: Final = 20_000
"""So many values may come from aliases; a handful of lines can ask for billions."""

_NOTHING: Final = ("", "~", "null", "Null", "NULL")

# The C parser is 20 times as fast; wheels have it, a build from source may not.
_Loader: Final[Any] = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


class Source:
    """A file's content, still without meaning, that knows where everything stands."""

    def __init__(self, file: Path) -> None:
        """Read ``file``. Raises :class:`BookErrors` with the one mistake that makes it unreadable.

        ``problems``: what could be read past, a key that is there twice.
        """
        self.file = file
        self.content: Any = None
        self._places: dict[int, dict[str | int, tuple[int, int]]] = {}
        self.problems: list[Problem] = []
        text = self._decode(self._bytes())
        builder = _Builder(self, text)
        try:
            self.content = builder.build()
        except yaml.reader.ReaderError as error:
            before = text[: error.position] if isinstance(error.position, int) else ""
            line, column = before.count("\n"), len(before) - before.rfind("\n") - 1
            self._fail(f"{error.reason}; remove that character", line, column)
        except yaml.MarkedYAMLError as error:
            # What is never closed is found at the end of the file and began somewhere else.
            unclosed = "end of stream" in (error.problem or "") and error.context_mark
            mark = unclosed or error.problem_mark
            why = ", ".join(filter(None, (error.context, error.problem)))
            if not isinstance(error, _Refused):
                why += "; check the indentation, and put a text that holds `: ` or ` #` in quotes"
            line, column = (mark.line, mark.column) if mark else (0, 0)
            # What is indented goes with what was read last; else it belongs to no phrase. The mark
            # of an end that came too soon may stand on the line after the last.
            indented = "".join(text.split("\n")[line : line + 1]).startswith(" ")
            self._fail(why, line, column, builder.last if indented else ())

    def problem(
        self, path: Sequence[str | int], message: str, *, severity: Severity = "error"
    ) -> Problem:
        """A problem at ``path``, or at the nearest place above it that was written."""
        at, line, column = self.content, 1, 1
        for step in path:
            places = self._places.get(id(at), {})
            if step in places:
                line, column = places[step]
                at = at[step]
            # Else a step that only the model has: what stands for all languages, a text alone.
        return Problem(str(self.file), line, column, _phrase(path), message, severity)

    def place(self, container: Any, key: str | int, mark: Any) -> None:
        """Note where ``key`` of ``container`` stands."""
        self._places.setdefault(id(container), {})[key] = (mark.line + 1, mark.column + 1)

    def twice(self, container: Any, path: Sequence[str | int], mark: Any) -> None:
        """Note that the last of ``path`` stands in ``container`` a second time."""
        line, _ = self._places[id(container)][path[-1]]
        message = f"`{path[-1]}` is here twice, first in line {line}; rename or remove one of them"
        place = mark.line + 1, mark.column + 1
        self.problems.append(Problem(str(self.file), *place, _phrase(path), message))

    def _fail(
        self, message: str, line: int | None = None, column: int = 0, path: Sequence[str | int] = ()
    ) -> NoReturn:
        place = (0, 0) if line is None else (line + 1, column + 1)
        raise BookErrors([*self.problems, Problem(str(self.file), *place, _phrase(path), message)])

    def _bytes(self) -> bytes:
        try:
            with self.file.open("rb") as file:
                data = file.read(FILE_BYTES + 1)
        except OSError as error:
            self._fail(f"cannot be read: {error.strerror or error}")
        if len(data) > FILE_BYTES:
            self._fail(f"is larger than {FILE_BYTES} bytes; split it into several books")
        return data

    def _decode(self, data: bytes) -> str:
        if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            self._fail("is UTF-16, not UTF-8; save it as UTF-8", 0)
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            before = data[: error.start]
            line = before.count(b"\n")
            column = len(before[before.rfind(b"\n") + 1 :].decode(errors="replace"))
            byte = data[error.start]
            self._fail(f"is not UTF-8 (byte 0x{byte:02X}); save it as UTF-8", line, column)


class _Refused(yaml.MarkedYAMLError):
    """YAML that is well-formed, but more than a book may do."""


class _Builder:
    """Plain dicts, lists and strings from events. ``last``: the keys read last, from the top."""

    def __init__(self, source: Source, text: str) -> None:
        self._source = source
        self._events: Iterator[Any] = yaml.parse(text, Loader=_Loader)
        self._anchors: dict[str, tuple[Any, int] | None] = {}
        self._copied = 0
        self._path: list[str] = []
        self.last: tuple[str, ...] = ()

    def build(self) -> Any:
        content: Any = None
        documents = 0
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise _refused(
                        "has a second document (`---`); make it a file of its own", event
                    )
                content, _ = self._node(next(self._events), depth=0)
        return content

    def _node(self, event: Any, *, depth: int) -> tuple[Any, int]:
        """A value and how many nodes it is made of."""
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        if depth > _DEPTH:
            raise _refused(f"nests more than {_DEPTH} deep; a book needs four", event)
        if event.tag not in (None, "!"):
            raise _refused(f"has the tag `{event.tag}`; leave it out, a book needs none", event)
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        if isinstance(event, yaml.MappingStartEvent):
            node = self._mapping(depth)
        elif isinstance(event, yaml.SequenceStartEvent):
            node = self._sequence(depth)
        else:
            node = self._scalar(event), 1
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _mapping(self, depth: int) -> tuple[Any, int]:
        mapping: dict[str, Any] = {}
        size = 1
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key, _ = self._node(event, depth=depth + 1)
            if key is not None and not isinstance(key, str):
                raise _refused("has a key that is a list or mapping; a key is one word", event)
            if key is not None and len(key) > _KEY_CHARACTERS:
                raise _refused(f"has a key of {len(key)} characters; a key is one word", event)
            name = str(key or "")
            self._path.append(name)
            self.last = tuple(self._path)
            value, nodes = self._node(next(self._events), depth=depth + 1)
            if name in mapping:
                self._source.twice(mapping, self._path, event.start_mark)
            else:
                mapping[name] = value
                self._source.place(mapping, name, event.start_mark)
            self._path.pop()
            size += nodes
        return mapping, size

    def _sequence(self, depth: int) -> tuple[Any, int]:
        sequence: list[Any] = []
        size = 1
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            value, nodes = self._node(event, depth=depth + 1)
            self._source.place(sequence, len(sequence), event.start_mark)
            sequence.append(value)
            size += nodes
        return sequence, size

    def _scalar(self, event: Any) -> str | None:
        if not event.implicit[0]:
            return str(event.value)
        return None if event.value in _NOTHING else Plain(event.value)

    def _alias(self, event: Any) -> tuple[Any, int]:
        if event.anchor not in self._anchors:
            raise _refused(f"`*{event.anchor}` stands for nothing; define `&{event.anchor}`", event)
        node = self._anchors[event.anchor]
        if node is None:
            raise _refused(f"`*{event.anchor}` is inside itself; write the text out", event)
        self._copied += node[1]
        if self._copied > _COPIED_NODES:
            raise _refused("has aliases that explode; write out what they stand for", event)
        return node


def _phrase(path: Sequence[str | int]) -> str | None:
    return str(path[1]) if len(path) > 1 and path[0] == "phrases" else None


def _refused(message: str, event: Any) -> _Refused:
    return _Refused(None, None, message, event.start_mark)
