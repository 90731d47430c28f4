"""Takes: real speech is taken, broken speech is asked for again, and no budget is passed."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from edgeproxy.audio import encode, quality
from edgeproxy.core.errors import LeaseTimeout, OriginSilent
from edgeproxy.core.voice import Voice
from edgeproxy.emulator import speech
from edgeproxy.phrases import studio
from edgeproxy.phrases.due import Unit
from edgeproxy.phrases.pinned import SHARED, unit_key
from edgeproxy.phrases.recording import Recording, inspect
from edgeproxy.phrases.studio import GIVE_UP, TRIES, Allowance, Failed, Studio
from edgeproxy.sarvam import models
from edgeproxy.sarvam.refusals import Refusal
from edgeproxy.upstream.session import OriginRefused

VOICE = Voice(models.audible({"language": "en-IN", "speaker": "ritu", "rate": 22050}))
HELLO = "Hello, how may I help you?"

Answer = bytes | Exception


@lru_cache
def spoken(text: str = HELLO) -> bytes:
    return speech.speak(text, language="en-IN", speaker="ritu")


class Origin:
    """Speaks; the first times with what it is given."""

    def __init__(self, *answers: Answer) -> None:
        self.asked: list[str] = []
        self._answers = list(answers)

    async def __call__(self, voice: Voice, text: str) -> bytes:
        self.asked.append(text)
        answer = self._answers.pop(0) if self._answers else spoken(text)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture(autouse=True)
def no_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(studio, "BACKOFF_S", 0.0)


def unit(
    text: str = HELLO,
    *,
    takes: int = 1,
    recording: Recording | None = None,
    loudness: tuple[float, float] | None = None,
    normalise: float | None = None,
) -> Unit:
    return Unit(
        key=unit_key(VOICE, text),
        scope=SHARED,
        text=text,
        voice=VOICE,
        rates=(22050,),
        phrases=("desk/hello",),
        takes=takes,
        recording=recording,
        manual=False,
        refresh_after=None,
        loudness=loudness,
        normalise=normalise,
    )


def refusal(status: int) -> OriginRefused:
    return OriginRefused(Refusal(status, "No.", "invalid_request_error"))


async def take(
    origin: Callable[[Voice, str], Awaitable[bytes]],
    wanted: Unit,
    allowance: Allowance,
    *,
    previous_s: float | None = None,
) -> list[bytes]:
    """As a run does it: with the characters of the unit set aside."""
    assert allowance.take(wanted.characters)
    return await Studio(origin, characters_per_second=1e9).takes(
        wanted, allowance, previous_s=previous_s
    )


async def test_each_take_is_asked_for_and_paid() -> None:
    origin, allowance = Origin(), Allowance(1000)

    takes = await take(origin, unit(takes=3), allowance)

    assert takes == [spoken()] * 3
    assert (len(origin.asked), allowance.spent) == (3, 3 * len(HELLO))


@pytest.mark.parametrize(
    "broken",
    [spoken()[:3000], bytes(len(spoken())), OriginSilent("nothing for 2.5 s"), refusal(500)],
    ids=["cut short", "silent", "no answer", "an error of the origin's"],
)
async def test_what_is_not_fit_to_be_heard_is_asked_for_again(broken: Answer) -> None:
    origin, allowance = Origin(broken, broken), Allowance(1000)

    assert await take(origin, unit(), allowance) == [spoken()]
    assert (len(origin.asked), allowance.spent) == (3, 3 * len(HELLO))


async def test_after_three_tries_it_has_failed_and_the_figure_is_told() -> None:
    origin, allowance = Origin(*[spoken()[:3000]] * 9), Allowance(1000)

    with pytest.raises(Failed, match=r"0\.07 s is too short for 19 letters") as failed:
        await take(origin, unit(takes=3), allowance)

    assert (failed.value.attempts, len(origin.asked)) == (TRIES, TRIES)
    # The two takes that nobody began were not paid for.
    assert allowance.spent == TRIES * len(HELLO)


async def test_a_take_unlike_the_generation_before_has_failed() -> None:
    with pytest.raises(Failed):
        await take(Origin(), unit(), Allowance(1000), previous_s=60.0)


async def test_another_try_is_not_made_beyond_the_budget() -> None:
    origin, allowance = Origin(b""), Allowance(len(HELLO) + 1)

    with pytest.raises(Failed, match="the budget has nothing left for another try"):
        await take(origin, unit(), allowance)

    assert (len(origin.asked), allowance.spent) == (1, len(HELLO))


async def test_what_the_origin_was_never_asked_is_not_paid() -> None:
    origin, allowance = Origin(LeaseTimeout("all are busy")), Allowance(len(HELLO))

    assert await take(origin, unit(), allowance) == [spoken()]
    assert (len(origin.asked), allowance.spent) == (2, len(HELLO))


async def test_a_text_that_is_refused_is_not_asked_again_and_stops_nobody() -> None:
    origin, allowance = Origin(*[refusal(422)] * 99), Allowance(10_000)

    for _ in range(GIVE_UP + 1):
        with pytest.raises(Failed, match=r"OriginRefused: No\.") as failed:
            await take(origin, unit(), allowance)
        assert failed.value.attempts == 1

    assert allowance.stopped is None


@pytest.mark.parametrize("error", [OriginSilent("nothing"), refusal(403)])
async def test_an_origin_that_fails_again_and_again_is_left_alone(error: Exception) -> None:
    origin, allowance = Origin(*[error] * 99), Allowance(10_000)

    for _ in range(3):
        with pytest.raises(Failed):
            await take(origin, unit(), allowance)

    assert len(origin.asked) == GIVE_UP
    assert allowance.stopped is not None
    assert f"failed {GIVE_UP} times running" in allowance.stopped


async def test_an_origin_that_speaks_in_between_is_well() -> None:
    silent: Answer = OriginSilent("nothing")
    origin, allowance = Origin(*[silent, silent, spoken()] * 5), Allowance(10_000)

    for _ in range(5):
        await take(origin, unit(), allowance)

    assert allowance.stopped is None


async def test_the_origin_is_asked_at_a_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    monkeypatch.setattr(studio, "monotonic", lambda: 100.0)

    await Studio(Origin(), characters_per_second=13.0).takes(
        unit(takes=3), Allowance(0), previous_s=None
    )

    assert waits == [0.0, 2.0, 4.0]


def recorded(folder: Path, pcm: bytes, *, rate: int = 22050) -> Recording:
    file = folder / "hello.wav"
    file.write_bytes(encode.encode_whole(pcm, "wav", rate=rate))
    return inspect(file)


async def test_a_recording_is_read_at_the_rate_of_the_voice_and_costs_nothing(
    tmp_path: Path,
) -> None:
    origin, allowance = Origin(), Allowance(0)
    recording = recorded(tmp_path, spoken(), rate=44100)

    (pcm,) = await take(origin, unit(recording=recording), allowance)

    assert len(pcm) == len(spoken()) // 4 * 2
    assert (origin.asked, allowance.spent) == ([], 0)


async def test_a_recording_may_last_as_long_as_it_likes(tmp_path: Path) -> None:
    recording = recorded(tmp_path, spoken())

    takes = await take(Origin(), unit("Yes.", recording=recording), Allowance(0), previous_s=0.1)

    assert takes == [spoken()]


async def test_a_recording_that_clips_or_is_gone_has_failed(tmp_path: Path) -> None:
    clipped = recorded(tmp_path, spoken() + b"\xff\x7f" * 2000 + spoken())
    with pytest.raises(Failed, match=r"hello\.wav: .*clip"):
        await take(Origin(), unit(recording=clipped), Allowance(0))

    clipped.file.write_bytes(encode.encode_whole(spoken(), "wav", rate=22050))
    with pytest.raises(Failed, match="has changed since the books were read"):
        await take(Origin(), unit(recording=clipped), Allowance(0))

    clipped.file.unlink()
    with pytest.raises(Failed, match="cannot be read"):
        await take(Origin(), unit(recording=clipped), Allowance(0))


async def test_a_take_outside_the_loudness_of_its_book_has_failed_with_the_figure() -> None:
    level = quality.loudness_dbfs(spoken())
    with pytest.raises(Failed, match=f"{level:.1f} dBFS is too loud: at most -50.0 dBFS"):
        await take(Origin(), unit(loudness=(-60, -50)), Allowance(1000))


async def test_a_take_is_scaled_where_its_book_asks_for_it() -> None:
    (quiet,) = await take(Origin(), unit(normalise=-30, loudness=(-32, -28)), Allowance(1000))
    assert quality.loudness_dbfs(quiet) == pytest.approx(-30, abs=0.5)


async def test_what_came_clipped_is_not_made_good_by_turning_it_down() -> None:
    clipped = quality.scaled_to(spoken(), -6.0)
    loud = (np.frombuffer(clipped, "<i2").astype(np.int32) * 8).clip(-32768, 32767)
    origin = Origin(*[loud.astype("<i2").tobytes()] * TRIES)
    with pytest.raises(Failed, match="is clipped"):
        await take(origin, unit(normalise=-30), Allowance(1000))


async def test_a_take_whose_peaks_keep_it_from_the_loudness_wanted_has_failed() -> None:
    with pytest.raises(Failed, match=r"is too quiet: at least -7\.0 dBFS"):
        await take(Origin(), unit(normalise=-6.5, loudness=(-7, -6)), Allowance(1000))


async def test_a_humans_recording_is_scaled_and_held_to_the_bounds_too(tmp_path: Path) -> None:
    file = tmp_path / "hello.wav"
    file.write_bytes(encode.encode_whole(spoken(), "wav", rate=22050))
    recording = inspect(file)
    (scaled,) = await take(Origin(), unit(recording=recording, normalise=-28), Allowance(0))
    assert quality.loudness_dbfs(scaled) == pytest.approx(-28, abs=0.5)
    with pytest.raises(Failed, match=r"hello\.wav: .* is too loud"):
        await take(Origin(), unit(recording=recording, loudness=(-60, -50)), Allowance(0))
