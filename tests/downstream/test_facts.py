"""What is told of a segment."""

import pytest

from edgeproxy.ask import Ask
from edgeproxy.cache.clip import Clip, Source
from edgeproxy.core.key import Teller
from edgeproxy.core.voice import Voice
from edgeproxy.downstream.facts import Part, turn_ended, verdict
from edgeproxy.upstream.pools import Account

VOICE = Voice({"model": "m", "language": "l", "speaker": "s", "rate": 8000})
ASK = Ask(Teller("ns", VOICE).identity("नमस्ते"), Account("own", "k"))


@pytest.mark.parametrize(
    ("how", "source", "told"),
    [
        ("hit-memory", Source.MEMORY, "hit-memory"),
        ("collapsed", Source.ORIGIN, "collapsed"),
        ("pause", Source.MEMORY, "pause"),
        ("fill", Source.DISK, "hit-disk"),
        ("fill", Source.ORIGIN, "miss"),
        ("fill", None, "miss"),
    ],
)
def test_the_verdict_says_where_it_came_from(how: str, source: Source | None, told: str) -> None:
    clip = Clip(rate=8000)
    clip.source = source
    assert verdict(clip, how) == told


@pytest.mark.parametrize("how", ["fill", "hit-memory"])
def test_times_are_told_since_the_text_was_received_and_only_of_ones_own_fill(how: str) -> None:
    clip = Clip(rate=8000)
    clip.append(bytes(160))
    clip.times.leased, clip.times.sent, clip.times.attempts = 101.0, 102.0, 1
    part = Part(ask=ASK, clip=clip, how=how, decided=100.5, first_write=103.0)
    told = part.spoken(received=100.0, failed=False)
    assert (told.decided_s, told.first_write_s, told.last_write_s) == (0.5, 3.0, None)
    assert (told.leased_s, told.sent_s) == ((1.0, 2.0) if how == "fill" else (None, None))
    assert (told.characters, told.pcm_bytes, told.rate) == (6, 160, 8000)
    assert "नमस्ते" not in repr(told)


def test_a_failure_is_told_as_one() -> None:
    told = Part(ask=ASK).spoken(received=0.0, failed=True)
    assert told.verdict == "error"


@pytest.mark.parametrize(
    ("first_write", "silent", "heard"),
    [(103.0, False, 3.0), (103.0, True, None), (None, False, None)],
)
def test_a_turn_is_heard_when_its_first_sound_is_not_its_first_byte(
    first_write: float | None, silent: bool, heard: float | None
) -> None:
    clip = Clip(rate=8000)
    if not silent:
        clip.append(b"\x00\x40" * 800)
    segments = [Part(ask=ASK, clip=clip).spoken(received=100.0, failed=False)]
    told = turn_ended(
        segments,
        request_id="r",
        namespace="ns",
        door="rest",
        codec="mp3",
        outcome="ok",
        reason=None,
        received=100.0,
        first_write=first_write,
    )
    assert (told.ttfa_s, told.segments) == (heard, tuple(segments))
    assert told.ttfb_s == (None if first_write is None else 3.0)
