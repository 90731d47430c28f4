"""What the verbs of ``phrases`` open (settings from options, rooms from those), and how they say figures and
how far they are."""

import functools
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NoReturn

import click
from pydantic import SecretStr
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ... import app
from ...config import ConfigError, Settings
from ...core.words import count
from ...downstream.secret import DamagedSecret
from ...observe import log
from ...phrases import generate
from ...phrases.problem import BookErrors, Problem
from ..common import fail
from ..serve import settings_or_fail

_USUAL: Final = Path("phrases")
_WIDE: Final = 200
_LINES: Final = 20
"""Lines of progress where there is no terminal."""
_AGES: Final = ((86_400, "day"), (3600, "hour"), (60, "minute"))


def with_settings(verb: Callable[..., None]) -> Callable[..., None]:
    """Give a verb the options that name books, data and settings, and call it with the settings they come to.

    The folder of books is ``phrases`` where nothing else is said and there is one.
    """

    @click.option(
        "--config",
        "file",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Settings, as YAML.",
    )
    @click.option(
        "--phrases",
        type=click.Path(file_okay=False, path_type=Path),
        help="Folder of phrase books.  [default: phrases]",
    )
    @click.option(
        "--data-dir",
        type=click.Path(file_okay=False, path_type=Path),
        help="Where recordings live; the server's.  [default: data]",
    )
    @click.option("--upstream", metavar="URL", help="The origin.  [default: https://api.sarvam.ai]")
    @functools.wraps(verb)
    def with_options(
        file: Path | None,
        phrases: Path | None,
        data_dir: Path | None,
        upstream: str | None,
        **own: Any,
    ) -> None:
        def settings(directory: Path | None) -> Settings:
            return settings_or_fail(
                file,
                origin={"url": upstream},
                cache={"data_dir": data_dir},
                phrases={"directory": directory},
            )

        found = settings(phrases)
        if found.phrases.directory is None and _USUAL.is_dir():
            found = settings(_USUAL)
        verb(found, **own)

    return with_options


def with_books(verb: Callable[..., None]) -> Callable[..., None]:
    """The same for a verb that is about books: without a folder of them it ends with exit code 2."""

    @functools.wraps(verb)
    def with_folder(settings: Settings, **own: Any) -> None:
        if settings.phrases.directory is None:
            fail(f"no folder of books: there is no `{_USUAL}` here; use --phrases DIR", code=2)
        verb(settings, **own)

    return with_settings(with_folder)


def with_data(verb: Callable[..., None]) -> Callable[..., None]:
    """The same for a verb that is about what is kept: without a folder of it it ends with exit code 2."""

    @functools.wraps(verb)
    def with_folder(settings: Settings, **own: Any) -> None:
        if not settings.cache.data_dir.is_dir():
            fail(f"there is no folder {settings.cache.data_dir}; use --data-dir DIR", code=2)
        verb(settings, **own)

    return with_settings(with_folder)


@asynccontextmanager
async def workshop(settings: Settings, *, asks_origin: bool = False) -> AsyncIterator[app.Workshop]:
    """Open the rooms. Who asks the origin for nothing needs no key; books that are wrong are told in full."""
    if settings.origin.api_key is None and not asks_origin:
        origin = settings.origin.model_copy(update={"api_key": SecretStr("none")})
        settings = settings.model_copy(update={"origin": origin})
    log.configure(format=settings.log.format, level="error")
    try:
        async with app.workshop(settings) as shop:
            yield shop
    except (ConfigError, DamagedSecret) as error:
        fail(str(error), code=2)
    except BookErrors as error:
        refuse(settings, error.problems, code=2)


def refuse(settings: Settings, problems: tuple[Problem, ...], *, code: int) -> NoReturn:
    """Leave because of what is wrong with the books, each problem on a line of standard error."""
    tell(problems)
    errors = sum(each.severity == "error" for each in problems)
    fail(f"{count(errors, 'error')} in {settings.phrases.directory}", code=code)


def tell(problems: tuple[Problem, ...]) -> None:
    """Write ``file:line:column: severity: what to put right``, one line each, to standard error."""
    for problem in problems:
        click.echo(str(problem), err=True)


def console(**options: Any) -> Console:
    """Where tables go: as wide as the terminal; wide enough where there is none, for grep and files."""
    found = Console(highlight=False, **options)
    if not found.is_terminal and "COLUMNS" not in os.environ:
        found.width = _WIDE
    return found


@contextmanager
def progress() -> Iterator[generate.Progress]:
    """A bar on a terminal; else a line now and then."""
    err = console(stderr=True)
    if not err.is_terminal:

        def line(done: int, total: int, what: str) -> None:
            if done % max(1, total // _LINES) == 0 or done == total:
                click.echo(f"{done} of {total}: {what}", err=True)

        yield line
        return
    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=err) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total, what: bar.update(
            task, completed=done, total=total, description=what
        )


def age(made: datetime, now: datetime) -> str:
    """How long ago, in the largest unit that fits."""
    seconds = (now - made).total_seconds()
    for size, name in _AGES:
        if seconds >= size:
            return count(int(seconds // size), name)
    return "just now"
