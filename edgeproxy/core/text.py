"""Text as it is spoken: its normal form, and where its sentences and clauses end.

Pure functions over *normalised* text (:func:`normalise`), and the data of eleven languages they need.
:mod:`edgeproxy.core.turn` decides with them where a turn is cut.

No sentence library is used. Those at hand (pysbd, indic-nlp-library, blingfire) want a whole text,
answer differently when more of it arrives, and are trained or written for other scripts or for
documents: pysbd, the nearest, knows three of our languages, takes 150 µs for two sentences, and would
have to be asked again at each of the hundreds of messages of a token-wise turn. Here a mark is looked
at once, as soon as the character behind it is known, and costs about a microsecond.
"""

import re
import unicodedata
from typing import Final, NamedTuple

SENTENCE_MARKS: Final = ".!?…।॥۔؟"
"""Terminal marks. The first four end a sentence only before white space."""

CLOSING: Final = "\"'”’»›)]}"
"""What belongs to the sentence before it when it follows a terminal mark."""

OPENING: Final = "\"'“‘„«‹([{¿¡"

_CLAUSE_MARKS: Final = ",;:،؛"
_ANYWHERE: Final = frozenset("।॥۔؟")
_STOPS: Final = frozenset(".۔")
_MARK: Final = re.compile(
    f"(?P<sentence>[{SENTENCE_MARKS}][{re.escape(SENTENCE_MARKS + CLOSING)}]*)"
    f"|[{_CLAUSE_MARKS}]"
    "|—+"
)
_WORD: Final = re.compile(r"[^\W_]")
_JOINERS: Final = "\u200c\u200d"
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
    return char.isalpha() or (is_sign(char) and not unicodedata.combining(char))


# -- where a sentence or a clause ends ------------------------------------------------------------


class Break(NamedTuple):
    """A place where text may be cut: ``end`` is the index behind the marks and what closes them."""

    end: int
    sentence: bool
    """Whether a sentence ends here, not just a clause."""


def find_breaks(
    text: str, start: int = 0, *, opening: int = 0, closed: bool = False
) -> tuple[list[Break], int]:
    """All breaks of ``text`` from ``start`` on, and where to look on once more of it is known.

    ``opening``: where the sentence that ``start`` lies in begins; -1 where that was cut away.
    ``closed``: white space, or nothing at all, follows ``text``. Otherwise a mark at its very end
    stays undecided: a digit, a closing quote or an accent might come next.
    """
    breaks: list[Break] = []
    while (match := _MARK.search(text, start)) is not None:
        at, end = match.span()
        if end == len(text) and not closed:
            return breaks, at
        if match["sentence"]:
            if _ends_sentence(text, at, end, opening):
                breaks.append(Break(end, True))
                opening = end
        elif _ends_clause(text, at, end):
            breaks.append(Break(end, False))
        start = end
    return breaks, len(text)


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
    if opening >= 0 and opening >= start - 1:  # the first word of its sentence
        start = max(start, opening)
        if text[start:at].lstrip(OPENING).replace(".", "").isdecimal():
            return True
    if stop != ".":
        # Only list numbers are written with the Urdu stop: elsewhere it ends wherever it stands.
        return False
    word = text[start:at].lstrip(OPENING)
    if len(word) > _LONGEST:
        return False
    if word.casefold() in _ABBREVIATIONS:
        return True
    # One syllable is an initial behind another: after the title or letter before it nothing ended.
    behind_another = text[max(start - 2, 0) : start] == ". "
    return word != "" and all(_is_initial(part, behind_another) for part in word.split("."))


def _is_initial(word: str, behind_another: bool) -> bool:
    if not word[:1].isalpha():
        return False
    return len(word) == 1 or word in _LETTER_NAMES or (behind_another and all(map(extends, word[1:])))


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
    if before in _JOINERS or unicodedata.combining(before) == _INDIC_VIRAMA:
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

_ABBREVIATIONS: Final = frozenset(
    normalise(word).casefold()
    for word in (
        # English titles and currency, and what only ever stands before something else. Left out is
        # what often ends a sentence: etc., no., co., inc., ltd.
        "Mr Mrs Ms Mx Messrs Dr Prof Sr Jr St Shri Sri Smt Kum Pt Adv Hon Rev Fr Capt Col Maj Gen "
        "Lt Sgt Cmdr Insp Gov Pres Rs Re INR vs viz approx Pvt Ph "
        # Not a word, but the end of a message may fall into an address.
        "www "
        # Devanagari: Hindi, Marathi, Nepali, Konkani. सौ. (Mrs) is left out: it is a hundred, too.
        "डॉ डा डाॅ प्रो प्रा श्री श्रीमती सुश्री कु पं स्व मि अॅड ऍड न्या रु रू नं क्र "
        # Bengali and Assamese
        "ডা ডাঃ ডঃ ড প্রো অধ্যা মি মো মোঃ মোসাঃ মোছাঃ শ্রী শ্ৰী শ্রীমতী শ্ৰীমতী রু ৰু নং "
        # Gurmukhi
        "ਡਾ ਪ੍ਰੋ ਸ੍ਰ ਸ੍ਰੀ ਸ਼੍ਰੀ ਸ੍ਰੀਮਤੀ ਸ਼੍ਰੀਮਤੀ ਮਿ ਗਿ ਰੁ ਨੰ "
        # Gujarati
        "ડૉ ડો ડા પ્રો પ્રા શ્રી શ્રીમતી સુશ્રી કુ સ્વ પં મિ એડ રૂ રુ નં "
        # Odia
        "ଡା ଡାଃ ଡଃ ଡ ପ୍ରୋ ପ୍ରଫେ ଶ୍ରୀ ଶ୍ରୀମତୀ ମି ଟ ଟଃ ରୁ ନଂ "
        # Tamil
        "டாக் டா திரு திருமதி திருமிகு செல்வி பேரா மரு வழ ரூ எண் "
        # Telugu
        "డా డాక్ ప్రొ ప్రో శ్రీ శ్రీమతి కు చి స్వ మి రూ నం "
        # Kannada
        "ಡಾ ಪ್ರೊ ಪ್ರೋ ಶ್ರೀ ಶ್ರೀಮತಿ ಕು ಚಿ ದಿ ಸ್ವ ಮಿ ರೂ ನಂ "
        # Malayalam
        "ഡോ പ്രൊ പ്രൊഫ ശ്രീ ശ്രീമതി മി ഫാ അഡ്വ രൂ നം "
        # Urdu
        "ڈا پروف مسٹر محترم رو نمبر"
    ).split()
)

# How each script spells the names of the Latin letters: initials are spoken, and written, that way.
# A single letter of any script counts by itself. Left out is what ends sentences: जी, ਜੀ, જી (yes,
# sir), आई, ਆਈ (came), ਸੀ (was), جی; behind another initial these count all the same.
_LETTER_NAMES: Final = frozenset(
    normalise(
        "बी सी डी एफ एच जे के एल एम एन पी क्यू आर एस टी यू वी डब्ल्यू डब्लू एक्स वाई ज़ेड "
        "বি সি ডি এফ এইচ আই জে কে এল এম এন পি কিউ আর এস এছ টি ইউ ভি ডব্লিউ এক্স ওয়াই জেড "
        "ਬੀ ਡੀ ਐਫ ਐੱਫ ਐਚ ਐੱਚ ਜੇ ਕੇ ਐਲ ਐੱਲ ਐਮ ਐੱਮ ਐਨ ਐੱਨ ਪੀ ਕਿਊ ਆਰ ਐਸ ਐੱਸ ਟੀ ਯੂ ਡਬਲਯੂ ਐਕਸ ਵਾਈ ਜ਼ੈੱਡ "
        "બી સી ડી એફ એચ આઈ જે કે એલ એમ એન પી ક્યુ ક્યૂ આર એસ ટી યુ યૂ વી ડબલ્યુ એક્સ વાય ઝેડ "
        "ବି ସି ଡି ଏଫ ଏଚ ଆଇ ଜି ଜେ କେ ଏଲ ଏମ ଏନ ପି କ୍ୟୁ ଆର ଏସ ଟି ୟୁ ଭି ଡବ୍ଲୁ ଏକ୍ସ ୱାଇ ଜେଡ "
        "பி சி டி எஃப் எப் ஜி எச் ஹெச் ஜே கே எல் எம் என் கியூ ஆர் எஸ் யூ வி டபிள்யூ எக்ஸ் ஒய் இசட் "
        "బి సి డి ఎఫ్ జి హెచ్ జె జే కె కే ఎల్ ఎం ఎమ్ ఎన్ పి క్యూ ఆర్ ఎస్ టి యు యూ వి డబ్ల్యూ ఎక్స్ వై జెడ్ "
        "ಬಿ ಸಿ ಡಿ ಎಫ್ ಜಿ ಎಚ್ ಹೆಚ್ ಜೆ ಜೇ ಕೆ ಕೇ ಎಲ್ ಎಂ ಎಮ್ ಎನ್ ಪಿ ಕ್ಯೂ ಆರ್ ಎಸ್ ಟಿ ಯು ಯೂ ವಿ ಡಬ್ಲ್ಯೂ ಎಕ್ಸ್ ವೈ ಜೆಡ್ "
        "ബി സി ഡി എഫ് ജി എച്ച് ജെ കെ എൽ എം എൻ പി ക്യു ആർ എസ് ടി യു വി ഡബ്ല്യു എക്സ് വൈ സെഡ് ഇസഡ് "
        "اے بی سی ڈی ای ایف ایچ جے کے ایل ایم این او پی کیو آر ایس ٹی یو وی ڈبلیو ایکس وائی زیڈ"
    ).split()
)

_LONGEST: Final = max(
    len("A.A.A.A.A.A"), *map(len, _ABBREVIATIONS), *map(len, _LETTER_NAMES)
)
"""Characters of the longest word worth looking up."""
