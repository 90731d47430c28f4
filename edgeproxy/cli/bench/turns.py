"""``edgeproxy bench turns``: the seed's six answers through four pipelines, before two origins, in one run.

Turns of all kinds take turns, so that whatever else the machine does falls on all alike. A turn begins
every :data:`EVERY_S`, whether the one before has ended or not: the speech of a long answer takes
seconds to come, in which nobody waits for its first audio any more. The proxy is cold in each round anew: its
records are in a folder that is empty and thrown away, its sessions are open as ever.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import aiohttp
import click
import orjson
from rich.console import Console
from rich.progress import Progress

from ... import __version__, app
from ...config import ConfigError, Settings
from ...core.events import ignore
from ..common import fail, run
from .answers import ANSWERS, Answer, Feed, first_words_s
from .origin import emulator
from .picture import picture
from .pipelines import DECODER_NAME, Pipeline, Plan, Proxied, Today
from .results import PACES, PROFILES, Cell, Results, Took
from .table import show
from .wire import Ear, TurnFailed

EVERY_S: Final = 0.6
"""Between the beginnings of two turns."""

_TURN_S: Final = 60.0
_FIRST_CLAUSE_CHARS: Final[dict[str, dict[str, Any]]] = {
    "seed": {"first_clause_chars": 24},
    "v3": {},
}
"""As one would set it: the seed's origin spoke short texts sooner, v3 does not."""
_WARM_UP: Final = Answer("warm-up", "en-IN", "ritu", "One moment, please.")


@dataclass(frozen=True, slots=True)
class _Job:
    cell: Cell
    pipeline: Pipeline
    answer: Answer


@click.command()
@click.option(
    "--rounds",
    type=click.IntRange(1, 20),
    default=3,
    show_default=True,
    help="Times each is measured.",
)
@click.option("--quick", is_flag=True, help="One round of two answers, for a first impression.")
@click.option(
    "--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="Results."
)
@click.option(
    "--picture",
    "picture_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Results as a chart, in SVG.",
)
def turns(rounds: int, quick: bool, json_file: Path | None, picture_file: Path | None) -> None:
    """Time six answers of an agent: as agents do today, as the seed planned, through a cold and a warm proxy.

    Each is spoken with its text there at once and at the pace of a language model, before an origin like
    that of January 2026 (`seed`) and one like today's (`v3`). About a minute a round.
    """
    for file in (json_file, picture_file):
        if file is not None and not file.parent.is_dir():
            raise click.UsageError(f"{file}: there is no folder {file.parent}")
    answers = ANSWERS[:2] if quick else ANSWERS
    rounds = 1 if quick else rounds
    console = Console(highlight=False)
    try:
        with Progress(console=console, transient=True) as progress:
            results = run(measure(answers, rounds=rounds, progress=progress))
    except ConfigError as error:
        fail(str(error), code=2)
    except (TurnFailed, OSError, ExceptionGroup) as error:
        first = _first(error)
        if not isinstance(first, TurnFailed | OSError):
            raise
        fail(f"the bench broke off: {str(first) or type(first).__name__}")
    about = {"edgeproxy": __version__, "rounds": rounds, "decoder_process": DECODER_NAME}
    show(results, console=console, rounds=rounds, decoder=DECODER_NAME)
    if json_file is not None:
        document = results.to_json(**about)
        json_file.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n")
    if picture_file is not None:
        picture_file.write_text(picture(results, rounds=rounds), encoding="utf-8")


async def measure(answers: Sequence[Answer], *, rounds: int, progress: Progress) -> Results:
    """Run it all. Raises ConfigError, and TurnFailed or OSError (also in groups)."""
    cuts = app.cuts(Settings.load())
    words_ms = {
        (pace, answer.name): first_words_s(answer.text, token_s=token_s, cuts=cuts) * 1000
        for pace, token_s in PACES.items()
        for answer in answers
    }
    results = Results(answers, words_ms)
    task = progress.add_task(
        "starting", total=rounds * len(answers) * len(PROFILES) * len(PACES) * 4
    )

    async def one(job: _Job) -> None:
        results.turns[job.cell].append(await _time(job))
        progress.update(task, advance=1)

    async with AsyncExitStack() as stack:
        origins = {
            profile: await stack.enter_async_context(emulator(profile)) for profile in PROFILES
        }
        http = await stack.enter_async_context(
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        )
        for number in range(rounds):
            async with _cold_proxies(origins, answers) as proxies:
                for proxy in proxies.values():
                    await _warm_up(Proxied(http, proxy.url))
                progress.update(task, description=f"round {number + 1} of {rounds}, cold")
                async with asyncio.TaskGroup() as tasks:
                    for job in _cold_jobs(answers, origins, proxies, http, shift=number):
                        tasks.create_task(one(job))
                        await asyncio.sleep(EVERY_S)
                # Until every fill is kept: from then on the same text is a hit.
                await asyncio.gather(
                    *(proxy.flights.land(timeout_s=_TURN_S) for proxy in proxies.values())
                )
                progress.update(task, description=f"round {number + 1} of {rounds}, warm")
                for job in _warm_jobs(answers, proxies, http):
                    await one(job)
    return results


async def _time(job: _Job) -> Took:
    ear = Ear()
    async with asyncio.timeout(_TURN_S), job.pipeline.ready(job.answer) as speak:
        feed = Feed(job.answer.text, token_s=PACES[job.cell.pace])
        await speak(feed, ear)
    if ear.first is None or ear.last is None:
        raise TurnFailed(f"{job.cell.pipeline}, {job.answer.name}: no audio")
    return Took((ear.first - feed.began) * 1000, (ear.last - feed.began) * 1000)


async def _warm_up(pipeline: Pipeline) -> None:
    """One turn that does not count: the first ever loads what is loaded once."""
    async with pipeline.ready(_WARM_UP) as speak:
        await speak(Feed(_WARM_UP.text, token_s=0.0), Ear())


def _cold_jobs(
    answers: Sequence[Answer],
    origins: Mapping[str, str],
    proxies: Mapping[tuple[str, str], app.Proxy],
    http: aiohttp.ClientSession,
    *,
    shift: int,
) -> Iterator[_Job]:
    """Every turn but the warm ones; the pipelines alternate, each round another first."""
    for answer in answers:
        for (profile, pace), proxy in proxies.items():
            pipelines: list[tuple[str, Pipeline]] = [
                ("today", Today(http, origins[profile])),
                ("plan", Plan(http, origins[profile])),
                ("cold", Proxied(http, proxy.url)),
            ]
            first = shift % len(pipelines)
            for name, pipeline in pipelines[first:] + pipelines[:first]:
                yield _Job(Cell(profile, pace, name, answer.name), pipeline, answer)


def _warm_jobs(
    answers: Sequence[Answer],
    proxies: Mapping[tuple[str, str], app.Proxy],
    http: aiohttp.ClientSession,
) -> Iterator[_Job]:
    for answer in answers:
        for (profile, pace), proxy in proxies.items():
            cell = Cell(profile, pace, "warm", answer.name)
            yield _Job(cell, Proxied(http, proxy.url), answer)


@asynccontextmanager
async def _cold_proxies(
    origins: Mapping[str, str], answers: Sequence[Answer]
) -> AsyncIterator[dict[tuple[str, str], app.Proxy]]:
    """A proxy for each profile and pace, with an empty cache and sessions that are open."""
    async with AsyncExitStack() as stack:
        proxies = {}
        for profile, url in origins.items():
            for pace in PACES:
                folder = stack.enter_context(TemporaryDirectory(prefix="edgeproxy-bench-"))
                settings = Settings.load(
                    overrides={
                        "server": {"port": 0},
                        "origin": {
                            "url": url,
                            "api_key": "bench",
                            "prewarm_voices": _voices(answers),
                        },
                        "turn": _FIRST_CLAUSE_CHARS[profile],
                        "cache": {"data_dir": Path(folder), "min_free_bytes": 0},
                    }
                )
                running = app.running(settings, emit=ignore)
                proxies[profile, pace] = await stack.enter_async_context(running)
        for proxy, ready in ((proxy, settings.pool.ready) for proxy in proxies.values()):
            while any(pool.idle < ready for pool in proxy.pools):  # noqa: ASYNC110 (it has no event)
                await asyncio.sleep(0.01)
        yield proxies


def _voices(answers: Sequence[Answer]) -> list[dict[str, Any]]:
    voices: list[dict[str, Any]] = []
    for answer in answers:
        if answer.voice not in voices:
            voices.append(answer.voice)
    return voices


def _first(error: Exception) -> Exception:
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error
