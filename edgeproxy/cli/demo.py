"""``edgeproxy demo``: emulator, proxy and demo phrases in one go, with an agent's turns to listen to."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from .. import app
from ..config import ConfigError, Settings
from ..core.events import Event, PhraseGenerated, PhraseRefused, TurnEnded
from ..observe import log
from ..operate.purging import scope_of
from ..phrases import due as dues
from ..phrases.pinned import Pinned
from ..phrases.reader import BookErrors
from . import agent
from .bench.origin import emulator
from .common import fail, run, until_told
from .serve import settings_or_fail

_KEY = "demo"
_TOKEN = "demo"
_TIRED = ("come-early", "say-again")
"""Phrases that the demo's night is to make anew; the first of them comes out silent."""
_LOOK_S = 10.0


@click.command()
@click.option("--port", type=int, default=8080, show_default=True, help="The proxy's port.")
@click.option("--emulator-port", type=int, default=8090, show_default=True)
@click.option("--latency", default="v3", show_default=True, help="The emulator's pace.")
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("data/demo"),
    show_default=True,
    help="Records live here; a second demo finds those of the first.",
)
@click.option(
    "--phrases",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of phrase books.  [default: phrases, if there is one]",
)
@click.option("--once", is_flag=True, help="Leave after the agent's turns.")
def demo(
    port: int, emulator_port: int, latency: str, data_dir: Path, phrases: Path | None, once: bool
) -> None:
    """Try it all on this machine: no key, no network, real speech at Sarvam's pace."""
    if phrases is None and Path("phrases").is_dir():
        phrases = Path("phrases")
    settings = settings_or_fail(
        None,
        server={"port": port},
        origin={
            "url": f"http://127.0.0.1:{emulator_port}",
            "api_key": _KEY,
            "prewarm_voices": [
                {
                    "target_language_code": line.language,
                    "speaker": line.speaker,
                    "speech_sample_rate": 24000,
                }
                for line in agent.LINES
            ],
        },
        cache={"data_dir": data_dir},
        phrases={"directory": phrases},
        admin={"token": _TOKEN},
    )
    log.configure(format=settings.log.format, level="warning")
    try:
        run(until_told(lambda stop: _demo(settings, emulator_port, latency, stop, once=once)))
    except (ConfigError, BookErrors) as error:
        fail(str(error), code=2)
    except OSError as error:
        fail(f"{error}; another port: --port, --emulator-port")


async def _demo(
    settings: Settings, emulator_port: int, latency: str, stop: asyncio.Event, *, once: bool
) -> None:
    console = Console(highlight=False)
    verdicts: list[str] = []
    made: asyncio.Queue[str] = asyncio.Queue()

    def hear(event: Event) -> None:
        log.tell(event)
        if isinstance(event, PhraseGenerated | PhraseRefused):
            made.put_nowait(event.phrase)
        if isinstance(event, TurnEnded):
            verdicts[:] = [segment.verdict for segment in event.segments]

    async with (
        emulator(latency, port=emulator_port) as origin,
        app.running(settings, emit=hear) as proxy,
    ):
        await _agent_speaks(console, proxy.url, verdicts)
        if once:
            return
        async with asyncio.TaskGroup() as tasks:
            making = tasks.create_task(
                _until_there_is_something_to_see(console, proxy, made, origin)
            )
            told = tasks.create_task(stop.wait())
            await asyncio.wait((making, told), return_when=asyncio.FIRST_COMPLETED)
            making.cancel()
            told.cancel()
        if stop.is_set():
            return
        console.print(
            f"\nConsole: {proxy.operator_url}/console (token: {_TOKEN}). The agent goes on speaking, so that "
            "there is something to see.\n\n"
            "It runs until Ctrl-C. Three things to try in another terminal:\n\n"
            f'  edgeproxy say "नमस्ते, मैं आपकी क्या मदद कर सकता हूँ?" --url {proxy.url} -o hello.wav\n'
            "  the same again: a hit\n"
            "  your own LiveKit agent: sarvam.TTS(…,\n"
            f'      base_url="{proxy.url}/text-to-speech",\n'
            f'      ws_url="{proxy.url.replace("http", "ws")}/text-to-speech/ws")',
            markup=False,
            soft_wrap=True,
        )
        await _agent_goes_on(proxy.url, stop)


async def _agent_goes_on(url: str, stop: asyncio.Event) -> None:
    """Until ``stop`` is set, where LiveKit's plugin is there to speak."""
    async with asyncio.TaskGroup() as tasks:
        speaking = tasks.create_task(_speak_on(url))
        await stop.wait()
        speaking.cancel()


async def _speak_on(url: str) -> None:
    with suppress(ImportError):  # who hasn't the plugin was told so before
        await agent.keep_speaking(url, key=_KEY)


async def _until_there_is_something_to_see(
    console: Console, proxy: app.Proxy, made: asyncio.Queue[str], origin: str
) -> None:
    await _phrases_are_made(console, proxy, made)
    await _a_night(console, proxy, origin)


async def _a_night(console: Console, proxy: app.Proxy, origin: str) -> None:
    """A night as it might be: two phrases were marked to be made anew, and of one comes nothing."""
    tired = [
        pinned
        for name in _TIRED
        for pinned in proxy.generations
        if pinned.voice["language"] == "en-IN" and pinned.phrases[0].endswith(f"/{name}")
    ]
    if not tired:
        return
    silent = {"faults": [{"fault": "silence", "text": tired[0].text}]}
    with console.status("a night, as it might be …"):
        async with aiohttp.ClientSession(origin) as session:
            await session.post("/emulator/faults", json=silent)
            for pinned in tired:
                await proxy.purging.purge(scope_of(pinned), soft=True)
            report = await proxy.night.run(datetime.now(UTC))
            await session.post("/emulator/faults", json={"faults": []})
    console.print(f"\nA night was run, in which the origin was silent once: {report}")


async def _phrases_are_made(console: Console, proxy: app.Proxy, made: asyncio.Queue[str]) -> None:
    """Show how the phrases of the books are made, one after the other; ``made`` has their names."""
    wanted = dues.units(proxy.books.library)

    def there() -> list[Pinned]:
        found = (proxy.generations.find(key) for key in wanted)
        return [each for each in found if each is not None and each.latest is not None]

    if len(there()) < len(wanted):
        columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
        with Progress(*columns, console=console) as progress:
            task = progress.add_task("phrases of the books are made", total=len(wanted))
            while (done := len(there())) < len(wanted):
                progress.update(task, completed=done)
                try:
                    # What was refused for good is told no more.
                    async with asyncio.timeout(_LOOK_S):
                        progress.update(task, description=await made.get())
                except TimeoutError:
                    break
            progress.update(task, completed=len(there()))
    if not wanted:
        return
    ready = sum(each.spoken is not None for each in there())
    waiting = len(there()) - ready
    console.print(
        f"\n{ready} of {len(wanted)} recordings of the phrase books are hits from now on"
        + (f"; {waiting} wait to be picked (edgeproxy phrases use)" if waiting else "")
    )


async def _agent_speaks(console: Console, url: str, verdicts: list[str]) -> None:
    """``verdicts``: those of the segments of the latest turn."""
    table = Table(
        "",
        "language",
        "first audio",
        "sound",
        "segments",
        title="An agent (LiveKit's Sarvam plugin) speaks through the proxy",
        title_justify="left",
        box=None,
        header_style="dim",
    )
    try:
        for name in ("first time", "again"):
            with console.status(f"an agent speaks, {name} …"):
                async for spoken in agent.speak_lines(url, key=_KEY):
                    table.add_row(
                        name,
                        spoken.line.language,
                        f"{spoken.first_audio_s * 1000:.1f} ms",
                        f"{spoken.sound_s:.1f} s",
                        ", ".join(verdicts),
                    )
    except ImportError:
        console.print("(install 'edgeproxy\\[demo]' to see LiveKit's plugin speak here)")
        return
    console.print(table)
