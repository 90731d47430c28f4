"""A record that is evicted while somebody listens to it is heard to its end."""

from pathlib import Path

from edgeproxy.core.events import Event, RecordEvicted

from ..conftest import StartProxy, landed
from ..downstream.conftest import talk_slowly
from ..fakes.truth import Truth
from ..wire import talk
from .conftest import LONG

OTHERS = [f"यह वाक्य संख्या {number} है, और यह थोड़ा लंबा है।" for number in range(12)]


async def test_a_record_that_is_evicted_while_it_is_read_is_heard_to_its_end(
    start: StartProxy, truth: Truth, facts: list[Event], tmp_path: Path
) -> None:
    records = tmp_path / "data" / "records"
    cache = {"memory_bytes": 0, "quota_bytes": 250_000}
    async with start(cache=cache) as proxy, talk(proxy.url) as client:
        await client.say(LONG)
        await landed(proxy)
        async with talk_slowly(proxy.url) as slow:
            await slow.config()
            await slow.text(LONG)
            await slow.flush()
            first = await slow.hear()
            (record,) = records.rglob("*.val")
            for text in OTHERS:
                await client.say(text)
            await landed(proxy)
            assert any(isinstance(fact, RecordEvicted) for fact in facts)
            assert not record.exists()
            rest = await slow.answer()
        assert first["type"] == "audio"
        assert not rest.errors
        assert rest.verdicts == ["hit-disk"]
        assert (await truth.turn(LONG)).endswith(rest.audio)
        assert (await client.say(LONG)).audio == await truth.turn(LONG)
