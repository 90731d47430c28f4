"""Generations and pointers, on real files: what is held stays, what is saved is there whatever happens."""

import asyncio
import random
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeproxy.core.voice import Voice
from edgeproxy.phrases.generations import Failure, Generation, Generations, Pinned
from edgeproxy.sarvam import models

NOW = datetime(2026, 11, 24, 2, 30, tzinfo=UTC)
VOICE = Voice({"model": "bulbul:v3", "language": "en-IN", "speaker": "ritu", "rate": 22050})
OTHER = Voice({**VOICE.fields, "speaker": "neha"})
HELLO = "Hello."


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "generations.json"


def generation(number: int) -> Generation:
    return Generation(number, NOW, 22050, 0.5 + number, len(HELLO), -20.0)


def add(to: Generations, number: int, *, text: str = HELLO, move: bool = True) -> Pinned:
    return to.add(VOICE, text, generation(number), phrases=["desk/hello"], move=move)


def speaks(by: Generations, text: str = HELLO) -> int | None:
    found = by.speaking(VOICE, text)
    return None if found is None else found.number


def test_what_was_added_speaks_at_every_rate_and_in_no_other_voice(file: Path) -> None:
    generations = Generations(file)

    add(generations, 1)

    for rate in models.REST_RATES:
        assert generations.speaking(VOICE.at_rate(rate), HELLO) == generation(1)
    assert generations.speaking(OTHER, HELLO) is None
    assert generations.speaking(VOICE, "Goodbye.") is None
    assert generations.get(VOICE.at_rate(8000), HELLO) == next(iter(generations))


def test_the_pointer_moves_only_when_it_is_told_to(file: Path) -> None:
    generations = Generations(file)

    add(generations, 1, move=False)
    before = speaks(generations)
    add(generations, 2)
    add(generations, 3, move=False)

    assert (before, speaks(generations)) == (None, 2)


def test_a_held_pointer_stays_until_it_is_released(file: Path) -> None:
    generations = Generations(file)
    for number in (1, 2):
        unit = add(generations, number)

    generations.use(unit.key, 1)
    add(generations, 3)
    held = speaks(generations)
    generations.release(unit.key)
    released = speaks(generations)
    add(generations, 4)

    assert (held, released, speaks(generations)) == (1, 3, 4)


def test_a_generation_that_is_not_there_cannot_be_used(file: Path) -> None:
    generations = Generations(file)
    unit = add(generations, 1)

    with pytest.raises(ValueError, match="there is no generation 7 of it; there are 1"):
        generations.use(unit.key, 7)

    assert not generations[unit.key].held


def test_a_failure_leaves_what_speaks_and_a_success_forgets_it(file: Path) -> None:
    generations = Generations(file)
    add(generations, 1)

    for _ in range(2):
        unit = generations.fail(VOICE, HELLO, Failure(NOW, ("0.02 s is too short",), 3))
    assert unit.failed == Failure(NOW, ("0.02 s is too short",), 6)
    assert (speaks(generations), unit.phrases) == (1, ("desk/hello",))

    assert add(generations, 2).failed is None


def test_old_generations_go_but_never_the_one_that_is_heard(file: Path) -> None:
    generations = Generations(file)
    for number in range(1, 6):
        unit = add(generations, number)
    generations.use(unit.key, 1)

    dropped = generations.drop_beyond(unit.key, 2)

    assert [each.number for each in dropped] == [2, 3]
    assert [each.number for each in generations[unit.key].generations] == [1, 4, 5]
    assert generations.drop_beyond(unit.key, 2) == []


def test_what_is_retired_is_heard_no_more(file: Path) -> None:
    generations = Generations(file)
    unit = add(generations, 1)
    generations.save()

    generations.retire(unit.key)
    generations.save()

    assert (speaks(generations), len(generations)) == (None, 0)
    assert list(Generations.load(file)) == []


def test_what_was_saved_is_loaded(file: Path) -> None:
    generations = Generations.load(file)
    for number in (1, 2):
        unit = add(generations, number)
    generations.use(unit.key, 1)
    generations.fail(OTHER, HELLO, Failure(NOW, ("silent",), 3), phrases=["desk/hello"])
    generations.used_by(unit.key, phrases=["desk/a", "desk/b"], unused_since=NOW)
    generations.save()

    loaded = Generations.load(file)

    assert list(loaded) == list(generations)
    assert speaks(loaded) == 1
    assert not loaded.changed_on_disk()


def test_without_a_file_there_is_nothing_yet_and_nothing_is_written(file: Path) -> None:
    generations = Generations.load(file)
    generations.save()

    assert list(generations) == []
    assert not generations.changed_on_disk()
    assert not file.parent.exists()


def test_what_another_process_changed_is_seen_and_read(file: Path) -> None:
    server, command = Generations.load(file), Generations.load(file)
    unit = add(server, 1)
    add(server, 2)
    server.save()

    assert command.changed_on_disk()
    command.reload()
    command.use(unit.key, 1)
    command.save()

    assert server.changed_on_disk()
    assert speaks(server) == 2
    server.reload()
    assert speaks(server) == 1
    assert not server.changed_on_disk()


def test_nobody_undoes_what_another_process_did_meanwhile(file: Path) -> None:
    server = Generations.load(file)
    unit = add(server, 1)
    server.save()
    command = Generations.load(file)

    add(server, 2)
    add(server, 1, text="Goodbye.")
    command.use(unit.key, 1)
    command.save()
    server.save()

    for each in (server, Generations.load(file)):
        assert (speaks(each), speaks(each, "Goodbye.")) == (1, 1)
        assert [made.number for made in each[unit.key].generations] == [1, 2]


def test_what_is_not_saved_yet_survives_a_reload(file: Path) -> None:
    server, command = Generations.load(file), Generations.load(file)
    add(server, 1)
    add(command, 1, text="Goodbye.")
    command.save()

    server.reload()
    reloaded = speaks(server), speaks(server, "Goodbye.")
    server.save()

    assert reloaded == (1, 1)
    assert len(Generations.load(file)) == 2


def test_a_save_that_fails_leaves_the_old_file_and_may_be_tried_again(file: Path) -> None:
    generations = Generations.load(file)
    add(generations, 1)
    generations.save()
    in_the_way = file.with_name("generations.json.new")
    in_the_way.mkdir()
    add(generations, 2)

    with pytest.raises(OSError, match=r"generations\.json\.new"):
        generations.save()
    assert speaks(Generations.load(file)) == 1

    in_the_way.rmdir()
    generations.save()
    assert speaks(Generations.load(file)) == 2


@pytest.mark.parametrize(
    "damage", [b"", b"{", b"[]", b'{"version":1,"units":[{}]}', b'{"version":99,"units":[]}']
)
def test_a_damaged_file_is_put_aside_and_told_of(
    file: Path, caplog: pytest.LogCaptureFixture, damage: bytes
) -> None:
    file.parent.mkdir()
    file.write_bytes(damage)

    generations = Generations.load(file)
    add(generations, 1)
    generations.save()

    assert file.with_name("generations.json.damaged").read_bytes() == damage
    assert "can't be read" in caplog.text
    assert speaks(Generations.load(file)) == 1


async def test_saves_and_changes_may_go_on_at_once(file: Path) -> None:
    generations = Generations.load(file)

    async def work(worker: int) -> None:
        for number in range(1, 11):
            add(generations, number, text=f"Text {worker}.")
            await asyncio.to_thread(generations.save)
            assert speaks(Generations.load(file), f"Text {worker}.") == number

    async with asyncio.TaskGroup() as group:
        for worker in range(4):
            group.create_task(work(worker))

    assert list(Generations.load(file)) == list(generations)


STEP = st.tuples(
    st.sampled_from(["add", "add beside", "use", "release", "drop", "save", "reload"]),
    st.integers(0, 1),
    st.integers(0, 2),
)


@given(st.lists(STEP, max_size=40))
def test_two_processes_agree_whatever_they_do_and_what_is_held_stays(
    steps: list[tuple[str, int, int]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        both = [Generations.load(Path(folder, "g.json")) for _ in range(2)]
        for what, who, choice in steps:
            one = both[who]
            unit = one.get(VOICE, HELLO)
            if what in ("add", "add beside"):
                number = unit.latest.number + 1 if unit and unit.latest else 1
                after = add(one, number, move=what == "add")
                assert not (unit and unit.held) or after.speaks == unit.speaks
            elif what == "save":
                one.save()
            elif what == "reload":
                one.reload()
            elif unit is not None and what == "release":
                one.release(unit.key)
            elif unit is not None and what == "drop":
                one.drop_beyond(unit.key, 1 + choice)
            elif unit is not None and unit.generations:
                one.use(unit.key, unit.generations[choice % len(unit.generations)].number)
            found = one.get(VOICE, HELLO)
            assert one.speaking(VOICE, HELLO) == (found.spoken if found else None)
        for one in both:
            one.save()
        for one in both:
            one.reload()
        assert list(both[0]) == list(both[1]) == list(Generations.load(both[0].file))
        # The pointer never stands where nothing is.
        assert all(unit.speaks is None or unit.spoken for unit in both[0])


SAVER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from edgeproxy.core.voice import Voice
from edgeproxy.phrases.generations import Generation, Generations

generations = Generations.load(Path(sys.argv[1]))
voice = Voice({"model": "bulbul:v3", "language": "en-IN", "speaker": "ritu", "rate": 22050})
number = max((len(each.generations) for each in generations), default=0)
while True:
    number += 1
    made = Generation(number, datetime(2026, 11, 24, tzinfo=UTC), 22050, 1.0, 6, -20.0)
    generations.add(voice, "Hello.", made, move=True)
    generations.save()
    print(number, flush=True)
"""


def test_a_process_killed_in_the_middle_of_a_save_leaves_a_whole_file(file: Path) -> None:
    chance = random.Random(4)
    saved = 0
    for _ in range(16):
        with subprocess.Popen(
            [sys.executable, "-c", SAVER, str(file)], stdout=subprocess.PIPE, text=True
        ) as child:
            assert child.stdout is not None
            for _ in range(chance.randint(1, 15)):
                saved = int(child.stdout.readline())
            time.sleep(chance.uniform(0, 0.005))  # somewhere in the next saves
            child.kill()
            saved = max([saved, *map(int, child.stdout.read().split())])

        (unit,) = Generations.load(file)

        # At most one more than it could tell of.
        assert unit.speaks in (saved, saved + 1)
        assert [each.number for each in unit.generations] == list(range(1, unit.speaks + 1))
    assert {path.name for path in file.parent.iterdir()} <= {file.name, f"{file.name}.new"}


def test_a_unit_from_elsewhere_comes_whole_where_nothing_was_made_here(
    file: Path, tmp_path: Path
) -> None:
    elsewhere = Generations(tmp_path / "elsewhere.json")
    for number in (1, 2):
        unit = add(elsewhere, number)
    unit = elsewhere.use(unit.key, 1)
    failure = Failure(NOW, ("silent",), 3)
    failed = elsewhere.fail(VOICE, "Goodbye.", failure)
    here = Generations(file)
    here.fail(VOICE, HELLO, failure)
    here.save()
    here.take(unit)
    here.take(failed)
    assert list(here) == [unit, failed]
    # Meanwhile somebody made it here.
    beside = Generations.load(file)
    ours = add(beside, 7)
    beside.save()
    here.save()
    assert Generations.load(file)[unit.key] == ours
    assert here[unit.key] == ours
    assert Generations.load(file)[failed.key] == failed
