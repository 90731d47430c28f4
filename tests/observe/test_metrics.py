"""From facts to figures: what a scrape shows after what was told, and what it can never show."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from prometheus_client.parser import text_string_to_metric_families

from edgeproxy.core import events
from edgeproxy.core.events import Event, TurnEnded
from edgeproxy.observe import catalogue
from edgeproxy.observe.metrics import Metrics
from edgeproxy.sarvam.models import RUPEES_PER_CHARACTER

from .test_log import SEGMENT, TURN


def shown(metrics: Metrics, name: str, **labels: str) -> float | None:
    """The value of one series, as a scrape has it."""
    for family in text_string_to_metric_families(metrics.page({}).decode()):
        for sample in family.samples:
            if sample.name == f"edgeproxy_{name}" and sample.labels == labels:
                return sample.value
    return None


def told(*facts: Event) -> Metrics:
    metrics = Metrics()
    metrics.hear([(fact, datetime.now(UTC)) for fact in facts])
    return metrics


def turn(*verdicts: str, **how: object) -> TurnEnded:
    segments = tuple(replace(SEGMENT, verdict=verdict) for verdict in verdicts)
    return replace(TURN, segments=segments, **how)  # type: ignore[arg-type]


def test_a_turn_counts_under_the_verdict_its_caller_waited_for() -> None:
    metrics = told(turn("hit-memory", "miss", ttfb_s=0.0008), turn("miss", ttfb_s=0.3))
    for verdict, below in (("hit-memory", "0.001"), ("miss", "0.3")):
        ended = {"door": "websocket", "verdict": verdict}
        assert shown(metrics, "turns_total", **ended, outcome="ok") == 1
        assert shown(metrics, "first_byte_seconds_bucket", **ended, le=below) == 1
    assert shown(metrics, "segments_total", verdict="miss") == 2
    assert shown(metrics, "characters_total", verdict="miss") == 24


def test_buckets_tell_half_a_millisecond_from_one_and_two_seconds_from_three() -> None:
    metrics = told(*(turn("miss", ttfb_s=seconds) for seconds in (0.0004, 0.0009, 1.9, 2.9)))
    labels = {"door": "websocket", "verdict": "miss"}
    counts = [
        shown(metrics, "first_byte_seconds_bucket", **labels, le=le)
        for le in ("0.0005", "0.001", "2.0", "3.0")
    ]
    assert counts == [1, 2, 3, 4]


def test_a_turn_that_was_not_heard_is_counted_and_has_no_wait() -> None:
    metrics = told(turn(outcome="error", ttfb_s=None, ttfa_s=None))
    ended = {"door": "websocket", "verdict": "none"}
    assert shown(metrics, "turns_total", **ended, outcome="error") == 1
    assert not shown(metrics, "first_byte_seconds_count", **ended)


def test_stages_are_what_lies_between_the_moments_of_a_segment() -> None:
    segment = replace(
        SEGMENT,
        decided_s=0.010,
        leased_s=0.030,
        sent_s=0.035,
        first_byte_s=0.235,
        first_pcm_s=0.236,
        taken_s=0.240,
        encoded_s=0.241,
        first_write_s=0.2415,
        configured=True,
    )
    metrics = told(replace(TURN, segments=(segment,)))
    sums = {stage: shown(metrics, "stage_seconds_sum", stage=stage) for stage in catalogue.STAGES}
    assert sums == pytest.approx(
        {
            "lease": 0.02,
            "config": 0.005,
            "origin": 0.2,
            "decode": 0.001,
            "encode": 0.001,
            "write": 0.0005,
        }
    )


def test_a_hit_has_no_stages_of_the_origin() -> None:
    hit = replace(
        SEGMENT,
        verdict="hit-memory",
        leased_s=None,
        sent_s=None,
        first_byte_s=None,
        first_pcm_s=None,
        taken_s=0.0,
        encoded_s=0.001,
    )
    metrics = told(replace(TURN, segments=(hit,)))
    assert shown(metrics, "stage_seconds_count", stage="encode") == 1
    assert shown(metrics, "stage_seconds_count", stage="lease") == 0


def test_money_is_what_was_sent_and_what_needed_not_be() -> None:
    metrics = told(
        turn("hit-disk", "collapsed", "stale", "miss", "pause"),
        events.TextCharged("bulbul:v3", 100, "first"),
        events.TextCharged("bulbul:v3", 50, "night"),
    )
    assert shown(metrics, "rupees_saved_total") == pytest.approx(36 * RUPEES_PER_CHARACTER)
    assert shown(metrics, "rupees_spent_total", order="first") == pytest.approx(0.3)
    assert shown(metrics, "origin_characters_total", order="night") == 50


def test_money_saved_is_not_counted_again_by_the_next_scrape() -> None:
    metrics = told(turn("hit-disk"))
    once = shown(metrics, "rupees_saved_total")
    assert once == shown(metrics, "rupees_saved_total") == pytest.approx(12 * RUPEES_PER_CHARACTER)


def test_in_its_shadow_it_is_told_what_the_cache_would_have_had() -> None:
    segments = tuple(
        replace(SEGMENT, verdict="bypass", would=would) for would in ("hit-memory", "miss", "miss")
    )
    metrics = told(replace(TURN, segments=segments))
    assert shown(metrics, "shadow_segments_total", would="hit-memory") == 1
    assert shown(metrics, "shadow_characters_total", would="miss") == 24


V3 = {"model": "bulbul:v3"}
COUNTED: list[tuple[Event, str, dict[str, str]]] = [
    (events.DialFailed("bulbul:v3", "refused"), "origin_dials_failed", V3),
    (events.FillRetried("bulbul:v3", "silent"), "origin_retries", V3),
    (
        events.BreakerMoved("own", "bulbul:v3", "open", "x"),
        "origin_breaker_moves",
        V3 | {"state": "open"},
    ),
    (events.ConfigSkipped("bulbul:v3"), "origin_configs", V3 | {"config": "skipped"}),
    (events.RecordKept("k", 1), "records_kept", {}),
    (events.RecordRefused("k", "silent"), "records_refused", {}),
    (events.RecordCorrupt("k", "flipped"), "records_corrupt", {}),
    (events.RecordEvicted("k", 1), "records_evicted", {}),
    (events.Renewed("k", ok=False), "records_renewed", {"outcome": "failed"}),
    (events.Purged(1, True, "text", 0), "purges", {"kind": "soft"}),
    (events.StoreFailed("read", "disk"), "store_failures", {}),
    (events.PhraseRefused("k", "a/b", "short", 1), "phrase_takes_refused", {}),
    (events.LimitMet("idle_s", "192.0.2.4"), "limits_met", {"limit": "idle_s"}),
    (events.JobEnded("night of desk", True, ""), "nights", {"outcome": "ended"}),
    (events.JobEnded("night, now", False, ""), "nights", {"outcome": "failed"}),
    (events.AdminCalled("POST /", "::1", False, ""), "admin_calls", {"outcome": "refused"}),
]


@pytest.mark.parametrize(("fact", "name", "labels"), COUNTED, ids=lambda each: str(each)[:40])
def test_a_fact_is_counted_once(fact: Event, name: str, labels: dict[str, str]) -> None:
    assert shown(told(fact), f"{name}_total", **labels) == 1


def test_what_a_client_makes_up_makes_no_series() -> None:
    metrics = told(*(events.DialFailed(f"made-up:{number}", "refused") for number in range(500)))
    assert shown(metrics, "origin_dials_failed_total", model="other") == 500
    assert b"made-up" not in metrics.page({})


def test_a_gauge_that_is_no_longer_read_shows_nothing_old() -> None:
    metrics = Metrics()
    metrics.page({catalogue.SESSIONS: {("bulbul:v3", "idle"): 4.0}})
    labels = {"model": "bulbul:v3", "state": "idle"}
    page = metrics.page({catalogue.SESSIONS: {}}).decode()
    (family,) = (
        family
        for family in text_string_to_metric_families(page)
        if family.name == "edgeproxy_origin_sessions"
    )
    assert [(sample.labels, sample.value) for sample in family.samples] == [(labels, 0)]


def test_neither_key_nor_text_nor_address_is_on_the_page() -> None:
    secret = replace(SEGMENT, text="my secret", key="f00d")
    metrics = told(
        replace(TURN, segments=(secret,), request_id="req-1", namespace="key-123", tag="tag-1"),
        events.LimitMet("idle_s", "203.0.113.9"),
        events.KeyProven("key-123", "refused"),
    )
    page = metrics.page({})
    for said in (b"my secret", b"f00d", b"req-1", b"key-123", b"203.0.113.9", b"tag-1"):
        assert said not in page
