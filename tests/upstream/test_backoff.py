"""Waits that grow, are jittered, and are capped."""

from itertools import islice

import pytest

from edgeproxy.upstream.backoff import backoff


@pytest.mark.parametrize(("first_s", "cap_s"), [(0.1, 3.0), (2.0, 5.0)])
def test_backoff_grows_is_jittered_and_is_capped(first_s: float, cap_s: float) -> None:
    waits = list(islice(backoff(first_s=first_s, cap_s=cap_s), 50))
    assert all(0 < wait <= cap_s for wait in waits)
    assert first_s / 2 <= waits[0] <= first_s
    assert waits[0] < min(waits[-20:])
    assert len(set(waits)) > 40


def test_it_goes_on_for_ever_without_growing_out_of_bounds() -> None:
    assert next(islice(backoff(), 5000, None)) <= 3.0
