"""What the person is told after a session: minutes by the zone found right, and by exertion where there is none."""

from msgspec.structs import replace

from coach.kiosk.flow import KioskState, session_ended, view
from coach.kiosk.view import ScreenId
from coach.model.events import HrMaxFinding
from coach.model.messages import CommandName, Exertion
from coach.model.plan import WORTH_A_NUMBER_S
from coach.session.good_work import good_work
from coach.session.state import SessionState
from tests.support.led_session import PLAN, STEADY, LedSession

BY_FEELING = replace(PLAN, mode="exertion")


def whole(plan_bpm: float, session: LedSession | None = None) -> LedSession:
    """A session of two intervals, each at one rate."""
    session = session or LedSession()
    session.live_until(60, 120).live_until(300, plan_bpm).live_until(480, 120)
    return session.live_until(720, plan_bpm).live_until(840, 100)


def found_lower(state: SessionState, bpm: float) -> SessionState:
    finding = HrMaxFinding("hr_max_seems_lower", bpm, bpm - 5, bpm + 5, "exertion")
    return replace(state, outlook=replace(state.outlook, finding=finding))


def test_time_in_the_planned_zone_counts_of_all_that_was_planned() -> None:
    state = whole(178).state
    work = good_work(state)
    assert work is not None
    assert state.summary is not None
    assert (work.planned_s, work.by, work.done_s) == (480.0, "zone", state.summary.time_in_zone_s)
    assert len(work.intervals_s) == 2


def test_an_interval_is_counted_again_with_the_zone_that_was_found_right() -> None:
    """HRmax 200 in the plan: 155 is far below its zone, and within that of an HRmax of 175."""
    state = whole(155).state
    before, after = good_work(state), good_work(found_lower(state, 175.0))
    assert before is not None
    assert after is not None
    assert before.done_s == 0
    assert after.done_s > 300
    assert after.intervals_s[0] > 150


def test_what_counted_in_the_zone_of_then_is_never_taken_away() -> None:
    state = whole(178).state
    work, lowered = good_work(state), good_work(found_lower(state, 180.0))
    assert work is not None
    assert lowered is not None
    assert lowered.done_s >= work.done_s


def test_an_interval_without_a_zone_among_others_keeps_what_was_counted_then() -> None:
    state = whole(178).state
    phases = tuple(
        replace(phase, zone=None) if number == 1 else phase for number, phase in enumerate(state.protocol.phases)
    )
    mixed = good_work(replace(state, protocol=replace(state.protocol, phases=phases)))
    assert mixed is not None
    assert state.tally is not None
    assert mixed.intervals_s[0] == float(state.tally.done[0].in_zone_s)


def test_without_a_zone_the_interval_counts_unless_it_was_too_easy() -> None:
    session = whole(150, LedSession(BY_FEELING))
    work = good_work(session.state)
    assert work is not None
    assert (work.by, work.done_s) == ("exertion", 480.0)
    assert good_work(session.send(Exertion(session.t, 17)).state) == work


def test_a_protocol_without_intervals_has_no_such_figure() -> None:
    assert good_work(LedSession(protocol=STEADY).live_until(390, 140).state) is None


def test_after_the_first_minutes_only_the_mood_is_asked() -> None:
    session = LedSession().live_until(60).live_until(100, 150).command(CommandName.STOP)
    desk = session_ended(KioskState(chosen=True), session.state)
    session.command(CommandName.STOP)
    shown = view(desk, session.state)
    assert (shown.face, shown.selected) == (ScreenId.MOOD, 3)
    assert "say_exertion" not in [cue.name for cue in session.cues]
    later = LedSession().live_until(60).live_until(WORTH_A_NUMBER_S, 170).command(CommandName.STOP)
    desk = session_ended(desk, later.state)
    later.command(CommandName.STOP)
    assert (view(desk, later.state).face, view(desk, later.state).selected) == (ScreenId.EXERTION, 13)
