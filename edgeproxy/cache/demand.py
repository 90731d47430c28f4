"""What callers asked for that no book says, and how often: what to keep for longer, what to put into a book.

Asks are counted whether or not they were hits, and apart from them what the origin had to be asked for: the
one says what is wanted, the other what it costs. Texts that look personal are not kept, nor is anything else
about who asked.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final, Self

import orjson

from ..core.events import Emit, ignore
from ..core.key import Identity, Teller
from ..core.personal import looks_personal
from ..core.voice import Voice
from .counts import Counts, Form

_FORM: Final = 1


@dataclass(frozen=True, slots=True)
class Wanted:
    """A text that was asked for. ``voice``: its fields, without the rate.

    ``asked``: how many times, at all rates and by all clients; ``missed``: how many of these were asked of
    the origin; ``characters``: what asking it once costs; ``identities``: what it was asked as, most often
    first.
    """

    text: str
    voice: Mapping[str, Any]
    asked: int
    missed: int
    characters: int
    identities: tuple[Identity, ...] = ()

    @property
    def spent(self) -> int:
        """The characters that the origin was asked for."""
        return self.missed * self.characters


class Demand:
    """Counts asks and misses. :meth:`top` and :meth:`forget_before` are for any thread, the rest for the
    event loop's."""

    def __init__(self, asks: Counts[Identity], misses: Counts[Identity]) -> None:
        self.asks: Final = asks
        self.misses: Final = misses
        self.ask = asks.count
        """Note that a caller wants it, and will have it from wherever it is."""
        self.miss = misses.count
        """Note that the origin has to be asked."""

    @classmethod
    def open(
        cls,
        directory: Path,
        *,
        most: int = 20_000,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        emit: Emit = ignore,
    ) -> Self:
        """The counts that lie, or will lie, in ``directory``; ``most``: identities counted a day."""
        return cls(
            Counts(directory / "asks", FORM, most=most, now=now, emit=emit),
            Counts(directory / "misses", FORM, most=most, now=now, emit=emit),
        )

    async def save(self) -> None:
        """Add what is new to the files of its days."""
        await self.asks.save()
        await self.misses.save()

    def top(self, days: int, *, now: datetime) -> list[Wanted]:
        """What was asked for in the last ``days`` days, most asked first. Blocks to read files."""
        return _by_text(
            self.asks.of_days(days, now=now),
            self.misses.of_days(days, now=now),
        )

    def forget_before(self, day: date) -> None:
        """Remove the counts of the days before ``day``. Blocks; raises OSError."""
        self.asks.forget_before(day)
        self.misses.forget_before(day)


def _by_text(asks: Counter[Identity], misses: Counter[Identity]) -> list[Wanted]:
    """Identities that only differ in their rate or in whose they are, together."""
    # Whatever was asked of the origin was asked for, also where only one of the two was still counted.
    asks = asks | misses
    voices: dict[Voice, Voice] = {}
    found: dict[tuple[Voice, str], list[Identity]] = {}
    for identity, _ in asks.most_common():
        voice = identity.voice
        if (rateless := voices.get(voice)) is None:
            rateless = voices[voice] = voice.at_rate(0)
        found.setdefault((rateless, identity.text), []).append(identity)
    wanted = [
        Wanted(
            text,
            {name: value for name, value in rateless.fields.items() if name != "rate"},
            sum(asks[identity] for identity in same),
            sum(misses[identity] for identity in same),
            len(text),
            tuple(same),
        )
        for (rateless, text), same in found.items()
    ]
    return sorted(wanted, key=lambda each: -each.asked)


def _unless_personal(identity: Identity) -> Identity | None:
    return None if looks_personal(identity.text) else identity


def _packed(counts: Counter[Identity]) -> bytes:
    """As JSON: a voice stands in it once, however much it said."""
    places: dict[bytes, int] = {}
    tellers: list[tuple[str, int, str]] = []
    asked: list[tuple[int, str, int]] = []
    for identity, times in counts.items():
        teller = identity.teller
        place = places.setdefault(teller.head, len(tellers))
        if place == len(tellers):
            # As a string: fields that nobody knows may be more than this JSON can hold.
            tellers.append((teller.namespace, teller.epoch, teller.voice.canonical.decode()))
        asked.append((place, identity.text, times))
    return orjson.dumps({"form": _FORM, "tellers": tellers, "asked": asked})


def _unpacked(data: bytes) -> Counter[Identity]:
    found = orjson.loads(data)
    if found["form"] != _FORM:
        raise ValueError(f"form {found['form']}")
    tellers = [
        Teller(namespace, Voice(json.loads(voice)), epoch)
        for namespace, epoch, voice in found["tellers"]
    ]
    return Counter(
        {tellers[place].identity_of_normal(text): times for place, text, times in found["asked"]}
    )


FORM: Final = Form(_unless_personal, _packed, _unpacked)
"""Identities themselves, unless their text looks personal."""
