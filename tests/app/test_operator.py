"""Where the operator's side is: with the doors on loopback, else on a listener of its own."""

from pathlib import Path

import aiohttp
import pytest

from edgeproxy.app.operator import own_address
from edgeproxy.config import ConfigError, Settings
from edgeproxy.core.events import Event
from edgeproxy.emulator.server import Emulator

from ..conftest import StartProxy

TOKEN = "operator-token"
PATHS = ("/metrics", "/admin/state", "/admin/openapi.json")


async def status(url: str, **headers: str) -> int:
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as answer:
        return answer.status


async def test_on_loopback_it_shares_the_listener_of_the_doors(start_proxy: StartProxy) -> None:
    async with start_proxy() as proxy:
        assert proxy.operator_url == proxy.url
        assert [await status(f"{proxy.url}{path}") for path in PATHS] == [200] * 3


async def test_with_a_port_of_its_own_the_doors_do_not_know_its_paths(
    start_proxy: StartProxy, emulator: Emulator
) -> None:
    async with start_proxy(admin={"port": 0, "token": TOKEN}) as proxy:
        assert proxy.operator_url != proxy.url
        assert [await status(f"{proxy.operator_url}{path}") for path in PATHS] == [200] * 3
        asked = emulator.counters.rest_calls
        for path in (*PATHS, "/console", "/console/x", "/admin"):
            # Above all the token must not be passed on to the origin, as all unknown paths are.
            assert await status(f"{proxy.url}{path}", Authorization=f"Bearer {TOKEN}") == 404
        assert emulator.counters.rest_calls == asked
        assert await status(f"{proxy.operator_url}/text-to-speech") == 404


async def test_metrics_on_loopback_are_for_this_machine_only(start_proxy: StartProxy) -> None:
    async with start_proxy() as proxy:
        assert await status(f"{proxy.url}/metrics", Host="evil.example") == 403


async def test_beyond_loopback_all_but_the_metrics_take_the_token(
    start_proxy: StartProxy, facts: list[Event]
) -> None:
    async with start_proxy(admin={"host": "0.0.0.0", "port": 0, "token": TOKEN}) as proxy:
        url = proxy.operator_url.replace("0.0.0.0", "127.0.0.1")
        assert await status(f"{url}/metrics", Host="edge.example") == 200
        assert await status(f"{url}/admin/state") == 401
        assert await status(f"{url}/admin/state", Authorization=f"Bearer {TOKEN}") == 200


@pytest.mark.parametrize(
    ("server", "admin", "expected"),
    [
        ({}, {}, None),
        ({"host": "0.0.0.0"}, {}, ("127.0.0.1", 8081)),
        ({}, {"port": 9000}, ("127.0.0.1", 9000)),
        ({}, {"host": "0.0.0.0", "token": TOKEN}, ("0.0.0.0", 8081)),
        ({"host": "localhost"}, {"host": "::1"}, None),
    ],
)
def test_where_it_listens_follows_from_where_the_doors_do(
    server: dict[str, object], admin: dict[str, object], expected: tuple[str, int] | None
) -> None:
    rooms: dict[str, dict[str, object]] = {
        "server": server,
        "admin": admin,
        "auth": {"open_to_all": True},
    }
    assert own_address(Settings.load(overrides=rooms)) == expected


def test_beyond_loopback_it_wants_a_token() -> None:
    with pytest.raises(ConfigError, match=r"admin\.token"):
        Settings.load(overrides={"admin": {"host": "0.0.0.0"}})


def test_a_token_that_no_header_can_carry_is_not_quoted() -> None:
    with pytest.raises(ConfigError) as caught:
        Settings.load(overrides={"admin": {"token": "with a space"}})
    assert "with a space" not in str(caught.value)


async def test_a_port_that_is_taken_ends_the_start(start_proxy: StartProxy, tmp_path: Path) -> None:
    async with start_proxy(admin={"port": 0}) as proxy:
        taken = int(proxy.operator_url.rpartition(":")[2])
        with pytest.raises(ConfigError, match=r"admin\.port: cannot listen on"):
            async with start_proxy(admin={"port": taken}, cache={"data_dir": tmp_path / "another"}):
                pass
