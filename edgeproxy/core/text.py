"""Text as it is spoken: its normal form, how messages join, where its sentences and clauses end.

Pure functions over *normalised* text (:func:`normalise`), and the data they need of eleven scripts.
:mod:`edgeproxy.core.turn` decides with them where a turn is cut.

No sentence library is used. Those at hand (pysbd, indic-nlp-library, blingfire) want a whole text,
answer differently when more of it arrives, and are trained or written for other scripts or for
documents: pysbd, the nearest, knows three of our languages, takes 150 µs for three sentences, and would
have to be asked again at each of the hundreds of messages of a token-wise turn. Here a mark is looked
at once, as soon as the character behind it is known, at a cost of some microseconds.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final, NamedTuple

SENTENCE_MARKS: Final = ".!?…।॥۔؟"
"""Terminal marks. The first four end a sentence only before white space."""

CLOSING: Final = "\"'”’»›)]}"
"""What belongs to the sentence before it when it follows a terminal mark."""

OPENING: Final = "\"'“‘„«‹([{¿¡"

CLAUSE_MARKS: Final = ",;:،؛"
"""These end a clause only before white space; a dash (—) does anywhere."""

_ANYWHERE: Final = frozenset("।॥۔؟")
_STOPS: Final = frozenset(".۔")
_MARK: Final = re.compile(
    f"(?P<sentence>[{SENTENCE_MARKS}][{re.escape(SENTENCE_MARKS + CLOSING)}]*)|[{CLAUSE_MARKS}]|—+"
)
_MARKS: Final = frozenset(SENTENCE_MARKS + CLOSING + CLAUSE_MARKS + "—")
_HALF_ADDRESS: Final = re.compile(r"(?:.@|://|^www\.)[^./@]*\Z|^www\Z")
"""A host needs a stop: where one ends before its first, a splitter has cut into an address."""
_WORD: Final = re.compile(r"[^\W_]")
_EMOJI_SIGNS: Final = "\ufe0e\ufe0f\u20e3"
_JOINERS: Final = "\u200c\u200d"
_LEADING: Final = "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u0d4e"
"""Signs of Arabic script and Malayalam that lean on what follows."""
_INDIC_VIRAMA: Final = 9
"""The canonical combining class that all viramas share, and nothing else."""


def normalise(text: str) -> str:
    """``text`` in NFC, trimmed, each run of white space one space.

    Everything else stays: joiners (they change how Indic conjuncts sound), digits, capitals.
    """
    return unicodedata.normalize("NFC", " ".join(text.split()))


def has_word(text: str) -> bool:
    """Whether there is a letter or a digit in ``text``: something to be heard."""
    return _WORD.search(text) is not None


def is_sign(char: str) -> bool:
    """Whether ``char`` leans on the letter before it: vowel signs, viramas, accents."""
    return char >= "\u0300" and unicodedata.category(char)[0] == "M"


def letters(text: str) -> int:
    """How many letters ``text`` has. Vowel signs count, so that हाँ has as many as haan.

    Accents do not, nor do viramas and nuktas: they are not heard as letters.
    """
    return sum(map(_is_letter, text))


def _is_letter(char: str) -> bool:
    if char.isalpha():
        return True
    return is_sign(char) and not unicodedata.combining(char) and char not in _EMOJI_SIGNS


# -- how messages join ---------------------------------------------------------------------------


def joins_with_space(before: str, after: str) -> bool:
    """Whether a client stripped the space between two messages (normalised, none at the joint).

    So it is where the first ends in a terminal mark and is more than a token, or where both hold words
    and the second does not go on in lower case. The second always begins like a sentence.
    """
    # Two letters and a mark, or two words, are three characters: tokens fall out here.
    if len(before) < 3 or not after or not _opens(after):
        return False
    if _marks_at_end(before) and letters(before) >= 2:
        return True
    # An apostrophe without a terminal mark before it is John's.
    if after[0] == "'" or after[0].islower():
        return False
    return len(_spoken(before)) >= 2 and len(_spoken(after)) >= 2


def closes(message: str) -> bool:
    """Whether the end of ``message`` (normalised) counts as white space. A token's does not."""
    if message[-1:] not in _MARKS:
        return False  # nothing waits for this
    words = _spoken(message)
    if len(words) != 1:
        return len(words) > 1
    return letters(words[0]) >= 3 or not _marks_at_end(message) <= {"."}


def _spoken(message: str) -> list[str]:
    return [word for word in message.split(" ") if has_word(word)]


def _marks_at_end(message: str) -> set[str]:
    """The terminal marks that ``message`` ends in, with or without something that closes behind them."""
    tail = message[len(message.rstrip(SENTENCE_MARKS + CLOSING)) :]
    return set(tail).intersection(SENTENCE_MARKS)


def _opens(message: str) -> bool:
    """Whether ``message`` begins like a sentence: with a letter, a digit or an opening sign."""
    first = message[0]
    if first.isalnum():
        return True
    if first in CLOSING:  # a straight quote opens what follows it closely
        return first in OPENING and message[1:2].isalnum()
    # Signs of currency open a number, emoji a sentence.
    return first in OPENING or unicodedata.category(first) in ("Ps", "Pi", "Sc", "So")


# -- where a sentence or a clause ends ------------------------------------------------------------


class Break(NamedTuple):
    """A place where text may be cut: ``end`` is the index behind the marks and what closes them."""

    end: int
    sentence: bool
    """Whether a sentence ends here, not just a clause."""


def next_break(
    text: str, start: int, *, opening: int, closed: bool, limit: int
) -> tuple[Break | None, int]:
    """The first break of ``text`` from ``start`` on that ends at ``limit`` or before, and where to look on.

    ``opening``: where the sentence that ``start`` lies in begins; -1 where that was cut away.
    ``closed``: white space, or nothing at all, follows ``text``. Otherwise a mark at its very end
    stays undecided: a digit, a closing quote or an accent might come next.
    """
    while (match := _MARK.search(text, start)) is not None:
        at, end = match.span()
        if end > limit or (end == len(text) and not closed):
            return None, at
        start = end
        if match["sentence"]:
            if _ends_sentence(text, at, end, opening):
                return Break(end, True), end
        elif _ends_clause(text, at, end):
            return Break(end, False), end
    return None, len(text)


def ends_sentence_at(text: str, end: int, *, opening: int = 0, closed: bool) -> bool:
    """Whether a sentence ends at ``end``; ``opening`` and ``closed`` as in :func:`next_break`."""
    known = text[: end + 1]  # what follows decides
    closed = closed and end >= len(text)
    found, start = next_break(known, 0, opening=opening, closed=closed, limit=end)
    while found is not None and found.end < end:
        if found.sentence:
            opening = found.end
        found, start = next_break(known, start, opening=opening, closed=closed, limit=end)
    return found == (end, True)


def _ends_sentence(text: str, at: int, end: int, opening: int) -> bool:
    marks = text[at:end]
    if end < len(text) and text[end] != " " and (_ANYWHERE.isdisjoint(marks) or extends(text[end])):
        return False
    stop = marks.rstrip(CLOSING)
    return stop not in _STOPS or not _is_abbreviation(text, at, stop, opening)


def _ends_clause(text: str, at: int, end: int) -> bool:
    if end == len(text) or text[end] == " ":
        return True
    return text[at] == "—" and not extends(text[end])


def _is_abbreviation(text: str, at: int, stop: str, opening: int) -> bool:
    """Whether the stop at ``at`` belongs to its word instead of ending a sentence."""
    start = text.rfind(" ", 0, at) + 1
    opens_sentence = opening >= 0 and opening >= start - 1
    if opens_sentence:
        start = max(start, opening)
        if text[start:at].lstrip(OPENING).replace(".", "").isdecimal():
            return True
    if stop != ".":
        # Only list numbers are written with the Urdu stop: elsewhere it ends wherever it stands.
        return False
    word = text[start:at].lstrip(OPENING)
    if _HALF_ADDRESS.search(word):
        return True
    if len(word) > _LONGEST:
        return False
    if word.casefold() in _ABBREVIATIONS:
        return True
    # One syllable is an initial behind another: after the title or letter before it nothing ended.
    behind_another = not opens_sentence and text[max(start - 2, 0) : start] == ". "
    return all(_is_initial(part, behind_another) for part in word.split("."))


def _is_initial(word: str, behind_another: bool) -> bool:
    if not word[:1].isalpha():
        return False
    if len(word) == 1 or word in _LETTER_NAMES or word == "Ph":
        return True
    return behind_another and all(map(extends, word[1:]))


# -- where text can be cut when no mark helps -----------------------------------------------------


def extends(char: str) -> bool:
    """Whether ``char`` belongs to the grapheme cluster of the character before it."""
    return char >= "\u0300" and (
        is_sign(char)
        or char in _JOINERS
        or "\U0001f3fb" <= char <= "\U0001f3ff"  # skin tones
        or "\U000e0020" <= char <= "\U000e007f"  # tags, as in the flags of regions
    )


def is_boundary(text: str, at: int) -> bool:
    """Whether ``text`` can be cut at ``at`` without breaking a grapheme cluster or a conjunct.

    The clusters of our languages and of emoji; Hangul jamo and the like are taken to be composed.
    """
    if extends(text[at]):
        return False
    before = text[at - 1]
    if before in _JOINERS + _LEADING or unicodedata.combining(before) == _INDIC_VIRAMA:
        return False
    if _is_flag_half(text[at]) and _is_flag_half(before):
        first = at
        while first and _is_flag_half(text[first - 1]):
            first -= 1
        return (at - first) % 2 == 0
    return True


def _is_flag_half(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"


def last_boundary(text: str, limit: int) -> int:
    """Where to cut ``text`` (longer than ``limit``) so that at most ``limit`` characters come first.

    At its last space, or without one at its last grapheme boundary, or, in one cluster longer than
    that (no language has it, but a client may send it), at ``limit``.
    """
    space = text.rfind(" ", 1, limit + 1)
    if space > 0:
        return space
    return next((at for at in range(limit, 0, -1) if is_boundary(text, at)), limit)


# -- words before a stop that do not end a sentence -----------------------------------------------

_ABBREVIATIONS_BY_SCRIPT: Final = {
    # Left out is what often ends a sentence: etc., no., co., inc., ltd.
    "Latin": "Mr Mrs Ms Mx Messrs Dr Prof Sr Jr St Shri Sri Smt Kum Pt Adv Hon Rev Fr Capt Col Maj Gen"
    " Lt Sgt Cmdr Insp Gov Pres Rs Re INR vs viz approx Pvt",
    # सौ. (Mrs) is left out: it is a hundred, too.
    "Devanagari": "डॉ डा डाॅ प्रो प्रा श्री श्रीमती सुश्री कु पं स्व मि अॅड ऍड न्या रु रू नं क्र",
    "Bengali": "ডা ডাঃ ডঃ ড প্রো অধ্যা মি মো মোঃ মোসাঃ মোছাঃ শ্রী শ্ৰী শ্রীমতী শ্ৰীমতী রু ৰু নং",
    "Gurmukhi": "ਡਾ ਪ੍ਰੋ ਸ੍ਰ ਸ੍ਰੀ ਸ਼੍ਰੀ ਸ੍ਰੀਮਤੀ ਸ਼੍ਰੀਮਤੀ ਮਿ ਗਿ ਰੁ ਨੰ",
    "Gujarati": "ડૉ ડો ડા પ્રો પ્રા શ્રી શ્રીમતી સુશ્રી કુ સ્વ પં મિ એડ રૂ રુ નં",
    "Odia": "ଡା ଡାଃ ଡଃ ଡ ପ୍ରୋ ପ୍ରଫେ ଶ୍ରୀ ଶ୍ରୀମତୀ ମି ଟ ଟଃ ରୁ ନଂ",
    "Tamil": "டாக் திரு திருமதி திருமிகு செல்வி பேரா மரு வழ ரூ எண்",
    "Telugu": "డా డాక్ ప్రొ ప్రో శ్రీ శ్రీమతి కు చి స్వ మి రూ నం",
    "Kannada": "ಡಾ ಪ್ರೊ ಪ್ರೋ ಶ್ರೀ ಶ್ರೀಮತಿ ಕು ಚಿ ದಿ ಸ್ವ ಮಿ ರೂ ನಂ",
    "Malayalam": "ഡോ പ്രൊ പ്രൊഫ ശ്രീ ശ്രീമതി മി ഫാ അഡ്വ രൂ നം",
    "Urdu": "ڈا پروف رو",
}
"""Titles, currency, and what else only ever stands before something. Capitals do not matter."""

_LETTER_NAMES_BY_SCRIPT: Final = {
    "Devanagari": "बी सी डी एफ एच जे के एल एम एन पी क्यू आर एस टी यू वी डब्ल्यू डब्लू एक्स वाई ज़ेड",
    "Bengali": "বি সি ডি এফ এইচ আই জে কে এল এম এন পি কিউ আর এস এছ টি ইউ ভি ডব্লিউ এক্স ওয়াই জেড",
    "Gurmukhi": "ਬੀ ਡੀ ਐਫ ਐੱਫ ਐਚ ਐੱਚ ਜੇ ਕੇ ਐਲ ਐੱਲ ਐਮ ਐੱਮ ਐਨ ਐੱਨ ਪੀ ਕਿਊ ਆਰ ਐਸ ਐੱਸ ਟੀ ਯੂ ਡਬਲਯੂ ਐਕਸ ਵਾਈ",
    "Gujarati": "બી સી ડી એફ એચ આઈ જે કે એલ એમ એન પી ક્યુ ક્યૂ આર એસ ટી યુ યૂ વી ડબલ્યુ એક્સ વાય ઝેડ",
    "Odia": "ବି ସି ଡି ଏଫ ଏଚ ଆଇ ଜି ଜେ କେ ଏଲ ଏମ ଏନ ପି କ୍ୟୁ ଆର ଏସ ଟି ୟୁ ଭି ଡବ୍ଲୁ ଏକ୍ସ ୱାଇ ଜେଡ",
    "Tamil": "பி சி டி எஃப் எப் ஜி எச் ஹெச் ஜே கே எல் எம் என் கியூ ஆர் எஸ் யூ வி டபிள்யூ எக்ஸ் ஒய்",
    "Telugu": "బి సి డి ఎఫ్ జి హెచ్ జె జే కె కే ఎల్ ఎం ఎమ్ ఎన్ పి క్యూ ఆర్ ఎస్ టి యు యూ వి డబ్ల్యూ ఎక్స్ వై",
    "Kannada": "ಬಿ ಸಿ ಡಿ ಎಫ್ ಜಿ ಎಚ್ ಹೆಚ್ ಜೆ ಜೇ ಕೆ ಕೇ ಎಲ್ ಎಂ ಎಮ್ ಎನ್ ಪಿ ಕ್ಯೂ ಆರ್ ಎಸ್ ಟಿ ಯು ಯೂ ವಿ ಎಕ್ಸ್ ವೈ",
    "Malayalam": "ബി സി ഡി എഫ് ജി എച്ച് ജെ കെ എൽ എം എൻ പി ക്യു ആർ എസ് ടി യു വി ഡബ്ല്യു എക്സ് വൈ സെഡ്",
    "Urdu": "اے بی سی ڈی ای ایف ایچ جے کے ایل ایم این او پی کیو آر ایس ٹی یو وی ڈبلیو ایکس وائی زیڈ",
}
"""The names of the Latin letters: initials are spoken, and written, that way.

A single letter of any script is an initial by itself. Left out are names that end sentences as words:
जी, ਜੀ, જી, জি, جی (yes, sir), आई, ਆਈ (came), ਸੀ (was). Behind another initial these count all the same.
"""


def _words(scripts: dict[str, str]) -> Iterator[str]:
    return (normalise(word) for words in scripts.values() for word in words.split())


_ABBREVIATIONS: Final = frozenset(word.casefold() for word in _words(_ABBREVIATIONS_BY_SCRIPT))
_LETTER_NAMES: Final = frozenset(_words(_LETTER_NAMES_BY_SCRIPT))
_LONGEST: Final = max(len("A.A.A.A.A.A"), *map(len, _ABBREVIATIONS | _LETTER_NAMES))
"""Characters of the longest word worth looking up."""
