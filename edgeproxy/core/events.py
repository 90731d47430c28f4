"""Facts: what happened, told once, read by logs, metrics and tests alike.

A room gets an ``emit`` at construction and calls it synchronously; a listener must not raise, await or
call back. No fact carries a credential. A text is in one of them, :class:`SegmentSpoken`, which does not show
it by itself: who writes it down has been told to.
"""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Event:
    """Base of all facts."""


Emit = Callable[[Event], None]


def ignore(_: Event) -> None:
    """The listener of those who have none."""


@dataclass(frozen=True, slots=True)
class SessionDialled(Event):
    """An origin session is up. ``took_s``: from the dial to the accepted handshake."""

    model: str
    took_s: float


@dataclass(frozen=True, slots=True)
class DialFailed(Event):
    """No origin session came up."""

    model: str
    reason: str


@dataclass(frozen=True, slots=True)
class SessionRetired(Event):
    """An origin session was closed for good, and why."""

    model: str
    reason: str


@dataclass(frozen=True, slots=True)
class ConfigSent(Event):
    """A session was told a voice it did not have."""

    model: str


@dataclass(frozen=True, slots=True)
class ConfigSkipped(Event):
    """A session already had the voice asked for."""

    model: str


@dataclass(frozen=True, slots=True)
class TextCharged(Event):
    """The origin was sent a text that it takes money for, however the utterance ended.

    ``order``: for whom, ``first`` or ``ahead`` (segments of turns) or ``night`` (nobody waits: phrases made
    anew, recordings renewed).
    """

    model: str
    characters: int
    order: str


@dataclass(frozen=True, slots=True)
class CeilingMoved(Event):
    """The origin's own limit lowered an account's ceiling, or time raised it again."""

    ceiling: int


@dataclass(frozen=True, slots=True)
class BreakerMoved(Event):
    """The origin is no longer asked (``open``), asked once (``half-open``), or asked as ever (``closed``).

    ``reason``: its latest failure; None once it is well.
    """

    account: str
    model: str
    state: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class CodecChanged(Event):
    """The origin refused the codec it was asked for, and takes this one."""

    model: str
    codec: str


@dataclass(frozen=True, slots=True)
class FillRetried(Event):
    """A segment is asked for a second time, unheard; ``reason``: what became of the first."""

    model: str
    reason: str


@dataclass(frozen=True, slots=True)
class RecordKept(Event):
    """A record is on disk and visible."""

    key: str
    size: int


@dataclass(frozen=True, slots=True)
class RecordRefused(Event):
    """Audio was delivered but not kept, and why."""

    key: str
    reason: str


@dataclass(frozen=True, slots=True)
class RecordCorrupt(Event):
    """A record failed its check when read; it is gone."""

    key: str
    reason: str


@dataclass(frozen=True, slots=True)
class RecordEvicted(Event):
    """A record made room for newer ones."""

    key: str
    size: int


@dataclass(frozen=True, slots=True)
class Renewed(Event):
    """A recording past its freshness was made anew behind the callers' backs, or could not be: ``reason``."""

    key: str
    ok: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Purged(Event):
    """Recordings were purged. ``scope``: which, without a text; ``records``: how many lay on the disk."""

    number: int
    soft: bool
    scope: str
    records: int


@dataclass(frozen=True, slots=True)
class StoreFailed(Event):
    """The disk failed us; the request went on without it."""

    operation: str
    reason: str


@dataclass(frozen=True, slots=True)
class JobEnded(Event):
    """Something done by the clock is over; ``outcome``: what it returned, or what went wrong."""

    name: str
    ok: bool
    outcome: str


@dataclass(frozen=True, slots=True)
class BooksReloaded(Event):
    """The phrase books were read anew. ``generation`` names what is in them now."""

    phrases: int
    generation: int


@dataclass(frozen=True, slots=True)
class BooksRefused(Event):
    """Books that changed can't be used; the ones before speak on."""

    reason: str


@dataclass(frozen=True, slots=True)
class TenantsReloaded(Event):
    """The tenants file was read anew, and holds from now on."""

    tenants: int
    tokens: int


@dataclass(frozen=True, slots=True)
class TenantsRefused(Event):
    """A tenants file that changed can't be used; the one before holds on."""

    reason: str


@dataclass(frozen=True, slots=True)
class KeyProven(Event):
    """A client's own key was held against the origin. ``account``: what the key is called here.

    ``outcome``: ``accepted``, ``refused``, ``grace`` (the origin could not say, and has accepted it before)
    or ``unknown`` (it could not say).
    """

    account: str
    outcome: str


@dataclass(frozen=True, slots=True)
class PhraseGenerated(Event):
    """A pinned text was made anew. ``phrase``: ``book/id``; ``speaks``: whether callers hear it now."""

    key: str
    phrase: str
    generation: int
    speaks: bool
    characters: int
    seconds: float


@dataclass(frozen=True, slots=True)
class PhraseRefused(Event):
    """A pinned text could not be made; what callers heard before, they go on hearing."""

    key: str
    phrase: str
    reason: str
    attempts: int


@dataclass(frozen=True, slots=True)
class NightEnded(Event):
    """A night is over. ``book``: the only one it was about; None: all. ``skipped``: texts the budget left for
    another; ``took_s``: seconds."""

    book: str | None
    made: int
    failed: int
    skipped: int
    promoted: int
    characters: int
    took_s: float


@dataclass(frozen=True, slots=True)
class AdminCalled(Event):
    """Somebody changed something by the admin API, or was not let. ``action``: what, without a text;
    ``outcome``: what came of it."""

    action: str
    address: str
    ok: bool
    outcome: str


@dataclass(frozen=True, slots=True)
class LimitMet(Event):
    """A client was turned away, or dropped. ``limit``: the setting that it met (of the room ``server`` where
    none is named), or ``no HTTP``."""

    limit: str
    address: str


@dataclass(frozen=True, slots=True)
class PassedOn(Event):
    """A request, or a WebSocket, for what is not speech was passed on to the origin.

    ``path``: the first segment only; ``status``: what the client was told, 101 for a WebSocket, None where it
    left before that; ``outcome``: ``ok`` (whatever the origin answered), ``error`` or ``left``; bytes are of
    bodies or messages.
    """

    namespace: str
    method: str
    path: str
    status: int | None
    outcome: str
    reason: str | None
    to_origin_bytes: int
    to_client_bytes: int
    took_s: float
    close_code: int | None = None


@dataclass(frozen=True, slots=True)
class SegmentSpoken:
    """One segment of a turn. Times in seconds since the turn's first text was received; None: did not happen.

    ``verdict``: ``hit-memory``, ``hit-disk``, ``stale``, ``collapsed``, ``miss``, ``bypass``, ``pause`` or
    ``error``.
    ``key`` names the text and voice without showing them.
    """

    verdict: str
    key: str
    characters: int
    pcm_bytes: int
    rate: int
    decided_s: float
    leased_s: float | None
    sent_s: float | None
    first_byte_s: float | None
    first_pcm_s: float | None
    first_write_s: float | None
    last_write_s: float | None
    configured: bool
    attempts: int
    lead_s: float | None = None
    """Silence in front of its sound; None where there is no sound."""
    taken_s: float | None = None
    """Its door took up the first of its PCM to put it into the client's codec."""
    encoded_s: float | None = None
    """The first of it was in that codec."""
    would: str | None = None
    """Where the cache is in its shadow: the verdict without that."""
    text: str = field(default="", repr=False)
    """Normalised."""


@dataclass(frozen=True, slots=True)
class TurnEnded(Event):
    """A turn was answered, or broke off. ``door``: which one; ``outcome``: ``ok``, ``error`` or ``left``."""

    request_id: str
    namespace: str
    door: str
    codec: str
    outcome: str
    reason: str | None
    segments: tuple[SegmentSpoken, ...]
    ttfb_s: float | None
    """To the first byte of audio written."""
    ttfa_s: float | None
    """To the first sample that is loud enough to be heard, played as it came."""
    took_s: float
    underruns: int = 0
    """How often the caller had heard all there was before the turn was over."""
    underrun_s: float = 0.0
    tag: str | None = None
    """Which of its uses the client says it is."""

    @property
    def verdict(self) -> str:
        """That of its first segment, which is what its caller waits for; ``none`` where it has none."""
        return self.segments[0].verdict if self.segments else "none"

    @property
    def wait_s(self) -> float | None:
        """From when the text of its first segment was there to the first byte: what the proxy and the origin
        answer for, however slowly the text came. None: it was not heard."""
        if self.ttfb_s is None or not self.segments:
            return None
        return self.ttfb_s - self.segments[0].decided_s

    @property
    def is_of_note(self) -> bool:
        """Whether anybody wanted to hear anything: LiveKit's plugin flushes once more after each turn."""
        return bool(self.segments) or self.outcome == "error"
