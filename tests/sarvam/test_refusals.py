"""Sarvam's words come first, word for word, in the shape of each door; nothing heard is lost or fatal."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeproxy.sarvam import refusals
from edgeproxy.sarvam.refusals import Refusal

SCHEMA = "Input parameters has to be a valid dictionary"


def frame(refusal: Refusal) -> dict[str, Any]:
    message = json.loads(refusal.frame("id1"))
    assert message["type"] == "error"
    data: dict[str, Any] = message["data"]
    assert data.pop("request_id") == "id1"
    return data


@pytest.mark.parametrize(
    ("refusal", "status", "text", "code"),
    [
        (refusals.malformed("why"), 422, f"{SCHEMA}. why", "unprocessable_entity_error"),
        (refusals.text_before_config(), 422, f"{SCHEMA}. ", "unprocessable_entity_error"),
        (
            refusals.sample_rate("11025", rates=(8000, 16000, 22050, 24000)),
            400,
            "Speech sample rate can only be 8000, 16000, 22050, 24000 Hz. ",
            "invalid_request_error",
        ),
        (refusals.empty_text(), 400, "'text' cannot be empty", "invalid_request_error"),
        (
            refusals.idle(),
            408,
            "Websocket was left open without any messages for too long.",
            "invalid_request_error",
        ),
        (
            refusals.credentials(),
            403,
            "Invalid or missing authentication credentials",
            "invalid_api_key_error",
        ),
        (refusals.rate_limited(), 429, "rate limit exceeded", "rate_limit_exceeded_error"),
        (refusals.overloaded(), 503, "model unavailable", "rate_limit_exceeded_error"),
        (refusals.unknown_path("/x"), 404, "", "not_found_error"),
        (refusals.too_large(limit_bytes=9), 413, "", "invalid_request_error"),
        (refusals.internal(), 500, "", "internal_server_error"),
    ],
)
def test_each_text_of_sarvams_has_its_status_and_code(
    refusal: Refusal, status: int, text: str, code: str
) -> None:
    assert (refusal.status, refusal.code) == (status, code)
    assert refusal.message.startswith(text)
    assert frame(refusal) == {"message": refusal.message, "code": status}
    body = json.loads(refusal.body("id1"))
    assert body == {"error": {"message": refusal.message, "code": code, "request_id": "id1"}}


@pytest.mark.parametrize(
    ("refusal", "text"),
    [
        (
            refusals.speaker_mismatch("shubh", "bulbul:v4-flash", ["a", "b"]),
            (
                "Speaker 'shubh' is not compatible with model bulbul:v4-flash. "
                "Available speakers for bulbul:v4-flash are: a, b"
            ),
        ),
        (
            refusals.retired("bulbul:v2", successor="bulbul:v3"),
            "Model 'bulbul:v2' has been deprecated. Please use 'bulbul:v3' instead.",
        ),
        (
            refusals.gated_language("ur-IN"),
            "Please request beta access to ur-IN by contacting our support team.",
        ),
    ],
)
def test_some_refusals_hide_their_code_in_front_of_the_text(refusal: Refusal, text: str) -> None:
    assert frame(refusal) == {"message": f"400: {text}"}
    assert json.loads(refusal.body("id1"))["error"]["message"] == text


def test_an_unknown_model_is_told_the_known_ones() -> None:
    refusal = refusals.unknown_model("x", known=["a", "b", "c"])
    assert refusal.message.startswith(
        "Validation Error(s):\n- model: Input should be 'a', 'b' or 'c'. "
    )


def test_a_beta_model_comes_with_details() -> None:
    refusal = refusals.beta_model("bulbul:v5")
    assert refusal.message == "This model is currently in beta and not available."
    assert frame(refusal)["details"] == {"model": "bulbul:v5"}
    assert json.loads(refusal.body("id1"))["error"]["details"] == {"model": "bulbul:v5"}


def test_a_schema_refusal_names_field_value_and_what_is_allowed() -> None:
    refusal = refusals.schema("min_buffer_size", 20, allowed="30 to 200")
    assert refusal.message == f"{SCHEMA}. `min_buffer_size` is 20; allowed: 30 to 200"
    missing = refusals.schema("speaker", allowed="a string")
    assert missing.message == f"{SCHEMA}. `speaker` is missing; allowed: a string"


@pytest.mark.parametrize("value", ["x" * 10_000, ["नमस्ते"] * 1000, {"k": "v" * 500}])
def test_values_are_shown_short(value: Any) -> None:
    assert len(refusals.schema("f", value, allowed="less").message) < 150


def test_a_hint_goes_behind_the_text_and_leaves_it_as_it_is() -> None:
    assert refusals.rate_limited().with_hint("Wait").message == "rate limit exceeded. Wait"
    assert refusals.idle().with_hint("Ping").message.endswith("for too long. Ping")


def test_over_http_a_busy_answer_can_say_when_to_come_back() -> None:
    assert refusals.overloaded(retry_after_s=2.0).retry_after_s == 2.0
    assert refusals.rate_limited(retry_after_s=3.0).retry_after_s == 3.0


@pytest.mark.parametrize(
    ("data", "status", "bare"),
    [
        ({"message": "m", "code": 422}, 422, False),
        ({"message": "m", "code": "429"}, 429, False),
        ({"message": "400: m"}, 400, True),
        ({"message": "m"}, 500, False),
        ({"message": "m", "code": True}, 500, False),
        ({"message": "m", "code": -1}, 500, False),
    ],
)
def test_the_status_of_a_frame_is_found_wherever_it_hides(
    data: dict[str, Any], status: int, bare: bool
) -> None:
    refusal = Refusal.from_frame(data)
    assert (refusal.status, refusal.message, refusal.bare) == (status, "m", bare)


@pytest.mark.parametrize(
    "data",
    [
        {"message": "Speaker x", "code": 422, "details": {"a": [1]}},
        {"message": "400: Speaker x"},
    ],
)
def test_a_frame_that_was_heard_is_passed_on_as_it_came(data: dict[str, Any]) -> None:
    assert frame(Refusal.from_frame(data)) == data


def test_a_body_that_was_heard_is_passed_on_as_it_came() -> None:
    error = {"message": "No credits left", "code": "insufficient_quota_error", "request_id": "id1"}
    body = json.dumps({"error": error}).encode()
    refusal = Refusal.from_body(429, body, retry_after_s=7.0)
    assert json.loads(refusal.body("id1")) == json.loads(body)
    assert refusal.retry_after_s == 7.0


@pytest.mark.parametrize(
    "body", [b"<html>502 Bad Gateway</html>", b"", b"[]", b'{"error":"no"}', b"Forbidden"]
)
def test_a_gateways_page_keeps_its_status(body: bytes) -> None:
    refusal = Refusal.from_body(502, body)
    assert (refusal.status, refusal.code) == (502, "internal_server_error")
    assert "html" not in refusal.message


@pytest.mark.parametrize("status", [400, 403, 404, 413, 422])
def test_the_same_words_would_be_refused_again(status: int) -> None:
    assert Refusal(status, "m", "c").is_clients_fault


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503])
def test_the_same_words_may_succeed_later(status: int) -> None:
    assert not Refusal(status, "m", "c").is_clients_fault


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from(["message", "code", "details"]), json_values))
def test_whatever_a_frame_holds_it_can_be_passed_on(data: dict[str, Any]) -> None:
    refusal = Refusal.from_frame(data)
    assert 400 <= refusal.status <= 599
    assert frame(refusal)["message"]


@given(st.binary() | json_values.map(lambda value: json.dumps({"error": value}).encode()))
def test_whatever_a_body_holds_it_can_be_passed_on(body: bytes) -> None:
    assert json.loads(Refusal.from_body(500, body).body("id1"))["error"]["message"]


def test_details_too_deep_to_be_written_are_dropped() -> None:
    details: dict[str, Any] = {}
    for _ in range(300):
        details = {"a": details}
    assert "details" not in frame(Refusal.from_frame({"message": "m", "details": details}))


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        ("0", 0.0),
        (None, None),
        ("", None),
        ("-1", None),
        ("soon", None),
        ("1e9", None),
        ("٣", None),
        ("Wed, 25 Nov 2026 22:00:00 GMT", None),
    ],
)
def test_retry_after_is_read_where_it_is_seconds(header: str | None, seconds: float | None) -> None:
    assert refusals.retry_after_s(header) == seconds
