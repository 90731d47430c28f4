"""What may be somebody's own: texts that are spoken, but neither counted nor suggested nor kept for long.

A guess from the text alone, and on the careful side: a text that is taken for personal costs a phrase that
nobody suggests, one that is not would have somebody's number in a phrase book.
"""

import re
from typing import Final

_HYPHENS: Final = "\\-\u2010-\u2015\u2212"
_INVISIBLE: Final = "\u200b-\u200d\u2060"

_NUMBER: Final = re.compile(rf"\d(?:[\s{_HYPHENS}{_INVISIBLE}]*\d){{3}}")
_ADDRESS: Final = re.compile(
    # name@host, a URL, host.tld, and "name at host dot com" as speech likes it.
    r"\S[@＠]\S|://|\bwww\.|[a-z0-9-]{2}\.[a-z]{2}|\bdot (?:com?|in|org|net|edu|gov)\b",
    re.IGNORECASE | re.ASCII,
)
_BETWEEN: Final = re.compile(rf"[\s,{_HYPHENS}]+")
_AROUND: Final = ".:;!?।॥۔؟\"'“”‘’()[]"
_SPELLED: Final = 3


def looks_personal(text: str) -> bool:
    """Whether there is a number of four digits or more in ``text`` (of any script, spaces and hyphens between
    them not counted), an e-mail address, a URL, or a code that is spelled ("A B C 1", "X-Y-Z")."""
    return (
        _NUMBER.search(text) is not None or _ADDRESS.search(text) is not None or _is_spelled(text)
    )


def _is_spelled(text: str) -> bool:
    """Whether three letters or digits in a row stand alone.

    One with a vowel sign does not count: many words of Indic languages are no more than that.
    """
    run = 0
    for word in _BETWEEN.split(text):
        letter = word.strip(_AROUND)
        run = run + 1 if len(letter) == 1 and letter.isalnum() else 0
        if run == _SPELLED:
            return True
    return False
