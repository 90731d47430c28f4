"""Rules name what there is, fire when they should, and say what to do."""

import re
from typing import Any

import pytest
import yaml

from ..pages import ROOT, anchors
from . import promql
from .conftest import DEPLOY, KNOWN, RULES, RULES_FILE, Promtool

ALERTS = {rule["alert"]: rule for rule in RULES if "alert" in rule}
TESTS_FILE = DEPLOY / "prometheus" / "edgeproxy.rules.test.yaml"
TESTS = yaml.safe_load(TESTS_FILE.read_text(encoding="utf-8"))["tests"]


def test_prometheus_takes_the_configuration(promtool: Promtool) -> None:
    promtool("check", "config", DEPLOY / "prometheus" / "prometheus.yaml")


def test_prometheus_takes_the_rules(promtool: Promtool) -> None:
    promtool("check", "rules", RULES_FILE)


def test_each_alert_fires_when_it_should_and_not_before(promtool: Promtool) -> None:
    promtool("test", "rules", TESTS_FILE)


@pytest.mark.parametrize("alert", ALERTS)
def test_each_alert_is_seen_to_fire_and_not_to(alert: str) -> None:
    cases = [
        case["exp_alerts"]
        for test in TESTS
        for case in test["alert_rule_test"]
        if case["alertname"] == alert
    ]
    assert [] in cases
    assert any(cases)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.get("alert") or rule["record"])
def test_a_rule_names_what_there_is(rule: dict[str, Any]) -> None:
    assert list(promql.mistakes(rule["expr"], KNOWN)) == []


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_says_what_is_wrong_where_and_what_to_do(alert: str) -> None:
    rule = ALERTS[alert]
    assert rule["labels"]["severity"] in ("page", "ticket")
    said = rule["annotations"]
    assert said.keys() == {"summary", "description", "runbook"}
    shown = set(re.findall(r"\$labels\.(\w+)", said["summary"] + said["description"]))
    assert shown <= promql.labels(rule["expr"], KNOWN)
    page, _, section = said["runbook"].partition("#")
    assert section in anchors((ROOT / page).read_text(encoding="utf-8")), said["runbook"]
    assert section == alert.lower()


def test_the_operators_page_has_no_section_for_an_alert_there_is_not() -> None:
    page = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^#+ (Edgeproxy\w+)$", page, re.MULTILINE)) == set(ALERTS)


@pytest.mark.parametrize(
    ("expression", "mistake"),
    [
        ("sum by (verdict) (rate(edgeproxy_turns_total[5m]))", None),
        ('edgeproxy_turns_total{verdict=~"hit-.+|miss"}', None),
        ("edgeproxy_turns", "no such metric: edgeproxy_turns"),
        ("rate(edgeproxy_first_byte_seconds_total[5m])", "no such metric"),
        ('edgeproxy_turns_total{mode="on"}', "edgeproxy_turns_total has no label mode"),
        ('edgeproxy_turns_total{verdict="hit"}', "has no verdict hit"),
        ('edgeproxy_turns_total{verdict=~"miss|hit"}', "has no verdict hit"),
        ("sum by (model) (rate(edgeproxy_turns_total[5m]))", "has no label model"),
        ("a_rule:of:nobody > 1", "no such metric"),
        ("edgeproxy_ready and on (shard) edgeproxy_info", "nothing in it has the label shard"),
    ],
)
def test_a_mistake_in_an_expression_is_found(expression: str, mistake: str | None) -> None:
    found = list(promql.mistakes(expression, KNOWN))
    assert (mistake is None and not found) or any(mistake in each for each in found if mistake)
