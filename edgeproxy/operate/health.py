"""``/healthz``: the process lives. ``/readyz``: it should be given callers.

Readiness never waits for the origin: phrases on disk speak without it, so a dead origin is *degraded* in
the body and nothing more.
"""

from collections.abc import Callable, Mapping

from aiohttp import web

Details = Callable[[], Mapping[str, object]]


class Health:
    """The two answers. ``ready`` is set by whoever starts and stops the house."""

    def __init__(self, details: Details) -> None:
        self._details = details
        self.ready = False

    @property
    def status(self) -> str:
        """``ready``, ``degraded`` (it should be given callers, though not all is well) or ``draining``."""
        return self._status(self._details()) if self.ready else "draining"

    def _status(self, details: Mapping[str, object]) -> str:
        if not self.ready:
            return "draining"
        return "degraded" if details.get("origin_problem") else "ready"

    def not_ready(self) -> None:
        """Whoever asks from now on is sent elsewhere."""
        self.ready = False

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Both paths, open to all: they tell nothing secret."""
        router.add_get("/healthz", self._healthz)
        router.add_get("/readyz", self._readyz)

    async def _healthz(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def _readyz(self, _: web.Request) -> web.Response:
        details = self._details()
        told = {"status": self._status(details), **details}
        return web.json_response(told, status=200 if self.ready else 503)
