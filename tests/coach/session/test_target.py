"""The therapist may lower the target of a session under way; nobody can raise it above the plan's."""

import pytest

from coach.errors import MessageRefused
from coach.model.events import TargetAdjusted
from coach.model.messages import CommandName, SessionCommand
from coach.session.engine import step
from coach.session.snapshots import profile, snapshot
from tests.support.led_session import LedSession


def adjust(t: float, lowered: float | None) -> SessionCommand:
    return SessionCommand(t, CommandName.ADJUST, source="therapist", lowered_fraction=lowered)


def test_lowering_the_target_moves_every_zone_and_is_journaled() -> None:
    state = LedSession().state
    planned = snapshot(state).zone
    stepped = step(state, adjust(state.t, 0.05))
    lowered = snapshot(stepped.state).zone
    hr_max_bpm = state.plan.hr_max_bpm
    assert planned.low_bpm is not None
    assert hr_max_bpm is not None
    assert lowered.low_bpm == pytest.approx(planned.low_bpm - 0.05 * hr_max_bpm, abs=0.01)
    assert stepped.events == (TargetAdjusted(state.t, 0.05, "therapist"),)
    interval = next(one for one in profile(stepped.state).phases if one.interval == 1)
    assert interval.low_bpm == pytest.approx(0.80 * hr_max_bpm)


def test_zero_takes_the_lowering_back() -> None:
    state = LedSession().state
    lowered = step(state, adjust(state.t, 0.1)).state
    assert snapshot(step(lowered, adjust(state.t, 0.0)).state).zone == snapshot(state).zone


@pytest.mark.parametrize("lowered", [-0.01, 0.11, None, float("nan")])
def test_a_target_is_never_raised_nor_lowered_beyond_a_tenth(lowered: float | None) -> None:
    state = LedSession().state
    with pytest.raises(MessageRefused, match=r"lowered by 0–0\.1 of HRmax"):
        step(state, adjust(state.t, lowered))


def test_there_is_nothing_to_adjust_after_the_end() -> None:
    state = LedSession().state
    ended = step(state, SessionCommand(state.t, CommandName.STOP)).state
    with pytest.raises(MessageRefused, match="no session to adjust"):
        step(ended, adjust(ended.t, 0.05))


def test_asking_for_the_target_that_holds_already_changes_nothing() -> None:
    state = LedSession().state
    stepped = step(state, adjust(state.t, 0.0))
    assert (stepped.state, stepped.events) == (state, ())
