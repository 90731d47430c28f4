"""Faults drawn at random, one spell after another: the origin's, the link's, the operator's, and the end.

Each spell begins in fair weather and ends in it. What the origin spoils unnoticed is kept to the texts
that are marked for it.
"""

import asyncio
import random
import signal
from collections.abc import Awaitable, Callable
from typing import Final

from .house import House
from .ledger import Ledger
from .texts import SPOILT

# Most of them now and then, so that the proxy goes on asking; some so often that it should not.
_ORIGINS: Final = (
    "cut=0.1", "cut=0.1:after=0", "cut=0.1:after=2", "cut=0.6",
    "close=0.1", "close=0.1:code=1000", "close=0.6:after=0",
    "error=0.1", "error=0.1:code=429:count=2", "error=0.1:code=503:after=0", "error=0.5:after=0",
    "garbage=0.1", "missing_final=0.1", "empty=0.1", "odd=0.1",
    "stall=0.1:seconds=0.3", "stall=0.05:seconds=forever", "stall=0.05:seconds=forever:after=0",
    "slow=0.2:seconds=0.4", "slow=0.05:seconds=3",
    "refuse=0.3", "hang=0.1", "429=0.3:count=2", "500=0.3", "503=0.3", "1003=0.2:count=2",
    "black_hole=0.1",
)  # fmt: skip
_SPOILING: Final = ("short", "silence", "late_audio")


class Weather:
    """Makes the weather of a house. ``deadly``: whether the proxy may be ended and started again."""

    def __init__(self, house: House, ledger: Ledger, *, seed: int) -> None:
        self._house = house
        self._ledger = ledger
        self._chance = random.Random(f"weather of {seed}")
        self.deadly = True
        self.now = "fair"

    async def run(self) -> None:
        """Spell after spell, until cancelled; fair weather afterwards."""
        try:
            while True:
                await self._spell()
        finally:
            self.clear()

    def clear(self) -> None:
        """Fair weather."""
        self.now = "fair"
        self._house.link.restore()
        self._house.emulator.change_faults(_spoiling(self._chance))

    async def _spell(self) -> None:
        chance = self._chance
        spells: list[tuple[int, Callable[[], Awaitable[None]]]] = [
            (30, self._fair),
            (30, self._origin),
            (30, self._link),
            (4, self._sighup),
            (6, self._books),
        ]
        if self.deadly:
            spells += [(7, self._kill), (3, self._drain)]
        weights, makes = zip(*spells, strict=True)
        await chance.choices(makes, weights)[0]()
        self.clear()

    async def _fair(self) -> None:
        await asyncio.sleep(self._chance.uniform(0.5, 2.0))

    async def _origin(self) -> None:
        faults = self._chance.sample(_ORIGINS, self._chance.randint(1, 3))
        self.now = " ".join(faults)
        self._house.emulator.change_faults(",".join([*faults, _spoiling(self._chance)]))
        await asyncio.sleep(self._chance.uniform(0.5, 2.0))

    async def _link(self) -> None:
        link, chance = self._house.link, self._chance
        what = chance.choice(
            ("reset", "fin", "stall", "stall up", "stall down", "slow", "refuse", "down", "hole")
        )
        self.now = f"link {what}"
        self._ledger.faults[self.now] += 1
        match what:
            case "reset" | "fin":
                for _ in range(chance.randint(1, 5)):
                    link.cut(reset=what == "reset")
                    await asyncio.sleep(chance.uniform(0.05, 0.5))
            case "stall":
                link.stall()
            case "stall up" | "stall down":
                link.stall(up=what == "stall up", down=what == "stall down")
            case "slow":
                link.slow(
                    bytes_per_s=chance.choice((None, 150_000)), latency_s=chance.uniform(0, 0.1)
                )
            case "refuse":
                link.refuse()
            case "down":
                link.down_altogether()
            case "hole":
                link.black_hole()
                link.cut()
        await asyncio.sleep(chance.uniform(0.2, 1.2))

    async def _sighup(self) -> None:
        self._ledger.faults["SIGHUP"] += 1
        self._house.proxy.tell(signal.SIGHUP)
        await asyncio.sleep(0.2)

    async def _books(self) -> None:
        self._ledger.faults["books edited"] += 1
        self._house.edit_books(self._chance)
        await asyncio.sleep(0.2)

    async def _kill(self) -> None:
        self.now = "kill -9"
        self._ledger.faults[self.now] += 1
        await self._house.again(self._house.proxy.kill)

    async def _drain(self) -> None:
        self.now = "SIGTERM"
        self._ledger.faults[self.now] += 1
        await self._house.again(self._house.proxy.stop)


def _spoiling(chance: random.Random) -> str:
    return f"{chance.choice(_SPOILING)}=0.5:text={SPOILT}"
