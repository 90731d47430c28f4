"""Pages say what the code says, and their links lead somewhere."""

import re
from pathlib import Path

import pytest

from edgeproxy.observe import catalogue
from edgeproxy.observe.metrics import Metrics

from .pages import PAGES, REMEDY, ROOT, anchors

WRITTEN = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    ROOT / "deploy" / "README.md",
    ROOT / "tests" / "scenarios" / "README.md",
]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_what_the_code_says(name: str) -> None:
    page = (ROOT / name).read_text(encoding="utf-8")
    assert page == PAGES[name](page), f"{name} is not what the code says: {REMEDY}"


def test_the_operators_page_has_its_table_of_settings() -> None:
    page = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    assert "| `server.host` |" in page, "its marks are gone, between which the table is written"


def test_what_a_proxy_counts_is_documented_and_the_other_way_round() -> None:
    counted = set(re.findall(r"^# TYPE (edgeproxy_\w+) ", Metrics().page().decode(), re.MULTILINE))
    page = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^### `(\w+)`$", page, re.MULTILINE))
    assert counted == documented, REMEDY


def test_a_scrape_has_what_is_of_the_process_and_nothing_unheard_of() -> None:
    names = set(re.findall(r"^# TYPE (\w+) ", Metrics().page().decode(), re.MULTILINE))
    assert {name for name in names if not name.startswith("edgeproxy_")} >= {
        "process_open_fds",
        "process_max_fds",
        "process_resident_memory_bytes",
        "process_cpu_seconds_total",
    }
    assert {name for name in names if not name.startswith(("edgeproxy_", "process_", "python_"))} == set()


@pytest.mark.parametrize("name", catalogue.METRICS)
def test_no_label_is_one_that_prometheus_gives(name: str) -> None:
    """It would come out as `exported_…`, and each expression with it would be empty."""
    assert not catalogue.METRICS[name].labels.keys() & {"job", "instance", "region", "le"}


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_each_link_leads_somewhere(page: Path) -> None:
    prose = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    links = [to for to in re.findall(r"\]\(([^)\s]+)\)", prose) if not to.startswith("http")]
    for to in links:
        path, _, name = to.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), to
        assert not name or name in anchors(target.read_text("utf-8")), to
