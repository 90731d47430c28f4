"""The emulator: a Sarvam on a port, and the object that tests hold it by."""

import asyncio
from collections.abc import Callable, Collection, Iterable
from types import TracebackType
from typing import Self

from aiohttp import web

from ..sarvam.handshake import WS_PATHS
from .admin import Admin
from .doors import GOODBYE_S, Doors
from .faults import Fault, Weather, parse_faults
from .knobs import Knobs
from .latency import Clock, Profile, parse_latency
from .speech import Speech, require
from .stage import Counters, Stage


class Emulator:
    """A Sarvam on a port of this machine.

    In a test::

        async with Emulator() as emulator:
            ...  # emulator.url, emulator.counters.flushes, emulator.change_faults("cut:count=1")
    """

    def __init__(
        self,
        *,
        latency: str | Profile = "instant",
        faults: str | Iterable[Fault] = (),
        seed: int = 0,
        keys: Collection[str] | None = None,
        idle_s: float = 60.0,
        max_sockets: int | None = None,
        knobs: Knobs | None = None,
        clock: Clock | None = None,
        more: Callable[[web.Application], None] = lambda _: None,
    ) -> None:
        """``latency`` and ``faults`` as on the command line, or parsed; :class:`ValueError` for bad ones.

        ``keys``: the only ones that are let in; None for any that is not blank.
        ``idle_s``: after so long without a message a WebSocket has its 408.
        ``max_sockets``: one more is closed with 1003.
        ``more``: puts doors of one's own beside Sarvam's.
        """
        self._more = more
        self._stage = Stage(
            profile=parse_latency(latency) if isinstance(latency, str) else latency,
            weather=Weather(_faults(faults), seed=seed),
            knobs=knobs or Knobs(),
            clock=clock or Clock(),
            speech=Speech(seed=seed),
            seed=seed,
            idle_s=idle_s,
        )
        self._doors = Doors(self._stage, keys=keys, max_sockets=max_sockets)
        self._runner: web.AppRunner | None = None
        self._url: str | None = None

    @property
    def url(self) -> str:
        """``http://host:port``; the WebSocket is at the same port."""
        if self._url is None:
            raise RuntimeError("the emulator is not running")
        return self._url

    @property
    def ws_url(self) -> str:
        """``ws://host:port/text-to-speech/ws``."""
        return self.url.replace("http", "ws", 1) + WS_PATHS[0]

    @property
    def counters(self) -> Counters:
        """What has happened so far."""
        return self._stage.counters

    @property
    def struck(self) -> dict[str, int]:
        """How often each kind of fault has struck."""
        return dict(self._stage.weather.struck)

    def change_faults(self, faults: str | Iterable[Fault]) -> None:
        """Put these in the place of all faults in force; ``""`` for fair weather."""
        self._stage.weather.change(_faults(faults))

    def reset(self) -> None:
        """Count from zero, in fair weather."""
        self._stage.reset()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Listen, on any free port for 0; return :attr:`url`. What was stopped can be started again.

        Raises :class:`OSError` when the port cannot be had, :class:`SpeechUnavailable` without espeak-ng.
        """
        require()
        self._stage.stopped.clear()
        app = web.Application()
        self._doors.open(app)
        Admin(self._stage).open(app)
        self._more(app)
        runner = web.AppRunner(
            app, access_log=None, handler_cancellation=True, shutdown_timeout=GOODBYE_S
        )
        await runner.setup()
        try:
            site = web.TCPSite(runner, host, port)
            await site.start()
        except OSError:
            await runner.cleanup()
            raise
        self._runner = runner
        _, bound, *_ = runner.addresses[0]
        self._url = f"http://{f'[{host}]' if ':' in host else host}:{bound}"
        return self._url

    async def stop(self) -> None:
        """Close every socket and stop listening. The counters stay."""
        self._stage.stopped.set()
        await self._doors.close_sockets()
        if self._runner is not None:
            await self._runner.cleanup()
        self._runner = self._url = None


def _faults(faults: str | Iterable[Fault]) -> list[Fault]:
    return parse_faults(faults) if isinstance(faults, str) else list(faults)


async def run(
    *,
    host: str = "127.0.0.1",
    port: int = 8090,
    latency: str | Profile = "v3",
    faults: str | Iterable[Fault] = (),
    seed: int = 0,
    started: Callable[[str], None],
) -> None:
    """Run an emulator until cancelled; ``started`` is told its URL. Raises what :class:`Emulator` raises."""
    emulator = Emulator(latency=latency, faults=faults, seed=seed)
    started(await emulator.start(host, port))
    try:
        await asyncio.Event().wait()
    finally:
        await emulator.stop()
