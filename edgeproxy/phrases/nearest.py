"""Which phrase a text nearly is, where no book says it for who asked: the one that was probably meant.

::

    some phrase says exactly this? ─► the one whose voice is most like what was asked for
                                  └─► none: of all texts of the language the most like it

Likeness is of the words: capitals, marks and white space count for nothing (and are what is told, where only
they differ). Comparing two texts in earnest is slow, so only the most promising are: those that share most
words, then those whose letters would allow it. Everything here is for a thread.
"""

import heapq
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Final, NamedTuple

from ..core.text import is_boundary, is_sign, normalise
from ..core.voice import Voice
from .library import Library
from .quietly import nothing_collected
from .shelf import Spoken

_LIKE: Final = 0.7
"""Texts that have less in common are different sentences."""
_OTHER_VOICE: Final = 0.02
"""What each field of another voice takes from the likeness: of equals the caller's own voice is meant."""
_BY_LETTERS: Final = 400
_IN_EARNEST: Final = 40
"""So many texts are compared by their letters, and so many of these in earnest."""

_ORDER: Final = ("model", "language", "speaker", "rate", "pace", "pitch", "loudness", "temperature")


@dataclass(frozen=True, slots=True)
class Difference:
    """A field that a wish and a recording do not have in common. None: it is not there."""

    field: str
    asked: Any
    kept: Any


@dataclass(frozen=True, slots=True)
class Nearest:
    """``spoken``: the phrase. ``said``: that text of it that comes nearest, normalised. ``differs``: how its
    voice is not what was asked for, the rate aside. ``is_heard``: whether the caller hears its book, or
    ``hearers`` alone, the tenants it is for."""

    spoken: Spoken
    said: str
    differs: tuple[Difference, ...]
    is_heard: bool
    hearers: tuple[str, ...] = ()


def differences(asked: Mapping[str, Any], kept: Mapping[str, Any]) -> tuple[Difference, ...]:
    """The fields that differ between two voices, always in the same order."""
    others = sorted({*asked, *kept}.difference(_ORDER))
    return tuple(
        Difference(name, asked.get(name), kept.get(name))
        for name in (*_ORDER, *others)
        # 1 and True are one to Python, and two to whoever synthesises.
        if repr(asked.get(name)) != repr(kept.get(name))
    )


class Nearby:
    """The phrases of a library, to be searched by one who asks in ``voice``. ``tenant``: whose books it hears
    besides everybody's."""

    def __init__(self, library: Library, voice: Voice, *, tenant: str | None) -> None:
        self._library = library
        self._voice = voice
        self._tenant = tenant
        self._by_voice: dict[bytes, tuple[Difference, ...]] = {}
        self._said: dict[str, list[Spoken]] = {}
        self._candidates: list[_Candidate] = []

    def find(self, text: str) -> Nearest | None:
        """The phrase that the normalised ``text`` nearly is; None: none is like it. Blocks."""
        said, like = [each for each in self._library.phrases if text in each.pinned], text
        if not said:
            with nothing_collected():
                found = self._most_like(text)
            if found is None:
                return None
            said, like = self._said[found], found
        return min((self._nearest(each, like) for each in said), key=_distance)

    def let_go(self) -> None:
        """Drop what was prepared, one by one: all at once would be one step. Blocks."""
        while self._candidates:
            self._candidates.pop()
        while self._said:
            self._said.popitem()

    def name(self, text: str, *, scope: str) -> str | None:
        """The ``book/id`` by which ``scope`` says the normalised ``text``; None: it does not. Blocks."""
        for each in self._library.phrases:
            says = each.scope == scope and each.phrase.pin and text in each.pinned
            if says and not self._differs(each.voice):
                return each.name
        return None

    def _nearest(self, spoken: Spoken, said: str) -> Nearest:
        hearers = self._library.books[spoken.book].tenants
        is_heard = hearers is None or self._tenant in hearers
        return Nearest(spoken, said, self._differs(spoken.voice), is_heard, hearers or ())

    def _differs(self, voice: Voice) -> tuple[Difference, ...]:
        found = self._by_voice.get(voice.canonical)
        if found is None:
            # One rate is made from the other.
            kept = {**voice.fields, "rate": self._voice.rate}
            found = self._by_voice[voice.canonical] = differences(self._voice.fields, kept)
        return found

    def _prepare(self) -> None:
        """Who says each text of the language, and what texts are held against: once for all questions."""
        if self._said:
            return
        for each in self._library.phrases:
            if each.language == self._voice.language:
                for text in _texts(each):
                    self._said.setdefault(text, []).append(each)
        for text, spoken in self._said.items():
            plain = plainly(text)
            words = frozenset(plain.split())
            self._candidates.append(_Candidate(text, plain, words, self._handicap(spoken)))

    def _handicap(self, spoken: Iterable[Spoken]) -> float:
        return _OTHER_VOICE * min(len(self._differs(each.voice)) for each in spoken)

    def _most_like(self, text: str) -> str | None:
        asked = plainly(text)
        if not asked:
            return None
        self._prepare()
        words = frozenset(asked.split())

        def promise(each: _Candidate) -> tuple[float, int]:
            shared = len(words & each.words)
            return shared / (len(words) + len(each.words)), -abs(len(asked) - len(each.plain))

        compared = SequenceMatcher(autojunk=False)
        compared.set_seq2(asked)
        promising = []
        for each in heapq.nlargest(_BY_LETTERS, self._candidates, key=promise):
            compared.set_seq1(each.plain)
            # What it can be at the most, whatever the order of the letters.
            if compared.real_quick_ratio() >= _LIKE:
                promising.append((compared.quick_ratio() - each.handicap, each))
        most, found = 0.0, None
        promising.sort(key=lambda each: each[0], reverse=True)
        for at_most, each in promising[:_IN_EARNEST]:
            if at_most <= most or at_most + each.handicap < _LIKE:
                continue
            compared.set_seq1(each.plain)
            ratio = compared.ratio()
            if ratio >= _LIKE and ratio - each.handicap > most:
                most, found = ratio - each.handicap, each.text
        return found


class _Candidate(NamedTuple):
    text: str
    plain: str
    words: frozenset[str]
    handicap: float


def _distance(nearest: Nearest) -> tuple[int, bool, bool]:
    return len(nearest.differs), not nearest.is_heard, not nearest.spoken.phrase.pin


def _texts(spoken: Spoken) -> Iterator[str]:
    """A phrase's text whole, and each piece it may be found as."""
    yield normalise(spoken.text)
    yield from spoken.pinned


class _Heard(dict[int, str]):
    """From a character to itself, or to a space where it is not heard; filled as characters come."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        heard = self[code] = char if char.isalnum() or is_sign(char) else " "
        return heard


_HEARD: Final = _Heard()


def plainly(text: str) -> str:
    """The words of a text in small letters, one space between them: what is left when it is only heard."""
    return " ".join(text.casefold().translate(_HEARD).split())


def parting(asked: str, written: str) -> tuple[str, str, str]:
    """What two texts begin with alike, and how each goes on; no letter is cut from its signs."""
    pairs = enumerate(zip(asked, written, strict=False))
    shorter = min(len(asked), len(written))
    end = next((at for at, (one, other) in pairs if one != other), shorter)
    while end > 0 and any(
        end < len(text) and not is_boundary(text, end) for text in (asked, written)
    ):
        end -= 1
    return asked[:end], asked[end:], written[end:]
