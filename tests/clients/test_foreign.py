"""Clients that have a process of their own, each through the same turns of an agent.

What an agent of each ecosystem does every day: speak, say it again, be interrupted, have nothing to say,
be refused, say something long. What a client cannot do (Pipecat never sends a turn ahead), it is not asked.
"""

import json
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from edgeproxy.app import Proxy
from edgeproxy.audio import g711, wav
from edgeproxy.audio.decode import decode_whole
from edgeproxy.core.events import Event
from edgeproxy.emulator.server import Emulator

from ..conftest import KEY, StartProxy, landed, proxy_mode, until
from .conftest import Original, verdicts
from .foreign import Foreign, foreign, node_major
from .sound import lag, likeness


@dataclass(frozen=True, slots=True)
class Client:
    """A client, how a test starts it, and what it can do."""

    name: str
    script: str
    rate: int = 24000
    options: dict[str, Any] = field(default_factory=dict)
    codecs: tuple[str, ...] = ()
    """What it was seen to give sound in, besides its usual one."""
    pipelines: bool = False
    rest: bool = True

    def open(
        self, url: str, *, key: str = KEY, **options: Any
    ) -> AbstractAsyncContextManager[Foreign]:
        """A running one."""
        options = {"rate": self.rate, **self.options, **options}
        return foreign(self.script, url, key=key, **options)


EVERY = ("wav", "mp3", "mulaw", "alaw", "flac", "aac", "opus")
CLIENTS = (
    Client("Pipecat 1.14", "pipecat_speaks.py", rest=False),
    # It sends no rate: the default's.
    Client("Bolna 0.11.9", "bolna_speaks.py", rate=22050, pipelines=True),
    Client("sarvamai 0.1.28", "sarvamai_speaks.py", codecs=EVERY, pipelines=True),
    Client("sarvamai JS 1.1.10", "sarvamai.mjs", codecs=EVERY, pipelines=True),
    Client("LiveKit JS 1.4.8", "livekit.mjs", codecs=("mulaw", "alaw")),
)
PIPECAT, BOLNA, _, SDK_JS, LIVEKIT = CLIENTS
PIPECAT_HTTP = Client("Pipecat HTTP 1.14", "pipecat_speaks.py", options={"http": True})

SENTENCES = ("नमस्ते, आप कैसे हैं?", "आपका अपॉइंटमेंट कल सुबह दस बजे है।", "क्या यह ठीक है?")
TOKENS = tuple(f"{word} " for word in " ".join(SENTENCES).split())
LONG = tuple(f"यह वाक्य संख्या {number} है, और इसके बाद भी बहुत कुछ कहना है।" for number in range(1, 26))


def of(*clients: Client) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("client", [pytest.param(each, id=each.name) for each in clients])


def assert_sounds(sound: bytes, heard: bytes, *, codec: str, rate: int) -> None:
    """That it is this sound, in this codec: every sample, where none is lost in it."""
    match codec:
        case "linear16":
            assert heard == sound
        case "wav":
            assert heard == wav.header(rate=rate, size=None) + sound
        case "mulaw" | "alaw":
            assert heard == g711.compress(sound, law=codec)
        case "flac":
            assert decode_whole(heard) == (sound, rate)
        case _:
            pcm, _ = decode_whole(heard, rate=rate)
            assert likeness(sound, pcm, lag=lag(sound, pcm)) > 0.98


# -- speaking --------------------------------------------------------------------------------------


@of(*CLIENTS)
async def test_a_turn_is_the_speech_of_the_origin_and_the_second_time_it_is_a_hit(
    proxy: Proxy, emulator: Emulator, facts: list[Event], original: Original, client: Client
) -> None:
    sound = await original(*SENTENCES, rate=client.rate)
    async with client.open(proxy.url) as agent:
        for _ in range(2):
            heard = await agent.say(*TOKENS)
            assert heard.errors == ()
            assert heard.audio == sound
            await landed(proxy)
    first, second = (verdicts(turn) for turn in (await spoken(facts, 2)))
    assert first == ["miss"] * 3
    assert second == ["hit-memory"] * 3
    assert emulator.counters.flushes == 3


async def spoken(facts: list[Event], count: int) -> list[Any]:
    """The turns that were not empty: LiveKit's plugin for JavaScript flushes once more after each."""

    def told() -> list[Any]:
        return [fact for fact in facts if getattr(fact, "segments", ())]

    await until(lambda: len(told()) >= count)
    assert len(told()) == count
    return told()


@of(*(client for client in CLIENTS if client.codecs))
async def test_every_other_codec_is_heard_cold_and_from_the_cache(
    proxy: Proxy, emulator: Emulator, original: Original, client: Client
) -> None:
    sound = await original(*SENTENCES, rate=8000)
    async with client.open(proxy.url, rate=8000) as agent:
        for codec in client.codecs:
            for _ in range(2):
                heard = await agent.say(*TOKENS, codec=codec)
                assert heard.errors == ()
                if client is LIVEKIT:  # it hands out PCM, whatever came
                    pcm = g711.expand(g711.compress(sound, law=codec), law=codec)
                    assert heard.audio == pcm
                else:
                    assert_sounds(sound, heard.audio, codec=codec, rate=8000)
                await landed(proxy)
    assert emulator.counters.flushes == 3


@of(*(client for client in CLIENTS if client.pipelines))
async def test_turns_sent_ahead_are_heard_in_their_order_empty_ones_in_their_place(
    proxy: Proxy, original: Original, client: Client
) -> None:
    said = (SENTENCES[0], "", SENTENCES[1], SENTENCES[0], SENTENCES[2])
    async with client.open(proxy.url) as agent:
        answers = await agent.pipeline(*said)
    assert [answer.errors for answer in answers] == [()] * 5
    for text, answer in zip(said, answers, strict=True):
        sound = await original(text, rate=client.rate) if text else b""
        assert answer.audio == sound


@of(*CLIENTS)
async def test_an_empty_text_ends_at_once_and_the_next_turn_is_heard(
    proxy: Proxy, emulator: Emulator, original: Original, client: Client
) -> None:
    async with client.open(proxy.url) as agent:
        assert await agent.say("") == await agent.say("")
        assert (await agent.say("")).audio == b""
        assert emulator.counters.flushes == 0
        heard = await agent.say(SENTENCES[0])
    assert heard.errors == ()
    assert heard.audio == await original(SENTENCES[0], rate=client.rate)


@of(*CLIENTS)
async def test_a_long_text_is_heard_whole(
    proxy: Proxy, emulator: Emulator, original: Original, client: Client
) -> None:
    async with client.open(proxy.url) as agent:
        heard = await agent.say(*(f"{sentence} " for sentence in LONG))
        await landed(proxy)
        again = await agent.say(*(f"{sentence} " for sentence in LONG))
    assert heard.errors == ()
    assert heard.audio == await original(*LONG, rate=client.rate)
    assert again == heard
    assert emulator.counters.flushes == len(LONG)


async def test_pipecats_v4_is_heard_by_the_path_it_takes(
    proxy: Proxy, emulator: Emulator, original: Original
) -> None:
    voice = {"language": "en-IN", "model": "bulbul:v4-flash"}
    speaker = "shubh_en_narration_gentle"
    text = "How may I help you today?"
    async with PIPECAT.open(proxy.url, voice={**voice, "voice": speaker}) as agent:
        heard = await agent.say(text)
    assert heard.errors == ()
    assert heard.audio == await original(
        text, rate=24000, language="en-IN", speaker=speaker, model="bulbul:v4-flash"
    )


async def test_in_a_browser_the_key_is_only_in_the_subprotocol(
    start_proxy: StartProxy, emulator: Emulator, original: Original, tmp_path: Path
) -> None:
    if node_major() < 20:
        pytest.skip("needs Node 20 for a browser's WebSocket")
    flags = ("--experimental-websocket",)
    async with start_proxy(auth=proxy_mode(tmp_path, agents={"tokens": [KEY]})) as proxy:
        async with SDK_JS.open(proxy.url, flags=flags) as agent:
            heard = await agent.say(*TOKENS)
        assert heard.errors == ()
        assert heard.audio == await original(*SENTENCES, rate=24000)
        async with SDK_JS.open(proxy.url, flags=flags, key="wrong") as agent:
            assert (await agent.say(*TOKENS)).errors


# -- barge-in --------------------------------------------------------------------------------------


@of(*CLIENTS)
async def test_after_a_barge_in_the_next_turn_is_heard_and_nothing_of_the_old_one(
    start_proxy: StartProxy, emulator: Emulator, original: Original, client: Client
) -> None:
    # The turn can't be over when the caller interrupts it: its last sentence comes late.
    emulator.change_faults(f"slow:seconds=0.3:text={SENTENCES[2]}")
    sound = await original(*SENTENCES, rate=client.rate)
    async with start_proxy() as proxy, client.open(proxy.url) as agent:
        for _ in range(3):
            begun = await agent.interrupt(*TOKENS)
            assert begun.errors == ()
            assert sound.startswith(begun.audio)
            assert begun.audio or client is BOLNA  # whose first packet may be of a header
            heard = await agent.say(LONG[0])
            assert heard.errors == ()
            assert heard.audio == await original(LONG[0], rate=client.rate)
        # What was begun is finished and kept, even what nobody waits for any more.
        await landed(proxy)
        spent = emulator.counters.flushes
        assert (await agent.say(*TOKENS)).audio == sound
        assert emulator.counters.flushes == spent == 4


# -- HTTP ------------------------------------------------------------------------------------------


@of(PIPECAT_HTTP, *(client for client in CLIENTS if client.rest))
async def test_over_http_it_is_the_same_speech_and_the_second_time_a_hit(
    proxy: Proxy, emulator: Emulator, original: Original, client: Client
) -> None:
    sound = await original(*SENTENCES, rate=client.rate)
    async with client.open(proxy.url) as agent:
        for _ in range(2):
            if client is PIPECAT_HTTP:
                heard = await agent.say(*TOKENS)
            else:
                heard = await agent.rest(" ".join(SENTENCES))
            assert heard.errors == ()
            audio = heard.audio
            if client is BOLNA:  # takes the default, a file, and hands it on as it is
                assert audio.startswith(wav.header(rate=client.rate, size=len(sound)))
                audio = audio[44:]
            assert audio == sound
            await landed(proxy)
    assert emulator.counters.flushes == 3


# -- refusals and faults ---------------------------------------------------------------------------


@of(PIPECAT_HTTP, *CLIENTS)
async def test_the_origins_refusal_of_a_speaker_is_told_in_its_own_words(
    proxy: Proxy, emulator: Emulator, client: Client
) -> None:
    key = "voice" if client.script == "pipecat_speaks.py" else "speaker"
    async with client.open(proxy.url, voice={key: "nobody"}) as agent:
        heard = await agent.say(SENTENCES[0])
        if client is LIVEKIT:
            # Its framework tries again with the text used up, and tells only of that.
            assert heard.errors == ("Sarvam TTS streaming failed: Stream is closed",)
            heard = await agent.rest(SENTENCES[0])
    assert heard.audio == b""
    assert "nobody" in heard.errors[0]
    assert emulator.counters.refusals == 1
    assert emulator.counters.utterances == 0


@of(*CLIENTS)
async def test_a_wrong_key_is_told_and_costs_nothing(
    start_proxy: StartProxy, emulator: Emulator, client: Client, tmp_path: Path
) -> None:
    async with start_proxy(auth=proxy_mode(tmp_path, agents={"tokens": [KEY]})) as proxy:
        async with client.open(proxy.url, key="wrong") as agent:
            heard = await agent.say(SENTENCES[0])
        assert heard.audio == b""
        assert heard.errors
        assert "wrong" not in str(heard.errors)
        assert emulator.counters.flushes == 0
        async with client.open(proxy.url) as agent:
            assert (await agent.say(SENTENCES[0])).audio


@of(*CLIENTS)
async def test_an_origin_that_breaks_off_is_an_error_and_never_a_short_turn(
    proxy: Proxy, emulator: Emulator, original: Original, client: Client
) -> None:
    emulator.change_faults("cut:after=1")
    async with client.open(proxy.url) as agent:
        broken = await agent.say(SENTENCES[1])
        assert broken.errors
        emulator.change_faults("")
    async with client.open(proxy.url) as agent:
        heard = await agent.say(SENTENCES[1])
    assert heard.errors == ()
    assert heard.audio == await original(SENTENCES[1], rate=client.rate)


# -- what the README says of it --------------------------------------------------------------------


def test_the_readmes_table_has_the_versions_that_are_run() -> None:
    here = Path(__file__).parent
    readme = (here.parents[1] / "README.md").read_text(encoding="utf-8")
    pinned = dict(
        line.split("==")
        for line in (here / "requirements.txt").read_text().splitlines()
        if "==" in line
    )
    javascript = json.loads((here / "js/package.json").read_text())["dependencies"]
    for name, version in (
        ("LiveKit Python", metadata.version("livekit-plugins-sarvam")),
        ("LiveKit JS", javascript["@livekit/agents-plugin-sarvam"]),
        ("Pipecat", pinned["pipecat-ai"]),
        ("Bolna", pinned["bolna"]),
        ("sarvamai", metadata.version("sarvamai")),
        ("sarvamai", pinned["sarvamai"]),
        ("sarvamai JS", javascript["sarvamai"]),
    ):
        assert f"| {name} {version} |" in readme


def test_the_lock_of_the_clients_in_javascript_names_no_registry() -> None:
    lock = (Path(__file__).parent / "js/package-lock.json").read_text(encoding="utf-8")
    assert "integrity" in lock
    assert "resolved" not in lock
