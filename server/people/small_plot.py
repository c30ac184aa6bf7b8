"""A small plot: a few values in a row, drawn as SVG without a script; the page tells the same in words or a table."""

from collections.abc import Sequence

from msgspec import Struct

WIDE, HIGH = 240.0, 60.0
MARGIN = 6.0


class Dot(Struct, frozen=True):
    """A value's place; texts, since SVG knows no decimal comma. `words` tells it."""

    x: str
    y: str
    words: str


class SmallPlot(Struct, frozen=True):
    """`line`: through all dots. `low` and `high`: the scale's ends; `last`: the newest value."""

    dots: tuple[Dot, ...]
    line: str
    low: float
    high: float
    last: float


def small_plot(
    values: Sequence[tuple[float, str]], low: float, high: float, *, steps: bool = False
) -> SmallPlot | None:
    """Values with their words, oldest first; `steps`: each holds until the next. None for fewer than two."""
    if len(values) < 2:  # noqa: PLR2004 - one value is no course of anything
        return None
    across = (WIDE - 2 * MARGIN) / (len(values) - 1)
    down = (HIGH - 2 * MARGIN) / ((high - low) or 1.0)
    places = [
        (MARGIN + at * across, HIGH - MARGIN - (min(max(value, low), high) - low) * down)
        for at, (value, _words) in enumerate(values)
    ]
    dots = tuple(Dot(f"{x:.1f}", f"{y:.1f}", words) for (x, y), (_value, words) in zip(places, values, strict=True))
    corners: list[tuple[float, float]] = []
    for x, y in places:
        if steps and corners:
            corners.append((x, corners[-1][1]))
        corners.append((x, y))
    return SmallPlot(dots, " ".join(f"{x:.1f},{y:.1f}" for x, y in corners), low, high, values[-1][0])
