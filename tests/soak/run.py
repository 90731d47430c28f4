"""The course of a soak: warm up, storms with deaths, a rest, storms without, a rest, and the books."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from time import monotonic

from ..fakes.truth import Truth
from .clients import KINDS, Client
from .house import House
from .judge import Judge
from .leaks import bugs, leaks, look_when_quiet
from .ledger import Ledger
from .texts import Texts
from .weather import Weather

Told = Callable[[Ledger, str], None]


async def soak(*, seconds: float, clients: int, seed: int, folder: Path, tell: Told) -> Ledger:
    """Soak a proxy for ``seconds`` with so many clients at once; ``tell`` is told how it goes."""
    ledger = Ledger()
    texts = Texts(seed=seed)
    judge = Judge(Truth(masters=(8000,)), ledger)
    began = monotonic()
    async with House(folder, texts=texts) as house:
        weather = Weather(house, ledger, seed=seed)

        @asynccontextmanager
        async def callers() -> AsyncIterator[None]:
            house.line.stopping = False
            made = [
                Client(
                    KINDS[number % len(KINDS)],
                    number,
                    seed=seed + house.line.deaths,
                    line=house.line,
                    texts=texts,
                    judge=judge,
                    ledger=ledger,
                )
                for number in range(clients)
            ]
            async with asyncio.TaskGroup() as group:
                for each in made:
                    group.create_task(each.run())
                yield
                house.line.stopping = True

        async def storm(until_s: float) -> None:
            making = asyncio.create_task(weather.run())
            try:
                while monotonic() - began < until_s and not making.done():
                    tell(ledger, weather.now)
                    await asyncio.sleep(0.5)
            finally:
                making.cancel()
                await asyncio.gather(making, return_exceptions=True)
            if not making.cancelled():
                making.result()
            if house.line.dying:  # the weather ended while it was being ended
                await house.again(house.proxy.kill)

        weather.clear()
        async with callers():
            await storm(seconds * 0.45)
            weather.deadly = False
            # What memory a proxy takes in the first minute it goes on taking: see it warm.
            await storm(seconds * 0.55)
        tell(ledger, "rest")
        before = await look_when_quiet(house.proxy, house.link)
        async with callers():
            await storm(seconds)
        tell(ledger, "rest")
        after = await look_when_quiet(house.proxy, house.link)
        ledger.leaks += leaks(before, after)
        code = await house.proxy.stop()
        if code:
            ledger.leaks.append(f"it ended with {code} when it was told to go, not with 0")
        found = bugs(house.log)
        ledger.bugs = len(found)
        ledger.findings.extend(f"bug: {line}" for line in found[:10])
        ledger.faults.update({f"origin {kind}": n for kind, n in house.emulator.struck.items()})
        ledger.figures = {
            "seconds": round(monotonic() - began),
            "starts": house.proxy.starts,
            "before": asdict(before),
            "after": asdict(after),
            "utterances": house.emulator.counters.utterances,
            "connections": house.link.connections,
        }
    return ledger


def new_folder() -> Path:
    """A folder for what the proxy keeps."""
    return Path(tempfile.mkdtemp(prefix="edgeproxy-soak-"))
