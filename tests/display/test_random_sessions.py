"""Whole random sessions, drawn: texts are large enough, parts apart, and the number to set is there when one is."""

import random
from collections.abc import Iterator

import pygame
import pytest

from coach.kiosk.flow import KioskState, press, session_ended, view
from coach.kiosk.view import Button, DisplayState
from coach.model.messages import AllRightAnswer, HeartRate, SessionCommand, Time, TreadmillSpeed
from coach.model.messages import CommandName as Name
from coach.session.engine import step
from coach.session.state import SessionState
from display.drawing.advice_words import asks_for_speed, over_ceiling_now
from display.drawing.layout import Layout
from display.drawing.number_format import decimal
from display.example_runs import started, usual_bpm
from display.examples import in_language
from display.oled.renderer import picture as small_picture
from display.renderer import parts_of
from display.screen.frame import RenderContext
from display.screen.session_profile import ProfileDrawing
from display.texts import LANGUAGES, texts_in
from tests.display.test_screen import LYING, STANDING, written

LOOKS_EVERY_S = 67.0
SMALLEST_SHARE = 0.028


def random_session(seed: int) -> Iterator[DisplayState]:
    """Live a session with an effort, silences, presses and answers drawn by the seed, and look at it now and then."""
    draw = random.Random(seed)
    desk, state = KioskState(chosen=True), started()
    effort, silent_until_t, looks_at_t = draw.uniform(0.7, 1.05), 0.0, 0.0
    stage = state.stage
    while state.t < 2700.0 and not (state.stage == "ended" and state.t > (state.ended_t or 0.0) + 70):
        t = state.t + 1.0
        if draw.random() < 0.004:
            silent_until_t = t + draw.uniform(3, 45)
        if draw.random() < 0.01:
            effort = draw.uniform(0.6, 1.08)
        state = advanced(state, Time(t) if t < silent_until_t else HeartRate(t, round(usual_bpm(state, effort), 1)))
        if state.question is not None and draw.random() < 0.1:
            state = advanced(state, AllRightAnswer(t))
        if state.stage == "paused" and draw.random() < 0.05:
            state = advanced(state, SessionCommand(t, Name.RESUME))
        asked = state.advice.speed_kmh
        if asked is not None and draw.random() < 0.05:
            state = advanced(state, TreadmillSpeed(t, asked, 5.0, "participant"))
        if draw.random() < 0.004:
            desk = at_the_end(desk, stage, state)
            stage = state.stage
            result = press(desk, state, draw.choices(list(Button), (4, 4, 4, 0.4))[0], t)
            desk = result.desk
            for message in result.messages:
                state = advanced(state, message)
        desk = at_the_end(desk, stage, state)
        stage = state.stage
        if t >= looks_at_t:
            looks_at_t = t + LOOKS_EVERY_S * draw.uniform(0.3, 1.7)
            yield view(desk, state)
    yield view(desk, state)


def at_the_end(desk: KioskState, before: str, state: SessionState) -> KioskState:
    return session_ended(desk, state) if state.stage == "ended" and before != "ended" else desk


def advanced(state: SessionState, message: object) -> SessionState:
    return step(state, message).state  # type: ignore[arg-type]


def complaints(seen: DisplayState, size: tuple[int, int]) -> Iterator[str]:
    """Say what is wrong with the picture of a view."""
    writings = written(seen, size)
    least = SMALLEST_SHARE * min(size) - 1
    yield from (f"small: {w.text} ({w.capital} px)" for w in writings if w.capital < least)
    sheet = Layout(size, texts_in(seen.language))
    places = [(p.name, sheet.pixels(p.box)) for p in parts_of(RenderContext(seen, sheet, ProfileDrawing()))]
    yield from (
        f"{one} lies over {other}"
        for index, (one, place) in enumerate(places)
        for other, beside in places[index + 1 :]
        if place.colliderect(beside)
    )
    yield from (f"{name} leaves the screen" for name, place in places if not pygame.Rect((0, 0), size).contains(place))
    now = seen.snapshot
    stop_now = now is not None and any(notice.level == "stop_now" for notice in now.notices)
    if now is not None and now.stage == "running" and asks_for_speed(now) and not stop_now and now.advice.speed_kmh:
        number = decimal(now.advice.speed_kmh, seen.language)
        large = 0.12 * size[1] if size[0] > size[1] else 0.12 * size[0]
        asked_aloud = now.asks_speed_kmh is not None
        if not asked_aloud and not any(number in w.text and w.capital >= large * 0.6 for w in writings):
            yield f"the number to set ({number}) is missing; over the ceiling: {over_ceiling_now(now)}"


@pytest.mark.parametrize("seed", range(3))
def test_every_face_of_a_random_session_can_be_read_and_followed(seed: int) -> None:
    found = {
        f"{seen.face} {size} {language}: {complaint}"
        for seen in random_session(seed)
        for language in LANGUAGES
        for size in (LYING, STANDING)
        for complaint in complaints(in_language(seen, language), size)
    }
    assert sorted(found) == []


@pytest.mark.parametrize("seed", range(3))
def test_the_small_screen_draws_every_moment_of_a_random_session(seed: int) -> None:
    for seen in random_session(seed):
        assert small_picture(seen).getbbox() is not None


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3, 200))
def test_every_face_of_many_random_sessions_can_be_read_and_followed(seed: int) -> None:
    test_every_face_of_a_random_session_can_be_read_and_followed(seed)
