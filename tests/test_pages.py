"""Pages say what the code says, and their links lead somewhere."""

import re
from pathlib import Path

import aiohttp
import pytest

from edgeproxy import app
from edgeproxy.observe import catalogue

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


async def test_what_a_proxy_tells_is_documented_and_the_other_way_round(proxy: app.Proxy) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{proxy.operator_url}/metrics") as answer,
    ):
        told = set(re.findall(r"^# TYPE (\w+) ", await answer.text(), re.MULTILINE))
    page = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^### `(\w+)`$", page, re.MULTILINE))
    of_the_process = {name for name in told if name.startswith(("process_", "python_"))}
    assert told - of_the_process == documented, REMEDY
    assert "process_open_fds" in of_the_process


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
