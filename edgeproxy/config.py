"""Settings: every knob there is, by room, with unit, default and bounds.

From a YAML file (``--config``), from the environment (``EDGEPROXY_<ROOM>__<NAME>``, which wins) and,
for a few, from the command line (which wins over both). Read once, at start; only :mod:`edgeproxy.app`
and :mod:`edgeproxy.cli` see them, rooms get plain arguments. A mistake is one line: the setting (and
the variable it came from), its value unless that may hold a secret, what is allowed.
"""

import ipaddress
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from .openai.voices import parted

MEGABYTE: Final = 1_000_000
_PREFIX: Final = "EDGEPROXY_"
_LABEL: Final = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_ORIGIN: Final = re.compile(
    rf"https?://(?:\[(?P<ipv6>[0-9a-f:.]+)\]|{_LABEL}(?:\.{_LABEL})*\.?)(?::(?P<port>[0-9]{{1,5}}))?"
)


class ConfigError(Exception):
    """A setting that can't be used; the text is one line for whoever set it."""


def _bare(secret: SecretStr) -> SecretStr:
    # A mounted secret ends in a line break; anything else that no header can carry is a mistake.
    bare = secret.get_secret_value().strip()
    if not bare:
        raise ValueError("must not be blank")
    if not all("!" <= character <= "~" for character in bare):
        raise ValueError("must be printable ASCII without spaces")
    return SecretStr(bare)


_Secret = Annotated[SecretStr, AfterValidator(_bare)]


def _digest(line: str) -> str:
    line = line.strip().lower()
    if not re.fullmatch(r"sha256:[0-9a-f]{64}", line):
        raise ValueError("must be `sha256:` and 64 hexadecimal digits, never the key itself")
    return line


_Digest = Annotated[str, AfterValidator(_digest)]


def _json(text: str, what: str = "a list") -> object:
    try:
        return json.loads(text)
    except ValueError:
        raise ValueError(f"must be {what}; in the environment, as JSON") from None


class _Room(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Server(_Room):
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


class Origin(_Room):
    """Sarvam, or the emulator."""

    url: str = "https://api.sarvam.ai"
    """Base URL; the WebSocket's follows from it."""
    api_key: _Secret | None = None
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
        return _json(voices) if isinstance(voices, str) else voices


class Pool(_Room):
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


class Turn(_Room):
    """How text becomes segments. Changing a cut makes other segments, hence misses."""

    min_segment_chars: Annotated[int, Field(ge=1, le=50)] = 3
    """A shorter sentence joins the next."""
    clause_chars: Annotated[int, Field(ge=10, le=500)] = 60
    """From this length on, a clause mark ends a segment."""
    first_clause_chars: Annotated[int, Field(ge=5, le=500)] = 60
    """The same for the first segment of a turn; lower where an origin's first audio grows with length."""
    max_segment_chars: Annotated[int, Field(ge=20, le=2000)] = 200
    """No segment is longer."""
    parallel_segments: Annotated[int, Field(ge=1, le=16)] = 3
    """Segments of one turn that are filled at the same time."""
    hold_ms: Annotated[int, Field(ge=0, le=1000)] = 40
    """How long a text that may become a whole phrase waits for its next message."""
    idle_text_ms: Annotated[int, Field(ge=50, le=10_000)] = 300
    """A client that never flushes is spoken for after this long without text."""
    trim_leading_silence_ms: Annotated[int, Field(ge=0, le=2000)] = 0
    """Up to so much silence in front of a segment is left out when it is sent; records stay whole."""
    waiting_segments: Annotated[int, Field(ge=10, le=100_000)] = 1000
    """Segments one client may have waiting."""


class Cache(_Room):
    """What has been said."""

    data_dir: Path = Path("data")
    """Records and the installation's secret live here, mode 0700."""
    memory_bytes: Annotated[int, Field(ge=0)] = 128 * MEGABYTE
    """Hot clips with their messages ready for the wire."""
    quota_bytes: Annotated[int, Field(ge=0)] = 10_000 * MEGABYTE
    """What records that were kept automatically may take on disk; least recently used go first."""
    min_free_bytes: Annotated[int, Field(ge=0)] = 500 * MEGABYTE
    """With less free disk than this nothing more is written."""
    characters_kept: Annotated[int, Field(ge=1, le=2500)] = 200
    """Longer segments are spoken but not kept."""
    asks_until_kept: Annotated[int, Field(ge=1, le=1000)] = 1
    """A text is kept automatically once the origin was asked for it so often; 1: at first sight."""
    keep_personal: bool = False
    """Whether texts that look personal (four digits or more, addresses, spelled codes) are kept, too."""
    ttl_s: Annotated[float, Field(gt=0)] = 86_400.0
    """How long a record that was kept automatically is fresh."""
    stale_s: Annotated[float, Field(ge=0)] = 86_400.0
    """How long after that it is still served, while it is renewed in the background."""
    stale_if_error_s: Annotated[float, Field(ge=0)] = 432_000.0
    """And how long after that it is still served when the origin can't be had."""
    epochs: dict[str, Annotated[int, Field(ge=0)]] = {}
    """By `model` or `model/speaker`: raising a number retires all that was kept of it. Never lower one."""
    discard_after_s: Annotated[float, Field(gt=0)] = 604_800.0
    """Records that were kept automatically are removed from the disk after this long, full or not."""

    @field_validator("epochs", mode="before")
    @classmethod
    def _from_environment(cls, epochs: object) -> object:
        return _json(epochs, "a mapping") if isinstance(epochs, str) else epochs


class Auth(_Room):
    """Who may come in, and who pays (docs/front-door.md)."""

    mode: Literal["open", "proxy", "passthrough"] = "open"
    """`open`: any key comes in; `proxy`: the tokens of `auth.tenants`; `passthrough`: any key that the
    origin takes, and it pays."""
    open_to_all: bool = False
    """Whether `open` may listen beyond loopback: whoever reaches it speaks on your account."""
    tenants: Path | None = None
    """`proxy`: file of the tenants, their tokens and limits; it is read again when it changes."""
    allow: tuple[_Digest, ...] = ()
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
        return _json(allow) if allow.lstrip().startswith("[") else allow.split(",")

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


class OpenAi(_Room):
    """OpenAI's door, `/v1/audio/speech`."""

    language: str = "en-IN"
    """Language of a `voice` that names none, as `shubh@hi-IN` does."""
    voices: dict[str, str] = {}
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
        return _json(voices, "a mapping") if isinstance(voices, str) else voices

    @field_validator("voices")
    @classmethod
    def _speakers(cls, voices: dict[str, str]) -> dict[str, str]:
        for name, voice in voices.items():
            try:
                parted(voice)
            except ValueError as error:
                raise ValueError(f"{name}: must be {error}") from None
        return voices


class Passthrough(_Room):
    """The rest of Sarvam's API, passed on to the origin."""

    enabled: bool = True
    """Whether what is not text-to-speech is passed on; else it is Sarvam's 404."""
    body_bytes: Annotated[int, Field(ge=1024, le=1_000 * MEGABYTE)] = 50 * MEGABYTE
    """Largest HTTP body a client may send there."""
    message_bytes: Annotated[int, Field(ge=1024, le=64 * MEGABYTE)] = 4 * MEGABYTE
    """Longest WebSocket message there, from either side."""
    silence_s: Annotated[float, Field(gt=0, le=3600)] = 120.0
    """Longest time in which nothing moves, of a body or of the wait for an answer."""


class Phrases(_Room):
    """Phrase books."""

    directory: Path | None = None
    """Folder of the books (`*.yaml`); their voices are warmed at start."""
    generations_kept: Annotated[int, Field(ge=1, le=100)] = 3
    """How many generations of each phrase are kept, to go back to."""
    characters_per_second: Annotated[float, Field(gt=0)] = 200.0
    """Pace at which phrases are asked of the origin."""
    characters_at_once: Annotated[int, Field(ge=0)] = 50_000
    """Budget for making new and changed phrases as soon as a book changes."""
    characters_per_night: Annotated[int, Field(ge=0)] = 200_000
    """Budget of a night."""
    night: str = "30 2 * * *"
    """When the night begins, as crontab writes it."""
    time_zone: str = "Asia/Kolkata"
    """Time zone of the night."""
    night_jitter_s: Annotated[float, Field(ge=0, le=7200)] = 600.0
    """By how much a night may begin later, so that regions don't all ask at once."""
    promote_top: Annotated[int, Field(ge=0, le=10_000)] = 50
    """Of the texts asked most often that were not known, so many are kept beyond the day."""


class Log(_Room):
    """What is written to standard error."""

    format: Literal["readable", "json"] = "readable"
    """One line per turn, for people or for machines."""
    level: Literal["debug", "info", "warning", "error"] = "info"
    """Least level that is written."""


class Settings(BaseSettings):
    """All rooms."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX,
        env_nested_delimiter="__",
        # Lists are decoded by their own rooms, whose mistakes are one line.
        enable_decoding=False,
        extra="forbid",
        frozen=True,
    )

    server: Server = Server()
    origin: Origin = Origin()
    pool: Pool = Pool()
    turn: Turn = Turn()
    cache: Cache = Cache()
    auth: Auth = Auth()
    openai: OpenAi = OpenAi()
    passthrough: Passthrough = Passthrough()
    phrases: Phrases = Phrases()
    log: Log = Log()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what :meth:`load` has put together."""
        return (init_settings,)

    @model_validator(mode="after")
    def _only_loopback_is_open(self) -> Self:
        if _is_loopback(self.server.host):
            return self
        beyond = f"server.host: {self.server.host} is not loopback, and "
        if self.auth.mode == "open" and not self.auth.open_to_all:
            raise ValueError(
                f"{beyond}with auth.mode: open everybody could speak on your account; set auth.mode to "
                "proxy or passthrough, listen on 127.0.0.1, or say auth.open_to_all: true"
            )
        if self.auth.mode == "passthrough" and not self.auth.allow:
            raise ValueError(
                f"{beyond}without auth.allow everybody who has a Sarvam key could come in; list the "
                "keys that may (`edgeproxy token --of`), or listen on 127.0.0.1"
            )
        return self

    @model_validator(mode="after")
    def _first_audio_comes_in_time(self) -> Self:
        waits = self.pool.lease_timeout_s + 2 * self.origin.first_audio_timeout_s
        longest = self.origin.answer_timeout_s
        if waits > longest:
            raise ValueError(
                f"pool.lease_timeout_s + 2 x origin.first_audio_timeout_s is {waits:g} s; {longest:g} s "
                "(origin.answer_timeout_s) is allowed, because LiveKit gives up after 10 s of silence"
            )
        return self

    @classmethod
    def load(
        cls,
        file: Path | None = None,
        *,
        overrides: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> Self:
        """Read ``file`` and the environment; ``overrides`` (room to name to value) win over both.

        Raises :class:`ConfigError`.
        """
        overrides = overrides or {}
        _check_variables()
        sarvam_key = os.environ.get("SARVAM_API_KEY", "")
        sources: tuple[Mapping[str, Any], ...] = (
            {"origin": {"api_key": sarvam_key}} if sarvam_key.strip() else {},
            _read(file),
            EnvSettingsSource(cls)(),
            overrides,
        )
        rooms: dict[str, Any] = {}
        for source in sources:
            for room, values in source.items():
                if room not in cls.model_fields:
                    raise ConfigError(f"{room}: there is no such setting; the rooms are {_rooms()}")
                # A room whose every line is commented out is null in YAML.
                if not isinstance(values, Mapping | None):
                    raise ConfigError(
                        f"{room}: must be a mapping of settings; "
                        f"in the environment, {_PREFIX}{room.upper()}__<NAME>"
                    )
                rooms.setdefault(room, {}).update(values or {})
        try:
            return cls(**rooms)
        except ValidationError as error:
            raise ConfigError(_one_line(error, overrides)) from None


def _check_variables() -> None:
    # pydantic-settings looks only for names it knows. Without "__" it is no setting: Kubernetes
    # gives pods an EDGEPROXY_PORT where a service is called edgeproxy.
    for variable in os.environ:
        room, nested, _ = variable.upper().removeprefix(_PREFIX).lower().partition("__")
        ours = nested and variable.upper().startswith(_PREFIX)
        if ours and room not in Settings.model_fields:
            raise ConfigError(f"{variable}: there is no room {room!r}; the rooms are {_rooms()}")


def _rooms() -> str:
    return ", ".join(Settings.model_fields)


def _read(file: Path | None) -> dict[str, Any]:
    if file is None:
        return {}
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except yaml.MarkedYAMLError as error:
        # Its own words quote the line, and that may hold a key.
        mark = error.problem_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "somewhere"
        raise ConfigError(f"{file}: {where}: this is not YAML") from None
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ConfigError(f"{file}: {' '.join(str(error).split())}") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ConfigError(f"{file}: must be a mapping of rooms ({_rooms()})")
    return content


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _one_line(error: ValidationError, overrides: Mapping[str, Mapping[str, Any]]) -> str:
    first = error.errors(include_url=False)[0]
    name = ".".join(map(str, first["loc"]))
    said = first["msg"].removeprefix("Value error, ")
    if not name:
        return said
    room, setting = [*map(str, first["loc"]), ""][:2]
    variable = f"{_PREFIX}{room}__{setting}".upper()
    blamed = variable in os.environ and setting not in overrides.get(room, {})
    name = f"{variable}: {name}" if blamed else name
    if first["type"] == "extra_forbidden":
        return f"{name}: there is no such setting; see the README's table of settings"
    # Keys, and URLs with a user or a query, do not belong on a screen.
    hidden = (
        "key" in setting or setting == "allow" or any(mark in str(first["input"]) for mark in "@?")
    )
    value = "" if hidden else f" = {first['input']!r}"
    return f"{name}{value}: {said}"
