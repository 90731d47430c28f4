"""A session with a real WebSocket origin: one utterance at a time, reusable only after its final."""

import asyncio
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, cast

import pytest

from edgeproxy.core.errors import (
    OriginBabble,
    OriginClosed,
    OriginError,
    OriginLetGo,
    OriginSilent,
    OriginUnreachable,
)
from edgeproxy.core.voice import Voice
from edgeproxy.emulator.server import Emulator
from edgeproxy.upstream.session import OriginRefused, Session, State, Utterance

from ..conftest import until
from ..fakes.origin import Origin
from .conftest import OTHER, UNCARRIABLE, VOICE, dial_to, turning_away

Open = Callable[..., Awaitable[Session]]


@pytest.fixture
async def open_session(emulator: Emulator) -> AsyncIterator[Open]:
    sessions: list[Session] = []

    async def open_one(*, url: str | None = None, **options: Any) -> Session:
        dial = cast(
            "Callable[[Callable[[Session], None]], Awaitable[Session]]",
            dial_to(url or emulator.url, **options),
        )
        session = await dial(lambda _: None)
        sessions.append(session)
        return session

    yield open_one
    for session in sessions:
        await session.close()


async def speak(
    session: Session, text: str, *, voice: Voice = VOICE, stall_timeout_s: float = 5.0
) -> tuple[bytes, Utterance]:
    pieces: list[bytes] = []
    utterance = await session.speak(
        voice,
        text,
        into=pieces.append,
        first_audio_timeout_s=5,
        stall_timeout_s=stall_timeout_s,
    )
    return b"".join(pieces), utterance


async def test_it_speaks_and_is_reusable_after_the_final(
    open_session: Open, emulator: Emulator
) -> None:
    session = await open_session()
    first, _ = await speak(session, "नमस्ते, आप कैसे हैं?")
    assert len(first) > 8000
    assert session.reusable
    again, _ = await speak(session, "नमस्ते, आप कैसे हैं?")
    assert again == first
    assert emulator.counters.connections == 1


async def test_an_equal_voice_is_told_once_and_another_one_anew(
    open_session: Open, emulator: Emulator
) -> None:
    session = await open_session()
    told = [
        (await speak(session, "एक दो तीन", voice=voice))[1].configured
        for voice in (VOICE, VOICE, OTHER, VOICE)
    ]
    assert told == [True, False, True, True]
    assert emulator.counters.configs == 3


async def test_times_come_in_order(open_session: Open) -> None:
    _, utterance = await speak(await open_session(), "hello there")
    assert utterance.sent is not None
    assert utterance.first_byte is not None
    assert utterance.first_pcm is not None
    assert utterance.sent <= utterance.first_byte <= utterance.first_pcm


async def test_mp3_is_decoded_to_what_pcm_would_have_been(open_session: Open) -> None:
    exact, _ = await speak(await open_session(), "नमस्ते, आप कैसे हैं?")
    lossy, _ = await speak(await open_session(codec="mp3"), "नमस्ते, आप कैसे हैं?")
    assert abs(len(lossy) - len(exact)) <= 2 * 1152 * 2


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("cut", OriginClosed),
        ("close:code=1011", OriginClosed),
        ("close:code=1000", OriginClosed),
        ("error:code=500", OriginRefused),
        ("garbage", OriginBabble),
        ("odd", OriginBabble),
    ],
)
async def test_whatever_breaks_an_utterance_ends_the_session(
    open_session: Open, emulator: Emulator, fault: str, error: type[OriginError]
) -> None:
    session = await open_session()
    emulator.change_faults(fault)
    with pytest.raises(error):
        await speak(session, "यह वाक्य टूट जाएगा, क्योंकि आज मौसम ख़राब है।")
    assert session.state is State.ENDED
    assert not session.reusable
    with pytest.raises(OriginLetGo, match="ended while idle"):
        await speak(session, "और एक")


async def test_a_close_for_the_accounts_limit_is_no_fault_of_the_utterance(
    open_session: Open, emulator: Emulator
) -> None:
    session = await open_session()
    emulator.change_faults("close:code=1003")
    with pytest.raises(OriginLetGo, match="1003"):
        await speak(session, "यह वाक्य टूट जाएगा, क्योंकि आज मौसम ख़राब है।")
    assert session.hit_limit


@pytest.mark.parametrize("fault", ["stall:seconds=forever", "missing_final"])
async def test_silence_in_mid_utterance_times_out(
    open_session: Open, emulator: Emulator, fault: str
) -> None:
    session = await open_session()
    emulator.change_faults(fault)
    with pytest.raises(OriginSilent, match="mid-utterance"):
        await speak(session, "यह वाक्य रुक जाएगा।", stall_timeout_s=0.1)
    assert session.state is State.ENDED


async def test_no_first_audio_times_out(open_session: Open, emulator: Emulator) -> None:
    session = await open_session()
    emulator.change_faults("stall:seconds=forever:after=0")
    with pytest.raises(OriginSilent, match="no audio within"):
        await session.speak(
            VOICE, "hello", into=lambda _: None, first_audio_timeout_s=0.1, stall_timeout_s=5
        )


@pytest.mark.parametrize(
    ("script", "said"),
    [("empty for ever", "no audio within"), ("audio 100 then empty for ever", "mid-utterance")],
)
async def test_messages_without_sound_in_them_are_no_progress(
    open_session: Open, origin: Origin, script: str, said: str
) -> None:
    session = await open_session(url=origin.url)
    async with asyncio.timeout(10):
        with pytest.raises(OriginSilent, match=said):
            await session.speak(
                VOICE,
                script,
                into=lambda _: None,
                first_audio_timeout_s=0.1 if script.startswith("empty") else 60,
                stall_timeout_s=0.1,
            )
    assert session.state is State.ENDED


async def test_late_audio_ends_the_session_and_is_given_to_nobody(
    open_session: Open, emulator: Emulator
) -> None:
    session = await open_session()
    emulator.change_faults("late_audio")
    heard, _ = await speak(session, "देर से आने वाली आवाज़।")
    await until(lambda: not session.reusable)
    assert "stray audio" in session.ended_because
    emulator.change_faults("")
    whole, _ = await speak(await open_session(), "देर से आने वाली आवाज़।")
    assert whole.startswith(heard)
    assert len(heard) < len(whole)


async def test_a_cancelled_utterance_ends_the_session(
    open_session: Open, emulator: Emulator
) -> None:
    session = await open_session()
    emulator.change_faults("stall:seconds=forever")
    heard = asyncio.Event()
    speaking = asyncio.ensure_future(
        session.speak(
            VOICE,
            "यह वाक्य बीच में छोड़ दिया जाएगा।",
            into=lambda _: heard.set(),
            first_audio_timeout_s=5,
            stall_timeout_s=5,
        )
    )
    await heard.wait()
    speaking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await speaking
    assert session.state is State.ENDED


async def test_a_session_the_origin_closed_while_idle_is_known_at_once(
    open_session: Open, emulator: Emulator
) -> None:
    session = await open_session()
    await emulator.stop()
    await until(lambda: not session.reusable)
    assert "closed the connection" in session.ended_because


async def test_the_origins_refusal_is_passed_on_as_it_came(open_session: Open) -> None:
    nobody = Voice({**VOICE.fields, "speaker": "nobody"})
    with pytest.raises(OriginRefused, match="nobody") as caught:
        await speak(await open_session(), "hello", voice=nobody)
    assert caught.value.is_clients_fault
    assert caught.value.status == 400


async def test_pings_are_sent_while_it_is_idle(open_session: Open, emulator: Emulator) -> None:
    await open_session(ping_every_s=0.01)
    await until(lambda: emulator.counters.pings >= 3)


@pytest.mark.parametrize(("fault", "status"), [("403", 403), ("429", 429)])
async def test_a_refused_handshake_says_so(
    open_session: Open, emulator: Emulator, fault: str, status: int
) -> None:
    emulator.change_faults(fault)
    with pytest.raises(OriginRefused) as caught:
        await open_session()
    assert caught.value.status == status


async def test_a_refused_handshake_says_when_to_come_again(open_session: Open) -> None:
    async with turning_away(429, retry_after="7") as url:
        with pytest.raises(OriginRefused) as caught:
            await open_session(url=url)
    assert (caught.value.status, caught.value.refusal.retry_after_s) == (429, 7.0)


async def test_a_black_holed_connect_is_bounded(open_session: Open, emulator: Emulator) -> None:
    emulator.change_faults("hang")
    async with asyncio.timeout(5):
        with pytest.raises(OriginUnreachable, match="no answer in time"):
            await open_session(timeout_s=0.1)


async def test_a_session_that_opens_on_a_black_hole_is_bounded(
    open_session: Open, emulator: Emulator
) -> None:
    emulator.change_faults("black_hole")
    session = await open_session()
    with pytest.raises(OriginSilent, match="no audio within"):
        await session.speak(
            VOICE, "hello", into=lambda _: None, first_audio_timeout_s=0.1, stall_timeout_s=5
        )


async def test_nobody_there_is_unreachable(open_session: Open, emulator: Emulator) -> None:
    emulator.change_faults("refuse")
    with pytest.raises(OriginUnreachable):
        await open_session()


@pytest.mark.parametrize("key", UNCARRIABLE)
async def test_a_key_that_no_header_can_carry_is_unreachable_and_is_not_quoted(
    open_session: Open, emulator: Emulator, key: str
) -> None:
    with pytest.raises(OriginUnreachable) as caught:
        await open_session(key=key)
    # As a log would have it, causes and all.
    told = "".join(traceback.format_exception(caught.value))
    assert "key-" not in told.replace("api-subscription-key", "")
    assert emulator.counters.connections == 0
