"""``edgeproxy token``: a fresh token for a tenant, and the line of it that the tenants file holds."""

import secrets
import sys

import click

from ..downstream.terms import written
from .common import fail


@click.command()
@click.option(
    "--of",
    "existing",
    is_flag=True,
    help="Print the line of a token or key that is there already, read from standard input.",
)
def token(existing: bool) -> None:
    """Print a fresh token, and its line for the tenants file.

    The token is shown this once and stored nowhere: give it to the agent, in place of a Sarvam key. The
    line below it, `sha256:...`, goes into `tokens:` of its tenant (docs/front-door.md).
    """
    if existing:
        given = sys.stdin.readline().strip()
        if not given:
            fail("no token on standard input", code=2)
        click.echo(written(given))
        return
    # 256 random bits: nobody guesses it, with its hash at hand or without.
    fresh = f"ept_{secrets.token_urlsafe(32)}"
    click.echo(fresh)
    click.echo(written(fresh))
