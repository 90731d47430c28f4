import random
from dataclasses import replace
from pathlib import Path

import pytest

from edgeproxy.emulator.latency import (
    INSTANT,
    PROFILES,
    SEED,
    V3,
    Clock,
    Curve,
    Range,
    Timing,
    parse_latency,
)


def many(characters: int, *, profile: str) -> list[float]:
    return [
        PROFILES[profile].timing(characters, seed=3, at=str(n)).first_audio_s for n in range(300)
    ]


def test_the_same_seed_and_place_draw_the_same_figures() -> None:
    timing = V3.timing(80, seed=1, at="ws 2/3")
    assert V3.timing(80, seed=1, at="ws 2/3") == timing
    assert V3.timing(80, seed=2, at="ws 2/3") != timing
    assert V3.timing(80, seed=1, at="ws 3/3") != timing
    assert V3.timing(80, seed=1, at="ws 2/4") != timing


def test_v3_first_audio_does_not_depend_on_the_length_of_the_text() -> None:
    for characters in (5, 2500):
        drawn = many(characters, profile="v3")
        assert min(drawn) >= 0.13
        assert max(drawn) <= 0.29
        assert max(drawn) - min(drawn) > 0.1


def test_seed_first_audio_grows_with_the_length_of_the_text() -> None:
    assert all(0.28 <= drawn <= 0.32 for drawn in many(20, profile="seed"))
    assert all(0.8 <= drawn <= 1.2 for drawn in many(150, profile="seed"))
    assert all(0.8 <= drawn <= 1.2 for drawn in many(300, profile="seed"))
    assert min(many(300, profile="seed")) > max(many(150, profile="seed"))


def test_instant_takes_no_time_at_all() -> None:
    timing = INSTANT.timing(500, seed=0, at="1")
    assert (timing.first_audio_s, timing.realtime_factor, timing.stall_s) == (0, 0, 0)
    assert not timing.loses_final
    assert INSTANT.handshake(seed=0, at="1") == INSTANT.rest(99, seed=0, at="1") == 0


def test_no_built_in_profile_loses_a_final_by_itself() -> None:
    assert all(profile.missing_final_probability == 0 for profile in PROFILES.values())


def test_only_the_seed_still_has_v2() -> None:
    assert [profile.name for profile in PROFILES.values() if profile.v2_alive] == ["seed"]
    assert 0.02 <= SEED.config(seed=0, at="1") <= 0.05


def test_stalls_come_as_often_as_they_are_probable(tmp_path: Path) -> None:
    file = tmp_path / "bumpy.yaml"
    file.write_text("stall_probability: 0.5\nstall_s: [0.5, 0.8]\n")
    profile = parse_latency(str(file))
    stalls = [profile.timing(9, seed=0, at=str(n)).stall_s for n in range(400)]
    assert 150 < sum(stall > 0 for stall in stalls) < 250
    assert all(stall == 0 or 0.5 <= stall <= 0.8 for stall in stalls)


def test_messages_are_due_at_the_real_time_factor_and_later_after_a_stall() -> None:
    smooth = Timing(0.0, 0.25, 0.5, 0.0, 0.5, 0.0, loses_final=False)
    assert smooth.dues([1.0, 1.0, 0.5]) == [0.25, 0.75, 1.25]
    assert smooth.dues([]) == []
    stalling = replace(smooth, stall_s=2.0, stall_at=0.9)
    assert stalling.dues([1.0, 1.0, 0.5]) == [0.25, 0.75, 3.25]
    # There is no silence before the first sound but the latency itself.
    assert replace(stalling, stall_at=0.0).dues([1.0, 1.0]) == [0.25, 2.75]


def test_a_curve_is_straight_between_its_points_and_level_outside() -> None:
    curve = Curve(((50, Range(1, 2)), (150, Range(3, 6))))
    assert curve.at(0) == curve.at(50) == Range(1, 2)
    assert curve.at(100) == Range(2, 4)
    assert curve.at(150) == curve.at(9999) == Range(3, 6)


def test_a_range_draws_within_itself() -> None:
    dice = random.Random(0)
    assert all(2 <= Range(2, 3).draw(dice) <= 3 for _ in range(100))


def test_a_file_changes_what_it_names_and_takes_the_rest_from_its_base(tmp_path: Path) -> None:
    file = tmp_path / "evening.yaml"
    file.write_text(
        "base: v3\nhandshake_s: 0.5\nrealtime_factor: [0.8, 0.9]\nv2_alive: true\n"
        "first_audio_s: {150: [0.8, 0.9], 50: 0.3}\n"
    )
    profile = parse_latency(str(file))
    assert profile.name == "evening"
    assert profile.handshake(seed=0, at="1") == 0.5
    assert profile.first_audio_s.at(10) == Range(0.3, 0.3)
    assert profile.first_audio_s.at(200) == Range(0.8, 0.9)
    assert profile.realtime_factor == Range(0.8, 0.9)
    assert profile.rest_s == V3.rest_s
    assert profile.v2_alive


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("base: v9", "base 'v9': one of instant, v3, seed"),
        ("first_audio: 1", "unknown key 'first_audio': one of base, handshake_s"),
        ("handshake_s: soon", "handshake_s: 'soon' is not a number"),
        ("handshake_s: -1", "handshake_s: -1 is not a number"),
        ("handshake_s: .nan", "handshake_s: nan is not a number"),
        ("handshake_s: [2, 1]", r"handshake_s: \[2, 1\] is not \[from, to\]"),
        ("stall_probability: 2", "stall_probability: 2 is not a probability"),
        ("v2_alive: 1", "v2_alive: 1 is neither true nor false"),
        ("first_audio_s: {}", "first_audio_s: expected lengths"),
        ("first_audio_s: {a: 1}", "first_audio_s: expected lengths"),
        ("- 1", "expected keys and values"),
        ("a: [", "profile .*flow"),
    ],
)
def test_a_mistake_in_a_file_is_named_in_one_line(
    tmp_path: Path, text: str, complaint: str
) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(text)
    with pytest.raises(ValueError, match=complaint) as caught:
        parse_latency(str(file))
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_name_that_is_neither_profile_nor_file_is_told_what_there_is() -> None:
    with pytest.raises(ValueError, match="'v4' is neither instant, v3, seed nor a file"):
        parse_latency("v4")
    assert parse_latency("v3") is V3


async def test_the_clock_does_not_wait_for_times_that_are_past() -> None:
    clock = Clock()
    before = clock.now()
    await clock.sleep(-1)
    await clock.sleep(0.001)
    assert clock.now() > before
