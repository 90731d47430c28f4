"""How often callers heard what the books say, by unit and day: ``phrases list`` shows it.

Counted as what was asked for, a generation's take at some rate; kept by the key of its unit.
"""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import orjson

from ..cache.counts import Counts, Form
from ..core.events import Emit, ignore
from ..core.key import Identity
from .pinned import scope_of, unit_key

_FORM: Final = 1

Hits = Counts[str]


def open_hits(
    directory: Path,
    *,
    most: int = 100_000,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    emit: Emit = ignore,
) -> Hits:
    """The counts that lie, or will lie, in ``directory``; ``most``: units counted a day."""
    return Counts(directory, FORM, most=most, now=now, emit=emit)


def _unit(identity: Identity) -> str | None:
    scope = scope_of(identity.teller.namespace)
    return None if scope is None else unit_key(identity.voice, identity.text, scope=scope)


def _packed(counts: Counter[str]) -> bytes:
    return orjson.dumps({"form": _FORM, "heard": counts})


def _unpacked(data: bytes) -> Counter[str]:
    found = orjson.loads(data)
    if found["form"] != _FORM:
        raise ValueError(f"form {found['form']}")
    return Counter({key: int(times) for key, times in found["heard"].items()})


FORM: Final = Form(_unit, _packed, _unpacked)
"""The keys of units."""
