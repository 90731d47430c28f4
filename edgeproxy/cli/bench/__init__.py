"""``edgeproxy bench``: how fast it is, measured here and now, as ratios within one run."""

import click

from .turns import turns


@click.group(no_args_is_help=False)
def bench() -> None:
    """Measure on this machine what the proxy gains; no key and no network needed."""


bench.add_command(turns)
