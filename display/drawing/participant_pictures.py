"""The pictures that participants choose for themselves: simple and calm, each a few strokes in a unit square.

A plan names one by its key. Where it names none, the nickname's own word or its letters decide, always the same.
"""

import math
import zlib

from display.drawing.icons import arc
from display.drawing.shapes import AntialiasedPen, Drawing
from display.texts import LANGUAGES, texts_in


def sun(pen: AntialiasedPen) -> None:
    """Draw a sun."""
    pen.circle((0.5, 0.5), 0.22)
    for step in range(8):
        x, y = math.cos(math.pi * step / 4), math.sin(math.pi * step / 4)
        pen.line([(0.5 + 0.33 * x, 0.5 + 0.33 * y), (0.5 + 0.43 * x, 0.5 + 0.43 * y)], 0.085)


def moon(pen: AntialiasedPen) -> None:
    """Draw a new moon."""
    pen.circle((0.48, 0.5), 0.4)
    pen.circle((0.66, 0.4), 0.34, away=True)


def leaf(pen: AntialiasedPen) -> None:
    """Draw a leaf with its rib."""
    steps = [i / 24 for i in range(25)]
    bulge = [0.24 * math.sin(math.pi * t**0.8) for t in steps]
    one = [(0.18 + 0.72 * t - b, 0.82 - 0.72 * t - b) for t, b in zip(steps, bulge, strict=True)]
    other = [(0.18 + 0.72 * t + b, 0.82 - 0.72 * t + b) for t, b in zip(steps, bulge, strict=True)]
    pen.polygon([*one, *reversed(other)])
    pen.line([(0.3, 0.7), (0.66, 0.34)], 0.045, away=True)
    pen.line([(0.1, 0.9), (0.24, 0.76)], 0.07)


def fox(pen: AntialiasedPen) -> None:
    """Draw a fox's face."""
    pen.polygon([(0.08, 0.1), (0.36, 0.3), (0.64, 0.3), (0.92, 0.1), (0.9, 0.5), (0.5, 0.92), (0.1, 0.5)])
    pen.circle((0.35, 0.5), 0.05, away=True)
    pen.circle((0.65, 0.5), 0.05, away=True)
    pen.polygon([(0.43, 0.74), (0.57, 0.74), (0.5, 0.82)], away=True)


def bird(pen: AntialiasedPen) -> None:
    """Draw a bird in flight."""
    pen.polygon(
        [(0.02, 0.3), (0.3, 0.36), (0.5, 0.54), (0.7, 0.36), (0.98, 0.3), (0.78, 0.56), (0.5, 0.78), (0.22, 0.56)]
    )
    pen.circle((0.5, 0.46), 0.1)


def fish(pen: AntialiasedPen) -> None:
    """Draw a fish."""
    pen.ellipse((0.42, 0.5), 0.36, 0.23)
    pen.polygon([(0.66, 0.5), (0.96, 0.24), (0.96, 0.76)])
    pen.circle((0.24, 0.45), 0.045, away=True)


def mountain(pen: AntialiasedPen) -> None:
    """Two peaks, one with snow."""
    pen.polygon([(0.02, 0.84), (0.38, 0.16), (0.74, 0.84)])
    pen.polygon([(0.46, 0.84), (0.7, 0.42), (0.98, 0.84)])
    pen.line([(0.24, 0.46), (0.33, 0.4), (0.4, 0.48), (0.5, 0.4)], 0.05, away=True)


def drop(pen: AntialiasedPen) -> None:
    """Draw a drop of water."""
    pen.polygon([(0.5, 0.06), *arc((0.5, 0.62), 0.3, -30, 210, 40)])


def star(pen: AntialiasedPen) -> None:
    """Draw a five-pointed star."""
    corners = [
        (0.5 + r * math.sin(math.pi * i / 5), 0.53 - r * math.cos(math.pi * i / 5))
        for i, r in ((i, 0.44 if i % 2 == 0 else 0.2) for i in range(10))
    ]
    pen.polygon(corners)
    pen.line([*corners, corners[0]], 0.06)


def flower(pen: AntialiasedPen) -> None:
    """Six petals."""
    for step in range(6):
        turn = math.pi * step / 3
        pen.circle((0.5 + 0.26 * math.cos(turn), 0.5 + 0.26 * math.sin(turn)), 0.18)
    pen.circle((0.5, 0.5), 0.12, away=True)


def tree(pen: AntialiasedPen) -> None:
    """Draw a spruce."""
    pen.polygon([(0.5, 0.04), (0.76, 0.42), (0.24, 0.42)])
    pen.polygon([(0.5, 0.26), (0.86, 0.76), (0.14, 0.76)])
    pen.line([(0.5, 0.76), (0.5, 0.92)], 0.12)


def bear(pen: AntialiasedPen) -> None:
    """Draw a bear's face."""
    pen.circle((0.2, 0.24), 0.15)
    pen.circle((0.8, 0.24), 0.15)
    pen.circle((0.5, 0.54), 0.4)
    pen.circle((0.35, 0.46), 0.05, away=True)
    pen.circle((0.65, 0.46), 0.05, away=True)
    pen.ellipse((0.5, 0.66), 0.1, 0.07, away=True)


def boat(pen: AntialiasedPen) -> None:
    """Draw a sailing boat."""
    pen.polygon([(0.06, 0.7), (0.94, 0.7), (0.78, 0.9), (0.22, 0.9)])
    pen.polygon([(0.48, 0.08), (0.48, 0.62), (0.12, 0.62)])
    pen.polygon([(0.56, 0.2), (0.56, 0.62), (0.86, 0.62)])


def house(pen: AntialiasedPen) -> None:
    """Draw a small house with its door."""
    pen.polygon([(0.5, 0.08), (0.96, 0.48), (0.04, 0.48)])
    pen.polygon([(0.14, 0.44), (0.86, 0.44), (0.86, 0.92), (0.14, 0.92)])
    pen.polygon([(0.41, 0.6), (0.59, 0.6), (0.59, 0.92), (0.41, 0.92)], away=True)


def cloud(pen: AntialiasedPen) -> None:
    """Draw a cloud."""
    pen.circle((0.26, 0.58), 0.2)
    pen.circle((0.5, 0.44), 0.26)
    pen.circle((0.75, 0.59), 0.19)
    pen.polygon([(0.26, 0.5), (0.75, 0.5), (0.75, 0.78), (0.26, 0.78)])


def lighthouse(pen: AntialiasedPen) -> None:
    """Draw a lighthouse with its beams."""
    pen.polygon([(0.4, 0.34), (0.6, 0.34), (0.7, 0.92), (0.3, 0.92)])
    pen.polygon([(0.37, 0.56), (0.64, 0.56), (0.66, 0.68), (0.35, 0.68)], away=True)
    pen.polygon([(0.4, 0.2), (0.5, 0.08), (0.6, 0.2), (0.6, 0.3), (0.4, 0.3)])
    pen.line([(0.1, 0.16), (0.28, 0.22)], 0.06)
    pen.line([(0.9, 0.16), (0.72, 0.22)], 0.06)


def mushroom(pen: AntialiasedPen) -> None:
    """Draw a mushroom with its spots."""
    pen.polygon([*arc((0.5, 0.54), 0.44, 180, 360, 40)])
    pen.line([(0.1, 0.53), (0.9, 0.53)], 0.08)
    pen.line([(0.5, 0.6), (0.5, 0.82)], 0.22)
    pen.circle((0.34, 0.36), 0.07, away=True)
    pen.circle((0.62, 0.28), 0.06, away=True)
    pen.circle((0.68, 0.44), 0.05, away=True)


def apple(pen: AntialiasedPen) -> None:
    """Draw an apple with its leaf."""
    pen.circle((0.36, 0.56), 0.27)
    pen.circle((0.64, 0.56), 0.27)
    pen.ellipse((0.5, 0.68), 0.28, 0.24)
    pen.line([(0.5, 0.34), (0.52, 0.18)], 0.06)
    pen.polygon([(0.55, 0.24), (0.66, 0.08), (0.84, 0.1), (0.74, 0.24)])


def snowflake(pen: AntialiasedPen) -> None:
    """Draw a snow crystal."""
    for step in range(6):
        x, y = math.sin(math.pi * step / 3), -math.cos(math.pi * step / 3)
        pen.line([(0.5, 0.5), (0.5 + 0.42 * x, 0.5 + 0.42 * y)], 0.075)
        for side in (-1, 1):
            turn = math.pi * (step / 3 + side / 4)
            fork = (0.5 + 0.25 * x, 0.5 + 0.25 * y)
            pen.line([fork, (fork[0] + 0.14 * math.sin(turn), fork[1] - 0.14 * math.cos(turn))], 0.06)


def hare(pen: AntialiasedPen) -> None:
    """Draw a hare's face with long ears."""
    pen.ellipse((0.36, 0.26), 0.1, 0.24)
    pen.ellipse((0.64, 0.26), 0.1, 0.24)
    pen.ellipse((0.5, 0.66), 0.32, 0.28)
    pen.circle((0.38, 0.62), 0.045, away=True)
    pen.circle((0.62, 0.62), 0.045, away=True)
    pen.ellipse((0.5, 0.77), 0.06, 0.04, away=True)


def person(pen: AntialiasedPen) -> None:
    """Head and shoulders of nobody in particular: a guest."""
    pen.circle((0.5, 0.3), 0.21)
    pen.polygon([*arc((0.5, 0.96), 0.4, 180, 360, 40)])


PICTURES: dict[str, Drawing] = {
    "sun": sun,
    "moon": moon,
    "leaf": leaf,
    "fox": fox,
    "bird": bird,
    "fish": fish,
    "mountain": mountain,
    "drop": drop,
    "star": star,
    "flower": flower,
    "tree": tree,
    "bear": bear,
    "boat": boat,
    "house": house,
    "cloud": cloud,
    "lighthouse": lighthouse,
    "mushroom": mushroom,
    "apple": apple,
    "snowflake": snowflake,
    "hare": hare,
}
"""By the key that a plan names. The catalogues hold each one's words."""


def picture_of(key: str | None, nickname: str | None) -> Drawing:
    """Return the drawing that a plan names; else what the nickname's word says in either language, else its letters'.

    A key that is not known here, from a newer server, is no fault: the nickname decides. Without either: a person.
    """
    if key in PICTURES:
        return PICTURES[key]
    if nickname is None:
        return person
    name = nickname.casefold()
    for language in LANGUAGES:
        for symbol, words in texts_in(language).group("symbol").items():
            if any(word.strip() == name for word in words.split(",")):
                return PICTURES[symbol]
    drawings = list(PICTURES.values())
    return drawings[zlib.crc32(name.encode()) % len(drawings)]
