"""Calls by HTTP: a table of them, one way through it, and its description as OpenAPI.

::

    request ─► which call? ─► may it? (guard) ─► its body, checked ─► done ─► JSON
                 404, 405       401, 403           400, 413, 415      NotDone

A mistake is ``{"error": {"code", "message"}}``: one sentence that names what is wrong and what is allowed.
What changes something is told as a fact, done or not.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from aiohttp import web
from pydantic import BaseModel, ConfigDict, ValidationError

from .. import __version__
from ..core.events import AdminCalled, Emit, ignore
from .guard import Guard, NotDone

_BODY_S: Final = 10.0
_NAME: Final = re.compile(r"\{(\w+)\}")
_ABOUT: Final = (
    "What an operator may look at and change. On a loopback listener looking takes no token; changing "
    "something takes one everywhere."
)
_ERROR: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message"],
            "properties": {"code": {"type": "string"}, "message": {"type": "string"}},
        }
    },
}


class Body(BaseModel):
    """What a call is sent. A field that it does not have is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


@dataclass(frozen=True, slots=True)
class Asked:
    """One call as it was made. ``names``: what stands in the braces of its path; ``body``: None where it has
    none."""

    request: web.Request
    names: Mapping[str, str]
    body: Any = None

    def number(self, name: str, usual: int, *, least: int, most: int) -> int:
        """A number of the query. Raises :class:`NotDone`."""
        said = self.request.query.get(name)
        if said is None:
            return usual
        # As long as the largest at most: of very long ones Python makes no number.
        is_number = said.isascii() and said.isdigit() and len(said) <= len(str(most))
        if not (is_number and least <= int(said) <= most):
            raise NotDone(400, "query", f"{name} must be a whole number, {least:,} to {most:,}")
        return int(said)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call. ``path``: with names in braces; ``says``: what it does, in a sentence; ``query``: names and
    what they mean; ``changes``: it takes the token."""

    method: str
    path: str
    says: str
    do: Callable[[Asked], Awaitable[Any]]
    body: type[Body] | None = None
    query: Mapping[str, str] = field(default_factory=dict)
    changes: bool = False
    status: int = 200


class Api:
    """Answers the calls of a table, and describes them. ``description``: the path of that."""

    def __init__(
        self, calls: Sequence[Call], *, description: str, guard: Guard, emit: Emit = ignore
    ) -> None:
        self._guard = guard
        self._emit = emit
        self._description = description
        own = Call(method="GET", path=description, says="This description.", do=self._describe)
        self._calls: Final = [(_pattern(call.path), call) for call in (*calls, own)]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Do whatever is asked for, or say why not."""
        try:
            self._guard.check_site(request)
            call, names = self._meant(request)
            return await self._done(request, call, names)
        except NotDone as error:
            return _json({"error": {"code": error.code, "message": str(error)}}, error.status)

    async def _done(
        self, request: web.Request, call: Call, names: Mapping[str, str]
    ) -> web.StreamResponse:
        try:
            self._guard.check(request, change=call.changes)
            body = None if call.body is None else await _body(request, call.body)
            found = await call.do(Asked(request, names, body))
        except NotDone as error:
            self._tell(request, call, ok=False, outcome=str(error))
            raise
        self._tell(request, call, ok=True, outcome="done")
        return found if isinstance(found, web.StreamResponse) else _json(found, call.status)

    def _tell(self, request: web.Request, call: Call, *, ok: bool, outcome: str) -> None:
        if call.changes:
            action = f"{call.method} {call.path}"
            self._emit(AdminCalled(action, request.remote or "unknown", ok, outcome))

    def _meant(self, request: web.Request) -> tuple[Call, dict[str, str]]:
        methods = []
        for pattern, call in self._calls:
            if (found := pattern.fullmatch(request.path)) is not None:
                if call.method == request.method:
                    return call, found.groupdict()
                methods.append(call.method)
        if methods:
            allowed = ", ".join(methods)
            raise NotDone(405, "method", f"{request.method} is not for this path; {allowed} is")
        raise NotDone(404, "unknown", f"there is no such call; {self._description} has all")

    async def _describe(self, _: Asked) -> dict[str, Any]:
        paths: dict[str, dict[str, Any]] = {}
        for _pattern_of, call in self._calls:
            paths.setdefault(call.path, {})[call.method.lower()] = _described(call)
        return {
            "openapi": "3.1.0",
            "info": {"title": "edgeproxy", "version": __version__, "description": _ABOUT},
            "paths": paths,
            "components": {
                "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
                "schemas": {"Error": _ERROR},
            },
        }


def _pattern(path: str) -> re.Pattern[str]:
    parts = _NAME.split(path)
    # Text and names in turn.
    return re.compile(
        "".join(
            f"(?P<{part}>[^/]+)" if number % 2 else re.escape(part)
            for number, part in enumerate(parts)
        )
    )


async def _body(request: web.Request, model: type[Body]) -> Body:
    if request.content_type != "application/json":
        raise NotDone(415, "body", "the body must be JSON, with `Content-Type: application/json`")
    try:
        async with asyncio.timeout(_BODY_S):
            sent = await request.read()
    except TimeoutError:
        raise NotDone(408, "body", f"the body did not come within {_BODY_S:g} s") from None
    except web.HTTPRequestEntityTooLarge as error:
        raise NotDone(413, "body", error.text or "the body is too large") from None
    try:
        return model.model_validate(orjson.loads(sent))
    except orjson.JSONDecodeError as error:
        raise NotDone(400, "body", f"the body is not JSON: {error}") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = ".".join(map(str, first["loc"])) or "the body"
        said = first["msg"].removeprefix("Value error, ")
        allowed = ", ".join(model.model_fields) or "none"
        raise NotDone(400, "body", f"{name}: {said}; the fields are: {allowed}") from None


def _json(found: Any, status: int) -> web.Response:
    return web.Response(
        body=orjson.dumps(found),
        status=status,
        content_type="application/json",
        headers={"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"},
    )


def _described(call: Call) -> dict[str, Any]:
    error = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}}
    described: dict[str, Any] = {
        "summary": call.says,
        "parameters": list(_parameters(call)),
        "responses": {
            str(call.status): {"description": "Done."},
            "4XX": {"description": "Not done, and nothing has changed.", **error},
        },
    }
    if call.body is not None:
        content = {"application/json": {"schema": call.body.model_json_schema()}}
        described["requestBody"] = {"required": True, "content": content}
    if call.changes:
        described["security"] = [{"token": []}]
    return described


def _parameters(call: Call) -> Iterator[dict[str, Any]]:
    text = {"type": "string"}
    for name in _NAME.findall(call.path):
        yield {"name": name, "in": "path", "required": True, "schema": text}
    for name, says in call.query.items():
        yield {"name": name, "in": "query", "description": says, "schema": text}
