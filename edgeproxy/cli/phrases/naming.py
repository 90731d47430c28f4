"""How phrases and their recordings are named on the command line.

A phrase is several recordings: one for each sentence, language, speaker and value, and each has
generations of its own. So a phrase may be named whole (``front-desk/greeting``), in one language
(``front-desk/greeting/hi-IN``), or one recording of it by the end of its key, which ``history`` shows.
"""

import difflib
from collections.abc import Iterable
from typing import Final, NoReturn

import click

from ...core.words import count
from ...phrases.generations import Generations
from ...phrases.library import Library
from ...phrases.pinned import Pinned
from ..common import fail

_NAME_DIGITS: Final = 8


def named(name: str, library: Library, generations: Generations) -> list[Pinned]:
    """What was made of what goes by ``name``, also of what the books say no more.

    Where that is nothing, one line and an exit code.
    """
    phrase, language = name, None
    if name.count("/") == 2:
        phrase, _, language = name.rpartition("/")
    found = [
        pinned
        for pinned in generations
        if (phrase in pinned.phrases and language in (None, pinned.voice["language"]))
        or short(pinned) == name
    ]
    if not found:
        _unknown(name, phrase, language, library)
    return found


def _unknown(name: str, phrase: str, language: str | None, library: Library) -> NoReturn:
    said = {f"{each.book}/{each.id}" for each in library.phrases}
    if phrase in said and language in (None, *_languages(library, phrase)):
        fail(f"nothing was made of {name} yet; `edgeproxy phrases build --only {phrase}` does it")
    close = difflib.get_close_matches(name, sorted(said), n=1)
    meant = f"did you mean {close[0]}?" if close else "`edgeproxy phrases list` shows all"
    fail(f"there is no phrase or recording {name}; {meant}", code=2)


def _languages(library: Library, phrase: str) -> set[str]:
    return {each.language for each in library.phrases if f"{each.book}/{each.id}" == phrase}


def short(pinned: Pinned) -> str:
    """The name of one recording."""
    # Its key begins with a tag of the text, which all voices that say it share.
    return pinned.key[-_NAME_DIGITS:]


def shown(pinned: Pinned) -> str:
    """One recording, for a sentence."""
    return (
        f"{short(pinned)} ({pinned.voice['language']} {pinned.voice['speaker']}: "
        f"{clipped(pinned.text)})"
    )


def clipped(text: str, *, most: int = 40) -> str:
    """The beginning of a text, where all of it would be too much."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def tell_failures(made: Iterable[Pinned]) -> None:
    """What could not be made lately and why, one line each."""
    for pinned in made:
        if (failed := pinned.failed) is not None and not pinned.is_stale:
            click.echo(
                f"failed: {', '.join(pinned.phrases)}: {shown(pinned)}: "
                f"{'; '.join(failed.reasons)} ({count(failed.attempts, 'attempt')}, the last at "
                f"{failed.when.astimezone():%Y-%m-%d %H:%M})"
            )
