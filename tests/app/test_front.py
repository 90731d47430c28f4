"""The doors that a proxy has, by its settings."""

from pathlib import Path
from typing import Any

import aiohttp
import pytest

from edgeproxy.app import Proxy
from edgeproxy.config import ConfigError
from edgeproxy.downstream.auth import Open
from edgeproxy.downstream.proof import Passthrough
from edgeproxy.downstream.tenants import Tenants
from edgeproxy.operate.explanation import Question

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


async def test_whose_audio_is_explained_follows_the_mode(
    start_proxy: StartProxy, tmp_path: Path, hello_book: Path
) -> None:
    book = hello_book / "desk.yaml"
    text = {"text": "Hello there.", "language": "en-IN", "speaker": "ritu"}

    async def explained(auth: dict[str, Any], **whose: str) -> Any:
        phrases = {"directory": hello_book, "characters_at_once": 0}
        async with start_proxy(auth=auth, phrases=phrases) as proxy:
            question = Question.read({**text, **whose})
            (segment,) = (await proxy.explainer.explain(question)).segments
        return segment.identity["namespace"]

    written = book.read_text(encoding="utf-8")
    book.write_text(f"tenants: [key-1]\n{written}", encoding="utf-8")
    # There each key is a tenant of its name.
    assert await explained({"mode": "passthrough"}, namespace="key-1") == "book-desk"
    assert await explained({"mode": "passthrough"}, namespace="key-2") == "key-2"
    assert await explained({}, namespace="key-1") == "key-1"
    book.write_text(f"tenants: [asha]\n{written}", encoding="utf-8")
    tenants = proxy_mode(tmp_path, asha={"tokens": ["a"], "namespace": "clinics"})
    assert await explained(tenants, tenant="asha") == "book-desk"
    assert await explained(tenants, namespace="tenant-asha") == "book-desk"
    assert await explained(tenants, namespace="shared-clinics") == "shared-clinics"
    assert await explained(tenants) is None
