"""From facts to figures: what ``/metrics`` tells. prometheus-client's only door.

Counters and histograms follow the facts as they are told; gauges are read when somebody asks
(:data:`Reading`), so that they cost nothing between two scrapes. What each metric means stands in
:mod:`.catalogue`.

A fact of a turn comes with each hit, so it is cheap: what a label's values select is bound once.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any, Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from ..core import events
from ..core.events import Event, SegmentSpoken, TurnEnded
from ..sarvam.models import RUPEES_PER_CHARACTER
from . import catalogue
from .catalogue import FROM_CACHE, OTHER, Metric
from .later import Told

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

# A second series beside each, which says when it began: the start of the process is told once.
disable_created_metrics()  # type: ignore[no-untyped-call]

Reading = Mapping[Metric, Mapping[tuple[str, ...], float]]
"""What gauges show at one moment: a number for each set of label values."""

_MAKES: Final[dict[str, Any]] = {"counter": Counter, "gauge": Gauge, "histogram": Histogram}
_FROM_THE_START: Final = 20
"""A counter with more combinations of its labels has only those that there were."""
_STAGES: Final = (
    # From one moment of a segment to the next; of the config only where there was one.
    ("lease", "decided_s", "leased_s"),
    ("origin", "sent_s", "first_byte_s"),
    ("decode", "first_byte_s", "first_pcm_s"),
    ("encode", "taken_s", "encoded_s"),
    ("write", "encoded_s", "first_write_s"),
)


class _Children(dict[tuple[str, ...], Any]):
    """The children of one metric by the values of its labels, each bound at first use.

    A value that the catalogue does not have counts under ``other``: what clients make up makes no series.
    """

    def __init__(self, parent: Any, metric: Metric) -> None:
        super().__init__()
        self._parent = parent
        self._allowed = [frozenset(values) for values in metric.labels.values()]

    def __missing__(self, values: tuple[str, ...]) -> Any:
        known = tuple(
            value if value in allowed or not allowed else OTHER
            for value, allowed in zip(values, self._allowed, strict=True)
        )
        if known != values:
            return self[known]
        child = self[values] = self._parent.labels(*values) if values else self._parent
        return child


class Metrics:
    """Listens to facts; :meth:`page` is what a scrape gets."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        GCCollector(registry=self._registry)
        self._of = {metric.name: self._made(metric) for metric in catalogue.METRICS.values()}
        self._endings: dict[tuple[str, str, str], tuple[Any, Any, Any, Any]] = {}
        self._verdicts: dict[str, tuple[Any, Any]] = {}
        self._stages = {stage: self._child(catalogue.STAGE, stage) for stage in catalogue.STAGES}
        self._saved_characters = 0
        """Those that came from the cache since the last scrape."""
        self._hears: dict[type[Event], Callable[[Any], None]] = {
            **self._counting(),
            TurnEnded: self._turn,
            events.TextCharged: self._charged,
            events.SessionDialled: self._dialled,
            events.Renewed: self._renewed,
            events.JobEnded: self._job_ended,
            events.NightEnded: self._night_ended,
            events.PassedOn: self._passed_on,
        }

    def _made(self, metric: Metric) -> _Children:
        how: dict[str, Any] = {"buckets": metric.buckets} if metric.buckets else {}
        parent = _MAKES[metric.kind](
            metric.name, metric.help, tuple(metric.labels), registry=self._registry, **how
        )
        children = _Children(parent, metric)
        if metric.kind == "counter" and metric.labels:
            # There from the start, at 0: a count that is born as 1 is no increase to who watches.
            combined = tuple(product(*metric.labels.values()))
            for values in combined if len(combined) <= _FROM_THE_START else ():
                children[values]
        return children

    def _child(self, metric: Metric, *values: str) -> Any:
        return self._of[metric.name][values]

    def page(self, reading: Reading) -> bytes:
        """All metrics as Prometheus reads them (:data:`CONTENT_TYPE`); ``reading``: the gauges."""
        saved, self._saved_characters = self._saved_characters, 0
        self._count(catalogue.RUPEES_SAVED, by=saved * RUPEES_PER_CHARACTER)
        for metric, readings in reading.items():
            children = self._of[metric.name]
            # What is no longer there must not go on standing at its last value.
            for values in children.keys() - readings.keys():
                children[values].set(0)
            for values, number in readings.items():
                children[values].set(number)
        return generate_latest(self._registry)

    def hear(self, told: Sequence[Told]) -> None:
        """Count facts. What is no figure is not counted."""
        for event, _ in told:
            if (hear := self._hears.get(type(event))) is not None:
                hear(event)

    def _count(self, metric: Metric, *values: str, by: float = 1) -> None:
        self._child(metric, *values).inc(by)

    def _turn(self, turn: TurnEnded) -> None:
        segments = turn.segments
        ended = (turn.door, turn.verdict, turn.outcome)
        children = self._endings.get(ended)
        if children is None:
            children = self._endings[ended] = (
                self._child(catalogue.TURNS, *ended),
                self._child(catalogue.FIRST_BYTE, *ended[:2]),
                self._child(catalogue.FIRST_AUDIO, *ended[:2]),
                self._child(catalogue.WAIT, *ended[:2]),
            )
        turns, first_byte, first_audio, waits = children
        turns.inc()
        if turn.ttfb_s is not None:
            first_byte.observe(turn.ttfb_s)
        if turn.ttfa_s is not None:
            first_audio.observe(turn.ttfa_s)
        if (wait_s := turn.wait_s) is not None:
            waits.observe(wait_s)
        if turn.underruns:
            self._count(catalogue.UNDERRUNS, by=turn.underruns)
            self._count(catalogue.UNDERRUN_SECONDS, by=turn.underrun_s)
        for segment in segments:
            self._segment(segment)

    def _segment(self, segment: SegmentSpoken) -> None:
        children = self._verdicts.get(segment.verdict)
        if children is None:
            children = self._verdicts[segment.verdict] = (
                self._child(catalogue.SEGMENTS, segment.verdict),
                self._child(catalogue.CHARACTERS, segment.verdict),
            )
        segments, characters = children
        segments.inc()
        characters.inc(segment.characters)
        if segment.verdict in FROM_CACHE:
            self._saved_characters += segment.characters
        if segment.would is not None:
            self._count(catalogue.SHADOW, segment.would)
            self._count(catalogue.SHADOW_CHARACTERS, segment.would, by=segment.characters)
        if segment.taken_s is not None or segment.leased_s is not None:
            self._observe_stages(segment)

    def _observe_stages(self, segment: SegmentSpoken) -> None:
        for stage, begin, end in _STAGES:
            began, ended = getattr(segment, begin), getattr(segment, end)
            if began is not None and ended is not None:
                self._stages[stage].observe(max(0.0, ended - began))
        if segment.configured and segment.leased_s is not None and segment.sent_s is not None:
            self._stages["config"].observe(max(0.0, segment.sent_s - segment.leased_s))

    def _charged(self, charged: events.TextCharged) -> None:
        self._count(catalogue.CHARGED, charged.order, by=charged.characters)
        rupees = charged.characters * RUPEES_PER_CHARACTER
        self._count(catalogue.RUPEES_SPENT, charged.order, by=rupees)

    def _dialled(self, dialled: events.SessionDialled) -> None:
        self._child(catalogue.DIALS, dialled.model).observe(dialled.took_s)

    def _renewed(self, renewed: events.Renewed) -> None:
        self._count(catalogue.RENEWED, "ok" if renewed.ok else "failed")

    def _job_ended(self, ended: events.JobEnded) -> None:
        # Of which book a night was, the log says.
        name = "night" if ended.name.startswith("night") else ended.name
        if name == "night":
            self._count(catalogue.NIGHTS, "ended" if ended.ok else "failed")
        if not ended.ok:
            self._count(catalogue.JOBS_FAILED, name)

    def _night_ended(self, night: events.NightEnded) -> None:
        self._child(catalogue.NIGHT_SECONDS).observe(night.took_s)
        if night.book is None:
            self._child(catalogue.NIGHT_FAILED).set(night.failed)
            self._child(catalogue.NIGHT_SKIPPED).set(night.skipped)

    def _passed_on(self, passed: events.PassedOn) -> None:
        self._count(catalogue.PASSED, passed.outcome)
        self._count(catalogue.PASSED_BYTES, "origin", by=passed.to_origin_bytes)
        self._count(catalogue.PASSED_BYTES, "client", by=passed.to_client_bytes)

    def _counting(self) -> dict[type[Event], Callable[[Any], None]]:
        """What is only counted: of each kind of fact the metric, and the values of its labels."""
        counted: dict[type[Event], tuple[Metric, Callable[[Any], tuple[str, ...]]]] = {
            events.DialFailed: (catalogue.DIALS_FAILED, lambda fact: (fact.model,)),
            events.SessionRetired: (catalogue.RETIRED, lambda fact: (fact.model,)),
            events.ConfigSent: (catalogue.CONFIGS, lambda fact: (fact.model, "sent")),
            events.ConfigSkipped: (catalogue.CONFIGS, lambda fact: (fact.model, "skipped")),
            events.FillRetried: (catalogue.RETRIES, lambda fact: (fact.model,)),
            events.BreakerMoved: (
                catalogue.BREAKER_MOVES,
                lambda fact: (fact.model, str(fact.state)),
            ),
            events.RecordKept: (catalogue.KEPT, lambda _: ()),
            events.RecordRefused: (catalogue.REFUSED, lambda _: ()),
            events.RecordCorrupt: (catalogue.CORRUPT, lambda _: ()),
            events.RecordEvicted: (catalogue.EVICTED, lambda _: ()),
            events.StoreFailed: (catalogue.STORE_FAILURES, lambda _: ()),
            events.Purged: (catalogue.PURGES, lambda fact: ("soft" if fact.soft else "hard",)),
            events.PhraseGenerated: (catalogue.TAKES_MADE, lambda _: ()),
            events.PhraseRefused: (catalogue.TAKES_REFUSED, lambda _: ()),
            events.LimitMet: (catalogue.LIMITS_MET, lambda fact: (fact.limit,)),
            events.KeyProven: (catalogue.KEYS_PROVEN, lambda fact: (fact.outcome,)),
            events.AdminCalled: (
                catalogue.ADMIN_CALLS,
                lambda fact: ("ok" if fact.ok else "refused",),
            ),
        }

        def hears(
            metric: Metric, values: Callable[[Any], tuple[str, ...]]
        ) -> Callable[[Any], None]:
            return lambda fact: self._count(metric, *values(fact))

        return {fact: hears(*how) for fact, how in counted.items()}
