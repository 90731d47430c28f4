"""All rooms together: read from a file, the environment and options; each mistake is one line."""

import ipaddress
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Self

import yaml
from pydantic import (
    ValidationError,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from .doors import Admin, Auth, OpenAi, Passthrough, Server
from .kinds import ConfigError
from .origin import Origin, Pool
from .speech import Cache, Log, Phrases, Turn

_PREFIX: Final = "EDGEPROXY_"


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
    admin: Admin = Admin()
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
        if is_loopback(self.server.host):
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
    def _only_who_has_the_token_looks_from_elsewhere(self) -> Self:
        if self.admin.token is None and not is_loopback(self.admin.host):
            raise ValueError(
                f"admin.host: {self.admin.host} is not loopback, and without admin.token everybody could "
                "look; set it (`edgeproxy token` prints a good one), or listen on 127.0.0.1"
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


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what listens there."""
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
        return f"{name}: there is no such setting; docs/operating.md has all"
    # Keys, and URLs with a user or a query, do not belong on a screen.
    hidden = (
        "key" in setting
        or setting in ("token", "allow")
        or any(mark in str(first["input"]) for mark in "@?")
    )
    value = "" if hidden else f" = {first['input']!r}"
    return f"{name}{value}: {said}"
