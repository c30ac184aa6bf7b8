"""How many presses of the panel's buttons stand between a person and the first minute of their warm-up."""

from msgspec.structs import replace

from coach.kiosk.flow import KioskRequest, KioskState, press, view
from coach.kiosk.sign_in import PIN_DIGITS
from coach.kiosk.view import Button, Choice, ScreenId
from tests.support.led_session import PLAN, LedSession
from tests.support.presses import MOST_FIRST, MOST_RETURNING, PEOPLE, QUESTIONS, presses_to_the_warm_up


def test_somebody_who_comes_for_the_first_time_needs_twelve_presses_at_most() -> None:
    way = presses_to_the_warm_up(tile=2, session_number=1)
    assert len(way) <= MOST_FIRST, way
    assert way.count(ScreenId.QUESTIONS) == len(QUESTIONS)


def test_somebody_who_returns_needs_six_presses_at_most() -> None:
    way = presses_to_the_warm_up(tile=0, session_number=8)
    assert len(way) <= MOST_RETURNING, way
    assert way.count(ScreenId.QUESTIONS) == 1


def test_all_questions_on_one_page_are_asked_one_by_one_where_something_is_true() -> None:
    plan = replace(PLAN, questions=QUESTIONS, session_number=8)
    state = LedSession(plan, started=False).state
    desk = KioskState(choices=PEOPLE, chosen=True)
    assert view(desk, state).questions == QUESTIONS
    asked = press(desk, state, Button.UP, 1.0)
    assert asked.messages == ()
    seen = view(asked.desk, state)
    assert (seen.face, seen.questions, seen.question, seen.selected) == (ScreenId.QUESTIONS, (), "chest_pain", 0)
    assert press(desk, state, Button.DOWN, 1.0).messages == ()


def test_a_wrong_digit_of_a_pin_can_be_taken_back() -> None:
    owl = Choice(participant="p2", name="Ugle", has_pin=True)
    desk = KioskState(choices=(owl,))
    desk = press(press(desk, None, Button.START, 0).desk, None, Button.START, 0).desk
    desk = press(desk, None, Button.START, 0).desk
    back = press(desk, None, Button.STOP, 0)
    assert (back.untyped, back.wish, view(back.desk, None).face) == (True, None, ScreenId.PIN)
    pin = view(back.desk, None).pin
    assert pin is not None
    assert (pin.entered, pin.digits) == (0, PIN_DIGITS)
    assert press(back.desk, None, Button.STOP, 0).wish is KioskRequest.SIGN_OUT
