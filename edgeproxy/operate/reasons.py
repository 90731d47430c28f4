"""Why a segment is or is not a hit, in sentences for people: each says one thing, and what helps.

They are for whoever wonders, so they name settings and commands, and no part of this house.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from ..cache.admission import Admission, Unfit
from ..core.freshness import Age, Freshness
from ..phrases.nearest import Difference, Nearest, parting, plainly
from ..phrases.pinned import Pinned, speaker_for
from ..speech import Mode
from .explanation import Near

PAUSE: Final = "There is nothing in it to be heard: a short silence is sent, and nobody is asked."
_MOST_NAMED: Final = 3
_QUOTED: Final = 40


def of_mode(mode: Mode) -> Iterator[str]:
    """What is made of the cache for all callers, where that is not the usual."""
    if mode is not Mode.ON:
        said = "off" if mode is Mode.OFF else "in its shadow"
        yield f"The cache is {said}: the origin is asked in any case. Were it on, this is what would be."


def of_book(name: str, unit: Pinned | None, *, hit: bool) -> Iterator[str]:
    """A book says it. ``unit``: what was made of it so far."""
    build = f"`edgeproxy phrases build --only {name}`"
    use = f"`edgeproxy phrases use {name} --latest`"
    if unit is not None and unit.spoken is not None:
        yield f"The book says it: {name}, generation {unit.spoken.number}."
        if not hit:
            yield f"Its recording is gone: {build} makes it anew, and so does the next night."
        elif unit.held:
            yield f"That one was picked by hand and stays, whatever is made later; {use} ends that."
        elif unit.latest != unit.spoken:
            yield f"A newer one waits to be picked: {use} does it."
        if unit.is_stale:
            yield "A purge has marked it stale: it is heard until the next night has made it anew."
    elif unit is not None and unit.latest is not None:
        yield f"{name} says it, but its recording waits to be picked: {use} does it."
    elif unit is not None and unit.failed is not None and not unit.is_stale:
        failed = "; ".join(unit.failed.reasons)
        yield f"{name} says it, but could not be made: {failed}. {build} tries again."
    else:
        yield f"{name} says it, and is not made yet: {build} makes it now."
    if hit and (unit is None or unit.spoken is None):
        yield "Until then callers hear what the origin said when one of them asked for it."


def of_rate(rate: int) -> str:
    """A book's recording is there, at another rate."""
    return f"It is made from the recording at {rate} Hz, and kept."


def of_takes(takes: int, lost: int) -> Iterator[str]:
    """The recordings of a phrase take turns. ``lost``: how many of them are not there."""
    yield f"Its {takes} recordings take turns; this is the first."
    if lost:
        yield f"{lost} of them can't be found, and will be asked of the origin."


def of_age(
    made: datetime, age: Age, purged: datetime | None, freshness: Freshness, now: datetime
) -> Iterator[str]:
    """What is kept of it is not fresh any more. ``purged``: when a purge took it back, or made it stale."""
    stale = made + timedelta(seconds=freshness.ttl_s)
    if age is Age.STALE:
        if purged is not None:
            since = f"A purge made it stale on {_moment(purged)}"
        elif made > now:
            since = "Its date lies in the future, so that nobody knows how old it is"
        else:
            since = f"It is stale since {_moment(stale)}"
        yield f"{since}: it is heard at once, and made anew behind the caller."
    elif age is Age.SPARE:
        yield (
            f"It was fresh until {_moment(stale)}, and is too old by now: the origin is asked for it anew, "
            "and what is kept is heard only if the origin can't be had (`cache.stale_if_error_s`)."
        )
    elif age is Age.OVER and purged is not None:
        yield f"It was purged on {_moment(purged)}: what is left of it on the disk is not heard."
    elif age is Age.OVER:
        yield (
            f"It was fresh until {_moment(stale)}, and is too old to be heard by now (`cache.ttl_s`, "
            "`cache.stale_s`): the origin is asked for it anew."
        )


def of_use(made: datetime, freshness: Freshness, *, pinned: bool) -> str:
    """A client's own text is kept, and good."""
    if pinned:
        return "It is asked for so often that a night has promoted it: it is kept for good."
    until = made + timedelta(seconds=freshness.ttl_s)
    return f"It was said before, and is fresh until {_moment(until)}."


def of_clients(namespaces: Sequence[str]) -> str:
    """Nobody in particular asks, and it is kept for the clients of these namespaces."""
    named = _listed(namespaces)
    return (
        f"It is kept for the clients of {named}; others would have it spoken anew. "
        "In a phrase book everybody would hear it."
    )


def of_disk(problem: str | None) -> str:
    """What is kept can't be known, or heard."""
    if problem is None:
        return "The disk does not answer, so what is kept of it is not known."
    return f"{problem[0].upper()}{problem[1:]}, so nothing new is kept; the log says why."


def of_nothing(
    near: Sequence[Near], nearest: Nearest | None, purged: datetime | None
) -> Iterator[str]:
    """Nothing is kept of it. ``purged``: when whatever there was of it was, if it was."""
    if purged is not None:
        yield f"Whatever was kept of it was purged on {_moment(purged)}; nothing was kept since."
    elif not near:
        yield "Nothing is kept of this text."
    elif speaker_for(near[0].namespace) is not None:
        if nearest is None:  # else there is more to be said of the phrase
            yield "A book has said it, and says it no more."
    elif [each.field for each in near[0].differs] == ["namespace"]:
        yield (
            f"It is kept, but only for the clients of {near[0].namespace}. In a phrase book everybody "
            "would hear it."
        )
    else:
        yield f"The same text is kept {with_instead(near[0].differs)}."


def of_admission(text: str, admission: Admission) -> Iterator[str]:
    """Why it is not kept either, when it is asked for."""
    unfit = admission.turns_away(text)
    if unfit is Unfit.LONG:
        yield (
            f"It will not be kept either: it has {len(text)} characters, and over "
            f"{admission.characters_kept} (`cache.characters_kept`) nothing is."
        )
    elif unfit is Unfit.PERSONAL:
        yield (
            "It will not be kept either: it looks personal (a number, an address, a spelled code). If "
            "everybody may hear it, write it in a phrase book."
        )
    elif admission.asks > 1:
        yield (
            f"It will be kept when the origin was asked for it {admission.asks} times "
            "(`cache.asks_until_kept`)."
        )


def of_phrase(nearest: Nearest | None, text: str) -> Iterator[str]:
    """What a book says instead."""
    if nearest is None:
        return
    name, said = nearest.spoken.name, nearest.said
    but = []
    if nearest.differs:
        but.append(with_instead(nearest.differs))
    if not nearest.is_heard:
        but.append(f"for {_listed(nearest.hearers)} alone")
    if not nearest.spoken.phrase.pin:
        but.append("with `pin: false`, which leaves it to chance like any text")
    if said == text:
        yield f"{name} says exactly this, but {', and '.join(but)}."
        if nearest.differs:
            yield "Ask for the book's voice, or write yours in the book."
        return
    same, asked, written = parting(text, said)
    if plainly(said) == plainly(text):
        yield f"{name} says the same words: only capitals, punctuation or white space differ."
        yield f"It is found when it is sent as it is written: {quoted(said)}."
    elif same:
        yield (
            f"{name} is close: behind {quoted(same, end=True)} the book goes on {quoted(written)}, this text "
            f"{quoted(asked)}."
        )
    else:
        yield f"{name} is close: it says {quoted(written)}."
    if but:
        yield f"And it is said {', and '.join(but)}."


def with_instead(differs: Iterable[Difference]) -> str:
    """``with speaker ritu instead of shubh, pace 1.0 instead of 0.8``."""
    return "with " + ", ".join(
        f"{each.field} {shown(each.kept)} instead of {shown(each.asked)}" for each in differs
    )


def shown(value: Any) -> str:
    """A value of a voice, for a sentence."""
    return "none" if value is None else str(value)


def quoted(text: str, *, end: bool = False) -> str:
    """The beginning of a text in quotes, or its ``end``, where all of it would be too much."""
    if not text:
        return "with nothing"
    if len(text) > _QUOTED:
        text = f"…{text[-_QUOTED:]}" if end else f"{text[:_QUOTED]}…"
    return f"“{text}”"


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMED
    listed = ", ".join(names[:_MOST_NAMED])
    return f"{listed} and {more} more" if more > 0 else listed


def _moment(when: datetime) -> str:
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
