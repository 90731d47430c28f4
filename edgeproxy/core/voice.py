"""A voice: everything audible besides the text, in one canonical form.

Two requests share a recording exactly when their voices are equal, so equality is that of the
canonical bytes, not of what the clients happened to write. Which fields are audible, and their
defaults, is Sarvam's business: :func:`edgeproxy.sarvam.models.audible` makes the mapping that is
frozen here.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

_REQUIRED: Final = ("model", "language", "speaker", "rate")


class Voice:
    """An immutable, hashable set of audible fields.

    ``fields`` holds at least ``model``, ``language``, ``speaker`` and ``rate`` (Hz); the rest as given,
    fields unknown to us included. Raises :class:`ValueError` when one of the four is missing.
    """

    __slots__ = ("_hash", "canonical", "fields", "language", "model", "rate", "speaker")

    def __init__(self, fields: Mapping[str, Any]) -> None:
        missing = [name for name in _REQUIRED if name not in fields]
        if missing:
            raise ValueError(f"a voice needs {', '.join(missing)}")
        self.fields: Final = dict(fields)
        self.model: Final[str] = fields["model"]
        self.language: Final[str] = fields["language"]
        self.speaker: Final[str] = fields["speaker"]
        self.rate: Final[int] = fields["rate"]
        # JSON keeps types apart ("1" and 1), quotes what needs quoting and, with its keys sorted,
        # writes equal mappings as equal bytes. It contains no raw line break (see core.key).
        self.canonical: Final = json.dumps(
            self.fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
        ).encode()
        self._hash = hash(self.canonical)

    def at_rate(self, rate: int) -> "Voice":
        """The same voice at another sample rate (Hz)."""
        return Voice({**self.fields, "rate": rate})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Voice) and self.canonical == other.canonical

    def __hash__(self) -> int:
        return self._hash

    def __repr__(self) -> str:
        return f"<Voice {self.speaker} {self.language} {self.model} {self.rate} Hz>"
