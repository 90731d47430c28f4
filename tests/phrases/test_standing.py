"""How each phrase stands: the worst that can be said of it, and only that."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from edgeproxy.core.turn import Cuts
from edgeproxy.phrases.due import Unit, units
from edgeproxy.phrases.generations import Generations
from edgeproxy.phrases.library import Library
from edgeproxy.phrases.pinned import Failure, Generation
from edgeproxy.phrases.standing import Standing, State, standings

NOW = datetime(2026, 11, 26, 2, 30, tzinfo=UTC)
BOOK = """
languages: [en-IN]
voice: {model: "bulbul:v3", speaker: ritu}
sample_rates: [8000]
phrases:
  two: Hello there. How are you?
  chance:
    en-IN: Whatever comes.
    pin: false
"""


class Desk:
    """A book of two phrases, and what was made of the one of two sentences."""

    def __init__(self, folder: Path) -> None:
        (folder / "desk.yaml").write_text(BOOK, encoding="utf-8")
        self.library = Library.load(folder, Cuts())
        self.generations = Generations(folder / "generations.json")
        self.units: list[Unit] = list(units(self.library).values())

    def make(self, unit: Unit, number: int = 1, *, move: bool = True, days: int = 0) -> None:
        generation = Generation(
            number=number,
            made=NOW - timedelta(days=days),
            rate=8000,
            seconds=1.5,
            characters=len(unit.text),
            loudness_dbfs=-20.0,
        )
        self.generations.add(unit.voice, unit.text, generation, phrases=unit.phrases, move=move)

    def fail(self, unit: Unit, *, attempts: int = 1) -> None:
        why = Failure(when=NOW, reasons=("too short: 0.2 s",), attempts=attempts)
        self.generations.fail(unit.voice, unit.text, why, phrases=unit.phrases)

    def two(self) -> Standing:
        return standings(self.library, self.generations)[0]


def test_a_phrase_stands_as_its_worst_recording_does(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    first, second = desk.units
    assert desk.two().state is State.MISSING
    desk.make(first, days=3)
    assert (desk.two().state, len(desk.two().heard)) == (State.MISSING, 1)
    desk.make(second)
    assert desk.two().state is State.READY
    assert desk.two().made == NOW - timedelta(days=3)
    desk.make(second, 2, move=False)
    assert desk.two().state is State.WAITS
    desk.generations.use(second.key, 1)
    assert desk.two().state is State.HELD
    desk.fail(first, attempts=0)
    assert desk.two().state is State.STALE
    desk.fail(second)
    assert desk.two().state is State.FAILED
    assert [each.state for each in desk.two().recordings] == [State.STALE, State.FAILED]


def test_what_nobody_has_picked_is_not_heard(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    for unit in desk.units:
        desk.make(unit, move=False)
    assert (desk.two().state, desk.two().heard, desk.two().made) == (State.PICK, [], None)


def test_what_is_left_to_chance_has_no_recordings(tmp_path: Path) -> None:
    two, chance = standings(Desk(tmp_path).library, Generations(tmp_path / "none.json"))
    assert (two.name, two.text) == ("desk/two", "Hello there. How are you?")
    assert (chance.name, chance.state, chance.recordings) == ("desk/chance", State.CHANCE, ())


def test_a_size_is_that_of_all_generations_at_all_rates(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    unit = desk.units[0]
    desk.make(unit)
    desk.make(unit, 2)
    assert desk.two().recordings[0].size == 2 * 1.5 * 8000 * 2


def test_hits_are_those_of_all_its_recordings(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    counts = {unit.key: number for number, unit in enumerate(desk.units, 1)}
    assert desk.two().hits({**counts, "another": 7}) == 3
