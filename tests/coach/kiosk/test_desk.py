"""The desk: what each button means on each face. Nothing dangerous, and stop always stops."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from coach.kiosk.flow import (
    FIRST_BORG,
    Desk,
    Pressed,
    Wish,
    face,
    press,
    session_ended,
    signed_out,
    signs_out_at_t,
    view,
)
from coach.kiosk.sign_in import Arrival
from coach.kiosk.strap_choice import StrapChoice, StrapScene, looked, reopened
from coach.kiosk.view import Button, Choice, Face
from coach.model.messages import (
    Answer,
    Command,
    CommandName,
    Exertion,
    HeartRate,
    Mood,
    Readiness,
    SourceLost,
    StrapChosen,
    Time,
    Treadmill,
)
from coach.model.plan import Load
from coach.model.strap_advertisement import StrapSeen
from coach.session.engine import step
from coach.session.state import State
from tests.support.led_session import PLAN, LedSession

REV, OWL, ELK = (Choice(participant=f"p{n}", name=name) for n, name in enumerate(("Rev", "Ugle", "Elg")))
FOX_WITH_PIN = replace(REV, has_pin=True)
GUEST = Choice(participant="guest", guest=True, asks_age=True)
PEOPLE = Desk(choices=(REV, OWL, ELK))
ASKED = replace(PEOPLE, arrival=Arrival(who=REV))
AT_PIN = replace(PEOPLE, arrival=Arrival(who=FOX_WITH_PIN, face=Face.PIN))
AT_AGE = replace(PEOPLE, arrival=Arrival(who=GUEST, face=Face.GUEST_AGE), selected=40)
CHOSEN = replace(PEOPLE, chosen=True)
AFTER = session_ended(CHOSEN)
AT_MOOD = replace(AFTER, asked=(Face.EXERTION,), selected=3)
DONE = replace(AFTER, asked=(Face.EXERTION, Face.MOOD))
ASKING = replace(PLAN, questions=("chest_pain", "fever"))


def ready() -> State:
    return LedSession(started=False).send(HeartRate(0, 80)).state


def strapless() -> State:
    return LedSession(started=False).state


def asking() -> State:
    return LedSession(ASKING, started=False).state


def not_today() -> State:
    return LedSession(ASKING, started=False).send(Readiness(9, {"chest_pain": True, "fever": False})).state


def running() -> State:
    return LedSession().live_until(60).live_until(100, 160).state


def ended() -> State:
    session = LedSession().live_until(60).live_until(300, 175).live_until(480, 130).live_until(720, 175)
    return session.live_until(840).state


def stopped() -> State:
    return LedSession().live_until(100, 150).command(CommandName.STOP).state


AT_MACHINE = replace(PEOPLE, machine=True)

MINE = StrapSeen("serial:8F3A2B1C", "Polar H10 8F3A2B1C", "8F3A2B1C", -51.0)
THEIRS = StrapSeen("serial:A90C77E2", "Polar H10 A90C77E2", "A90C77E2", -63.0)
ON_AIR = looked(StrapChoice(asked=True), StrapScene((MINE, THEIRS)))
SEEKING = replace(CHOSEN, strap=ON_AIR)
BOUND = replace(CHOSEN, strap=replace(ON_AIR, chosen=MINE))

Given = tuple[Desk, Callable[[], State | None]]


def nobody() -> None:
    return None


FACES: dict[Face, Given] = {
    Face.SELF_TEST_FAILED: (replace(PEOPLE, findings=("no_sound",)), nobody),
    Face.MACHINE: (AT_MACHINE, nobody),
    Face.SELF_TEST: (replace(AT_MACHINE, tested=(True,)), nobody),
    Face.GO_ON: (replace(PEOPLE, offer_go_on=True), running),
    Face.CHOOSE_PARTICIPANT: (PEOPLE, nobody),
    Face.CONFIRM: (ASKED, nobody),
    Face.PIN: (AT_PIN, nobody),
    Face.GUEST_AGE: (AT_AGE, nobody),
    Face.QUESTIONS: (CHOSEN, asking),
    Face.CHOOSE_STRAP: (SEEKING, strapless),
    Face.STRAP: (CHOSEN, strapless),
    Face.READY: (CHOSEN, ready),
    Face.SESSION: (CHOSEN, running),
    Face.EXERTION: (AFTER, ended),
    Face.MOOD: (AT_MOOD, ended),
    Face.ENDED: (DONE, ended),
    Face.NOT_TODAY: (CHOSEN, not_today),
}

T = 1000.0
OUT = (signed_out(CHOSEN), (), Wish.SIGN_OUT)
EXPECTED: dict[tuple[Face, Button], tuple[Desk | None, tuple[object, ...], Wish | None]] = {
    (Face.SELF_TEST_FAILED, Button.START): (PEOPLE, (), Wish.LOOK_AGAIN),
    (Face.SELF_TEST_FAILED, Button.STOP): (AT_MACHINE, (), None),
    (Face.CHOOSE_PARTICIPANT, Button.STOP): (AT_MACHINE, (), None),
    (Face.MACHINE, Button.START): (replace(AT_MACHINE, tested=()), (), Wish.TEST_AGAIN),
    (Face.MACHINE, Button.STOP): (PEOPLE, (), None),
    (Face.SELF_TEST, Button.START): (replace(AT_MACHINE, tested=(True, True)), (), Wish.TEST_AGAIN),
    (Face.SELF_TEST, Button.STOP): (replace(AT_MACHINE, tested=(True, False)), (), Wish.TEST_AGAIN),
    (Face.SELF_TEST, Button.UP): (None, (), Wish.TEST_AGAIN),
    (Face.SELF_TEST, Button.DOWN): (None, (), Wish.TEST_AGAIN),
    (Face.GO_ON, Button.START): (CHOSEN, (), Wish.GO_ON),
    (Face.GO_ON, Button.STOP): (CHOSEN, (), Wish.LET_GO),
    (Face.CHOOSE_PARTICIPANT, Button.START): (ASKED, (), None),
    (Face.CHOOSE_PARTICIPANT, Button.UP): (replace(PEOPLE, selected=2), (), None),
    (Face.CHOOSE_PARTICIPANT, Button.DOWN): (replace(PEOPLE, selected=1), (), None),
    (Face.CONFIRM, Button.START): (replace(ASKED, chosen=True), (), Wish.BEGIN),
    (Face.CONFIRM, Button.STOP): (PEOPLE, (), Wish.SIGN_OUT),
    (Face.PIN, Button.UP): (replace(AT_PIN, selected=1), (), None),
    (Face.PIN, Button.DOWN): (replace(AT_PIN, selected=9), (), None),
    (Face.PIN, Button.STOP): (PEOPLE, (), Wish.SIGN_OUT),
    (Face.GUEST_AGE, Button.START): (replace(AT_AGE, chosen=True), (), Wish.BEGIN),
    (Face.GUEST_AGE, Button.UP): (replace(AT_AGE, selected=41), (), None),
    (Face.GUEST_AGE, Button.DOWN): (replace(AT_AGE, selected=39), (), None),
    (Face.GUEST_AGE, Button.STOP): (PEOPLE, (), Wish.SIGN_OUT),
    (Face.QUESTIONS, Button.START): (replace(CHOSEN, answers=(False,)), (), None),
    (Face.QUESTIONS, Button.UP): (replace(CHOSEN, selected=1), (), None),
    (Face.QUESTIONS, Button.STOP): OUT,
    (Face.CHOOSE_STRAP, Button.START): (BOUND, (StrapChosen(T, MINE.key, MINE.name),), Wish.BIND_STRAP),
    (Face.CHOOSE_STRAP, Button.UP): (replace(CHOSEN, strap=replace(ON_AIR, selected=THEIRS.key)), (), None),
    (Face.CHOOSE_STRAP, Button.DOWN): (replace(CHOSEN, strap=replace(ON_AIR, selected=THEIRS.key)), (), None),
    (Face.CHOOSE_STRAP, Button.STOP): OUT,
    (Face.STRAP, Button.STOP): OUT,
    (Face.READY, Button.START): (None, (Command(T, CommandName.START),), None),
    (Face.READY, Button.STOP): OUT,
    (Face.SESSION, Button.START): (None, (Command(T, CommandName.PAUSE),), None),
    (Face.SESSION, Button.UP): (None, (Treadmill(T, 6.2, 5.0),), None),
    (Face.SESSION, Button.DOWN): (None, (Treadmill(T, 5.8, 5.0),), None),
    (Face.SESSION, Button.STOP): (None, (Command(T, CommandName.STOP),), None),
    (Face.EXERTION, Button.START): (AT_MOOD, (Exertion(T, 13),), None),
    (Face.EXERTION, Button.UP): (replace(AFTER, selected=14), (), None),
    (Face.EXERTION, Button.DOWN): (replace(AFTER, selected=12), (), None),
    (Face.EXERTION, Button.STOP): (AT_MOOD, (), None),
    (Face.MOOD, Button.START): (replace(DONE, selected=3), (Mood(T, 3),), None),
    (Face.MOOD, Button.UP): (replace(AT_MOOD, selected=4), (), None),
    (Face.MOOD, Button.DOWN): (replace(AT_MOOD, selected=2), (), None),
    (Face.MOOD, Button.STOP): (replace(DONE, selected=3), (), None),
    (Face.ENDED, Button.START): OUT,
    (Face.ENDED, Button.STOP): OUT,
    (Face.NOT_TODAY, Button.STOP): OUT,
}
"""What a button brings; None as the desk, and a pair that is not here: the desk stays as it is."""


def test_every_face_is_among_those_tested() -> None:
    assert set(FACES) == set(Face)


@pytest.mark.parametrize("button", Button)
@pytest.mark.parametrize("now", Face)
def test_every_button_on_every_face(now: Face, button: Button) -> None:
    desk, state = FACES[now][0], FACES[now][1]()
    assert face(desk, state) is now
    after, messages, wish = EXPECTED.get((now, button), (None, (), None))
    if (now, button) == (Face.PIN, Button.START):
        after = replace(AT_PIN, arrival=Arrival(who=FOX_WITH_PIN, face=Face.PIN, entered=1))
        assert press(desk, state, button, T) == Pressed(after, typed=0)
        return
    assert press(desk, state, button, T) == Pressed(desk if after is None else after, messages, wish)  # type: ignore[arg-type]


@pytest.mark.parametrize("button", Button)
@pytest.mark.parametrize("now", Face)
def test_what_a_button_sends_is_taken_by_the_engine(now: Face, button: Button) -> None:
    desk, state = FACES[now][0], FACES[now][1]()
    if state is not None:
        for message in press(desk, state, button, state.t).messages:
            assert step(state, message).state.t == state.t


def test_the_choice_goes_round() -> None:
    assert press(replace(PEOPLE, selected=2), None, Button.DOWN, 0).desk.selected == 0


def test_where_nobody_is_known_no_button_begins_anything() -> None:
    for button in (Button.START, Button.UP, Button.DOWN):
        assert press(Desk(), None, button, 0) == Pressed(Desk())


def test_a_chosen_person_without_a_session_is_chosen_anew() -> None:
    assert face(CHOSEN, None) is Face.CHOOSE_PARTICIPANT


def test_the_last_answer_sends_all_of_them() -> None:
    desk = press(CHOSEN, asking(), Button.UP, 1).desk
    desk = press(desk, asking(), Button.START, 2).desk
    assert (desk.answers, desk.selected) == ((True,), 0)
    desk = press(press(desk, asking(), Button.UP, 3).desk, asking(), Button.DOWN, 3).desk
    assert press(desk, asking(), Button.START, 4).messages == (Readiness(4, {"chest_pain": True, "fever": False}),)


def test_each_question_is_shown_in_its_turn() -> None:
    shown = view(replace(CHOSEN, answers=(False,)), asking())
    assert (shown.face, shown.question) == (Face.QUESTIONS, "fever")


def test_start_in_the_warm_up_asks_to_end_it_and_in_a_pause_goes_on() -> None:
    warming = LedSession().live_until(30).state
    assert press(CHOSEN, warming, Button.START, 30).messages == (Command(30, CommandName.SKIP_WARM_UP),)
    paused = LedSession().live_until(100, 150).command(CommandName.PAUSE).state
    assert press(CHOSEN, paused, Button.START, 101).messages == (Command(101, CommandName.RESUME),)
    for button in (Button.UP, Button.DOWN):
        assert press(CHOSEN, paused, button, 101).messages == ()
    assert press(CHOSEN, paused, Button.STOP, 101).messages == (Command(101, CommandName.STOP),)


def test_any_button_but_stop_answers_a_question() -> None:
    session = LedSession(answers=False).live_until(60).live_until(300, 175).live_until(315, 150)
    for button in (Button.START, Button.UP, Button.DOWN):
        assert press(CHOSEN, session.state, button, 315).messages == (Answer(315),)
    stop = press(CHOSEN, session.state, Button.STOP, 315).messages
    assert stop == (Answer(315, ok=False), Command(315, CommandName.STOP))


def test_up_and_down_confirm_the_measured_speed_within_the_treadmills_range() -> None:
    session = LedSession().live_until(100, 150)
    fast = session.send(Treadmill(100, 19.9, 2.0)).state
    assert press(CHOSEN, fast, Button.UP, 100).messages == (Treadmill(100, 20.0, 2.0),)
    slow = session.send(Treadmill(100, 0.1, 2.0)).state
    assert press(CHOSEN, slow, Button.DOWN, 100).messages == (Treadmill(100, 0.0, 2.0),)


def test_without_any_known_speed_up_and_down_do_nothing() -> None:
    unknown = LedSession(replace(PLAN, start=None)).live_until(100, 150).state
    assert press(CHOSEN, unknown, Button.UP, 100) == Pressed(CHOSEN)


def test_an_advised_setting_without_an_incline_is_flat() -> None:
    flat = LedSession(replace(PLAN, start=Load(6.0))).live_until(61, 150).state
    assert press(CHOSEN, flat, Button.UP, 61).messages == (Treadmill(61, 6.2, 0.0),)


def test_a_stop_is_followed_by_the_offered_cool_down() -> None:
    assert face(CHOSEN, stopped()) is Face.ENDED
    assert press(CHOSEN, stopped(), Button.START, 101).messages == (Command(101, CommandName.START),)
    declined = press(CHOSEN, stopped(), Button.STOP, 101)
    assert declined == Pressed(replace(CHOSEN, selected=13), (Command(101, CommandName.STOP),))
    after = LedSession().live_until(100, 150).command(CommandName.STOP).command(CommandName.STOP).state
    assert face(declined.desk, after) is Face.EXERTION


def test_a_session_that_never_started_asks_nothing() -> None:
    assert face(CHOSEN, LedSession(started=False).command(CommandName.STOP).state) is Face.ENDED


def test_the_scales_end_at_their_ends() -> None:
    assert press(replace(AFTER, selected=20), ended(), Button.UP, T).desk.selected == 20
    assert press(replace(AFTER, selected=6), ended(), Button.DOWN, T).desk.selected == 6
    assert press(replace(AT_MOOD, selected=5), ended(), Button.UP, T).desk.selected == 5
    assert press(replace(AT_MOOD, selected=1), ended(), Button.DOWN, T).desk.selected == 1


def test_the_strap_is_waited_for_until_it_lives() -> None:
    for signal, expected in (
        (HeartRate(0, 80), Face.READY),
        (HeartRate(0, 80, contact=False), Face.READY),
        (HeartRate(0, 250), Face.STRAP),
        (SourceLost(0, "disconnected"), Face.STRAP),
    ):
        assert face(CHOSEN, LedSession(started=False).send(signal).state) is expected


def test_until_a_strap_is_chosen_none_is_waited_for() -> None:
    seeking = replace(CHOSEN, strap=StrapChoice(asked=True))
    assert face(seeking, strapless()) is Face.STRAP
    assert face(seeking, ready()) is Face.STRAP
    assert face(SEEKING, LedSession(replace(PLAN, mode="exertion"), started=False).state) is Face.READY


def test_before_the_start_up_or_down_asks_for_another_strap() -> None:
    for state, now in ((strapless(), Face.STRAP), (ready(), Face.READY)):
        assert face(BOUND, state) is now
        for button in (Button.UP, Button.DOWN):
            after = replace(CHOSEN, strap=reopened(BOUND.strap))
            assert press(BOUND, state, button, T) == Pressed(after, wish=Wish.LOOK_FOR_STRAPS)


def test_the_view_shows_the_straps_on_the_air_and_then_the_chosen_one() -> None:
    shown = view(replace(SEEKING, strap=replace(ON_AIR, last=THEIRS.key, selected=THEIRS.key)), strapless())
    assert (shown.straps, shown.selected, shown.last_strap, shown.strap_name) == ((MINE, THEIRS), 1, THEIRS.key, None)
    in_trouble = replace(BOUND, strap=replace(BOUND.strap, trouble="not_found", battery_low=True))
    shown = view(in_trouble, strapless())
    assert (shown.straps, shown.strap_name, shown.strap_trouble) == ((), MINE.name, "not_found")
    assert (shown.strap_battery_low, shown.may_change_strap) == (True, True)
    assert view(BOUND, running()).may_change_strap is False


def test_two_minutes_after_the_end_the_person_is_signed_out() -> None:
    """H12."""
    assert signs_out_at_t(None) is None
    assert signs_out_at_t(running()) is None
    assert signs_out_at_t(ended()) == 960.0
    assert signs_out_at_t(not_today()) == 129.0
    later = LedSession(started=False).send(Time(5)).command(CommandName.STOP).send(Time(50)).state
    assert signs_out_at_t(later) == 125.0


def test_signing_out_leaves_nothing_of_the_last_person() -> None:
    used = replace(DONE, selected=2, answers=(True,))
    assert signed_out(used) == PEOPLE


def test_the_view_holds_what_the_face_needs() -> None:
    plan = replace(PLAN, nickname="Rev", session_number=7, language="en")
    state = LedSession(plan).live_until(30).state
    shown = view(CHOSEN, state, saved="saving", strap_name="H10 1234")
    assert (shown.face, shown.nickname, shown.language, shown.saved, shown.strap_name) == (
        Face.SESSION,
        "Rev",
        "en",
        "saving",
        "H10 1234",
    )
    assert (shown.session_number, shown.course_sessions, shown.choices) == (7, 24, ())
    assert shown.snapshot is not None
    assert shown.profile is not None
    assert view(CHOSEN, state, with_profile=False).profile is None


def test_the_view_of_an_empty_room() -> None:
    shown = view(PEOPLE, None)
    assert (shown.face, shown.choices, shown.snapshot, shown.profile, shown.nickname, shown.course_sessions) == (
        Face.CHOOSE_PARTICIPANT,
        (REV, OWL, ELK),
        None,
        None,
        None,
        None,
    )


def test_the_view_says_why_not_today_and_what_failed() -> None:
    assert view(CHOSEN, not_today()).reason == "unwell"
    assert view(CHOSEN, LedSession(replace(PLAN, weekly_cap=0), started=False).state).reason == "weekly_cap"
    assert view(replace(PEOPLE, findings=("no_sound",)), None).findings == ("no_sound",)
    assert view(CHOSEN, running()).course_sessions is None


def test_who_trains_by_perceived_exertion_needs_no_strap_to_start() -> None:
    by_feeling = LedSession(replace(PLAN, mode="exertion"), started=False).state
    assert face(CHOSEN, by_feeling) is Face.READY
    assert press(CHOSEN, by_feeling, Button.START, 3.0) == Pressed(CHOSEN, (Command(3.0, CommandName.START),))


def test_the_self_test_shows_each_part_in_turn_and_then_none() -> None:
    desk = Desk(machine=True)
    shown = []
    for _ in range(len(desk.parts) + 1):
        desk = press(desk, None, Button.START, 0.0).desk
        shown.append(view(desk, None).tried)
    assert shown == [*desk.parts, None]


def test_a_slip_is_corrected_within_the_questions_before_they_are_sent() -> None:
    state = LedSession(replace(PLAN, questions=("fever", "chest_pain")), started=False).state
    yes = press(replace(CHOSEN, selected=1), state, Button.START, 1.0).desk
    assert (view(yes, state).question, view(yes, state).answered) == ("chest_pain", 1)
    back = press(yes, state, Button.STOP, 2.0)
    assert (back.messages, back.wish, back.desk.selected) == ((), None, 1)
    assert view(back.desk, state).question == "fever"
    assert press(back.desk, state, Button.STOP, 3.0).wish is Wish.SIGN_OUT


@pytest.mark.parametrize(("before", "urgent"), [((), "chest_pain"), (("fever",), "fainting")])
def test_a_yes_to_what_must_be_acted_on_asks_nothing_more(before: tuple[str, ...], urgent: str) -> None:
    questions = (*before, urgent, "intoxication", "withdrawal")
    session = LedSession(replace(PLAN, questions=questions), started=False)
    desk = replace(CHOSEN, answers=(False,) * len(before), selected=1)
    pressed = press(desk, session.state, Button.START, 5.0)
    assert pressed.messages == (Readiness(5.0, {**dict.fromkeys(before, False), urgent: True}),)
    session.send(*pressed.messages)
    assert (view(pressed.desk, session.state).face, view(pressed.desk, session.state).reason) == (
        Face.NOT_TODAY,
        "unwell",
    )


def test_stop_at_the_question_says_not_all_right_then_what_to_do_then_why() -> None:
    session = LedSession(answers=False).live_until(60).live_until(300, 175).live_until(312, 150)
    pressed = press(CHOSEN, session.state, Button.STOP, 312.0)
    assert pressed.messages == (Answer(312.0, ok=False), Command(312.0, CommandName.STOP))
    session.send(*pressed.messages)
    desk = session_ended(pressed.desk)
    assert (view(desk, session.state).face, view(desk, session.state).reason) == (Face.NOT_TODAY, "unwell")
    assert press(desk, session.state, Button.UP, 313.0).desk == desk
    desk = press(desk, session.state, Button.STOP, 313.0).desk
    for question in ("chest_pain", "fainting", "dizziness", "injury"):
        assert (view(desk, session.state).face, view(desk, session.state).question) == (Face.QUESTIONS, question)
        pressed = press(desk, session.state, Button.START, 314.0)
        desk = pressed.desk
    session.send(*pressed.messages)
    assert view(desk, session.state).face is Face.EXERTION
    assert view(desk, session.state).selected == FIRST_BORG
