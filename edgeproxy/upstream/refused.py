"""What the origin has refused, for a while: the same mistake costs nobody anything a second time."""

from time import monotonic
from typing import Final

from ..core.voice import Voice
from ..sarvam import models
from .pools import Account
from .session import OriginRefused

OF_THE_KEY: Final = (401, 402, 403)
"""Statuses of refusals that are about who asks: it may be put right at any time, so they are not kept."""
_MOST: Final = 1000


class Refusals:
    """Refusals by account and voice, or by account, voice and text, each kept for ``kept_s`` seconds."""

    def __init__(self, *, kept_s: float) -> None:
        self._kept_s = kept_s
        self._refusals: dict[tuple[Account, Voice, str | None], tuple[float, OriginRefused]] = {}

    def remember(
        self, account: Account, voice: Voice, text: str, error: OriginRefused
    ) -> OriginRefused:
        """Keep a refusal; the same, with what is allowed behind the origin's own words."""
        hinted = OriginRefused(models.hint(error.refusal, voice.fields))
        if error.status in OF_THE_KEY:
            return hinted
        # What is wrong with a voice is wrong with every text of it, if it is the voice that is named.
        by_voice = models.field_at_fault(error.refusal, voice.fields) is not None
        if len(self._refusals) >= _MOST:
            self._refusals.pop(next(iter(self._refusals)))
        until = monotonic() + self._kept_s
        self._refusals[account, voice, None if by_voice else text] = (until, hinted)
        return hinted

    def recall(self, account: Account, voice: Voice, text: str) -> None:
        """Raise OriginRefused if that was refused lately."""
        for said in (None, text):
            remembered = self._refusals.get((account, voice, said))
            if remembered is not None and monotonic() < remembered[0]:
                raise OriginRefused(remembered[1].refusal)
