"""Health: the process lives; it should be given callers; the origin may be dead all the while."""

import aiohttp

from edgeproxy.emulator.server import Emulator

from ..conftest import StartProxy, until


async def get(url: str) -> tuple[int, dict[str, object]]:
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return response.status, await response.json()


async def test_it_is_ready_and_says_what_it_holds(start_proxy: StartProxy) -> None:
    async with start_proxy() as proxy:
        await until(lambda: all(pool.problem is None for pool in proxy.pools))
        assert (await get(f"{proxy.url}/healthz"))[0] == 200
        status, body = await get(f"{proxy.url}/readyz")
    assert (status, body["status"]) == (200, "ready")
    assert body["records"] == 0


async def test_a_dead_origin_is_degraded_and_ready_all_the_same(
    start_proxy: StartProxy, emulator: Emulator
) -> None:
    await emulator.stop()
    voice = {"target_language_code": "hi-IN", "speaker": "shubh"}
    async with start_proxy(origin={"prewarm_voices": [voice]}) as proxy:
        await until(lambda: any(pool.problem is not None for pool in proxy.pools))
        status, body = await get(f"{proxy.url}/readyz")
    assert (status, body["status"]) == (200, "degraded")
    assert "origin" in str(body["origin_problem"])
