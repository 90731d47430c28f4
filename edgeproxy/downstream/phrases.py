"""Phrases by URL: ``GET /phrases/{book}/{id}.{pcm|wav|mp3|opus}``, the whole of one as a file.

For agents that preload a greeting, for CDNs and IVRs. It is what a turn would say: the segments, or the one
recording, by the generation that speaks, joined. Query: ``language``, ``speaker`` and ``value.NAME`` where
there are several; ``rate`` in Hz (the book's highest), ``take`` (1); ``cache`` and ``tag`` as everywhere.

::

    what speaks?              who asks?
    a generation              any who may hear the book      200 206 304 412 416, ETag, max-age
    nothing yet               with a credential              spoken live, as in a turn: 200, no-store
                              without                        503, and nothing is spent

A book is heard by everybody with a credential, or by its ``tenants`` alone: for others it is not there. With
``public: true`` it is heard without one, too, and then from what is kept only. A phrase that is not made
ahead (``pin: false``) is always spoken as in a turn, and so is all under ``cache=off``.

The entity tag is made of the numbers and dates of the generations, so that it is known without reading
audio, and changes with ``phrases use``. Encoded files are kept in memory; one is encoded at a time, so
that a crowd here takes no encoder from callers.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

from aiohttp import web

from .. import __version__
from ..ask import Use
from ..audio import encode
from ..cache.clip import ClipFailed, Source
from ..core.errors import NotKept
from ..core.turn import Cut
from ..core.voice import Voice
from ..phrases.asked import VALUE, book_of, phrase_of
from ..phrases.book import Book
from ..phrases.generations import Generation
from ..phrases.pinned import SHARED, space
from ..phrases.shelf import Spoken
from ..sarvam import messages, models, refusals
from ..sarvam.refusals import Refused
from ..speech import Speech
from ..upstream.pool import Order
from .asking import TurnSettings
from .auth import Client
from .encoding import Output
from .facts import Part
from .files import Files, Validators, whole_or_part
from .http import Answer, HttpDoors, headers
from .wishes import Wish

PHRASE_PATH: Final = "/phrases/{book}/{file}"
FORMATS: Final = {"pcm": "linear16", "wav": "wav", "mp3": "mp3", "opus": "opus"}
"""By the ending of a file, the codec that is in it."""
FRESH_S: Final = 300
"""How long a file may be played without asking again: the longest until a new generation is heard."""

_FILES_BYTES: Final = 32_000_000
_TRY_AGAIN_S: Final = 60.0
_PARAMETERS: Final = ("language", "speaker", "rate", "take", "cache", "tag")


class PhraseDoor:
    """The handler of ``/phrases/{book}/{id}.{format}``. Mutable state: encoded files."""

    def __init__(self, http: HttpDoors, *, speech: Speech, settings: TurnSettings) -> None:
        self._http = http
        self._speech = speech
        self._settings = settings
        self._files = Files(limit_bytes=_FILES_BYTES)
        self._encoding = asyncio.Lock()
        # Whoever has no credential hears what everybody may, and spends nothing: see the ``use`` of its asks.
        self._nobody = Client(space(SHARED), settings.account)

    async def get(self, request: web.Request, client: Client | None) -> web.Response:
        """Answer with a phrase. ``client``: None, who has shown no credential. Raises Refused."""
        wish = Wish.of_request(request.query, request.headers)
        book, spoken, codec = self._meant(request, client)
        rate, take = _rate(request, spoken), _take(request, spoken)
        if client is None:
            if not spoken.phrase.pin:
                raise Refused(refusals.credentials())
            wish = Wish(Use.ONLY, wish.tag)
        hearer = client or self._nobody
        voice = spoken.voice.at_rate(rate)
        hearer.allowance.check_voice(voice.fields)
        reply = Answer(hearer, wish, self._speech.freshness)
        live = not spoken.phrase.pin or wish.use is Use.OFF
        reply.parts += self._parts(hearer, voice, wish.use, spoken, take=None if live else take)
        output = Output(codec, rate)
        validators = None if live else self._validators(reply.parts, spoken, output)
        if validators is not None and validators.are_known(request):
            response = web.Response(status=304)
            validators.tell(response)
        else:
            body, validators = await self._spoken(reply, output, spoken, validators, client)
            response = whole_or_part(request, body, validators, content_type=_content_type(output))
            response.headers.update(headers(reply))
        if response.status < 400:
            _tell_how_long(response, book, validators)
        return response

    def _meant(self, request: web.Request, client: Client | None) -> tuple[Book, Spoken, str]:
        """The phrase that a URL names, and its codec."""
        library = self._settings.library()
        name = request.match_info["book"]
        if client is None:
            found = library.books.get(name)
            # Nor is it told to strangers which books there are.
            if found is None or not found.public:
                raise Refused(refusals.credentials())
        book = book_of(library, name, tenant=None if client is None else client.tenant)
        phrase_id, _, ending = request.match_info["file"].rpartition(".")
        if ending not in FORMATS or not phrase_id:
            endings = ", ".join(f".{each}" for each in FORMATS)
            named, there_are = request.match_info["file"], f"files that end in {endings}"
            raise Refused(refusals.unknown_phrase("file", named, there_are=there_are))
        for parameter in request.query:
            if parameter not in _PARAMETERS and not parameter.startswith(VALUE):
                allowed = f"{', '.join(_PARAMETERS)}, {VALUE}NAME"
                raise Refused(
                    refusals.parameter(parameter, request.query[parameter], allowed=allowed)
                )
        spoken = phrase_of(
            library,
            name,
            phrase_id,
            language=request.query.get("language"),
            speaker=request.query.get("speaker"),
            values={
                each.removeprefix(VALUE): value
                for each, value in request.query.items()
                if each.startswith(VALUE)
            },
        )
        return book, spoken, FORMATS[ending]

    def _parts(
        self, hearer: Client, voice: Voice, use: Use, spoken: Spoken, *, take: int | None
    ) -> list[Part]:
        """What is asked for. ``take``: of the generation that speaks; None: live, as in a turn."""
        settings = self._settings
        asker = settings.asker(hearer, voice, use)
        view = settings.library().view(hearer.tenant)
        parts: list[Part] = []
        for text in spoken.segments:
            cut, first = Cut(text), not parts
            if take is None:
                ask = asker.ask(cut, view, first=first)
            else:
                order = Order.FIRST if first else Order.AHEAD
                ask = asker.of_book(cut, spoken.scope, order=order, take=take - 1)
            parts.append(Part(ask=ask))
        return parts

    def _validators(
        self, parts: Sequence[Part], spoken: Spoken, output: Output
    ) -> Validators | None:
        """What a file is known by; None where it is not all of generations: another time it is another."""
        if not all(part.ask.curated for part in parts):
            return None
        made: list[Generation] = []
        for part in parts:
            identity = part.ask.identity
            speaks = self._settings.generations.speaking(
                identity.voice, identity.text, scope=spoken.scope
            )
            assert speaks is not None
            made.append(speaks)
        # All that decides what the bytes are. The dates, too: numbers begin anew if their file is lost.
        facts = [
            f"{__version__} {encode.VERSION} {output.codec} {output.bitrate} "
            f"{self._settings.trim_leading_silence_ms}".encode(),
            *(part.ask.identity.blob for part in parts),
            *(each.made.isoformat().encode() for each in made),
        ]
        return Validators(b"\n".join(facts), max(each.made for each in made))

    async def _spoken(
        self,
        reply: Answer,
        output: Output,
        spoken: Spoken,
        validators: Validators | None,
        client: Client | None,
    ) -> tuple[bytes, Validators | None]:
        """The file; and its validators, if it is what they say."""
        try:
            async with self._http.heard(reply, "phrase", output, len(spoken.text)) as pcm:
                clips = [part.clip for part in reply.parts if part.clip is not None]
                if any(clip.source is Source.ORIGIN for clip in clips):
                    validators = None  # a recording was gone, and this is another of its words
                return await self._file(pcm, output, validators), validators
        except ClipFailed as error:
            if client is None and isinstance(error.__cause__, NotKept):
                raise Refused(refusals.not_made_yet(retry_after_s=_TRY_AGAIN_S)) from error
            raise

    async def _file(self, pcm: bytes, output: Output, validators: Validators | None) -> bytes:
        def encoded() -> bytes:
            return encode.encode_whole(pcm, output.codec, rate=output.rate, bitrate=output.bitrate)

        if output.exact:
            return encoded()  # a header at the most
        if validators is None:
            async with self._encoding:
                return await self._http.off_loop(encoded)
        if (kept := self._files.get(validators.facts)) is not None:
            return kept
        async with self._encoding:
            # Whoever was here before may have wanted the same.
            if (kept := self._files.get(validators.facts)) is not None:
                return kept
            body = await self._http.off_loop(encoded)
            self._files.keep(validators.facts, body)
        return body


def _tell_how_long(response: web.Response, book: Book, validators: Validators | None) -> None:
    if validators is None:
        response.headers["Cache-Control"] = "no-store"
        return
    whose = "public" if book.public else "private"
    response.headers["Cache-Control"] = f"{whose}, max-age={FRESH_S}"
    if not book.public:
        response.headers["Vary"] = "api-subscription-key, Authorization"


def _rate(request: web.Request, spoken: Spoken) -> int:
    asked = request.query.get("rate")
    if asked is None:
        return spoken.voice.rate
    for rate in models.REST_RATES:
        if asked == str(rate):
            return rate
    allowed = ", ".join(map(str, models.REST_RATES))
    raise Refused(refusals.parameter("rate", asked, allowed=allowed))


def _take(request: web.Request, spoken: Spoken) -> int:
    asked = request.query.get("take", "1")
    for take in range(1, spoken.phrase.takes + 1):
        if asked == str(take):
            return take
    raise Refused(refusals.parameter("take", asked, allowed=f"1 to {spoken.phrase.takes}"))


def _content_type(output: Output) -> str:
    media_type = messages.content_type(output.codec)
    if output.codec == "linear16":
        # Not audio/L16, whose samples begin with the high byte.
        return f"{media_type}; rate={output.rate}; channels=1; bits=16; endianness=little"
    return media_type
