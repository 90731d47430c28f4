"""What nobody has seen Sarvam do, or what observers dispute: one knob each, set to the likeliest."""

from dataclasses import dataclass
from typing import Literal

from ..sarvam.models import CODECS


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """Answers to questions that only the live API can answer (sections 2, 3 and 9 of the protocol notes)."""

    default_model: str = "bulbul:v3"
    """The model when neither query nor config names one. Sarvam's own pages say v2, v3 and v4-flash."""

    default_rate: int = 22050
    """Hz, when the config names none; older pages say 24000 for v3."""

    completion_by_default: bool = False
    """Whether a ``final`` comes without being asked for. The pages say yes, three observers no."""

    joint: str = ""
    """What goes between two ``text`` messages; a space is the other guess."""

    text_before_config: Literal["refused", "spoken"] = "refused"
    """With 422, or by the model's own speaker in English."""

    implicit_final: bool = False
    """Whether text that a ``config`` pushed out of the buffer earns a ``final`` of its own."""

    empty_flush_final: bool = True
    """Whether a flush with nothing to say is answered with a bare ``final``, or not at all."""

    close_after_error: bool = True
    """Whether the socket is closed, with 1000, after an error; seen for 422, not known of the others."""

    idle_close_code: int = 1000
    """The close code after the 408 of an idle socket, which closes whatever ``close_after_error`` says."""

    protocol_ping_resets_idle: bool = False
    """Whether a PING of the WebSocket protocol counts against idleness, as a ``ping`` message does."""

    wav_header_per_flush: bool = False
    """Whether a ``wav`` stream has its header once per flush rather than once per socket (one observer)."""

    mp3_content_type: str = "audio/mp3"
    """Of the WebSocket's MP3: the published schema's example. HTTP stream says ``audio/mpeg``."""

    stream_codec: str = "mp3"
    """What HTTP stream sends when it is not told; ``wav`` is the other guess."""

    v3_pitch_and_loudness: Literal["ignored", "refused"] = "ignored"
    """What becomes of values other than the neutral ones, which pass in any case."""

    temperature_ceiling: float = 2.0
    """The highest temperature that passes; the newest pages say 1.0."""

    codecs: frozenset[str] = frozenset(CODECS)
    """What the account may ask for. Raw PCM came late, and "MP3 only" still stands in Sarvam's pages."""

    v2_alive: bool | None = None
    """Whether ``bulbul:v2`` speaks; None: as the latency profile says (only ``seed`` is from its days)."""

    gated_languages: bool = False
    """Whether the account has the languages in beta (``as-IN``, ``ur-IN`` and ten others)."""
