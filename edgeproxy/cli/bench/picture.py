"""The results of ``bench turns`` as a chart: SVG, written by hand, light on any background."""

from collections.abc import Iterator
from html import escape
from typing import Final

from .results import PIPELINES, Cell, Results, panels

_COLOURS: Final = {"today": "#9aa3ad", "plan": "#c9a227", "cold": "#2f6fb0", "warm": "#2e8b57"}
_WIDTH: Final = 1040
_PANEL_WIDTH, _PANEL_HEIGHT = 500, 232
_TOP: Final = 84
_LABELS: Final = 122
"""Room left of the bars for their names."""
_FIGURES: Final = 76
"""Room right of the longest bar for its figure."""
_BAR, _STEP = 26, 42
_STEPS_MS: Final = (50, 100, 200, 250, 500, 1000, 2000, 5000)


def picture(results: Results, *, rounds: int) -> str:
    """The chart: for each profile and pace the mean first audio of each pipeline, each answer as a dot."""
    height = _TOP + 2 * _PANEL_HEIGHT + 34
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" '
        f'viewBox="0 0 {_WIDTH} {height}" font-family="system-ui, sans-serif" font-size="13">'
    )
    lines = [
        head,
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
        _text(
            24, 36, "From text to first audio: an agent's answers, four ways", size=20, bold=True
        ),
        _text(
            24,
            60,
            f"Milliseconds from the first text to the first PCM. Bars: mean of {len(results.answers)} "
            f"answers; dots: each answer, median of {rounds}.",
            colour="#555555",
        ),
    ]
    longest = max(
        results.median(Cell(profile, pace, pipeline, answer.name)).first_audio
        for profile, pace in panels()
        for pipeline in PIPELINES
        for answer in results.answers
    )
    for number, (profile, pace) in enumerate(panels()):
        left = 12 + number % 2 * (_PANEL_WIDTH + 16)
        top = _TOP + number // 2 * _PANEL_HEIGHT
        lines += _panel(results, profile, pace, left=left, top=top, longest=longest)
    lines += [
        _text(
            24,
            height - 14,
            "seed: the origin of January 2026, which spoke whole texts. v3: today's, which streams. "
            "LLM pace: a token every 40 ms; dashed: when the first segment's text is there.",
            colour="#555555",
            size=12,
        ),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _panel(
    results: Results, profile: str, pace: str, *, left: int, top: int, longest: float
) -> Iterator[str]:
    zero = left + _LABELS
    # One scale in all panels, so that bars can be compared across them.
    scale = (_PANEL_WIDTH - _LABELS - _FIGURES) / longest
    bottom = top + 36 + len(PIPELINES) * _STEP
    ratio = results.ratio(profile, pace, "cold")
    yield _text(left + 12, top + 18, f"{profile} origin, text {pace}", size=15, bold=True)
    yield _text(
        left + _PANEL_WIDTH - 8,
        top + 18,
        f"cold / today = {ratio:.2f}",
        anchor="end",
        colour=_COLOURS["cold"],
    )
    step = next((step for step in _STEPS_MS if longest / step <= 6), _STEPS_MS[-1])
    for tick in range(0, int(longest) + 1, step):
        x = zero + tick * scale
        yield f'<path d="M{x:.1f} {top + 30}V{bottom}" stroke="#e4e7ea"/>'
        yield _text(x, bottom + 15, f"{tick:,}", anchor="middle", colour="#777777", size=11)
    for number, (pipeline, name) in enumerate(PIPELINES.items()):
        y = top + 36 + number * _STEP
        mean = results.mean(profile, pace, pipeline).first_audio
        dots = [
            results.median(Cell(profile, pace, pipeline, answer.name)).first_audio
            for answer in results.answers
        ]
        yield _text(zero - 8, y + 18, name, anchor="end")
        yield (
            f'<rect x="{zero}" y="{y}" width="{max(1.0, mean * scale):.1f}" height="{_BAR}" '
            f'fill="{_COLOURS[pipeline]}"/>'
        )
        for dot in dots:
            yield (
                f'<circle cx="{zero + dot * scale:.1f}" cy="{y + _BAR / 2}" r="3" fill="#ffffff" '
                'stroke="#333333"/>'
            )
        figure = f"{mean:,.0f} ms" if mean >= 10 else f"{mean:.1f} ms"
        yield _text(zero + max(mean, *dots) * scale + 9, y + 18, figure, bold=True)
    if words := results.mean_words_ms(pace):
        x = zero + words * scale
        yield f'<path d="M{x:.1f} {top + 30}V{bottom}" stroke="#b03a2e" stroke-dasharray="4 3"/>'


def _text(
    x: float,
    y: float,
    words: str,
    *,
    size: int = 13,
    bold: bool = False,
    anchor: str = "start",
    colour: str = "#222222",
) -> str:
    weight = ' font-weight="600"' if bold else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}"{weight} text-anchor="{anchor}" '
        f'fill="{colour}">{escape(words)}</text>'
    )
