"""`edgeproxy phrases` on the demo books, with an emulator as origin."""

import shutil
from pathlib import Path

import pytest

from edgeproxy.core.turn import Cuts
from edgeproxy.emulator.server import Emulator
from edgeproxy.phrases.due import Unit, units
from edgeproxy.phrases.library import Library

from ..conftest import Ended, Run


def environment(origin: str) -> dict[str, str]:
    return {
        "SARVAM_API_KEY": "k",
        "EDGEPROXY_ORIGIN__URL": origin,
        "EDGEPROXY_CACHE__MIN_FREE_BYTES": "0",
        "EDGEPROXY_PHRASES__CHARACTERS_PER_SECOND": "10000",
    }


@pytest.fixture
def books(tmp_path: Path, demo_books: Path) -> Path:
    """The demo books, to be edited."""
    folder = tmp_path / "phrases"
    shutil.copytree(demo_books, folder)
    return folder


@pytest.fixture
def wanted(demo_books: Path) -> list[Unit]:
    """Every recording that the demo books want."""
    return list(units(Library.load(demo_books, Cuts())).values())


@pytest.fixture
def phrases(run: Run, books: Path, emulator: Emulator) -> Run:
    """Run a verb of `phrases` where the books are in the folder `phrases`."""

    async def run_one(*arguments: str, **env: str) -> Ended:
        return await run("phrases", *arguments, **{**environment(emulator.url), **env})

    return run_one


def edit(file: Path, before: str, after: str) -> None:
    """Put one text in the place of another."""
    text = file.read_text(encoding="utf-8")
    assert before in text
    file.write_text(text.replace(before, after), encoding="utf-8")


def row(table: str, *words: str) -> str:
    """The one line that holds all of ``words``."""
    (found,) = (line for line in table.splitlines() if all(word in line for word in words))
    return found
