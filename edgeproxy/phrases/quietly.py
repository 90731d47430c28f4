"""Large work in a thread, unnoticed by live traffic.

Between any two steps of Python a thread gives way to the event loop. What holds that up are steps that are
one to the interpreter, above all a collection of garbage that goes through a million objects made since the
last.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def nothing_collected() -> Iterator[None]:
    """Collect no garbage meanwhile, in any thread. What is not in a cycle is let go of all the same."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
