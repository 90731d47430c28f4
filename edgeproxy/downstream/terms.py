"""What is agreed with each tenant: the tenants file, read whole or not at all.

Tokens stand in it as their plain SHA-256. That is right here, and would not be for passwords: a token is 256
random bits of ours, so there is nothing to guess, and neither salt nor a slow hash could make it harder;
what a slow hash would cost is a core per few hundred connections.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from ..phrases.problem import BookErrors, Problem
from ..phrases.source import Source
from ..sarvam import refusals
from ..sarvam.refusals import Refused
from .paths import PREFIXES, prefix_written

_TOKEN: Final = re.compile(r"sha256:([0-9a-f]{64})")
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_NAMING: Final = "small letters, digits, - and _, 63 at the most"
_OWN: Final = "own"
_TENANT: Final = "tenant-"

_Count = Annotated[int, Field(ge=1)]


class TenantsError(ValueError):
    """The tenants file can't be used. Its text names every mistake, with line and remedy, and no token."""


class VoicePattern(BaseModel):
    """Voices: what is not said may be anything, and ``*`` stands for any part of a name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str = "*"
    language: str = "*"
    speaker: str = "*"

    def __str__(self) -> str:
        said = {name: value for name, value in self if value != "*"}
        if list(said) == ["speaker"]:
            return self.speaker
        return " ".join(f"{name} {value}" for name, value in said.items()) or "any voice"

    def takes(self, fields: Mapping[str, Any]) -> bool:
        """Whether a voice (canonical fields) is one of these."""
        return all(fnmatchcase(str(fields.get(name, "")), value) for name, value in self)


class Terms(BaseModel):
    """One tenant's. What is not said is not limited."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tokens: frozenset[bytes]
    """Digests of its tokens: several, so that one can be replaced; none, and it is locked out."""
    namespace: str = _OWN
    """``own``, or a name that it shares with others: they hear each other's audio."""
    requests_per_minute: _Count | None = None
    """Turns, or HTTP requests."""
    characters_per_minute: _Count | None = None
    """Characters spoken, from wherever."""
    concurrent_turns: _Count | None = None
    """Turns that are being spoken at the same time."""
    characters_per_month: Annotated[int, Field(ge=0)] | None = None
    """Characters asked of the origin in a calendar month (UTC)."""
    voices: tuple[VoicePattern, ...] | None = None
    """The voices it may speak in: speakers, or patterns."""
    paths: tuple[str, ...] = ()
    """What of the rest of Sarvam's API it may use: paths, and all that is below them."""

    @field_validator("tokens", mode="before")
    @classmethod
    def _digests(cls, tokens: object) -> object:
        if not isinstance(tokens, list):
            raise ValueError("must be a list of lines as `edgeproxy token` prints them")
        digests = [digest_written(token) for token in tokens]
        if None in digests:
            raise ValueError(
                f"entry {digests.index(None) + 1} is not `sha256:` and 64 hexadecimal digits; "
                "`edgeproxy token` prints such lines (the token itself does not belong here)"
            )
        return frozenset(digests)

    @field_validator("namespace")
    @classmethod
    def _is_a_name(cls, name: str) -> str:
        if not _NAME.fullmatch(name):
            raise ValueError(f"must be `own`, or a name: {_NAMING}")
        return name

    @field_validator("voices", mode="before")
    @classmethod
    def _speakers_are_patterns(cls, voices: object) -> object:
        if not isinstance(voices, list) or not voices:
            raise ValueError("must be a list of speakers, or of {model, language, speaker}")
        return [{"speaker": voice} if isinstance(voice, str) else voice for voice in voices]

    @field_validator("paths", mode="before")
    @classmethod
    def _are_paths(cls, paths: object) -> object:
        if not isinstance(paths, list):
            raise ValueError(PREFIXES)
        return [prefix_written(path) for path in paths]

    def check_voice(self, fields: Mapping[str, Any]) -> None:
        """Raise :class:`Refused` for a voice (canonical fields) that it may not speak in."""
        if self.voices is not None and not any(pattern.takes(fields) for pattern in self.voices):
            raise Refused(
                refusals.voice_not_allowed(
                    model=fields.get("model"),
                    language=fields.get("language"),
                    speaker=fields.get("speaker"),
                    allowed=map(str, self.voices),
                )
            )

    def space_of(self, tenant: str) -> str:
        """The namespace of ``tenant``. No name chosen for one kind can be that of another."""
        return f"{_TENANT}{tenant}" if self.namespace == _OWN else f"shared-{self.namespace}"


def tenant_of(namespace: str) -> str | None:
    """The tenant whose own this namespace is; None: it is nobody's own."""
    return namespace.removeprefix(_TENANT) if namespace.startswith(_TENANT) else None


def digest_of(token: str) -> bytes:
    """What a token is known by."""
    return hashlib.sha256(token.encode(errors="surrogateescape")).digest()


def written(token: str) -> str:
    """How a token stands in the file: ``sha256:…``."""
    return f"sha256:{digest_of(token).hex()}"


def digest_written(line: object) -> bytes | None:
    """The digest in ``sha256:…``, as `edgeproxy token` writes it; None for anything else."""
    found = _TOKEN.fullmatch(line.strip().lower()) if isinstance(line, str) else None
    return None if found is None else bytes.fromhex(found[1])


def read(file: Path) -> dict[str, Terms]:
    """The tenants in ``file``, by name. Raises :class:`TenantsError`. Blocks."""
    try:
        source = Source(file)
    except BookErrors as error:
        raise TenantsError(str(error)) from error
    content = source.content
    tenants = content.get("tenants") if isinstance(content, dict) else None
    if not isinstance(tenants, dict):
        # An empty file is one that is being written, not one that locks everybody out: `tenants: {}` does.
        no = source.problem((), "has no `tenants:`; it begins with that, and a name for each below")
        raise TenantsError(str(no))
    problems = list(source.problems)
    problems += [_unknown(source, (name,), ["tenants"]) for name in content if name != "tenants"]
    read: dict[str, Terms] = {}
    for name, terms in tenants.items():
        if not _NAME.fullmatch(name):
            problems.append(source.problem(("tenants", name), f"a name has {_NAMING}"))
        try:
            read[name] = Terms.model_validate(terms)
        except ValidationError as error:
            problems += _explained(source, ("tenants", name), error)
    problems += _shared_tokens(source, read)
    if problems:
        raise TenantsError("\n".join(map(str, sorted(set(problems)))))
    return read


def _shared_tokens(source: Source, tenants: Mapping[str, Terms]) -> Iterator[Problem]:
    owners: dict[bytes, str] = {}
    for name, terms in tenants.items():
        for digest in terms.tokens:
            owner = owners.setdefault(digest, name)
            if owner != name:
                yield source.problem(
                    ("tenants", name, "tokens"),
                    f"a token of `{name}` is one of `{owner}`, too; give each its own",
                )


def _explained(source: Source, place: tuple[str, ...], error: ValidationError) -> Iterator[Problem]:
    # Never the value: it may be a token that somebody put where its hash belongs.
    for each in error.errors(include_url=False, include_input=False):
        here = (*place, *each["loc"])
        if each["type"] == "extra_forbidden":
            model: type[BaseModel] = VoicePattern if "voices" in each["loc"] else Terms
            yield _unknown(source, here, list(model.model_fields))
            continue
        name = next((step for step in reversed(here) if isinstance(step, str)), "tenants")
        said = each["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
        yield source.problem(here, f"`{name}`: {said[0].lower()}{said[1:]}")


def _unknown(source: Source, place: tuple[str | int, ...], there_are: list[str]) -> Problem:
    return source.problem(place, f"there is no `{place[-1]}`; there are {', '.join(there_are)}")
