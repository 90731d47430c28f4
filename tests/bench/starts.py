"""From the start of the process to ready, with ten thousand records on disk."""

import asyncio
import os
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

import aiohttp

from edgeproxy.cache.record import Record
from edgeproxy.cache.store import Store
from edgeproxy.cli.bench.origin import emulator
from edgeproxy.core.key import Teller
from edgeproxy.core.voice import Voice

from .client import VOICE
from .figures import Row
from .places import pid_of, proxy

_RECORDS = 10_000
_AT_A_TIME = 50
_STARTS = 5
_PCM = bytes(8_000)
"""Short ones: a start looks at names and rows, never into a record."""


async def starts() -> list[Row]:
    """``edgeproxy serve`` to ``/readyz``, without records and with ten thousand."""
    with TemporaryDirectory(prefix="edgeproxy-bench-") as folder:
        await _records(Path(folder))
        async with emulator("instant") as origin:
            empty, cpu_empty = zip(
                *[await _start(origin, None) for _ in range(_STARTS)], strict=True
            )
            full, cpu_full = zip(
                *[await _start(origin, folder) for _ in range(_STARTS)], strict=True
            )
    return [
        Row(
            f"start to ready with {_RECORDS:,} records on disk",
            f"{median(full):.2f} s",
            "≤ 1 s",
            median(full) <= 1.0,
            f"{_STARTS} starts, {min(full):.2f} to {max(full):.2f} s; without records {median(empty):.2f} s; "
            f"CPU {median(cpu_full):.2f} and {median(cpu_empty):.2f} s",
        )
    ]


async def _records(folder: Path) -> None:
    store = await Store.open(folder / "records", quota_bytes=10**10, min_free_bytes=0)
    teller = Teller(
        "shared",
        Voice({"model": "bulbul:v3", "language": "en-IN", "speaker": "ritu", "rate": 22050}),
    )

    async def keep(number: int) -> None:
        identity = teller.identity(f"Sentence {number}.")
        record = Record(identity.blob, VOICE["speech_sample_rate"], _PCM, datetime.now(UTC))
        await store.put(identity, record)

    for start in range(0, _RECORDS, _AT_A_TIME):
        await asyncio.gather(*(keep(number) for number in range(start, start + _AT_A_TIME)))
    await store.close()


async def _start(origin: str, data: str | None) -> tuple[float, float]:
    """Seconds to ready, and of CPU that they took."""
    began = perf_counter()
    rooms = {"cache": {"data_dir": data, "min_free_bytes": 0}} if data is not None else {}
    async with (
        proxy(origin, **rooms) as url,
        aiohttp.ClientSession() as http,
        http.get(f"{url}/readyz") as answer,
    ):
        took_s = perf_counter() - began
        cpu_s = sum(map(int, Path(f"/proc/{pid_of(url)}/stat").read_text().split()[13:15]))
        ready = await answer.json()
    assert answer.status == 200
    assert ready["records"] == (_RECORDS if data is not None else 0), ready
    return took_s, cpu_s / os.sysconf("SC_CLK_TCK")
