"""Identity and key: what a recording *is*, and what it is called on disk.

The identity is the whole truth: the canonical bytes of (namespace, epoch, voice, text). Flights are
keyed by it, and every read compares it, so a collision of hashes can cost a miss but never play
someone else's words. The key only names records.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Self

import xxhash

from .text import normalise
from .voice import Voice

VERSION: Final = 1
"""Version of the identity's form; a change makes every older record a clean miss."""


@dataclass(frozen=True, slots=True, eq=False)
class Teller:
    """One voice in one namespace: what all identities of a conversation's turns have in common.

    Kept between segments so that the hot path only joins bytes. ``namespace`` says whose audio it
    is; ``epoch`` retires all recordings of a voice at once when it is raised.
    """

    namespace: str
    voice: Voice
    epoch: int = 0
    head: bytes = field(init=False)

    def __post_init__(self) -> None:
        # A namespace is ours (never free text), the voice is JSON: neither holds a line break, so
        # the three lines and the text can't run into one another.
        if "\n" in self.namespace:
            raise ValueError("a namespace has no line breaks")
        head = f"{VERSION} {self.epoch} {self.namespace}\n".encode() + self.voice.canonical + b"\n"
        object.__setattr__(self, "head", head)

    def identity(self, text: str) -> "Identity":
        """The identity of ``text`` (normalised here) said by this voice."""
        return self.identity_of_normal(normalise(text))

    def identity_of_normal(self, text: str) -> "Identity":
        """The same for text that is normalised already, as what a turn cuts is."""
        return Identity(self, text, self.head + text.encode())


@dataclass(frozen=True, slots=True)
class Epochs:
    """Which recordings of a voice count: those of its epoch. ``raised``: by ``model`` or ``model/speaker``.

    Raising a number retires all that was said before in that voice, in one move and in every region; so
    numbers are never lowered.
    """

    raised: Mapping[str, int] = field(default_factory=dict)

    def of(self, voice: Voice) -> int:
        """The epoch of ``voice``: raised with that of its model, and with its own."""
        return self.raised.get(voice.model, 0) + self.raised.get(
            f"{voice.model}/{voice.speaker}", 0
        )


NO_EPOCHS: Final = Epochs()
"""Nothing was ever retired."""


@dataclass(frozen=True, slots=True, eq=False)
class Identity:
    """What one segment's audio is, whole. ``blob`` is the canonical form; equality is its equality."""

    teller: Teller
    text: str
    blob: bytes

    @classmethod
    def parse(cls, blob: bytes) -> Self:
        """The identity that has this canonical form. Raises ValueError when it is of another version."""
        head, voice, text = blob.split(b"\n", 2)
        version, epoch, namespace = head.decode().split(" ", 2)
        if version != str(VERSION):
            raise ValueError(f"an identity of version {version}, not {VERSION}")
        return cls(Teller(namespace, Voice(json.loads(voice)), int(epoch)), text.decode(), blob)

    @property
    def namespace(self) -> str:
        """Whose audio it is."""
        return self.teller.namespace

    @property
    def voice(self) -> Voice:
        """Whose voice says it."""
        return self.teller.voice

    @property
    def key(self) -> str:
        """The record's name: a 64-bit tag of the text, then 128 bits of the identity, in hex.

        The tag in front lets all variants of one text be found by a prefix.
        """
        return text_tag(self.text) + xxhash.xxh3_128_hexdigest(self.blob)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Identity) and self.blob == other.blob

    def __hash__(self) -> int:
        return hash(self.blob)


def text_tag(text: str) -> str:
    """The 16 hex digits that every key of the normalised ``text`` begins with."""
    return xxhash.xxh3_64_hexdigest(text.encode())


CHECKSUM_BYTES: Final = 16


def checksum(data: bytes | memoryview) -> bytes:
    """128-bit checksum of ``data``: against decay and torn writes, not against attackers."""
    return xxhash.xxh3_128_digest(data)
