"""``edgeproxy demo``: emulator, proxy and demo phrases in one go, with an agent's turns to listen to."""

import asyncio
import contextlib
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from .. import app
from ..config import ConfigError, Settings
from ..core.events import Event, PhraseGenerated, PhraseRefused, TurnEnded
from ..observe import log
from ..phrases.reader import BookErrors
from . import agent
from .bench.origin import emulator
from .common import fail, run, until_told
from .serve import settings_or_fail

_KEY = "demo"
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
    made = asyncio.Event()

    def hear(event: Event) -> None:
        log.tell(event)
        if isinstance(event, PhraseGenerated | PhraseRefused):
            made.set()
        if isinstance(event, TurnEnded):
            verdicts[:] = [segment.verdict for segment in event.segments]

    async with (
        emulator(latency, port=emulator_port),
        app.running(settings, emit=hear) as proxy,
    ):
        await _agent_speaks(console, proxy.url, verdicts)
        if once:
            return
        await _phrases_are_made(console, proxy, made, stop)
        console.print(
            "\nIt runs until Ctrl-C. Three things to try in another terminal:\n\n"
            f'  edgeproxy say "नमस्ते, मैं आपकी क्या मदद कर सकता हूँ?" --url {proxy.url} -o hello.wav\n'
            "  the same again: a hit\n"
            "  your own LiveKit agent: sarvam.TTS(…,\n"
            f'      base_url="{proxy.url}/text-to-speech",\n'
            f'      ws_url="{proxy.url.replace("http", "ws")}/text-to-speech/ws")',
            markup=False,
            soft_wrap=True,
        )
        await stop.wait()


async def _phrases_are_made(
    console: Console, proxy: app.Proxy, made: asyncio.Event, stop: asyncio.Event
) -> None:
    """Show how the phrases of the books are made; ``made`` is set with each."""

    def missing() -> int:
        due = proxy.generator.plan(proxy.books.library, now=datetime.now(UTC))
        return sum(each.reason == "new" for each in due)

    total = await asyncio.to_thread(missing)
    if not total:
        return
    with Progress(console=console) as progress:
        task = progress.add_task("phrases of the books are made", total=total)
        left = total
        while left and not stop.is_set():
            made.clear()
            with contextlib.suppress(TimeoutError):
                # A look now and then, too: what was refused for good is told no more.
                async with asyncio.timeout(_LOOK_S):
                    await made.wait()
            left = min(left, await asyncio.to_thread(missing))
            progress.update(task, completed=total - left)
            if not made.is_set():
                break


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
