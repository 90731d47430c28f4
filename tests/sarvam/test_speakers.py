"""The lists of speakers, held against the packages they were taken from."""

from typing import get_args

import pytest

from edgeproxy.sarvam import speakers


def test_speakers_of_one_model_are_not_those_of_another() -> None:
    assert not speakers.V2 & speakers.V3
    assert not speakers.V2 & speakers.V4_FLASH
    assert not speakers.V3 & speakers.V4_FLASH


def test_no_name_was_lost() -> None:
    assert (len(speakers.V2), len(speakers.V3), len(speakers.V4_FLASH)) == (7, 37, 227)


def test_v4_flash_knows_every_speaker_that_livekit_sends() -> None:
    models = pytest.importorskip("livekit.plugins.sarvam.models")
    assert set(models.BULBUL_V4_FLASH_SPEAKERS) <= speakers.V4_FLASH


def test_every_speaker_of_the_sdk_is_known() -> None:
    sarvamai = pytest.importorskip("sarvamai")
    union = sarvamai.ConfigureConnectionDataSpeaker
    names = {name for each in get_args(union) for name in get_args(each)}
    assert len(names) > 200
    assert names <= speakers.V2 | speakers.V3 | speakers.V4_FLASH
