"""The rooms about the origin: where it is, how long it may take, the sessions with it."""

import ipaddress
import re
from typing import Annotated, Any, Final, Literal

from pydantic import (
    Field,
    field_validator,
)

from .kinds import Room, Secret, parsed

_LABEL: Final = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_ORIGIN: Final = re.compile(
    rf"https?://(?:\[(?P<ipv6>[0-9a-f:.]+)\]|{_LABEL}(?:\.{_LABEL})*\.?)(?::(?P<port>[0-9]{{1,5}}))?"
)


class Origin(Room):
    """Sarvam, or the emulator."""

    url: str = "https://api.sarvam.ai"
    """Base URL; the WebSocket's follows from it."""
    api_key: Secret | None = None
    """Sarvam key that pays for everything; `SARVAM_API_KEY` is read, too."""
    codec: Literal["linear16", "mp3"] = "linear16"
    """What the origin is asked for: raw PCM, or MP3 where PCM is not to be had."""
    prewarm_voices: tuple[dict[str, Any], ...] = ()
    """Voices (fields of Sarvam's config) that sessions are configured with before anybody asks."""
    connect_timeout_s: Annotated[float, Field(gt=0, le=10)] = 3.0
    """Longest wait for a new connection, handshake included."""
    first_audio_timeout_s: Annotated[float, Field(gt=0, le=4)] = 2.5
    """Longest wait for a text's first audio."""
    stall_timeout_s: Annotated[float, Field(gt=0, le=9)] = 2.0
    """Longest silence in the middle of an utterance."""
    answer_timeout_s: Annotated[float, Field(gt=0, le=8)] = 8.0
    """Longest wait for a segment's first audio, the wait for a session and a second attempt included."""
    turn_deadline_s: Annotated[float, Field(gt=0, le=3600)] = 120.0
    """Longest time for the whole of a segment, and for a turn from its flush on."""
    rest_timeout_s: Annotated[float, Field(gt=0, le=60)] = 8.0
    """Longest wait for an answer of the REST door (sample rates above 24,000 Hz)."""
    refusal_kept_s: Annotated[float, Field(ge=0, le=3600)] = 60.0
    """How long the origin's refusal of a voice or text is given again without asking it."""
    breaker_window_s: Annotated[float, Field(ge=1, le=600)] = 20.0
    """The latest seconds in which failures are counted, for each account and model."""
    breaker_attempts: Annotated[int, Field(ge=20, le=100_000)] = 20
    """Fewer attempts in the window decide nothing."""
    breaker_ratio: Annotated[float, Field(gt=0, le=1)] = 0.5
    """When this part of them failed, the origin is no longer asked, until one request in earnest succeeds."""

    @field_validator("url")
    @classmethod
    def _is_origin(cls, url: str) -> str:
        url = url.rstrip("/").lower()
        found = _ORIGIN.fullmatch(url)
        if found is None:
            raise ValueError(
                "must be an origin such as https://api.sarvam.ai, without a path, query, fragment or user"
            )
        if found["ipv6"]:
            ipaddress.IPv6Address(found["ipv6"])
        if found["port"] and not 1 <= int(found["port"]) <= 65535:
            raise ValueError("the port must be 1 to 65535")
        return url

    @field_validator("prewarm_voices", mode="before")
    @classmethod
    def _from_environment(cls, voices: object) -> object:
        return parsed(voices) if isinstance(voices, str) else voices


class Pool(Room):
    """The origin sessions of each (account, model)."""

    ready: Annotated[int, Field(ge=1, le=100)] = 4
    """Idle sessions kept dialled and configured, on top of the busy ones."""
    account_sessions: Annotated[int, Field(ge=1, le=10_000)] = 100
    """Hard ceiling: sessions the account may hold at once."""
    reserve: Annotated[int, Field(ge=0, le=1000)] = 4
    """Places that regeneration leaves free for callers."""
    lease_timeout_s: Annotated[float, Field(gt=0, le=8)] = 3.0
    """Longest wait for a free session."""
    waiting_most: Annotated[int, Field(ge=1, le=100_000)] = 1000
    """Most segments that wait for a session of one account and model; the next is told 503 at once."""
    max_age_s: Annotated[float, Field(ge=10)] = 3000.0
    """Sessions older than this are replaced by new ones."""
    rest_ms: Annotated[int, Field(ge=0, le=10_000)] = 100
    """Rest of a session after its `final`, in which late audio ends it."""
    ping_every_s: Annotated[float, Field(gt=0, lt=60)] = 30.0
    """Sarvam closes a connection that is silent for 60 s."""
