"""The admin API: everything the operator may look at and change while the proxy runs.

Its calls, and what each of them does. How a call is let in, read and answered is :mod:`.api`'s; the console
is a page of these calls and nothing more.
"""

import asyncio
import difflib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Self

import orjson
from aiohttp import web
from pydantic import AwareDatetime, ConfigDict, model_validator

from ..cache.demand import Demand
from ..cache.purge import Scope
from ..core.words import count
from ..phrases.books import Books
from ..phrases.generations import Generations
from ..phrases.suggestion import Suggestion, as_book, worth_adding
from ..sarvam import models
from ..sarvam.models import RUPEES_PER_CHARACTER
from ..speech import Mode, Speech
from .api import Asked, Body, Call
from .explain import Explainer
from .explanation import BadQuestion, Explanation, Question
from .guard import Guard, NotDone
from .overview import Overview
from .purging import Purging, scope_of
from .takes import Takes

_NIGHTS: Final = 30


class Nothing(Body):
    """An empty object."""


class PurgeBody(Body):
    """What must not be heard any more: what fits all that is given."""

    text: str | None = None
    """Exactly this text."""
    prefix: str | None = None
    """Texts that begin so."""
    namespace: str | None = None
    """What is kept for these clients; `books` is what books hold."""
    voice: dict[str, str | int | float] = {}  # noqa: RUF012  # pydantic copies it
    """Fields of Sarvam's config, and their values."""
    phrase: str | None = None
    """The recordings of `book/id`; it is made anew. Stands alone."""
    all: bool = False
    """Everything. Stands alone."""
    soft: bool = False
    """Go on serving it while it is renewed."""

    @model_validator(mode="after")
    def _says_what(self) -> Self:
        if (blank := self.scope.blank) is not None:  # a slip of the thumb
            raise ValueError(f"{blank} is empty; what covers everything is all: true")
        if sum((self.phrase is not None, self.all, self.scope != Scope())) != 1:
            raise ValueError(
                "say what: text, prefix, namespace and voice (together, if you like), or phrase, or all: true"
            )
        return self

    @property
    def scope(self) -> Scope:
        """What is covered, but for a phrase."""
        return Scope.said(
            text=self.text,
            prefix=self.prefix,
            namespace=self.namespace,
            voice={models.VOICE_NAMES.get(name, name): value for name, value in self.voice.items()},
        )


class WrongBody(Body):
    """Which recording sounds wrong."""

    made: AwareDatetime | None = None
    """When it was made. Where callers hear another by now nothing is done; without it, it is whatever they
    hear."""


class ExplainBody(Body):
    """A text, and the fields of a client's config that make its voice."""

    model_config = ConfigDict(extra="allow")

    text: str
    """As a client would send it."""
    tenant: str | None = None
    """As a client of this tenant."""
    namespace: str | None = None
    """As a client who hears this namespace."""


class NightBody(Body):
    """Which night to run now."""

    book: str | None = None
    """Only this book's."""


class CacheBody(Body):
    """What is made of the cache from now on."""

    cache: Mode
    """`on`; `off`: everything is asked of the origin; `shadow`: the same, and it is told what the cache
    would have had."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Works:
    """What the rest of the house does when it is told to."""

    reload_tenants: Callable[[], None]
    run_night: Callable[[str | None], None]
    """Begin one, of a book or of all, behind the call."""
    drain: Callable[[], None]


class Admin:
    """The calls. ``reports``: the folder of the nights' reports."""

    def __init__(
        self,
        overview: Overview,
        takes: Takes,
        purging: Purging,
        books: Books,
        generations: Generations,
        speech: Speech,
        explainer: Explainer,
        demand: Demand,
        works: Works,
        *,
        reports: Path,
        guard: Guard,
    ) -> None:
        self._overview = overview
        self._takes = takes
        self._purging = purging
        self._books = books
        self._generations = generations
        self._speech = speech
        self._explainer = explainer
        self._demand = demand
        self._works = works
        self._reports = reports
        self._guard = guard

    @property
    def calls(self) -> list[Call]:
        """All of them, in the order in which they are described."""

        def look(path: str, says: str, do: Callable[[Asked], Awaitable[Any]], **query: str) -> Call:
            return Call(method="GET", path=f"/admin/{path}", says=says, do=do, query=query)

        def change(
            path: str,
            says: str,
            do: Callable[[Asked], Awaitable[Any]],
            body: type[Body] = Nothing,
            *,
            method: str = "POST",
            status: int = 200,
        ) -> Call:
            return Call(
                method=method,
                path=f"/admin/{path}",
                says=says,
                do=do,
                body=body,
                changes=True,
                status=status,
            )

        return [
            look(
                "state",
                "How things stand now: callers' waits, the day's sums, origin, store, phrases.",
                self._state,
                after="The number of the last turn that is known; only later ones are told.",
            ),
            look("pool", "The sessions with the origin, by account and model.", self._pool),
            look("phrases", "How each phrase of the books stands.", self._phrases),
            look(
                "phrases/{key}/audio",
                "One recording, as a WAV file.",
                self._audio,
                generation="The number of one; without it, what callers hear.",
            ),
            look("nights", "The reports of the last nights, newest first.", self._nights),
            look(
                "wanted",
                "What callers asked for often and no book holds, also as YAML to paste.",
                self._wanted,
                days="Of so many days; 7.",
            ),
            Call(
                method="POST",
                path="/admin/explain",
                says="Would this be a hit, and if not, why not.",
                do=self._explain,
                body=ExplainBody,
            ),
            change(
                "phrases/{key}/wrong",
                "It sounds wrong: go back a generation, or purge it where there is none.",
                self._wrong,
                WrongBody,
            ),
            change(
                "phrases/{key}/latest",
                "Let callers hear the newest generation again, and each one after it.",
                self._latest,
            ),
            change("purge", "Let something be heard no more.", self._purge, PurgeBody),
            change("reload", "Read books and tenants again.", self._reload),
            change("night", "Run the night now.", self._night, NightBody, status=202),
            change(
                "cache",
                "Switch the cache on, off, or to its shadow.",
                self._switch,
                CacheBody,
                method="PUT",
            ),
            change("drain", "Take no callers any more, finish, and end.", self._drain, status=202),
        ]

    # -- looking -----------------------------------------------------------------------------------

    async def _state(self, asked: Asked) -> dict[str, Any]:
        after = asked.number("after", 0, least=0, most=2**53)
        return {
            **await self._overview.state(after=after),
            "may_change": self._guard.may_change(asked.request),
            "can_change": self._guard.has_token,
        }

    async def _pool(self, _: Asked) -> dict[str, Any]:
        return self._overview.origin()

    async def _phrases(self, _: Asked) -> dict[str, Any]:
        return {"phrases": await self._takes.all()}

    async def _audio(self, asked: Asked) -> web.Response:
        number = asked.number("generation", 0, least=1, most=10**9) or None
        file = await self._takes.wav(asked.names["key"], number)
        return web.Response(
            body=file, content_type="audio/wav", headers={"Cache-Control": "no-store"}
        )

    async def _nights(self, _: Asked) -> dict[str, Any]:
        return {"nights": await asyncio.to_thread(_reports, self._reports)}

    async def _wanted(self, asked: Asked) -> dict[str, Any]:
        days = asked.number("days", 7, least=1, most=365)
        found = await asyncio.to_thread(self._suggested, days)
        return {
            "days": days,
            "texts": [
                {
                    "text": each.text,
                    "language": each.language,
                    "speaker": each.voice.get("speaker"),
                    "asked": each.asked,
                    "characters": each.characters,
                    "rupees": round(each.characters * RUPEES_PER_CHARACTER, 2),
                }
                for each in found
            ],
            "yaml": as_book(found, days=days) if found else "",
        }

    def _suggested(self, days: int) -> list[Suggestion]:
        return worth_adding(self._demand.top(days, now=datetime.now(UTC)), self._books.library)

    async def _explain(self, asked: Asked) -> Explanation:
        try:
            return await self._explainer.explain(Question.read(asked.body.model_dump()))
        except BadQuestion as error:
            raise NotDone(400, "body", str(error)) from None

    # -- changing ----------------------------------------------------------------------------------

    async def _wrong(self, asked: Asked) -> dict[str, Any]:
        return await self._changed(self._takes.sounds_wrong(asked.names["key"], asked.body.made))

    async def _latest(self, asked: Asked) -> dict[str, Any]:
        return await self._changed(self._takes.latest(asked.names["key"]))

    async def _purge(self, asked: Asked) -> dict[str, Any]:
        body: PurgeBody = asked.body
        scopes = [body.scope] if body.phrase is None else self._scopes_of(body.phrase)
        records = phrases = number = 0
        try:
            for scope in scopes:
                outcome = await self._purging.purge(scope, soft=body.soft)
                records += outcome.records
                phrases += outcome.phrases
                number = outcome.purge.number
        except OSError as error:
            why = f"the purge can't be written down: {error.strerror or error}"
            raise NotDone(500, "disk", why) from error
        await self._overview.look(afresh=True)
        what = body.phrase or str(body.scope)
        if body.soft:
            says = f"stale from now on: {what}"
        elif records or phrases:
            says = f"gone: {what}: {count(records, 'record')}"
        else:
            says = f"nothing was there: {what}"
        return {"records": records, "phrases": phrases, "number": number, "says": says}

    def _scopes_of(self, phrase: str) -> list[Scope]:
        found = [scope_of(pinned) for pinned in self._generations if phrase in pinned.phrases]
        if not found:
            said = sorted({name for pinned in self._generations for name in pinned.phrases})
            close = difflib.get_close_matches(phrase, said, n=1)
            meant = f"did you mean {close[0]}?" if close else "/admin/phrases has all"
            raise NotDone(404, "unknown", f"nothing was made of a phrase {phrase}; {meant}")
        return found

    async def _reload(self, _: Asked) -> dict[str, Any]:
        self._works.reload_tenants()
        changed = await self._books.reload()
        if self._books.problem is not None:
            why = f"{self._books.problem}; the books before speak on"
            raise NotDone(422, "books", " ".join(why.split()))
        await self._overview.look(afresh=True)
        return {"changed": changed, "phrases": len(self._books.library)}

    async def _night(self, asked: Asked) -> dict[str, Any]:
        book: str | None = asked.body.book
        if book is not None and book not in self._books.library.books:
            there = ", ".join(sorted(self._books.library.books)) or "none"
            raise NotDone(404, "unknown", f"there is no book {book}; there are: {there}")
        if self._overview.rooms.doors.night_running():
            raise NotDone(409, "busy", "a night is under way; its report tells when it is over")
        self._works.run_night(book)
        return {"says": "it has begun; its report tells when it is over"}

    async def _switch(self, asked: Asked) -> dict[str, Any]:
        self._speech.mode = asked.body.cache
        return {"cache": self._speech.mode}

    async def _drain(self, _: Asked) -> dict[str, Any]:
        self._works.drain()
        return {"says": "no callers are taken any more; it ends when the running turns have"}

    async def _changed(self, doing: Awaitable[dict[str, Any]]) -> dict[str, Any]:
        """Done, and how the phrases stand since then is known."""
        found = await doing
        await self._overview.look(afresh=True)
        return found


def _reports(folder: Path) -> list[orjson.Fragment]:
    """Newest first, as JSON. Blocks. One that can't be read says so in place of its text."""
    # By name, two of one night would stand the wrong way round.
    files = sorted(folder.glob("????-??-??*.json"), key=_written, reverse=True)
    return [orjson.Fragment(_report(file)) for file in files[:_NIGHTS]]


def _report(file: Path) -> bytes:
    report: Any = None
    try:
        raw = file.read_bytes()
        orjson.loads(raw)
        report = orjson.Fragment(raw)
        text = file.with_suffix(".txt").read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        text = f"this report can't be read: {error}"
    return orjson.dumps({"name": file.stem, "report": report, "text": text})


def _written(file: Path) -> int:
    try:
        return file.stat().st_mtime_ns
    except OSError:  # forgotten by a night just now
        return 0
