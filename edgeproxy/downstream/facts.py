"""What is known of a segment on its way out, and told of a turn when it has ended: the same at every door."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

from ..ask import Ask
from ..audio import quality
from ..cache.clip import Clip, Source, State, Times
from ..core.audio import SAMPLE_BYTES
from ..core.events import SegmentSpoken, TurnEnded

_LOOK_S: Final = 2.0


@dataclass(slots=True, eq=False, kw_only=True)
class Part:
    """One segment in its turn, on its way out: what was asked for, and what became of it so far."""

    ask: Ask
    decided: float = field(default_factory=monotonic)
    clip: Clip | None = None
    """None: it was never begun."""
    how: str = ""
    """How the clip was come by: what :meth:`Speech.clip` said."""
    taken: float | None = None
    """When its first PCM was taken up for the client's codec."""
    encoded: float | None = None
    """When the first of it was in that codec."""
    first_write: float | None = None
    last_write: float | None = None

    @property
    def times(self) -> Times | None:
        """Those of its fill; None where it is not this turn that had it begun."""
        if self.clip is None or self.how not in ("fill", "bypass"):
            return None
        return self.clip.times

    def spoken(self, *, received: float, failed: bool) -> SegmentSpoken:
        """Its facts; moments on ``time.monotonic()``, told relative to ``received``."""

        def since(moment: float | None) -> float | None:
            return None if moment is None else moment - received

        clip, identity, times = self.clip, self.ask.identity, self.times
        return SegmentSpoken(
            verdict="error" if failed else verdict(clip, self.how),
            key=identity.key,
            characters=len(identity.text),
            pcm_bytes=clip.size if clip is not None else 0,
            rate=identity.voice.rate,
            decided_s=self.decided - received,
            leased_s=since(times.leased) if times else None,
            sent_s=since(times.sent) if times else None,
            first_byte_s=since(times.first_byte) if times else None,
            first_pcm_s=since(times.first_pcm) if times else None,
            first_write_s=since(self.first_write),
            last_write_s=since(self.last_write),
            configured=times.configured if times else False,
            attempts=times.attempts if times else 0,
            lead_s=_lead(clip),
            taken_s=since(self.taken),
            encoded_s=since(self.encoded),
            would=clip.would if clip is not None else None,
            text=identity.text,
        )


def turn_ended(
    segments: Sequence[SegmentSpoken],
    *,
    request_id: str,
    namespace: str,
    door: str,
    codec: str,
    outcome: str,
    reason: str | None,
    received: float,
    first_write: float | None,
    underruns: int = 0,
    underrun_s: float = 0.0,
    tag: str | None = None,
) -> TurnEnded:
    """The facts of a turn that is over now; moments on ``time.monotonic()``."""
    ttfb_s = None if first_write is None else first_write - received
    lead_s = next((each.lead_s for each in segments if each.lead_s is not None), None)
    return TurnEnded(
        request_id=request_id,
        namespace=namespace,
        door=door,
        codec=codec,
        outcome=outcome,
        reason=reason,
        segments=tuple(segments),
        ttfb_s=ttfb_s,
        ttfa_s=None if ttfb_s is None or lead_s is None else ttfb_s + lead_s,
        took_s=monotonic() - received,
        underruns=underruns,
        underrun_s=underrun_s,
        tag=tag,
    )


def verdict(clip: Clip | None, how: str) -> str:
    """``hit-memory``, ``hit-disk``, ``stale``, ``collapsed``, ``miss``, ``bypass`` or ``pause``."""
    if how != "fill":
        return how
    if clip is None or clip.source is not Source.DISK:
        return "miss"
    return "stale" if clip.stale else "hit-disk"


def _lead(clip: Clip | None) -> float | None:
    """Silence in front of a clip's sound, measured once a clip, and never far into it."""
    if clip is None or not clip.size:
        return None
    if clip.lead_s is None:
        looked_at = int(clip.rate * _LOOK_S) * SAMPLE_BYTES
        lead = quality.leading_silence_s(clip.pcm()[:looked_at], clip.rate)
        if clip.state is State.GROWING:
            return lead
        clip.lead_s = lead
    return clip.lead_s
