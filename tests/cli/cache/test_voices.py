"""A voice as it is typed."""

import click
import pytest

from edgeproxy.cli.cache.voices import voice_fields


def test_each_field_has_its_name_in_a_voice_and_a_value_of_its_kind() -> None:
    given = [
        "language_code=hi-IN", "speech_sample_rate=8000", "pace=1", "dict_id=0042",
        "enable_preprocessing=true", "mood=glad", "breath={\"deep\": 2}", "equal=a=b",
    ]  # fmt: skip
    assert voice_fields(given) == {
        "language": "hi-IN",
        "rate": 8000,
        "pace": 1.0,
        "dict_id": "0042",
        "preprocessing": True,
        "mood": "glad",
        "breath": {"deep": 2},
        "equal": "a=b",
    }


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["ritu"], "such as speaker=ritu"),
        (["speaker="], "such as speaker=ritu"),
        (["pace=fast"], "pace is a number"),
        (["rate=8 kHz"], "rate is a number"),
        (["language=hi-IN", "target_language_code=hi-IN"], "write it once"),
    ],
)
def test_what_is_no_field_is_told(given: list[str], said: str) -> None:
    with pytest.raises(click.UsageError, match=said):
        voice_fields(given)
