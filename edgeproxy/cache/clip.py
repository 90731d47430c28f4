"""A clip: the audio of one segment, while it grows and after.

::

    GROWING ──complete()──► COMPLETE
       │ ▲ rewind(), while unheard
       └──┘──fail()───────► FAILED

One fill appends; any number of readers follow, each holding nothing but a position, so a slow reader
costs nobody anything and a late one begins at the beginning. FAILED is a state of its own: a short
clip must never look like a finished one. All methods are for the event loop's thread only.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from ..core.audio import duration_s


class State(StrEnum):
    """Where a clip is in its life."""

    GROWING = "growing"
    COMPLETE = "complete"
    FAILED = "failed"


class Source(StrEnum):
    """Where a clip's audio came from."""

    MEMORY = "memory"
    DISK = "disk"
    ORIGIN = "origin"


class ClipFailed(Exception):
    """Raised in each reader of a failed clip; ``__cause__`` is the fill's error."""


@dataclass(slots=True)
class Times:
    """When things happened to a clip's fill, on ``time.monotonic()``, in seconds; None: not (yet)."""

    opened: float | None = None
    leased: float | None = None
    sent: float | None = None
    first_byte: float | None = None
    first_pcm: float | None = None
    complete: float | None = None
    configured: bool = False
    """Whether this fill had to send a config."""
    attempts: int = 0


class Clip:
    """Growing PCM. Mutable state: ``chunks``, ``state``, ``error``, ``heard``, ``listeners``."""

    __slots__ = (
        "_changed",
        "chunks",
        "error",
        "heard",
        "key",
        "lead_s",
        "listeners",
        "made",
        "order",
        "rate",
        "ready",
        "ready_bytes",
        "size",
        "source",
        "stale",
        "state",
        "times",
        "would",
    )

    def __init__(self, *, rate: int, key: str = "") -> None:
        self.rate = rate
        self.key = key
        """Name of the record it is, or will be, kept as."""
        self.chunks: list[bytes] = []
        self.size = 0
        """Bytes of PCM so far."""
        self.state = State.GROWING
        self.error: BaseException | None = None
        self.heard = False
        """Whether a reader took bytes: from then on what was appended can't be taken back."""
        self.listeners = 0
        """Requests that still want it."""
        self.order = 0
        """The most urgent order in which anybody has asked for it; less is sooner."""
        self.source: Source | None = None
        self.stale = False
        """Whether it was past its freshness when it was served."""
        self.times = Times()
        self.ready: dict[Any, Any] = {}
        """Encoded forms kept with a complete clip, by (codec, bitrate): whoever encodes owns the shape."""
        self.ready_bytes = 0
        """What they weigh."""
        self.made: datetime | None = None
        """When a complete clip's audio was made; None while it is not known to be fit to keep."""
        self.lead_s: float | None = None
        """Seconds of silence in front, once somebody has measured it."""
        self.would: str | None = None
        """Where the cache is in its shadow: what it would have made of the request."""
        self._changed = asyncio.Event()

    def append(self, pcm: bytes) -> None:
        """Add PCM (whole samples) and wake the readers."""
        if self.state is not State.GROWING:
            raise RuntimeError(f"append to {self!r}")
        if len(pcm) % 2:
            raise ValueError(f"{len(pcm)} bytes are not whole samples")
        if pcm:
            self.chunks.append(pcm)
            self.size += len(pcm)
            self._announce()

    def complete(self) -> None:
        """Nothing more will come, and what came is whole."""
        self._end(State.COMPLETE, None)

    def fail(self, error: BaseException) -> None:
        """Nothing more will come, and what came is not whole. Readers raise ClipFailed."""
        self._end(State.FAILED, error)

    def rewind(self) -> None:
        """Forget what came, so that it can be filled again. Only while nobody heard any of it."""
        if self.heard or self.state is not State.GROWING:
            raise RuntimeError(f"rewind of {self!r}")
        self.chunks.clear()
        self.size = 0

    def _end(self, state: State, error: BaseException | None) -> None:
        if self.state is not State.GROWING:
            raise RuntimeError(f"end of {self!r}")
        self.state, self.error = state, error
        self._announce()

    def _announce(self) -> None:
        # A fresh event for the next change: no reader can miss one, and none need be reset.
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    def changed(self) -> asyncio.Event:
        """An event that is set at the next append or end. Take it *before* looking at the state."""
        return self._changed

    def failure(self) -> ClipFailed:
        """A fresh exception for one reader (sharing one instance would tangle tracebacks)."""
        failed = ClipFailed(f"{self.error or self!r}")
        failed.__cause__ = self.error
        return failed

    async def __aiter__(self) -> AsyncIterator[bytes]:
        position = 0
        while True:
            changed = self._changed
            while position < len(self.chunks):
                self.heard = True
                position += 1
                yield self.chunks[position - 1]
            if self.state is State.COMPLETE:
                return
            if self.state is State.FAILED:
                raise self.failure()
            await changed.wait()

    async def whole(self) -> bytes:
        """All of its PCM, once complete. Does not count as hearing: a second fill stays possible."""
        while self.state is State.GROWING:
            await self._changed.wait()
        if self.state is State.FAILED:
            raise self.failure()
        return self.pcm()

    def pcm(self) -> bytes:
        """What has come so far, as one piece."""
        return b"".join(self.chunks)

    def __repr__(self) -> str:
        return (
            f"<Clip {self.state} {duration_s(self.size, self.rate):.2f} s of {self.rate} Hz, "
            f"{self.listeners} listening{', heard' if self.heard else ''}>"
        )
