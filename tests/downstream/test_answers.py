"""Every failure has Sarvam's shape, and tells nothing that is only ours."""

import json

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from edgeproxy.cache.clip import ClipFailed
from edgeproxy.core.errors import (
    Draining,
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
from edgeproxy.downstream.answers import answer, failed, is_bug, refusal
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


@pytest.mark.parametrize(
    ("error", "status", "named"),
    [
        (web.HTTPRequestEntityTooLarge(9, 10), 413, "at most"),
        (web.HTTPNotFound(), 404, "/v1/x"),
        (web.HTTPMethodNotAllowed("GET", {"POST"}), 405, "only POST"),
        (web.HTTPBadRequest(text="so"), 400, "so"),
        (Refused(refusals.empty_text()), 400, "'text'"),
    ],
)
def test_what_fails_before_an_answer_is_said_in_the_shape_that_is_asked_for(
    error: Exception, status: int, named: str
) -> None:
    said: list[refusals.Refusal] = []

    def say(no: refusals.Refusal) -> web.Response:
        said.append(no)
        return web.Response(status=no.status)

    response = failed(make_mocked_request("GET", "/v1/x"), error, say)
    assert response.status == said[0].status == status
    assert named in said[0].message


def test_only_a_bug_is_logged_and_only_a_drain_closes_the_connection(
    caplog: pytest.LogCaptureFixture,
) -> None:
    request = make_mocked_request("GET", "/v1/x")
    assert failed(request, Draining("going"), answer).keep_alive is False
    assert not caplog.records
    assert failed(request, KeyError("x"), answer).keep_alive is None
    (record,) = caplog.records
    assert record.exc_info is not None
