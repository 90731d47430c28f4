"""Every failure has Sarvam's shape, and tells nothing that is only ours."""

import json

import pytest

from edgeproxy.cache.clip import ClipFailed
from edgeproxy.core.errors import (
    EdgeProxyError,
    LeaseTimeout,
    OriginClosed,
    OriginDown,
    OriginLetGo,
    OriginSilent,
    OriginUnreachable,
    Overdrawn,
    Overloaded,
)
from edgeproxy.downstream.answers import answer, is_bug, refusal
from edgeproxy.sarvam import refusals
from edgeproxy.sarvam.refusals import Refused
from edgeproxy.upstream.session import OriginRefused


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (OriginUnreachable("no connection"), 503),
        (OriginClosed("it broke"), 502),
        (OriginSilent("nothing came"), 504),
        (LeaseTimeout("all are busy"), 503),
        (OriginDown("it fails everything"), 503),
        (OriginLetGo("received 1003 (unsupported data) rate limit exceeded"), 503),
        (Overdrawn("the month is spent"), 429),
        (OriginRefused(refusals.credentials()), 403),
        (Refused(refusals.empty_text()), 400),
    ],
)
def test_each_failure_has_its_status(error: Exception, status: int) -> None:
    assert refusal(error).status == status


def test_a_failed_clip_is_told_as_its_cause() -> None:
    failed = ClipFailed("clip")
    failed.__cause__ = OriginSilent("nothing came")
    assert refusal(failed).status == 504


def test_a_bug_is_a_plain_500_and_its_text_stays_with_us() -> None:
    told = refusal(KeyError("/etc/secret"))
    assert told.status == 500
    assert "secret" not in told.message


def test_what_somebody_else_did_is_no_bug_however_it_is_told() -> None:
    refused = ClipFailed("clip")
    refused.__cause__ = OriginRefused(refusals.internal())
    assert not is_bug(refused)
    assert not is_bug(Refused(refusals.empty_text()))
    broken = ClipFailed("clip")
    broken.__cause__ = KeyError("x")
    assert is_bug(broken)
    assert is_bug(KeyError("x"))


def test_over_http_it_is_sarvams_body_with_the_headers_sdks_look_at() -> None:
    response = answer(refusal(LeaseTimeout("all are busy", retry_after_s=1.2)))
    assert isinstance(response.body, bytes)
    body = json.loads(response.body)
    assert response.status == 503
    assert response.headers["Retry-After"] == "2"
    assert body["error"]["request_id"] == response.headers["x-request-id"]
    assert set(body["error"]) == {"message", "code", "request_id"}


@pytest.mark.parametrize(
    ("error", "header"),
    [
        (OriginDown("it fails everything", retry_after_s=1.4), "2"),
        (OriginUnreachable("no connection", retry_after_s=0.0), "1"),
        (OriginUnreachable("no connection"), "1"),
        (Overloaded("the queue is full", retry_after_s=12.0), "12"),
        (OriginRefused(refusals.rate_limited(retry_after_s=30.0)), "30"),
        (OriginRefused(refusals.rate_limited()), None),
        (OriginSilent("nothing came"), None),
    ],
    ids=repr,
)
def test_when_to_come_again_is_told_where_it_is_known(
    error: EdgeProxyError, header: str | None
) -> None:
    assert answer(refusal(error)).headers.get("Retry-After") == header
