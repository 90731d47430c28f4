"""What Sarvam says when it says no: one value, worn as a WebSocket frame or as an HTTP body.

Sarvam's own text comes first, word for word, since clients match on it; after it we name the field,
the value and what is allowed. One constructor per text; where each was seen stands in its docstring.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Self

import orjson

Json = Any

SCHEMA: Final = "Input parameters has to be a valid dictionary"
"""Sarvam's one text for whatever breaks its schema."""

_CODES: Final = {
    400: "invalid_request_error",
    403: "invalid_api_key_error",
    404: "not_found_error",
    413: "invalid_request_error",
    422: "unprocessable_entity_error",
    429: "rate_limit_exceeded_error",
    503: "rate_limit_exceeded_error",
    504: "gateway_timeout_error",
}
_CLIENTS_FAULT: Final = frozenset({400, 403, 404, 413, 422})
_PREFIXED: Final = re.compile(r"\s*([45]\d\d):\s*(.*)", re.DOTALL)
_SHOWN_CHARACTERS: Final = 60
_DEPTH: Final = 32


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that is not audio.

    ``status``: HTTP status, and the ``code`` of the WebSocket frame unless ``bare``.
    ``code``: Sarvam's word for it over HTTP (``invalid_request_error`` ...).
    ``bare``: on the WebSocket Sarvam sends no ``code`` but begins the text with ``"400: "``.
    ``retry_after_s``: what ``Retry-After`` says over HTTP; the WebSocket has no place for it.
    """

    status: int
    message: str
    code: str
    details: Mapping[str, Json] | None = None
    bare: bool = False
    retry_after_s: float | None = None

    def frame(self, request_id: str) -> str:
        """The WebSocket ``error`` message."""
        data: dict[str, Json] = {"request_id": request_id}
        if self.bare:
            data["message"] = f"{self.status}: {self.message}"
        else:
            data["message"] = self.message
            data["code"] = self.status
        if self.details is not None:
            data["details"] = dict(self.details)
        return orjson.dumps({"type": "error", "data": data}).decode()

    def body(self, request_id: str) -> bytes:
        """The HTTP body ``{"error":{"message","code","request_id"}}``, with ``details`` if there are any."""
        error: dict[str, Json] = {"message": self.message, "code": self.code}
        error["request_id"] = request_id
        if self.details is not None:
            error["details"] = dict(self.details)
        return orjson.dumps({"error": error})

    def with_hint(self, text: str) -> Self:
        """The same with ``text`` behind Sarvam's own words, which stay as they are."""
        joint = " " if self.message.endswith((".", "!", "?")) else ". "
        return replace(self, message=f"{self.message}{joint}{text}")

    @classmethod
    def from_frame(cls, data: Mapping[str, Json]) -> Self:
        """Read the ``data`` of an ``error`` frame; the status may hide in ``code`` (int or digits) or
        in front of the message (``"400: ..."``); without either it is 500."""
        message = _message(data.get("message"))
        details = _details(data.get("details"))
        status = _status(data.get("code"))
        if status is not None:
            return cls(status, message, code_of(status), details)
        if prefixed := _PREFIXED.fullmatch(message):
            status = int(prefixed[1])
            return cls(status, prefixed[2], code_of(status), details, bare=True)
        return cls(500, message, code_of(500), details)

    @classmethod
    def from_body(cls, status: int, body: bytes, *, retry_after_s: float | None = None) -> Self:
        """Read an HTTP error; a body that is not Sarvam's JSON (a gateway's HTML) keeps the status."""
        try:
            answer = orjson.loads(body)
        except orjson.JSONDecodeError:
            answer = None
        error = answer.get("error") if isinstance(answer, dict) else None
        if not isinstance(error, dict):
            said = f"The origin answered with HTTP status {status} and no reason"
            return cls(status, said, code_of(status), retry_after_s=retry_after_s)
        code = error.get("code")
        return cls(
            status,
            _message(error.get("message")),
            code if isinstance(code, str) else code_of(status),
            _details(error.get("details")),
            retry_after_s=retry_after_s,
        )

    @property
    def is_clients_fault(self) -> bool:
        """Whether asking again with the same words would be refused again (400, 403, 404, 413, 422)."""
        return self.status in _CLIENTS_FAULT


def retry_after_s(header: str | None) -> float | None:
    """Seconds of a ``Retry-After`` header; None where there is none that can be read. A date can't: it is
    worth as much as two clocks agree, and Sarvam sends none."""
    return float(header) if header is not None and re.fullmatch(r"[0-9]{1,6}", header) else None


class Refused(Exception):
    """Raised by the parsers of this room: the message breaks Sarvam's schema.

    ``message_type``: ``config`` or ``text`` where the message was at least that.
    """

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal
        self.message_type: str | None = None


def code_of(status: int) -> str:
    """Sarvam's word for an HTTP status when nothing more is known."""
    return _CODES.get(status) or ("internal_server_error" if status >= 500 else _CODES[400])


def shown(value: Json) -> str:
    """``value`` as JSON, cut to about 60 characters, for an error text."""
    if isinstance(value, str):
        value = value[: _SHOWN_CHARACTERS + 1]
    try:
        text = orjson.dumps(value).decode()
    except TypeError:  # Nested too deeply to be written, or never JSON.
        return f"a {type(value).__name__}"
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"


def is_shallow(value: Json, *, depth: int = _DEPTH) -> bool:
    """Whether a parsed value nests at most ``depth`` levels.

    orjson reads 1,024 levels but writes only 254; what we pass on must be writable again.
    """
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list):
        return True
    return depth > 0 and all(is_shallow(item, depth=depth - 1) for item in value)


def finding(field: str, value: Json = None, *, allowed: str) -> str:
    """The sentence put behind Sarvam's words. None is an absent value, as everywhere on this wire."""
    got = "is missing" if value is None else f"is {shown(value)}"
    return f"`{field}` {got}; allowed: {allowed}"


# One constructor per text. "Seen" means reported from the live API, with the protocol notes' section.


def schema(field: str, value: Json = None, *, allowed: str) -> Refusal:
    """422 for a field that breaks the schema, which is missing if ``value`` is None. Seen, §2.2."""
    return _refuse(422, SCHEMA).with_hint(finding(field, value, allowed=allowed))


def malformed(why: str) -> Refusal:
    """422 for what is wrong with a message as a whole: ``why``."""
    return _refuse(422, SCHEMA).with_hint(why)


def parameter(name: str, value: Json = None, *, allowed: str) -> Refusal:
    """400 for a query parameter or header of ours, which is missing if ``value`` is None."""
    return _refuse(400, "Invalid request").with_hint(finding(name, value, allowed=allowed))


def text_before_config() -> Refusal:
    """422 for text nobody knows the voice of. What Sarvam answers is not known, §9."""
    return malformed("A `config` message has to come before the first `text`")


def sample_rate(value: Json, *, rates: Iterable[int]) -> Refusal:
    """400 for a sample rate (Hz) that is not among ``rates``. Seen, §2.2."""
    listed = ", ".join(str(rate) for rate in rates)
    refusal = _refuse(400, f"Speech sample rate can only be {listed} Hz")
    return refusal.with_hint(f"`speech_sample_rate` is {shown(value)}")


def empty_text() -> Refusal:
    """400 for a text with nothing to say. Seen over REST, §2.2."""
    return _refuse(400, "'text' cannot be empty")


def text_too_long(length: int, *, limit: int) -> Refusal:
    """422 for a text of more characters than one request may have. Sarvam's text is not known."""
    return malformed(f"`text` has {length} characters; allowed: at most {limit}")


def speaker_mismatch(speaker: str, model: str, available: Iterable[str]) -> Refusal:
    """400, without a code on the WebSocket, for a speaker of another model. Seen, §2.2."""
    said = f"Speaker '{_cut(speaker)}' is not compatible with model {_cut(model)}"
    listed = ", ".join(available)
    return _refuse(400, f"{said}. Available speakers for {_cut(model)} are: {listed}", bare=True)


def retired(model: str, *, successor: str) -> Refusal:
    """400, without a code on the WebSocket, for a model that was switched off. Seen, §2.2."""
    said = f"Model '{model}' has been deprecated. Please use '{successor}' instead."
    return _refuse(400, said, bare=True)


def unknown_model(model: str, *, known: Iterable[str]) -> Refusal:
    """400 for a model nobody has heard of. Seen over REST, §5."""
    *most, last = [f"'{name}'" for name in known]
    said = f"Validation Error(s):\n- model: Input should be {', '.join(most)} or {last}"
    return _refuse(400, said, bare=True).with_hint(f"`model` is {shown(model)}")


def beta_model(model: str) -> Refusal:
    """422 with details for a model the account has no access to. Seen, §2.2; its details were not."""
    said = "This model is currently in beta and not available."
    return replace(_refuse(422, said), details={"model": model})


def gated_language(language: str) -> Refusal:
    """400 for a language the account has no access to. Seen over REST, §2.2."""
    said = f"Please request beta access to {_cut(language)} by contacting our support team."
    return _refuse(400, said, bare=True)


def idle() -> Refusal:
    """408, followed by a close, for about 60 s without a message. Seen, §2.2."""
    return _refuse(408, "Websocket was left open without any messages for too long.")


def credentials() -> Refusal:
    """403 for a bad or missing key alike. Seen, §1."""
    return _refuse(403, "Invalid or missing authentication credentials")


def rate_limited(*, retry_after_s: float | None = None) -> Refusal:
    """429 for an account over its limit. The text is that of LiveKit's fixtures, §2.2."""
    return replace(_refuse(429, "rate limit exceeded"), retry_after_s=retry_after_s)


def quota(why: str) -> Refusal:
    """429 for an account whose credits are gone. The code is in Sarvam's list, §5; its text is not known."""
    return replace(_refuse(429, "Insufficient quota"), code="insufficient_quota_error").with_hint(
        why
    )


def voice_not_allowed(
    *, model: Json, language: Json, speaker: Json, allowed: Iterable[str]
) -> Refusal:
    """400 for a voice that this client may not speak in. 403 would read as a bad key."""
    asked = f"model {_cut(str(model))}, language {_cut(str(language))}"
    said = f"Speaker '{_cut(str(speaker))}' ({asked}) is not among the voices of this account"
    return _refuse(400, said).with_hint(f"Allowed: {'; '.join(allowed)}")


def overloaded(*, retry_after_s: float | None = None) -> Refusal:
    """503 when there is no room now. The text is that of LiveKit's fixtures, §2.2."""
    return replace(_refuse(503, "model unavailable"), retry_after_s=retry_after_s)


def unknown_path(path: str) -> Refusal:
    """404. Sarvam's text is not known."""
    return _refuse(404, f"Not Found: {_cut(path)}")


def unknown_phrase(what: str, named: str, *, there_are: str) -> Refusal:
    """404 for a book, or an id in one, that is not there."""
    return _refuse(404, f"There is no {what} {shown(named)}").with_hint(f"There are {there_are}")


def not_made_yet(*, retry_after_s: float) -> Refusal:
    """503 for a phrase without a recording, asked for by somebody who may not have it made."""
    said = "The phrase has not been recorded yet; a credential has it spoken at once"
    return replace(_refuse(503, said), retry_after_s=retry_after_s)


def another_by_now(header: str) -> Refusal:
    """412: the file is not the one that a condition asks for."""
    return _refuse(412, f"The file is another by now (`{header}`)")


def out_of_range(*, size_bytes: int) -> Refusal:
    """416 for a range that begins past the end."""
    return _refuse(416, f"The range begins past the end: there are {size_bytes} bytes")


def bad_path(*, allowed: str) -> Refusal:
    """400 for a path that could be misread; ``allowed``: what is plain. Sarvam's text is not known."""
    return _refuse(400, "This path can't be passed on").with_hint(f"Allowed: {allowed}")


def bad_header(name: str) -> Refusal:
    """400 for a header that can't be passed on. Sarvam's text is not known."""
    return _refuse(400, f"The header {_cut(name)} can't be passed on").with_hint("Allowed: UTF-8")


def no_handshake() -> Refusal:
    """400 for an upgrade that is no WebSocket's. Sarvam's text is not known."""
    return _refuse(400, "This is no WebSocket handshake; allowed: RFC 6455's, version 13")


def path_not_allowed(path: str, *, allowed: Iterable[str]) -> Refusal:
    """403 for a part of Sarvam's API that this client may not use. Sarvam's text is not known."""
    said = f"{_cut(path)} is not among the paths of this account"
    return _refuse(403, said).with_hint(f"Allowed: {', '.join(allowed) or 'none'}")


def stalled_body(*, timeout_s: float) -> Refusal:
    """408: a body stopped half-way. Sarvam's text is not known."""
    return _refuse(408, f"The body stopped: nothing of it came for {timeout_s:g} s.")


def not_forgotten() -> Refusal:
    """500: a dictionary may have changed, and what was spoken with it could not be purged."""
    said = "The dictionary may have changed, but what was spoken with it could not be forgotten"
    return _refuse(500, said).with_hint("Send this again")


def too_large(*, limit_bytes: int) -> Refusal:
    """413 for a body or message over ``limit_bytes``. Sarvam's text is not known."""
    return _refuse(413, f"Request too large: at most {limit_bytes} bytes are allowed")


def slow_body(*, timeout_s: float) -> Refusal:
    """408: the rest of the body did not come."""
    return _refuse(408, f"The body was not complete within {timeout_s:g} s.")


def slow_head(*, timeout_s: float) -> Refusal:
    """408: the rest of the head did not come. Sarvam's text is not known."""
    return _refuse(408, f"The head of the request was not complete within {timeout_s:g} s.")


def head_too_large(*, limit_bytes: int) -> Refusal:
    """431 for a request's line and headers over ``limit_bytes``. Sarvam's text is not known."""
    return _refuse(431, f"Headers too large: at most {limit_bytes} bytes and 128 lines are allowed")


def no_http() -> Refusal:
    """400 for what is no HTTP/1.1. Sarvam's text is not known."""
    return _refuse(400, "This is no HTTP request; allowed: HTTP/1.1, without TLS")


def internal() -> Refusal:
    """500, saying nothing of what happened inside. Sarvam's text is not known."""
    return _refuse(500, "Internal server error")


def _refuse(status: int, message: str, *, bare: bool = False) -> Refusal:
    return Refusal(status, message, code_of(status), bare=bare)


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"


def _message(value: Json) -> str:
    return value if isinstance(value, str) and value else "The origin refused without a reason"


def _details(value: Json) -> dict[str, Json] | None:
    return value if isinstance(value, dict) and is_shallow(value) else None


def _status(code: Json) -> int | None:
    if isinstance(code, str) and re.fullmatch(r"[45]\d\d", code, re.ASCII):
        return int(code)
    if isinstance(code, int) and not isinstance(code, bool) and 400 <= code <= 599:
        return code
    return None
