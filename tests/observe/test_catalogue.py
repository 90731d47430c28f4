"""Every metric is described, once, in a way that can be read; and labels are few."""

from math import prod

import pytest

from edgeproxy.observe.catalogue import METRICS, Metric

_MOST_SERIES = 300


@pytest.mark.parametrize("metric", METRICS.values(), ids=lambda metric: metric.name)
def test_a_metric_says_what_it_is_in_sentences(metric: Metric) -> None:
    assert metric.says[0].isupper() or metric.says[0] in "1`"
    assert metric.says.endswith(".")
    assert metric.help in (metric.says, metric.says[: len(metric.help)])
    assert metric.name == f"edgeproxy_{metric.name.removeprefix('edgeproxy_')}".lower()


@pytest.mark.parametrize("metric", METRICS.values(), ids=lambda metric: metric.name)
def test_a_name_says_its_unit_as_prometheus_has_it(metric: Metric) -> None:
    assert not metric.name.endswith("_total")  # counters get it
    assert "_ms" not in metric.name
    if metric.kind == "histogram":
        assert metric.name.endswith("_seconds")
        assert list(metric.buckets) == sorted(set(metric.buckets))


@pytest.mark.parametrize("metric", METRICS.values(), ids=lambda metric: metric.name)
def test_series_are_few(metric: Metric) -> None:
    assert prod(len(values) for values in metric.labels.values() if values) <= _MOST_SERIES
