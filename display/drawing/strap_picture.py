"""The picture that shows how the pulse strap is worn: below the chest, its two patches wet."""

import math

from display.drawing import icons
from display.drawing.canvas import Brush
from display.drawing.layout import Box
from display.drawing.palette import BELOW, IN, NIGHT, SKIN, WHITE, blend
from display.drawing.participant_pictures import drop
from display.drawing.shapes import AntialiasedPen, Point


def _mirrored(points: list[Point]) -> list[Point]:
    return [*points, *((1 - x, y) for x, y in reversed(points))]


def _curve(corners: list[Point], steps: int = 10) -> list[Point]:
    """Return a soft line through the corners (Catmull-Rom)."""
    padded = [corners[0], *corners, corners[-1]]
    line: list[Point] = []
    for a, b, c, d in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        for step in range(steps):
            t = step / steps
            line.append(
                (
                    _through(a[0], b[0], c[0], d[0], t),
                    _through(a[1], b[1], c[1], d[1], t),
                ),
            )
    return [*line, corners[-1]]


def _through(a: float, b: float, c: float, d: float, t: float) -> float:
    return 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)


def body(pen: AntialiasedPen) -> None:
    """Neck, shoulders and trunk with arms held a little away."""
    half = _curve(
        [
            (0.5, 0.17),
            (0.575, 0.19),
            (0.585, 0.27),
            (0.66, 0.315),
            (0.80, 0.36),
            (0.875, 0.46),
            (0.905, 0.66),
            (0.93, 0.86),
            (0.935, 1.0),
        ],
    )
    inner = _curve(
        [(0.835, 1.0), (0.82, 0.84), (0.785, 0.62), (0.765, 0.56), (0.76, 0.66), (0.735, 0.82), (0.735, 1.0)]
    )
    pen.polygon(_mirrored([*half, *inner]))


def head(pen: AntialiasedPen) -> None:
    """Draw the head, seen from in front."""
    pen.ellipse((0.5, 0.105), 0.088, 0.105)


def band(pen: AntialiasedPen) -> None:
    """Draw the strap across the trunk, drawn as a gently hanging line; its box is as wide as the trunk."""
    arc = [(x / 40, 0.40 + 0.22 * math.sin(math.pi * x / 40)) for x in range(41)]
    pen.polygon([*[(x, y - 0.26) for x, y in arc], *[(x, y + 0.26) for x, y in reversed(arc)]])


def patch(pen: AntialiasedPen) -> None:
    """One of the strap's two moist patches."""
    pen.line([(0.16, 0.5), (0.84, 0.5)], 0.3)


def paint_strap_picture(brush: Brush, box: Box) -> None:
    """Draw the person with the strap on, drops above its patches."""
    side = min(box.width, box.height)
    whole = Box(box.middle_x - side / 2, box.bottom - side, side, side)
    brush.icon(body, whole, SKIN)
    brush.icon(head, whole, blend(SKIN, WHITE, 0.08))

    def at(x: float, y: float, width: float, height: float) -> Box:
        return Box(whole.x + x * side, whole.y + y * side, width * side, height * side)

    brush.icon(band, at(0.243, 0.545, 0.514, 0.105), WHITE)
    brush.bar(at(0.435, 0.566, 0.13, 0.092), 0.046 * side, NIGHT)
    brush.bar(at(0.445, 0.574, 0.11, 0.076), 0.038 * side, IN)
    brush.icon(icons.heart, at(0.478, 0.592, 0.044, 0.042), NIGHT)
    for x in (0.295, 0.585):
        brush.bar(at(x, 0.584, 0.12, 0.052), 0.026 * side, BELOW)
        for shift, y, size in ((0.012, 0.475, 0.042), (0.062, 0.45, 0.052)):
            brush.icon(drop, at(x + shift, y, size, size * 1.25), BELOW)
