"""``edgeproxy phrases check`` and ``schema``: the books as files. No network, no key, no data."""

import json

import click

from ... import app
from ...config import ConfigError, Settings
from ...core.words import count
from ...phrases import book
from ...phrases.problem import BookErrors
from ..common import fail
from .rooms import refuse, tell, with_books


@click.command()
@with_books
def check(settings: Settings) -> None:
    """Say everything that is wrong with the books, and where.

    Each problem is one line on standard error: file, line, column, and what to do. Errors end with exit code
    1; warnings do not. Nothing is asked of anybody, so it can run on every pull request.
    """
    try:
        library = app.load_library(settings)
    except BookErrors as error:
        refuse(settings, error.problems, code=1)
    except ConfigError as error:
        fail(str(error), code=2)
    tell(library.warnings)
    phrases = sum(len(book.phrases) for book in library.books.values())
    warnings = f", {count(len(library.warnings), 'warning')}" if library.warnings else ""
    click.echo(
        f"fine: {count(len(library.books), 'book')} with {count(phrases, 'phrase')}, "
        f"which are {count(len(library), 'text')} in all voices{warnings}"
    )


@click.command()
def schema() -> None:
    """Print the JSON Schema of a book, for editors that complete and check."""
    click.echo(json.dumps(book.schema(), indent=2, ensure_ascii=False))
