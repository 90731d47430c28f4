"""What a PromQL expression names: enough of its grammar to hold it against the catalogue."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from edgeproxy.observe import catalogue

TARGET: Final = frozenset({"job", "instance", "region"})
"""Labels that Prometheus gives to all that it scrapes at one address."""

Labels = Mapping[str, Sequence[str]]
"""Labels with their values; without values: any will do."""

ANY: Final[Sequence[str]] = ()
_TARGET: Final = dict.fromkeys(TARGET, ANY)
_OTHERS: Final[dict[str, Labels]] = {
    "up": _TARGET,
    "ALERTS": {**_TARGET, "alertname": ANY, "severity": ANY, "alertstate": ("pending", "firing")},
    **dict.fromkeys(
        (
            "process_cpu_seconds_total",
            "process_resident_memory_bytes",
            "process_open_fds",
            "process_max_fds",
        ),
        _TARGET,
    ),
}
"""What may be named and is not of the catalogue."""

_WORDS: Final = {"and", "or", "unless", "offset", "bool"}
_GROUPING: Final = re.compile(r"\b(by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
_AGGREGATION: Final = re.compile(r"\b\w+\s+(?:by|without)\s*\(([^)]*)\)\s*(?=\()")
_MATCHER: Final = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"')
_SELECTOR: Final = re.compile(r"(?<![\w:$.\"])([a-zA-Z_:][\w:]*)(?![\w:])\s*(\{[^}]*\})?(?!\s*\()")


@dataclass(frozen=True, slots=True)
class Selector:
    """One series asked for. ``matchers``: label, operator, value."""

    name: str
    matchers: tuple[tuple[str, str, str], ...]


def selectors(expression: str) -> list[Selector]:
    """All series that an expression asks for."""
    plain = re.sub(r"\[[^\]]*\]", "", _GROUPING.sub(" ", expression))
    return [
        Selector(name, tuple(_MATCHER.findall(matchers)))
        for name, matchers in _SELECTOR.findall(plain)
        if name not in _WORDS
    ]


def series(recorded: Mapping[str, str]) -> dict[str, Labels]:
    """Every name that may be asked for, with its labels. ``recorded``: own rules, name to expression."""
    known = dict(_OTHERS)
    for metric in catalogue.METRICS.values():
        for name in metric.series:
            known[name] = {**metric.labels, **_TARGET}
            if name.endswith("_bucket"):
                known[name] = {**known[name], "le": ANY}
    for name, expression in recorded.items():
        dropped = {
            label for how, labels in _groupings(expression) if how == "without" for label in labels
        }
        labels = {
            label: values
            for each in selectors(expression)
            for label, values in known[each.name].items()
        }
        known[name] = {label: v for label, v in labels.items() if label not in {*dropped, "le"}}
    return known


def mistakes(expression: str, known: Mapping[str, Labels]) -> Iterator[str]:
    """What it names that there is not."""
    asked = selectors(expression)
    if unknown := [each.name for each in asked if each.name not in known]:
        yield f"no such metric: {', '.join(unknown)}"
        return
    for each in asked:
        yield from _bad_matchers(each, known[each.name])
    for labels, body in _aggregations(expression):
        for each in selectors(body):
            for label in labels - known[each.name].keys():
                yield f"{each.name} has no label {label} to sum by or without"
    everywhere = {label for each in asked for label in known[each.name]}
    for _, named in _groupings(expression):
        for label in set(named) - everywhere:
            yield f"nothing in it has the label {label}"


def labels(expression: str, known: Mapping[str, Labels]) -> set[str]:
    """Those that its result may have."""
    return {label for each in selectors(expression) for label in known[each.name]}


def _bad_matchers(selector: Selector, its: Labels) -> Iterator[str]:
    for label, operator, value in selector.matchers:
        if label not in its:
            yield f"{selector.name} has no label {label}"
        elif its[label] and "$" not in value:
            for wanted in value.split("|") if "~" in operator else [re.escape(value)]:
                if not any(re.fullmatch(wanted, each) for each in its[label]):
                    yield f"{selector.name} has no {label} {wanted}, only {', '.join(its[label])}"


def _groupings(expression: str) -> Iterator[tuple[str, list[str]]]:
    for how, labels in _GROUPING.findall(expression):
        yield how, re.findall(r"\w+", labels)


def _aggregations(expression: str) -> Iterator[tuple[set[str], str]]:
    """Of each: the labels it is by or without, and what it sums."""
    for found in _AGGREGATION.finditer(expression):
        yield set(re.findall(r"\w+", found[1])), _in_brackets(expression[found.end() :])


def _in_brackets(rest: str) -> str:
    depth = 0
    for index, sign in enumerate(rest):
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if depth == 0:
            return rest[: index + 1]
    raise AssertionError(f"brackets do not close: {rest}")
