"""Settings that can't be used are named before anything starts."""

from pathlib import Path

import pytest

from edgeproxy import app
from edgeproxy.config import ConfigError, Settings

VOICE = {"target_language_code": "hi-IN", "speaker": "shubh", "speech_sample_rate": 8000}


@pytest.mark.parametrize(
    ("voice", "named"),
    [
        ({"speaker": "shubh"}, "language_code"),
        ({"target_language_code": "hi-IN"}, "speaker"),
        ({**VOICE, "pace": 9}, "pace"),
        ({**VOICE, "speech_sample_rate": 1}, "Speech sample rate"),
    ],
)
def test_a_bad_voice_to_warm_is_named(voice: dict[str, object], named: str) -> None:
    settings = Settings.load(overrides={"origin": {"api_key": "k", "prewarm_voices": [voice]}})
    with pytest.raises(ConfigError, match=named) as caught:
        app.check(settings)
    assert "origin.prewarm_voices[0]" in str(caught.value)


def test_a_folder_of_books_that_is_not_there_is_named(tmp_path: Path) -> None:
    settings = Settings.load(
        overrides={"origin": {"api_key": "k"}, "phrases": {"directory": tmp_path / "no"}}
    )
    with pytest.raises(ConfigError, match=r"phrases\.directory"):
        app.check(settings)


@pytest.mark.parametrize(
    ("rooms", "named"),
    [
        ({"turn": {"max_segment_chars": 20}}, "turn: clause_chars is 60"),
        ({"phrases": {"night": "30 2 31 2 *"}}, r"phrases\.night"),
        ({"phrases": {"time_zone": "Mars/Base"}}, r"phrases\.time_zone"),
        ({"auth": {"mode": "proxy", "tenants": "nowhere.yaml"}}, r"nowhere\.yaml"),
    ],
)
def test_what_only_a_room_can_judge_is_named_all_the_same(
    rooms: dict[str, dict[str, object]], named: str
) -> None:
    settings = Settings.load(overrides={"origin": {"api_key": "k"}, **rooms})
    with pytest.raises(ConfigError, match=named):
        app.check(settings)


def test_books_for_tenants_are_held_against_the_tenants_there_are(tmp_path: Path) -> None:
    (tmp_path / "asha.yaml").write_text(
        "languages: [en-IN]\ntenants: [asha]\nvoice: {speaker: ritu}\nphrases: {a: Hello.}\n",
        encoding="utf-8",
    )
    settings = Settings.load(
        overrides={"origin": {"api_key": "k"}, "phrases": {"directory": tmp_path}}
    )
    # Where there are no tenants nobody knows who may come.
    assert len(app.load_library(settings)) == 1
