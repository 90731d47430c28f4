"""More is asked for than the account's sessions can speak: hits go on, misses queue, the rest hears so."""

from edgeproxy.app import Proxy

from ..conftest import StartProxy, landed, until
from ..fakes.origin import Origin
from ..wire import talk
from .test_origin_fails import post


def waiting(proxy: Proxy) -> int:
    return sum(pool.waiting for pool in proxy.pools)


async def test_beyond_capacity_hits_go_on_misses_queue_and_the_rest_is_told_at_once(
    start_proxy: StartProxy, origin: Origin
) -> None:
    async with (
        start_proxy(
            origin={"url": origin.url},
            pool={"account_sessions": 1, "waiting_most": 1, "lease_timeout_s": 3.0},
        ) as proxy,
        talk(proxy.url) as speaking,
        talk(proxy.url) as queued,
        talk(proxy.url) as client,
    ):
        kept = await client.say("audio")
        await landed(proxy)
        await speaking.text("wait then audio 100.")
        await speaking.flush()
        await until(lambda: origin.waiting == 1)
        await queued.text("audio 200.")
        await queued.flush()
        await until(lambda: waiting(proxy) == 1)
        refused = await client.say("audio 300")
        assert [error["code"] for error in refused.errors] == [503]
        assert "wait for an origin session" in refused.errors[0]["message"]
        assert refused.messages[-1]["type"] == "event"
        async with post(proxy.url, "audio 300") as response:
            assert response.status == 503
            assert int(response.headers["Retry-After"]) >= 1
        again = await client.say("audio")
        assert (again.audio, again.verdicts) == (kept.audio, ["hit-memory"])
        assert waiting(proxy) == 1
        origin.permit.set()
        for each in (speaking, queued):
            assert not (await each.answer()).errors
        assert not (await client.say("audio 300")).errors
    assert [script for _, script in origin.asked] == [
        "audio",
        "wait then audio 100",
        "audio 200",
        "audio 300",
    ]
