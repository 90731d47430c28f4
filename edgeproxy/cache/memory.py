"""The hot tier: complete clips in memory, bounded in bytes, least recently used first out.

A clip brings its encoded forms along (``clip.ready``), so a hit costs no JSON, no base64 and no
encoding beyond a lookup; what they weigh is counted too (:meth:`Memory.weigh`).
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from ..core.key import Identity
from .clip import Clip


class Memory:
    """Complete clips by identity. ``limit_bytes``: what PCM and encoded forms may weigh together."""

    def __init__(self, *, limit_bytes: int) -> None:
        self.limit: Final = limit_bytes
        self._clips: OrderedDict[Identity, Clip] = OrderedDict()
        self._weights: dict[Identity, int] = {}
        self.size = 0
        """Bytes held now."""

    def __len__(self) -> int:
        return len(self._clips)

    def get(self, identity: Identity) -> Clip | None:
        """The clip, if it is here; it becomes the last to go."""
        clip = self._clips.get(identity)
        if clip is not None:
            self._clips.move_to_end(identity)
        return clip

    def keep(self, identity: Identity, clip: Clip) -> None:
        """Hold a complete clip, in place of an older one of the same identity."""
        self.forget(identity)
        self._clips[identity] = clip
        self._weights[identity] = 0
        self.weigh(identity, clip, clip.size + clip.ready_bytes)

    def weigh(self, identity: Identity, clip: Clip, more_bytes: int) -> None:
        """Count bytes that ``clip`` gained, if it is held, and let the oldest go until all fits."""
        if self._clips.get(identity) is not clip:
            return
        self._weights[identity] += more_bytes
        self.size += more_bytes
        while self.size > self.limit:
            oldest = next(iter(self._clips))
            self.forget(oldest)

    def forget(self, identity: Identity) -> None:
        """Let one go. Who still plays it keeps it alive."""
        if self._clips.pop(identity, None) is not None:
            self.size -= self._weights.pop(identity)

    def purge(self, covers: Callable[[Identity], bool]) -> int:
        """Let all go that ``covers`` says; how many those were."""
        covered = [identity for identity in self._clips if covers(identity)]
        for identity in covered:
            self.forget(identity)
        return len(covered)
