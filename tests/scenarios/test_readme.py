"""The tables of scenarios and of promises name tests that there are."""

import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.mark.parametrize("table", [HERE / "README.md", HERE.parent.parent / "README.md"])
def test_each_test_that_a_table_names_is_there(table: Path) -> None:
    files = list(HERE.parent.rglob("test_*.py"))
    there = {
        name
        for file in files
        for name in re.findall(r"def (test_\w+)", file.read_text(encoding="utf-8"))
    }
    told = table.read_text(encoding="utf-8")
    named = set(re.findall(r"`(test_\w+)`", told))
    assert len(named) > 15
    assert not named - there
    paths = {str(file.relative_to(HERE.parent)) for file in files}
    assert not set(re.findall(r"`(?:tests/)?([\w/]*test_\w+\.py)`", told)) - paths


def test_each_story_is_told_in_a_file_of_its_own() -> None:
    letters = [file.name[5] for file in sorted(HERE.glob("test_?_*.py"))]
    assert letters == [chr(ord("a") + number) for number in range(len(letters))]
