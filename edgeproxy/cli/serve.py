"""``edgeproxy serve``: run the proxy."""

from pathlib import Path
from typing import Any

import click

from .. import app
from ..config import ConfigError, Settings
from ..downstream.secret import DamagedSecret
from ..observe import log
from ..phrases.reader import BookErrors
from .common import fail, run, take_handles, until_told


@click.command()
@click.option(
    "--config", "file", type=click.Path(dir_okay=False, path_type=Path), help="Settings, as YAML."
)
@click.option("--check", is_flag=True, help="Validate settings and books, start nothing.")
@click.option("--host", help="Address to listen on.  [default: 127.0.0.1]")
@click.option("--port", type=int, help="Port to listen on.  [default: 8080]")
@click.option("--upstream", metavar="URL", help="The origin.  [default: https://api.sarvam.ai]")
@click.option(
    "--data-dir", type=click.Path(file_okay=False, path_type=Path), help="Records live here."
)
@click.option(
    "--phrases", type=click.Path(file_okay=False, path_type=Path), help="Folder of phrase books."
)
def serve(
    file: Path | None,
    check: bool,
    host: str | None,
    port: int | None,
    upstream: str | None,
    data_dir: Path | None,
    phrases: Path | None,
) -> None:
    """Run the proxy.

    Every setting is also an environment variable EDGEPROXY_<ROOM>__<NAME>; options win over them, they
    win over the file. The origin's key is read from SARVAM_API_KEY.
    """
    settings = settings_or_fail(
        file,
        server={"host": host, "port": port},
        origin={"url": upstream},
        cache={"data_dir": data_dir},
        phrases={"directory": phrases},
    )
    try:
        library = app.check(settings)
        if check:
            click.echo(f"fine: settings and {len(library)} phrases")
            return
        log.configure(
            format=settings.log.format,
            level=settings.log.level,
            with_texts=settings.log.texts,
        )
        take_handles(settings.server.connections)
        run(until_told(lambda stop: app.serve(settings, stop=stop)))
    except (ConfigError, BookErrors, DamagedSecret) as error:
        fail(str(error), code=2)
    except OSError as error:
        why = error.strerror or error
        # An error of the disk names its file; one of the network has none.
        if error.filename is not None:
            fail(
                f"cannot use {error.filename}: {why}; let this user write there, "
                "or name another folder with --data-dir"
            )
        fail(f"cannot listen on {settings.server.host}:{settings.server.port}: {why}")


def settings_or_fail(file: Path | None, **rooms: dict[str, Any]) -> Settings:
    """The settings with the options that were given, or one line and exit code 2."""
    given = {
        room: {name: value for name, value in values.items() if value is not None}
        for room, values in rooms.items()
    }
    try:
        return Settings.load(file, overrides=given)
    except ConfigError as error:
        fail(str(error), code=2)
