"""The small screen while somebody is arriving: who trains, is it you, the PIN, a guest's age."""

from functools import cache

import pygame
from PIL import Image

from coach.kiosk.view import Choice, DisplayState, PinNow
from display.drawing.participant_pictures import picture_of
from display.drawing.shapes import Drawing, icon
from display.oled.canvas import WIDTH, OledPen
from display.sound.phrases import Catalogue
from display.texts import Texts

ROWS, ROW_HEIGHT = 3, 21


def choose(pen: OledPen, _words: Catalogue, texts: Texts, view: DisplayState) -> None:
    """Three of those who can be chosen, the highlighted one on a light bar."""
    if not view.choices:
        pen.paragraph(texts.say("choose.nobody_how"), (0, 0, 127, 63), 16)
        return
    first = max(0, min(view.selected - 1, len(view.choices) - ROWS))
    for place, who in enumerate(view.choices[first : first + ROWS]):
        top, chosen = ROW_HEIGHT * place, first + place == view.selected
        if chosen:
            pen.bar(0, top, 127, top + ROW_HEIGHT - 1)
        _picture(pen, who, 3, top + 2, 17, ink=0 if chosen else 1)
        pen.left(name_of(texts, who), 25, top + 2, 15, ink=0 if chosen else 1, within=80)
        mark = "…" if who.expired else "*" if who.has_pin else ""
        pen.right(mark, 112, top + 2, 15, ink=0 if chosen else 1)
    if view.attention:
        pen.box(114, 0, 127, 19, filled=False)
        pen.centred("!", 1, 16, between=(114, 127))


def confirm(pen: OledPen, words: Catalogue, texts: Texts, view: DisplayState) -> None:
    """Picture and question, and what the buttons say."""
    who = view.who
    if who is None:
        return
    asks = texts.say("confirm.guest") if who.guest else texts.say("confirm.title", nickname=name_of(texts, who))
    _picture(pen, who, 2, 3, 36)
    pen.paragraph(asks, (42, 0, 127, 41), 18)
    _yes_no(pen, words)


def pin(pen: OledPen, _words: Catalogue, texts: Texts, view: DisplayState) -> None:
    """Four boxes, the digits that are given as dots, or why to wait."""
    now = view.pin or PinNow()
    if now.checking:
        title = texts.say("pin.checking")
    elif now.wrong and now.ask_therapist:
        title = texts.say("pin.ask_wait", seconds=now.wait_s) if now.wait_s else texts.say("pin.ask")
    elif now.wait_s:
        title = texts.say("pin.wait", seconds=now.wait_s)
    elif now.wrong and not now.entered:
        title = texts.say("pin.wrong")
    else:
        title = texts.say("pin.title")
    pen.paragraph(title, (0, 0, 127, 27), 13)
    for place in range(now.digits):
        left = 6 + 30 * place
        pen.box(left, 31, left + 25, 63, filled=False)
        if place < now.entered:
            pen.disc(left + 13, 47, 5)
        elif place == now.entered and not now.wait_s:
            pen.bar(left, 31, left + 25, 63)
            pen.centred(str(view.selected), 33, 26, ink=0, between=(left, left + 25))


def guest_age(pen: OledPen, _words: Catalogue, texts: Texts, view: DisplayState) -> None:
    """Draw the age, between the arrows that change it."""
    pen.centred(texts.say("guest_age.title"), 0, 14)
    pen.number(f"{view.selected}", 86, 21, 40)
    pen.arrow(6, 26, up=False, scale=0.7)
    pen.arrow(101, 26, up=True, scale=0.7)


def name_of(texts: Texts, who: Choice) -> str:
    """Return what somebody is called: the nickname, or «guest»; the pseudonym where there is none."""
    return who.name or (texts.say("choose.guest") if who.guest else who.participant)


def _yes_no(pen: OledPen, words: Catalogue) -> None:
    pen.disc(7, 55, 6)
    pen.left(words.oled("yes"), 18, 46, 15, within=40)
    pen.box(70, 49, 82, 61, filled=False)
    pen.left(words.oled("no"), 87, 46, 15, within=WIDTH - 87)


def _picture(pen: OledPen, who: Choice, left: int, top: int, side: int, *, ink: int = 1) -> None:
    pen.picture(_one_bit(picture_of(who.picture, who.name), side), left, top, ink=ink)


@cache
def _one_bit(drawing: Drawing, side: int) -> Image.Image:
    """Return the drawing in light on dark, one bit a pixel."""
    surface = icon(drawing, side, side, (255, 255, 255))
    alpha = pygame.image.tobytes(surface, "RGBA")[3::4]
    return Image.frombytes("L", (side, side), alpha).point(lambda light: 255 if light > 110 else 0, mode="1")  # noqa: PLR2004 - a little below half keeps thin strokes
