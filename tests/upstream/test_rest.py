"""The origin's REST door: one request, one answer, and every way it can go wrong."""

import traceback
from collections.abc import AsyncIterator

import pytest

from edgeproxy.audio import decode
from edgeproxy.core.audio import Decoder
from edgeproxy.core.errors import OriginError, OriginSilent, OriginUnreachable
from edgeproxy.emulator.server import Emulator
from edgeproxy.upstream.pools import Account
from edgeproxy.upstream.rest import RestDoor
from edgeproxy.upstream.session import OriginRefused

from .conftest import UNCARRIABLE, VOICE, turning_away

ACCOUNT = Account("own", "origin-key")
HIGH = VOICE.at_rate(48000)


def decode_wav(codec: str, rate: int) -> Decoder:
    return decode.decoder(codec, rate=rate)


@pytest.fixture
async def door(emulator: Emulator) -> AsyncIterator[RestDoor]:
    door = RestDoor(
        emulator.url,
        user_agent="edgeproxy/test",
        timeout_s=1,
        make_decoder=decode_wav,
    )
    yield door
    await door.close()


async def speak(door: RestDoor, text: str = "नमस्ते", *, account: Account = ACCOUNT) -> bytes:
    pieces: list[bytes] = []
    await door.speak(account, HIGH, text, into=pieces.append, on_sent=lambda _: None)
    return b"".join(pieces)


async def test_it_speaks_at_rates_the_websocket_has_not(door: RestDoor, emulator: Emulator) -> None:
    pcm = await speak(door)
    assert len(pcm) > 48000 // 2
    assert pcm == await speak(door)
    assert emulator.counters.rest_calls == 2


async def test_times_are_told(door: RestDoor) -> None:
    utterance = await door.speak(ACCOUNT, HIGH, "नमस्ते", into=lambda _: None, on_sent=lambda _: None)
    assert utterance.sent is not None
    assert utterance.first_byte is not None
    assert utterance.first_byte >= utterance.sent


@pytest.mark.parametrize(("fault", "status"), [("403", 403), ("429", 429), ("500", 500)])
async def test_a_refusal_is_passed_on(
    door: RestDoor, emulator: Emulator, fault: str, status: int
) -> None:
    emulator.change_faults(fault)
    with pytest.raises(OriginRefused) as caught:
        await speak(door)
    assert caught.value.status == status


async def test_a_refusal_says_when_to_come_again() -> None:
    async with turning_away(429, retry_after="7") as url:
        door = RestDoor(url, user_agent="t", timeout_s=1, make_decoder=decode_wav)
        with pytest.raises(OriginRefused) as caught:
            await speak(door)
        await door.close()
    assert caught.value.refusal.retry_after_s == 7.0


async def test_no_answer_in_time_is_silence(door: RestDoor, emulator: Emulator) -> None:
    emulator.change_faults("hang")
    with pytest.raises(OriginSilent):
        await speak(door)


async def test_a_broken_connection_is_the_origins_fault(door: RestDoor, emulator: Emulator) -> None:
    emulator.change_faults("refuse")
    with pytest.raises(OriginError):
        await speak(door)


async def test_nobody_there_is_unreachable(door: RestDoor, emulator: Emulator) -> None:
    await emulator.stop()
    with pytest.raises(OriginUnreachable):
        await speak(door)


@pytest.mark.parametrize("key", UNCARRIABLE)
async def test_a_key_that_no_header_can_carry_is_never_quoted(
    door: RestDoor, emulator: Emulator, key: str
) -> None:
    emulator.change_faults("403")  # some of them are sent as they are
    with pytest.raises(OriginError) as caught:
        await speak(door, account=Account("own", key))
    # As a log would have it, causes and all.
    told = "".join(traceback.format_exception(caught.value))
    assert "key-" not in told.replace("api-subscription-key", "")
