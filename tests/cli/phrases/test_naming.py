"""Names of phrases and recordings on the command line."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from edgeproxy.cli.common import Failure
from edgeproxy.cli.phrases.naming import clipped, named, short
from edgeproxy.core.turn import Cuts
from edgeproxy.phrases.due import units
from edgeproxy.phrases.generations import Generations
from edgeproxy.phrases.library import Library
from edgeproxy.phrases.pinned import Generation


@pytest.fixture
def library(demo_books: Path) -> Library:
    return Library.load(demo_books, Cuts())


@pytest.fixture
def generations(tmp_path: Path, library: Library) -> Generations:
    """One generation of everything but the greeting."""
    generations = Generations(tmp_path / "generations.json")
    made = datetime(2026, 11, 1, tzinfo=UTC)
    for unit in units(library).values():
        if "front-desk/greeting" not in unit.phrases:
            one = Generation(
                number=1, made=made, rate=24000, seconds=1.0, characters=9, loudness_dbfs=-20.0
            )
            generations.add(unit.voice, unit.text, one, phrases=unit.phrases, move=True)
    return generations


def test_a_phrase_is_named_whole_in_one_language_or_by_one_recording(
    library: Library, generations: Generations
) -> None:
    whole = named("front-desk/goodbye", library, generations)
    hindi = named("front-desk/goodbye/hi-IN", library, generations)
    assert len(whole) == 6
    assert [pinned.voice["language"] for pinned in hindi] == ["hi-IN"] * 2
    assert named(short(hindi[1]), library, generations) == [hindi[1]]


def test_all_recordings_have_names_of_their_own(generations: Generations) -> None:
    assert len({short(pinned) for pinned in generations}) == len(generations)


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("front-desk/goodby", 2, "did you mean front-desk/goodbye?"),
        ("front-desk/goodbye/mr-IN", 2, "there is no phrase"),
        ("front-desk/goodbye/hi-IN/1", 2, "there is no phrase"),
        ("zzzz", 2, "`edgeproxy phrases list` shows all"),
        ("front-desk/greeting", 1, "`edgeproxy phrases build --only front-desk/greeting`"),
        ("front-desk/greeting/hi-IN", 1, "`edgeproxy phrases build --only front-desk/greeting`"),
    ],
)
def test_a_name_for_nothing_is_one_line_with_a_remedy(
    library: Library, generations: Generations, name: str, code: int, said: str
) -> None:
    with pytest.raises(Failure) as failure:
        named(name, library, generations)
    assert failure.value.code == code
    assert said in failure.value.message


def test_a_long_text_is_clipped() -> None:
    assert clipped("one", most=3) == "one"
    assert clipped("four", most=3) == "fo…"
