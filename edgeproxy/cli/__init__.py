"""The command line: a verb = a function. Exit codes: 0 ok, 1 failed, 2 usage or configuration.

A mistake is one line on standard error, with the remedy; tracebacks are for bugs.
"""

import sys
from typing import NoReturn

import click

from .. import __version__
from .bench import bench
from .cache import cache
from .common import Failure
from .demo import demo
from .emulate import emulate
from .phrases import phrases
from .say import say
from .serve import serve


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    no_args_is_help=False,
)
@click.version_option(__version__, prog_name="edgeproxy")
def edgeproxy() -> None:
    """An edge caching proxy for Sarvam text-to-speech."""


for verb in (serve, demo, emulate, say, phrases, cache, bench):
    edgeproxy.add_command(verb)


def main() -> NoReturn:
    """Run the command line and leave with its exit code."""
    try:
        result = edgeproxy(prog_name="edgeproxy", standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(1)
    except click.ClickException as error:
        where = ""
        if isinstance(error, click.UsageError) and error.ctx is not None:
            where = f"; see `{error.ctx.command_path} --help`"
        said = " ".join(error.format_message().split()).rstrip(".")
        print(f"edgeproxy: {said}{where}", file=sys.stderr)
        sys.exit(error.code if isinstance(error, Failure) else error.exit_code)
    sys.exit(result if isinstance(result, int) else 0)
