"""Sizes of PCM."""

import pytest

from edgeproxy.core.audio import duration_s, frame_bytes


@pytest.mark.parametrize(("rate", "size"), [(8000, 320), (16000, 640), (22050, 882), (24000, 960)])
def test_a_frame_is_20_ms_in_whole_samples(rate: int, size: int) -> None:
    assert frame_bytes(rate) == size
    assert size % 2 == 0


def test_a_second_is_a_second() -> None:
    assert duration_s(48000, 24000) == 1.0
