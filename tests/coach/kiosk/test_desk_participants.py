"""Who is training: nobody but who was confirmed, never without a PIN where one is set; stop always leaves."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from coach.kiosk.flow import (
    SIGN_OUT_AFTER_S,
    KioskRequest,
    KioskState,
    PressResult,
    enter_session,
    face,
    leaves_at_t,
    pin_answered,
    pin_waits_until_t,
    press,
    signed_out,
    type_digit,
    view,
    with_choices,
)
from coach.kiosk.sign_in import (
    ASK_THERAPIST_FROM,
    AWAY_AFTER_S,
    OLDEST,
    PIN_WAITS_S,
    YOUNGEST,
    SignIn,
)
from coach.kiosk.view import Button, Choice, PinNow, ScreenId
from tests.support.led_session import PLAN, LedSession

FOX = Choice(participant="p1", name="Rev")
MOUNTAIN = Choice(participant="p2", name="Fjell", has_pin=True, language="en", picture="mountain")
OLD = Choice(participant="p3", name="Ugle", expired=True)
GUEST = Choice(participant="guest", guest=True, asks_age=True)
EVERYBODY = (FOX, MOUNTAIN, OLD, GUEST)
PEOPLE = KioskState(choices=EVERYBODY)
AT_PIN = replace(PEOPLE, arrival=SignIn(who=MOUNTAIN, face=ScreenId.PIN))
RIGHT = "2580"


def typed(desk: KioskState, digits: str, t: float = 0.0) -> PressResult:
    pressed = PressResult(desk)
    for digit in digits:
        pressed = type_digit(pressed.desk, None, int(digit), t)
    return pressed


def wrong(times: int) -> tuple[KioskState, float]:
    """The desk after so many wrong PINs, each typed as soon as it was taken; and the second of the last answer."""
    desk, t = AT_PIN, 0.0
    for _ in range(times):
        t = pin_waits_until_t(desk, None, t) or t
        asked = typed(desk, "0000", t)
        assert asked.wish is KioskRequest.CHECK_PIN
        desk = pin_answered(asked.desk, "p2", t, right=False).desk
    return desk, t


class Run(Struct):
    """What a run of presses has brought, with somebody who keeps Fjell's PIN."""

    desk: KioskState = PEOPLE
    digits: str = ""
    confirmed: str | None = None
    pin_was_right: bool = False
    t: float = 0.0
    begun: list[tuple[str, str | None, bool]] = []

    def do(self, act: Button | int | str) -> None:
        """One press, one digit, or something that happens meanwhile."""
        before, was = face(self.desk, None), self.desk.arrival
        self.t += 0.7
        if act == "list changes":
            self.desk = with_choices(self.desk, self.desk.choices[1:] + self.desk.choices[:1])
            return
        if act == "long wait":
            self.t += 100.0
            return
        pressed = (
            press(self.desk, None, act, self.t)
            if isinstance(act, Button)
            else type_digit(self.desk, None, int(act), self.t)
        )
        if was is None and pressed.desk.arrival is not None:
            self.confirmed, self.pin_was_right, self.digits = None, False, ""
        stopped = act is Button.STOP or (act == 0 and not isinstance(act, Button) and before is ScreenId.CONFIRM)
        if before is ScreenId.CONFIRM and not stopped and was is not None and pressed != PressResult(self.desk):
            self.confirmed = was.who.participant
        self._take(pressed)

    def _take(self, pressed: PressResult) -> None:
        self.desk = pressed.desk
        if pressed.typed is not None:
            self.digits += str(pressed.typed)
        match pressed.wish:
            case KioskRequest.CHECK_PIN:
                self.pin_was_right, self.digits = self.digits == RIGHT, ""
                self._take(pin_answered(self.desk, "p2", self.t, right=self.pin_was_right))
            case KioskRequest.BEGIN:
                assert self.desk.arrival is not None
                self.begun.append((self.desk.arrival.who.participant, self.confirmed, self.pin_was_right))
                self.desk = signed_out(self.desk)
            case _:
                pass


ACTS = st.one_of(
    st.sampled_from(Button),
    st.sampled_from([Button.START, Button.DOWN]),
    st.integers(0, 9),
    st.sampled_from(["list changes", "long wait", "the PIN"]),
)


@given(st.lists(ACTS, max_size=60))
def test_no_run_of_presses_begins_for_anybody_but_the_one_confirmed_nor_without_their_pin(
    acts: list[Button | int | str],
) -> None:
    run = Run(begun=[])
    for act in acts:
        for one in RIGHT if act == "the PIN" else (act,):
            run.do(int(one) if act == "the PIN" else one)
    for participant, confirmed, pin_was_right in run.begun:
        assert participant == confirmed
        assert participant != "p3"
        assert pin_was_right or participant != "p2"


@given(st.lists(ACTS, max_size=40))
def test_stop_leaves_every_face_of_somebody_who_is_arriving(acts: list[Button | int | str]) -> None:
    run = Run(begun=[])
    for act in acts:
        if act != "the PIN":
            run.do(act)
    if run.desk.arrival is not None:
        desk, arrival = run.desk, run.desk.arrival
        typing = face(desk, None) is ScreenId.PIN and not arrival.checking
        for _ in range(arrival.entered if typing else 0):
            # A digit of a PIN is taken back first.
            desk = press(desk, None, Button.STOP, run.t).desk
            assert face(desk, None) is ScreenId.PIN
        pressed = press(desk, None, Button.STOP, run.t)
        assert (pressed.desk, pressed.wish) == (signed_out(desk), KioskRequest.SIGN_OUT)
        assert face(pressed.desk, None) is ScreenId.CHOOSE_PARTICIPANT


def test_the_highlight_stays_on_its_person_as_the_list_changes_and_is_on_the_first_once_they_are_gone() -> None:
    at_owl = replace(PEOPLE, selected=EVERYBODY.index(OLD))
    turned = with_choices(at_owl, (GUEST, OLD, FOX))
    assert turned.choices[turned.selected] == OLD
    assert with_choices(turned, (FOX, GUEST)).selected == 0


def test_the_right_pin_turned_on_the_panel_begins_the_session() -> None:
    desk, told = AT_PIN, []
    for digit in RIGHT:
        while desk.selected != int(digit):
            desk = press(desk, None, Button.UP, 0).desk
        pressed = press(desk, None, Button.START, 0)
        desk, told = pressed.desk, [*told, pressed.typed]
    assert (told, pressed.wish) == ([2, 5, 8, 0], KioskRequest.CHECK_PIN)
    assert pin_answered(desk, "p2", 0, right=True).wish is KioskRequest.BEGIN


def test_the_desk_and_its_view_never_hold_the_digits_that_were_given() -> None:
    one, other = typed(AT_PIN, "123").desk, typed(AT_PIN, "987").desk
    assert (one, view(one, None)) == (other, view(other, None))


def test_while_a_pin_is_checked_nothing_but_stop_does_anything() -> None:
    checking = typed(AT_PIN, "1234").desk
    for button in (Button.START, Button.UP, Button.DOWN):
        assert press(checking, None, button, 0) == PressResult(replace(checking, refused=1))
    assert type_digit(checking, None, 5, 0) == PressResult(checking)
    assert press(checking, None, Button.STOP, 0).wish is KioskRequest.SIGN_OUT


def test_each_wrong_pin_is_followed_by_a_longer_wait_of_a_minute_at_most() -> None:
    waits = []
    for times in range(1, 9):
        desk, t = wrong(times)
        waits.append((pin_waits_until_t(desk, None, t) or t) - t)
    assert waits == [*PIN_WAITS_S, 60.0, 60.0, 60.0]


def test_during_the_wait_no_digit_is_taken_and_after_it_one_is() -> None:
    desk, t = wrong(3)
    assert typed(desk, "2580", t + 4.9).desk == desk
    assert view(desk, None, t=t + 0.5).pin == PinNow(wrong=3, wait_s=5)
    assert typed(desk, "2580", t + 5.0).wish is KioskRequest.CHECK_PIN


def test_after_five_wrong_pins_the_screen_says_to_ask_the_therapist() -> None:
    desk, t = wrong(ASK_THERAPIST_FROM)
    assert view(desk, None, t=t).pin == PinNow(wrong=5, wait_s=60, ask_therapist=True)


def test_leaving_and_coming_back_ends_no_wait_and_forgets_no_wrong_pin() -> None:
    desk, t = wrong(4)
    left = press(desk, None, Button.STOP, t).desk
    again = replace(left, arrival=SignIn(who=MOUNTAIN, face=ScreenId.PIN))
    assert view(again, None, t=t + 1).pin == PinNow(wrong=4, wait_s=14)


def test_a_session_of_somebody_else_moves_no_wait() -> None:
    desk, t = wrong(5)
    moved = enter_session(desk, 1000.0)
    again = replace(moved, arrival=SignIn(who=MOUNTAIN, face=ScreenId.PIN))
    assert pin_waits_until_t(again, None, t - 1000.0) == t - 1000.0 + 60.0


def test_the_right_pin_forgives_the_wrong_ones() -> None:
    desk, t = wrong(2)
    asked = typed(desk, RIGHT, t + 2)
    assert pin_answered(asked.desk, "p2", t + 2, right=True).desk.tries == ()


def test_an_answer_for_somebody_who_has_left_begins_nothing() -> None:
    asked = typed(AT_PIN, RIGHT).desk
    left = press(asked, None, Button.STOP, 0).desk
    assert pin_answered(left, "p2", 0, right=True) == PressResult(left)
    other = replace(left, arrival=SignIn(who=FOX))
    assert pin_answered(other, "p2", 0, right=True) == PressResult(other)
    assert pin_answered(left, "p2", 0, right=False).desk.tries[0].wrong == 1


def test_an_expired_plan_is_asked_and_begins_nothing() -> None:
    asked = replace(PEOPLE, arrival=SignIn(who=OLD))
    closed = press(asked, None, Button.START, 0)
    shown = view(closed.desk, None)
    assert (closed.wish, shown.face, shown.reason, shown.nickname) == (None, ScreenId.NOT_TODAY, "plan_expired", "Ugle")
    assert press(closed.desk, None, Button.START, 0) == PressResult(replace(closed.desk, refused=1))


def test_a_guest_is_asked_for_an_age_and_begins_with_it() -> None:
    asked = replace(PEOPLE, arrival=SignIn(who=GUEST))
    at_age = press(asked, None, Button.START, 0).desk
    assert (face(at_age, None), at_age.selected) == (ScreenId.GUEST_AGE, 40)
    older = press(press(at_age, None, Button.UP, 0).desk, None, Button.UP, 0).desk
    begun = press(older, None, Button.START, 0)
    assert (begun.wish, begun.desk.selected) == (KioskRequest.BEGIN, 42)


def test_an_age_can_be_typed_and_stays_within_what_a_guest_may_have() -> None:
    at_age = replace(PEOPLE, arrival=SignIn(who=GUEST, face=ScreenId.GUEST_AGE), selected=40)
    assert typed(at_age, "67").desk.selected == 67
    assert typed(at_age, "99").desk.selected == OLDEST
    assert typed(at_age, "07").desk.selected == YOUNGEST
    half = press(typed(at_age, "0").desk, None, Button.START, 0)
    assert (half.wish, half.desk.selected) == (KioskRequest.BEGIN, YOUNGEST)


def test_a_keypads_digits_are_buttons_where_no_digits_are_asked_for() -> None:
    for digit, button in ((5, Button.START), (8, Button.UP), (2, Button.DOWN), (0, Button.STOP)):
        assert type_digit(PEOPLE, None, digit, 0) == press(PEOPLE, None, button, 0)
    assert type_digit(PEOPLE, None, 7, 0) == PressResult(PEOPLE)


def test_whoever_is_asked_is_asked_anew_when_their_tile_changes_and_let_go_when_it_goes() -> None:
    at_pin = replace(AT_PIN, selected=4)
    expired = replace(MOUNTAIN, expired=True)
    assert with_choices(at_pin, (FOX, expired)).arrival == SignIn(who=expired)
    assert with_choices(at_pin, (FOX,)).arrival is None
    assert with_choices(at_pin, (MOUNTAIN, FOX)) == replace(at_pin, choices=(MOUNTAIN, FOX))


def test_who_walks_away_before_a_session_is_signed_out_after_three_minutes() -> None:
    assert leaves_at_t(PEOPLE, None, 10.0) is None
    for desk in (AT_PIN, replace(PEOPLE, arrival=SignIn(who=FOX))):
        assert leaves_at_t(desk, None, 10.0) == 10.0 + AWAY_AFTER_S
    chosen = replace(PEOPLE, chosen=True)
    waiting = LedSession(started=False).state
    asking = LedSession(replace(PLAN, questions=("fever",)), started=False).state
    assert [leaves_at_t(chosen, state, 10.0) for state in (waiting, asking)] == [10.0 + AWAY_AFTER_S] * 2
    closed = replace(PEOPLE, arrival=SignIn(who=OLD, face=ScreenId.NOT_TODAY, closed="plan_expired"))
    assert leaves_at_t(closed, None, 10.0) == 10.0 + SIGN_OUT_AFTER_S


def test_nobody_is_signed_out_of_a_session_by_silence() -> None:
    chosen = replace(PEOPLE, chosen=True)
    assert leaves_at_t(chosen, LedSession().live_until(60).state, 0.0) is None
    assert leaves_at_t(replace(PEOPLE, offer_go_on=True), LedSession().live_until(60).state, 0.0) is None


def test_the_view_speaks_the_language_of_who_is_asked_and_shows_their_picture() -> None:
    shown = view(AT_PIN, None)
    assert (shown.language, shown.nickname, shown.picture, shown.who) == ("en", "Fjell", "mountain", MOUNTAIN)
    assert view(replace(PEOPLE, language="en"), None).language == "en"


def test_the_list_may_change_while_somebody_trains_and_moves_nothing_of_theirs() -> None:
    chosen = replace(PEOPLE, chosen=True, selected=3)
    assert with_choices(chosen, EVERYBODY) is chosen
    assert with_choices(chosen, (FOX,)) == replace(chosen, choices=(FOX,))
