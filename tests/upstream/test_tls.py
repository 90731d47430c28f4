"""The way to the origin: TLS that is verified, or no word is said."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from edgeproxy.app import Proxy
from edgeproxy.core.events import DialFailed, Event

from ..conftest import KEY, StartProxy
from ..fakes.certificate import CERTIFICATE, PRIVATE_KEY
from ..wire import CONFIG, talk


@dataclass
class Impostor:
    """Somebody who answers at the origin's address, over TLS, with a certificate of their own."""

    url: str = ""
    certificate: Path = Path()
    requests: int = 0


@pytest.fixture
async def impostor(tmp_path: Path) -> AsyncIterator[Impostor]:
    found = Impostor(certificate=tmp_path / "certificate.pem")
    found.certificate.write_text(CERTIFICATE, encoding="ascii")
    (tmp_path / "key.pem").write_text(PRIVATE_KEY, encoding="ascii")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(found.certificate, tmp_path / "key.pem")

    async def answer(_: web.BaseRequest) -> web.Response:
        found.requests += 1
        return web.Response(status=503)

    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    found.url = f"https://127.0.0.1:{runner.addresses[0][1]}"
    yield found
    await runner.cleanup()


@asynccontextmanager
async def before(start_proxy: StartProxy, impostor: Impostor) -> AsyncIterator[Proxy]:
    rooms = {"origin": {"url": impostor.url}, "pool": {"lease_timeout_s": 0.5}}
    async with start_proxy(**rooms) as proxy:
        yield proxy


async def test_an_origin_whose_certificate_nobody_vouches_for_hears_no_key_and_no_text(
    start_proxy: StartProxy, impostor: Impostor, facts: list[Event]
) -> None:
    key = {"api-subscription-key": KEY}
    async with before(start_proxy, impostor) as proxy:
        async with talk(proxy.url) as client:
            answer = await client.say("नमस्ते।")
        async with aiohttp.ClientSession(headers=key) as session:
            # 48 kHz is to be had over HTTP only: another library, another connection.
            body = {**CONFIG, "text": "नमस्ते।", "speech_sample_rate": 48000}
            async with session.post(f"{proxy.url}/text-to-speech", json=body) as response:
                status, told = response.status, await response.text()
            async with session.get(f"{proxy.url}/readyz") as response:
                ready = await response.json()
    assert [error["code"] for error in answer.errors] == [503]
    assert status == 503
    # Why is for whoever runs the proxy, not for whoever calls it.
    assert "certificate" not in str(answer.errors) + told
    assert ready["status"] == "degraded"
    assert "certificate verify failed" in ready["origin_problem"]
    reason = next(fact.reason for fact in facts if isinstance(fact, DialFailed))
    assert "certificate verify failed" in reason
    assert impostor.requests == 0


async def test_a_certificate_that_the_system_trusts_is_taken(
    start_proxy: StartProxy, impostor: Impostor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(impostor.certificate))
    async with before(start_proxy, impostor) as proxy, talk(proxy.url) as client:
        assert (await client.say("नमस्ते।")).errors
    assert impostor.requests, "it was the certificate that was in the way"
