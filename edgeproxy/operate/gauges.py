"""What the gauges of ``/metrics`` show, from how things stand."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from math import nan
from typing import Final

from .. import __version__
from ..observe import catalogue
from ..observe.catalogue import AGES, MODES, OTHER, Metric
from ..observe.metrics import Reading
from ..phrases.standing import State
from ..upstream.pools import Pools
from .overview import Overview

_Readings = dict[Metric, dict[tuple[str, ...], float]]

_YOUNGER_THAN: Final = (1, 7, 30)
"""In days: what each of the ages is, but the last."""


def reading(overview: Overview) -> Reading:
    """All gauges, as they stand now, or stood at the last look."""
    rooms = overview.rooms
    store, memory, doors = rooms.store, rooms.memory, rooms.doors
    phrases, now = overview.phrases, datetime.now(UTC)
    made = phrases.made
    plain: dict[Metric, float] = {
        catalogue.ORIGIN_UP: not rooms.pools.problems(rooms.account),
        catalogue.QUOTA: store.quota_bytes,
        catalogue.FREE: nan if overview.free_bytes is None else overview.free_bytes,
        catalogue.MIN_FREE: store.min_free_bytes,
        catalogue.STORE_UP: store.problem is None,
        catalogue.MEMORY_CLIPS: len(memory),
        catalogue.MEMORY_BYTES: memory.size,
        catalogue.MEMORY_LIMIT: memory.limit,
        catalogue.BOOKS_UP: rooms.books.problem is None,
        catalogue.TENANTS_UP: doors.tenants_problem() is None,
        catalogue.NIGHT_ENDED: 0 if (ended := doors.night_ended()) is None else ended.timestamp(),
        catalogue.READY: doors.status() != "draining",
        catalogue.STARTED: overview.started.timestamp(),
        catalogue.CONNECTIONS: doors.connections(),
        catalogue.CONVERSATIONS: doors.conversations(),
        catalogue.FILLS: len(rooms.flights),
        catalogue.PHRASE_OLDEST: (now - made[0]).total_seconds() if made else 0,
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
        catalogue.PHRASES: {(str(state),): phrases.by_state.get(state, 0) for state in State},
        catalogue.PHRASES_BY_AGE: _by_age(made, now),
        **_sessions(rooms.pools),
    }
    return {**{metric: {(): value} for metric, value in plain.items()}, **labelled}


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


def _by_age(made: Sequence[datetime], now: datetime) -> dict[tuple[str, ...], float]:
    """``made``: the oldest first."""
    younger = [
        *(len(made) - bisect_right(made, now - timedelta(days=days)) for days in _YOUNGER_THAN),
        len(made),
    ]
    return {
        (name,): these - before
        for name, these, before in zip(AGES, younger, [0, *younger[:-1]], strict=True)
    }
