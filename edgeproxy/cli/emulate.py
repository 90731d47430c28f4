"""``edgeproxy emulate``: run a Sarvam that needs no key and no network."""

import asyncio

import click

from ..emulator.faults import parse_faults
from ..emulator.latency import parse_latency
from ..emulator.server import Emulator
from ..emulator.speech import SpeechUnavailable
from .common import fail, run, until_told


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=int, default=8090, show_default=True)
@click.option(
    "--latency", default="v3", show_default=True, help="instant, v3, seed, or a YAML file."
)
@click.option("--faults", default="", metavar="LIST", help="Such as stall=0.1,missing_final=0.03.")
@click.option("--seed", type=int, default=0, show_default=True, help="Chance is drawn from this.")
@click.option(
    "--key", "keys", multiple=True, help="Let only this key in (repeatable).  [default: any]"
)
def emulate(
    host: str, port: int, latency: str, faults: str, seed: int, keys: tuple[str, ...]
) -> None:
    """Run a Sarvam that speaks here: its protocol, real speech, its pace, and faults at will.

    Faults can be changed while it runs: POST /emulator/faults; GET /emulator/state counts everything.
    """
    try:
        emulator = Emulator(
            latency=parse_latency(latency),
            faults=parse_faults(faults),
            seed=seed,
            keys=keys or None,
        )
    except (ValueError, SpeechUnavailable) as error:
        fail(str(error), code=2)

    async def work(stop: asyncio.Event) -> None:
        url = await emulator.start(host, port)
        click.echo(f"emulator listening on {url}, pace {latency}", err=True)
        await stop.wait()
        await emulator.stop()

    try:
        run(until_told(work))
    except OSError as error:
        fail(f"cannot listen on {host}:{port}: {error.strerror or error}")
