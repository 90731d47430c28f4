"""The house rules that no other tool knows: who has a test, who may open which library's door."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "edgeproxy"
MODULES = sorted(
    path
    for path in PACKAGE.rglob("*.py")
    if path.name not in ("__init__.py", "__main__.py") and path.stat().st_size
)

DOORS = {
    "diskcache": {"cache/disk.py"},
    "websockets": {"upstream/session.py"},
    "av": {"audio/"},
    "numpy": {"audio/"},
    "apscheduler": {"jobs/schedule.py"},
    "prometheus_client": {"observe/metrics.py"},
    "xxhash": {"core/key.py"},
    "uvloop": {"cli/common.py"},
    "livekit": {"cli/agent.py"},
    "espeakng_loader": {"emulator/speech.py"},
}
"""Each third-party library's only doors: files, or rooms."""

PURE = {"core", "openai", "sarvam"}
NO_IO = {"asyncio", "socket", "threading", "subprocess", "aiohttp", "time", "logging"}


def imports(path: Path) -> set[str]:
    """The top-level names of what a module imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.split(".")[0])
    return names


def inside(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


@pytest.mark.parametrize("module", MODULES, ids=inside)
def test_each_module_has_its_test_file(module: Path) -> None:
    where = module.relative_to(PACKAGE)
    assert (ROOT / "tests" / where.parent / f"test_{where.name}").exists()


@pytest.mark.parametrize("module", MODULES, ids=inside)
def test_each_module_says_what_it_is(module: Path) -> None:
    assert ast.get_docstring(ast.parse(module.read_text(encoding="utf-8")))


@pytest.mark.parametrize("library", DOORS)
def test_each_library_has_its_doors_and_no_others(library: str) -> None:
    users = {inside(path) for path in PACKAGE.rglob("*.py") if library in imports(path)}
    assert {user for user in users if not user.startswith(tuple(DOORS[library]))} == set()


@pytest.mark.parametrize("room", sorted(PURE))
def test_the_ground_floor_does_no_io(room: str) -> None:
    for path in (PACKAGE / room).rglob("*.py"):
        assert not imports(path) & NO_IO, inside(path)


def test_the_changelog_begins_with_this_version() -> None:
    version = subprocess.run(
        [sys.executable, "-m", "edgeproxy", "--version"], check=True, capture_output=True, text=True
    ).stdout.split()[-1]
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (\S+)", changelog, re.MULTILINE)
    assert version == headings[0]


def test_no_text_of_ours_names_a_machine_path() -> None:
    for path in ROOT.rglob("*"):
        if path.is_file() and path.suffix in (".md", ".py", ".toml", ".yaml", ".yml", ".service"):
            if any(part.startswith(".") and part != ".ci" for part in path.relative_to(ROOT).parts):
                continue
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"/(?:root|home/\w+)/", text), path
