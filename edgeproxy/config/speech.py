"""The rooms about what is said: how text is cut, what is kept of it, phrase books, the log."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    Field,
    field_validator,
)

from .kinds import MEGABYTE, Room, parsed


class Turn(Room):
    """How text becomes segments. Changing a cut makes other segments, hence misses."""

    min_segment_chars: Annotated[int, Field(ge=1, le=50)] = 3
    """A shorter sentence joins the next."""
    clause_chars: Annotated[int, Field(ge=10, le=500)] = 60
    """From this length on, a clause mark ends a segment."""
    first_clause_chars: Annotated[int, Field(ge=5, le=500)] = 60
    """The same for the first segment of a turn; lower where an origin's first audio grows with length."""
    max_segment_chars: Annotated[int, Field(ge=20, le=2000)] = 200
    """No segment is longer."""
    parallel_segments: Annotated[int, Field(ge=1, le=16)] = 3
    """Segments of one turn that are filled at the same time."""
    hold_ms: Annotated[int, Field(ge=0, le=1000)] = 40
    """How long a text that may become a whole phrase waits for its next message."""
    idle_text_ms: Annotated[int, Field(ge=50, le=10_000)] = 300
    """A client that never flushes is spoken for after this long without text."""
    trim_leading_silence_ms: Annotated[int, Field(ge=0, le=2000)] = 0
    """Up to so much silence in front of a segment is left out when it is sent; records stay whole."""
    waiting_segments: Annotated[int, Field(ge=10, le=100_000)] = 1000
    """Segments one client may have waiting."""


class Cache(Room):
    """What has been said."""

    data_dir: Path = Path("data")
    """Records and the installation's secret live here, mode 0700."""
    mode: Literal["on", "off", "shadow"] = "on"
    """`off`: everything is asked of the origin; `shadow`: the same, and what the cache would have had is told
    and kept, to try it before trusting it. The console switches it while the proxy runs."""
    memory_bytes: Annotated[int, Field(ge=0)] = 128 * MEGABYTE
    """Hot clips with their messages ready for the wire."""
    quota_bytes: Annotated[int, Field(ge=0)] = 10_000 * MEGABYTE
    """What records that were kept automatically may take on disk; least recently used go first."""
    min_free_bytes: Annotated[int, Field(ge=0)] = 500 * MEGABYTE
    """With less free disk than this nothing more is written."""
    characters_kept: Annotated[int, Field(ge=1, le=2500)] = 200
    """Longer segments are spoken but not kept."""
    asks_until_kept: Annotated[int, Field(ge=1, le=1000)] = 1
    """A text is kept automatically once the origin was asked for it so often; 1: at first sight."""
    keep_personal: bool = False
    """Whether texts that look personal (four digits or more, addresses, spelled codes) are kept, too."""
    ttl_s: Annotated[float, Field(gt=0)] = 86_400.0
    """How long a record that was kept automatically is fresh."""
    stale_s: Annotated[float, Field(ge=0)] = 86_400.0
    """How long after that it is still served, while it is renewed in the background."""
    stale_if_error_s: Annotated[float, Field(ge=0)] = 432_000.0
    """And how long after that it is still served when the origin can't be had."""
    epochs: dict[str, Annotated[int, Field(ge=0)]] = {}  # noqa: RUF012  # pydantic copies it
    """By `model` or `model/speaker`: raising a number retires all that was kept of it. Never lower one."""
    discard_after_s: Annotated[float, Field(gt=0)] = 604_800.0
    """Records that were kept automatically are removed from the disk after this long, full or not."""

    @field_validator("epochs", mode="before")
    @classmethod
    def _from_environment(cls, epochs: object) -> object:
        return parsed(epochs, "a mapping") if isinstance(epochs, str) else epochs


class Phrases(Room):
    """Phrase books."""

    directory: Path | None = None
    """Folder of the books (`*.yaml`); their voices are warmed at start."""
    generations_kept: Annotated[int, Field(ge=1, le=100)] = 3
    """How many generations of each phrase are kept, to go back to."""
    characters_per_second: Annotated[float, Field(gt=0)] = 200.0
    """Pace at which phrases are asked of the origin."""
    characters_at_once: Annotated[int, Field(ge=0)] = 50_000
    """Budget for making new and changed phrases as soon as a book changes."""
    characters_per_night: Annotated[int, Field(ge=0)] = 200_000
    """Budget of a night."""
    night: str = "30 2 * * *"
    """When the night begins, as crontab writes it."""
    time_zone: str = "Asia/Kolkata"
    """Time zone of the night."""
    night_jitter_s: Annotated[float, Field(ge=0, le=7200)] = 600.0
    """By how much a night may begin later, so that regions don't all ask at once."""
    promote_top: Annotated[int, Field(ge=0, le=10_000)] = 50
    """Of the texts asked most often that were not known, so many are kept beyond the day."""


class Log(Room):
    """What is written to standard error."""

    format: Literal["readable", "json"] = "readable"
    """One line per turn, for people or for machines."""
    level: Literal["debug", "info", "warning", "error"] = "info"
    """Least level that is written."""
    texts: bool = False
    """Whether the line of a turn has its text. Without it a text shows only as its key."""
