"""Every metric there is: its name, its labels with all the values they can have, and what it tells.

The one place where a metric is described. ``/metrics`` gives the first sentence as its help, the operator's
pages are made from all of it, and what a dashboard or an alert names must stand here.

Label values are bounded: a door, a verdict, a stage, never a client, an address or a text. Models are those
we know; any other is ``other``.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from ..sarvam import models

OTHER: Final = "other"
"""In place of a label's value that nobody has foreseen."""

FIRST_SOUND_S: Final = (
    *(0.0005, 0.001, 0.0015, 0.002, 0.003, 0.005, 0.01, 0.02, 0.05),
    *(0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 8.0),
)
"""Buckets, in seconds: a hit has its own as well as the best and the worst of an origin."""
STAGE_S: Final = (
    *(0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05),
    *(0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 4.0, 8.0),
)
LONG_S: Final = (1.0, 10.0, 60.0, 300.0, 900.0, 1800.0, 3600.0, 7200.0, 14400.0)

DOORS: Final = ("websocket", "rest", "stream", "openai", "phrase")
FROM_CACHE: Final = ("hit-memory", "hit-disk", "stale", "collapsed")
"""The verdicts of what the origin was not asked for."""
VERDICTS: Final = (*FROM_CACHE, "miss", "bypass", "pause", "error", "none")
OUTCOMES: Final = ("ok", "error", "left")
STAGES: Final = ("lease", "config", "origin", "decode", "encode", "write")
ORDERS: Final = ("first", "ahead", "night")
BREAKER_STATES: Final = ("closed", "half-open", "open")
SESSION_STATES: Final = ("dialling", "idle", "leased", "resting")
PHRASE_STATES: Final = (
    "ready",
    "failed",
    "stale",
    "held",
    "newer one waits",
    "waits to be picked",
    "not made yet",
    "left to chance",
)
AGES: Final = ("day", "week", "month", "older")
MODES: Final = ("on", "off", "shadow")
JOBS: Final = (
    *("night", "discard", "sweep", "purges"),
    *("counts of demand", "counts of hits", "proofs", "sums of the day"),
)
LIMITS: Final = (
    *(
        "connections",
        "connections_per_address",
        "header_timeout_s",
        "header_bytes",
        "message_bytes",
    ),
    *("body_bytes", "body_timeout_s", "idle_s", "unread_timeout_s", "no HTTP"),
)
MODELS: Final = tuple(sorted(models.MODELS))


@dataclass(frozen=True, slots=True, eq=False)
class Metric:
    """One metric. ``name``: without the ``_total`` that counters end in; ``says``: a paragraph, whose first
    sentence stands alone; ``labels``: each with its values; ``buckets``: of a histogram, in seconds."""

    kind: Literal["counter", "gauge", "histogram"]
    name: str
    says: str
    labels: dict[str, Sequence[str]] = field(default_factory=dict)
    buckets: Sequence[float] = ()

    @property
    def help(self) -> str:
        """The first sentence."""
        return self.says.partition(". ")[0].removesuffix(".") + "."

    @property
    def series(self) -> tuple[str, ...]:
        """The names under which it is asked for."""
        if self.kind == "counter":
            return (f"{self.name}_total",)
        if self.kind == "histogram":
            return tuple(f"{self.name}_{part}" for part in ("bucket", "sum", "count"))
        return (self.name,)


METRICS: Final[dict[str, Metric]] = {}
"""All of them by name, in the order in which they are best read."""


def _say(metric: Metric) -> Metric:
    METRICS[metric.name] = metric
    return metric


def _counter(name: str, says: str, **labels: Sequence[str]) -> Metric:
    return _say(Metric("counter", f"edgeproxy_{name}", says, labels))


def _gauge(name: str, says: str, **labels: Sequence[str]) -> Metric:
    return _say(Metric("gauge", f"edgeproxy_{name}", says, labels))


def _histogram(
    name: str, says: str, *, buckets: Sequence[float], **labels: Sequence[str]
) -> Metric:
    return _say(Metric("histogram", f"edgeproxy_{name}", says, labels, buckets))


# -- what callers hear ---------------------------------------------------------------------------------

TURNS = _counter(
    "turns",
    "Turns that were answered, or broke off. A turn is all the text up to one flush, or one request over "
    "HTTP. Its verdict is that of its first segment, since that is what its caller waits for (`none`: it had "
    "no segment); `left` means that the client went away before the end.",
    door=DOORS,
    verdict=VERDICTS,
    outcome=OUTCOMES,
)
FIRST_BYTE = _histogram(
    "first_byte_seconds",
    "From a turn's first text to the first byte of audio written to the client. The figure callers wait "
    "by: watch its upper quantiles for `miss`, and that those of `hit-memory` stay near a millisecond.",
    buckets=FIRST_SOUND_S,
    door=DOORS,
    verdict=VERDICTS,
)
FIRST_AUDIO = _histogram(
    "first_audio_seconds",
    "From a turn's first text to the first sample loud enough to be heard. It is the first byte and the "
    "silence that a recording begins with; where it is much larger than the first byte, think of "
    "`turn.trim_leading_silence_ms`.",
    buckets=FIRST_SOUND_S,
    door=DOORS,
    verdict=VERDICTS,
)
STAGE = _histogram(
    "stage_seconds",
    "Where the time to a segment's first sound went, stage by stage. `lease`: the wait for an origin "
    "session; `config`: telling the session its voice, where it had another; `origin`: from sending the "
    "text to the origin's first byte; `decode`: from that to the first PCM; `encode`: from PCM to the "
    "client's codec; `write`: handing that to the socket. The first four are of segments that the origin "
    "was asked for.",
    buckets=STAGE_S,
    stage=STAGES,
)
SEGMENTS = _counter(
    "segments",
    "Segments of turns by what the cache made of them. From the cache are `hit-memory`, `hit-disk`, "
    "`stale` (served past its freshness and renewed behind the caller) and `collapsed` (somebody else had "
    "asked for the same at that moment); `pause` is a text with nothing to say; `bypass` was to be asked "
    "of the origin.",
    verdict=VERDICTS,
)
CHARACTERS = _counter(
    "characters",
    "Characters of those segments. The share of them that comes from the cache is what the cache saves, "
    "since the origin is paid by the character.",
    verdict=VERDICTS,
)
SHADOW = _counter(
    "shadow_segments",
    "Segments spoken while the cache is in its shadow, by what it would have made of them. `miss` is what "
    "would have been asked of the origin all the same; the rest would have been hits.",
    would=VERDICTS,
)
SHADOW_CHARACTERS = _counter("shadow_characters", "Characters of those segments.", would=VERDICTS)
UNDERRUNS = _counter(
    "underruns",
    "How often a caller had heard all there was before the turn was over. Each is an audible gap: look at "
    "the origin's pace, and at `turn.parallel_segments`.",
)
UNDERRUN_SECONDS = _counter("underrun_seconds", "Seconds of silence in those gaps.")
RUPEES_SAVED = _counter(
    "rupees_saved",
    "Rupees that the origin would have taken for what came from the cache, at its list price. It is a price "
    "list's figure: what is made by night is in `edgeproxy_rupees_spent_total`.",
)
CACHE_MODE = _gauge(
    "cache_mode",
    "1 for what is made of the cache now, 0 for the others. `off` and `shadow` ask the origin for "
    "everything; who has left one of them on by mistake sees it here.",
    mode=MODES,
)

# -- the origin ----------------------------------------------------------------------------------------

ORIGIN_UP = _gauge(
    "origin_up",
    "1 while the origin can be reached, takes the proxy's own key and has no breaker open against it, else "
    "0. Phrases and what is kept speak on all the while.",
)
SESSIONS = _gauge(
    "origin_sessions",
    "Origin sessions by state, of all accounts. `idle` ones are ready to speak; when there are none while "
    "some are wanted, the next caller waits for a handshake.",
    model=MODELS,
    state=SESSION_STATES,
)
WAITING = _gauge(
    "origin_waiting",
    "Segments of callers that wait for an origin session at this moment. More than a few, for more than "
    "moments, means too few sessions: raise `pool.ready`, or the account's ceiling.",
    model=MODELS,
)
HELD = _gauge("origin_sessions_held", "Sessions that the proxy's own account holds now.")
CEILING = _gauge(
    "origin_sessions_ceiling",
    "Sessions the proxy's own account may hold at this moment. It starts at `pool.account_sessions`, falls "
    "when the origin turns one away, and rises again with time.",
)
DIALS = _histogram(
    "origin_dial_seconds",
    "How long handshakes with the origin take. Nobody waits for them as long as sessions are idle.",
    buckets=STAGE_S,
    model=MODELS,
)
DIALS_FAILED = _counter(
    "origin_dials_failed",
    "Handshakes that came to nothing: no connection, a refused key, no place.",
    model=MODELS,
)
RETIRED = _counter("origin_sessions_retired", "Origin sessions closed for good.", model=MODELS)
CONFIGS = _counter(
    "origin_configs",
    "Texts sent to sessions that had to be told a voice first (`sent`), or had it already (`skipped`). Many "
    "`sent` ones: name the voices you use in `origin.prewarm_voices`. Sessions configured ahead of need are "
    "among the sent.",
    model=MODELS,
    config=("sent", "skipped"),
)
RETRIES = _counter(
    "origin_retries",
    "Segments asked of the origin a second time, unheard by anybody: a connection that broke, a missing "
    "`final`. Callers only notice the time.",
    model=MODELS,
)
BREAKERS = _gauge(
    "origin_breakers",
    "Circuit breakers by state, one for each account and model in use. An open one answers misses at once "
    "instead of letting callers wait for an origin that fails.",
    model=MODELS,
    state=BREAKER_STATES,
)
BREAKER_MOVES = _counter(
    "origin_breaker_moves",
    "How often a breaker moved into a state.",
    model=MODELS,
    state=BREAKER_STATES,
)
CHARGED = _counter(
    "origin_characters",
    "Characters the origin was sent and takes money for. `first` and `ahead` are turns' own, `night` what "
    "nobody waited for: phrases made anew and recordings renewed.",
    order=ORDERS,
)
RUPEES_SPENT = _counter(
    "rupees_spent", "Rupees for those characters, at the origin's list price.", order=ORDERS
)

# -- what is kept --------------------------------------------------------------------------------------

RECORDS = _gauge(
    "records",
    "Records on disk. `pinned` are those of books and what the night has promoted, which nothing evicts; "
    "`dynamic` ones make room for newer ones.",
    kind=("pinned", "dynamic"),
)
RECORD_BYTES = _gauge("record_bytes", "Bytes of those records.", kind=("pinned", "dynamic"))
QUOTA = _gauge("quota_bytes", "What dynamic records may weigh together: `cache.quota_bytes`.")
FREE = _gauge(
    "disk_free_bytes",
    "Free bytes of the disk that the records are on. Below `cache.min_free_bytes` nothing more is kept; what "
    "is there speaks on.",
)
MIN_FREE = _gauge("disk_min_free_bytes", "`cache.min_free_bytes`, to hold the free bytes against.")
STORE_UP = _gauge(
    "store_up",
    "1 while records can be read and written, else 0: then everything is a miss, or nothing is kept.",
)
MEMORY_CLIPS = _gauge("memory_clips", "Recordings held in memory, ready for the wire.")
MEMORY_BYTES = _gauge("memory_bytes", "Bytes of those, encoded forms included.")
MEMORY_LIMIT = _gauge("memory_limit_bytes", "What they may weigh: `cache.memory_bytes`.")
KEPT = _counter("records_kept", "Records written.")
REFUSED = _counter(
    "records_refused",
    "Recordings that were delivered but not kept, because they failed a check of quality, came with late "
    "audio, or the disk had no room.",
)
CORRUPT = _counter(
    "records_corrupt",
    "Records that failed their check when they were read; they are gone. Suspect the disk.",
)
EVICTED = _counter("records_evicted", "Dynamic records that made room for newer ones.")
RENEWED = _counter(
    "records_renewed",
    "Recordings past their freshness that were made anew behind their callers, or could not be.",
    outcome=("ok", "failed"),
)
PURGES = _counter(
    "purges", "Purges, hard (gone) or soft (renewed when next asked for).", kind=("hard", "soft")
)
STORE_FAILURES = _counter(
    "store_failures",
    "Operations on the disk that failed; the request went on without it. The log names them.",
)

# -- phrase books --------------------------------------------------------------------------------------

PHRASES = _gauge(
    "phrases",
    "Phrases of the books (in each language and by each speaker) by how they stand. `ready` is all well; "
    "`failed` could not be made lately, and is heard as it was before if there was a before.",
    state=PHRASE_STATES,
)
PHRASES_BY_AGE = _gauge(
    "phrases_by_age",
    "Phrases that can be heard, by the age of their oldest recording: under a day, a week, a month, or "
    "older.",
    age=AGES,
)
PHRASE_OLDEST = _gauge(
    "phrases_oldest_seconds", "Age of the oldest recording that is heard; 0 without one."
)
BOOKS_UP = _gauge(
    "books_up",
    "1 while the newest books are what is spoken, else 0: they have a mistake, and the ones before speak on.",
)
TAKES_MADE = _counter(
    "phrase_takes_made", "Recordings of phrases that were made and passed every check."
)
TAKES_REFUSED = _counter(
    "phrase_takes_refused",
    "Recordings of phrases that could not be made, or were not fit to be heard.",
)
NIGHTS = _counter(
    "nights",
    "Night runs by how they ended. `failed` ones broke off; phrases that failed within a night that ended "
    "are in `edgeproxy_night_failed_phrases`.",
    outcome=("ended", "failed"),
)
NIGHT_SECONDS = _histogram("night_seconds", "How long nights take.", buckets=LONG_S)
NIGHT_ENDED = _gauge(
    "night_ended_timestamp_seconds",
    "When the last night ended, as a Unix time; 0 before the first since the start.",
)
NIGHT_FAILED = _gauge("night_failed_phrases", "Texts that the last night could not make.")
NIGHT_SKIPPED = _gauge(
    "night_skipped_phrases", "Texts that the last night left for another: its budget was spent."
)

# -- the house -----------------------------------------------------------------------------------------

INFO = _gauge("info", "1; the label says which version runs.", version=())
READY = _gauge("ready", "1 while the proxy takes callers, 0 before that and while it drains.")
STARTED = _gauge("started_timestamp_seconds", "When this process was ready, as a Unix time.")
CONNECTIONS = _gauge("connections", "Connections of clients that are open.")
CONVERSATIONS = _gauge("conversations", "Conversations over the WebSocket that are open.")
FILLS = _gauge("fills", "Recordings that are being filled, from disk or origin, at this moment.")
LIMITS_MET = _counter(
    "limits_met",
    "Clients that were turned away or dropped, by the setting of the room `server` that they met.",
    limit=LIMITS,
)
KEYS_PROVEN = _counter(
    "keys_proven",
    "Clients' own keys held against the origin (`auth.mode: passthrough`). `grace`: it could not say, and "
    "has accepted the key before.",
    outcome=("accepted", "refused", "grace", "unknown"),
)
TENANTS_UP = _gauge(
    "tenants_up", "1 while the newest tenants file is the one that holds, else 0: it has a mistake."
)
PASSED = _counter(
    "passed_on",
    "Requests and WebSockets for what is not speech, passed on to the origin.",
    outcome=OUTCOMES,
)
PASSED_BYTES = _counter(
    "passed_on_bytes", "Bytes of their bodies and messages.", to=("origin", "client")
)
JOBS_FAILED = _counter(
    "jobs_failed",
    "Things done by the clock that failed; they are done again at their next time.",
    # Not `job`: that is what Prometheus calls what it scrapes.
    which=JOBS,
)
ADMIN_CALLS = _counter(
    "admin_calls",
    "Calls that change something by the admin API, let or not.",
    outcome=("ok", "refused"),
)

HEADINGS: Final = {
    TURNS: "What callers hear",
    ORIGIN_UP: "The origin",
    RECORDS: "What is kept",
    PHRASES: "Phrase books",
    INFO: "The house",
}
"""What stands above them in a list, by the first below each."""
