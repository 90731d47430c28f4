"""Sarvam's refusals, as OpenAI would have put them."""

import orjson
import pytest

from edgeproxy.openai import errors
from edgeproxy.sarvam import models, refusals
from edgeproxy.sarvam.refusals import Refusal

HINTED = models.hint(
    refusals.gated_language("as-IN"),
    {"language": "as-IN", "speaker": "shubh", "model": "bulbul:v3"},
)
VOICES = refusals.voice_not_allowed(
    model="bulbul:v3", language="hi-IN", speaker="shubh", allowed=["ritu"]
)


@pytest.mark.parametrize(
    ("no", "status", "kind", "param", "code"),
    [
        (refusals.credentials(), 401, "invalid_request_error", None, "invalid_api_key"),
        (refusals.schema("pace", 9, allowed="0.5"), 400, "invalid_request_error", "speed", None),
        (refusals.malformed("so"), 400, "invalid_request_error", None, None),
        (
            refusals.speaker_mismatch("x", "bulbul:v3", ["shubh"]),
            400,
            "invalid_request_error",
            "voice",
            None,
        ),
        (HINTED, 400, "invalid_request_error", "voice", None),
        (VOICES, 400, "invalid_request_error", "voice", None),
        (
            refusals.retired("bulbul:v2", successor="bulbul:v3"),
            400,
            "invalid_request_error",
            "model",
            None,
        ),
        (refusals.unknown_path("/v1/x"), 404, "invalid_request_error", None, None),
        (refusals.slow_body(timeout_s=1), 408, "invalid_request_error", None, None),
        (refusals.too_large(limit_bytes=9), 413, "invalid_request_error", None, None),
        (refusals.rate_limited(), 429, "rate_limit_error", None, "rate_limit_exceeded"),
        (refusals.quota("so"), 429, "insufficient_quota", None, "insufficient_quota"),
        (refusals.internal(), 500, "server_error", None, None),
        (refusals.overloaded(retry_after_s=2), 503, "server_error", None, None),
    ],
    ids=lambda value: value.message[:30] if isinstance(value, Refusal) else "",
)
def test_each_refusal_has_openais_status_type_param_and_code(
    no: Refusal, status: int, kind: str, param: str | None, code: str | None
) -> None:
    error = errors.of(no)
    assert (error.status, error.type, error.param, error.code) == (status, kind, param, code)
    assert error.message.startswith(no.message)
    assert error.retry_after_s == no.retry_after_s
    assert error.final == (no.code == "insufficient_quota_error")


def test_a_body_has_openais_four_keys_null_or_not() -> None:
    body = orjson.loads(errors.of(refusals.internal()).body())
    assert body == {
        "error": {
            "message": "Internal server error",
            "type": "server_error",
            "param": None,
            "code": None,
        }
    }
