"""Pages made from the code, so that they cannot lie: the metrics, the settings. ``python -m tests.pages``
writes them; :mod:`tests.test_pages` fails where one of them is another than that.
"""

import re
import textwrap
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from pydantic import BaseModel

from edgeproxy.config import Settings
from edgeproxy.observe import catalogue
from edgeproxy.observe.catalogue import Metric

ROOT: Final = Path(__file__).parents[1]
REMEDY: Final = "run `python -m tests.pages` and commit what it writes"

_METRICS: Final = """\
# Metrics

What `/metrics` on the admin listener tells. [operating.md](operating.md) says what to do about it;
[deploy/](../deploy/README.md) has a dashboard and alerts made of it.

A label has the values that stand here and no others, never a client, an address or a text; what nobody has
foreseen (a model we do not know) is `other`. Histograms are asked for as `_bucket`, `_sum` and `_count`.
Beside these stand Prometheus' own figures of the process (`process_…`, `python_…`).

This page is made from `edgeproxy/observe/catalogue.py` by `python -m tests.pages`.
"""
_SETTINGS: Final = re.compile(
    r"(?<=<!-- settings, written by python -m tests\.pages -->\n).*?(?=<!-- end of settings -->)",
    re.DOTALL,
)


def metrics_page(_: str) -> str:
    """All metrics, whole."""
    parts = list(_parts())
    lines = [_METRICS]
    for heading, metrics in parts:
        lines.append(f"* [{heading}](#{anchor(heading)})")
        lines += [f"  * [`{_title(each)}`](#{anchor(_title(each))})" for each in metrics]
    for heading, metrics in parts:
        lines += ["", f"## {heading}"]
        for each in metrics:
            lines += ["", *_told(each)]
    return "\n".join(lines) + "\n"


def operating_page(page: str) -> str:
    """The same page, its table of settings written anew."""
    return _SETTINGS.sub(lambda _: settings_table() + "\n", page)


def settings_table() -> str:
    """All settings, from the settings themselves."""
    lines = ["| setting | default | meaning |", "|---|---|---|"]
    for room, field in Settings.model_fields.items():
        assert isinstance(field.annotation, type)
        assert issubclass(field.annotation, BaseModel)
        for name, setting in field.annotation.model_fields.items():
            default = setting.default
            shown = "" if default in (None, ()) else f"`{default}`"
            assert setting.description, f"{room}.{name} says nothing about itself"
            meaning = " ".join(setting.description.split())
            lines.append(f"| `{room}.{name}` | {shown} | {meaning} |")
    return "\n".join(lines)


PAGES: Final[dict[str, Callable[[str], str]]] = {
    "docs/metrics.md": metrics_page,
    "docs/operating.md": operating_page,
}
"""Each page and what it should be, given what it is."""


def anchor(heading: str) -> str:
    """The name by which a link finds a heading, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def anchors(page: str) -> set[str]:
    """Those of all headings of a page."""
    prose = re.sub(r"^```.*?^```$", "", page, flags=re.DOTALL | re.MULTILINE)
    return {anchor(heading) for heading in re.findall(r"^#+ (.+)$", prose, re.MULTILINE)}


def _parts() -> Iterator[tuple[str, Sequence[Metric]]]:
    metrics = list(catalogue.METRICS.values())
    firsts = [index for index, each in enumerate(metrics) if each in catalogue.HEADINGS]
    for first, end in zip(firsts, [*firsts[1:], None], strict=True):
        yield catalogue.HEADINGS[metrics[first]], metrics[first:end]


def _title(metric: Metric) -> str:
    return f"{metric.name}_total" if metric.kind == "counter" else metric.name


def _told(metric: Metric) -> Iterator[str]:
    yield f"### `{_title(metric)}`"
    yield ""
    yield textwrap.fill(f"{metric.kind.capitalize()}. {metric.says}", 110, break_on_hyphens=False)
    if metric.labels:
        yield ""
        yield "| label | values |"
        yield "|---|---|"
        for label, values in metric.labels.items():
            yield f"| `{label}` | {', '.join(f'`{value}`' for value in values) or 'free'} |"
    if metric.buckets:
        yield ""
        bounds = (f"{bound:f}".rstrip("0").rstrip(".") for bound in metric.buckets)
        yield textwrap.fill(f"Buckets, in seconds: {', '.join(bounds)}.", 110)


if __name__ == "__main__":
    for name, made in PAGES.items():
        page = ROOT / name
        page.write_text(
            made(page.read_text(encoding="utf-8") if page.exists() else ""), encoding="utf-8"
        )
