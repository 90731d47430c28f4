"""What the verbs share: how they run, stop and fail."""

import asyncio
import os
import resource
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, NoReturn, TypeVar

import click

from ..observe.log import log

_OTHER_HANDLES: Final = 512
"""File handles for all but clients: origin sessions, records, who is told that there is no room."""
_SWITCH_S: Final = 0.0005
"""How long a thread that is busy with Python may keep the event loop waiting; Python's own 5 ms are many
times what a hit takes."""

T = TypeVar("T")


class Failure(click.ClickException):
    """One line for whoever typed the command, and the exit code."""

    def __init__(self, message: str, *, code: int) -> None:
        super().__init__(message)
        self.code = code


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on uvloop where there is one."""
    sys.setswitchinterval(_SWITCH_S)
    new_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
    if sys.platform != "win32":
        import uvloop

        new_loop = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(main)


def take_handles(connections: int) -> None:
    """Have this process's file handles suffice for so many connections, or say that they can't."""
    wanted = connections + _OTHER_HANDLES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if allowed < wanted:
        log.warning(
            "server.connections is %d, which takes %d file handles; this process may have %d",
            connections,
            wanted,
            allowed,
        )


def fail(message: str, *, code: int = 1) -> NoReturn:
    """Leave with one line."""
    raise Failure(message, code=code)


async def until_told(work: Callable[[asyncio.Event], Awaitable[T]]) -> T:
    """Run ``work`` with an event that the first SIGTERM or SIGINT sets; the second ends us at once."""
    stop = asyncio.Event()

    def told() -> None:
        if stop.is_set():
            os._exit(1)
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told)
    return await work(stop)
