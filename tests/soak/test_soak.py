"""The soak itself: its oracle tells right from wrong, and a few seconds of it pass."""

import random
from pathlib import Path

import pytest

from edgeproxy.audio.encode import encode_whole, encoder

from ..fakes.truth import Truth
from .judge import Heard, Judge
from .leaks import Look, bugs, leaks
from .ledger import Ledger
from .run import soak
from .texts import PHRASES, SPOILT, Said, Texts, sentence

SAID = Said("पहला वाक्य यह है। दूसरा वाक्य यह है।")
OTHER = "यह कोई और वाक्य है।"


@pytest.fixture
def truth() -> Truth:
    return Truth(masters=(16000,))


async def judged(
    truth: Truth, heard: Heard, said: Said = SAID, *, codec: str = "linear16", dying: bool = False
) -> Ledger:
    ledger = Ledger()
    await Judge(truth, ledger).judge("plain", said, heard, codec=codec, rate=8000, dying=dying)
    assert ledger.turns == 1
    return ledger


async def test_what_is_right_is_right(truth: Truth) -> None:
    pcm = await truth.turn(SAID.text)
    ledger = await judged(truth, Heard(pcm, final=True))
    assert ledger.outcomes == {"right": 1}
    mp3 = encode_whole(pcm, "mp3", rate=8000)
    assert (await judged(truth, Heard(mp3, final=True), codec="mp3")).outcomes == {"right": 1}


async def test_what_a_book_has_made_at_another_rate_is_right_too(truth: Truth) -> None:
    derived = b"".join(
        [
            sounds[-1]
            for text in SAID.text.split("। ")
            if (sounds := [each async for each in truth.sounds(f"{text.rstrip('।')}।")])
        ]
    )
    assert derived != await truth.turn(SAID.text)
    assert (await judged(truth, Heard(derived, final=True))).outcomes == {"right": 1}


async def test_what_ends_early_like_a_whole_turn_is_cut(truth: Truth) -> None:
    pcm = await truth.turn(SAID.text)
    for short in (b"", pcm[:1000], pcm[:-2]):
        ledger = await judged(truth, Heard(short, final=True))
        assert (ledger.cut, ledger.passed) == (1, False)


async def test_one_sample_of_another_is_wrong(truth: Truth) -> None:
    pcm = await truth.turn(SAID.text)
    middle = len(pcm) // 4 * 2
    other = await truth.turn(OTHER)
    for bad in (pcm[:middle] + b"\x55\x01" + pcm[middle + 2 :], other, pcm + b"\0\0", other + pcm):
        ledger = await judged(truth, Heard(bad, final=True))
        assert (ledger.wrong, ledger.passed) == (1, False)
    for codec in ("mp3", "wav"):
        heard = Heard(encode_whole(other, codec, rate=8000), final=True)
        assert (await judged(truth, heard, codec=codec)).wrong == 1


async def test_an_honest_failure_is_one_if_what_came_before_was_of_its_turn(truth: Truth) -> None:
    pcm = await truth.turn(SAID.text)
    honest = Heard(pcm[:5000], errors=["502 gone"], final=True)
    assert (await judged(truth, honest)).outcomes == {"error": 1}
    assert (await judged(truth, Heard(pcm[:5000], broken="reset"))).outcomes == {"broken": 1}
    other = await truth.turn(OTHER)
    assert (await judged(truth, Heard(other, errors=["502 gone"], final=True))).wrong == 1


async def test_a_turn_without_an_end_is_lost(truth: Truth) -> None:
    assert (await judged(truth, Heard(await truth.turn(SAID.text)))).lost == 1


async def test_a_phrase_that_falls_silent_is_found_unless_the_proxy_is_being_ended(
    truth: Truth,
) -> None:
    said, silent = Said(PHRASES[0]), Heard(errors=["503 no origin"], final=True)
    assert (await judged(truth, silent, said)).mute == 1
    assert (await judged(truth, silent, said, dying=True)).outcomes == {"error": 1}


async def test_what_the_origin_spoils_is_excused_for_its_own_text_only(truth: Truth) -> None:
    spoilt = Said(f"यह {SPOILT} वाक्य है।", spoilt=True)
    pcm = await truth.turn(spoilt.text)
    for excused in (pcm[: len(pcm) // 4 * 2], bytes(len(pcm))):
        assert (await judged(truth, Heard(excused, final=True), spoilt)).spoilt == 1
    assert (await judged(truth, Heard(await truth.turn(OTHER), final=True), spoilt)).wrong == 1


async def test_what_the_origin_spoils_is_excused_in_a_lossy_codec_too(truth: Truth) -> None:
    spoilt = Said(f"रात शिक्षक घर से {SPOILT} टिकट देखेगा।", spoilt=True)
    pcm = await truth.turn(spoilt.text)
    half = len(pcm) // 4 * 2
    excused = Heard(mp3(pcm[:half]), final=True)
    assert (await judged(truth, excused, spoilt, codec="mp3")).spoilt == 1
    other = Heard(mp3((await truth.turn(OTHER))[:half]), final=True)
    assert (await judged(truth, other, spoilt, codec="mp3")).wrong == 1


def mp3(pcm: bytes) -> bytes:
    """As it is streamed: with the codec's delay and padding left in."""
    each = encoder("mp3", rate=8000)
    return b"".join((*each.feed(pcm), *each.finish()))


def test_more_of_anything_is_a_leak() -> None:
    before = Look(sockets=5, strays=0, files=10, threads=8, resident_bytes=100_000_000, busy=0)
    assert not list(leaks(before, before))
    after = Look(sockets=50, strays=3, files=100, threads=80, resident_bytes=900_000_000, busy=1)
    assert len(list(leaks(before, after))) == 6


def test_a_bug_in_the_log_is_told_from_the_weather(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("warning dial failed\nTask was destroyed but it is pending!\n", encoding="utf-8")
    assert bugs(log) == ["Task was destroyed but it is pending!"]


def test_what_is_said_is_drawn_from_the_seed() -> None:
    texts = [[Texts(seed=3).draw(random.Random(9)) for _ in range(5)] for _ in range(2)]
    assert texts[0] == texts[1]
    assert SPOILT in sentence(random.Random(1), word=SPOILT)


@pytest.mark.timeout(120)
async def test_a_few_seconds_of_it_pass(tmp_path: Path) -> None:
    ledger = await soak(
        seconds=6, clients=15, seed=7, folder=tmp_path / "soak", tell=lambda ledger, weather: None
    )
    assert ledger.passed, ledger.findings or ledger.leaks
    assert ledger.turns
    assert ledger.finals == ledger.owed
