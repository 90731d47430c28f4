"""What the verbs share: where settings come from, and how figures are said."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from edgeproxy.cli.phrases.rooms import age, progress

from ..conftest import Run

NOW = datetime(2026, 11, 14, tzinfo=UTC)


@pytest.mark.parametrize(
    ("ago", "said"),
    [
        (timedelta(seconds=59), "just now"),
        (timedelta(seconds=60), "1 minute"),
        (timedelta(hours=23, minutes=59), "23 hours"),
        (timedelta(days=12), "12 days"),
        (-timedelta(hours=1), "just now"),
    ],
)
def test_an_age_is_told_in_the_largest_unit_that_fits(ago: timedelta, said: str) -> None:
    assert age(NOW - ago, NOW) == said


async def test_folder_and_data_come_from_options_environment_or_file(
    run: Run, tmp_path: Path, demo_books: Path
) -> None:
    (tmp_path / "settings.yaml").write_text(
        f"phrases: {{directory: {demo_books}}}\ncache: {{data_dir: here}}\n", encoding="utf-8"
    )
    by_file = await run("phrases", "list", "--config", "settings.yaml")
    by_option = await run("phrases", "list", "--phrases", str(demo_books), "--data-dir", "there")
    by_environment = await run(
        "phrases", "list", EDGEPROXY_PHRASES__DIRECTORY=str(demo_books),
        EDGEPROXY_CACHE__DATA_DIR="everywhere",
    )  # fmt: skip
    assert by_file.code == by_option.code == by_environment.code == 0
    assert by_file.out == by_option.out == by_environment.out
    for name in ("here", "there", "everywhere"):
        assert (tmp_path / name).is_dir()


async def test_a_bad_setting_is_one_line_and_exit_code_2(run: Run, books: Path) -> None:
    ended = await run("phrases", "list", EDGEPROXY_POOL__READY="many")
    assert ended.code == 2
    (line,) = ended.err.splitlines()
    assert "pool.ready" in line


def test_where_there_is_no_terminal_progress_is_a_line_now_and_then(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with progress() as tell:
        for done in range(1, 51):
            tell(done, 50, "desk/hello")
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 25
    assert lines[-1] == "50 of 50: desk/hello"
