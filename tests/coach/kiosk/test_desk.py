"""The desk: what each button means on each face. Nothing dangerous, and stop always stops."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from coach.kiosk.flow import (
    FIRST_BORG,
    KioskRequest,
    KioskState,
    PressResult,
    face,
    press,
    session_ended,
    signed_out,
    signs_out_at_t,
    view,
    with_training,
)
from coach.kiosk.sign_in import SignIn
from coach.kiosk.strap_choice import StrapChoice, StrapScene, reopened, with_scene
from coach.kiosk.view import Button, Choice, ScreenId, TrainingPage
from coach.model.course_progress import MyTraining, SessionShown
from coach.model.messages import (
    AllRightAnswer,
    CommandName,
    Exertion,
    HeartRate,
    Mood,
    Readiness,
    SessionCommand,
    SourceLost,
    StrapChosen,
    Time,
    TreadmillSpeed,
)
from coach.model.plan import Load
from coach.model.strap_advertisement import StrapSeen
from coach.session.engine import step
from coach.session.state import SessionState
from coach.session.transition import TAKE_BACK_LIMIT_S
from tests.support.led_session import PLAN, LedSession, built_in

REV, OWL, ELK = (Choice(participant=f"p{n}", name=name) for n, name in enumerate(("Rev", "Ugle", "Elg")))
FOX_WITH_PIN = replace(REV, has_pin=True)
GUEST = Choice(participant="guest", guest=True, asks_age=True)
PEOPLE = KioskState(choices=(REV, OWL, ELK))
ASKED = replace(PEOPLE, arrival=SignIn(who=REV))
AT_PIN = replace(PEOPLE, arrival=SignIn(who=FOX_WITH_PIN, face=ScreenId.PIN))
AT_AGE = replace(PEOPLE, arrival=SignIn(who=GUEST, face=ScreenId.GUEST_AGE), selected=40)
CHOSEN = replace(PEOPLE, chosen=True)
AFTER = replace(CHOSEN, selected=13)
AT_MOOD = replace(AFTER, asked=(ScreenId.EXERTION,), selected=3)
DONE = replace(AFTER, asked=(ScreenId.EXERTION, ScreenId.MOOD))
ASKING = replace(PLAN, questions=("chest_pain", "fever"))


def ready() -> SessionState:
    return LedSession(started=False).send(HeartRate(0, 80)).state


def strapless() -> SessionState:
    return LedSession(started=False).state


def asking() -> SessionState:
    return LedSession(ASKING, started=False).state


def not_today() -> SessionState:
    return LedSession(ASKING, started=False).send(Readiness(9, {"chest_pain": True, "fever": False})).state


def running() -> SessionState:
    return LedSession().live_until(60).live_until(100, 160).state


def ended() -> SessionState:
    session = LedSession().live_until(60).live_until(300, 175).live_until(480, 130).live_until(720, 175)
    return session.live_until(840).state


def stopped() -> SessionState:
    return LedSession().live_until(100, 150).command(CommandName.STOP).state


AT_MACHINE = replace(PEOPLE, machine=True)

MINE = StrapSeen("serial:8F3A2B1C", "Polar H10 8F3A2B1C", "8F3A2B1C", -51.0)
THEIRS = StrapSeen("serial:A90C77E2", "Polar H10 A90C77E2", "A90C77E2", -63.0)
ON_AIR = with_scene(StrapChoice(asked=True), StrapScene((MINE, THEIRS)))
SEEKING = replace(CHOSEN, strap=ON_AIR)
BOUND = replace(CHOSEN, strap=replace(ON_AIR, chosen=MINE))

EARLIER = SessionShown(number=1, ended_wall_s=0.0, good_s=600.0, planned_s=960.0)
AT_OWN = with_training(CHOSEN, MyTraining(shares=(0.6,), sessions=(EARLIER,)), opened=True)

Given = tuple[KioskState, Callable[[], SessionState | None]]


def nobody() -> None:
    return None


FACES: dict[ScreenId, Given] = {
    ScreenId.SELF_TEST_FAILED: (replace(PEOPLE, findings=("no_sound",)), nobody),
    ScreenId.MACHINE: (AT_MACHINE, nobody),
    ScreenId.SELF_TEST: (replace(AT_MACHINE, tested=(True,)), nobody),
    ScreenId.GO_ON: (replace(PEOPLE, offer_go_on=True), running),
    ScreenId.CHOOSE_PARTICIPANT: (PEOPLE, nobody),
    ScreenId.CONFIRM: (ASKED, nobody),
    ScreenId.PIN: (AT_PIN, nobody),
    ScreenId.GUEST_AGE: (AT_AGE, nobody),
    ScreenId.QUESTIONS: (CHOSEN, asking),
    ScreenId.CHOOSE_STRAP: (SEEKING, strapless),
    ScreenId.STRAP: (CHOSEN, strapless),
    ScreenId.READY: (CHOSEN, ready),
    ScreenId.SESSION: (CHOSEN, running),
    ScreenId.EXERTION: (AFTER, ended),
    ScreenId.MOOD: (AT_MOOD, ended),
    ScreenId.ENDED: (DONE, ended),
    ScreenId.NOT_TODAY: (CHOSEN, not_today),
    ScreenId.MY_TRAINING: (AT_OWN, ready),
}

T = 1000.0
OUT = (signed_out(CHOSEN), (), KioskRequest.SIGN_OUT)
EXPECTED: dict[tuple[ScreenId, Button], tuple[KioskState | None, tuple[object, ...], KioskRequest | None]] = {
    (ScreenId.SELF_TEST_FAILED, Button.START): (PEOPLE, (), KioskRequest.LOOK_AGAIN),
    (ScreenId.SELF_TEST_FAILED, Button.STOP): (AT_MACHINE, (), None),
    (ScreenId.CHOOSE_PARTICIPANT, Button.STOP): (AT_MACHINE, (), None),
    (ScreenId.MACHINE, Button.START): (replace(AT_MACHINE, tested=()), (), KioskRequest.TEST_AGAIN),
    (ScreenId.MACHINE, Button.STOP): (PEOPLE, (), None),
    (ScreenId.SELF_TEST, Button.START): (replace(AT_MACHINE, tested=(True, True)), (), KioskRequest.TEST_AGAIN),
    (ScreenId.SELF_TEST, Button.STOP): (replace(AT_MACHINE, tested=(True, False)), (), KioskRequest.TEST_AGAIN),
    (ScreenId.SELF_TEST, Button.UP): (None, (), KioskRequest.TEST_AGAIN),
    (ScreenId.SELF_TEST, Button.DOWN): (None, (), KioskRequest.TEST_AGAIN),
    (ScreenId.GO_ON, Button.START): (CHOSEN, (), KioskRequest.GO_ON),
    (ScreenId.GO_ON, Button.STOP): (CHOSEN, (), KioskRequest.LET_GO),
    (ScreenId.CHOOSE_PARTICIPANT, Button.START): (ASKED, (), None),
    (ScreenId.CHOOSE_PARTICIPANT, Button.UP): (replace(PEOPLE, selected=2), (), None),
    (ScreenId.CHOOSE_PARTICIPANT, Button.DOWN): (replace(PEOPLE, selected=1), (), None),
    (ScreenId.CONFIRM, Button.START): (replace(ASKED, chosen=True), (), KioskRequest.BEGIN),
    (ScreenId.CONFIRM, Button.STOP): (PEOPLE, (), KioskRequest.SIGN_OUT),
    (ScreenId.PIN, Button.UP): (replace(AT_PIN, selected=1), (), None),
    (ScreenId.PIN, Button.DOWN): (replace(AT_PIN, selected=9), (), None),
    (ScreenId.PIN, Button.STOP): (PEOPLE, (), KioskRequest.SIGN_OUT),
    (ScreenId.GUEST_AGE, Button.START): (replace(AT_AGE, chosen=True), (), KioskRequest.BEGIN),
    (ScreenId.GUEST_AGE, Button.UP): (replace(AT_AGE, selected=41), (), None),
    (ScreenId.GUEST_AGE, Button.DOWN): (replace(AT_AGE, selected=39), (), None),
    (ScreenId.GUEST_AGE, Button.STOP): (PEOPLE, (), KioskRequest.SIGN_OUT),
    (ScreenId.QUESTIONS, Button.START): (replace(CHOSEN, answers=(False,)), (), None),
    (ScreenId.QUESTIONS, Button.UP): (replace(CHOSEN, selected=1), (), None),
    (ScreenId.QUESTIONS, Button.STOP): OUT,
    (ScreenId.CHOOSE_STRAP, Button.START): (BOUND, (StrapChosen(T, MINE.key, MINE.name),), KioskRequest.BIND_STRAP),
    (ScreenId.CHOOSE_STRAP, Button.UP): (replace(CHOSEN, strap=replace(ON_AIR, selected=THEIRS.key)), (), None),
    (ScreenId.CHOOSE_STRAP, Button.DOWN): (replace(CHOSEN, strap=replace(ON_AIR, selected=THEIRS.key)), (), None),
    (ScreenId.CHOOSE_STRAP, Button.STOP): OUT,
    (ScreenId.STRAP, Button.STOP): OUT,
    (ScreenId.READY, Button.START): (None, (SessionCommand(T, CommandName.START),), None),
    (ScreenId.READY, Button.STOP): OUT,
    (ScreenId.SESSION, Button.START): (None, (SessionCommand(T, CommandName.PAUSE),), None),
    (ScreenId.SESSION, Button.UP): (None, (TreadmillSpeed(T, 6.2, 5.0, "participant"),), None),
    (ScreenId.SESSION, Button.DOWN): (None, (TreadmillSpeed(T, 5.8, 5.0, "participant"),), None),
    (ScreenId.SESSION, Button.STOP): (None, (SessionCommand(T, CommandName.STOP),), None),
    (ScreenId.EXERTION, Button.START): (AT_MOOD, (Exertion(T, 13),), None),
    (ScreenId.EXERTION, Button.UP): (replace(AFTER, selected=14), (), None),
    (ScreenId.EXERTION, Button.DOWN): (replace(AFTER, selected=12), (), None),
    (ScreenId.EXERTION, Button.STOP): (AT_MOOD, (), None),
    (ScreenId.MOOD, Button.START): (replace(DONE, selected=3), (Mood(T, 3),), None),
    (ScreenId.MOOD, Button.UP): (replace(AT_MOOD, selected=4), (), None),
    (ScreenId.MOOD, Button.DOWN): (replace(AT_MOOD, selected=2), (), None),
    (ScreenId.MOOD, Button.STOP): (replace(DONE, selected=3), (), None),
    (ScreenId.ENDED, Button.START): OUT,
    (ScreenId.ENDED, Button.STOP): OUT,
    (ScreenId.NOT_TODAY, Button.STOP): OUT,
    (ScreenId.MY_TRAINING, Button.START): (replace(AT_OWN, page=None), (), None),
    (ScreenId.MY_TRAINING, Button.UP): (replace(AT_OWN, page=TrainingPage.TAKE_ALONG), (), None),
    (ScreenId.MY_TRAINING, Button.DOWN): (replace(AT_OWN, selected=1), (), None),
    (ScreenId.MY_TRAINING, Button.STOP): OUT,
}
"""What a button brings; None as the desk: it stays as it is. A pair that is not here is a press that is refused."""


def test_every_face_is_among_those_tested() -> None:
    assert set(FACES) == set(ScreenId)


@pytest.mark.parametrize("button", Button)
@pytest.mark.parametrize("now", ScreenId)
def test_every_button_on_every_face(now: ScreenId, button: Button) -> None:
    desk, state = FACES[now][0], FACES[now][1]()
    assert face(desk, state) is now
    after, messages, wish = EXPECTED.get((now, button), (None, (), None))
    if (now, button) == (ScreenId.PIN, Button.START):
        after = replace(AT_PIN, arrival=SignIn(who=FOX_WITH_PIN, face=ScreenId.PIN, entered=1))
        assert press(desk, state, button, T) == PressResult(after, typed=0)
        return
    nothing = (now, button) not in EXPECTED and now not in (ScreenId.QUESTIONS, ScreenId.GUEST_AGE)
    expected = (replace(desk, refused=1) if nothing else desk) if after is None else after
    assert press(desk, state, button, T) == PressResult(expected, messages, wish)  # type: ignore[arg-type]


@pytest.mark.parametrize("button", Button)
@pytest.mark.parametrize("now", ScreenId)
def test_what_a_button_sends_is_taken_by_the_engine(now: ScreenId, button: Button) -> None:
    desk, state = FACES[now][0], FACES[now][1]()
    if state is not None:
        for message in press(desk, state, button, state.t).messages:
            assert step(state, message).state.t == state.t


def test_the_choice_goes_round() -> None:
    assert press(replace(PEOPLE, selected=2), None, Button.DOWN, 0).desk.selected == 0


def test_where_nobody_is_known_no_button_begins_anything() -> None:
    for button in (Button.START, Button.UP, Button.DOWN):
        assert press(KioskState(), None, button, 0) == PressResult(KioskState(refused=1))


def test_a_chosen_person_without_a_session_is_chosen_anew() -> None:
    assert face(CHOSEN, None) is ScreenId.CHOOSE_PARTICIPANT


def test_the_last_answer_sends_all_of_them() -> None:
    desk = press(CHOSEN, asking(), Button.UP, 1).desk
    desk = press(desk, asking(), Button.START, 2).desk
    assert (desk.answers, desk.selected) == ((True,), 0)
    desk = press(press(desk, asking(), Button.UP, 3).desk, asking(), Button.DOWN, 3).desk
    assert press(desk, asking(), Button.START, 4).messages == (Readiness(4, {"chest_pain": True, "fever": False}),)


def test_each_question_is_shown_in_its_turn() -> None:
    shown = view(replace(CHOSEN, answers=(False,)), asking())
    assert (shown.face, shown.question) == (ScreenId.QUESTIONS, "fever")


def test_start_pauses_in_every_phase_and_in_a_pause_goes_on() -> None:
    warming = LedSession().live_until(30).state
    assert press(CHOSEN, warming, Button.START, 30).messages == (SessionCommand(30, CommandName.PAUSE),)
    paused = LedSession().live_until(100, 150).command(CommandName.PAUSE).state
    assert press(CHOSEN, paused, Button.START, 101).messages == (SessionCommand(101, CommandName.RESUME),)
    for button in (Button.UP, Button.DOWN):
        assert press(CHOSEN, paused, button, 101).messages == ()
    assert press(CHOSEN, paused, Button.STOP, 101).messages == (SessionCommand(101, CommandName.STOP),)


def test_any_button_but_stop_answers_a_question() -> None:
    session = LedSession(answers=False).live_until(60).live_until(300, 175).live_until(315, 150)
    for button in (Button.START, Button.UP, Button.DOWN):
        assert press(CHOSEN, session.state, button, 315).messages == (AllRightAnswer(315),)
    stop = press(CHOSEN, session.state, Button.STOP, 315).messages
    assert stop == (AllRightAnswer(315, ok=False), SessionCommand(315, CommandName.STOP))


def test_up_and_down_confirm_the_measured_speed_within_the_treadmills_range() -> None:
    session = LedSession().live_until(100, 150)
    fast = session.send(TreadmillSpeed(100, 19.9, 2.0)).state
    assert press(CHOSEN, fast, Button.UP, 100).messages == (TreadmillSpeed(100, 20.0, 2.0, "participant"),)
    slow = session.send(TreadmillSpeed(100, 0.1, 2.0)).state
    assert press(CHOSEN, slow, Button.DOWN, 100).messages == (TreadmillSpeed(100, 0.0, 2.0, "participant"),)


def test_without_any_known_speed_up_and_down_do_nothing() -> None:
    unknown = LedSession(replace(PLAN, start=None)).live_until(100, 150).state
    assert press(CHOSEN, unknown, Button.UP, 100) == PressResult(replace(CHOSEN, refused=1))


def test_an_advised_setting_without_an_incline_is_flat() -> None:
    flat = LedSession(replace(PLAN, start=Load(6.0))).live_until(61, 150).state
    assert press(CHOSEN, flat, Button.UP, 61).messages == (TreadmillSpeed(61, 6.2, 0.0, "participant"),)


def test_a_stop_is_followed_by_the_offered_cool_down() -> None:
    assert face(CHOSEN, stopped()) is ScreenId.ENDED
    for arrow in (Button.UP, Button.DOWN):
        assert press(CHOSEN, stopped(), arrow, 101).messages == (SessionCommand(101, CommandName.START),)
    declined = press(CHOSEN, stopped(), Button.STOP, 101)
    assert declined == PressResult(replace(CHOSEN, selected=13), (SessionCommand(101, CommandName.STOP),))
    after = LedSession().live_until(100, 150).command(CommandName.STOP).command(CommandName.STOP).state
    assert face(declined.desk, after) is ScreenId.EXERTION


def test_green_after_a_stop_goes_on_for_a_minute_and_then_cools_down() -> None:
    session = LedSession().live_until(100, 150).command(CommandName.STOP)
    assert press(CHOSEN, session.state, Button.START, 101).messages == (SessionCommand(101, CommandName.RESUME),)
    session.live_until(100 + TAKE_BACK_LIMIT_S)
    t = session.t
    assert press(CHOSEN, session.state, Button.START, t).messages == (SessionCommand(t, CommandName.START),)


def test_up_in_the_pause_of_a_warm_up_that_may_end_begins_the_first_interval() -> None:
    plan = replace(PLAN, early_warm_up_end=True)
    session = LedSession(plan, protocol=built_in("4x4")).live_until(400, 130).command(CommandName.PAUSE)
    assert view(CHOSEN, session.state).snapshot.can_skip_warm_up  # type: ignore[union-attr]
    session.send(*press(CHOSEN, session.state, Button.UP, 400).messages)
    assert (session.state.stage, session.seen.phase) == ("running", "interval")
    early = LedSession(plan, protocol=built_in("4x4")).live_until(200, 130).command(CommandName.PAUSE)
    assert press(CHOSEN, early.state, Button.UP, 200) == PressResult(replace(CHOSEN, refused=1))


def test_a_press_that_does_nothing_is_counted_also_after_signing_out() -> None:
    desk = press(KioskState(), None, Button.UP, 0).desk
    assert (desk.refused, view(desk, None).refused, signed_out(desk).refused) == (1, 1, 1)


def test_a_session_that_never_started_asks_nothing() -> None:
    assert face(CHOSEN, LedSession(started=False).command(CommandName.STOP).state) is ScreenId.ENDED


def test_the_scales_end_at_their_ends() -> None:
    assert press(replace(AFTER, selected=20), ended(), Button.UP, T).desk.selected == 20
    assert press(replace(AFTER, selected=6), ended(), Button.DOWN, T).desk.selected == 6
    assert press(replace(AT_MOOD, selected=5), ended(), Button.UP, T).desk.selected == 5
    assert press(replace(AT_MOOD, selected=1), ended(), Button.DOWN, T).desk.selected == 1


def test_the_strap_is_waited_for_until_it_lives() -> None:
    for signal, expected in (
        (HeartRate(0, 80), ScreenId.READY),
        (HeartRate(0, 80, contact=False), ScreenId.READY),
        (HeartRate(0, 250), ScreenId.STRAP),
        (SourceLost(0, "disconnected"), ScreenId.STRAP),
    ):
        assert face(CHOSEN, LedSession(started=False).send(signal).state) is expected


def test_until_a_strap_is_chosen_none_is_waited_for() -> None:
    seeking = replace(CHOSEN, strap=StrapChoice(asked=True))
    assert face(seeking, strapless()) is ScreenId.STRAP
    assert face(seeking, ready()) is ScreenId.STRAP
    assert face(SEEKING, LedSession(replace(PLAN, mode="exertion"), started=False).state) is ScreenId.READY


def test_before_the_start_up_or_down_asks_for_another_strap() -> None:
    for state, now in ((strapless(), ScreenId.STRAP), (ready(), ScreenId.READY)):
        assert face(BOUND, state) is now
        for button in (Button.UP, Button.DOWN):
            after = replace(CHOSEN, strap=reopened(BOUND.strap))
            assert press(BOUND, state, button, T) == PressResult(after, wish=KioskRequest.LOOK_FOR_STRAPS)


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
        ScreenId.SESSION,
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
        ScreenId.CHOOSE_PARTICIPANT,
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
    assert face(CHOSEN, by_feeling) is ScreenId.READY
    assert press(CHOSEN, by_feeling, Button.START, 3.0) == PressResult(
        CHOSEN, (SessionCommand(3.0, CommandName.START),)
    )


def test_the_self_test_shows_each_part_in_turn_and_then_none() -> None:
    desk = KioskState(machine=True)
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
    assert press(back.desk, state, Button.STOP, 3.0).wish is KioskRequest.SIGN_OUT


@pytest.mark.parametrize(("before", "urgent"), [((), "chest_pain"), (("fever",), "fainting")])
def test_a_yes_to_what_must_be_acted_on_asks_nothing_more(before: tuple[str, ...], urgent: str) -> None:
    questions = (*before, urgent, "intoxication", "withdrawal")
    session = LedSession(replace(PLAN, questions=questions), started=False)
    desk = replace(CHOSEN, answers=(False,) * len(before), selected=1)
    pressed = press(desk, session.state, Button.START, 5.0)
    assert pressed.messages == (Readiness(5.0, {**dict.fromkeys(before, False), urgent: True}),)
    session.send(*pressed.messages)
    assert (view(pressed.desk, session.state).face, view(pressed.desk, session.state).reason) == (
        ScreenId.NOT_TODAY,
        "unwell",
    )


def test_stop_at_the_question_says_not_all_right_then_what_to_do_then_why() -> None:
    session = LedSession(answers=False).live_until(60).live_until(300, 175).live_until(312, 150)
    pressed = press(CHOSEN, session.state, Button.STOP, 312.0)
    assert pressed.messages == (AllRightAnswer(312.0, ok=False), SessionCommand(312.0, CommandName.STOP))
    session.send(*pressed.messages)
    desk = session_ended(pressed.desk, session.state)
    assert (view(desk, session.state).face, view(desk, session.state).reason) == (ScreenId.NOT_TODAY, "unwell")
    assert press(desk, session.state, Button.UP, 313.0).desk == replace(desk, refused=1)
    desk = press(desk, session.state, Button.STOP, 313.0).desk
    for question in ("chest_pain", "fainting", "dizziness", "injury"):
        assert (view(desk, session.state).face, view(desk, session.state).question) == (ScreenId.QUESTIONS, question)
        pressed = press(desk, session.state, Button.START, 314.0)
        desk = pressed.desk
    session.send(*pressed.messages)
    assert view(desk, session.state).face is ScreenId.EXERTION
    assert view(desk, session.state).selected == FIRST_BORG
