"""The desk: everything around a session at one machine — who trains, the strap, the end — and what each button does.

Theory of operation. The desk is an immutable value beside the session's state. `press` says what a button means now:
the next desk, and messages for the engine or a wish that its keeper carries out (begin a session, sign out). A long
press is a press; no button does anything dangerous, and stop always stops. Two minutes after the end the person is
signed out (H12).

    choose_participant ─► (questions ─►) strap ─► ready ─► session ─► exertion ─► mood ─► ended ─► choose_participant
            go_on (after a restart) ─► session                    self_test_failed, not_today ─► choose_participant
            choose_participant, self_test_failed ─(stop)─► machine ─► self_test ─► machine ─► choose_participant
"""

from enum import StrEnum
from typing import assert_never

from msgspec import Struct
from msgspec.structs import replace

from coach.desk_view import Button, Face, TriedPart, View
from coach.engine import HIGHEST_BORG, HIGHEST_MOOD, LOWEST_BORG, LOWEST_MOOD
from coach.events import Signal
from coach.messages import Answer, AnyMessage, Command, CommandName, Exertion, Mood, Readiness, Treadmill
from coach.protocol import PhaseKind
from coach.state import State
from coach.view import profile, snapshot

SIGN_OUT_AFTER_S = 120.0
FIRST_BORG, FIRST_MOOD = 13, 3
"""Where the choice stands at first: the middle of either scale."""

TRIED_PARTS = tuple(TriedPart)


class Wish(StrEnum):
    """What the desk asks of its keeper, since it cannot do it itself."""

    BEGIN = "begin"
    SIGN_OUT = "sign_out"
    GO_ON = "go_on"
    LET_GO = "let_go"
    LOOK_AGAIN = "look_again"
    TEST_AGAIN = "test_again"
    KEEP_ANSWERS = "keep_answers"


class Desk(Struct, frozen=True, kw_only=True):
    """What the machine remembers around the session.

    `choices`: nicknames of the participants known here. `answers`: those given so far to the readiness questions.
    `ended_t`: the session's end, for signing out. `asked`: which of Borg and mood have been passed. `machine`: somebody
    looks after the machine itself; `parts`: what its self-test tries; `tested`: what they have answered so far, None
    outside the self-test.
    """

    choices: tuple[str, ...] = ()
    selected: int = 0
    chosen: bool = False
    offer_go_on: bool = False
    findings: tuple[str, ...] = ()
    answers: tuple[bool, ...] = ()
    asked: tuple[Face, ...] = ()
    machine: bool = False
    parts: tuple[TriedPart, ...] = TRIED_PARTS
    tested: tuple[bool, ...] | None = None


class Pressed(Struct, frozen=True):
    """What a press brought: the next desk, messages for the engine, and a wish."""

    desk: Desk
    messages: tuple[AnyMessage, ...] = ()
    wish: Wish | None = None


def face(desk: Desk, state: State | None) -> Face:
    """Which picture stands on the screen."""
    if desk.tested is not None:
        return Face.SELF_TEST
    if desk.machine:
        return Face.MACHINE
    if desk.findings:
        return Face.SELF_TEST_FAILED
    if desk.offer_go_on:
        return Face.GO_ON
    if not desk.chosen or state is None:
        return Face.CHOOSE_PARTICIPANT
    match state.stage:
        case "not_today":
            return Face.NOT_TODAY
        case "questions":
            return Face.QUESTIONS
        case "ready":
            heard = state.source.signal in (Signal.LIVE, Signal.WEAK)
            return Face.READY if heard or state.by_exertion else Face.STRAP
        case "running" | "paused":
            return Face.SESSION
        case "ended":
            return _face_after(desk, state)
        case _:
            assert_never(state.stage)


def _face_after(desk: Desk, state: State) -> Face:
    """Borg and mood are asked once, and only of somebody who trained; an offered cool-down goes first."""
    if state.started_t is None or state.cool_down_offered:
        return Face.ENDED
    if Face.EXERTION not in desk.asked:
        return Face.EXERTION
    return Face.ENDED if Face.MOOD in desk.asked else Face.MOOD


def view(
    desk: Desk,
    state: State | None,
    *,
    saved: str = "no",
    strap_name: str | None = None,
    with_profile: bool = True,
    found: tuple[str, ...] = (),
) -> View:
    """The whole picture. `saved`: whether the journal has the session (`no`, `saving`, `saved`, `not_saved`).

    `found`: codes of all that the machine finds wrong with itself.
    """
    now = face(desk, state)
    plan = None if state is None else state.plan
    question = None
    if state is not None and now is Face.QUESTIONS:
        question = state.plan.questions[min(len(desk.answers), len(state.plan.questions) - 1)]
    return View(
        face=now,
        nickname=plan.nickname if plan else None,
        language=plan.language if plan else "nb",
        choices=desk.choices if now is Face.CHOOSE_PARTICIPANT else (),
        selected=desk.selected if desk.tested is None else len(desk.tested),
        question=question,
        findings=desk.findings,
        reason=state.closed_because if state and now is Face.NOT_TODAY else None,
        saved=saved,  # type: ignore[arg-type] # the journal's own words, checked where they are made
        strap_name=strap_name,
        session_number=plan.session_number if plan else None,
        course_sessions=plan.course_sessions if plan and plan.session_number is not None else None,
        snapshot=None if state is None else snapshot(state),
        profile=profile(state) if state is not None and with_profile else None,
        attention=found if now in (Face.CHOOSE_PARTICIPANT, Face.MACHINE) else (),
        tried=tried(desk),
    )


def tried(desk: Desk) -> TriedPart | None:
    """What the self-test tries now; None outside it."""
    if desk.tested is None or len(desk.tested) >= len(desk.parts):
        return None
    return desk.parts[len(desk.tested)]


def press(desk: Desk, state: State | None, button: Button, t: float) -> Pressed:
    """What `button` means now, at session second `t`."""
    now = face(desk, state)
    if now is Face.SESSION and state is not None:
        return Pressed(desk, _in_session(state, button, t))
    if now in (Face.MACHINE, Face.SELF_TEST):
        return _at_machine(desk, button)
    if button is Button.STOP:
        return _stop(desk, state, now, t)
    match now:
        case Face.SELF_TEST_FAILED:
            again = button is Button.START
            return Pressed(replace(desk, findings=()), wish=Wish.LOOK_AGAIN) if again else Pressed(desk)
        case Face.GO_ON:
            go_on = button is Button.START
            return Pressed(replace(desk, offer_go_on=False, chosen=True), wish=Wish.GO_ON) if go_on else Pressed(desk)
        case Face.CHOOSE_PARTICIPANT:
            return _choose(desk, button)
        case Face.QUESTIONS:
            return _questions(desk, state, button, t)
        case Face.READY:
            start = (Command(t, CommandName.START),) if button is Button.START else ()
            return Pressed(desk, start)
        case Face.EXERTION:
            return _scale(desk, Face.EXERTION, button, t)
        case Face.MOOD:
            return _scale(desk, Face.MOOD, button, t)
        case Face.ENDED:
            return _after_end(desk, state, button, t)
        case _:
            return Pressed(desk)


def _in_session(state: State, button: Button, t: float) -> tuple[AnyMessage, ...]:
    """Start answers, goes on, or ends a warm-up that may end; up and down confirm the treadmill's speed; stop stops."""
    if button is Button.STOP:
        return (Command(t, CommandName.STOP),)
    if state.question is not None:
        return (Answer(t),)
    if button is Button.START:
        if state.stage == "paused":
            return (Command(t, CommandName.RESUME),)
        warming_up = state.phase.kind is PhaseKind.WARM_UP
        return (Command(t, CommandName.SKIP_WARM_UP if warming_up else CommandName.PAUSE),)
    if state.stage == "paused":
        return ()
    asked_kmh = state.advice.speed_kmh
    now_kmh = state.speed_kmh if state.speed_kmh is not None else asked_kmh
    if now_kmh is None:
        return ()
    step_kmh = state.plan.speed_step_kmh if button is Button.UP else -state.plan.speed_step_kmh
    speed_kmh = min(max(round(now_kmh + step_kmh, 2), 0.0), state.plan.max_speed_kmh)
    incline = state.incline_percent if state.incline_percent is not None else state.advice.incline_percent
    return (Treadmill(t, speed_kmh, incline or 0.0),)


def _stop(desk: Desk, state: State | None, now: Face, t: float) -> Pressed:
    """Outside a session, stop means «no» and «leave»: it never starts anything."""
    if now is Face.GO_ON:
        return Pressed(replace(desk, offer_go_on=False, chosen=True), wish=Wish.LET_GO)
    if now in (Face.EXERTION, Face.MOOD):
        return Pressed(_passed(desk, now))
    if now is Face.SELF_TEST_FAILED or not desk.chosen:
        return Pressed(desk if desk.chosen else replace(desk, findings=(), machine=True))
    if now is Face.ENDED and state is not None and state.cool_down_offered:
        return Pressed(_at_scale(desk, Face.EXERTION), (Command(t, CommandName.STOP),))
    return Pressed(signed_out(desk), wish=Wish.SIGN_OUT)


def _at_machine(desk: Desk, button: Button) -> Pressed:
    """Green begins the self-test, and in it says «yes, I saw it»; stop says «no», and outside it leaves."""
    if desk.tested is None:
        match button:
            case Button.START if desk.parts:
                return Pressed(replace(desk, tested=()), wish=Wish.TEST_AGAIN)
            case Button.STOP:
                return Pressed(replace(desk, machine=False))
            case _:
                return Pressed(desk)
    if button in (Button.UP, Button.DOWN):
        return Pressed(desk, wish=Wish.TEST_AGAIN)
    tested = (*desk.tested, button is Button.START)
    over = len(tested) >= len(desk.parts)
    return Pressed(replace(desk, tested=tested), wish=Wish.KEEP_ANSWERS if over else Wish.TEST_AGAIN)


def _choose(desk: Desk, button: Button) -> Pressed:
    if not desk.choices:
        return Pressed(desk)
    if button is Button.START:
        return Pressed(replace(desk, chosen=True, answers=(), asked=()), wish=Wish.BEGIN)
    change = 1 if button is Button.DOWN else -1
    return Pressed(replace(desk, selected=(desk.selected + change) % len(desk.choices)))


def _questions(desk: Desk, state: State | None, button: Button, t: float) -> Pressed:
    """Up is yes, down is no, start confirms. The choice stands on no at first."""
    if button is not Button.START:
        return Pressed(replace(desk, selected=int(button is Button.UP)))
    answers = (*desk.answers, desk.selected == 1)
    questions = state.plan.questions if state else ()
    if len(answers) < len(questions):
        return Pressed(replace(desk, answers=answers, selected=0))
    told = dict(zip(questions, answers, strict=True))
    return Pressed(replace(desk, answers=answers, selected=0), (Readiness(t, told),))


def _scale(desk: Desk, now: Face, button: Button, t: float) -> Pressed:
    lowest, highest = (LOWEST_BORG, HIGHEST_BORG) if now is Face.EXERTION else (LOWEST_MOOD, HIGHEST_MOOD)
    if button is Button.START:
        said: AnyMessage = Exertion(t, desk.selected) if now is Face.EXERTION else Mood(t, desk.selected)
        return Pressed(_passed(desk, now), (said,))
    change = 1 if button is Button.UP else -1
    return Pressed(replace(desk, selected=min(max(desk.selected + change, lowest), highest)))


def _passed(desk: Desk, now: Face) -> Desk:
    return _at_scale(replace(desk, asked=(*desk.asked, now)), Face.MOOD)


def _at_scale(desk: Desk, following: Face) -> Desk:
    return replace(desk, selected=FIRST_BORG if following is Face.EXERTION else FIRST_MOOD)


def _after_end(desk: Desk, state: State | None, button: Button, t: float) -> Pressed:
    if button is not Button.START:
        return Pressed(desk)
    if state is not None and state.cool_down_offered:
        return Pressed(desk, (Command(t, CommandName.START),))
    return Pressed(signed_out(desk), wish=Wish.SIGN_OUT)


def session_ended(desk: Desk) -> Desk:
    """The session is over: Borg is asked next."""
    return _at_scale(desk, Face.EXERTION)


def signed_out(desk: Desk) -> Desk:
    """Nobody is chosen; the next person finds nothing of the last one."""
    return Desk(choices=desk.choices, parts=desk.parts)


def signs_out_at_t(state: State | None) -> float | None:
    """When the person is signed out by itself, in session seconds: two minutes after the end (H12)."""
    over = state is not None and state.stage in ("ended", "not_today")
    if state is None or not over:
        return None
    return (state.ended_t if state.ended_t is not None else state.t) + SIGN_OUT_AFTER_S
