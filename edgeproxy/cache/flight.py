"""Flights: at most one fill per identity, whoever asks and however often.

The fill is a task of the flight table, not of the client that began it: it goes on when that one
leaves, because the origin has been paid. Only a fill that nobody waits for *and* that has not yet
spoken to the origin is called off.

Mutable state: the table ``identity -> flight`` of those that can be joined, and all that are up. Both are
only touched without an await in between, so two
equal requests can never both miss, and the flight is closed only after its fill (store included)
has returned, so no request finds the audio in neither place.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

from ..core.errors import EdgeProxyError
from ..core.key import Identity
from .clip import Clip, State

log: Final = logging.getLogger(__name__)

Fill = Callable[[Clip], Awaitable[None]]
"""Fills a clip: appends to it and completes it, then stores it; raises if it can't."""


@dataclass(slots=True)
class _Flight:
    clip: Clip
    task: asyncio.Task[None] = field(init=False)


class Flights:
    """The fills that are up."""

    def __init__(self) -> None:
        self._flights: dict[Identity, _Flight] = {}
        self._up: dict[Clip, _Flight] = {}
        """All that are up, those that nobody can join any more, too."""
        self._landed = asyncio.Event()
        self._landed.set()

    def __len__(self) -> int:
        return len(self._up)

    def join(self, identity: Identity, fill: Fill) -> tuple[Clip, bool]:
        """The clip for ``identity`` and whether somebody was already filling it.

        The caller listens from now on: :meth:`leave` when it no longer does.
        """
        if (flight := self._flights.get(identity)) is not None:
            flight.clip.listeners += 1
            return flight.clip, True
        flight = self._flights[identity] = self._open(identity, fill)
        return flight.clip, False

    def alone(self, identity: Identity, fill: Fill) -> Clip:
        """A clip for one caller only, which nobody joins. It listens as with :meth:`join`."""
        return self._open(identity, fill).clip

    def start(self, identity: Identity, fill: Fill) -> Clip | None:
        """Begin a fill that nobody waits for and that goes on for its own sake; None: one is up already."""
        if identity in self._flights:
            return None
        # The house itself listens, and never leaves.
        flight = self._flights[identity] = self._open(identity, fill)
        return flight.clip

    def purge(self, covers: Callable[[Identity], bool]) -> int:
        """Let nobody join those that ``covers`` says any more; who listens already hears them to the end.
        How many those were."""
        covered = [identity for identity in self._flights if covers(identity)]
        for identity in covered:
            del self._flights[identity]
        return len(covered)

    def _open(self, identity: Identity, fill: Fill) -> _Flight:
        clip = Clip(rate=identity.voice.rate, key=identity.key)
        clip.times.opened = monotonic()
        clip.listeners = 1
        flight = _Flight(clip)
        flight.task = asyncio.create_task(
            self._fly(identity, flight, fill), name=f"fill {clip.key[:16]}"
        )
        self._up[clip] = flight
        self._landed.clear()
        flight.task.add_done_callback(lambda _: self._land(clip))
        return flight

    def leave(self, identity: Identity, clip: Clip) -> None:
        """One listener less. A fill nobody waits for is called off if nothing was spoken yet."""
        clip.listeners -= 1
        flight = self._up.get(clip)
        if (
            flight is not None
            and clip.state is State.GROWING
            and not clip.listeners
            and clip.times.sent is None
        ):
            # Out of the table at once: whoever asks next begins anew instead of joining a dying fill.
            self._close(identity, flight)
            flight.task.cancel()

    async def land(self, *, timeout_s: float) -> int:
        """Wait until no fill is up; cancel those that are after ``timeout_s``. Returns how many."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._landed.wait()
        except TimeoutError:
            late = [flight.task for flight in self._up.values()]
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
            return len(late)
        return 0

    async def _fly(self, identity: Identity, flight: _Flight, fill: Fill) -> None:
        clip = flight.clip
        try:
            await fill(clip)
            if clip.state is State.GROWING:
                raise RuntimeError("the fill returned without completing its clip")
        except BaseException as error:
            # Also CancelledError: readers must hear that it broke off, not that it ended.
            if clip.state is State.GROWING:
                clip.fail(error)
            if not isinstance(error, Exception):
                raise
            if not isinstance(error, EdgeProxyError):
                log.exception("a fill failed by a bug")
        finally:
            self._close(identity, flight)

    def _close(self, identity: Identity, flight: _Flight) -> None:
        # Only our own entry: after a purge or a leave, the identity may be flying anew.
        if self._flights.get(identity) is flight:
            del self._flights[identity]

    def _land(self, clip: Clip) -> None:
        del self._up[clip]
        if not self._up:
            self._landed.set()
