"""When "My training" is open, what its buttons do, and that it is behind the sign-in."""

from msgspec.structs import replace

from coach.kiosk.flow import KioskRequest, KioskState, press, session_ended, type_digit, view, with_training
from coach.kiosk.view import Button, ScreenId, TrainingPage
from coach.model.course_progress import MyTraining, SessionShown
from coach.model.messages import CommandName, HeartRate, SessionCommand
from coach.session.engine import step
from coach.session.state import SessionState
from tests.support.led_session import PLAN, LedSession

PAST = tuple(SessionShown(number=n, ended_wall_s=1e9 + n, good_s=600.0, planned_s=960.0) for n in (3, 2, 1))
TRAINING = MyTraining(shares=(0.5, 0.6, 0.7), sessions=PAST)
CHOSEN = KioskState(chosen=True)


def before() -> tuple[KioskState, SessionState]:
    state = step(LedSession(PLAN, started=False).state, HeartRate(0.0, 84.0)).state
    return with_training(CHOSEN, TRAINING, opened=True), state


def after(training: MyTraining | None = TRAINING) -> tuple[KioskState, SessionState]:
    """The desk after a session of which everything was asked."""
    session = LedSession(PLAN).live_until(400, 140).command(CommandName.STOP).command(CommandName.STOP)
    desk = session_ended(with_training(CHOSEN, training, opened=False), session.state)
    return replace(desk, asked=(ScreenId.EXERTION, ScreenId.MOOD)), session.state


def test_it_stands_before_the_start_and_green_goes_on() -> None:
    desk, state = before()
    seen = view(desk, state)
    assert (seen.face, seen.my_training, seen.training_page) == (ScreenId.MY_TRAINING, TRAINING, TrainingPage.OVERVIEW)
    on = press(desk, state, Button.START, 1.0)
    assert (view(on.desk, state).face, on.messages, on.wish) == (ScreenId.READY, (), None)
    assert view(on.desk, state).my_training is None


def test_the_next_appointment_stands_before_the_start_and_after_the_end_alone() -> None:
    at_s = 1_765_184_400.0
    desk, ready = before()
    running = LedSession(PLAN).state
    ended_desk, ended = after(None)
    faces = [
        view(replace(one, training=None, page=None, appointment_wall_s=at_s), state)
        for one, state in ((desk, ready), (desk, running), (ended_desk, ended))
    ]
    assert [(seen.face, seen.appointment_wall_s) for seen in faces] == [
        (ScreenId.READY, at_s), (ScreenId.SESSION, None), (ScreenId.ENDED, at_s),
    ]  # fmt: skip


def test_without_a_past_there_is_no_page() -> None:
    _, state = before()
    assert view(with_training(CHOSEN, None, opened=True), state).face is ScreenId.READY


def test_stop_leaves() -> None:
    for desk, state in (before(), (replace(after()[0], page=TrainingPage.OVERVIEW), after()[1])):
        left = press(desk, state, Button.STOP, 1.0)
        assert (left.wish, left.desk.training, left.desk.page) == (KioskRequest.SIGN_OUT, None, None)


def test_down_leafs_to_earlier_sessions_and_up_back() -> None:
    desk, state = before()
    places = []
    for button in (Button.DOWN, Button.DOWN, Button.DOWN, Button.DOWN, Button.UP):
        desk = press(desk, state, button, 1.0).desk
        places.append(view(desk, state).selected)
    assert places == [1, 2, 3, 3, 2]
    assert desk.refused == 1


def test_up_at_the_newest_takes_the_session_along_and_any_button_comes_back() -> None:
    desk, state = before()
    assert view(desk, state).take_along
    taken = press(desk, state, Button.UP, 1.0).desk
    assert view(taken, state).training_page is TrainingPage.TAKE_ALONG
    for button in (Button.START, Button.UP, Button.DOWN):
        assert view(press(taken, state, button, 1.0).desk, state).training_page is TrainingPage.OVERVIEW


def test_without_a_session_there_is_nothing_to_take_along() -> None:
    _, state = before()
    desk = with_training(CHOSEN, MyTraining(), opened=True)
    assert not view(desk, state).take_along
    assert press(desk, state, Button.UP, 1.0).desk.refused == 1


def test_after_the_end_green_opens_it_and_then_signs_out() -> None:
    desk, state = after()
    assert view(desk, state).face is ScreenId.ENDED
    opened = press(desk, state, Button.START, 500.0)
    assert (view(opened.desk, state).face, opened.wish) == (ScreenId.MY_TRAINING, None)
    assert press(opened.desk, state, Button.START, 501.0).wish is KioskRequest.SIGN_OUT


def test_a_calm_moment_comes_first() -> None:
    desk, state = after(replace(TRAINING, moment=6))
    moment = press(desk, state, Button.START, 500.0).desk
    assert view(moment, state).training_page is TrainingPage.MOMENT
    assert view(press(moment, state, Button.START, 501.0).desk, state).training_page is TrainingPage.OVERVIEW


def test_without_own_training_green_signs_out_at_the_end() -> None:
    desk, state = after(None)
    assert press(desk, state, Button.START, 500.0).wish is KioskRequest.SIGN_OUT


def test_a_running_session_never_shows_it() -> None:
    desk, _ = before()
    assert view(desk, LedSession(PLAN).live_until(30).state).face is ScreenId.SESSION


def test_a_keypads_digit_is_the_button_it_stands_for() -> None:
    desk, state = before()
    assert view(type_digit(desk, state, 5, 1.0).desk, state).face is ScreenId.READY


def test_a_strap_in_trouble_offers_to_train_by_feeling_where_the_plan_allows_it() -> None:
    allowed = LedSession(replace(PLAN, exertion_when_lost=True), started=False).state
    desk = replace(CHOSEN, strap=replace(CHOSEN.strap, asked=True, trouble="no_adapter"))
    assert (view(desk, allowed).face, view(desk, allowed).by_feeling) == (ScreenId.STRAP, True)
    chosen = press(desk, allowed, Button.START, 1.0).desk
    assert view(chosen, allowed).face is ScreenId.READY
    started = press(chosen, allowed, Button.START, 2.0)
    assert started.messages == (SessionCommand(2.0, CommandName.START),)
    running = step(allowed, started.messages[0]).state
    assert running.by_exertion
    assert "by_exertion" in running.notice_codes


def test_it_is_not_offered_where_the_plan_does_not_allow_it_or_the_strap_is_well() -> None:
    strict = LedSession(PLAN, started=False).state
    allowed = LedSession(replace(PLAN, exertion_when_lost=True), started=False).state
    in_trouble = replace(CHOSEN, strap=replace(CHOSEN.strap, asked=True, trouble="no_adapter"))
    for desk, state in ((in_trouble, strict), (CHOSEN, allowed)):
        assert not view(desk, state).by_feeling
        assert press(desk, state, Button.START, 1.0).desk.refused == 1
