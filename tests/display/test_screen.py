"""The participant's screen: what it shows, what it redraws, and what it must never show."""

from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

import numpy as np
import pygame
import pytest
from msgspec.structs import replace

from coach.kiosk.view import DisplayState, ScreenId
from coach.model.events import Advice, Direction, Level, Signal
from display.drawing.canvas import Brush, Style
from display.drawing.fonts import Lettering, Weight
from display.drawing.layout import Layout, Widget
from display.drawing.number_format import clock, decimal
from display.drawing.palette import INK, TEXT_CONTRAST, TEXT_ON, WHITE, Colour, contrast
from display.examples import examples, in_language, session_view
from display.renderer import OUT_OF_TOUCH_S, SOFT_WORD_S, ScreenRenderer, parts_of
from display.screen.button_legend import with_soft_word
from display.screen.frame import RenderContext
from display.screen.heart_rate_gauge import number_style, shown_number
from display.screen.session_layout import training_places
from display.screen.session_profile import ProfileDrawing
from display.texts import LANGUAGES, Language, texts_in

LYING, LARGE, WIDE, STANDING = (1280, 720), (1920, 1080), (1280, 800), (720, 1280)
SIZES = [LYING, LARGE, WIDE, STANDING]
EXAMPLES = examples()


def picture(screen: ScreenRenderer) -> bytes:
    return pygame.image.tobytes(screen.surface, "RGB")


@cache
def drawn_at_once(name: str) -> ScreenRenderer:
    """A new screen with one example on it, to look at only."""
    screen = ScreenRenderer(LYING)
    screen.draw(EXAMPLES[name], 0.0)
    return screen


def alike(one: ScreenRenderer, other: ScreenRenderer) -> bool:
    """Whether two pictures are the same but for the soft edge of a line drawn in other pieces."""
    if picture(one) == picture(other):
        return True
    apart = np.abs(pygame.surfarray.array3d(one.surface).astype(int) - pygame.surfarray.array3d(other.surface))
    return int(apart.max()) <= 64 and float((apart > 0).mean()) < 0.001


def parts(view: DisplayState, size: tuple[int, int] = LYING) -> list[Widget]:
    return parts_of(RenderContext(view, Layout(size, texts_in(view.language)), ProfileDrawing()))


class Writing(NamedTuple):
    """A text as it was written: its colour, the colour that it stands on, and the height of its capitals in pixels."""

    text: str
    ink: Colour
    ground: Colour
    capital: int


def shown_texts(view: DisplayState, size: tuple[int, int] = LYING) -> list[str]:
    """Every text that a view writes, in the order it is written."""
    return [writing.text for writing in written(view, size)]


def written(view: DisplayState, size: tuple[int, int] = LYING) -> list[Writing]:
    """Everything that a view writes."""
    found: list[Writing] = []
    blit_text, blit_number = Brush.text, Brush.number

    def noting(brush: Brush, text: str, at: tuple[float, float], style: Style) -> None:
        unit = brush.sheet.unit
        x = min(max(round(at[0] * unit), 0), brush.surface.get_width() - 1)
        y = min(max(round(at[1] * unit), 0), brush.surface.get_height() - 1)
        red, green, blue, _ = brush.surface.get_at((x, y))
        if text:
            capital = brush.lettering.cap_height(style.weight, brush.pixels(style))
            found.append(Writing(text, style.colour, (red, green, blue), capital))

    def text(brush: Brush, text: str, at: tuple[float, float], style: Style, *args: object, **options: object) -> float:
        width = options.get("width")
        noting(brush, text, at, style if width is None else brush.fitted(text, style, float(str(width))))
        return blit_text(brush, text, at, style, *args, **options)  # type: ignore[arg-type]

    def number(
        brush: Brush, text: str, at: tuple[float, float], style: Style, *args: object, **options: object
    ) -> float:
        noting(brush, text, at, style)
        return blit_number(brush, text, at, style, *args, **options)  # type: ignore[arg-type]

    with patch.object(Brush, "text", text), patch.object(Brush, "number", number):
        ScreenRenderer(size).draw(view, 0.0)
    return found


@pytest.fixture(params=sorted(EXAMPLES))
def view(request: pytest.FixtureRequest) -> DisplayState:
    return EXAMPLES[request.param]


def test_every_face_of_the_desk_has_an_example() -> None:
    assert {view.face for view in EXAMPLES.values()} == set(ScreenId)


def test_every_state_has_a_picture_of_its_own() -> None:
    assert len({picture(drawn_at_once(name)) for name in EXAMPLES}) == len(EXAMPLES)


@pytest.mark.parametrize("size", SIZES)
def test_no_part_lies_over_another_or_beyond_the_screen(view: DisplayState, size: tuple[int, int]) -> None:
    sheet = Layout(size, texts_in("nb"))
    screen = pygame.Rect((0, 0), size)
    places = [(part.name, sheet.pixels(part.box)) for part in parts(view, size)]
    beyond = [name for name, place in places if not screen.contains(place)]
    over = [
        (one, other)
        for index, (one, place) in enumerate(places)
        for other, other_place in places[index + 1 :]
        if place.colliderect(other_place)
    ]
    assert (beyond, over) == ([], [])


@pytest.mark.parametrize("language", ["nb", "en"])
@pytest.mark.parametrize("size", [LYING, STANDING])
def test_no_text_is_cut_off(view: DisplayState, size: tuple[int, int], language: Language) -> None:
    cut: list[str] = []
    draw = Brush.text

    def text(brush: Brush, text: str, at: tuple[float, float], style: Style, *args: object, **options: object) -> float:
        right = draw(brush, text, at, style, *args, **options)  # type: ignore[arg-type]
        width = options.get("width")
        fitted = style if width is None else brush.fitted(text, style, float(str(width)))
        pixels = max(1, round(fitted.size * brush.sheet.unit))
        drawn = brush.lettering.render(text, fitted.weight, pixels, fitted.colour)
        left = round(right * brush.sheet.unit) - drawn.get_width()
        place = drawn.get_bounding_rect().move(left, brush._top(at[1], fitted.weight, pixels))
        if place.width and not brush.surface.get_clip().inflate(4, 4).contains(place):
            cut.append(text)
        return right

    with patch.object(Brush, "text", text):
        ScreenRenderer(size).draw(in_language(view, language), 0.0)
    assert cut == []


def test_every_text_stands_out_seven_to_one_in_a_pair_that_the_palette_lists(view: DisplayState) -> None:
    weak = [
        (text, ink, ground)
        for text, ink, ground, _ in written(view)
        if contrast(ink, ground) < TEXT_CONTRAST or ink not in TEXT_ON.get(ground, ())
    ]
    assert weak == []


def test_every_pair_of_the_palette_has_a_contrast_of_seven_to_one() -> None:
    weak = [(ink, ground) for ground, inks in TEXT_ON.items() for ink in inks if contrast(ink, ground) < TEXT_CONTRAST]
    assert weak == []


@pytest.mark.parametrize("size", SIZES)
def test_the_rate_is_at_least_a_fifth_of_the_screens_height(size: tuple[int, int]) -> None:
    sheet = Layout(size, texts_in("nb"))
    brush = Brush(pygame.Surface(size), sheet, Lettering())
    style = number_style(brush, training_places(sheet).rate.number, (255, 255, 255))
    height = brush.lettering.cap_height(Weight.HEAVY, round(style.size * sheet.unit))
    least = 0.2 * size[1] if size[1] < size[0] else 0.2 * size[0]
    assert height >= least


@pytest.mark.parametrize("name", ["interval_faster", "interval_slower", "recovery_begins", "over_ceiling"])
@pytest.mark.parametrize("size", [LYING, LARGE])
def test_the_number_to_set_is_white_and_no_smaller_than_the_time_left(size: tuple[int, int], name: str) -> None:
    view = EXAMPLES[name]
    assert view.snapshot is not None
    number = decimal(view.snapshot.advice.speed_kmh or 0.0, "nb")
    texts = written(view, size)
    largest = max((w for w in texts if number in w.text), key=lambda w: w.capital)
    time_left = max((w.capital for w in texts if w.text == clock(view.snapshot.phase_remaining_s)), default=0)
    assert largest.capital >= max(time_left, 0.12 * size[1])
    assert largest.ink == (INK if name == "over_ceiling" else WHITE)


@pytest.mark.parametrize(
    "name", ["warm_up", "interval", "recovery", "cool_down", "by_feeling", "bout_work", "over_ceiling"]
)
def test_every_running_face_says_what_the_buttons_do(name: str) -> None:
    said = {texts_in("nb").say(f"button.{key}") for key in ("pause", "stop", "other_speed")}
    assert said <= set(shown_texts(EXAMPLES[name]))


def test_a_press_that_does_nothing_gets_a_soft_word_for_a_while() -> None:
    screen, running = ScreenRenderer(LYING), EXAMPLES["interval"]
    screen.draw(running, 0.0)
    before = picture(screen)
    again = replace(running, refused=running.refused + 1)
    assert screen.draw(again, 1.0)
    assert picture(screen) != before
    assert screen.draw(again, 1.1 + SOFT_WORD_S)
    assert picture(screen) == before


@pytest.mark.parametrize("name", sorted(set(EXAMPLES) - {"unwell"}))
def test_every_face_has_room_for_a_soft_word(name: str) -> None:
    glance = RenderContext(EXAMPLES[name], Layout(LYING, texts_in("nb")), ProfileDrawing())
    before = parts_of(glance)
    after = with_soft_word(glance, before)
    assert [part.key for part in after] != [part.key for part in before]


@pytest.mark.parametrize("size", [LYING, STANDING])
@pytest.mark.parametrize("name", ["Ole Martin Kristoffersen", "Anne Sofie Berg", "Den lille fjellreven"])
def test_a_long_nickname_wraps_and_is_not_made_small(name: str, size: tuple[int, int]) -> None:
    choosing = EXAMPLES["choose_participant"]
    people = tuple(replace(one, name=name) for one in choosing.choices)
    seen = [
        replace(choosing, choices=people),
        *(replace(EXAMPLES[key], nickname=name) for key in ("ready", "interval")),
    ]
    words = {w.text: w.capital for view in seen for w in written(view, size) if set(w.text.split()) & set(name.split())}
    assert words
    assert min(words.values()) >= 0.028 * min(size) - 1, words


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("size", SIZES)
def test_every_text_can_be_read_from_two_metres(size: tuple[int, int], language: Language) -> None:
    """On a 24-inch screen such capitals are 8 mm high: read with a third of full sight, by one without glasses."""
    least = 0.028 * min(size) - 1
    small = {
        (name, writing.text, writing.capital)
        for name, view in EXAMPLES.items()
        for writing in written(in_language(view, language), size)
        if writing.capital < least
    }
    assert sorted(small) == []


@pytest.mark.parametrize("size", [LYING, STANDING])
@pytest.mark.parametrize(
    ("name", "instruction"),
    [
        ("interval", "Hold farten"),
        ("interval_faster", "Litt raskere"),
        ("interval_slower", "Litt roligere"),
        ("recovery_begins", "Senk farten"),
        ("over_ceiling", "Senk farten nå"),
        ("notice_attention", "Rolig til pulsen vises"),
        ("signal_lost", "Sjekk beltet"),
        ("ready", "Trykk grønn knapp"),
        ("all_right", "Går det bra?"),
        ("notice_stop_now", texts_in("nb").say("level.stop_now")),
    ],
)
def test_the_instruction_is_a_twentieth_of_the_screen_high(name: str, instruction: str, size: tuple[int, int]) -> None:
    capitals = [w.capital for w in written(EXAMPLES[name], size) if len(w.text) > 1 and w.text in instruction]
    assert max(capitals) >= 0.05 * min(size) - 1


def test_signs_that_cannot_be_drawn_become_spaces() -> None:
    lettering = Lettering()
    odd, plain = "R\x00e\x1bv\n\ud800", "R e v  "
    assert lettering.width(odd, Weight.PLAIN, 30) == lettering.width(plain, Weight.PLAIN, 30)
    drawn, expected = (lettering.render(text, Weight.PLAIN, 30, (255, 255, 255)) for text in (odd, plain))
    assert pygame.image.tobytes(drawn, "RGBA") == pygame.image.tobytes(expected, "RGBA")


def test_digits_stand_still_when_others_change() -> None:
    lettering = Lettering()
    widths = {lettering.number_width(f"1{rest:02d}", Weight.HEAVY, 290) for rest in range(100)}
    assert len(widths) == 1


@pytest.mark.parametrize("name", ["signal_stale", "signal_lost"])
def test_a_silent_strap_shows_no_number_as_live(name: str) -> None:
    silent = EXAMPLES[name]
    assert silent.snapshot is not None
    with_old_rate = replace(silent, snapshot=replace(silent.snapshot, bpm=166.0))
    assert shown_number(with_old_rate.snapshot) is None  # type: ignore[arg-type]
    assert "166" not in shown_texts(with_old_rate)


def test_a_doubtful_number_is_shown_and_marked() -> None:
    texts = shown_texts(EXAMPLES["signal_implausible"])
    assert {"221", texts_in("nb").say("signal.implausible")} <= set(texts)


def test_a_frozen_coach_leaves_no_number_on_the_screen() -> None:
    screen, fresh, running = ScreenRenderer(LYING), ScreenRenderer(LYING), EXAMPLES["interval"]
    screen.draw(running, 0.0)
    assert screen.draw(running, OUT_OF_TOUCH_S + 0.1)
    assert running.snapshot is not None
    silent = replace(
        running.snapshot,
        bpm=None,
        signal=Signal.STALE,
        signal_reason="out_of_touch",
        position="unknown",
        signal_age_s=None,
    )
    fresh.draw(replace(running, snapshot=replace(silent, advice=Advice(), prediction=None)), 0.0)
    assert picture(screen) == picture(fresh)


def test_a_renewed_snapshot_keeps_the_number() -> None:
    screen = ScreenRenderer(LYING)
    screen.draw(session_view(1132.0), 0.0)
    later = session_view(1140.0)
    screen.draw(later, 8.0)
    fresh = ScreenRenderer(LYING)
    fresh.draw(later, 8.0)
    assert picture(screen) == picture(fresh)


def test_the_same_view_is_not_drawn_again(view: DisplayState) -> None:
    screen = ScreenRenderer(LYING)
    first = screen.draw(view, 0.0)
    again = screen.draw(replace(view), 0.0)
    assert (first, again, screen.dirty) == (True, False, [])


def test_a_new_rate_redraws_a_small_part_only() -> None:
    screen = ScreenRenderer(LYING)
    running = session_view(1132.0)
    assert running.snapshot is not None
    screen.draw(running, 0.0)
    screen.draw(replace(running, snapshot=replace(running.snapshot, bpm=(running.snapshot.bpm or 0) + 1)), 0.0)
    whole = LYING[0] * LYING[1]
    assert 0 < sum(place.width * place.height for place in screen.dirty) < 0.5 * whole


def test_redrawing_only_what_changed_gives_the_same_picture_as_drawing_all() -> None:
    screen = ScreenRenderer(LYING)
    for name in sorted(EXAMPLES):
        screen.draw(EXAMPLES[name], 0.0)
        assert alike(screen, drawn_at_once(name)), name


def test_a_whole_session_drawn_second_by_second_ends_like_one_drawn_at_once() -> None:
    screen, fresh = ScreenRenderer(LYING), ScreenRenderer(LYING)
    for second in range(1000, 1120):
        screen.draw(session_view(float(second)), 1000.0 * second)
    fresh.draw(session_view(1119.0), 0.0)
    assert alike(screen, fresh)


def test_the_heart_swells_at_most_three_times_a_second_and_rests_between() -> None:
    screen = ScreenRenderer(LYING)
    view = session_view(1132.0, bpm=200.0)
    drawn_at = [step / 30 for step in range(300) if screen.draw(_at(view, step / 30), step / 30)]
    beginnings = [late for early, late in pairwise(drawn_at) if late - early > 0.08]
    assert 5 <= len(beginnings) <= 30
    assert len(drawn_at) < 290


def _at(view: DisplayState, second: float) -> DisplayState:
    """The view renewed, with nothing new to see."""
    assert view.snapshot is not None
    return replace(view, snapshot=replace(view.snapshot, t=1132.0 + second))


def test_nothing_moves_while_no_rate_is_live() -> None:
    screen = ScreenRenderer(LYING)
    view = EXAMPLES["signal_lost"]
    drawn = [screen.draw(_at(view, step / 30), step / 30) for step in range(90)]
    assert drawn == [True] + [False] * 89


def test_headless_draws_the_same_picture_each_time(view: DisplayState) -> None:
    one, other = ScreenRenderer(LYING), ScreenRenderer(LYING)
    one.draw(view, 0.0)
    other.draw(view, 100.0)
    assert picture(one) == picture(other)


def test_the_language_follows_the_view() -> None:
    screen = ScreenRenderer(LYING)
    screen.draw(EXAMPLES["interval"], 0.0)
    screen.draw(in_language(EXAMPLES["interval"], "en"), 0.0)
    fresh = ScreenRenderer(LYING, "en")
    fresh.draw(in_language(EXAMPLES["interval"], "en"), 0.0)
    assert picture(screen) == picture(fresh)


def test_numbers_are_written_as_the_language_does() -> None:
    interval = EXAMPLES["interval"]
    assert {"6,4", "km/t", "5 %"} <= set(shown_texts(interval))
    assert {"6.4", "km/h", "5%"} <= set(shown_texts(in_language(interval, "en")))


def test_each_level_of_notice_has_its_own_word_and_colour() -> None:
    looks = {
        level: next((text, ground) for text, _, ground, _ in written(EXAMPLES[name]) if text == word)
        for level, name, word in (
            (Level.INFORMATION, "notice_information", "Gå på følelsen nå"),
            (Level.ATTENTION, "notice_attention", "Obs"),
            (Level.STOP_NOW, "notice_stop_now", texts_in("nb").say("level.stop_now")),
        )
    }
    assert len(set(looks.values())) == len(Level)


def test_a_notice_that_has_been_seen_gives_the_card_back_to_the_instruction() -> None:
    assert {"Hold farten", "Rolig til pulsen vises"} <= set(shown_texts(EXAMPLES["notice_older"]))


def test_a_setting_said_once_more_is_shown_until_it_is_taken() -> None:
    """The voice says «Øk farten» late in the interval, and the screen says the same."""
    reminder = Advice(Direction.FASTER, 1.2, 7.6, 5.0, "reminder")
    shown = [shown_texts(session_view(1090.0, advice=reminder, speed_kmh=speed_kmh)) for speed_kmh in (6.4, 7.6)]
    assert ["Øk farten" in texts for texts in shown] == [True, False]


def test_the_summary_says_time_in_zone_and_which_session() -> None:
    texts = shown_texts(EXAMPLES["ended"])
    assert {"13 av 16 min", "i målsonen — økt 7 av 24", "Lagret i dagboken"} <= set(texts)


def test_a_session_that_was_stopped_at_once_is_thanked_for_in_a_whole_sentence() -> None:
    ended = EXAMPLES["ended_early"]
    assert ended.snapshot is not None
    assert ended.snapshot.summary is not None
    stopped = replace(ended.snapshot.summary, training_s=7.0, intervals=())
    said = shown_texts(replace(ended, snapshot=replace(ended.snapshot, summary=stopped)))
    assert {"Bra at du kom, Rev", "Neste gang prøver vi igjen."} <= set(said)
    assert not [text for text in said if "min" in text or "24" in text]


def test_the_diary_is_called_saved_only_when_it_is() -> None:
    said = {saved: shown_texts(replace(EXAMPLES["ended"], saved=saved)) for saved in ("no", "saving", "not_saved")}
    assert [saved for saved, texts in said.items() if "Lagret i dagboken" in texts] == []


def test_a_stop_offers_the_cool_down_and_names_the_treadmills_own_stop() -> None:
    texts = shown_texts(EXAMPLES["stopped"])
    assert {texts_in("nb").say(key) for key in ("stopped.title", "stopped.belt", "button.cool_down")} <= set(texts)


def test_a_picture_is_saved_as_png(tmp_path: Path) -> None:
    screen = ScreenRenderer(LYING)
    screen.draw(EXAMPLES["interval"], 0.0)
    screen.save_png(tmp_path / "screen.png")
    assert pygame.image.load(tmp_path / "screen.png").get_size() == LYING


def test_a_system_without_inter_draws_with_another_font() -> None:
    lettering = Lettering(fonts={})
    assert lettering.render("Hold farten", Weight.BOLD, 40, (255, 255, 255)).get_width() > 100


@pytest.mark.parametrize("size", [(1280, 720), (720, 1280)])
def test_a_line_from_the_therapist_takes_the_profiles_place_and_hides_nothing_else(size: tuple[int, int]) -> None:
    says = EXAMPLES["therapist_says"]
    with_line, without = ScreenRenderer(size), ScreenRenderer(size)
    with_line.draw(says, 0.0)
    without.draw(replace(says, message=None), 0.0)
    assert not with_line.draw(says, 0.0)
    assert with_line.draw(replace(says, message=None), 0.0)
    assert pygame.image.tobytes(with_line.surface, "RGB") == pygame.image.tobytes(without.surface, "RGB")
    with_line.draw(says, 0.0)
    (changed,) = with_line.dirty
    assert changed.top > size[1] * 0.75
