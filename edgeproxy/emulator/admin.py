"""The admin calls: faults and counters over HTTP, for what runs in another process.

::

    GET  /emulator/state     {"counters": {...}, "faults": [...], "struck": {...}}
    POST /emulator/faults    {"faults": "stall=0.1,429:count=2"} or {"faults": [{"fault": "stall"}]}
    POST /emulator/reset     counters to zero, no faults

The last two answer with the state; a mistake is a 400 that says what is allowed.
"""

import json

from aiohttp import web

from .faults import Fault, parse_faults
from .stage import Stage


class Admin:
    """The calls, on one stage."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def open(self, app: web.Application) -> None:
        """Put the calls into ``app``."""
        app.router.add_get("/emulator/state", self._state)
        app.router.add_post("/emulator/faults", self._faults)
        app.router.add_post("/emulator/reset", self._reset)

    async def _state(self, _: web.Request) -> web.Response:
        weather = self._stage.weather
        return web.json_response(
            {
                "counters": self._stage.counters.to_json(),
                "faults": [fault.to_json() for fault in weather.faults],
                "struck": weather.struck,
            }
        )

    async def _faults(self, request: web.Request) -> web.Response:
        try:
            self._stage.weather.change(read_faults(await request.text()))
        except ValueError as error:
            return web.json_response({"error": {"message": str(error)}}, status=400)
        return await self._state(request)

    async def _reset(self, request: web.Request) -> web.Response:
        self._stage.reset()
        return await self._state(request)


def read_faults(body: str) -> list[Fault]:
    """The faults in the body of a call. Raises :class:`ValueError` saying what is allowed."""
    try:
        document = json.loads(body)
    except ValueError as error:
        raise ValueError(f"not JSON: {error}") from None
    match document:
        case {"faults": str(line)}:
            return parse_faults(line)
        case {"faults": [*items]} if all(isinstance(item, dict) for item in items):
            return [Fault.parse(item) for item in items]
    raise ValueError(
        'expected {"faults": "stall=0.1,..."} or {"faults": [{"fault": "stall"}, ...]}'
    )
