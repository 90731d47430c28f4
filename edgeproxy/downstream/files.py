"""Whole files over HTTP (RFC 9110): validators, conditional requests, byte ranges; and the latest, kept.

An entity tag here is strong: it names the bytes. One range of bytes is answered with it; several at once, or
what is no range, are answered with the whole, as the RFC allows.
"""

import re
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from aiohttp import ETag, web

from ..core.key import checksum
from ..sarvam import refusals
from ..sarvam.refusals import Refused
from .answers import answer

_RANGE: Final = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Validators:
    """What a file is known by. ``facts``: all that decides what its bytes are; ``modified``: since when.
    From outside it is known by the ``etag``, a checksum of the facts, without its quotes."""

    facts: bytes
    modified: datetime
    etag: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "etag", checksum(self.facts).hex())

    def are_known(self, request: web.Request) -> bool:
        """Whether who asks has the file already: 304. Raises Refused (412) where it asks for another."""
        modified = self._second
        if request.if_match is not None:
            if not _names(request.if_match, self.etag, strongly=True):
                raise Refused(refusals.another_by_now("If-Match"))
        elif (since := request.if_unmodified_since) is not None and modified > since:
            raise Refused(refusals.another_by_now("If-Unmodified-Since"))
        if request.if_none_match is not None:
            return _names(request.if_none_match, self.etag)
        since = request.if_modified_since
        return since is not None and modified <= since

    def are_meant(self, if_range: str | None) -> bool:
        """Whether a range may be answered with a part of this very file: ``If-Range``, if there is one."""
        return if_range is None or if_range.strip() == f'"{self.etag}"'

    def tell(self, response: web.StreamResponse) -> None:
        """Put them into an answer."""
        response.etag = self.etag
        response.last_modified = self._second

    @property
    def _second(self) -> datetime:
        # HTTP's dates have no more; rounded up, it would lie in the future.
        return self.modified.replace(microsecond=0)


def whole_or_part(
    request: web.Request, body: bytes, validators: Validators | None, *, content_type: str
) -> web.Response:
    """``body``, or the range of it that was asked for, or 416. Without validators there are no ranges."""
    response = web.Response(body=body, headers={"Content-Type": content_type})
    response.headers["Accept-Ranges"] = "none" if validators is None else "bytes"
    if validators is None:
        return response
    asked = request.headers.get("Range")
    if asked is not None and request.method == "GET":
        part = (
            range_of(asked, len(body))
            if validators.are_meant(request.headers.get("If-Range"))
            else None
        )
        if part is not None and not part:
            response = answer(refusals.out_of_range(size_bytes=len(body)))
            response.headers["Content-Range"] = f"bytes */{len(body)}"
            return response
        if part is not None:
            response.set_status(206)
            response.body = body[part.start : part.stop]
            response.headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{len(body)}"
    validators.tell(response)
    return response


def range_of(header: str, size: int) -> range | None:
    """The bytes that a ``Range`` means of so many; empty: it begins past the end; None: it means nothing."""
    match = _RANGE.fullmatch(header.strip())
    if match is None or not (match[1] or match[2]):
        return None
    if not match[1]:
        return range(max(0, size - int(match[2])), size)
    first, last = int(match[1]), int(match[2] or size)
    if match[2] and last < first:
        return None
    return range(first, min(last + 1, size))


class Files:
    """Files by all that decides their bytes, not by a checksum of it: no chance plays another's words.

    ``limit_bytes``: what they may weigh together; the least recently used go first.
    """

    def __init__(self, *, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._files: OrderedDict[bytes, bytes] = OrderedDict()
        self.size = 0
        """Bytes held now."""

    def get(self, facts: bytes) -> bytes | None:
        """The file, if it is here; it becomes the last to go."""
        body = self._files.get(facts)
        if body is not None:
            self._files.move_to_end(facts)
        return body

    def keep(self, facts: bytes, body: bytes) -> None:
        """Hold a file. There is never another in its place: the facts are what it is."""
        if facts in self._files:
            return
        self._files[facts] = body
        self.size += len(body)
        while self.size > self._limit:
            _, oldest = self._files.popitem(last=False)
            self.size -= len(oldest)


def _names(tags: tuple[ETag, ...], etag: str, *, strongly: bool = False) -> bool:
    return any(each.value in ("*", etag) and not (strongly and each.is_weak) for each in tags)
