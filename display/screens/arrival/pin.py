"""A PIN, digit by digit: turned with up and down or typed on a keypad; a digit that is given becomes a dot."""

from coach.kiosk.view import Button, PinNow
from display.drawing import icons
from display.drawing.canvas import TITLE, Brush, Style
from display.drawing.fonts import Weight
from display.drawing.layout import MARGIN, Box, Widget
from display.drawing.palette import ABOVE, ABOVE_DEEP, IN, IN_DEEP, PANEL, QUIET, WHITE
from display.drawing.participant_pictures import picture_of
from display.screen.button_bar import buttons_part
from display.screen.frame import RenderContext
from display.screens.arrival.choose_participant import colour_of, name_of
from display.screens.arrival.confirm import who_of

BOX_WIDTH, BOX_HEIGHT, APART = 132.0, 168.0, 26.0


def parts(glance: RenderContext) -> list[Widget]:
    """Return the face of the PIN."""
    texts, sheet = glance.texts, glance.sheet
    pin = glance.view.pin or PinNow()
    width = sheet.width - 2 * MARGIN
    foot = Box(MARGIN, sheet.height - 96, width, 64)
    who = Box(MARGIN, 40, width, 64)
    spare = (sheet.height - 720) / 2
    title = Box(MARGIN, 112 + spare * 0.5, width, 90)
    digits = Box(MARGIN, title.bottom + 22 + spare * 0.3, width, BOX_HEIGHT + 128)
    words = Box(MARGIN, digits.bottom + 12, width, 84)
    turning = pin.wait_s == 0 and not pin.checking
    labels = (
        ((Button.UP, Button.DOWN), texts.say("button.choose")),
        ((Button.START,), texts.say("button.next")),
        ((Button.STOP,), texts.say("button.back" if pin.entered and not pin.checking else "button.leave")),
    )
    says = _words(glance, pin)

    def paint_title(brush: Brush, box: Box) -> None:
        brush.text(texts.say("pin.title"), (box.middle_x, box.middle_y), TITLE, "centre", width=box.width)

    def paint_words(brush: Brush, box: Box) -> None:
        if not says:
            return
        style = brush.fitted(says, Style(40, Weight.BOLD, ABOVE if pin.wrong else WHITE), box.width - 96)
        if pin.wrong:
            pill = brush.width(says, style) + 80
            brush.bar(Box(box.middle_x - pill / 2, box.y, pill, box.height), box.height / 2, ABOVE_DEEP)
        brush.text(says, (box.middle_x, box.middle_y), style, "centre")

    return [
        _who(glance, who),
        Widget("title", title, None, paint_title),
        _digits(digits, pin, glance.view.selected, turning=turning),
        Widget("words", words, (says, pin.wrong > 0), paint_words),
        buttons_part(foot, labels if turning else labels[2:]),
    ]


def _words(glance: RenderContext, pin: PinNow) -> str:
    texts = glance.texts
    if pin.checking:
        return texts.say("pin.checking")
    if pin.wrong and pin.ask_therapist:
        return texts.say("pin.ask_wait", seconds=pin.wait_s) if pin.wait_s else texts.say("pin.ask")
    if pin.wait_s:
        return texts.say("pin.wait", seconds=pin.wait_s)
    return texts.say("pin.wrong") if pin.wrong and not pin.entered else ""


def _who(glance: RenderContext, box: Box) -> Widget:
    """Picture and nickname of whose PIN it is."""
    who = who_of(glance)
    name = name_of(glance, who)

    def paint(brush: Brush, box: Box) -> None:
        style = brush.fitted(name, Style(40, Weight.FIRM, QUIET), box.width - 90)
        left = box.middle_x - (brush.width(name, style) + 74) / 2
        brush.icon(picture_of(who.picture, who.name), Box(left, box.middle_y - 28, 56, 56), colour_of(who))
        brush.text(name, (left + 74, box.middle_y), style)

    return Widget("who", box, who, paint)


def _digits(box: Box, pin: PinNow, turned: int, *, turning: bool) -> Widget:
    shown = turned if turning else None

    def paint(brush: Brush, box: Box) -> None:
        left = box.middle_x - (BOX_WIDTH * pin.digits + APART * (pin.digits - 1)) / 2
        top = box.middle_y - BOX_HEIGHT / 2
        for place in range(pin.digits):
            tile = Box(left + (BOX_WIDTH + APART) * place, top, BOX_WIDTH, BOX_HEIGHT)
            at_work = shown is not None and place == pin.entered
            brush.bar(tile, 24, IN_DEEP if at_work else PANEL)
            if place < pin.entered:
                brush.disc((tile.middle_x, tile.middle_y), 24, WHITE)
            elif at_work:
                brush.bar(tile, 24, IN, 6)
                style = Style(116, Weight.BOLD, WHITE)
                brush.number(str(shown), (tile.middle_x, tile.middle_y), style, "centre")
                for drawing, y in ((icons.up, tile.y - 60), (icons.down, tile.bottom + 4)):
                    brush.icon(drawing, Box(tile.middle_x - 28, y, 56, 56), QUIET)

    return Widget("digits", box, (pin.entered, pin.digits, shown), paint)
