"""How long to leave the origin alone after it failed: longer each time, up to a cap, and never in step."""

import random
from collections.abc import Iterator
from itertools import count


def backoff(*, first_s: float = 0.1, cap_s: float = 3.0) -> Iterator[float]:
    """Waits in seconds: from half of ``first_s`` to all of it, then doubling.

    Jittered, so that those who failed together do not come again together.
    """
    for attempt in count():
        yield random.uniform(0.5, 1.0) * min(cap_s, first_s * 2.0 ** min(attempt, 20))
