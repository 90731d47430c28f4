"""The operator's side: what listens to the facts, and what is served of it.

On loopback it shares the listener of the doors; off loopback it has one of its own, and on that of the doors
its paths are nobody's: neither is the operator's token passed on to the origin by mistake.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from ..config import ConfigError, Settings, is_loopback
from ..core.events import Emit, Event
from ..observe import log
from ..observe.later import Later
from ..observe.metrics import CONTENT_TYPE, Metrics
from ..operate.admin import Admin, Works
from ..operate.api import Api
from ..operate.console import Console
from ..operate.day import Day
from ..operate.gauges import reading
from ..operate.guard import Guard
from ..operate.overview import Doors, Overview, Rooms
from ..operate.recent import Recent
from ..operate.takes import Takes
from .front import make_explainer
from .rooms import Workshop
from .values import night_times

_USUAL_PORT: Final = 8081
_PATHS: Final = ("/metrics", "/admin", "/admin/{call:.*}", "/console", "/console/{file:.*}")


@dataclass(frozen=True, slots=True)
class Listeners:
    """Who hears of every fact. ``tell``: what rooms are given to tell it."""

    metrics: Metrics
    recent: Recent
    day: Day
    later: Later
    tell: Emit


@asynccontextmanager
async def listening(settings: Settings, emit: Emit | None) -> AsyncIterator[Listeners]:
    """Hear facts for as long as the context lasts. Raises ConfigError.

    ``emit``: hears each at once, and in place of the log.
    """
    _, zone = night_times(settings)
    metrics, recent = Metrics(), Recent()
    day = Day(settings.cache.data_dir / "day.json", zone=zone, emit=emit or log.tell)
    hear = [metrics.hear, recent.hear, day.hear]
    later = Later(*hear) if emit is not None else Later(*hear, log.hear)
    tell = later.tell

    def both(event: Event) -> None:
        if emit is not None:
            emit(event)
        tell(event)

    try:
        yield Listeners(metrics, recent, day, later, tell if emit is None else both)
    finally:
        later.stop()
        await day.save()


def own_address(settings: Settings) -> tuple[str, int] | None:
    """Where the operator's side listens; None: where the doors do."""
    admin = settings.admin
    together = is_loopback(settings.server.host) and is_loopback(admin.host)
    if together and admin.port is None:
        return None
    return admin.host, _USUAL_PORT if admin.port is None else admin.port


class Operator:
    """Metrics, admin API and console, ready to be served."""

    def __init__(
        self, shop: Workshop, listeners: Listeners, doors: Doors, works: Works, emit: Emit
    ) -> None:
        settings = shop.settings
        self._metrics = listeners.metrics
        self._overview = Overview(
            Rooms(
                origin=settings.origin.url,
                account=shop.account,
                pools=shop.pools,
                store=shop.store,
                memory=shop.memory,
                flights=shop.flights,
                speech=shop.speech,
                books=shop.books,
                generations=shop.generations,
                later=listeners.later,
                recent=listeners.recent,
                day=listeners.day,
                doors=doors,
            )
        )
        token = settings.admin.token
        guard = Guard(
            token=None if token is None else token.get_secret_value(),
            loopback=is_loopback(settings.admin.host),
        )
        takes = Takes(shop.books, shop.generations, shop.store, shop.hits, shop.purging)
        self.explainer = make_explainer(shop)
        admin = Admin(
            self._overview,
            takes,
            shop.purging,
            shop.books,
            shop.generations,
            shop.speech,
            self.explainer,
            shop.demand,
            works,
            reports=settings.cache.data_dir / "reports",
            guard=guard,
        )
        self._guard = guard
        self._api = Api(admin.calls, description="/admin/openapi.json", guard=guard, emit=emit)
        self._console = Console()

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """``/metrics``, ``/admin`` and ``/console``."""
        router.add_get("/metrics", self._page)
        for path in ("/admin", "/admin/{call:.*}"):
            router.add_route("*", path, self._api.answer)
        self._console.add_routes(router)

    async def _page(self, request: web.Request) -> web.Response:
        if not self._guard.is_here(request):
            raise web.HTTPForbidden
        await self._overview.look()
        page = self._metrics.page(reading(self._overview))
        return web.Response(body=page, headers={"Content-Type": CONTENT_TYPE})


def keep_out(router: web.UrlDispatcher) -> None:
    """On the listener of the doors, where the operator's side has one of its own."""
    for path in _PATHS:
        router.add_route("*", path, _nobodys)


async def _nobodys(_: web.Request) -> web.StreamResponse:
    raise web.HTTPNotFound


@asynccontextmanager
async def served(operator: Operator, host: str, port: int) -> AsyncIterator[str]:
    """The operator's side on a listener of its own; its URL. Raises ConfigError."""
    app = web.Application()
    operator.add_routes(app.router)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=1.0)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            why = f"cannot listen on {host}:{port}: {error.strerror or error}"
            raise ConfigError(f"admin.port: {why}; name another") from error
        yield url_of(host, runner.addresses[0][1])
    finally:
        await runner.cleanup()


def url_of(host: str, port: int) -> str:
    """Where that is reached."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
