"""The dashboard names what there is, shows all of it, and says what to look for."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from edgeproxy.observe import catalogue

from . import promql
from .conftest import DEPLOY, KNOWN, RULES, Promtool

DASHBOARD: dict[str, Any] = json.loads(
    (DEPLOY / "grafana" / "edgeproxy.json").read_text(encoding="utf-8")
)
PANELS: list[dict[str, Any]] = [
    panel for top in DASHBOARD["panels"] for panel in (top, *top.get("panels", ()))
]
SHOWN = [panel for panel in PANELS if panel["type"] != "row"]
ROWS = [
    [panel for panel in DASHBOARD["panels"] if not panel.get("collapsed")],
    *(top["panels"] for top in DASHBOARD["panels"] if top.get("collapsed")),
]
"""What is seen at once: all that is not folded away, and each row that is."""
EXPRESSIONS: list[str] = [
    *(target["expr"] for panel in SHOWN for target in panel["targets"]),
    *(each["expr"] for each in DASHBOARD["annotations"]["list"] if "expr" in each),
]


def test_each_panel_has_a_number_of_its_own() -> None:
    numbers = [panel["id"] for panel in PANELS]
    assert len(numbers) == len(set(numbers))


@pytest.mark.parametrize("panel", SHOWN, ids=lambda panel: panel["title"])
def test_each_panel_says_what_to_look_for(panel: dict[str, Any]) -> None:
    assert len(panel["description"]) > 20
    alerts = {rule["alert"] for rule in RULES if "alert" in rule}
    assert set(re.findall(r"Edgeproxy\w+", panel["description"])) <= alerts


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0]["title"])
def test_no_two_panels_lie_on_each_other(row: list[dict[str, Any]]) -> None:
    taken = [
        (place["x"] + x, place["y"] + y)
        for place in (panel["gridPos"] for panel in row)
        for x in range(place["w"])
        for y in range(place["h"])
    ]
    assert len(taken) == len(set(taken))
    assert all(x < 24 for x, _ in taken)


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_names_what_there_is(expression: str) -> None:
    assert list(promql.mistakes(expression, KNOWN)) == []


@pytest.mark.parametrize("panel", SHOWN, ids=lambda panel: panel["title"])
def test_a_legend_shows_labels_that_there_are(panel: dict[str, Any]) -> None:
    for target in panel["targets"]:
        shown = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
        assert shown <= promql.labels(target["expr"], KNOWN)


def test_all_there_is_is_shown() -> None:
    shown = {each.name for expression in EXPRESSIONS for each in promql.selectors(expression)}
    missing = [name for name, metric in catalogue.METRICS.items() if not shown & {*metric.series}]
    assert missing == []


def test_it_is_of_any_source_and_any_instance() -> None:
    """What is chosen above the panels holds for each of them, and nothing else is named."""
    for panel in SHOWN:
        assert panel["datasource"]["uid"] == "$datasource"
    for expression in EXPRESSIONS:
        for each in promql.selectors(expression):
            chosen = {label: value for label, _, value in each.matchers}
            assert "job" not in chosen
            if each.name.startswith("edgeproxy"):
                assert (chosen["region"], chosen["instance"]) == ("$region", "$instance")


def test_prometheus_understands_each_expression(promtool: Promtool, tmp_path: Path) -> None:
    plain = [
        each.replace("$__rate_interval", "5m").replace("$region", ".*").replace("$instance", ".*")
        for each in EXPRESSIONS
    ]
    shown = [{"record": f"panel:{n}", "expr": each} for n, each in enumerate(plain)]
    file = tmp_path / "dashboard.rules.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": shown}]}), "utf-8")
    promtool("check", "rules", file)
