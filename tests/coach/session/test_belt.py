"""A treadmill's own speed is judged: 0 under a working heart, miles, a speed that never changes, another person's."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from coach.errors import MessageRefused
from coach.guidance.defaults import default_guidance
from coach.guidance.interface import GuidanceMaker
from coach.guidance.rules import rule_guidance
from coach.kiosk.flow import KioskState, press
from coach.kiosk.view import Button
from coach.model.events import SPEED_DOUBTED, AdviceGiven, Direction, NoticeRaised, TreadmillChanged
from coach.model.messages import AllRightAnswer, CommandName, HeartRate, SessionCommand, TreadmillSpeed
from coach.session.belt import KM_PER_MILE
from coach.session.state import Question
from coach.session.transition import Transition
from tests.support.led_session import LedSession

Belt = Callable[[LedSession], float]
GUIDANCES = [rule_guidance, default_guidance]


def trained(
    belt: Belt,
    until_s: int = 300,
    bpm: Callable[[float], float] = lambda t: 120 + min(t, 60) / 2,
    session: LedSession | None = None,
    *,
    guidance: GuidanceMaker = rule_guidance,
) -> LedSession:
    """Train while the treadmill says each second what `belt` gives."""
    session = session or LedSession(guidance=guidance)
    while session.t < until_s:
        t = session.t + 1
        session.send(HeartRate(t, round(bpm(t) + t % 2)), TreadmillSpeed(t, belt(session), 5.0))
        if session.state.question is not None:
            session.send(AllRightAnswer(t))
    return session


def set_as_asked(session: LedSession) -> float:
    """Return what the belt truly does: the speed that was asked for."""
    return session.state.advice.speed_kmh or session.state.asked_kmh or 4.0


@pytest.mark.parametrize("guidance", GUIDANCES)
def test_a_belt_of_0_under_a_working_heart_is_not_believed(guidance: GuidanceMaker) -> None:
    session = trained(lambda _: 0.0, guidance=guidance)
    assert session.state.belt.doubt == "stands"
    assert session.seen.speed_kmh is None
    doubted_t = next(e.t for e in session.events if isinstance(e, NoticeRaised) and e.code == SPEED_DOUBTED)
    assert doubted_t < 60, "before the first interval"
    asked = [e.advice for e in session.events if isinstance(e, AdviceGiven) and e.t >= doubted_t]
    assert all(one.speed_kmh is None or one.speed_kmh >= session.state.plan.floor_kmh for one in asked), (
        "not counted from a belt that stands"
    )


def test_what_the_participant_confirmed_stays_in_force() -> None:
    session = trained(lambda _: 0.0, 100)
    session.send(TreadmillSpeed(session.t, 6.4, 5.0, "participant"))
    trained(lambda _: 0.0, 200, session=session)
    assert (session.seen.speed_kmh, session.seen.incline_percent) == (6.4, 5.0)


def test_a_resting_heart_on_a_standing_belt_is_believed() -> None:
    session = trained(lambda _: 0.0, 60, lambda t: max(95.0, 120 - t / 2))
    assert (session.state.belt.doubt, session.seen.speed_kmh) == (None, 0.0)
    assert session.notices() == []


def test_a_standing_belt_is_believed_while_no_heart_contradicts_it() -> None:
    session = LedSession()
    while session.t < 120:
        session.send(TreadmillSpeed(session.t + 1, 0.0, 5.0))
    assert (session.state.belt.doubt, session.seen.speed_kmh) == (None, 0.0)


def test_a_belt_that_is_stopped_is_believed_while_the_heart_comes_down() -> None:
    session = trained(set_as_asked, 200)
    stopped_t, bpm = session.t, session.state.source.bpm or 150.0
    trained(lambda _: 0.0, 420, lambda t: max(100.0, bpm - 0.4 * (t - stopped_t)), session=session)
    assert (session.state.belt.doubt, session.seen.speed_kmh) == (None, 0.0)


def test_a_belt_that_is_said_to_have_stopped_while_the_heart_goes_on_working_is_not_believed() -> None:
    session = trained(set_as_asked, 150)
    trained(lambda _: 0.0, 290, session=session)
    assert session.state.belt.doubt == "stands"


@pytest.mark.parametrize(("guidance", "by_s"), [(rule_guidance, 50), (default_guidance, 100)])
def test_miles_in_the_field_for_kilometres_are_asked_about_once_and_understood(
    guidance: GuidanceMaker, by_s: int
) -> None:
    """The guidance that learns asks for more only in the interval: at the belt's own speed the rate is far too high."""
    session = trained(lambda s: round(set_as_asked(s) / KM_PER_MILE, 1), by_s, guidance=guidance)
    assert session.state.belt.doubt == "miles"
    asked_kmh = session.seen.asks_speed_kmh
    assert asked_kmh == set_as_asked(session)
    session.send(*press(KioskState(chosen=True), session.state, Button.START, session.t).messages)
    assert session.seen.asks_speed_kmh is None
    assert session.seen.speed_kmh == pytest.approx((session.state.belt.told_kmh or 0) * KM_PER_MILE, abs=0.01)
    trained(lambda s: round(set_as_asked(s) / KM_PER_MILE, 1), 290, session=session)
    assert session.state.belt.verdict == "miles", "a second speed was the asked one in miles"
    assert session.seen.speed_kmh == pytest.approx(set_as_asked(session), abs=0.1)
    assert [code for _, code in session.notices()] == [SPEED_DOUBTED, f"-{SPEED_DOUBTED}"]


def test_miles_are_never_counted_as_kilometres_while_nobody_has_answered_yet() -> None:
    session = trained(lambda s: round(set_as_asked(s) / KM_PER_MILE, 1), 6)
    told = []
    while session.t < 50:
        trained(lambda s: round(set_as_asked(s) / KM_PER_MILE, 1), int(session.t) + 1, session=session)
        told.append(session.seen.speed_kmh)
    assert set(told) == {None}


def set_in_halves(session: LedSession) -> float:
    """Return what a treadmill in miles says of a person who sets whole and half km/h."""
    return round(round(set_as_asked(session) * 2) / 2 / KM_PER_MILE, 1)


def test_miles_of_a_person_who_sets_half_kilometres_are_neither_counted_as_kilometres_nor_missed() -> None:
    """A treadmill that is half believed costs more time in the zone than one that is not read."""
    session = trained(set_in_halves, 6)
    told = set()
    while session.t < 50:
        trained(set_in_halves, int(session.t) + 1, session=session)
        told.add(session.seen.speed_kmh)
    assert (told, session.state.belt.doubt) == ({None}, "miles")
    session.send(*press(KioskState(chosen=True), session.state, Button.START, session.t).messages)
    trained(set_in_halves, 290, session=session)
    assert session.state.belt.verdict == "miles"
    assert session.seen.speed_kmh == pytest.approx(set_in_halves(session) * KM_PER_MILE, abs=0.01)


def said_yes(until_s: int = 50) -> LedSession:
    """Return a session whose treadmill said one value, the asked speed in miles, and whose participant said yes."""
    session = trained(lambda s: round(set_as_asked(s) / KM_PER_MILE, 1), until_s)
    assert session.state.belt.doubt == "miles"
    session.send(*press(KioskState(chosen=True), session.state, Button.START, session.t).messages)
    return session


def test_a_stuck_speed_that_happens_to_be_the_asked_one_in_miles_is_not_taken_for_miles() -> None:
    session = said_yes()
    stuck_kmh = session.state.belt.told_kmh or 0.0
    asked_kmh = set_as_asked(session)
    assert session.seen.speed_kmh == pytest.approx(stuck_kmh * KM_PER_MILE, abs=0.01), "the screen showed it"
    trained(lambda _: stuck_kmh, 420, session=session)
    assert set_as_asked(session) != asked_kmh
    assert (session.state.belt.verdict, session.state.belt.factor, session.seen.speed_kmh) == ("stuck", 1.0, None)
    assert session.seen.asks_speed_kmh is None, "asked once"
    trained(set_as_asked, 480, session=session)
    assert session.state.belt.doubt is None
    assert session.seen.speed_kmh == session.state.belt.told_kmh != stuck_kmh, "it speaks again"


def test_a_treadmill_that_showed_an_asked_speed_in_km_is_not_taken_for_one_in_miles() -> None:
    session = trained(set_as_asked, 60)
    assert session.state.belt.counts_km
    trained(lambda s: round(set_as_asked(s) / KM_PER_MILE, 1), 180, session=session)
    assert session.state.belt.doubt is None
    assert session.seen.speed_kmh == pytest.approx(set_as_asked(session) / KM_PER_MILE, abs=0.1)


@pytest.mark.parametrize("button", [Button.UP, Button.DOWN])
def test_an_arrow_says_no_and_the_treadmill_is_believed_from_then_on(button: Button) -> None:
    session = trained(lambda s: round(set_as_asked(s) / KM_PER_MILE, 1), 50)
    session.send(*press(KioskState(chosen=True), session.state, button, session.t).messages)
    assert session.state.belt.verdict == "as_sent"
    trained(lambda _: 3.7, 280, session=session)
    assert (session.seen.speed_kmh, session.state.belt.doubt) == (3.7, None)


def test_an_arrow_at_a_belt_that_says_0_ends_the_question_and_leaves_the_speed_unknown() -> None:
    session = trained(lambda _: 0.0, 100)
    assert session.seen.asks_speed_kmh is not None
    session.send(AllRightAnswer(session.t, ok=False))
    assert (session.seen.asks_speed_kmh, session.state.belt.doubt, session.seen.speed_kmh) == (None, "stands", None)


def test_without_an_answer_the_question_goes_and_does_not_come_again() -> None:
    session = trained(lambda _: 0.0, 100)
    assert session.seen.asks_speed_kmh is not None
    trained(lambda _: 0.0, 180, session=session)
    assert (session.seen.asks_speed_kmh, session.state.belt.doubt) == (None, "stands")
    trained(lambda _: 0.0, 500, session=session)
    assert session.seen.asks_speed_kmh is None
    with pytest.raises(MessageRefused, match="nothing was asked"):
        session.send(AllRightAnswer(session.t))


def test_the_speed_of_the_last_user_is_not_believed() -> None:
    session = LedSession(started=False)
    session.send(HeartRate(0.0, 110.0), TreadmillSpeed(0.0, 11.0, 0.0), SessionCommand(0.0, CommandName.START))
    trained(lambda _: 11.0, 120, lambda t: 110 + t / 10, session=session)
    assert session.state.belt.doubt == "stuck"
    trained(lambda _: 6.0, 130, lambda t: 110 + t / 10, session=session)
    assert (session.state.belt.doubt, session.seen.speed_kmh) == (None, 6.0), "it speaks again"


def test_a_yes_finds_a_treadmill_of_noughts_never_right_and_a_stuck_one_stuck() -> None:
    """The speed that was asked for is what the treadmill shows, whatever it sends."""
    noughts = trained(lambda _: 0.0, 100)
    stuck = LedSession(started=False)
    stuck.send(HeartRate(0.0, 110.0), TreadmillSpeed(0.0, 11.0, 0.0), SessionCommand(0.0, CommandName.START))
    trained(lambda _: 11.0, 120, lambda t: 110 + t / 10, session=stuck)
    for session in (noughts, stuck):
        session.send(*press(KioskState(chosen=True), session.state, Button.START, session.t).messages)
    assert [session.state.belt.verdict for session in (noughts, stuck)] == ["ignored", "stuck"]


def test_a_speed_that_never_changes_while_the_heart_follows_the_advice_is_not_believed() -> None:
    session = trained(set_as_asked, 100)
    stuck = set_as_asked(session)
    phases = {"interval": 165.0, "recovery": 125.0, "cool_down": 110.0, "warm_up": 120.0}
    level = [150.0]

    def bpm(_: float) -> float:
        aim = phases[session.seen.phase]
        level[0] += max(-2.0, min(2.0, aim - level[0]))
        return level[0]

    trained(lambda _: stuck, 840, bpm, session)
    assert any(code == SPEED_DOUBTED for _, code in session.notices())


def test_a_person_who_goes_at_their_own_speed_is_believed() -> None:
    session = trained(lambda s: 4.6 if s.t < 100 else 5.0, 300)
    assert (session.state.belt.doubt, session.seen.speed_kmh) == (None, 5.0)


def test_a_treadmill_that_a_person_found_right_is_believed_at_once() -> None:
    session = LedSession()
    for t in range(1, 200):
        session.send(HeartRate(t, 150.0 + t % 2), TreadmillSpeed(t, 3.7, 5.0, "trusted_belt"))
    assert (session.state.belt.doubt, session.seen.speed_kmh) == (None, 3.7)


def test_a_doubt_answers_no_question_of_how_the_person_is() -> None:
    """Hazard H5: the belt's believed speed changes though nobody has touched the treadmill."""
    session = trained(set_as_asked, 250)
    kept = session.state
    asked = replace(kept, question=Question("phase_end", kept.t, speed_kmh=kept.speed_kmh))
    turn = Transition(asked)
    turn.speed_known(None)
    turn.speed_known(9.0)
    assert turn.state.speed_kmh == 9.0
    assert turn.state.question is not None
    assert turn.state.question.speed_kmh is None, "compared from now on with what is believed now"


def test_changes_that_are_believed_alone_are_told() -> None:
    session = trained(lambda _: 0.0, 300)
    assert [e.speed_kmh for e in session.events if isinstance(e, TreadmillChanged)] == [0.0]
    assert session.state.advice.direction is not Direction.NONE or session.state.advice.speed_kmh is None
