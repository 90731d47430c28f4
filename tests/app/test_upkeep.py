"""What goes on beside the callers: begun with the proxy, ended with it, and what others did is heard of."""

from datetime import UTC, datetime
from pathlib import Path

from edgeproxy.cache.record import Record
from edgeproxy.cache.store import Store
from edgeproxy.core.key import Teller

from ..conftest import StartProxy, until
from ..house import VOICE

JOBS = (
    "night",
    "discard",
    "sweep",
    "purges",
    "counts of demand",
    "counts of hits",
    "sums of the day",
)


async def test_all_that_goes_by_the_clock_is_on_the_schedule(start_proxy: StartProxy) -> None:
    async with start_proxy() as proxy:
        assert all(proxy.schedule.next(name) is not None for name in JOBS)
        assert proxy.schedule.next("proofs") is None
    assert all(proxy.schedule.next(name) is None for name in JOBS)


async def test_what_another_process_brought_is_found(
    start_proxy: StartProxy, tmp_path: Path
) -> None:
    identity = Teller("ns", VOICE).identity("brought along")
    async with start_proxy() as proxy:
        other = await Store.open(tmp_path / "data" / "records", quota_bytes=10**8, min_free_bytes=0)
        await other.put(identity, Record(identity.blob, 8000, b"\1\0" * 800, datetime.now(UTC)))
        assert await other.tell_others()
        await until(lambda: identity in proxy.store)
        await other.close()
