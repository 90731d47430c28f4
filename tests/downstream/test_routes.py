"""The paths, and what stands in front of them."""

from pathlib import Path
from typing import Any

import aiohttp
import pytest

from edgeproxy.app import Proxy
from edgeproxy.emulator.server import Emulator

from ..conftest import StartProxy, proxy_mode
from ..wire import talk


async def ask(
    url: str, *, method: str = "POST", key: str | None = "k", **options: Any
) -> tuple[int, dict[str, Any]]:
    headers = {"api-subscription-key": key} if key else {}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.request(method, url, **options) as response,
    ):
        return response.status, await response.json()


@pytest.mark.parametrize("path", ["/text-to-speech", "/text-to-speech/stream"])
async def test_a_missing_key_is_sarvams_403(proxy: Proxy, path: str) -> None:
    status, body = await ask(proxy.url + path, key=None, json={})
    assert status == 403
    assert body["error"]["code"] == "invalid_api_key_error"
    assert body["error"]["message"] == "Invalid or missing authentication credentials"


@pytest.mark.parametrize(
    "headers",
    [
        {"api-subscription-key": "right"},
        {"Api-Subscription-Key": "right"},
        {"Authorization": "Bearer right"},
    ],
)
async def test_with_tenants_only_their_tokens_come_in_by_any_of_sarvams_ways(
    start_proxy: StartProxy, tmp_path: Path, headers: dict[str, str]
) -> None:
    async with start_proxy(auth=proxy_mode(tmp_path, one={"tokens": ["right"]})) as proxy:
        async with talk(proxy.url, key=None, headers=headers) as client:
            assert (await client.say("नमस्ते।")).audio
        offered = "api-subscription-key.right"
        async with talk(proxy.url, key=None, protocols=(offered,)) as client:
            assert client.socket.protocol == offered
            assert (await client.say("नमस्ते।")).audio
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            async with talk(proxy.url, key="wrong"):
                pass
    assert caught.value.status == 403


async def test_the_proxys_own_key_is_used_upstream_never_the_clients(
    start_proxy: StartProxy,
) -> None:
    async with (
        Emulator(keys={"origin-key"}) as guarded,
        start_proxy(origin={"url": guarded.url}) as proxy,
        talk(proxy.url, key="client-key") as client,
    ):
        assert (await client.say("नमस्ते।")).audio


async def test_an_unknown_path_is_sarvams_404(proxy: Proxy) -> None:
    status, body = await ask(proxy.url + "/text-to-sppech", json={})
    assert (status, body["error"]["code"]) == (404, "not_found_error")


async def test_a_wrong_method_says_which_is_right(proxy: Proxy) -> None:
    status, body = await ask(proxy.url + "/text-to-speech", method="GET")
    assert status == 405
    assert "POST" in body["error"]["message"]


async def test_an_oversized_body_is_413_and_costs_nothing(proxy: Proxy, emulator: Emulator) -> None:
    status, body = await ask(proxy.url + "/text-to-speech", data=b"x" * 70_000)
    assert status == 413
    assert "65536" in body["error"]["message"].replace(",", "")
    assert emulator.counters.rest_calls == emulator.counters.flushes == 0


async def test_a_plain_get_of_the_websocket_is_an_error_not_a_crash(proxy: Proxy) -> None:
    status, body = await ask(proxy.url + "/text-to-speech/ws", method="GET")
    assert status == 400
    assert body["error"]["message"]


@pytest.mark.parametrize("path", ["/text-to-speech", "/text-to-speech/stream"])
async def test_a_500_of_the_origins_is_passed_on_and_is_no_bug_of_ours(
    proxy: Proxy, emulator: Emulator, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    emulator.change_faults("error:code=500:after=0")
    body = {"text": "नमस्ते।", "target_language_code": "hi-IN", "speech_sample_rate": 8000}
    status, told = await ask(proxy.url + path, json=body)
    assert status == 500
    assert told["error"]["code"] == "internal_server_error"
    assert not [record for record in caplog.records if record.exc_info]
