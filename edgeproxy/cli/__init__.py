"""The command line: a verb = a function. Exit codes: 0 ok, 1 failed, 2 usage or configuration.

A mistake is one line on standard error, with the remedy; tracebacks are for bugs.
"""

import sys
from importlib import import_module
from typing import Final, NoReturn

import click

from .. import __version__
from .common import Failure

_VERBS: Final = ("serve", "demo", "emulate", "say", "phrases", "bench")
"""Each is a module of that name here, and a command in it."""


class _Verbs(click.Group):
    """Imports a verb when it is asked for: a server at its start need not wait for what benchmarks are made
    of."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _VERBS:
            return None
        command: click.Command = getattr(import_module(f".{cmd_name}", __package__), cmd_name)
        return command


@click.group(
    cls=_Verbs,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    no_args_is_help=False,
)
@click.version_option(__version__, prog_name="edgeproxy")
def edgeproxy() -> None:
    """An edge caching proxy for Sarvam text-to-speech."""


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
