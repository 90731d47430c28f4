"""The gauges of a running proxy: they show what there is, and all of them are there."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from edgeproxy.app import Proxy
from edgeproxy.emulator.server import Emulator
from edgeproxy.observe import catalogue
from edgeproxy.observe.catalogue import METRICS
from edgeproxy.operate.gauges import _by_age
from edgeproxy.phrases.standing import State
from edgeproxy.speech import Mode
from edgeproxy.upstream.breaker import State as BreakerState
from edgeproxy.upstream.pool import Order

from ..conftest import StartProxy, landed, until
from ..wire import talk
from .conftest import Operator

ONE = "पहला वाक्य यह है।"


@dataclass
class Page:
    """What a scrape has found, by name and the values of labels."""

    values: dict[tuple[str, ...], float] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)

    def __call__(self, name: str, *labels: str) -> float:
        return self.values[f"edgeproxy_{name}", *labels]


async def scrape(http: aiohttp.ClientSession, url: str) -> Page:
    async with http.get(f"{url}/metrics") as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        text = await answer.text()
    page = Page()
    for family in text_string_to_metric_families(text):
        page.names.add(family.name)
        for sample in family.samples:
            page.values[sample.name, *sample.labels.values()] = sample.value
    return page


async def test_a_scrape_shows_what_is_kept_and_who_is_there(
    operator: Operator, desk: Proxy, http: aiohttp.ClientSession
) -> None:
    async with talk(desk.url) as client:
        await client.say(ONE)
        await landed(desk)
        page = await scrape(http, desk.url)
    assert (page("records", "pinned"), page("records", "dynamic")) == (1, 1)
    assert page("record_bytes", "dynamic") == desk.store.dynamic_bytes > 0
    assert page("memory_clips") >= 1
    assert (page("phrases", "ready"), page("phrases", "failed")) == (1, 0)
    assert (page("phrases_by_age", "day"), page("phrases_by_age", "older")) == (1, 0)
    assert page("disk_free_bytes") > 0
    assert (page("ready"), page("origin_up"), page("store_up"), page("books_up")) == (1, 1, 1, 1)
    assert (page("conversations"), page("cache_mode", "on")) == (1, 1)
    assert page("connections") >= 2
    assert page("origin_sessions_ceiling") == 100
    assert page("origin_sessions_held") == sum(pool.size for pool in desk.pools)


async def test_every_metric_is_on_the_page(
    operator: Operator, desk: Proxy, http: aiohttp.ClientSession
) -> None:
    page = await scrape(http, desk.url)
    assert set(METRICS) <= page.names
    ours = {name for name in page.names if name.startswith("edgeproxy_")}
    assert ours == set(METRICS)


def test_the_states_that_metrics_know_are_those_there_are() -> None:
    # Anything else would show as `other`.
    assert set(catalogue.PHRASE_STATES) == set(State)
    assert set(catalogue.MODES) == set(Mode)
    assert set(catalogue.BREAKER_STATES) == set(BreakerState)
    assert set(catalogue.ORDERS) == {order.name.lower() for order in Order}


async def test_a_dead_origin_shows(
    start_proxy: StartProxy, emulator: Emulator, http: aiohttp.ClientSession
) -> None:
    await emulator.stop()
    voice = {"target_language_code": "hi-IN", "speaker": "shubh"}
    async with start_proxy(origin={"prewarm_voices": [voice]}) as proxy:
        await until(lambda: any(pool.problem is not None for pool in proxy.pools))
        page = await scrape(http, proxy.url)
    assert (page("origin_up"), page("ready")) == (0, 1)
    assert page("origin_sessions", "bulbul:v3", "idle") == 0
    assert page("origin_dials_failed_total", "bulbul:v3") >= 1


def test_an_age_is_counted_once() -> None:
    now = datetime(2026, 11, 26, tzinfo=UTC)
    made = [now - timedelta(days=days) for days in (400, 30, 29, 7, 6.9, 1, 0.9, 0)]
    assert _by_age(made, now) == {("day",): 2, ("week",): 2, ("month",): 2, ("older",): 2}
    assert sum(_by_age([], now).values()) == 0
