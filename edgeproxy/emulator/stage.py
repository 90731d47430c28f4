"""What one emulator shares among all that speaks on it: its counters, its weather, its clock, its voice."""

import asyncio
import dataclasses
import math
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final

from .faults import Fault, Weather
from .knobs import Knobs
from .latency import Clock, Profile
from .speech import Speech

RECENT: Final = 1000
"""How many utterances the counters remember by their text."""


@dataclass(slots=True)
class Counters:
    """What has happened since the start, or since the last reset (which leaves ``open`` alone)."""

    connections: int = 0
    """Upgrades asked for, whatever became of them."""
    handshakes: int = 0
    """Upgrades granted."""
    open: int = 0
    """WebSockets open now."""
    configs: int = 0
    texts: int = 0
    """``text`` messages."""
    characters: int = 0
    """Characters of text taken in by every door: what Sarvam would charge for."""
    flushes: int = 0
    pings: int = 0
    """``ping`` messages."""
    utterances: int = 0
    """Texts synthesised: one for each time a buffer was taken, one for each REST or stream request."""
    finals: int = 0
    rest_calls: int = 0
    stream_calls: int = 0
    refusals: int = 0
    """Error answers and messages, and sockets over the limit."""
    recent: deque[str] = field(default_factory=lambda: deque(maxlen=RECENT))
    """The texts of the latest utterances, oldest first."""

    def spoken(self, text: str) -> int:
        """How many of the recent utterances were exactly this text."""
        return self.recent.count(text)

    def reset(self) -> None:
        """Count from zero; sockets that are open stay open and counted."""
        for counter in dataclasses.fields(self):
            if counter.name == "recent":
                self.recent.clear()
            elif counter.name != "open":
                setattr(self, counter.name, 0)

    def to_json(self) -> dict[str, Any]:
        """All of them, by name."""
        return {**dataclasses.asdict(self), "recent": list(self.recent)}


@dataclass(slots=True, kw_only=True)
class Stage:
    """What sessions and requests share."""

    profile: Profile
    weather: Weather
    knobs: Knobs
    clock: Clock
    speech: Speech
    seed: int
    idle_s: float
    counters: Counters = field(default_factory=Counters)
    stopped: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the emulator stops: the end of waiting for ever."""

    @property
    def v2_alive(self) -> bool:
        """Whether ``bulbul:v2`` speaks here."""
        alive = self.knobs.v2_alive
        return self.profile.v2_alive if alive is None else alive

    def reset(self) -> None:
        """Count from zero, in fair weather."""
        self.weather.change(())
        self.weather.struck.clear()
        self.counters.reset()

    async def until(self, due: float) -> None:
        """Wait for a moment of the clock's; not at all if it is past."""
        await self.clock.sleep(due - self.clock.now())

    async def stall(self, fault: Fault) -> float:
        """Be silent for as long as the fault says, for ever at most until the emulator stops.

        Returns how long that was to be, in seconds.
        """
        seconds = fault.seconds or 0.0
        if math.isinf(seconds):
            await self.stopped.wait()
            return 0.0
        await self.clock.sleep(seconds)
        return seconds
