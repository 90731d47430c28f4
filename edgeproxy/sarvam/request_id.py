"""Request ids as Sarvam writes them: the day in UTC and a random UUID, ``20261004_b746a44a-…``."""

from datetime import UTC, datetime
from uuid import uuid4


def request_id() -> str:
    """A fresh id, ``yyyymmdd_<uuid4>``."""
    return f"{datetime.now(UTC):%Y%m%d}_{uuid4()}"
