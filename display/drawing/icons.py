"""Small drawings, each a few strokes in a unit square: heart, arrows, marks, phases and moods."""

import math

from display.drawing.shapes import AntialiasedPen, Drawing, Point


def arc(middle: Point, radius: float, first_degrees: float, last_degrees: float, steps: int = 24) -> list[Point]:
    """Points of a part of a circle."""
    turns = [math.radians(first_degrees + (last_degrees - first_degrees) * i / steps) for i in range(steps + 1)]
    return [(middle[0] + radius * math.cos(t), middle[1] + radius * math.sin(t)) for t in turns]


def _heart(inside: float) -> list[Point]:
    """Return a heart's outline, drawn in by a share of its width: two round halves, sides that swing to the point."""
    radius, left, right, top = 0.262 - inside, 0.262, 0.738, 0.3
    lobes = [*arc((left, top), radius, 138, 335.3), *arc((right, top), radius, 204.7, 402)]
    start, end, point = lobes[-1], lobes[0], (0.5, 0.95 - 1.5 * inside)
    side = [
        _bezier(start, (start[0] - 0.1, start[1] + 0.12), (0.57 - inside, 0.85 - inside), point, i / 16)
        for i in range(17)
    ]
    back = [
        _bezier(point, (0.43 + inside, 0.85 - inside), (end[0] + 0.1, end[1] + 0.12), end, i / 16) for i in range(17)
    ]
    return [*lobes, *side, *back]


def _bezier(a: Point, b: Point, c: Point, d: Point, t: float) -> Point:
    shares = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
    return (
        sum(share * point[0] for share, point in zip(shares, (a, b, c, d), strict=True)),
        sum(share * point[1] for share, point in zip(shares, (a, b, c, d), strict=True)),
    )


def heart(pen: AntialiasedPen) -> None:
    """Draw a heart."""
    pen.polygon(_heart(0.0))


def heart_outline(pen: AntialiasedPen) -> None:
    """Draw a hollow heart, crossed: no live rate."""
    heart(pen)
    pen.polygon(_heart(0.075), away=True)
    pen.line([(0.12, 0.06), (0.88, 0.94)], 0.2, away=True)
    pen.line([(0.12, 0.06), (0.88, 0.94)], 0.08)


def faster(pen: AntialiasedPen) -> None:
    """Two chevrons upwards."""
    pen.line([(0.14, 0.48), (0.5, 0.14), (0.86, 0.48)], 0.16)
    pen.line([(0.14, 0.86), (0.5, 0.52), (0.86, 0.86)], 0.16)


def slower(pen: AntialiasedPen) -> None:
    """Two chevrons downwards."""
    pen.line([(0.14, 0.14), (0.5, 0.48), (0.86, 0.14)], 0.16)
    pen.line([(0.14, 0.52), (0.5, 0.86), (0.86, 0.52)], 0.16)


def hold(pen: AntialiasedPen) -> None:
    """Two level bars."""
    pen.line([(0.12, 0.33), (0.88, 0.33)], 0.17)
    pen.line([(0.12, 0.67), (0.88, 0.67)], 0.17)


def check(pen: AntialiasedPen) -> None:
    """Draw a tick."""
    pen.line([(0.12, 0.54), (0.4, 0.8), (0.88, 0.22)], 0.16)


def cross(pen: AntialiasedPen) -> None:
    """Draw a cross."""
    pen.line([(0.2, 0.2), (0.8, 0.8)], 0.16)
    pen.line([(0.8, 0.2), (0.2, 0.8)], 0.16)


def up(pen: AntialiasedPen) -> None:
    """One chevron upwards."""
    pen.line([(0.2, 0.64), (0.5, 0.34), (0.8, 0.64)], 0.14)


def down(pen: AntialiasedPen) -> None:
    """One chevron downwards."""
    pen.line([(0.2, 0.36), (0.5, 0.66), (0.8, 0.36)], 0.14)


def then(pen: AntialiasedPen) -> None:
    """Draw an arrow to the right: from one value to the next."""
    pen.line([(0.08, 0.5), (0.9, 0.5)], 0.13)
    pen.line([(0.58, 0.18), (0.9, 0.5), (0.58, 0.82)], 0.13)


def pointer(pen: AntialiasedPen) -> None:
    """Draw a triangle that points to the left."""
    pen.line([(0.14, 0.5), (0.88, 0.16), (0.88, 0.84), (0.14, 0.5)], 0.18)
    pen.polygon([(0.14, 0.5), (0.88, 0.16), (0.88, 0.84)])


def information(pen: AntialiasedPen) -> None:
    """Draw a disc with an i: the first level of notice."""
    pen.circle((0.5, 0.5), 0.48)
    pen.circle((0.5, 0.27), 0.075, away=True)
    pen.line([(0.5, 0.46), (0.5, 0.74)], 0.12, away=True)


def attention(pen: AntialiasedPen) -> None:
    """Draw a triangle with an exclamation mark: the second level."""
    corners = [(0.5, 0.14), (0.92, 0.86), (0.08, 0.86)]
    pen.polygon(corners)
    pen.line([*corners, corners[0]], 0.13)
    pen.line([(0.5, 0.4), (0.5, 0.6)], 0.11, away=True)
    pen.circle((0.5, 0.78), 0.065, away=True)


def stop_now(pen: AntialiasedPen) -> None:
    """Draw an octagon with a bar: the third level."""
    pen.polygon(arc((0.5, 0.5), 0.5, 22.5, 382.5, 8))
    pen.line([(0.27, 0.5), (0.73, 0.5)], 0.15, away=True)


def speaker(pen: AntialiasedPen) -> None:
    """Draw a loudspeaker with two waves."""
    pen.polygon([(0.06, 0.36), (0.24, 0.36), (0.48, 0.14), (0.48, 0.86), (0.24, 0.64), (0.06, 0.64)])
    pen.line(arc((0.46, 0.5), 0.22, -48, 48), 0.09)
    pen.line(arc((0.46, 0.5), 0.42, -48, 48), 0.09)


def lock(pen: AntialiasedPen) -> None:
    """Draw a padlock: a PIN is asked for."""
    pen.line([(0.3, 0.48), (0.3, 0.34), *arc((0.5, 0.34), 0.2, 180, 360), (0.7, 0.48)], 0.1)
    pen.polygon([(0.18, 0.46), (0.82, 0.46), (0.82, 0.92), (0.18, 0.92)])
    pen.circle((0.5, 0.68), 0.08, away=True)


def question(pen: AntialiasedPen) -> None:
    """Draw a question mark."""
    pen.line([*arc((0.5, 0.34), 0.22, 190, 400), (0.5, 0.58), (0.5, 0.66)], 0.12)
    pen.circle((0.5, 0.87), 0.08)


def pause(pen: AntialiasedPen) -> None:
    """Two standing bars."""
    pen.line([(0.3, 0.18), (0.3, 0.82)], 0.2)
    pen.line([(0.7, 0.18), (0.7, 0.82)], 0.2)


def again(pen: AntialiasedPen) -> None:
    """Draw a turning arrow."""
    pen.line(arc((0.5, 0.52), 0.34, -30, 250), 0.12)
    pen.polygon([(0.62, 0.4), (0.98, 0.4), (0.84, 0.1)])


def warm_up(pen: AntialiasedPen) -> None:
    """Draw a rising line."""
    pen.line([(0.08, 0.8), (0.34, 0.72), (0.66, 0.4), (0.92, 0.22)], 0.13)


def interval(pen: AntialiasedPen) -> None:
    """Draw a peak."""
    pen.line([(0.06, 0.84), (0.22, 0.8), (0.38, 0.24), (0.62, 0.24), (0.78, 0.8), (0.94, 0.84)], 0.13)


def recovery(pen: AntialiasedPen) -> None:
    """Draw a valley."""
    pen.line([(0.06, 0.2), (0.2, 0.26), (0.38, 0.74), (0.62, 0.74), (0.8, 0.26), (0.94, 0.2)], 0.13)


def steady(pen: AntialiasedPen) -> None:
    """Draw a level line."""
    pen.line([(0.08, 0.5), (0.92, 0.5)], 0.13)


def motor(pen: AntialiasedPen) -> None:
    """Draw a winding line."""
    pen.line([(0.05 + 0.9 * i / 40, 0.5 - 0.28 * math.sin(4 * math.pi * i / 40)) for i in range(41)], 0.13)


def cool_down(pen: AntialiasedPen) -> None:
    """Draw a falling line."""
    pen.line([(0.08, 0.22), (0.34, 0.36), (0.66, 0.72), (0.92, 0.8)], 0.13)


PHASE_ICONS: dict[str, Drawing] = {
    "warm_up": warm_up,
    "interval": interval,
    "recovery": recovery,
    "steady": steady,
    "motor": motor,
    "cool_down": cool_down,
}


def _mood(pen: AntialiasedPen, mouth: list[Point]) -> None:
    pen.circle((0.5, 0.5), 0.48)
    pen.circle((0.5, 0.5), 0.41, away=True)
    pen.circle((0.34, 0.4), 0.055)
    pen.circle((0.66, 0.4), 0.055)
    pen.line(mouth, 0.07)


def mood_1(pen: AntialiasedPen) -> None:
    """Draw a sad face."""
    _mood(pen, arc((0.5, 0.86), 0.24, 215, 325))


def mood_2(pen: AntialiasedPen) -> None:
    """Draw a slightly sad face."""
    _mood(pen, arc((0.5, 1.06), 0.42, 245, 295))


def mood_3(pen: AntialiasedPen) -> None:
    """Draw a level mouth."""
    _mood(pen, [(0.33, 0.66), (0.67, 0.66)])


def mood_4(pen: AntialiasedPen) -> None:
    """Draw a slight smile."""
    _mood(pen, arc((0.5, 0.26), 0.42, 115, 65))


def mood_5(pen: AntialiasedPen) -> None:
    """Draw a wide smile."""
    _mood(pen, arc((0.5, 0.5), 0.26, 155, 25))


MOODS: tuple[Drawing, ...] = (mood_1, mood_2, mood_3, mood_4, mood_5)
