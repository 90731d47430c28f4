"""What lies on the disk, as far as this process knows: what each record is kept for, and who goes first.

Names only, in memory; what is really there is :mod:`.disk`'s to say. Touched on the event loop's thread only.
"""

from collections import OrderedDict
from collections.abc import Collection, Iterator

from .disk import Row, Tag


class Inventory:
    """Records by key. Iterates over all, of what is dynamic the least recently used first.

    Mutable state: ``_dynamic`` (key -> bytes, least recently used first) and ``_pinned``, of which some are
    ``promoted``.
    """

    def __init__(self) -> None:
        self._dynamic: OrderedDict[str, int] = OrderedDict()
        self._pinned: dict[str, int] = {}
        self._promoted: set[str] = set()
        self.dynamic_bytes = 0
        self.pinned_bytes = 0

    def __len__(self) -> int:
        return len(self._dynamic) + len(self._pinned)

    def __contains__(self, key: str) -> bool:
        return key in self._dynamic or key in self._pinned

    def __iter__(self) -> Iterator[str]:
        yield from self._pinned
        yield from self._dynamic

    @property
    def dynamic(self) -> int:
        """How many make room for newer ones."""
        return len(self._dynamic)

    @property
    def pinned(self) -> int:
        """How many nothing evicts."""
        return len(self._pinned)

    @property
    def promoted(self) -> frozenset[str]:
        """The pinned ones that no book holds."""
        return frozenset(self._promoted)

    @property
    def oldest(self) -> tuple[str, int]:
        """The dynamic one that goes first, and its bytes; there must be one."""
        return next(iter(self._dynamic.items()))

    def tag(self, key: str) -> Tag:
        """What a record is, or would be, kept for."""
        if key in self._promoted:
            return Tag.PROMOTED
        return Tag.PINNED if key in self._pinned else Tag.DYNAMIC

    def size(self, key: str) -> int | None:
        """Bytes of a record; None where there is none."""
        return self._dynamic.get(key, self._pinned.get(key))

    def touch(self, key: str) -> None:
        """It was used: it goes later."""
        if key in self._dynamic:
            self._dynamic.move_to_end(key)

    def enter(self, key: str, size: int, tag: Tag) -> None:
        """It is there, in place of one of that key; a dynamic one goes last."""
        self.leave(key)
        if tag is Tag.PROMOTED:
            self._promoted.add(key)
        if tag is Tag.DYNAMIC:
            self._dynamic[key] = size
            self.dynamic_bytes += size
        else:
            self._pinned[key] = size
            self.pinned_bytes += size

    def leave(self, key: str) -> None:
        """It is there no more; it may not have been."""
        self.pinned_bytes -= self._pinned.pop(key, 0)
        self._promoted.discard(key)
        self.dynamic_bytes -= self._dynamic.pop(key, 0)

    def learn(self, rows: list[Row], *, gone_from: Collection[str] = ()) -> None:
        """Enter what is new of the disk's ``rows``, and let go of what they no longer have, among
        ``gone_from``."""
        there = {key for key, _, _ in rows}
        for key in gone_from:
            if key not in there:
                self.leave(key)
        for key, tag, size in rows:
            if key not in self:
                self.enter(key, size, tag)
