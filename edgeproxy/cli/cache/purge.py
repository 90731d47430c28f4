"""``edgeproxy cache purge``: what must not be heard any more, or not as it is."""

from collections.abc import Sequence

import click

from ... import app
from ...cache.purge import Scope
from ...config import Settings
from ...core.words import count
from ...operate.purging import scope_of
from ..common import fail, run
from ..phrases.naming import named
from ..phrases.rooms import with_data, workshop
from .voices import voice_fields


@click.command()
@click.option("--text", help="Exactly this text, in all voices and for all clients.")
@click.option("--prefix", help="Texts that begin so.")
@click.option(
    "--voice",
    "voices",
    multiple=True,
    metavar="FIELD=VALUE",
    help="Only what is said so: speaker=ritu, language=hi-IN, model=bulbul:v3, dict_id=…",
)
@click.option(
    "--namespace", help="Only what is kept for these clients; `books` is what books hold."
)
@click.option("--phrase", metavar="BOOK/ID", help="The recordings of a phrase; it is made anew.")
@click.option("--all", "everything", is_flag=True, help="Everything.")
@click.option("--soft", is_flag=True, help="Go on serving it while it is renewed.")
@with_data
def purge(
    settings: Settings,
    text: str | None,
    prefix: str | None,
    voices: tuple[str, ...],
    namespace: str | None,
    phrase: str | None,
    *,
    everything: bool,
    soft: bool,
) -> None:
    """Let what fits all that is given be heard no more; a running proxy knows within seconds.

    It holds for recordings that are being made at this moment, too. What books hold is made anew at once.
    """
    scope = Scope.said(text=text, prefix=prefix, namespace=namespace, voice=voice_fields(voices))
    if scope.blank is not None:  # a variable of a script that is not set
        raise click.UsageError(f"--{scope.blank} is empty; what covers everything is --all")
    if phrase is not None:
        if everything or scope != Scope():
            raise click.UsageError("--phrase stands alone, with --soft at the most")
    elif everything == (scope != Scope()):
        raise click.UsageError(
            "say what: --text, --prefix, --voice, --namespace, --phrase, or --all"
        )
    run(_purge(settings, scope, phrase, soft=soft))


async def _purge(settings: Settings, scope: Scope, phrase: str | None, *, soft: bool) -> None:
    async with workshop(settings) as shop:
        scopes = [scope] if phrase is None else _scopes_of(phrase, shop)
        records = phrases = 0
        for each in scopes:
            try:
                outcome = await shop.purging.purge(each, soft=soft)
            except OSError as error:
                fail(
                    f"nothing was purged: {error.filename or ''} {error.strerror or error}".strip()
                )
            records += outcome.records
            phrases += outcome.phrases
    of_books = f", {count(phrases, 'recording')} of books" if phrases else ""
    if soft:
        click.echo(f"stale from now on: {phrase or scope}{of_books}")
    elif records or phrases:
        click.echo(f"gone: {phrase or scope}: {count(records, 'record')}{of_books}")
    else:
        click.echo(
            f"nothing was there: {phrase or scope}; nor will be what is being made of it now"
        )


def _scopes_of(phrase: str, shop: app.Workshop) -> Sequence[Scope]:
    return [scope_of(pinned) for pinned in named(phrase, shop.library, shop.generations)]
