"""OpenAI's door: ``POST /v1/audio/speech`` and ``GET /v1/models``, for agents that speak OpenAI's API.

It speaks as the HTTP stream does, from the same recordings; what is its own is how a request is read and how
failures are told (:mod:`edgeproxy.openai`). What breaks after the first byte is a broken body here, too, with
events as without.
"""

from collections.abc import Awaitable, Callable

from aiohttp import web

from ..openai import answers, errors, requests
from ..openai.errors import Error, Invalid
from ..openai.voices import Voices
from ..sarvam.request_id import request_id
from .answers import failed, refusal_headers
from .auth import Client
from .http import Form, HttpDoors


class OpenAiDoor:
    """The handlers of OpenAI's paths. ``voices``: who is meant by their names."""

    def __init__(self, http: HttpDoors, *, voices: Voices) -> None:
        self._http = http
        self._voices = voices

    async def speech(self, request: web.Request, client: Client) -> web.StreamResponse:
        """Answer with the audio as it comes."""
        heard = requests.hear(await self._http.body(request), self._voices)
        form = Form("openai")
        if heard.events:
            form = Form(
                "openai",
                content_type=answers.EVENTS,
                wrap=answers.say_audio,
                end=answers.DONE,
            )
        return await self._http.speak(request, client, heard.speech, form)

    async def models(self, request: web.Request, client: Client) -> web.Response:
        """Answer with what may stand for ``model``."""
        return _json(200, answers.say_models())

    async def model(self, request: web.Request, client: Client) -> web.Response:
        """Answer with one of them."""
        return _json(200, answers.say_model(request.match_info["model"]))


def in_openais_shape(
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Whatever goes wrong before an answer has begun is told in OpenAI's shape."""

    async def shaped(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except Invalid as invalid:
            return _answer(invalid.error)
        except Exception as error:
            return failed(request, error, lambda no: _answer(errors.of(no)))

    return shaped


def _answer(error: Error) -> web.Response:
    response = _json(error.status, error.body())
    response.headers.update(refusal_headers(request_id(), error.retry_after_s))
    if error.final:
        response.headers["x-should-retry"] = "false"
    return response


def _json(status: int, body: bytes) -> web.Response:
    return web.Response(status=status, body=body, content_type="application/json")
