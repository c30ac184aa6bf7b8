"""The desk: everything around a session at one machine — who trains, the strap, the end — and what each button does.

Theory of operation. The desk is an immutable value beside the session's state. `press` says what a button means now:
the next desk, and messages for the engine or a wish that its keeper carries out (begin a session, sign out). A long
press is a press; no button does anything dangerous, and stop always stops. Two minutes after the end the person is
signed out (H12).

    choose_participant ─► confirm ─► (pin | guest_age ─►) (my_training ─►) (questions ─►) (choose_strap ─►) strap
    strap ─► ready ─► session ─► exertion ─► mood ─► ended ─► (my_training ─►) choose_participant
            go_on (after a restart) ─► session                    self_test_failed, not_today ─► choose_participant
            choose_participant, self_test_failed ─(stop)─► machine ─► self_test ─► machine ─► choose_participant
"""

from enum import StrEnum
from typing import Literal, assert_never

from msgspec import Struct
from msgspec.structs import replace

from coach.kiosk import sign_in as arriving
from coach.kiosk import strap_choice
from coach.kiosk.sign_in import AWAY_AFTER_S, BUTTON_OF_DIGIT, SignIn, Tries
from coach.kiosk.strap_choice import StrapChoice
from coach.kiosk.view import Button, Choice, DisplayState, ScreenId, TrainingPage, TriedPart
from coach.model.course_progress import MyTraining
from coach.model.events import Signal
from coach.model.messages import (
    AllRightAnswer,
    AnyMessage,
    CommandName,
    Exertion,
    Mood,
    Readiness,
    SessionCommand,
    StrapChosen,
    TreadmillSpeed,
)
from coach.model.plan import CLOCK_QUESTIONS, UNWELL_QUESTIONS, is_urgent
from coach.session.engine import HIGHEST_BORG, HIGHEST_MOOD, LOWEST_BORG, LOWEST_MOOD, skip_refusal, step
from coach.session.good_work import good_work
from coach.session.snapshots import profile, snapshot
from coach.session.state import SessionState

SIGN_OUT_AFTER_S = 120.0
MOST_ON_A_PAGE = 5
"""More questions than this are not read on one page."""
FIRST_BORG, FIRST_MOOD = 13, 3
"""Where the choice stands at first: the middle of either scale."""

TRIED_PARTS = tuple(TriedPart)
_CHOOSES = (ScreenId.EXERTION, ScreenId.MOOD, ScreenId.QUESTIONS, ScreenId.GUEST_AGE, ScreenId.CHOOSE_STRAP)
"""Where an arrow at the end of a scale says by itself that there is no more."""


BEFORE_START = ("questions", "ready", "not_today")
"""Stages of a session that has not begun: "My training" may stand before them."""


class KioskRequest(StrEnum):
    """What the desk asks of its keeper, since it cannot do it itself."""

    BEGIN = "begin"
    CHECK_PIN = "check_pin"
    SIGN_OUT = "sign_out"
    GO_ON = "go_on"
    LET_GO = "let_go"
    BIND_STRAP = "bind_strap"
    LOOK_FOR_STRAPS = "look_for_straps"
    LOOK_AGAIN = "look_again"
    TEST_AGAIN = "test_again"
    KEEP_ANSWERS = "keep_answers"


class KioskState(Struct, frozen=True, kw_only=True):
    """What the machine remembers around the session.

    `choices`: the participants known here. `arrival`: who has pointed at themselves and is not let in yet, or is being
    let in. `tries`: wrong PINs, remembered when somebody leaves. `language`: of the machine, while nobody is chosen.
    `answers`: those given so far to the readiness questions. `asked`: which of Borg and mood have been passed.
    `machine`: somebody looks after the machine itself; `parts`: what its self-test tries; `tested`: what they have
    answered so far, None outside the self-test. `strap`: which pulse strap is theirs. `refused`: how many presses did
    nothing. `one_by_one`: the readiness questions are asked one at a time. `training`: the chosen participant's own
    training; `page`: which page of it is open now, None while it is closed. `by_feeling`: the person
    has chosen to train without a strap, as their plan allows.
    """

    choices: tuple[Choice, ...] = ()
    language: Literal["nb", "en"] = "nb"
    selected: int = 0
    arrival: SignIn | None = None
    tries: tuple[Tries, ...] = ()
    chosen: bool = False
    offer_go_on: bool = False
    findings: tuple[str, ...] = ()
    answers: tuple[bool, ...] = ()
    asked: tuple[ScreenId, ...] = ()
    strap: StrapChoice = StrapChoice()
    machine: bool = False
    parts: tuple[TriedPart, ...] = TRIED_PARTS
    tested: tuple[bool, ...] | None = None
    refused: int = 0
    one_by_one: bool = False
    training: MyTraining | None = None
    page: TrainingPage | None = None
    by_feeling: bool = False
    appointment_wall_s: float | None = None


class PressResult(Struct, frozen=True):
    """What a press brought: the next desk, messages for the engine, and a wish.

    `typed`: one digit of a PIN, which the keeper holds until all are there; `untyped`: the last one is taken back.
    """

    desk: KioskState
    messages: tuple[AnyMessage, ...] = ()
    wish: KioskRequest | None = None
    typed: int | None = None
    untyped: bool = False


def face(desk: KioskState, state: SessionState | None) -> ScreenId:
    """Which picture stands on the screen."""
    if desk.tested is not None:
        return ScreenId.SELF_TEST
    if desk.machine:
        return ScreenId.MACHINE
    if desk.findings:
        return ScreenId.SELF_TEST_FAILED
    if desk.offer_go_on:
        return ScreenId.GO_ON
    if not desk.chosen or state is None:
        return ScreenId.CHOOSE_PARTICIPANT if desk.arrival is None else desk.arrival.face
    if desk.page is not None and (state.stage in BEFORE_START or _may_leave(desk, state)):
        return ScreenId.MY_TRAINING
    match state.stage:
        case "not_today":
            return ScreenId.NOT_TODAY
        case "questions":
            return ScreenId.QUESTIONS
        case "ready":
            if state.by_exertion or desk.by_feeling:
                return ScreenId.READY
            if desk.strap.open:
                return ScreenId.CHOOSE_STRAP if desk.strap.rows else ScreenId.STRAP
            heard = state.source.signal in (Signal.LIVE, Signal.WEAK)
            return ScreenId.READY if heard else ScreenId.STRAP
        case "running" | "paused":
            return ScreenId.SESSION
        case "ended":
            return _face_after(desk, state)
        case _:
            assert_never(state.stage)


def _face_after(desk: KioskState, state: SessionState) -> ScreenId:
    """Borg and mood are asked once, and only of somebody who trained; an offered cool-down goes first.

    After the first minutes nobody is asked how hard it was, only how they are.

    Somebody who was not all right first sees what to do now, and then is asked why.
    """
    if state.not_all_right and ScreenId.NOT_TODAY not in desk.asked:
        return ScreenId.NOT_TODAY
    if state.not_all_right and not state.said_why:
        return ScreenId.QUESTIONS
    if state.started_t is None or state.cool_down_offered or _still_unanswered(state):
        return ScreenId.ENDED
    if ScreenId.EXERTION not in desk.asked:
        return ScreenId.EXERTION
    return ScreenId.ENDED if ScreenId.MOOD in desk.asked else ScreenId.MOOD


def view(
    desk: KioskState,
    state: SessionState | None,
    *,
    saved: str = "no",
    strap_name: str | None = None,
    with_profile: bool = True,
    found: tuple[str, ...] = (),
    help_number: str = "",
    t: float = 0.0,
) -> DisplayState:
    """Return the whole picture at second `t`, which only a PIN's wait needs.

    `saved`: whether the journal has the session (`no`, `saving`, `saved`, `not_saved`).

    `found`: codes of all that the machine finds wrong with itself.
    """
    now = face(desk, state)
    plan = None if state is None else state.plan
    arrival = _arriving(desk, state)
    who = None if arrival is None else arrival.who
    question = None
    if state is not None and now is ScreenId.QUESTIONS:
        question = _questions_of(state)[min(len(desk.answers), len(_questions_of(state)) - 1)]
    strap = desk.strap
    bound_name = None
    if strap.chosen is not None:
        bound_name = strap.chosen.name or (strap.chosen.printed if strap.chosen.on_band else "")
    return DisplayState(
        face=now,
        nickname=plan.nickname if plan else who.name if who else None,
        picture=plan.picture if plan else who.picture if who else None,
        language=plan.language if plan else who.language if who else desk.language,
        choices=desk.choices if now is ScreenId.CHOOSE_PARTICIPANT else (),
        who=who,
        pin=arriving.pin_now(arrival, _tries(desk, arrival), t) if arrival and now is ScreenId.PIN else None,
        selected=_highlighted(desk, now),
        question=question,
        findings=desk.findings,
        reason=_closed_because(arrival, state) if now is ScreenId.NOT_TODAY else None,
        opens_wall_s=plan.opens_wall_s if plan and now is ScreenId.NOT_TODAY else None,
        first_speed_kmh=_first_speed_kmh(state) if state is not None and now is ScreenId.READY else None,
        questions=state.plan.questions if state is not None and _asks_all(desk, state) else (),
        good_work=good_work(state) if state is not None and now is ScreenId.ENDED else None,
        rest_h=round(plan.rest_hours) if plan and now is ScreenId.QUESTIONS else 0,
        closed_h=round(plan.closed_after_yes_h) if plan and now is ScreenId.QUESTIONS else 0,
        cap=(plan.weekly_cap or 0) if plan and now is ScreenId.QUESTIONS else 0,
        answered=len(desk.answers) if now is ScreenId.QUESTIONS else 0,
        help_number=help_number,
        saved=saved,  # type: ignore[arg-type] # the journal's own words, checked where they are made
        strap_name=bound_name if strap.asked else strap_name,
        straps=strap.rows if now is ScreenId.CHOOSE_STRAP else (),
        last_strap=strap.last if now is ScreenId.CHOOSE_STRAP else None,
        strap_trouble=strap.trouble,
        strap_battery_low=strap.battery_low,
        may_change_strap=_may_change_strap(desk, now),
        session_number=plan.session_number if plan else None,
        course_sessions=plan.course_sessions if plan and plan.session_number is not None else None,
        snapshot=None if state is None else snapshot(state),
        profile=profile(state) if state is not None and with_profile else None,
        attention=found if now in (ScreenId.CHOOSE_PARTICIPANT, ScreenId.MACHINE) else (),
        tried=current_test(desk),
        refused=desk.refused,
        my_training=desk.training if now is ScreenId.MY_TRAINING else None,
        training_page=desk.page or TrainingPage.OVERVIEW,
        appointment_wall_s=desk.appointment_wall_s if now in (ScreenId.READY, ScreenId.ENDED) else None,
        take_along=now is ScreenId.MY_TRAINING and may_take_along(desk),
        by_feeling=now is ScreenId.STRAP and _may_go_by_feeling(desk, state),
    )


def _first_speed_kmh(state: SessionState) -> float | None:
    """Return the speed that the session would ask for if it began now."""
    return step(state, SessionCommand(state.t, CommandName.START)).state.advice.speed_kmh


def _asks_all(desk: KioskState, state: SessionState) -> bool:
    """Whether the readiness questions stand on one page: for somebody who has answered them one by one before."""
    number = state.plan.session_number
    before = number is not None and number > 1 and len(state.plan.questions) <= MOST_ON_A_PAGE
    before = before and not any(question in CLOCK_QUESTIONS for question in state.plan.questions)
    fresh = not desk.one_by_one and not desk.answers
    return state.stage == "questions" and before and fresh and len(state.plan.questions) > 1


def _highlighted(desk: KioskState, now: ScreenId) -> int:
    if now is ScreenId.CHOOSE_STRAP:
        return desk.strap.index
    return desk.selected if desk.tested is None else len(desk.tested)


def current_test(desk: KioskState) -> TriedPart | None:
    """Return what the self-test tries now; None outside it."""
    if desk.tested is None or len(desk.tested) >= len(desk.parts):
        return None
    return desk.parts[len(desk.tested)]


def _closed_because(arrival: SignIn | None, state: SessionState | None) -> str | None:
    if state is not None and state.stage == "ended":
        return "unwell"
    return arrival.closed if arrival is not None else state.closed_because if state is not None else None


def _questions_of(state: SessionState) -> tuple[str, ...]:
    """Return the questions that are open: those before the start, or why the person was not all right."""
    return UNWELL_QUESTIONS if state.stage == "ended" else state.plan.questions


def press(desk: KioskState, state: SessionState | None, button: Button, t: float) -> PressResult:
    """Return what `button` means now, at session second `t`. A press that means nothing is counted as refused."""
    pressed = _meaning(desk, state, button, t)
    nothing = pressed.messages == () and pressed.wish is None and pressed.typed is None and not pressed.untyped
    at_its_end = face(desk, state) in _CHOOSES and button in (Button.UP, Button.DOWN)
    return refused(pressed) if nothing and pressed.desk == desk and not at_its_end else pressed


def refused(pressed: PressResult) -> PressResult:
    """Return the same with one refused press more, so that the screen says a word about it."""
    return replace(pressed, desk=replace(pressed.desk, refused=pressed.desk.refused + 1))


def _meaning(desk: KioskState, state: SessionState | None, button: Button, t: float) -> PressResult:
    now = face(desk, state)
    arrival = _arriving(desk, state)
    if arrival is not None:
        return _arrived(desk, arriving.press(arrival, desk.selected, button, _tries(desk, arrival), t))
    if now in (ScreenId.SESSION, ScreenId.MY_TRAINING) and state is not None:
        own = now is ScreenId.MY_TRAINING
        return _in_my_training(desk, state, button) if own else PressResult(desk, _in_session(state, button, t))
    if now in (ScreenId.MACHINE, ScreenId.SELF_TEST):
        return _at_machine(desk, button)
    if now is ScreenId.NOT_TODAY and state is not None and state.stage == "ended":
        return PressResult(_read_what_to_do(desk) if button in (Button.START, Button.STOP) else desk)
    if button is Button.STOP:
        return _stop(desk, state, now, t)
    match now:
        case ScreenId.SELF_TEST_FAILED:
            again = button is Button.START
            return PressResult(replace(desk, findings=()), wish=KioskRequest.LOOK_AGAIN) if again else PressResult(desk)
        case ScreenId.GO_ON:
            go_on = button is Button.START
            return (
                PressResult(replace(desk, offer_go_on=False, chosen=True), wish=KioskRequest.GO_ON)
                if go_on
                else PressResult(desk)
            )
        case ScreenId.CHOOSE_PARTICIPANT:
            return _choose(desk, button)
        case ScreenId.QUESTIONS:
            return _questions(desk, state, button, t)
        case ScreenId.CHOOSE_STRAP:
            return _choose_strap(desk, button, t)
        case ScreenId.STRAP | ScreenId.READY:
            return _before_start(desk, state, now, button, t)
        case ScreenId.EXERTION | ScreenId.MOOD:
            return _scale(desk, now, button, t)
        case ScreenId.ENDED:
            return _after_end(desk, state, button, t)
        case _:
            return PressResult(desk)


def type_digit(desk: KioskState, state: SessionState | None, digit: int, t: float) -> PressResult:
    """Return what a numeric keypad's digit means: itself where digits are asked for, else the button it stands for."""
    arrival = _arriving(desk, state)
    if arrival is not None and arriving.takes_digits(arrival.face):
        return _arrived(desk, arriving.digit(arrival, desk.selected, digit, _tries(desk, arrival), t))
    button = BUTTON_OF_DIGIT.get(digit)
    return PressResult(desk) if button is None else press(desk, state, button, t)


def pin_answered(desk: KioskState, participant: str, t: float, *, right: bool) -> PressResult:
    """Take the answer about a PIN. Of a person who has left in the meantime, only a wrong one counts."""
    arrival = desk.arrival
    tries = arriving.forgiven(desk.tries, participant)
    if not right:
        tries = arriving.wrong_once_more(desk.tries, participant, t)
    if arrival is None or not arrival.checking or arrival.who.participant != participant:
        return PressResult(desk if right else replace(desk, tries=tries))
    after = replace(desk, tries=tries, arrival=replace(arrival, entered=0, checking=False), selected=0)
    return _admitted(after) if right else PressResult(after)


def _arriving(desk: KioskState, state: SessionState | None) -> SignIn | None:
    """Who is being asked now; nobody while something else stands on the screen."""
    elsewhere = desk.findings or desk.offer_go_on or desk.machine or desk.tested is not None
    if elsewhere or (desk.chosen and state is not None):
        return None
    return desk.arrival


def _tries(desk: KioskState, arrival: SignIn) -> Tries | None:
    return arriving.tries_of(desk.tries, arrival.who.participant)


def _arrived(desk: KioskState, step: arriving.SignInStep) -> PressResult:
    after = replace(desk, arrival=step.arrival, selected=step.selected)
    match step.outcome:
        case "stay":
            return PressResult(after, typed=step.typed, untyped=step.untyped)
        case "check":
            return PressResult(after, wish=KioskRequest.CHECK_PIN, typed=step.typed)
        case "admit":
            return _admitted(after)
        case "leave":
            return PressResult(signed_out(desk), wish=KioskRequest.SIGN_OUT)
        case _:
            assert_never(step.outcome)


def _admitted(desk: KioskState) -> PressResult:
    return PressResult(replace(desk, chosen=True, answers=(), asked=(), one_by_one=False), wish=KioskRequest.BEGIN)


def _in_session(state: SessionState, button: Button, t: float) -> tuple[AnyMessage, ...]:
    """Return what a button says while somebody trains: each has one meaning in every phase.

    Start pauses and goes on, or answers; up and down confirm the treadmill's speed; stop stops. In a pause of a
    warm-up that may end, up begins the first interval: nothing skips a phase by one press.
    """
    if button is Button.STOP:
        return stop_messages(state, t)
    if state.question is not None:
        return (AllRightAnswer(t),)
    if state.belt.question_kmh is not None and state.stage == "running":
        return (AllRightAnswer(t, ok=button is Button.START),)
    paused = state.stage == "paused"
    if button is Button.START:
        return (SessionCommand(t, CommandName.RESUME if paused else CommandName.PAUSE),)
    if paused:
        skips = button is Button.UP and skip_refusal(state) is None
        return (SessionCommand(t, CommandName.RESUME), SessionCommand(t, CommandName.SKIP_WARM_UP)) if skips else ()
    asked_kmh = state.advice.speed_kmh
    now_kmh = state.speed_kmh if state.speed_kmh is not None else asked_kmh
    if now_kmh is None:
        return ()
    step_kmh = state.plan.speed_step_kmh if button is Button.UP else -state.plan.speed_step_kmh
    speed_kmh = min(max(round(now_kmh + step_kmh, 2), 0.0), state.plan.max_speed_kmh)
    incline = state.incline_percent if state.incline_percent is not None else state.advice.incline_percent
    return (TreadmillSpeed(t, speed_kmh, incline or 0.0, "participant"),)


def stop_messages(state: SessionState, t: float) -> tuple[AnyMessage, ...]:
    """Return what the stop button says in a session: where "are you all right?" is open, that the person is not."""
    stop = SessionCommand(t, CommandName.STOP)
    return (stop,) if state.question is None else (AllRightAnswer(t, ok=False), stop)


def _stop(desk: KioskState, state: SessionState | None, now: ScreenId, t: float) -> PressResult:
    """Outside a session, stop means «no» and «leave»: it never starts anything."""
    if now is ScreenId.GO_ON:
        return PressResult(replace(desk, offer_go_on=False, chosen=True), wish=KioskRequest.LET_GO)
    if now is ScreenId.QUESTIONS and desk.answers:
        # A slip is corrected before the answers are sent: back to the question before.
        return PressResult(replace(desk, answers=desk.answers[:-1], selected=int(desk.answers[-1])))
    if now in (ScreenId.EXERTION, ScreenId.MOOD):
        return PressResult(_passed(desk, now))
    if now is ScreenId.SELF_TEST_FAILED or not desk.chosen:
        return PressResult(desk if desk.chosen else replace(desk, findings=(), machine=True))
    if now is ScreenId.ENDED and state is not None and state.cool_down_offered:
        return PressResult(_at_first_scale(desk), (SessionCommand(t, CommandName.STOP),))
    return PressResult(signed_out(desk), wish=KioskRequest.SIGN_OUT)


def _at_machine(desk: KioskState, button: Button) -> PressResult:
    """Green begins the self-test, and in it says «yes, I saw it»; stop says «no», and outside it leaves."""
    if desk.tested is None:
        match button:
            case Button.START if desk.parts:
                return PressResult(replace(desk, tested=()), wish=KioskRequest.TEST_AGAIN)
            case Button.STOP:
                return PressResult(replace(desk, machine=False))
            case _:
                return PressResult(desk)
    if button in (Button.UP, Button.DOWN):
        return PressResult(desk, wish=KioskRequest.TEST_AGAIN)
    tested = (*desk.tested, button is Button.START)
    over = len(tested) >= len(desk.parts)
    return PressResult(
        replace(desk, tested=tested), wish=KioskRequest.KEEP_ANSWERS if over else KioskRequest.TEST_AGAIN
    )


def _choose(desk: KioskState, button: Button) -> PressResult:
    if not desk.choices:
        return PressResult(desk)
    if button is Button.START:
        who = desk.choices[min(desk.selected, len(desk.choices) - 1)]
        return PressResult(replace(desk, chosen=False, arrival=SignIn(who=who), selected=0))
    change = 1 if button is Button.DOWN else -1
    return PressResult(replace(desk, selected=(desk.selected + change) % len(desk.choices)))


def _choose_strap(desk: KioskState, button: Button, t: float) -> PressResult:
    """Bind a strap by the person's own press; nothing else does (H4)."""
    desk = replace(desk, strap=strap_choice.press(desk.strap, button))
    mine = desk.strap.chosen
    if mine is None:
        return PressResult(desk)
    return PressResult(desk, (StrapChosen(t, mine.key, mine.name),), KioskRequest.BIND_STRAP)


def _may_change_strap(desk: KioskState, now: ScreenId) -> bool:
    return desk.strap.chosen is not None and now in (ScreenId.STRAP, ScreenId.READY)


def _before_start(desk: KioskState, state: SessionState | None, now: ScreenId, button: Button, t: float) -> PressResult:
    """Start begins, or goes on without a strap in trouble where the plan allows it; up and down: another strap."""
    if button is not Button.START:
        return _another_strap(desk, now)
    if now is ScreenId.READY:
        return PressResult(desk, (SessionCommand(t, CommandName.START),))
    return PressResult(replace(desk, by_feeling=True) if _may_go_by_feeling(desk, state) else desk)


def _may_go_by_feeling(desk: KioskState, state: SessionState | None) -> bool:
    """Return whether the strap is in trouble and the plan lets the person train by perceived exertion instead."""
    return desk.strap.trouble is not None and state is not None and state.plan.exertion_when_lost


def _another_strap(desk: KioskState, now: ScreenId) -> PressResult:
    """Up or down before the start: it was the wrong one."""
    if not _may_change_strap(desk, now):
        return PressResult(desk)
    return PressResult(replace(desk, strap=strap_choice.reopened(desk.strap)), wish=KioskRequest.LOOK_FOR_STRAPS)


def _questions(desk: KioskState, state: SessionState | None, button: Button, t: float) -> PressResult:
    """Up is yes, down is no, start confirms. The choice stands on no at first.

    On one page start says no to all of them; up asks them one by one.
    """
    if state is not None and _asks_all(desk, state):
        if button is Button.START:
            return PressResult(desk, (Readiness(t, dict.fromkeys(state.plan.questions, False)),))
        return PressResult(replace(desk, one_by_one=True, selected=0) if button is Button.UP else desk)
    if button is not Button.START:
        return PressResult(replace(desk, selected=int(button is Button.UP)))
    answers = (*desk.answers, desk.selected == 1)
    questions = _questions_of(state) if state else ()
    told = dict(zip(questions, answers, strict=False))
    after = state is not None and state.stage == "ended"
    # Before the start nobody with chest pain answers the other questions first. Afterwards what to do has been shown.
    at_once = not after and is_urgent(told)
    if len(answers) < len(questions) and not at_once:
        return PressResult(replace(desk, answers=answers, selected=0))
    sent = replace(desk, answers=answers, selected=0)
    return PressResult(_at_first_scale(sent) if after else sent, (Readiness(t, told),))


def _read_what_to_do(desk: KioskState) -> KioskState:
    """Go on to the questions why: the person who was not all right has seen what to do now."""
    return replace(desk, asked=(*desk.asked, ScreenId.NOT_TODAY), answers=(), selected=0)


def _scale(desk: KioskState, now: ScreenId, button: Button, t: float) -> PressResult:
    lowest, highest = (LOWEST_BORG, HIGHEST_BORG) if now is ScreenId.EXERTION else (LOWEST_MOOD, HIGHEST_MOOD)
    if button is Button.START:
        said: AnyMessage = Exertion(t, desk.selected) if now is ScreenId.EXERTION else Mood(t, desk.selected)
        return PressResult(_passed(desk, now), (said,))
    change = 1 if button is Button.UP else -1
    return PressResult(replace(desk, selected=min(max(desk.selected + change, lowest), highest)))


def _passed(desk: KioskState, now: ScreenId) -> KioskState:
    return _at_scale(replace(desk, asked=(*desk.asked, now)), ScreenId.MOOD)


def _at_first_scale(desk: KioskState) -> KioskState:
    return _at_scale(desk, ScreenId.MOOD if ScreenId.EXERTION in desk.asked else ScreenId.EXERTION)


def _at_scale(desk: KioskState, following: ScreenId) -> KioskState:
    return replace(desk, selected=FIRST_BORG if following is ScreenId.EXERTION else FIRST_MOOD)


def _still_unanswered(state: SessionState) -> bool:
    """Whether the call that nobody answered outlasts the session: the end says so before anything is asked."""
    return any(notice.code == "no_answer" for notice in state.notices)


def _after_end(desk: KioskState, state: SessionState | None, button: Button, t: float) -> PressResult:
    if state is not None and _still_unanswered(state):
        return PressResult(desk, (AllRightAnswer(t),))
    if state is not None and state.cool_down_offered:
        goes_on = button is Button.START and state.before_stop is not None
        return PressResult(desk, (SessionCommand(t, CommandName.RESUME if goes_on else CommandName.START),))
    if button is not Button.START:
        return PressResult(desk)
    if desk.training is not None:
        first = TrainingPage.OVERVIEW if desk.training.moment is None else TrainingPage.MOMENT
        return PressResult(replace(desk, page=first, selected=0))
    return PressResult(signed_out(desk), wish=KioskRequest.SIGN_OUT)


def with_training(desk: KioskState, training: MyTraining | None, *, opened: bool) -> KioskState:
    """Return the desk with the chosen participant's training; `opened`: it stands on the screen before the start."""
    return replace(desk, training=training, page=TrainingPage.OVERVIEW if opened and training is not None else None)


def may_take_along(desk: KioskState) -> bool:
    """Return whether a session's figures can be taken along: there is one, and it is shown after a sign-in."""
    return desk.training is not None and bool(desk.training.sessions)


def _in_my_training(desk: KioskState, state: SessionState, button: Button) -> PressResult:
    """Start goes on, down leafs to earlier sessions and up back, at the newest up takes it along; stop leaves."""
    assert desk.training is not None  # noqa: S101 - a page of it is open
    ended = state.stage == "ended"
    if button is Button.STOP:
        return PressResult(signed_out(desk), wish=KioskRequest.SIGN_OUT)
    if desk.page is not TrainingPage.OVERVIEW:
        return PressResult(replace(desk, page=TrainingPage.OVERVIEW))
    if button is Button.START:
        if ended:
            return PressResult(signed_out(desk), wish=KioskRequest.SIGN_OUT)
        return PressResult(replace(desk, page=None, selected=0))
    if button is Button.DOWN:
        return PressResult(replace(desk, selected=min(desk.selected + 1, len(desk.training.sessions))))
    if desk.selected > 0:
        return PressResult(replace(desk, selected=desk.selected - 1))
    return PressResult(replace(desk, page=TrainingPage.TAKE_ALONG) if may_take_along(desk) else desk)


def _may_leave(desk: KioskState, state: SessionState) -> bool:
    """Return whether a session is over and everything after it was asked."""
    return state.stage == "ended" and not state.cool_down_offered and _face_after(desk, state) is ScreenId.ENDED


def session_ended(desk: KioskState, state: SessionState) -> KioskState:
    """Return the desk at the end of a session: Borg is asked next, and after the first minutes only the mood."""
    asked = tuple(face for face in desk.asked if face not in (ScreenId.EXERTION, ScreenId.MOOD))
    return _at_first_scale(replace(desk, asked=(*asked, ScreenId.EXERTION) if state.barely_begun else asked))


def signed_out(desk: KioskState) -> KioskState:
    """Nobody is chosen; the next person finds nothing of the last one but how often their PIN was wrong."""
    return KioskState(
        choices=desk.choices, language=desk.language, tries=desk.tries, parts=desk.parts, refused=desk.refused
    )


def with_choices(desk: KioskState, choices: tuple[Choice, ...]) -> KioskState:
    """Return the desk after plans, PINs or dates have changed.

    The highlight stays on the person, not on the place: nobody may slip under a thumb that is about to press.
    """
    if choices == desk.choices:
        return desk
    after = replace(desk, choices=choices)
    if desk.chosen:
        return after
    if desk.arrival is not None:
        arrival = arriving.still_known(desk.arrival, choices)
        return after if arrival == desk.arrival else replace(after, arrival=arrival, selected=0)
    before = desk.choices[desk.selected].participant if desk.selected < len(desk.choices) else None
    places = [place for place, one in enumerate(choices) if one.participant == before]
    return replace(after, selected=places[0] if places else 0)


def enter_session(desk: KioskState, origin_moved_s: float) -> KioskState:
    """Begin the session, whose seconds count from now: waits after a wrong PIN are told by them too."""
    tries = tuple(replace(one, wait_until_t=one.wait_until_t - origin_moved_s) for one in desk.tries)
    return replace(desk, arrival=None, selected=0, tries=tries)


def leaves_at_t(desk: KioskState, state: SessionState | None, touched_t: float) -> float | None:
    """When whoever walked away before a session is signed out, `touched_t` being the last press or rate (H12).

    Never in a session, nor where one is offered again after a restart.
    """
    arrival = _arriving(desk, state)
    if arrival is not None:
        return touched_t + (AWAY_AFTER_S if arrival.closed is None else SIGN_OUT_AFTER_S)
    if desk.offer_go_on or state is None or state.stage not in ("questions", "ready"):
        return None
    return touched_t + AWAY_AFTER_S


def pin_waits_until_t(desk: KioskState, state: SessionState | None, t: float) -> float | None:
    """When the wait after a wrong PIN ends, while it is shown."""
    arrival = _arriving(desk, state)
    tries = None if arrival is None or arrival.face is not ScreenId.PIN else _tries(desk, arrival)
    return None if tries is None or tries.wait_until_t <= t else tries.wait_until_t


def signs_out_at_t(state: SessionState | None) -> float | None:
    """When the person is signed out by itself, in session seconds: two minutes after the end (H12)."""
    over = state is not None and state.stage in ("ended", "not_today")
    if state is None or not over:
        return None
    return (state.ended_t if state.ended_t is not None else state.t) + SIGN_OUT_AFTER_S
