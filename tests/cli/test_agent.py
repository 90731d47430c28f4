"""An agent's lines through LiveKit's plugin."""

from edgeproxy.app import Proxy
from edgeproxy.cli.agent import LINES, speak_lines
from edgeproxy.emulator.server import Emulator

from ..conftest import landed


async def test_the_second_time_every_line_is_a_hit(proxy: Proxy, emulator: Emulator) -> None:
    first = [spoken async for spoken in speak_lines(proxy.url, key="k")]
    await landed(proxy)
    spent = emulator.counters.flushes
    again = [spoken async for spoken in speak_lines(proxy.url, key="k")]
    assert emulator.counters.flushes == spent
    assert [spoken.line for spoken in again] == list(LINES)
    for one, two in zip(first, again, strict=True):
        assert one.sound_s == two.sound_s > 1
        assert two.first_audio_s > 0
