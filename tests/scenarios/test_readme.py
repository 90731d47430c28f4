"""The table of scenarios names tests that there are."""

import re
from pathlib import Path

HERE = Path(__file__).parent


def test_each_test_that_the_table_names_is_there() -> None:
    files = list(HERE.parent.rglob("test_*.py"))
    there = {
        name
        for file in files
        for name in re.findall(r"def (test_\w+)", file.read_text(encoding="utf-8"))
    }
    told = (HERE / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(test_\w+)`", told))
    assert named > {"test_a_black_holed_connect_is_bounded_and_what_follows_it_is_fine"}
    assert named <= there
    paths = {str(file.relative_to(HERE.parent)) for file in files}
    assert set(re.findall(r"`(\S*test_\w+\.py)`", told)) <= paths


def test_each_story_is_told_in_a_file_of_its_own() -> None:
    letters = [file.name[5] for file in sorted(HERE.glob("test_?_*.py"))]
    assert letters == [chr(ord("a") + number) for number in range(len(letters))]
