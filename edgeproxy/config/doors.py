"""The rooms about the doors: where clients come in, who they may be, what each door does."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    Field,
    field_validator,
    model_validator,
)

from ..openai.voices import parted
from .kinds import MEGABYTE, Digest, Room, Secret, parsed


class Server(Room):
    """Where clients reach the proxy."""

    host: str = "127.0.0.1"
    """Address to listen on. Anything but loopback needs an `auth.mode` that knows who may come in."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8080
    """Port to listen on; 0 takes a free one."""
    connections: Annotated[int, Field(ge=1, le=1_000_000)] = 16_384
    """Connections at the same time, in all; more are told 503."""
    connections_per_address: Annotated[int, Field(ge=1, le=1_000_000)] = 4096
    """Connections from one address; more are told 429. Behind an ingress all have the ingress' address."""
    header_timeout_s: Annotated[float, Field(gt=0, le=300)] = 10.0
    """Longest wait for the whole head of a request (its line and headers)."""
    header_bytes: Annotated[int, Field(ge=1024, le=65_536)] = 16_384
    """Largest head of a request."""
    message_bytes: Annotated[int, Field(ge=1024, le=1_048_576)] = 65_536
    """Longest WebSocket message a client may send."""
    body_bytes: Annotated[int, Field(ge=1024, le=16_777_216)] = 65_536
    """Largest HTTP body a client may send."""
    body_timeout_s: Annotated[float, Field(gt=0, le=300)] = 10.0
    """Longest wait for the whole of an HTTP body."""
    idle_s: Annotated[float, Field(gt=0)] = 3600.0
    """A WebSocket without a message (a JSON ping is one) for so long is told 408 and closed; an HTTP
    connection without a request is closed."""
    unread_timeout_s: Annotated[float, Field(gt=0, le=3600)] = 60.0
    """A client that has 64 KiB and more to read, and does not read most of it in so long, is dropped."""
    drain_s: Annotated[float, Field(ge=0, le=600)] = 30.0
    """How long running turns may take to finish when the process is told to go."""


class Auth(Room):
    """Who may come in, and who pays (docs/front-door.md)."""

    mode: Literal["open", "proxy", "passthrough"] = "open"
    """`open`: any key comes in; `proxy`: the tokens of `auth.tenants`; `passthrough`: any key that the
    origin takes, and it pays."""
    open_to_all: bool = False
    """Whether `open` may listen beyond loopback: whoever reaches it speaks on your account."""
    tenants: Path | None = None
    """`proxy`: file of the tenants, their tokens and limits; it is read again when it changes."""
    allow: tuple[Digest, ...] = ()
    """`passthrough`: the only keys that are let in, as `edgeproxy token --of` writes them; required
    beyond loopback. In the environment: a JSON list, or commas between them."""
    grace_s: Annotated[float, Field(ge=0, le=604_800)] = 21_600.0
    """`passthrough`: how long keys are let in that the origin took before and can't be asked about now."""
    probes_per_minute: Annotated[int, Field(ge=1, le=100_000)] = 60
    """`passthrough`: unknown keys that are held against the origin, for each client address."""

    @field_validator("allow", mode="before")
    @classmethod
    def _from_environment(cls, allow: object) -> object:
        """A JSON list, or digests with commas between them."""
        if not isinstance(allow, str):
            return allow
        return parsed(allow) if allow.lstrip().startswith("[") else allow.split(",")

    @model_validator(mode="after")
    def _nothing_is_said_in_vain(self) -> Self:
        # Above all: tenants without their mode would leave the door open.
        if self.mode == "proxy" and self.tenants is None:
            raise ValueError("`proxy` needs auth.tenants, the file of the tenants")
        if self.mode != "proxy" and self.tenants is not None:
            raise ValueError(f"auth.tenants is for auth.mode: proxy, not {self.mode}")
        if self.mode != "passthrough" and self.allow:
            raise ValueError(f"auth.allow is for auth.mode: passthrough, not {self.mode}")
        return self


class Admin(Room):
    """The operator's side: metrics, console, admin API (docs/operating.md)."""

    host: str = "127.0.0.1"
    """Address of its own listener. Anything but loopback needs `admin.token`."""
    port: Annotated[int | None, Field(ge=0, le=65535)] = None
    """Port of its own listener. Without one it shares the proxy's where that is on loopback, else 8081."""
    token: Secret | None = None
    """What changes anything: purges, switches, a drain. Without one nothing can be changed by HTTP."""


class OpenAi(Room):
    """OpenAI's door, `/v1/audio/speech`."""

    language: str = "en-IN"
    """Language of a `voice` that names none, as `shubh@hi-IN` does."""
    voices: dict[str, str] = {}  # noqa: RUF012  # pydantic copies it
    """What names of voices mean, as `{alloy: priya@hi-IN}`: for agents that can only say OpenAI's."""

    @field_validator("language")
    @classmethod
    def _is_said(cls, language: str) -> str:
        if not language.strip():
            raise ValueError("must be a code such as hi-IN")
        return language.strip()

    @field_validator("voices", mode="before")
    @classmethod
    def _from_environment(cls, voices: object) -> object:
        return parsed(voices, "a mapping") if isinstance(voices, str) else voices

    @field_validator("voices")
    @classmethod
    def _speakers(cls, voices: dict[str, str]) -> dict[str, str]:
        for name, voice in voices.items():
            try:
                parted(voice)
            except ValueError as error:
                raise ValueError(f"{name}: must be {error}") from None
        return voices


class Passthrough(Room):
    """The rest of Sarvam's API, passed on to the origin."""

    enabled: bool = True
    """Whether what is not text-to-speech is passed on; else it is Sarvam's 404."""
    body_bytes: Annotated[int, Field(ge=1024, le=1_000 * MEGABYTE)] = 50 * MEGABYTE
    """Largest HTTP body a client may send there."""
    message_bytes: Annotated[int, Field(ge=1024, le=64 * MEGABYTE)] = 4 * MEGABYTE
    """Longest WebSocket message there, from either side."""
    silence_s: Annotated[float, Field(gt=0, le=3600)] = 120.0
    """Longest time in which nothing moves, of a body or of the wait for an answer."""
