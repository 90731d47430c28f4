"""``edgeproxy cache explain``: whether a text would be a hit, and if not, why not."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

import click
import orjson
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ... import app
from ...config import Settings
from ...operate.explanation import Almost, BadQuestion, Explanation, Near, Question, Segment
from ...operate.reasons import quoted, shown
from ...phrases.nearest import differences
from ..common import fail, run
from ..phrases.rooms import age, console, with_data, workshop
from .voices import voice_fields

_COLOURS: Final = {"miss": "red", "stale": "yellow"}
_ON_DISK: Final = (
    "Looked at from outside: what a running proxy has in memory is told as on the disk."
)


@click.command()
@click.argument("text")
@click.option("--language", required=True, help="Language code, such as hi-IN.")
@click.option("--speaker", help="Who speaks.  [default: the model's own]")
@click.option("--model", help="[default: bulbul:v3]")
@click.option("--rate", type=int, help="Sample rate in Hz.  [default: 22050]")
@click.option("--pace", type=float, help="[default: 1.0]")
@click.option(
    "--voice",
    "voices",
    multiple=True,
    metavar="FIELD=VALUE",
    help="Any other field that clients send: temperature=0.3, dict_id=…",
)
@click.option("--tenant", help="As a client of this tenant.")
@click.option("--namespace", help="As a client who hears this namespace.")
@click.option("--json", "as_json", is_flag=True, help="Print it for machines.")
@with_data
def explain(
    settings: Settings,
    text: str,
    voices: tuple[str, ...],
    tenant: str | None,
    namespace: str | None,
    *,
    as_json: bool,
    **named: Any,
) -> None:
    """Say for each segment of TEXT whether it would be a hit; if not, why not, and what comes nearest.

    Without --tenant or --namespace it is enough that somebody would hear it; whose clients those are is said.
    It is a question: nothing is asked of the origin, nothing changes, and the exit code is 0 whatever the
    answer is.
    """
    given = [f"{name}={value}" for name, value in named.items() if value is not None]
    fields = voice_fields([*given, *voices])
    try:
        question = Question.read({**fields, "text": text, "tenant": tenant, "namespace": namespace})
        explanation = run(_explain(settings, question))
    except BadQuestion as error:
        fail(str(error), code=2)
    if as_json:
        click.echo(orjson.dumps(explanation, option=orjson.OPT_INDENT_2).decode())
        return
    out = console()
    for each in explanation.segments:
        out.print(Group(*_block(each)), soft_wrap=False)
    out.print(_said_of_all(explanation), style="dim")


async def _explain(settings: Settings, question: Question) -> Explanation:
    async with workshop(settings) as shop:
        return await app.make_explainer(shop).explain(question)


def _block(segment: Segment) -> Iterator[RenderableType]:
    """One segment: its verdict and its text, below it what is to be said of it."""
    verdict = Text(segment.verdict, style=f"bold {_COLOURS.get(segment.verdict, 'green')}")
    yield Text.assemble(verdict, "  ", segment.text)
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    for name, value in _rows(segment):
        table.add_row(f"  {name}", Text(value))
    yield table
    yield Text()


def _rows(segment: Segment) -> Iterator[tuple[str, str]]:
    for number, sentence in enumerate(segment.why):
        yield "" if number else "why", sentence
    now = datetime.now(UTC)
    if (record := segment.record) is not None:
        how_old = _ago(record.made, now)
        yield (
            "kept",
            f"{record.kept} in {record.namespace}, {record.seconds:.2f} s of sound, made {how_old}",
        )
    for number, near in enumerate(segment.near):
        yield "" if number else "near", _near(near, now)
    if segment.phrase is not None:
        yield from _phrase(segment.phrase)
    if segment.key is not None:
        yield "key", segment.key


def _near(near: Near, now: datetime) -> str:
    differs = ", ".join(
        f"{each.field} {shown(each.asked)} ≠ {shown(each.kept)}" for each in near.differs
    )
    return f"{differs}  ({near.namespace}, made {_ago(near.made, now)})"


def _phrase(phrase: Almost) -> Iterator[tuple[str, str]]:
    yield "phrase", f"{phrase.name} ({phrase.language} {phrase.speaker}): {phrase.text}"
    if phrase.asked or phrase.written:
        yield "  asked", f"{_part(phrase.same)}{quoted(phrase.asked)}"
        yield "  written", f"{_part(phrase.same)}{quoted(phrase.written)}"


def _part(same: str) -> str:
    return f"{quoted(same, end=True)}, then " if same else ""


def _ago(made: datetime, now: datetime) -> str:
    found = age(made, now)
    return found if found == "just now" else f"{found} ago"


def _said_of_all(explanation: Explanation) -> str:
    fields = differences({}, explanation.voice)  # always in the same order
    return f"Voice: {', '.join(f'{each.field} {shown(each.kept)}' for each in fields)}\n{_ON_DISK}"
