"""Draws the participants' pictures for the server's pages, from the strokes that the machine draws.

    python -m scripts.draw_pictures

Each becomes `server/people/static/people/pictures/<key>.svg`. What takes away in the drawing is cut out by a mask.
"""

from collections.abc import Sequence
from pathlib import Path

from display.drawing.participant_pictures import PICTURES
from display.drawing.shapes import AntialiasedPen, Drawing, Point

FOLDER = Path(__file__).resolve().parents[1] / "server" / "people" / "static" / "people" / "pictures"
COLOUR = "#0b6a55"
SIDE = 100


class WritingPen(AntialiasedPen):
    """Writes each stroke as a line of SVG, white where it adds and black where it takes away."""

    def __init__(self) -> None:
        """Nothing is written yet."""
        self.strokes: list[str] = []

    def polygon(self, points: Sequence[Point], *, away: bool = False) -> None:
        """Draw a filled polygon."""
        corners = " ".join(f"{_far(x)},{_far(y)}" for x, y in points)
        self.strokes.append(f'<polygon points="{corners}"{_fill(away)}/>')

    def circle(self, middle: Point, radius: float, *, away: bool = False) -> None:
        """Draw a filled circle."""
        self.strokes.append(f'<circle cx="{_far(middle[0])}" cy="{_far(middle[1])}" r="{_far(radius)}"{_fill(away)}/>')

    def ellipse(self, middle: Point, half_width: float, half_height: float, *, away: bool = False) -> None:
        """Draw a filled ellipse."""
        size = f'rx="{_far(half_width)}" ry="{_far(half_height)}"'
        self.strokes.append(f'<ellipse cx="{_far(middle[0])}" cy="{_far(middle[1])}" {size}{_fill(away)}/>')

    def line(self, points: Sequence[Point], thickness: float, *, away: bool = False) -> None:
        """Draw a line with round joins and ends."""
        placed = " ".join(f"{_far(x)},{_far(y)}" for x, y in points)
        colour = "#000" if away else "#fff"
        self.strokes.append(
            f'<polyline points="{placed}" fill="none" stroke="{colour}" stroke-width="{_far(thickness)}" '
            'stroke-linecap="round" stroke-linejoin="round"/>'
        )


def _far(share: float) -> str:
    return f"{share * SIDE:.1f}".removesuffix(".0")


def _fill(away: bool) -> str:  # noqa: FBT001 - the one thing that it is about
    return ' fill="#000"' if away else ' fill="#fff"'


def svg(drawing: Drawing) -> str:
    """Return a drawing as a file."""
    pen = WritingPen()
    drawing(pen)
    strokes = "\n".join(pen.strokes)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIDE} {SIDE}">\n'
        f'<mask id="m" maskUnits="userSpaceOnUse" x="0" y="0" width="{SIDE}" height="{SIDE}">\n{strokes}\n</mask>\n'
        f'<rect width="{SIDE}" height="{SIDE}" fill="{COLOUR}" mask="url(#m)"/>\n</svg>\n'
    )


def main() -> None:
    """Draw all."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for key, drawing in PICTURES.items():
        (FOLDER / f"{key}.svg").write_text(svg(drawing), encoding="utf-8")


if __name__ == "__main__":
    main()
