"""A start without an origin: phrases speak, the rest gets an honest error, until it is back."""

from pathlib import Path

import aiohttp

from edgeproxy.core.events import Event, PhraseGenerated

from ..conftest import KEY, StartProxy, until
from ..fakes.link import Link
from ..fakes.truth import Truth
from ..wire import talk

VOICE = {"target_language_code": "en-IN", "speaker": "ritu"}
RITU = {"language": "en-IN", "speaker": "ritu"}
LIVE = "Nobody has ever said this."


async def test_phrases_speak_and_the_rest_is_an_honest_error_until_it_is_back(
    start: StartProxy, link: Link, truth: Truth, facts: list[Event], hello_book: Path
) -> None:
    async with start(phrases={"directory": hello_book}):
        await until(lambda: any(isinstance(fact, PhraseGenerated) for fact in facts))
    link.down_altogether()
    async with start(phrases={"directory": hello_book}) as proxy, talk(proxy.url) as client:
        await client.config(**VOICE)
        phrase = await client.say("Hello there.")
        # Where it was loaded in time it comes from memory.
        assert phrase.verdicts[0] in ("hit-disk", "hit-memory")
        assert phrase.audio == await truth.turn("Hello there.", **RITU)
        for _ in range(3):
            live = await client.say(LIVE)
            assert [message["type"] for message in live.messages] == ["error", "event"]
            assert live.errors[0]["code"] == 503
            assert (await client.say("Hello there.")).audio == phrase.audio
        await health(proxy.url, "degraded")
        mixed = await client.say(f"Hello there. {LIVE}")
        assert [message["type"] for message in mixed.messages][-2:] == ["error", "event"]
        assert mixed.audio in (phrase.audio, b"")
        link.restore()
        await until(lambda: all(pool.idle for pool in proxy.pools), timeout_s=20)
        whole = await client.say(f"Hello there. {LIVE}")
        assert whole.audio == await truth.turn(f"Hello there. {LIVE}", **RITU)
        await health(proxy.url, "ready")


async def test_over_http_it_is_a_503_with_a_time_to_come_back(
    start: StartProxy, link: Link
) -> None:
    link.down_altogether()
    body = {"text": LIVE, "target_language_code": "en-IN", "speech_sample_rate": 8000}
    async with (
        start() as proxy,
        aiohttp.ClientSession(headers={"api-subscription-key": KEY}) as http,
    ):
        for path in ("/text-to-speech", "/text-to-speech/stream"):
            async with http.post(f"{proxy.url}{path}", json=body) as response:
                assert response.status == 503
                assert int(response.headers["Retry-After"]) >= 1
                assert "message" in (await response.json())["error"]


async def health(url: str, status: str) -> None:
    async with aiohttp.ClientSession() as http, http.get(f"{url}/readyz") as response:
        assert response.status == 200
        assert (await response.json())["status"] == status
