"""THE PATH, on real parts: a segment becomes its clip, once, and only what is whole is kept."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from edgeproxy.audio import decode, quality
from edgeproxy.cache.clip import Clip, ClipFailed, Source
from edgeproxy.cache.flight import Flights
from edgeproxy.cache.memory import Memory
from edgeproxy.cache.store import Store
from edgeproxy.core.errors import OriginBabble, OriginError, OriginSilent, Overdrawn
from edgeproxy.core.events import CodecChanged, Event, FillRetried, RecordKept, RecordRefused
from edgeproxy.core.key import Teller
from edgeproxy.core.voice import Voice
from edgeproxy.emulator import Emulator, Knobs
from edgeproxy.sarvam.handshake import WS_PATHS, origin_url
from edgeproxy.speech import Ask, Patience, Speech
from edgeproxy.upstream.places import Places
from edgeproxy.upstream.pool import Limits, Pool
from edgeproxy.upstream.pools import Account, Pools
from edgeproxy.upstream.rest import RestDoor
from edgeproxy.upstream.session import OriginRefused, Session

from .conftest import until
from .fakes.origin import Origin, tone

ACCOUNT = Account("own", "origin-key")
VOICE = Voice(
    {
        "model": "bulbul:v3",
        "language": "hi-IN",
        "speaker": "shubh",
        "rate": 8000,
        "pace": 1.0,
        "temperature": 0.6,
    }
)
TELLER = Teller("ns", VOICE)
HELLO = "नमस्ते, आप कैसे हैं?"
PATIENCE = Patience(first_audio_s=2.0, stall_s=0.3)
SCHEMA = "Input parameters has to be a valid dictionary"


class House:
    """Speech and the rooms below it."""

    def __init__(self, speech: Speech, store: Store, flights: Flights, memory: Memory) -> None:
        self.speech, self.store, self.flights, self.memory = speech, store, flights, memory

    def ask(self, text: str = HELLO, *, keep: bool = True, voice: Voice = VOICE) -> Ask:
        return Ask(Teller("ns", voice).identity(text), ACCOUNT, keep=keep)

    async def hear(self, ask: Ask) -> tuple[bytes, Clip, str]:
        clip, how = self.speech.clip(ask)
        try:
            return await clip.whole(), clip, how
        finally:
            self.speech.leave(ask, clip)

    async def landed(self) -> None:
        await until(lambda: not len(self.flights))


@asynccontextmanager
async def open_house(
    directory: Path,
    emulator: Emulator | Origin,
    facts: list[Event],
    *,
    patience: Patience = PATIENCE,
    memory_bytes: int = 10_000_000,
    characters_kept: int = 200,
    ttl_s: float = 3600,
) -> AsyncIterator[House]:
    url = origin_url(emulator.url, WS_PATHS[0], websocket=True)

    def make_pool(account: Account, model: str, places: Places, voices: object) -> Pool:
        return Pool(
            model,
            lambda on_end: Session.dial(
                f"{url}?model={model}&send_completion_event=true",
                key=account.key,
                user_agent="test",
                timeout_s=3,
                codec="linear16",
                make_decoder=lambda codec, rate: decode.decoder(codec, rate=rate),
                ping_every_s=30,
                on_end=on_end,
            ),
            places=places,
            limits=Limits(ready=1, rest_s=0),
            emit=facts.append,
        )

    pools = Pools(make_pool, make_places=lambda: Places(100, recover_s=10))
    rest = RestDoor(
        emulator.url,
        user_agent="test",
        timeout_s=5,
        make_decoder=lambda codec, rate: decode.decoder(codec, rate=rate),
    )
    flights = Flights()
    store = await Store.open(directory, quota_bytes=10**8, min_free_bytes=0, emit=facts.append)
    memory = Memory(limit_bytes=memory_bytes)
    speech = Speech(
        memory=memory,
        flights=flights,
        store=store,
        pools=pools,
        rest=rest,
        patience=patience,
        characters_kept=characters_kept,
        ttl_s=ttl_s,
        emit=facts.append,
    )
    try:
        yield House(speech, store, flights, memory)
    finally:
        await flights.land(timeout_s=2)
        await pools.close()
        await rest.close()
        await store.close()


@pytest.fixture
async def house(tmp_path: Path, emulator: Emulator, facts: list[Event]) -> AsyncIterator[House]:
    async with open_house(tmp_path / "records", emulator, facts) as house:
        yield house


@pytest.fixture
async def origin() -> AsyncIterator[Origin]:
    """An origin whose texts are its scripts."""
    async with Origin() as origin:
        yield origin


async def test_first_the_origin_then_memory(house: House, emulator: Emulator) -> None:
    first, clip, how = await house.hear(house.ask())
    assert (how, clip.source) == ("fill", Source.ORIGIN)
    await house.landed()
    second, _, how = await house.hear(house.ask())
    assert how == "hit-memory"
    assert second == first
    assert emulator.counters.flushes == 1


async def test_then_the_disk_when_memory_has_forgotten(
    tmp_path: Path, emulator: Emulator, facts: list[Event]
) -> None:
    async with open_house(tmp_path / "r", emulator, facts, memory_bytes=0) as house:
        first, _, _ = await house.hear(house.ask())
        await house.landed()
        second, clip, _ = await house.hear(house.ask())
    assert clip.source is Source.DISK
    assert second == first
    assert emulator.counters.flushes == 1


async def test_a_record_past_its_time_is_spoken_afresh(
    tmp_path: Path, emulator: Emulator, facts: list[Event]
) -> None:
    async with open_house(tmp_path / "r", emulator, facts, memory_bytes=0, ttl_s=1e-9) as house:
        for _ in range(2):
            await house.hear(house.ask())
            await house.landed()
    assert emulator.counters.flushes == 2


async def test_what_is_in_memory_ages_as_what_is_on_the_disk(
    tmp_path: Path, emulator: Emulator, facts: list[Event]
) -> None:
    async with open_house(tmp_path / "r", emulator, facts, ttl_s=1e-9) as house:
        for _ in range(2):
            _, clip, how = await house.hear(house.ask())
            await house.landed()
            assert (how, clip.source) == ("fill", Source.ORIGIN)
    assert emulator.counters.flushes == 2


async def test_an_encoded_form_is_kept_and_counted_once(house: House) -> None:
    await house.hear(house.ask())
    await house.landed()
    ask = house.ask()
    clip, _ = house.speech.clip(ask)
    before = house.memory.size
    # As by two callers who heard the same clip grow, each with an encoder of its own.
    for ready in (b"x" * 100, b"y" * 100):
        house.speech.keep_ready(ask, clip, ("mp3", "128k"), ready)
    assert clip.ready == {("mp3", "128k"): b"x" * 100}
    assert house.memory.size - before == clip.ready_bytes == 100


@pytest.mark.parametrize(
    "fault",
    ["cut:after=0", "close:after=0:code=1011", "missing_final", "error:after=0", "empty", "odd"],
)
async def test_what_breaks_unheard_is_filled_again_on_a_fresh_session(
    house: House, emulator: Emulator, facts: list[Event], fault: str
) -> None:
    emulator.change_faults(f"{fault}:count=1")
    healed, clip, _ = await house.hear(house.ask())
    assert clip.times.attempts == 2
    assert sum(isinstance(fact, FillRetried) for fact in facts) == 1
    await house.landed()
    emulator.change_faults("")
    again, _, _ = await house.hear(house.ask("और कुछ"))
    assert again
    assert healed == (await house.hear(house.ask()))[0]


async def test_a_second_failure_is_the_clips(house: House, emulator: Emulator) -> None:
    emulator.change_faults("cut:after=0")
    with pytest.raises(ClipFailed) as caught:
        await house.hear(house.ask())
    assert isinstance(caught.value.__cause__, OriginError)
    assert emulator.counters.spoken(HELLO) == 2


async def drain(pieces: AsyncIterator[bytes]) -> None:
    async for _ in pieces:
        pass


async def test_what_was_heard_is_never_filled_again(house: House, emulator: Emulator) -> None:
    emulator.change_faults("cut:after=1")
    ask = house.ask("यह वाक्य काफ़ी लंबा है, ताकि बीच में टूट सके और सुना भी जा सके।")
    clip, _ = house.speech.clip(ask)
    heard = aiter(clip)
    assert await anext(heard)
    with pytest.raises(ClipFailed):
        await drain(heard)
    assert emulator.counters.flushes == 1


@pytest.mark.parametrize(
    "fault",
    ["cut:after=1", "missing_final", "error:after=1", "close:after=1:code=1000", "silence"],
)
async def test_nothing_partial_or_silent_is_ever_kept(
    house: House, emulator: Emulator, facts: list[Event], fault: str
) -> None:
    emulator.change_faults(fault)
    ask = house.ask("यह वाक्य टूट जाएगा।")
    clip, _ = house.speech.clip(ask)
    try:
        async for _ in clip:
            pass
    except ClipFailed:
        pass
    await house.landed()
    assert len(house.store) == 0
    assert not [fact for fact in facts if isinstance(fact, RecordKept)]


async def test_silence_is_delivered_but_refused_by_the_record(
    house: House, emulator: Emulator, facts: list[Event]
) -> None:
    emulator.change_faults("silence")
    pcm, _, _ = await house.hear(house.ask())
    assert not any(pcm)
    await house.landed()
    (refused,) = [fact for fact in facts if isinstance(fact, RecordRefused)]
    assert "silence" in refused.reason


async def test_what_may_not_be_kept_is_not(
    tmp_path: Path, emulator: Emulator, facts: list[Event]
) -> None:
    async with open_house(tmp_path / "r", emulator, facts, characters_kept=10) as house:
        await house.hear(house.ask("यह दस अक्षरों से लंबा है।"))
        await house.hear(house.ask("छोटा।", keep=False))
        await house.landed()
        assert len(house.store) == 0


async def test_a_refusal_is_passed_on_with_a_hint_and_costs_the_origin_nothing_twice(
    house: House, emulator: Emulator
) -> None:
    nobody = Voice({**VOICE.fields, "speaker": "nobody"})
    with pytest.raises(ClipFailed) as caught:
        await house.hear(house.ask(voice=nobody))
    assert isinstance(caught.value.__cause__, OriginRefused)
    assert "nobody" in caught.value.__cause__.refusal.message
    refused = emulator.counters.refusals
    for text in (HELLO, "एक और"):
        with pytest.raises(ClipFailed):
            await house.hear(house.ask(text, voice=nobody))
    assert emulator.counters.refusals == refused
    assert (await house.hear(house.ask()))[0]


async def test_what_has_no_word_in_it_is_a_pause_and_costs_nothing(
    house: House, emulator: Emulator
) -> None:
    for text in ("…", "🙂", "—"):
        pcm, _, how = await house.hear(house.ask(text))
        assert how == "pause"
        assert pcm
        assert not any(pcm)
    assert emulator.counters.flushes == 0


async def test_a_rate_the_websocket_has_not_comes_from_rest(
    house: House, emulator: Emulator
) -> None:
    pcm, clip, _ = await house.hear(house.ask(voice=VOICE.at_rate(48000)))
    assert clip.rate == 48000
    assert len(pcm) > 48000
    assert (emulator.counters.rest_calls, emulator.counters.flushes) == (1, 0)


async def test_a_hundred_ask_at_once_and_some_leave(house: House, emulator: Emulator) -> None:
    asks = [house.ask() for _ in range(100)]
    clips = [house.speech.clip(ask)[0] for ask in asks]
    for ask, clip in zip(asks[::3], clips[::3], strict=True):
        house.speech.leave(ask, clip)
    heard = await asyncio.gather(*(clip.whole() for clip in clips))
    assert len(set(heard)) == 1
    assert emulator.counters.flushes == 1


async def test_where_raw_pcm_is_refused_mp3_is_asked_for_from_then_on(
    tmp_path: Path, facts: list[Event]
) -> None:
    knobs = Knobs(codecs=frozenset({"mp3"}))
    async with (
        Emulator(knobs=knobs) as emulator,
        open_house(tmp_path / "records", emulator, facts) as house,
    ):
        heard, _, _ = await house.hear(house.ask())
        refused = emulator.counters.refusals
        more, clip, _ = await house.hear(house.ask("और एक वाक्य।"))
        assert heard
        assert more
        assert clip.times.attempts == 1
        assert emulator.counters.refusals == refused == 1
    assert [fact.codec for fact in facts if isinstance(fact, CodecChanged)] == ["mp3"]


async def test_a_codec_refused_unheard_leaves_nothing_of_the_first_attempt(
    tmp_path: Path, origin: Origin, facts: list[Event]
) -> None:
    async with open_house(tmp_path / "records", origin, facts) as house:
        heard, clip, _ = await house.hear(
            house.ask("audio 1000 then refuse 422 output_audio_codec or audio 2000")
        )
    assert [codec for codec, _ in origin.asked] == ["linear16", "mp3"]
    assert clip.times.attempts == 2
    assert 2.0 <= len(heard) / len(tone(1000, 8000)) < 2.5, "MP3 pads, by two frames at most"


async def test_a_codec_refused_after_audio_was_heard_breaks_the_clip_and_keeps_nothing(
    tmp_path: Path, origin: Origin, facts: list[Event]
) -> None:
    async with open_house(tmp_path / "records", origin, facts) as house:
        ask = house.ask("audio then wait then refuse 422 output_audio_codec or audio")
        clip, _ = house.speech.clip(ask)
        pieces = aiter(clip)
        assert await anext(pieces) == tone(500, 8000)
        origin.permit.set()
        with pytest.raises(ClipFailed, match="output_audio_codec"):
            await drain(pieces)
        await house.landed()
        assert clip.pcm() == tone(500, 8000)
        assert (len(house.store), len(house.memory)) == (0, 0)
    assert [codec for codec, _ in origin.asked] == ["linear16"]


async def test_a_refusal_that_names_nothing_does_not_change_the_codec(
    tmp_path: Path, origin: Origin, facts: list[Event]
) -> None:
    async with open_house(tmp_path / "records", origin, facts) as house:
        with pytest.raises(ClipFailed, match=SCHEMA):
            await house.hear(house.ask(f"refuse 422 {SCHEMA} or audio"))
        assert await house.hear(house.ask("audio"))
    assert [codec for codec, _ in origin.asked] == ["linear16", "linear16"]
    assert not [fact for fact in facts if isinstance(fact, CodecChanged)]


async def test_a_refusal_that_names_no_field_of_the_voice_is_remembered_for_its_text_only(
    tmp_path: Path, origin: Origin, facts: list[Event]
) -> None:
    async with open_house(tmp_path / "records", origin, facts) as house:
        for _ in range(2):
            with pytest.raises(ClipFailed, match="nobody knows why"):
                await house.hear(house.ask("refuse 400 nobody knows why or audio"))
        assert len(origin.asked) == 1
        assert (await house.hear(house.ask("audio")))[0] == tone(500, 8000)


async def test_an_account_that_is_turned_away_is_asked_for_again(
    tmp_path: Path, origin: Origin, facts: list[Event]
) -> None:
    async with open_house(tmp_path / "records", origin, facts) as house:
        ask = house.ask("refuse 403 not for the speaker of this account or audio")
        with pytest.raises(ClipFailed, match="account"):
            await house.hear(ask)
        assert (await house.hear(ask))[0] == tone(500, 8000)


@pytest.mark.parametrize(
    ("script", "patience", "error", "said"),
    [
        ("audio for ever", {}, OriginBabble, "more audio than"),
        ("empty for ever", {"first_audio_s": 0.1}, OriginSilent, "no audio within 0.1 s"),
        ("audio 100 then empty for ever", {"stall_s": 0.1}, OriginSilent, "mid-utterance"),
        ("wait", {"answer_s": 0.1}, OriginSilent, "no audio within 0.1 s"),
        # What came of an attempt that nobody has heard does not count as an answer.
        (
            "audio then refuse 500 or wait",
            {"answer_s": 0.2, "first_audio_s": 1.0},
            OriginSilent,
            "no audio within 0.2 s",
        ),
        ("audio 1 for ever", {"fill_s": 0.1}, OriginSilent, "not over within 0.1 s"),
    ],
)
async def test_an_origin_that_never_comes_to_an_end_is_ended_in_time_and_in_size(
    tmp_path: Path,
    origin: Origin,
    facts: list[Event],
    script: str,
    patience: dict[str, float],
    error: type[OriginError],
    said: str,
) -> None:
    patient = replace(Patience(first_audio_s=60, stall_s=60, answer_s=60), **patience)
    async with open_house(tmp_path / "records", origin, facts, patience=patient) as house:
        ask = house.ask(script)
        clip, _ = house.speech.clip(ask)
        async with asyncio.timeout(10):
            with pytest.raises(ClipFailed, match=said) as caught:
                await clip.whole()
        assert isinstance(caught.value.__cause__, error)
        assert clip.size <= quality.longest_s(script) * len(tone(1000, 8000))
        await house.landed()
        assert len(house.store) == 0


# -- who pays --------------------------------------------------------------------------------------


class Purse:
    """So many characters, and what became of them."""

    def __init__(self, characters: int) -> None:
        self.left = self.least = characters

    def spend(self, characters: int) -> None:
        if characters > self.left:
            raise Overdrawn("nothing left")
        self.left -= characters
        self.least = min(self.least, self.left)

    def give_back(self, characters: int) -> None:
        self.left += characters


async def test_whoever_opens_a_flight_pays_and_hits_and_joiners_do_not(house: House) -> None:
    purses = [Purse(100), Purse(0), Purse(0)]
    first, joiner, late = (replace(house.ask(), purse=purse) for purse in purses)
    await asyncio.gather(house.hear(first), house.hear(joiner))
    await house.landed()
    assert (await house.hear(late))[2] == "hit-memory"
    assert [purse.left for purse in purses] == [100 - len(HELLO), 0, 0]


async def test_an_empty_purse_is_an_error_before_anything_is_asked_for(
    house: House, emulator: Emulator
) -> None:
    with pytest.raises(ClipFailed) as caught:
        await house.hear(replace(house.ask(), purse=Purse(len(HELLO) - 1)))
    assert isinstance(caught.value.__cause__, Overdrawn)
    assert emulator.counters.connections == 0


@pytest.mark.parametrize(
    ("faults", "paid_for"),
    [("cut:count=1", 2), ("missing_final:count=1", 2), ("refuse:count=1", 1)],
)
async def test_each_attempt_is_paid_for_that_reached_the_origin(
    house: House, emulator: Emulator, faults: str, paid_for: int
) -> None:
    purse = Purse(1000)
    emulator.change_faults(faults)
    await house.hear(replace(house.ask(), purse=purse))
    assert 1000 - purse.left == paid_for * len(HELLO) == emulator.counters.characters


async def test_what_the_origin_refuses_or_nobody_waits_for_is_given_back(
    house: House, emulator: Emulator
) -> None:
    purse = Purse(1000)
    nobody = Voice({**VOICE.fields, "speaker": "nobody"})
    with pytest.raises(ClipFailed):
        await house.hear(replace(house.ask(voice=nobody), purse=purse))
    assert purse.left == 1000
    assert purse.least < 1000
    emulator.change_faults("hang")
    ask = replace(house.ask("नया।", voice=Voice({**VOICE.fields, "model": "x"})), purse=purse)
    clip, _ = house.speech.clip(ask)
    await until(lambda: purse.left < 1000)
    house.speech.leave(ask, clip)
    await until(lambda: purse.left == 1000)
