"""What is said: a few things often, many things once, phrases of a book, and what the origin spoils."""

import random
from dataclasses import dataclass
from typing import Final

_WHO: Final = [
    "मरीज़",
    "डॉक्टर",
    "बहन",
    "भाई",
    "दोस्त",
    "बच्चा",
    "पड़ोसी",
    "दुकानदार",
    "शिक्षक",
    "ड्राइवर",
    "मैनेजर",
    "किसान",
]
_WHEN: Final = ("आज", "कल", "परसों", "सुबह", "शाम", "रात", "दोपहर", "अभी", "हमेशा", "अक्सर")
_WHERE: Final = ("घर", "दफ़्तर", "बाज़ार", "अस्पताल", "स्कूल", "गाँव", "शहर", "स्टेशन", "बग़ीचे", "मंदिर")
_WHAT: Final = [
    "खाना",
    "पानी",
    "दवा",
    "किताब",
    "पैसे",
    "टिकट",
    "चिट्ठी",
    "सामान",
    "कपड़े",
    "फल",
    "दूध",
    "काग़ज़",
]
_DOES: Final = ("लाएगा", "भेजेगा", "देखेगा", "माँगेगा", "रखेगा", "ढूँढेगा", "बाँटेगा", "उठाएगा")

SPOILT: Final = "ख़राब"
"""A text with this word may be spoilt by the origin so that nobody can tell: cut short, or silent."""
PHRASES: Final = (
    "नमस्ते, मैं आपकी क्या मदद करूँ?",
    "कृपया एक पल रुकिए।",
    "आपका दिन शुभ हो!",
    "क्या मैं आपका नाम जान सकती हूँ?",
    "धन्यवाद, हम आपको फ़ोन करेंगे।",
)
"""What the book always holds; it holds some of the common sentences, too, and others each time."""


@dataclass(frozen=True, slots=True)
class Said:
    """The text of a turn; ``spoilt``: whether the origin may have spoilt it unnoticed."""

    text: str
    spoilt: bool = False


def sentence(chance: random.Random, *, word: str = "") -> str:
    """One sentence of some 15,000."""
    parts = [chance.choice(each) for each in (_WHEN, _WHO, _WHERE, _WHAT, _DOES)]
    if word:
        parts.insert(3, word)
    return f"{parts[0]} {' '.join(parts[1:3])} से {' '.join(parts[3:])}।"


class Texts:
    """Draws what is said. ``common``: sentences that are said again and again."""

    def __init__(self, *, seed: int, common: int = 120) -> None:
        chance = random.Random(f"texts of {seed}")
        self.common: Final = [sentence(chance) for _ in range(common)]

    def draw(self, chance: random.Random) -> Said:
        """The text of one turn."""
        dice = chance.random()
        if dice < 0.15:
            return Said(chance.choice(PHRASES))
        if dice < 0.20:
            return Said(sentence(chance, word=SPOILT), spoilt=True)
        if dice < 0.60:
            return Said(self._often(chance))
        if dice < 0.72:
            return Said(sentence(chance))
        # Hits, misses and phrases in one turn.
        parts = [
            chance.choice((self._often, sentence, lambda dice: dice.choice(PHRASES)))(chance)
            for _ in range(chance.randint(2, 4))
        ]
        return Said(" ".join(parts))

    def _often(self, chance: random.Random) -> str:
        # The first ones far more often than the last ones, as in life.
        return self.common[int(len(self.common) * chance.random() ** 3)]
