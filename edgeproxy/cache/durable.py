"""Files that are there whole or not at all, whatever happens in between."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def replace(file: Path, data: bytes) -> None:
    """Let ``file`` be ``data``, in one step, safe on disk when this returns.

    The file gets mode 0600, its folder is made with 0700 if need be. Raises OSError; then the old file is as
    it was. Blocks. Writers have to keep out of each other's way.
    """
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # One name for all, so that what a crash leaves behind is used up by the next.
    fresh = file.with_name(f"{file.name}.new")
    with open(fresh, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as opened:
        opened.write(data)
        opened.flush()
        os.fsync(opened.fileno())
    fresh.replace(file)
    folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def alone(folder: Path) -> Iterator[int]:
    """Keep out of the way of whoever else writes in ``folder``, in whatever process; gives it, opened.

    Raises OSError, also where there is no such folder. Blocks.
    """
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield opened
    finally:
        os.close(opened)


def stamp(file: Path) -> tuple[int, int, int] | None:
    """What tells one content of ``file`` from another, without reading it; None: it is not there. Raises
    OSError."""
    try:
        found = file.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
