"""How old a recording may be: served as it is, or while it is renewed, or only for want of anything else.

::

    made ──► FRESH ──ttl_s──► STALE ──stale_s──► SPARE ──if_error_s──► OVER

A recording whose date lies in the future was made by a clock that went wrong: nobody knows how old it is, so
it is STALE, renewed at the next chance, and not fresh until that date comes.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Final

_AHEAD: Final = timedelta(minutes=5)
"""How far the clocks of machines that share recordings may be apart."""


class Age(IntEnum):
    """What a recording is still good for."""

    FRESH = 0
    """It is served."""
    STALE = 1
    """It is served, and renewed behind the caller's back."""
    SPARE = 2
    """It is served when the origin can't be had."""
    OVER = 3
    """It is not served."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """Seconds: ``ttl_s`` fresh, for ``stale_s`` more stale, and for ``if_error_s`` more a spare."""

    ttl_s: float
    stale_s: float = 0.0
    if_error_s: float = 0.0

    def left_s(self, made: datetime, now: datetime) -> float:
        """For how long what was ``made`` then is fresh still; less than 0: since when it is not."""
        return self.ttl_s - (now - made).total_seconds()

    def of(self, made: datetime, now: datetime) -> Age:
        """How old what was ``made`` then is ``now``."""
        if made - now > _AHEAD:
            return Age.STALE
        seconds = (now - made).total_seconds()
        for age, lasts_s in (
            (Age.FRESH, self.ttl_s),
            (Age.STALE, self.stale_s),
            (Age.SPARE, self.if_error_s),
        ):
            if seconds < lasts_s:
                return age
            seconds -= lasts_s
        return Age.OVER
