"""The doors that a proxy has, by its settings."""

from pathlib import Path

import aiohttp
import pytest

from edgeproxy.app import Proxy
from edgeproxy.config import ConfigError
from edgeproxy.downstream.auth import Open
from edgeproxy.downstream.proof import Passthrough
from edgeproxy.downstream.tenants import Tenants

from ..conftest import KEY, StartProxy, proxy_mode


async def status(proxy: Proxy, path: str) -> int:
    async with (
        aiohttp.ClientSession(headers={"api-subscription-key": KEY}) as session,
        session.get(f"{proxy.url}{path}") as response,
    ):
        return response.status


async def test_each_mode_has_its_keeper(start_proxy: StartProxy, tmp_path: Path) -> None:
    tenants = proxy_mode(tmp_path, asha={"tokens": ["a-token"]})
    for auth, kind in (
        ({}, Open),
        ({"mode": "passthrough"}, Passthrough),
        (tenants, Tenants),
    ):
        async with start_proxy(auth=auth) as proxy:
            assert type(proxy.keeper) is kind


async def test_a_month_that_cannot_be_read_stops_the_start_with_the_remedy(
    start_proxy: StartProxy, tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "months.json").write_bytes(b"{")
    with pytest.raises(ConfigError, match=r"months\.json"):
        async with start_proxy(auth=proxy_mode(tmp_path, asha={"tokens": ["a-token"]})):
            pass


async def test_with_passing_on_switched_off_the_rest_is_sarvams_404(
    start_proxy: StartProxy,
) -> None:
    async with start_proxy(passthrough={"enabled": False}) as proxy:
        assert await status(proxy, "/translate") == 404
