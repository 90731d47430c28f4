"""Figures in sentences."""


def count(number: int, what: str) -> str:
    """``1 text``, ``2 texts``."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"
