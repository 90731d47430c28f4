import aiohttp
import pytest

from edgeproxy.cli.bench.answers import ANSWERS
from edgeproxy.cli.bench.wire import Ear, TurnFailed, line
from edgeproxy.emulator.server import Emulator


def test_an_ear_notes_the_first_and_the_last_of_what_can_be_heard() -> None:
    ear = Ear()
    ear.hear(b"")
    assert ear.first is None
    ear.hear(bytes(10))
    first = ear.last
    ear.hear(bytes(20))
    assert (ear.first, ear.pcm_bytes) == (first, 30)
    assert ear.last is not None
    assert first is not None
    assert ear.last >= first


async def test_a_line_speaks_a_turn_to_its_final(emulator: Emulator) -> None:
    async with aiohttp.ClientSession() as http, line(http, emulator.url) as connection:
        await connection.configure(ANSWERS[0].voice, codec="linear16")
        for _ in range(2):
            await connection.text("One moment.")
            await connection.flush()
            assert b"".join([audio async for audio in connection.audio()])
    assert emulator.counters.finals == 2


async def test_a_refusal_fails_the_turn(emulator: Emulator) -> None:
    async with aiohttp.ClientSession() as http, line(http, emulator.url) as connection:
        await connection.configure({**ANSWERS[0].voice, "speaker": "nobody"}, codec="linear16")
        with pytest.raises(TurnFailed, match="nobody"):
            [audio async for audio in connection.audio()]


async def test_a_lost_connection_fails_the_turn(emulator: Emulator) -> None:
    emulator.change_faults("cut")
    async with aiohttp.ClientSession() as http, line(http, emulator.url) as connection:
        await connection.configure(ANSWERS[0].voice, codec="linear16")
        await connection.text("One moment.")
        await connection.flush()
        with pytest.raises(TurnFailed, match="closed"):
            [audio async for audio in connection.audio()]
