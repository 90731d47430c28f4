"""A folder of books to write into."""

from collections.abc import Callable
from pathlib import Path

import pytest

TOP = 'languages: [en-IN]\nvoice: {model: "bulbul:v3", speaker: ritu}\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def write(folder: Path) -> Callable[..., Path]:
    """Write a book: its ``phrases``, below a top that is fine, or a ``top`` of one's own."""

    def write(phrases: str, *, top: str = TOP, name: str = "book.yaml") -> Path:
        file = folder / name
        file.write_text(f"{top}phrases:\n{phrases}", encoding="utf-8")
        return file

    return write
