"""Every failure in Sarvam's own shape, so that each client's own error handling works."""

from http import HTTPStatus
from math import ceil

from aiohttp import web

from ..cache.clip import ClipFailed
from ..core.errors import (
    EdgeProxyError,
    OriginClosed,
    OriginLetGo,
    OriginUnreachable,
    Overdrawn,
)
from ..sarvam import refusals
from ..sarvam.refusals import Refusal, Refused
from ..sarvam.request_id import request_id
from ..upstream.session import OriginRefused


def refusal(error: BaseException) -> Refusal:
    """What a client is told about ``error``; what only concerns us stays in our log."""
    match error:
        case ClipFailed(__cause__=BaseException() as cause):
            return refusal(cause)
        case Refused() | OriginRefused():
            return error.refusal
        case OriginUnreachable():
            # Why is for the log: it is about our network, not about what was asked.
            return Refusal(
                status=error.status,
                message="The speech service can't be reached at the moment",
                code=refusals.code_of(error.status),
                retry_after_s=1.0 if error.retry_after_s is None else error.retry_after_s,
            )
        case OriginLetGo():
            return refusals.overloaded(retry_after_s=1.0)
        case OriginClosed():
            # In whose words it broke off is for the log, too.
            return Refusal(
                status=error.status,
                message="The speech service broke off its answer",
                code=refusals.code_of(error.status),
            )
        case Overdrawn():
            return refusals.quota(str(error))
        case EdgeProxyError():
            return Refusal(
                status=error.status,
                message=str(error),
                code=refusals.code_of(error.status),
                retry_after_s=error.retry_after_s,
            )
        case _:
            return refusals.internal()


def is_bug(error: BaseException) -> bool:
    """Whether nobody has foreseen ``error``: it belongs into our log, with its place."""
    cause = error.__cause__ if isinstance(error, ClipFailed) else error
    return not isinstance(cause, Refused | EdgeProxyError)


def answer(no: Refusal) -> web.Response:
    """A refusal over HTTP, with the headers Sarvam's SDKs look at."""
    told_as = request_id()
    return web.Response(
        status=no.status,
        body=no.body(told_as),
        content_type="application/json",
        headers=_headers(no, told_as),
    )


def on_the_wire(no: Refusal) -> bytes:
    """The same as the bytes of the last answer of a connection, for whom there is no request of."""
    told_as = request_id()
    body = no.body(told_as)
    headers = {
        **_headers(no, told_as),
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Connection": "close",
    }
    lines = [f"HTTP/1.1 {no.status} {HTTPStatus(no.status).phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def _headers(no: Refusal, told_as: str) -> dict[str, str]:
    headers = {"x-request-id": told_as}
    if no.retry_after_s is not None:
        headers["Retry-After"] = str(max(1, ceil(no.retry_after_s)))
    return headers
