"""Weather on demand: what goes wrong, how often, how many times, and for which texts.

Faults are written as ``name[=probability][:parameter=value]...``, several with commas between::

    stall=0.1,missing_final=0.03        each utterance with that probability
    429:count=2                         the next two requests, then fine again
    cut:text=goodbye:after=3            utterances with "goodbye" in them, after three messages
    stall:seconds=forever,slow:seconds=2

or, over the admin API, as objects with the same words: ``{"fault": "cut", "text": "goodbye"}``. Only so
can a text have a comma or a colon in it.
:data:`KINDS` is the list of them. A fault with ``count`` is used up after that many times.
"""

import math
import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Final, Self

from ..sarvam import refusals
from ..sarvam.refusals import Refusal, code_of


class Scope(Enum):
    """Where a kind of fault can strike."""

    DOOR = "a WebSocket's upgrade, or a request of REST or HTTP stream"
    SOCKET = "a WebSocket, once it is open"
    UTTERANCE = "what is spoken"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fault. It takes ``seconds`` or ``code`` if it has a default for them."""

    does: str
    scope: Scope
    midway: bool = False
    """Strikes after ``after`` messages of audio (1 if not said; 0 is before the first)."""
    seconds: float | None = None
    code: int | None = None

    @property
    def parameters(self) -> tuple[str, ...]:
        """The parameters it takes."""
        names = ["probability", "count"]
        if self.scope is Scope.UTTERANCE:
            names.append("text")
        if self.midway:
            names.append("after")
        if self.seconds is not None:
            names.append("seconds")
        if self.code is not None:
            names.append("code")
        return tuple(names)


KINDS: Final[Mapping[str, Kind]] = {
    "refuse": Kind("the TCP connection is reset instead of an answer", Scope.DOOR),
    "hang": Kind("there is never an answer", Scope.DOOR),
    "403": Kind("the credential is refused", Scope.DOOR),
    "429": Kind("the rate limit is exceeded", Scope.DOOR),
    "500": Kind("the gateway in front of Sarvam answers, in HTML", Scope.DOOR),
    "503": Kind("the model is unavailable", Scope.DOOR),
    "1003": Kind("opened, and closed with 1003 at once", Scope.SOCKET),
    "black_hole": Kind("opened, and never a word", Scope.SOCKET),
    "slow": Kind("the first audio comes `seconds` later", Scope.UTTERANCE, seconds=1.0),
    "stall": Kind(
        "midway, silence for `seconds` or `forever`", Scope.UTTERANCE, midway=True, seconds=0.8
    ),
    "cut": Kind("midway, the TCP connection is aborted", Scope.UTTERANCE, midway=True),
    "close": Kind("midway, a close with `code`", Scope.UTTERANCE, midway=True, code=1011),
    "error": Kind("midway, an error with `code`", Scope.UTTERANCE, midway=True, code=500),
    "garbage": Kind("midway, a message that is not JSON", Scope.UTTERANCE, midway=True),
    "missing_final": Kind("there is no final", Scope.UTTERANCE),
    "late_audio": Kind("the last audio comes after the final", Scope.UTTERANCE),
    "silence": Kind("the audio is zeros", Scope.UTTERANCE),
    "empty": Kind("there is no audio", Scope.UTTERANCE),
    "short": Kind("the second half of the audio is missing", Scope.UTTERANCE),
    "odd": Kind("the audio ends in half a sample", Scope.UTTERANCE),
}
"""Every fault there is."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that may strike.

    ``seconds`` and ``code`` are None for kinds that have none; ``math.inf`` seconds are for ever.
    ``count`` is how many times it may still strike, None for no limit.
    ``text`` restricts it to utterances that contain this.
    """

    kind: str
    probability: float = 1.0
    count: int | None = None
    text: str | None = None
    after: int = 1
    seconds: float | None = None
    code: int | None = None

    @classmethod
    def parse(cls, words: Mapping[str, Any]) -> Self:
        """A fault from ``{"fault": kind, parameter: value, ...}``; numbers may be strings.

        Raises :class:`ValueError`, in one line, naming what is wrong and what is allowed.
        """
        name = words.get("fault")
        if not isinstance(name, str) or name not in KINDS:
            raise ValueError(f"unknown fault {name!r}: one of {', '.join(KINDS)}")
        kind = KINDS[name]
        values: dict[str, Any] = {"seconds": kind.seconds, "code": kind.code}
        for word, value in words.items():
            if word == "fault":
                continue
            if word not in kind.parameters:
                allowed = ", ".join(kind.parameters)
                raise ValueError(f"fault {name}: unknown parameter {word!r}: one of {allowed}")
            values[word] = _PARAMETERS[word](f"fault {name}: {word}", value)
        return cls(kind=name, **values)

    def to_json(self) -> dict[str, Any]:
        """What :meth:`parse` reads, in full."""
        words: dict[str, Any] = {"fault": self.kind}
        for word in KINDS[self.kind].parameters:
            value = getattr(self, word)
            if value is not None:
                words[word] = "forever" if value == math.inf else value
        return words


def parse_faults(line: str) -> list[Fault]:
    """The faults of a command line; none for a blank one.

    Raises :class:`ValueError`, in one line, naming what is wrong and what is allowed.
    """
    return [_parse_one(item.strip()) for item in line.split(",") if item.strip()]


def _parse_one(item: str) -> Fault:
    head, *tail = item.split(":")
    name, equals, probability = head.partition("=")
    words: dict[str, Any] = {"fault": name.strip()}
    if equals:
        words["probability"] = probability
    for part in tail:
        word, equals, value = part.partition("=")
        if not equals:
            raise ValueError(f"fault {name}: {part!r} is not parameter=value")
        if word.strip() in words:
            raise ValueError(f"fault {name}: {word.strip()} is given twice")
        words[word.strip()] = value
    return Fault.parse(words)


def _float(what: str, value: Any, high: float, allowed: str) -> float:
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not 0 <= number <= high:
        raise ValueError(f"{what}: {value!r} is not {allowed}")
    return number


def _int(what: str, value: Any, low: int, high: int) -> int:
    allowed = f"a whole number from {low} to {high}"
    number = _float(what, value, high, allowed)
    if number < low or number != int(number):
        raise ValueError(f"{what}: {value!r} is not {allowed}")
    return int(number)


def _seconds(what: str, value: Any) -> float:
    if value == "forever":
        return math.inf
    return _float(what, value, 3600, "a number of seconds to 3600, or 'forever'")


def _text(what: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"{what}: {value!r} is not a text")
    return value


_PARAMETERS: Final[Mapping[str, Callable[[str, Any], Any]]] = {
    "probability": lambda what, value: _float(what, value, 1, "a probability from 0 to 1"),
    "count": lambda what, value: _int(what, value, 1, 1_000_000),
    "text": _text,
    "after": lambda what, value: _int(what, value, 0, 1_000_000),
    "seconds": _seconds,
    # HTTP statuses for an error, close codes for a close.
    "code": lambda what, value: _int(what, value, 400, 4999),
}


def midway(faults: Iterable[Fault]) -> list[Fault]:
    """Those of ``faults`` that strike in mid-utterance, in the order in which they do."""
    return sorted(
        (fault for fault in faults if KINDS[fault.kind].midway), key=lambda fault: fault.after
    )


def refusal_of(code: int) -> Refusal:
    """What Sarvam says, as far as it is known, with that status."""
    match code:
        case 403:
            return refusals.credentials()
        case 408:
            return refusals.idle()
        case 422:
            return refusals.malformed("A fault of the emulator's")
        case 429:
            return refusals.rate_limited()
        case 503:
            return refusals.overloaded()
    return replace(refusals.internal(), status=code, code=code_of(code))


class Weather:
    """The faults in force, and which have struck."""

    def __init__(self, faults: Iterable[Fault] = (), *, seed: int = 0) -> None:
        self._seed = seed
        self._faults = list(faults)
        self.struck: Counter[str] = Counter()
        """How often each kind of fault has struck."""

    @property
    def faults(self) -> tuple[Fault, ...]:
        """What may still strike."""
        return tuple(self._faults)

    def change(self, faults: Iterable[Fault]) -> None:
        """Put these faults in the place of all others."""
        self._faults = list(faults)

    def strike(self, scope: Scope, *, at: str, text: str = "") -> dict[str, Fault]:
        """What strikes here, by kind; used up by it where it counts.

        ``at`` names the connection or utterance: the same name draws the same chance again. Of two faults
        of one kind the first that strikes does.
        """
        strikes: dict[str, Fault] = {}
        for index, fault in enumerate(self._faults):
            if KINDS[fault.kind].scope is not scope or fault.kind in strikes:
                continue
            if fault.text is not None and fault.text not in text:
                continue
            chance = random.Random(f"{self._seed}/{at}/{index}/{fault.kind}").random()
            if chance < fault.probability:
                strikes[fault.kind] = fault
        self.struck.update(strikes.keys())
        self._faults = [
            replace(fault, count=fault.count - 1)
            if fault.count is not None and strikes.get(fault.kind) is fault
            else fault
            for fault in self._faults
        ]
        self._faults = [fault for fault in self._faults if fault.count != 0]
        return strikes
