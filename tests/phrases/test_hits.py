"""Hits are counted by unit: whatever generation, take and rate was heard."""

from datetime import UTC, datetime
from pathlib import Path

from edgeproxy.core.key import Teller
from edgeproxy.core.voice import Voice
from edgeproxy.phrases.hits import open_hits
from edgeproxy.phrases.pinned import namespace, unit_key

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
VOICE = Voice({"model": "bulbul:v3", "language": "en-IN", "speaker": "ritu", "rate": 24000})


async def test_all_that_is_heard_of_a_unit_is_counted_together_and_scopes_apart(
    tmp_path: Path,
) -> None:
    hits = open_hits(tmp_path, now=lambda: NOON)
    for number, take, rate in ((1, 0, 24000), (1, 1, 24000), (2, 0, 8000)):
        hits.count(Teller(namespace(number, take), VOICE.at_rate(rate)).identity("Hello."))
    hits.count(Teller(namespace(1, 0, scope="acme"), VOICE).identity("Hello."))
    # Of a book, but nobody has made it yet: whoever asked it of the origin heard no phrase.
    hits.count(Teller("books", VOICE).identity("Hello."))
    unsaved = hits.of_days(1, now=NOON)

    await hits.save()

    expected = {unit_key(VOICE, "Hello."): 3, unit_key(VOICE, "Hello.", scope="acme"): 1}
    assert unsaved == open_hits(tmp_path).of_days(1, now=NOON) == expected


async def test_a_damaged_day_begins_anew(tmp_path: Path) -> None:
    hits = open_hits(tmp_path, now=lambda: NOON)
    for damage in ("", "[]", '{"form":9}', '{"form":1,"heard":{"k":"x"}}'):
        (tmp_path / "2026-11-24.json").write_text(damage)
        assert not hits.of_days(1, now=NOON)
