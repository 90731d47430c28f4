"""What is known of a turn on its way out on a WebSocket, and what is told of it when it is over."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from time import monotonic
from typing import Final

from ..core.events import SegmentSpoken, TurnEnded
from ..sarvam.refusals import Refusal
from .encoding import Line, Output, Ready
from .facts import Part, turn_ended

_MOST_TOLD: Final = 1000
"""Segments told of a turn that has more: one that is never flushed has no end."""


@dataclass(slots=True, eq=False)
class Reply:
    """The answer to one turn. ``received``: when its first text came; ``final``: whether one is owed."""

    namespace: str
    final: bool
    request_id: str
    received: float = field(default_factory=monotonic)
    verdict: bool = False
    """Whether the final is to tell what became of each segment (extra keys, see R2)."""
    tag: str | None = None
    """What the client says it is for."""
    refusal: Refusal | None = None
    """Why it failed; it says nothing more but its final."""
    line: Line | None = None
    output: Output | None = None
    codec: str = ""
    parts: int = 0
    spoken: list[SegmentSpoken] = field(default_factory=list)
    first_write: float | None = None
    deadline: float | None = None
    """When it must be over; None until all of its text is there."""
    in_hand_until: float = 0.0
    """When the caller will have heard all that was sent, playing it from the first write on."""
    underruns: int = 0
    underrun_s: float = 0.0
    on_over: Callable[[], None] | None = None
    """Told once, when the turn has been answered or has failed, whichever comes first."""
    made: "tuple[Outgoing, list[bytes]] | None" = None
    """The only part so far, and its pieces in a stream codec: kept ready if no other part follows."""

    def over(self) -> None:
        """It needs nothing more of anybody, but its final maybe."""
        on_over, self.on_over = self.on_over, None
        if on_over is not None:
            on_over()

    def tell(self, part: Part, *, failed: bool) -> None:
        """Note the facts of a segment that is over."""
        if len(self.spoken) < _MOST_TOLD:
            self.spoken.append(part.spoken(received=self.received, failed=failed))

    def ended(self, outcome: str) -> TurnEnded:
        """The facts of the turn, which is over."""
        return turn_ended(
            self.spoken,
            request_id=self.request_id,
            namespace=self.namespace,
            door="websocket",
            codec=self.codec,
            outcome=outcome,
            reason=self.refusal.message if self.refusal else None,
            received=self.received,
            first_write=self.first_write,
            underruns=self.underruns,
            underrun_s=self.underrun_s,
            tag=self.tag,
        )


@dataclass(slots=True, eq=False, kw_only=True)
class Outgoing(Part):
    """One segment on its way out on a WebSocket."""

    reply: Reply
    output: Output
    ready: Ready | None = None
    position: int = 0
    """The next piece of ``ready``, or the next chunk of the clip."""


def told_final(reply: Reply) -> bytes:
    """A final with what became of the turn in it, in milliseconds since its text was received."""
    segments = [
        {
            name.removesuffix("_s") + "_ms" if name.endswith("_s") else name: (
                round(value * 1000, 3) if name.endswith("_s") and value is not None else value
            )
            for name, value in asdict(segment).items()
            if name != "text"
        }
        for segment in reply.spoken
    ]
    told = {"event_type": "final", "edgeproxy": {"segments": segments}}
    return json.dumps({"type": "event", "data": told}).encode()
