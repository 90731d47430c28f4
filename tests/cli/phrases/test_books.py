"""`phrases check` on a pull request, and the schema for editors."""

import json
import re
from pathlib import Path

from ..conftest import Run
from .conftest import edit


async def test_good_books_are_fine_without_key_network_or_data(
    run: Run, books: Path, tmp_path: Path
) -> None:
    ended = await run("phrases", "check")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("fine: 3 books with ")
    assert not (tmp_path / "data").exists()


async def test_every_mistake_is_a_line_with_its_place_and_the_exit_code_is_1(
    run: Run, books: Path
) -> None:
    edit(books / "front-desk.yaml", "takes: 2", "takse: 2")
    edit(books / "appointments.yaml", "refresh_after: 30 days", "refresh_after: often")
    edit(books / "appointments.yaml", "ta-IN: {speaker: kavitha}", "ta-IN: {speaker: nobody}")
    ended = await run("phrases", "check")
    assert ended.code == 1
    assert ended.out == ""
    *lines, last = ended.err.splitlines()
    assert all(re.match(r"phrases/[\w-]+\.yaml:\d+:\d+: (error|warning): ", line) for line in lines)
    assert [line.split(":")[0] for line in lines if ": error: " in line] == [
        "phrases/appointments.yaml",
        "phrases/front-desk.yaml",
    ]
    assert any("did you mean `takes`?" in line for line in lines)
    assert last == "edgeproxy: 2 errors in phrases"


async def test_a_warning_is_told_and_fails_nothing(run: Run, books: Path) -> None:
    edit(books / "front-desk.yaml", "ta-IN: {speaker: kavitha}", "ta-IN: {speaker: kavita}")
    ended = await run("phrases", "check")
    assert ended.code == 0
    (line,) = ended.err.splitlines()
    assert line.startswith("phrases/front-desk.yaml:")
    assert ": warning: " in line
    assert ended.out.strip().endswith("1 warning")


async def test_a_folder_that_is_not_there_is_a_mistake_of_usage(run: Run) -> None:
    for arguments, named in (((), "--phrases"), (("--phrases", "nowhere"), "nowhere")):
        ended = await run("phrases", "check", *arguments)
        assert ended.code == 2
        (line,) = ended.err.splitlines()
        assert named in line


async def test_the_book_on_the_page_for_writers_is_fine(run: Run, tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "phrases.md").read_text(encoding="utf-8")
    (book,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    (tmp_path / "page").mkdir()
    (tmp_path / "page" / "book.yaml").write_text(book, encoding="utf-8")
    ended = await run("phrases", "check", "--phrases", "page")
    assert (ended.code, ended.err) == (0, "")
    assert "1 book with 3 phrases" in ended.out


async def test_the_schema_is_that_of_a_book(run: Run) -> None:
    ended = await run("phrases", "schema")
    assert ended.code == 0
    schema = json.loads(ended.out)
    assert schema["title"] == "Book"
    assert schema["required"] == ["languages", "phrases"]
