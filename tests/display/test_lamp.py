"""The lamp: what it says for each view, and that it never flickers."""

import itertools

import pytest
from msgspec.structs import replace

from coach.kiosk.view import DisplayState, ScreenId
from coach.model.events import Level, Signal
from coach.model.snapshot import NoticeNow, Position, Snapshot
from display.examples import snapshot_at
from display.lamp.pattern import (
    ABOVE,
    ASKS,
    BELOW,
    FINISHED,
    IDLE,
    IN_ZONE,
    STOP_NOW,
    STRAP_LOST,
    WAITS,
    LampPattern,
    LampState,
    brightness_at,
    lamp,
)

RUNNING = snapshot_at(1132.0)
OVER_CEILING = NoticeNow("over_ceiling", Level.ATTENTION, 3.0)
HELP = NoticeNow("no_answer", Level.STOP_NOW, 3.0)
EVERY_STATE = (IDLE, BELOW, IN_ZONE, ABOVE, STRAP_LOST, STOP_NOW, ASKS, WAITS, FINISHED)


def shown(now: Snapshot | None) -> LampState:
    """Light the lamp for a moment of a session."""
    return lamp(DisplayState(face=ScreenId.SESSION, snapshot=now))


@pytest.mark.parametrize(
    ("position", "state"), [("below", BELOW), ("in", IN_ZONE), ("above", ABOVE), ("unknown", WAITS)]
)
def test_the_zone_has_a_colour_and_a_rhythm_of_its_own(position: Position, state: LampState) -> None:
    """Blue below, green in, amber above."""
    assert shown(replace(RUNNING, position=position)) == state


@pytest.mark.parametrize("signal", [Signal.STALE, Signal.LOST])
def test_a_lost_strap_is_winked_at_and_no_zone_is_claimed(signal: Signal) -> None:
    """The last known position is not shown as if it were live (hazard H2)."""
    assert shown(replace(RUNNING, signal=signal, position="in")) == STRAP_LOST


def test_above_the_ceiling_with_a_strap_that_was_lost_since_says_what_is_true_now() -> None:
    assert shown(replace(RUNNING, signal=Signal.LOST, notices=(OVER_CEILING,))) == STRAP_LOST


@pytest.mark.parametrize("notice", [OVER_CEILING, HELP])
def test_a_stop_now_notice_outshines_the_zone(notice: NoticeNow) -> None:
    """Over the ceiling, or help wanted: the liveliest light."""
    assert shown(replace(RUNNING, notices=(notice,))) == STOP_NOW


def test_questions_pause_and_end_have_their_lights() -> None:
    """White asks or waits; green has finished."""
    assert shown(replace(RUNNING, question="phase_end")) == ASKS
    assert shown(replace(RUNNING, stage="paused")) == WAITS
    assert shown(replace(RUNNING, mode="exertion", signal=Signal.LOST)) == WAITS
    assert shown(replace(RUNNING, stage="ended")) == FINISHED
    assert shown(None) == IDLE


def test_every_face_has_a_light_and_an_idle_machine_is_dark() -> None:
    """No face is forgotten."""
    lights = {face: lamp(DisplayState(face=face)) for face in ScreenId}
    assert {face for face, light in lights.items() if light == IDLE} == {
        ScreenId.CHOOSE_PARTICIPANT,
        ScreenId.NOT_TODAY,
        ScreenId.MACHINE,
        ScreenId.SESSION,
    }


def test_zones_and_strap_differ_by_rhythm_alone() -> None:
    """A colour-blind person tells them apart."""
    assert len({state.pattern for state in (BELOW, IN_ZONE, ABOVE, STRAP_LOST, STOP_NOW)}) == 5


@pytest.mark.parametrize("state", EVERY_STATE)
def test_no_light_flickers(state: LampState) -> None:
    """At most 3 rises a second (WCAG 2.2, 2.3.1), and never a jump in brightness."""
    light = [brightness_at(state, tick / 200) for tick in range(200 * 12)]
    rises = sum(before < 0.5 <= after for before, after in itertools.pairwise(light))
    assert rises / 12 <= 3
    assert max(abs(after - before) for before, after in itertools.pairwise(light)) < 0.06
    assert all(0 <= brightness <= 1 for brightness in light)


def test_steady_is_steady_and_off_is_dark() -> None:
    """The right place looks calm."""
    assert {brightness_at(IN_ZONE, tick / 10) for tick in range(50)} == {1.0}
    assert {brightness_at(LampState((0, 0, 0), LampPattern.OFF), tick / 10) for tick in range(50)} == {0.0}
