"""Which strap is yours? One row for each on the air, its printed number large, as it stands on the strap (H4)."""

from coach.kiosk.view import Button
from coach.model.strap_advertisement import StrapSeen
from display.drawing import icons
from display.drawing.canvas import Brush, Style
from display.drawing.fonts import Weight
from display.drawing.layout import MARGIN, Box, Widget
from display.drawing.palette import BELOW, IN, IN_DEEP, PANEL, QUIET, TRACK, WHITE
from display.screen.button_bar import buttons_part
from display.screen.frame import RenderContext
from display.screen.header import nickname_part
from display.texts import Texts

ROWS = 4
TALLEST, TALLEST_UPRIGHT, APART = 116.0, 160.0, 16.0
TAG = Style(30, Weight.FIRM, QUIET)
STEPS_DBM = (-85.0, -75.0, -65.0, -55.0)
"""Each that a strap is heard more strongly than lights one more bar; beside the machine it is about −50 dBm."""


def bars_lit(signal_dbm: float) -> int:
    """How many of the four bars are lit."""
    return sum(signal_dbm > step for step in STEPS_DBM)


def label_of(seen: StrapSeen, texts: Texts) -> str:
    """Return what stands on the strap; of an unknown maker what it calls itself, never signs that are not on it."""
    return seen.printed if seen.on_band else seen.name or texts.say("choose_strap.nameless")


def parts(glance: RenderContext) -> list[Widget]:
    """Return the face of the choice."""
    texts, sheet, straps = glance.texts, glance.sheet, glance.view.straps
    width = sheet.width - 2 * MARGIN
    foot = Box(MARGIN, sheet.height - 96, width, 64)
    title, under = Box(MARGIN, 34, width - 250, 64), Box(MARGIN, 102, width, 46)
    rows = Box(MARGIN, under.bottom + 20, width, foot.y - 24 - under.bottom - 20)
    selected = glance.view.selected
    first = max(selected, 0) // ROWS * ROWS
    shown = straps[first : first + ROWS]
    height = min((rows.height - APART * (ROWS - 1)) / ROWS, TALLEST_UPRIGHT if sheet.portrait else TALLEST)
    whole = (height + APART) * len(shown) - APART
    top = rows.y + max(0.0, (rows.height - whole) / 2 if sheet.portrait else 0.0)
    pages = -(-len(straps) // ROWS)
    more = texts.say("number.of", number=first // ROWS + 1, total=pages) if pages > 1 else ""
    asks = texts.say("choose_strap.title")
    how = texts.say("choose_strap.how" if all(one.on_band for one in shown) else "choose_strap.how_unprinted")

    def paint_title(brush: Brush, box: Box) -> None:
        brush.text(asks, (box.x, box.middle_y), Style(54, Weight.BOLD, WHITE), width=box.width)

    def paint_how(brush: Brush, box: Box) -> None:
        end = brush.text(how, (box.x, box.middle_y), Style(32, Weight.PLAIN, QUIET), width=box.width - 120)
        brush.text(more, (box.right, box.middle_y), Style(32, Weight.FIRM, QUIET), "right", width=box.right - end - 20)

    return [
        Widget("title", title, asks, paint_title),
        Widget("how", under, (how, more), paint_how),
        nickname_part(glance, Box(MARGIN + width - 230, 34, 230, 64)),
        *(
            _row(
                glance,
                Box(rows.x, top + (height + APART) * place, rows.width, height),
                seen,
                chosen=first + place == selected,
            )
            for place, seen in enumerate(shown)
        ),
        buttons_part(
            foot,
            (
                ((Button.UP, Button.DOWN), texts.say("button.choose")),
                ((Button.START,), texts.say("button.this_one")),
                ((Button.STOP,), texts.say("button.leave")),
            ),
        ),
    ]


def _row(glance: RenderContext, box: Box, seen: StrapSeen, *, chosen: bool) -> Widget:
    texts, portrait = glance.texts, glance.sheet.portrait
    label = label_of(seen, texts)
    maker = seen.name.removesuffix(seen.printed).rstrip(" :-#_") or texts.say("choose_strap.nameless")
    if not seen.on_band:
        maker = texts.say("choose_strap.unprinted")
    last = seen.key == glance.view.last_strap
    tag = texts.say("choose_strap.last") if last else ""
    rate = "" if seen.bpm is None else f"{seen.bpm:.0f}" if seen.bpm > 0 else "–"
    lit = bars_lit(seen.signal_dbm)

    def paint(brush: Brush, box: Box) -> None:
        brush.bar(box, 24, IN_DEEP if chosen else PANEL)
        if chosen:
            brush.bar(box, 24, IN, 5)
        _paint_bars(brush, Box(box.right - 36 - 84, box.middle_y - 26, 84, 52), lit)
        right = box.right - 36 - 84 - 36
        if rate:
            end = brush.number(rate, (right, box.middle_y), Style(44, Weight.BOLD, WHITE), "right")
            left = end - brush.number_width(rate, Style(44, Weight.BOLD, WHITE))
            brush.icon(icons.heart, Box(left - 52, box.middle_y - 19, 40, 38), WHITE if seen.bpm else QUIET)
            right = left - 52 - 24
        number = Style(52 if portrait else 60, Weight.BOLD, WHITE)
        if portrait:
            x, y, wide = box.x + 32, box.middle_y - (24 if tag else 0), right - box.x - 32
            brush.text(label, (x, y - 24), number, width=wide)
            brush.text(maker, (x, y + 32), Style(32, Weight.FIRM, WHITE), width=wide)
            brush.text(tag, (x, y + 72), TAG.in_colour(IN) if chosen else TAG, width=wide)
            return
        brush.text(label, (box.x + 36, box.middle_y), number, width=430)
        at = box.x + 36 + 450
        if tag:
            brush.text(maker, (at, box.middle_y - 20), Style(32, Weight.FIRM, WHITE), width=right - at)
            brush.text(tag, (at, box.middle_y + 24), TAG.in_colour(IN) if chosen else TAG, width=right - at)
        else:
            brush.text(maker, (at, box.middle_y), Style(32, Weight.FIRM, WHITE), width=right - at)

    return Widget(f"strap {seen.key}", box, (maker, label, tag, rate, lit, chosen), paint)


def _paint_bars(brush: Brush, box: Box, lit: int) -> None:
    """How near: four bars that rise."""
    count = len(STEPS_DBM)
    width = box.width / (count + (count - 1) * 0.5)
    for place in range(count):
        height = box.height * (0.34 + 0.66 * place / (count - 1))
        bar = Box(box.x + place * width * 1.5, box.bottom - height, width, height)
        brush.bar(bar, 4, BELOW if place < lit else TRACK)
