"""What is kept without anybody having asked for it: a policy on text and on how often it was asked for.

A book's phrases are not its business: those are kept because somebody wrote them down.
"""

from collections import OrderedDict
from enum import StrEnum
from typing import Final

from ..core.key import Identity
from ..core.personal import looks_personal

_REMEMBERED: Final = 100_000
"""Texts that are on their way to being kept; some 10 MB at the most."""


class Unfit(StrEnum):
    """Why a text is not kept."""

    LONG = "long"
    PERSONAL = "personal"


class Admission:
    """Decides whether a segment that was just spoken may be kept.

    ``characters_kept``: longer ones are not. ``asks``: how often a text is asked of the origin before it is
    kept; 1 keeps it at first sight. ``personal``: whether to keep what looks personal (see
    :func:`~edgeproxy.core.personal.looks_personal`). Mutable state: the counts, least recently asked first.
    """

    def __init__(self, *, characters_kept: int, asks: int = 1, personal: bool = False) -> None:
        self.characters_kept = characters_kept
        self.asks = asks
        self._personal = personal
        self._asked: OrderedDict[Identity, int] = OrderedDict()

    def admits(self, identity: Identity) -> bool:
        """Whether it may be kept; to be asked once for each time that the origin has spoken it."""
        if self.turns_away(identity.text) is not None:
            return False
        return self.asks == 1 or self._is_wanted(identity)

    def turns_away(self, text: str) -> Unfit | None:
        """Why a text is not kept, however often it is asked for; None: it is."""
        if len(text) > self.characters_kept:
            return Unfit.LONG
        if not self._personal and looks_personal(text):
            return Unfit.PERSONAL
        return None

    def _is_wanted(self, identity: Identity) -> bool:
        asked = self._asked.pop(identity, 0) + 1
        if asked >= self.asks:
            return True
        self._asked[identity] = asked
        if len(self._asked) > _REMEMBERED:
            self._asked.popitem(last=False)
        return False
