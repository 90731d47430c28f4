"""What is told of a turn when it has ended, the same at every door."""

from typing import Final

from ..audio import quality
from ..cache.clip import Clip, Source, State
from ..core.audio import SAMPLE_BYTES
from ..core.events import SegmentSpoken
from ..speech import Ask

_LOOK_S: Final = 2.0


def segment_spoken(
    ask: Ask,
    clip: Clip | None,
    how: str,
    *,
    received: float,
    decided: float,
    first_write: float | None,
    last_write: float | None,
    failed: bool,
) -> SegmentSpoken:
    """The facts of one segment; moments on ``time.monotonic()``, told relative to ``received``.

    ``how``: what :meth:`Speech.clip` said; None for ``clip``: it was never begun.
    """

    def since(moment: float | None) -> float | None:
        return None if moment is None else moment - received

    times = clip.times if clip is not None and how in ("fill", "bypass") else None
    return SegmentSpoken(
        verdict="error" if failed else verdict(clip, how),
        key=ask.identity.key,
        characters=len(ask.identity.text),
        pcm_bytes=clip.size if clip is not None else 0,
        rate=ask.identity.voice.rate,
        decided_s=decided - received,
        leased_s=since(times.leased) if times else None,
        sent_s=since(times.sent) if times else None,
        first_byte_s=since(times.first_byte) if times else None,
        first_pcm_s=since(times.first_pcm) if times else None,
        first_write_s=since(first_write),
        last_write_s=since(last_write),
        configured=times.configured if times else False,
        attempts=times.attempts if times else 0,
        lead_s=_lead(clip),
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
