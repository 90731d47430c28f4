"""Request ids look like Sarvam's and never repeat."""

import re

from edgeproxy.sarvam.request_id import request_id


def test_an_id_is_the_day_and_a_random_uuid() -> None:
    pattern = r"20\d{6}_[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
    assert re.fullmatch(pattern, request_id())


def test_ids_do_not_repeat() -> None:
    assert len({request_id() for _ in range(100)}) == 100
