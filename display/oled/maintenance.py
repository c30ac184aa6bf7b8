"""The small screen where the machine itself is looked after: why nobody may begin, its own page, and the self-test."""

from coach.kiosk.view import DisplayState, TriedPart
from display.oled.canvas import OledPen
from display.sound.phrases import Catalogue
from display.texts import Texts


def failed(pen: OledPen, words: Catalogue, texts: Texts, view: DisplayState) -> None:
    """Why no session may begin; where this screen is the only part left, it says it alone (hazard H8)."""
    if view.findings == ("coach_silent",):
        pen.paragraph(texts.say("coach_silent.title"), (0, 0, 127, 26), 15)
        pen.paragraph(texts.say("coach_silent.what"), (0, 27, 127, 63), 13)
        return
    pen.bar(0, 0, 127, 35)
    pen.paragraph(words.oled("self_test_failed"), (3, 1, 124, 34), 17, ink=0)
    why = [texts.of("finding", code) for code in view.findings[:1]] or [words.oled("tell_therapist")]
    pen.paragraph(why[0], (0, 37, 127, 63), 13)


def page(pen: OledPen, words: Catalogue, texts: Texts, view: DisplayState) -> None:
    """Draw the first of what is wrong, and what green does."""
    pen.bar(0, 0, 127, 17)
    pen.left(words.oled("machine"), 3, 0, 14, ink=0, within=122)
    found = [texts.of("finding", code) for code in view.attention[:1]] or [words.oled("machine_well")]
    pen.paragraph(found[0], (0, 19, 127, 47), 13)
    pen.left(words.oled("machine_try"), 0, 49, 12, within=127)


def self_test(pen: OledPen, words: Catalogue, view: DisplayState) -> None:
    """Draw the question of this part of the self-test."""
    if view.tried is TriedPart.SCREEN:
        pen.box(0, 0, 127, 63, filled=False)
    pen.paragraph(words.oled(f"tried_{view.tried or TriedPart.VOICE}"), (5, 3, 122, 39), 17)
    pen.left(words.oled("green_yes"), 5, 45, 13, within=58)
    pen.right(words.oled("stop_no"), 122, 45, 13, within=58)
