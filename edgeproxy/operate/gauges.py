"""What the gauges of ``/metrics`` show, from how things stand."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from .. import __version__
from ..observe import catalogue
from ..observe.catalogue import AGES, MODES, OTHER, Metric
from ..observe.metrics import Reading
from ..phrases.standing import Standing, State
from ..upstream.pools import Pools
from .overview import Overview

_Readings = dict[Metric, dict[tuple[str, ...], float]]

_YOUNGER_THAN: Final = ((1, "day"), (7, "week"), (30, "month"))
"""In days."""


def reading(overview: Overview) -> Reading:
    """All gauges, as they stand now, or stood at the last look."""
    rooms = overview.rooms
    store, memory, doors = rooms.store, rooms.memory, rooms.doors
    now = datetime.now(UTC)
    plain: dict[Metric, float | None] = {
        catalogue.ORIGIN_UP: not rooms.pools.problems(rooms.account),
        catalogue.QUOTA: store.quota_bytes,
        catalogue.FREE: overview.free_bytes,
        catalogue.MIN_FREE: store.min_free_bytes,
        catalogue.STORE_UP: store.problem is None,
        catalogue.MEMORY_CLIPS: len(memory),
        catalogue.MEMORY_BYTES: memory.size,
        catalogue.MEMORY_LIMIT: memory.limit,
        catalogue.BOOKS_UP: rooms.books.problem is None,
        catalogue.TENANTS_UP: doors.tenants_problem() is None,
        catalogue.READY: doors.status() != "draining",
        catalogue.STARTED: overview.started.timestamp(),
        catalogue.CONNECTIONS: doors.connections(),
        catalogue.CONVERSATIONS: doors.conversations(),
        catalogue.FILLS: len(rooms.flights),
        catalogue.PHRASE_OLDEST: max((_age_s(each, now) for each in overview.phrases), default=0),
    }
    labelled: _Readings = {
        catalogue.INFO: {(__version__,): 1},
        catalogue.CACHE_MODE: {(mode,): mode == rooms.speech.mode for mode in MODES},
        catalogue.RECORDS: {
            ("pinned",): store.pinned_records,
            ("dynamic",): store.dynamic_records,
        },
        catalogue.RECORD_BYTES: {
            ("pinned",): store.pinned_bytes,
            ("dynamic",): store.dynamic_bytes,
        },
        catalogue.PHRASES: _counted((str(each.state) for each in overview.phrases), State),
        catalogue.PHRASES_BY_AGE: _counted(
            (_age(each, now) for each in overview.phrases if each.made), AGES
        ),
        **_sessions(rooms.pools),
    }
    known: _Readings = {
        metric: {(): float(value)} for metric, value in plain.items() if value is not None
    }
    return {**known, **labelled}


def _sessions(pools: Pools) -> _Readings:
    """Those of all accounts together, but for what only our own can be held to."""
    sessions: Counter[tuple[str, ...]] = Counter()
    waiting: Counter[tuple[str, ...]] = Counter()
    breakers: Counter[tuple[str, ...]] = Counter()
    own: _Readings = {}
    for each in pools.standings():
        model = each.model if each.model in catalogue.MODELS else OTHER
        for state, number in each.sessions.items():
            sessions[model, state] += number
        waiting[model,] += each.waiting
        breakers[model, str(each.breaker)] += 1
        if each.account.own:
            own = {catalogue.HELD: {(): each.held}, catalogue.CEILING: {(): each.ceiling}}
    return {
        catalogue.SESSIONS: dict(sessions),
        catalogue.WAITING: dict(waiting),
        catalogue.BREAKERS: dict(breakers),
        **own,
    }


def _counted(found: Iterable[str], values: Iterable[str]) -> dict[tuple[str, ...], float]:
    counts = Counter(found)
    return {(value,): counts[value] for value in map(str, values)}


def _age_s(standing: Standing, now: datetime) -> float:
    return 0.0 if standing.made is None else (now - standing.made).total_seconds()


def _age(standing: Standing, now: datetime) -> str:
    days = _age_s(standing, now) / 86_400
    return next((name for most, name in _YOUNGER_THAN if days < most), AGES[-1])
