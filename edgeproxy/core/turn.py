"""A turn: from the messages of a client to the segments that are spoken, as early as can be.

**Where a turn is cut is a pure function of its text and of the generation of the books**, never of what
is stored, of how fast the text came, or of where its messages were split, so that the same words give
the same keys for ever. What makes it so: a cut is decided only when no text to come could change it.

::

    message ──join──► pending text ──read──► breaks ──choose──► Cut

- *join*: messages are joined as they are; between sentences whose spaces a client stripped, one space
  goes in (:func:`joins_with_space`). What is pending is normalised, so that NFD, a doubled space
  and their plain forms have the same length, hence the same cuts.
- *read*: each mark is looked at once the character behind it is known, and no further than the next
  cut: what a mark means must not depend on whether more text was there already. The end of a message
  counts as white space where it can be trusted (:func:`closes`): the first sentence waits for nothing.
- *choose*: from the left, the first break that is due. While the text may still become a whole phrase,
  nothing is chosen: the turn *holds*.

Time is the caller's: it calls :meth:`Turn.release` when the hold, and :meth:`Turn.idle` when the
client's silence, has lasted long enough.

Where purity ends, and why it is left so:

- A message that ends within a word at a mark (``It costs 3.`` ``5 rupees``) is cut there, and so is one
  whose closing bracket comes with the next: the first sentence does not wait to see whether the second
  message goes on with it. Tokens (``3`` ``.`` ``5``) and characters are safe: alone they are not trusted.
- A sentence of one letter (``A!``, ``ஆ!``), an initial or a list number, sent alone and stripped, is
  joined without a space, since that is what a token looks like. So is what begins with a dash or another
  sign that opens nothing, behind a mark that ended no sentence (``Dr.`` ``– Rao``).
- What the idle rule cuts depends on the clock; it, and the rest of its sentence, is not kept.
- A whole phrase that comes more slowly than the hold is spoken as the segments of its sentences.

A segment may have nothing to be heard (an emoji at the end of a turn): no character is lost here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from unicodedata import normalize

from .phrasebook import EMPTY, Phrasebook
from .text import (
    Break,
    closes,
    ends_sentence_at,
    has_word,
    is_sign,
    joins_with_space,
    last_boundary,
    next_break,
)

LONGEST_SEGMENT: Final = 2000
"""Characters; Sarvam takes 2,500 in one message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cuts:
    """Where a turn may be cut; all in characters. Raises :class:`ValueError` for what can't be."""

    min_segment_chars: int = 3
    """A shorter sentence joins the next."""
    clause_chars: int = 60
    """From this length on a clause mark ends a segment."""
    first_clause_chars: int = 60
    """The same for the first segment of a turn."""
    max_segment_chars: int = 200
    """No segment is longer, whole phrases aside."""

    def __post_init__(self) -> None:
        if self.min_segment_chars < 1:
            raise ValueError(f"min_segment_chars is {self.min_segment_chars}; 1 or more is allowed")
        for name in ("clause_chars", "first_clause_chars"):
            value: int = getattr(self, name)
            if not self.min_segment_chars <= value <= self.max_segment_chars:
                raise ValueError(
                    f"{name} is {value}; min_segment_chars ({self.min_segment_chars}) to "
                    f"max_segment_chars ({self.max_segment_chars}) is allowed"
                )
        if not 20 <= self.max_segment_chars <= LONGEST_SEGMENT:
            raise ValueError(
                f"max_segment_chars is {self.max_segment_chars}; 20 to {LONGEST_SEGMENT} is allowed"
            )


@dataclass(frozen=True, slots=True)
class Cut:
    """One segment's text, normalised. ``keep``: whether its audio may be kept (the clock had no say in
    where it was cut). ``whole``: it is a whole phrase, one recording."""

    text: str
    keep: bool = True
    whole: bool = False


def split(
    text: str, cuts: Cuts, phrases: Phrasebook = EMPTY, *, remember: bool = True
) -> list[Cut]:
    """The segments of a turn that consists of ``text``. ``remember``: whether it is likely to be said again
    soon; the texts of a whole library would push out what callers say."""
    turn = Turn(cuts, phrases, remember=remember)
    return turn.feed(text) + turn.flush()


_OPENINGS: Final = 4096
_openings: dict[tuple[str, Cuts, Phrasebook], tuple[tuple[Cut, ...], str, bool, bool]] = {}
"""What a first message that was cut to its end was cut into, and how it left the turn.

What agents say most are whole turns in one message; since cuts are a pure function, what was decided
once need not be read again. It is worth a third of the time a hit takes.
"""


class Turn:
    """The text of one turn, fed message by message. After :meth:`flush` it is a fresh turn.

    ``holding``: the pending text may still become a whole phrase, or is one that may not end yet, so
    nothing of it is cut; the caller waits a moment and then calls :meth:`release`, unless more text or
    the flush comes first.
    """

    def __init__(self, cuts: Cuts, phrases: Phrasebook = EMPTY, *, remember: bool = True) -> None:
        self._cuts: Final = cuts
        self._phrases: Final = phrases
        self._remember: Final = remember
        self._reset()

    def _reset(self) -> None:
        self._text = _Pending()
        self._before = ""  # the message before, normalised
        self._trusted = False  # whether its end counts as white space
        self._first = True  # whether the next segment is the turn's first
        self._at_start = True  # whether the pending text begins with a sentence
        self._keep = True  # whether the sentence it begins with may be kept
        self._idled = False
        self.holding = False

    @property
    def pending(self) -> str:
        """The text that is not cut yet."""
        return self._text.text.rstrip()

    @property
    def idled(self) -> bool:
        """Whether :meth:`idle` left a rest, which is due after as long again, however short it is."""
        return self._idled

    def feed(self, message: str) -> list[Cut]:
        """Take the next message; return the segments it decides."""
        if not message:
            return []
        may_be_known = self._remember and self._is_fresh
        opening = (message, self._cuts, self._phrases) if may_be_known else None
        if opening is not None and (known := _openings.get(opening)) is not None:
            cuts, self._before, self._trusted, self._at_start = known
            self._first = False
            return list(cuts)
        self._idled = False
        piece = normalize("NFC", " ".join(message.split()))
        if message[0].isspace() or joins_with_space(self._before, piece):
            self._text.space()
        self._text.join(piece)
        if message[-1].isspace():
            self._text.space()
            self._trusted = False
        else:
            self._trusted = closes(piece)
        self._before = piece
        decided = self._decide()
        if opening is not None and decided and not self._text.text and not self.holding:
            if len(_openings) >= _OPENINGS:
                _openings.clear()
            _openings[opening] = (tuple(decided), self._before, self._trusted, self._at_start)
        return decided

    @property
    def _is_fresh(self) -> bool:
        return self._first and not self._before and not self._text.text

    def flush(self) -> list[Cut]:
        """End the turn; return its last segments."""
        cuts = self._decide(ended=True)
        self._reset()
        return cuts

    def config_changed(self) -> list[Cut]:
        """Return everything pending, because what follows is said in another voice. The turn goes on."""
        cuts = self._decide(ended=True)
        first = self._first
        self._reset()
        self._first = first
        return cuts

    def release(self) -> list[Cut]:
        """Give up the hold; return the segments it kept back."""
        return self._decide(released=True)

    def idle(self) -> list[Cut]:
        """Speak what is pending although nothing ends there: up to its last space, then the rest."""
        cuts = self.release()
        if not self._text.text:
            return cuts
        end = len(self.pending) if self._idled else self._text.text.rfind(" ")
        if end > 0:
            # So long a silence counts as white space: a sentence that has its mark is over.
            sentence = self._sentence_ends_at(end, closed=True)
            self._keep = False
            cuts.append(self._cut(end, sentence=sentence))
        self._idled = bool(self._text.text)
        return cuts

    def _decide(self, *, ended: bool = False, released: bool = False) -> list[Cut]:
        """Cut what is due. ``ended``: no more text comes; ``released``: the hold is over."""
        self.holding = False
        cuts: list[Cut] = []
        while self._text.text:
            if end := self._whole_phrase(ended=ended, released=released):
                cuts.append(self._cut(end, sentence=True, whole=True))
            elif not self.holding and (due := self._segment(closed=ended or self._trusted)):
                cuts.append(self._cut(due.end, sentence=due.sentence))
            else:
                break
        if ended and (rest := self.pending):
            cuts.append(self._cut(len(rest), sentence=True))
        return cuts

    def _whole_phrase(self, *, ended: bool, released: bool) -> int:
        """The end of the longest whole phrase that the pending text begins with; 0: there is none, or
        the turn holds."""
        if not self._at_start or not self._phrases:
            return 0
        text = self._text.text
        if not (ended or released) and self._phrases.is_proper_prefix(text):
            self.holding = True
            return 0
        for end in self._phrases.prefixes(text):
            all_of_it = not text[end:].strip()
            if ended and all_of_it:
                return end
            if self._sentence_ends_at(end, closed=released or self._trusted):
                return end
            if all_of_it and not released:
                # All of a phrase, but what follows may belong to its last word or sentence.
                self.holding = True
                return 0
        return 0

    def _sentence_ends_at(self, end: int, *, closed: bool) -> bool:
        opening = 0 if self._at_start else -1
        return ends_sentence_at(self._text.text, end, opening=opening, closed=closed)

    def _segment(self, *, closed: bool) -> Break | None:
        """Where the first segment that is due ends; None when there is none yet."""
        text, cuts = self._text.text, self._cuts
        clause_chars = cuts.first_clause_chars if self._first else cuts.clause_chars
        # What the idle rule left of a sentence is spoken as it is: it must not spoil the next one.
        shortest = cuts.min_segment_chars if self._keep else 1
        for each in self._text.breaks(closed=closed, limit=cuts.max_segment_chars):
            enough = shortest if each.sentence else clause_chars
            if each.end >= enough and has_word(text[: each.end]):
                return each
        if len(text.rstrip()) > cuts.max_segment_chars:
            return Break(last_boundary(text, cuts.max_segment_chars), False)
        return None

    def _cut(self, end: int, *, sentence: bool, whole: bool = False) -> Cut:
        cut = Cut(self._text.text[:end], keep=self._keep, whole=whole)
        self._at_start = sentence
        self._keep = self._keep or sentence
        self._first = False
        self._text.drop(end)
        return cut


class _Pending:
    """The normalised text that is not cut yet, and the breaks read in it so far."""

    __slots__ = ("_opening", "_read", "_read_to", "text")

    def __init__(self) -> None:
        self.text = ""
        self._read: list[Break] = []
        self._read_to = 0
        self._opening = 0  # where the sentence begins that reading has come to; -1: before the text

    def space(self) -> None:
        """One space, unless there is one, or nothing before it."""
        if self.text and self.text[-1] != " ":
            self.text += " "

    def join(self, piece: str) -> None:
        """Go on with ``piece`` (normalised)."""
        if self.text and piece and _composes(piece[0]):
            base = len(self.text) - 1
            while base and is_sign(self.text[base]):
                base -= 1
            piece = normalize("NFC", self.text[base:] + piece)
            self.text = self.text[:base]
        self.text += piece

    def breaks(self, *, closed: bool, limit: int) -> Iterator[Break]:
        """The breaks up to ``limit``, those read before first. ``closed``: see :func:`next_break`."""
        yield from self._read
        while True:
            found, self._read_to = next_break(
                self.text, self._read_to, opening=self._opening, closed=closed, limit=limit
            )
            if found is None:
                return
            self._read.append(found)
            if found.sentence:
                self._opening = found.end
            yield found

    def drop(self, end: int) -> None:
        """Forget the text before ``end``, and a space behind it."""
        after = end + (self.text[end : end + 1] == " ")
        self.text = self.text[after:]
        self._read = [Break(at - after, sentence) for at, sentence in self._read if at > end]
        self._read_to = max(self._read_to - after, 0)
        self._opening = max(self._opening - after, 0) if self._opening >= end else -1


def _composes(char: str) -> bool:
    """Whether ``char`` may become one with the character before it in NFC."""
    return is_sign(char) or "\u1161" <= char <= "\u11c2"
