"""`phrases plan` and `build`: what would be made, making it, and what comes of failures."""

import re
import signal
from pathlib import Path

from edgeproxy.emulator.server import Emulator
from edgeproxy.phrases.due import Unit
from edgeproxy.phrases.generate import AT_ONCE
from edgeproxy.phrases.price import cost

from ..conftest import Run, Start, line_with
from .conftest import edit, environment, row


def spoken(emulator: Emulator) -> int:
    """How many texts the origin was asked to speak."""
    return emulator.counters.flushes


async def test_the_plan_says_what_why_and_what_it_costs_and_asks_nobody(
    phrases: Run, emulator: Emulator, wanted: list[Unit]
) -> None:
    plan = await phrases("plan", SARVAM_API_KEY="")
    dry = await phrases("build", "--dry-run")
    assert (plan.code, plan.err) == (0, "")
    assert dry.out == plan.out
    line = row(plan.out, "front-desk/your-name", "en-IN")
    assert re.search(r"ritu +new +34 +May I have your full name", line)
    price = cost(sum(unit.characters for unit in wanted))
    total = len(wanted)
    assert plan.out.splitlines()[-1] == f"{total} recordings to make ({total} new): {price}"
    assert spoken(emulator) == 0


async def test_what_is_built_is_built_once_and_an_edit_is_all_there_is_to_do(
    phrases: Run, books: Path, emulator: Emulator, wanted: list[Unit]
) -> None:
    total, takes = len(wanted), sum(unit.takes for unit in wanted)
    manual = sum(unit.manual for unit in wanted)
    built = await phrases("build")
    assert built.code == 0
    price = cost(sum(unit.characters for unit in wanted))
    assert built.out.startswith(f"{total} recordings made: {price}\n")
    assert f"{manual} recordings of these wait to be picked" in built.out
    assert f"{total} of {total}" in built.err
    assert spoken(emulator) == takes > total
    again = await phrases("build")
    assert (again.code, again.err) == (0, "")
    assert again.out.startswith("nothing to do")
    edit(books / "appointments.yaml", "ten minutes early", "five minutes early")
    plan = await phrases("plan")
    assert "changed text" in row(plan.out, "appointments/come-early")
    assert plan.out.splitlines()[-1].startswith("1 recording to make (1 changed text)")
    assert spoken(emulator) == takes


async def test_only_and_all_choose(phrases: Run, emulator: Emulator) -> None:
    one = await phrases("build", "--only", "front-desk/your-name")
    assert one.out.startswith("3 recordings made")
    more = await phrases("build", "--only", "front-desk/your-name", "--all")
    assert more.out.startswith("3 recordings made")
    assert spoken(emulator) == 6
    wrong = await phrases("build", "--only", "front-desk/your-nam")
    assert wrong.code == 2
    assert "did you mean front-desk/your-name?" in wrong.err


async def test_what_fails_its_check_is_told_with_its_figure_and_the_exit_code_is_1(
    phrases: Run, emulator: Emulator
) -> None:
    assert (await phrases("build", "--only", "front-desk/your-name")).code == 0
    emulator.change_faults("silence:text=May I have")
    failed = await phrases("build", "--only", "front-desk/your-name", "--all")
    assert failed.code == 1
    assert failed.out.startswith("2 recordings made")
    line = row(failed.err, "failed: front-desk/your-name: en-IN ritu: May I have your full name")
    assert "it is silent" in line
    state = await phrases("list")
    assert "failed, see below" in row(state.out, "front-desk/your-name", "en-IN", "1/1")
    assert "it is silent" in row(state.out, "failed: front-desk/your-name")
    assert "failed check" in row((await phrases("plan")).out, "your-name", "en-IN")


async def test_without_a_key_nothing_is_built(phrases: Run) -> None:
    ended = await phrases("build", SARVAM_API_KEY="")
    assert ended.code == 2
    assert "SARVAM_API_KEY" in ended.err


async def test_a_budget_is_not_passed_and_the_rest_is_left_for_the_next_run(
    phrases: Run, wanted: list[Unit]
) -> None:
    small = {"EDGEPROXY_PHRASES__CHARACTERS_PER_NIGHT": "1000"}
    plan = await phrases("plan", **small)
    assert "more than the budget" in plan.out
    first = await phrases("build", **small)
    assert first.code == 0
    assert "left for the next run: the budget of 1,000 characters" in first.err
    made = int(first.out.split()[0])
    assert 0 < made < len(wanted)
    plan = await phrases("plan")
    assert plan.out.splitlines()[-1].startswith(f"{len(wanted) - made} recordings to make")


async def test_stopped_half_way_it_goes_on_where_it_was(
    phrases: Run, start: Start, emulator: Emulator, wanted: list[Unit]
) -> None:
    env = environment(emulator.url) | {"EDGEPROXY_PHRASES__CHARACTERS_PER_SECOND": "200"}
    process = await start("phrases", "build", **env)
    await line_with(process, f" of {len(wanted)}: ")
    process.send_signal(signal.SIGINT)
    assert await process.wait() == 1
    plan = await phrases("plan")
    left = int(plan.out.splitlines()[-1].split()[0])
    assert 0 < left < len(wanted)
    ended = await phrases("build")
    assert ended.out.startswith(f"{left} recordings made")
    # Nothing is asked for twice but what was in the air.
    takes = sum(unit.takes for unit in wanted)
    assert takes <= spoken(emulator) <= takes + AT_ONCE


async def test_broken_books_are_told_and_nothing_is_done(
    phrases: Run, books: Path, emulator: Emulator
) -> None:
    edit(books / "front-desk.yaml", "takes: 2", "takes: two")
    ended = await phrases("build")
    assert ended.code == 2
    assert ended.err.startswith("phrases/front-desk.yaml:")
    assert spoken(emulator) == 0
