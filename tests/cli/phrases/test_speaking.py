"""`phrases history` and `use`: going back, and forward again."""

from pathlib import Path

import aiohttp
import pytest

from edgeproxy.phrases.generations import Generations

from ...conftest import StartProxy, until
from ..conftest import Run
from .conftest import edit, row


def heard(tmp_path: Path, text: str) -> int | None:
    """The number of the generation that is heard of a text."""
    generations = Generations.load(tmp_path / "data" / "generations.json")
    (found,) = (pinned for pinned in generations if pinned.text.startswith(text))
    return found.speaks


async def test_going_back_holds_and_latest_lets_go(phrases: Run, tmp_path: Path) -> None:
    only = ("--only", "front-desk/your-name")
    await phrases("build", *only)
    await phrases("build", *only, "--all")
    history = await phrases("history", "front-desk/your-name/en-IN")
    assert (history.code, history.err) == (0, "")
    _, first, second = history.out.splitlines()
    assert "May I have your full name, please?" in first
    assert "heard" not in first
    assert second.split()[0] == "2"
    assert "heard" in second

    used = await phrases("use", "front-desk/your-name", "1")
    assert used.code == 0
    assert "generation 1 is heard in 3 recordings" in used.out
    assert "heard, held" in row((await phrases("history", "front-desk/your-name/en-IN")).out, "May")
    await phrases("build", *only, "--all")
    assert heard(tmp_path, "May I have") == 1

    let_go = await phrases("use", "front-desk/your-name", "--latest")
    assert (let_go.code, let_go.err) == (0, "")
    assert heard(tmp_path, "May I have") == 3
    await phrases("build", *only, "--all")
    assert heard(tmp_path, "May I have") == 4


async def test_one_recording_is_used_by_its_own_name(phrases: Run, tmp_path: Path) -> None:
    only = ("--only", "front-desk/say-again")
    await phrases("build", *only)
    await phrases("build", *only, "--all")
    history = (await phrases("history", "front-desk/say-again/en-IN")).out
    name = row(history, "Could you say it once more?").split()[0]
    assert (await phrases("use", name, "1")).code == 0
    assert heard(tmp_path, "Could you") == 1
    assert heard(tmp_path, "I'm sorry") == 2


async def test_a_manual_book_speaks_only_when_it_is_told(phrases: Run, tmp_path: Path) -> None:
    await phrases("build", "--only", "emergency/bleeding")
    assert heard(tmp_path, "Press a clean") is None
    assert (await phrases("use", "emergency/bleeding", "1")).code == 0
    assert heard(tmp_path, "Press a clean") == 1


async def test_a_generation_that_some_recording_lacks_moves_nothing(
    phrases: Run, books: Path, tmp_path: Path
) -> None:
    only = ("--only", "front-desk/your-name")
    await phrases("build", *only)
    await phrases("build", *only, "--all")
    edit(books / "front-desk.yaml", "May I have your full name", "What is your full name")
    await phrases("build", *only)
    ended = await phrases("use", "front-desk/your-name", "2")
    assert ended.code == 1
    (line,) = ended.err.splitlines()
    assert "there is no generation 2 of" in line
    assert "What is your full name" in line
    assert heard(tmp_path, "कृपया अपना पूरा") == 2
    assert (await phrases("use", "front-desk/your-name", "1")).code == 0
    assert heard(tmp_path, "कृपया अपना पूरा") == 1
    history = (await phrases("history", "front-desk/your-name")).out
    assert "no book says it any more" in row(history, "May I have")


@pytest.mark.parametrize(
    "arguments",
    [("front-desk/hold",), ("front-desk/hold", "1", "--latest"), ("front-desk/hold", "0")],
)
async def test_use_wants_one_generation(phrases: Run, arguments: tuple[str, ...]) -> None:
    ended = await phrases("use", *arguments)
    assert ended.code == 2
    assert "edgeproxy phrases use --help" in ended.err


async def test_a_pointer_moved_beside_a_server_is_another_file_by_url(
    phrases: Run, books: Path, start_proxy: StartProxy
) -> None:
    only = ("--only", "front-desk/your-name")
    await phrases("build", *only)
    await phrases("build", *only, "--all")
    rooms = {"phrases": {"directory": books, "characters_at_once": 0}}
    async with start_proxy(**rooms) as proxy, aiohttp.ClientSession() as session:
        url = f"{proxy.url}/phrases/front-desk/your-name.opus?language=en-IN"

        async def tag(known: str = "") -> tuple[int, str]:
            async with session.get(url, headers={"If-None-Match": known}) as response:
                return response.status, response.headers["ETag"]

        _, second = await tag()
        assert await tag(second) == (304, second)
        moved = {unit.key for unit in proxy.generations if unit.text.startswith("May I")}
        assert (await phrases("use", "front-desk/your-name", "1")).code == 0
        await until(lambda: {proxy.generations[key].speaks for key in moved} == {1})
        status, first = await tag(second)
        assert (status, first != second) == (200, True)
        assert (await phrases("use", "front-desk/your-name", "--latest")).code == 0
        await until(lambda: {proxy.generations[key].speaks for key in moved} == {2})
        assert (await tag(first)) == (200, second)
