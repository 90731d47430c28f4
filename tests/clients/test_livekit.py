"""LiveKit's own Sarvam plugin, as an agent drives it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from itertools import accumulate
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import pytest
from livekit.agents import APIConnectionError, APIConnectOptions, APIStatusError
from livekit.plugins import sarvam

from edgeproxy.app import Proxy
from edgeproxy.core.audio import SAMPLE_BYTES
from edgeproxy.core.events import Event, PhraseGenerated
from edgeproxy.emulator.server import Emulator

from ..conftest import KEY, StartProxy, landed, proxy_mode, turns, until
from .conftest import Original, verdicts
from .sound import lag, likeness, samples

Agent = Callable[..., sarvam.TTS]

RATE = 22050
"""The plugin's default."""
MP3_LAG = 529
"""Samples of silence before the sound: an MP3's 1105, less a frame, which the plugin's decoder loses."""
ONCE = APIConnectOptions(max_retry=0)
"""For failures that the plugin would try again, with seconds between."""

HELLO = "नमस्ते, आप कैसे हैं?"
FIVE = (
    "नमस्ते, मैं आपकी सहायता के लिए यहाँ हूँ।",
    "आपका अपॉइंटमेंट कल सुबह दस बजे है।",
    "क्या यह समय आपके लिए ठीक है?",
    "अगर नहीं, तो हम दूसरा समय देख सकते हैं।",
    "धन्यवाद, आपका दिन शुभ हो।",
)
GREETING = (
    "नमस्ते, आशा क्लिनिक में फ़ोन करने के लिए धन्यवाद।",
    "मैं फ़्रंट डेस्क से ऋतु बोल रही हूँ।",
    "बताइए, मैं आपकी क्या मदद कर सकती हूँ?",
)
LINES = {
    "hi-IN": ("shubh", ("नमस्ते!", "आपका अपॉइंटमेंट कल सुबह दस बजे है।", "क्या मैं इसे पक्का कर दूँ?")),
    "ta-IN": ("priya", ("வணக்கம்!", "உங்கள் மருத்துவர் இன்று மாலை கிடைப்பார்.", "எந்த நேரம் வசதியாக இருக்கும்?")),
    "en-IN": (
        "ritu",
        ("Good morning!", "The clinic is open till eight today.", "How may I help you?"),
    ),
}


@pytest.fixture
async def agent() -> AsyncIterator[Agent]:
    """Makes TTS objects as agents have them, pointed at a proxy; closed after the test."""
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())

        def make(url: str, **options: Any) -> sarvam.TTS:
            settings = {"target_language_code": "hi-IN", "speaker": "shubh", "api_key": KEY}
            tts = sarvam.TTS(
                base_url=f"{url}/text-to-speech",
                ws_url=f"{url.replace('http', 'ws', 1)}/text-to-speech/ws",
                http_session=session,
                **{**settings, **options},
            )
            stack.push_async_callback(tts.aclose)
            return tts

        yield make


async def say(tts: sarvam.TTS, *tokens: str, **options: Any) -> bytes:
    """One turn, its text pushed in these pieces; what the agent hears."""
    async with tts.stream(**options) as stream:
        for token in tokens:
            stream.push_text(token)
            await asyncio.sleep(0)
        stream.end_input()
        return b"".join([bytes(heard.frame.data) async for heard in stream])


def assert_exactly(pcm: bytes, heard: bytes, *, rate: int = RATE) -> None:
    """That every sample arrived.

    The framework keeps back the last 10 ms to mark them as the end; if it had to let them go early, it
    marks the end by 10 ms of silence of its own.
    """
    marker = bytes(rate // 100 * SAMPLE_BYTES)
    assert heard in (pcm, pcm + marker)


def assert_heard(pcm: bytes, heard: bytes, *, codec: str) -> None:
    """That it is this sound: every sample where the codec is exact."""
    if codec in ("linear16", "wav"):
        assert_exactly(pcm, heard)
    else:
        assert likeness(pcm, heard, lag=lag(pcm, heard)) > 0.99


# -- a turn ----------------------------------------------------------------------------------------


async def test_a_turn_in_the_plugins_default_mp3_is_the_speech_of_the_origin(
    proxy: Proxy, agent: Agent, original: Original
) -> None:
    heard = await say(agent(proxy.url), HELLO)
    sound = await original(HELLO, rate=RATE)
    late = lag(sound, heard)
    assert likeness(sound, heard, lag=late) > 0.99
    assert late == MP3_LAG
    # The tail is padded to whole frames, as with any MP3.
    assert 0 <= (len(heard) - len(sound)) // SAMPLE_BYTES - late <= 2 * 576


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 24000])
async def test_a_turn_in_linear16_is_the_speech_of_the_origin_sample_by_sample(
    proxy: Proxy, agent: Agent, original: Original, rate: int
) -> None:
    tts = agent(proxy.url, output_audio_codec="linear16", speech_sample_rate=rate)
    assert_exactly(await original(HELLO, rate=rate), await say(tts, HELLO), rate=rate)


@pytest.mark.parametrize("codec", ["mulaw", "alaw", "wav", "opus", "aac", "flac"])
async def test_turns_in_every_other_codec_are_heard_as_from_the_origin_itself(
    proxy: Proxy, agent: Agent, emulator: Emulator, original: Original, codec: str
) -> None:
    sound = await original(HELLO, rate=16000)
    options = {"output_audio_codec": codec, "speech_sample_rate": 16000}
    direct = await say(agent(emulator.url, **options), HELLO)
    # The plugin's decoder loses the first packet of Opus and FLAC and two of AAC, whoever sends them.
    late = lag(sound, direct)
    tts = agent(proxy.url, **options)
    for _ in range(2):
        heard = await say(tts, HELLO)
        assert lag(sound, heard) == late
        assert likeness(sound, heard, lag=late) > 0.98


@pytest.mark.parametrize("language", LINES)
@pytest.mark.parametrize("codec", ["linear16", "mp3"])
async def test_hindi_tamil_and_english_are_spoken_and_the_second_time_they_are_hits(
    proxy: Proxy,
    agent: Agent,
    emulator: Emulator,
    facts: list[Event],
    original: Original,
    language: str,
    codec: str,
) -> None:
    speaker, sentences = LINES[language]
    sound = await original(*sentences, rate=RATE, language=language, speaker=speaker)
    tts = agent(proxy.url, target_language_code=language, speaker=speaker, output_audio_codec=codec)
    for _ in range(2):
        heard = await say(tts, " ".join(sentences))
        assert_heard(sound, heard, codec=codec)
        await landed(proxy)
    first, second = await turns(facts, 2)
    assert verdicts(first) == ["miss"] * 3
    assert verdicts(second) == ["hit-memory"] * 3
    assert emulator.counters.flushes == 3


async def test_a_v4_voice_speaks_by_the_path_of_its_own(
    proxy: Proxy, agent: Agent, original: Original
) -> None:
    text, model = "How may I help you?", "bulbul:v4-flash"
    # The plugin's own choice for this model.
    voice = {"language": "en-IN", "speaker": "shubh_en_narration_gentle"}
    tts = agent(
        proxy.url,
        model=model,
        speaker=None,
        target_language_code="en-IN",
        output_audio_codec="linear16",
    )
    sound = await original(text, rate=RATE, model=model, **voice)
    assert_exactly(sound, await say(tts, text))


# -- turns in a row --------------------------------------------------------------------------------


@pytest.mark.parametrize("codec", ["linear16", "mp3", "wav"])
async def test_two_turns_go_over_one_socket_and_the_second_is_a_hit(
    proxy: Proxy,
    agent: Agent,
    emulator: Emulator,
    facts: list[Event],
    original: Original,
    codec: str,
) -> None:
    tts = agent(proxy.url, output_audio_codec=codec)
    reused: list[bool] = []
    tts.on("metrics_collected", lambda told: reused.append(told.connection_reused))
    first = await say(tts, HELLO)
    await landed(proxy)
    second = await say(tts, HELLO)
    assert reused == [False, True]
    sound = await original(HELLO, rate=RATE)
    for heard in (first, second):
        assert_heard(sound, heard, codec=codec)
    assert list(map(verdicts, await turns(facts, 2))) == [["miss"], ["hit-memory"]]
    assert emulator.counters.flushes == 1


@pytest.mark.parametrize(
    "sentences",
    [
        FIVE[:3],
        ("Your bill is Rs. 450.50 in all.", "Dr. Rao will see you at 5.30 today!", "Is that fine?"),
        ("Sure!", "Ok.", "Let me see what I can do for you today.", "One moment, please."),
    ],
)
@pytest.mark.parametrize(
    "cut",
    [
        lambda text: [text],
        lambda text: list(text),
        lambda text: [text[at : at + 3] for at in range(0, len(text), 3)],
        lambda text: [f" {word}" if at else word for at, word in enumerate(text.split())],
        lambda text: [f"{word} " for word in text.split()],
    ],
    ids=["at once", "characters", "threes", "words, space first", "words, space last"],
)
async def test_however_an_llm_cuts_its_tokens_the_segments_are_the_sentences(
    proxy: Proxy,
    agent: Agent,
    emulator: Emulator,
    facts: list[Event],
    original: Original,
    sentences: tuple[str, ...],
    cut: Callable[[str], list[str]],
) -> None:
    voice = {"language": "en-IN" if sentences[0].isascii() else "hi-IN"}
    tts = agent(proxy.url, output_audio_codec="linear16", target_language_code=voice["language"])
    for sentence in sentences:
        await say(tts, sentence)
    await landed(proxy)
    spent = emulator.counters.flushes
    heard = await say(tts, *cut(" ".join(sentences)))
    *_, turn = await turns(facts, len(sentences) + 1)
    assert verdicts(turn) == ["hit-memory"] * len(sentences)
    assert_exactly(await original(*sentences, rate=RATE, **voice), heard)
    assert emulator.counters.flushes == spent


@pytest.mark.parametrize("codec", ["linear16", "mp3"])
async def test_hits_and_misses_of_one_turn_are_heard_in_order_without_a_click(
    proxy: Proxy, agent: Agent, facts: list[Event], original: Original, codec: str
) -> None:
    tts = agent(proxy.url, output_audio_codec=codec)
    for known in (FIVE[1], FIVE[3]):
        await say(tts, known)
    await landed(proxy)
    heard = await say(tts, " ".join(FIVE))
    *_, turn = await turns(facts, 3)
    assert verdicts(turn) == ["miss", "hit-memory", "miss", "hit-memory", "miss"]

    clips = [await original(sentence, rate=RATE) for sentence in FIVE]
    sound = b"".join(clips)
    if codec == "linear16":
        assert_exactly(sound, heard)
        return
    late = lag(sound, heard)
    assert late == MP3_LAG
    joins = [0, *accumulate(len(clip) // SAMPLE_BYTES for clip in clips)]
    for clip, start in zip(clips, joins, strict=False):
        # One lag for all: a gap, or a piece too much, would put what follows elsewhere.
        assert likeness(clip, heard, lag=late + start) > 0.99
    for join in joins[1:-1]:
        # The origin's sentences meet in silence; a click would stand out.
        around = slice(join + late - RATE // 50, join + late + RATE // 50)
        assert np.abs(samples(heard)[around]).max() < 200


async def test_a_long_text_is_heard_whole(
    proxy: Proxy, agent: Agent, emulator: Emulator, original: Original
) -> None:
    long = [f"यह वाक्य संख्या {number} है, और इसके बाद भी बहुत कुछ कहना है।" for number in range(1, 26)]
    heard = await say(
        agent(proxy.url, output_audio_codec="linear16"), *(f"{each} " for each in long)
    )
    assert_exactly(await original(*long, rate=RATE), heard)
    assert emulator.counters.flushes == len(long)


@pytest.mark.parametrize("way", ["at once", "word by word", "in three messages"])
async def test_a_greeting_of_three_sentences_is_a_hit_however_the_agent_sends_it(
    start_proxy: StartProxy,
    agent: Agent,
    facts: list[Event],
    emulator: Emulator,
    tmp_path: Path,
    way: str,
) -> None:
    (tmp_path / "desk.yaml").write_text(
        "languages: [hi-IN]\nvoice: {speaker: ritu}\nphrases:\n"
        f"  greeting: {{hi-IN: '{' '.join(GREETING)}', tags: [greeting]}}\n",
        encoding="utf-8",
    )
    pieces = {
        "at once": [" ".join(GREETING)],
        "word by word": [f"{word} " for word in " ".join(GREETING).split()],
        "in three messages": list(GREETING),
    }[way]
    async with start_proxy(phrases={"directory": tmp_path}) as proxy:
        await until(lambda: sum(isinstance(fact, PhraseGenerated) for fact in facts) == 3)
        spent = emulator.counters.flushes
        heard = await say(agent(proxy.url, speaker="ritu"), *pieces)
        (turn,) = await turns(facts, 1)
    assert verdicts(turn) == ["hit-memory"] * 3
    assert heard
    assert emulator.counters.flushes == spent == 3


async def test_a_blank_input_ends_at_once_and_the_next_turn_is_heard(
    proxy: Proxy, agent: Agent, emulator: Emulator, facts: list[Event]
) -> None:
    tts = agent(proxy.url, output_audio_codec="linear16")
    failed: list[object] = []
    tts.on("error", failed.append)
    assert await say(tts, " \n ") == b""
    assert await say(tts, "") == b""
    assert emulator.counters.flushes == 0
    assert await say(tts, HELLO)
    assert not failed


# -- barge-in --------------------------------------------------------------------------------------


def writers() -> int:
    """How many conversations a proxy holds."""
    return sum(task.get_name() == "writer" for task in asyncio.all_tasks())


@pytest.mark.parametrize("codec", ["linear16", "mp3"])
async def test_after_a_barge_in_the_next_turn_is_heard_and_nothing_is_left_behind(
    start_proxy: StartProxy,
    agent: Agent,
    emulator: Emulator,
    facts: list[Event],
    original: Original,
    codec: str,
) -> None:
    # The turn can't be over when the caller interrupts it: its last sentence stays away.
    emulator.change_faults(f"stall:seconds=forever:text={FIVE[2]}")
    async with start_proxy(origin={"stall_timeout_s": 1.0}) as proxy:
        tts = agent(proxy.url, output_audio_codec=codec)
        async with tts.stream() as stream:
            stream.push_text(" ".join(FIVE[:3]))
            stream.end_input()
            await anext(stream)
        emulator.change_faults("")

        heard = await say(tts, HELLO)
        assert_heard(await original(HELLO, rate=RATE), heard, codec=codec)
        outcomes = [turn.outcome for turn in await turns(facts, 2)]
        assert sorted(outcomes) == ["left", "ok"]

        # What was begun is finished and kept, even what nobody waits for any more.
        await landed(proxy)
        spent = emulator.counters.flushes
        again = await say(tts, " ".join(FIVE[:3]))
        assert_heard(await original(*FIVE[:3], rate=RATE), again, codec=codec)
        assert emulator.counters.flushes == spent

        assert writers() == 1
        await tts.aclose()
        await until(lambda: not writers())
        await until(lambda: all(" 0 leased" in repr(pool) for pool in proxy.pools))
        await until(lambda: emulator.counters.open == sum(pool.size for pool in proxy.pools))


# -- REST ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("codec", ["linear16", "wav", "mp3"])
async def test_synthesize_over_rest_shares_its_recordings_with_the_stream(
    proxy: Proxy, agent: Agent, emulator: Emulator, original: Original, codec: str
) -> None:
    tts = agent(proxy.url, output_audio_codec=codec)
    text, sound = " ".join(FIVE), await original(*FIVE, rate=RATE)
    whole = bytes((await tts.synthesize(text).collect()).data)
    await landed(proxy)
    streamed = await say(tts, text)
    assert emulator.counters.flushes == len(FIVE)
    assert emulator.counters.rest_calls == 0
    for heard in (whole, streamed):
        assert_heard(sound, heard, codec=codec)


# -- refusals --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "voice",
    [
        # The plugin knows this speaker, the API does not.
        {"speaker": "amelia"},
        {"model": "bulbul:v2", "speaker": "anushka"},
        {"model": "bulbul:v9", "speaker": "shubh"},
    ],
    ids=lambda voice: " ".join(voice.values()),
)
async def test_the_origins_refusal_of_a_voice_is_a_400_that_is_not_tried_again(
    proxy: Proxy, agent: Agent, emulator: Emulator, voice: dict[str, str]
) -> None:
    tts = agent(proxy.url, **voice)
    recoverable: list[bool] = []
    tts.on("error", lambda error: recoverable.append(error.recoverable))
    with pytest.raises(APIStatusError) as streamed:
        await say(tts, HELLO)
    with pytest.raises(APIStatusError) as whole:
        await tts.synthesize(HELLO).collect()
    assert (streamed.value.status_code, whole.value.status_code) == (400, 400)
    assert not streamed.value.retryable
    assert recoverable == [False, False]
    assert emulator.counters.refusals == 1


async def test_a_wrong_key_is_a_connection_error_and_the_right_one_speaks(
    start_proxy: StartProxy, agent: Agent, emulator: Emulator, tmp_path: Path
) -> None:
    async with start_proxy(auth=proxy_mode(tmp_path, one={"tokens": [KEY]})) as proxy:
        tts = agent(proxy.url, api_key="wrong")
        with pytest.raises(APIConnectionError, match="403"):
            await say(tts, HELLO, conn_options=ONCE)
        with pytest.raises(APIStatusError) as whole:
            await tts.synthesize(HELLO).collect()
        assert whole.value.status_code == 403
        assert emulator.counters.flushes == 0
        assert await say(agent(proxy.url), HELLO)


async def test_an_origin_that_breaks_off_is_an_error_and_never_a_short_turn(
    proxy: Proxy, agent: Agent, emulator: Emulator, original: Original
) -> None:
    emulator.change_faults("cut:after=1")
    tts = agent(proxy.url, output_audio_codec="linear16")
    with pytest.raises(APIStatusError) as caught:
        await say(tts, FIVE[0], conn_options=ONCE)
    assert caught.value.status_code >= 500
    emulator.change_faults("")
    assert_exactly(await original(FIVE[0], rate=RATE), await say(tts, FIVE[0]))
