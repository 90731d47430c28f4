"""What clients rely on, rule by rule: their own bytes in, and what each of them would choke on.

Real client libraries run in the other files of this folder; here is what they send when something is odd,
and what no library shows. R1-R4 are here: messages, keys and URLs. R5-R7, about turns, are in
test_contract_turns.py; R8-R14, about faults and limits, in test_contract_faults.py. What a rule asks of one
room alone is tested there as well:

====  ==============================================================================================
R2    tests/downstream/test_websocket.py: a ping is never answered
R3    tests/downstream/test_routes.py: every way of sending a key; tests/sarvam/test_handshake.py
R4    tests/downstream/test_websocket.py: both paths; the query's model wins
====  ==============================================================================================
"""

import logging
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from sarvamai import AudioOutput, ErrorResponse, EventResponse
from sarvamai.core.pydantic_utilities import parse_obj_as

from edgeproxy.app import Proxy
from edgeproxy.core.events import Event
from edgeproxy.emulator.server import Emulator

from ..conftest import KEY, StartProxy, landed, proxy_mode
from ..wire import talk
from .captured import (
    EVERY,
    LIVEKIT_V4,
    SDK,
    SDK_JS,
    Captured,
    assert_sounds,
    of,
    speech,
)
from .conftest import Original

HELLO = "नमस्ते, आप कैसे हैं?"
SECRET = "sk-do-not-tell"
AGAIN = "आपका अपॉइंटमेंट कल सुबह दस बजे है।"


# -- R1, R2: nothing but three kinds of messages ---------------------------------------------------


@pytest.mark.parametrize("verdict", [False, True], ids=["plain", "with verdicts"])
@of(*EVERY)
async def test_r1_every_message_is_one_that_sarvams_own_sdk_knows(
    proxy: Proxy, emulator: Emulator, client: Captured, verdict: bool
) -> None:
    heard: list[Any] = []
    async with client.talk(proxy.url, extra_query="&verdict=true" if verdict else "") as one:
        await one.send("not json")
        await one.send({"type": "cancel"})
        await one.send(client.config)
        await one.send({"type": "ping"})
        for text in (HELLO, "", AGAIN, HELLO):
            if text:
                await one.send(client.text(text))
            await one.send(client.flush)
        await one.send(client.text("क" * 2501))
        await one.send(client.flush)
        while sum(message["type"] == "event" for message in heard) < 5:
            # A text frame with JSON in it, or this fails.
            heard.append(await one.hear())
        await one.socket.close()
        assert [message async for message in one.socket] == []
    kinds: dict[type[Any], str] = {
        AudioOutput: "audio",
        ErrorResponse: "error",
        EventResponse: "event",
    }
    for message in heard:
        known = parse_obj_as(AudioOutput | ErrorResponse | EventResponse, message)  # type: ignore[arg-type]
        assert kinds[type(known)] == message["type"]
        if message["type"] == "error":
            assert isinstance(message["data"].get("code", 0), int)
        if message["type"] == "event":
            assert message["data"]["event_type"] == "final"
            assert ("edgeproxy" in message["data"]) == verdict
    assert sum(message["type"] == "error" for message in heard) == 3


@of(*EVERY)
async def test_r2_a_client_that_waits_for_its_llm_hears_nothing_whatever_it_pings(
    proxy: Proxy, client: Captured
) -> None:
    async with client.talk(proxy.url) as one:
        for _ in range(3):
            await one.send(client.config)
            await one.send({"type": "ping"})
            await one.socket.ping()
        await one.send(client.flush)
        assert await one.hear() == {"type": "event", "data": {"event_type": "final"}}


# -- R3, R4: the handshake -------------------------------------------------------------------------


async def test_r3_a_key_in_the_header_and_in_the_subprotocol_is_echoed_and_nothing_is_compressed(
    proxy: Proxy,
) -> None:
    async with SDK_JS.talk(proxy.url) as one:
        assert one.socket.protocol == f"api-subscription-key.{KEY}"
        assert one.socket.compress == 0
    async with SDK.talk(proxy.url) as one:
        assert one.socket.protocol is None


@pytest.mark.parametrize("admitted", [True, False], ids=["admitted", "turned away"])
@pytest.mark.parametrize(
    "sent",
    [
        {"headers": {"API-Subscription-Key": SECRET}},
        {"headers": {"Authorization": f"bearer {SECRET}"}},
        {"protocols": (f"api-subscription-key.{SECRET}",)},
    ],
    ids=["header", "bearer", "subprotocol"],
)
async def test_r3_a_key_is_in_no_fact_and_in_no_line_of_the_log(
    start_proxy: StartProxy,
    facts: list[Event],
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
    sent: dict[str, Any],
    admitted: bool,
) -> None:
    caplog.set_level(logging.DEBUG)
    async with start_proxy(
        auth=proxy_mode(tmp_path, agents={"tokens": [SECRET if admitted else KEY]})
    ) as proxy:
        if admitted:
            async with talk(proxy.url, key=None, **sent) as one:
                assert (await one.say(HELLO)).audio
                await one.config(speaker="nobody")
                assert (await one.say(HELLO)).errors
        else:
            with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
                async with talk(proxy.url, key=None, **sent):
                    pass
    ours = [record for record in caplog.records if record.name.startswith(("edgeproxy", "aiohttp"))]
    assert SECRET not in repr(facts) + "".join(str(vars(record)) for record in ours)


@of(*EVERY)
async def test_r4_a_clients_own_url_and_config_are_heard_in_the_voice_it_asks_for(
    proxy: Proxy, emulator: Emulator, original: Original, client: Captured
) -> None:
    text = "How may I help you?" if client is LIVEKIT_V4 else HELLO
    sound = await speech(original, text, client)
    async with client.talk(proxy.url, extra_query="&utm=1&speaker=nobody") as one:
        await one.send(client.config)
        for _ in range(2):
            await one.send(client.text(text))
            await one.send(client.flush)
            assert_sounds(sound, await one.answer(), client)
            await landed(proxy)
    assert emulator.counters.flushes == 1


@pytest.mark.parametrize(
    ("query", "model"),
    [("", None), ("", "bulbul:v3"), ("model=&", "bulbul:v3"), ("model=bulbul%3av3&", "bulbul:v2")],
)
async def test_r4_without_a_model_in_the_url_the_configs_counts_then_the_default(
    proxy: Proxy, original: Original, query: str, model: str | None
) -> None:
    async with talk(proxy.url, query=f"{query}send_completion_event=TRUE", configured=False) as one:
        await one.config(model=model)
        assert (await one.say(HELLO)).audio == await original(HELLO, rate=8000)
