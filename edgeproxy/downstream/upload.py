"""A client's body on its way to the origin: piece by piece, counted, never held.

The origin's client takes it as fast as the origin does, and the client's connection is read no faster.
"""

from collections.abc import AsyncIterator, Callable

from aiohttp import web

from ..core.errors import OriginClosed
from ..sarvam import refusals
from ..sarvam.refusals import Refused


class Upload:
    """One body. Mutable state: how much of it has gone, and who is waited for."""

    def __init__(
        self, request: web.Request, *, most_bytes: int, on_piece: Callable[[], None]
    ) -> None:
        """Raises :class:`Refused` (413) for one that says it is too large."""
        self._request = request
        self._most_bytes = most_bytes
        self._on_piece = on_piece
        self._begun = False
        self.sent_bytes = 0
        self.waiting = False
        """Whether it is the client that is waited for."""
        self.refused: Refused | None = None
        """Why the rest of it was not taken."""
        if (request.content_length or 0) > most_bytes:
            raise Refused(refusals.too_large(limit_bytes=most_bytes))

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The pieces, once."""
        if self._begun:
            raise OriginClosed("the origin's connection was dead, and the body is gone")
        self._begun = True
        content = self._request.content
        while True:
            self.waiting = True
            piece = await content.readany()
            self.waiting = False
            self._on_piece()
            if not piece:
                return
            if self.sent_bytes + len(piece) > self._most_bytes:
                self.refused = Refused(refusals.too_large(limit_bytes=self._most_bytes))
                raise self.refused
            self.sent_bytes += len(piece)
            yield piece
            self._on_piece()
