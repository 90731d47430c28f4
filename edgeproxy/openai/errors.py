"""OpenAI's one shape for whatever goes wrong: ``{"error": {"message", "type", "param", "code"}}``.

By the status OpenAI's SDKs choose the exception they raise, and what they try again (408, 429 and 5xx), so
each of Sarvam's refusals gets the status that OpenAI has for the same: 401 for a bad key, 400 for a bad
request.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import orjson

from ..sarvam import models, refusals
from ..sarvam.refusals import Json, Refusal

_REQUEST: Final = "invalid_request_error"
_STATUSES: Final = {403: 401, 422: 400}
_QUOTA: Final = "insufficient_quota"
_PARAMS: Final = {
    # What our texts and Sarvam's speak of, and what that is in a request of OpenAI's.
    "text": "input",
    "speaker": "voice",
    "language": "voice",
    "language_code": "voice",
    "target_language_code": "voice",
    "model": "model",
    "pace": "speed",
}
_QUOTED: Final = re.compile(r"`(\w+)`")


@dataclass(frozen=True, slots=True)
class Error:
    """An answer that is not audio. ``param``: the field at fault, where it is one's."""

    status: int
    message: str
    type: str = _REQUEST
    param: str | None = None
    code: str | None = None
    retry_after_s: float | None = None

    def body(self) -> bytes:
        """The JSON of it."""
        names = ("message", "type", "param", "code")
        return orjson.dumps({"error": {name: getattr(self, name) for name in names}})

    @property
    def final(self) -> bool:
        """Whether asking again is in vain, although the status says otherwise."""
        return self.code == _QUOTA


class Invalid(Exception):
    """Raised by the parser of this room: the request is none of OpenAI's, or none we can speak."""

    def __init__(self, error: Error) -> None:
        super().__init__(error.message)
        self.error = error


def malformed(why: str) -> Invalid:
    """400 for what is wrong with a body as a whole: ``why``."""
    return Invalid(Error(400, why))


def invalid(param: str, value: Json = None, *, allowed: str) -> Invalid:
    """400 for a field that can't be used, which is missing if ``value`` is None."""
    code = "missing_required_parameter" if value is None else "invalid_value"
    said = refusals.finding(param, value, allowed=allowed)
    return Invalid(Error(400, said, param=param, code=code))


def too_long(param: str, length: int, *, limit: int) -> Invalid:
    """400 for a string of more than ``limit`` characters."""
    said = f"`{param}` has {length} characters; allowed: at most {limit}"
    return Invalid(Error(400, said, param=param, code="string_above_max_length"))


def unknown_model(model: str, *, known: Iterable[str]) -> Invalid:
    """404 for a model of nobody we know."""
    said = f"There is no model {refusals.shown(model)}; there are {', '.join(known)}"
    return Invalid(Error(404, said, param="model", code="model_not_found"))


def of(no: Refusal) -> Error:
    """A refusal, ours or the origin's, as OpenAI would have put it; its words stay."""
    status = _STATUSES.get(no.status, no.status)
    message, retry_after_s = no.message, no.retry_after_s
    if status == 401:
        said = f"{message}. Keys are sent as `Authorization: Bearer <key>`"
        return Error(401, said, code="invalid_api_key")
    if status == 429:
        if no.code.startswith(_QUOTA):
            return Error(429, message, _QUOTA, code=_QUOTA, retry_after_s=retry_after_s)
        code = "rate_limit_exceeded"
        return Error(429, message, "rate_limit_error", code=code, retry_after_s=retry_after_s)
    if status >= 500:
        return Error(status, message, "server_error", retry_after_s=retry_after_s)
    return Error(status, message, param=_param(no), retry_after_s=retry_after_s)


def _param(no: Refusal) -> str | None:
    if no.status not in (400, 422):
        return None
    quoted = (name for name in _QUOTED.findall(no.message) if name in _PARAMS)
    field = next(quoted, None) or models.field_at_fault(no, {})
    return None if field is None else _PARAMS.get(field)
