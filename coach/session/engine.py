"""The session engine: `step(state, message) -> Step(state, events, cues)`, a pure state machine.

Theory of operation. Time reaches the engine only inside messages. Before a message is taken, every moment that fell
due up to its time is lived through in order, each at its own due time: the whole seconds of the running phase, the
instants at which a silent strap becomes stale or lost, the end of a pause that lasted too long. So a late, missing or
extra `Time` message changes no event, no cue and no time. A message that is not allowed raises `MessageRefused` and
changes nothing.

    questions ──readiness──► ready ──start──► running ◄──pause/resume──► paused
        │ yes                  │                │ last second, stop         │ stop, pause limit
        ▼                      └──── stop ────► ended ◄─────────────────────┘
    not_today                                   ├──start: the cool-down that was offered──► running
                                                └──resume, within a minute of a stop──► running

Commands that make things safer (stop, pause, ease, "not all right") need nothing optional. The guidance runs behind
a barrier (`coach.guidance.barrier`); where living through the time fails all the same, they start from the last whole
state.

The gate: no advice that urges passes without a live rate that moved lately, a known ceiling and no limit against it.
Slowing down needs neither (H1, H2, H3).
"""

from math import isfinite
from typing import assert_never

from msgspec import Struct
from msgspec.structs import replace

from coach.errors import MessageRefused
from coach.guidance.barrier import Budget, unlimited
from coach.model.cue import Cue
from coach.model.events import AnyEvent, NoticeRaised
from coach.model.messages import (
    AllRightAnswer,
    AnyMessage,
    CommandName,
    Exertion,
    HeartRate,
    Mood,
    Readiness,
    Restored,
    SessionCommand,
    SourceLost,
    StrapChosen,
    Time,
    TreadmillSpeed,
)
from coach.model.plan import UNWELL_QUESTIONS, is_urgent
from coach.model.protocol import PhaseKind
from coach.session import belt
from coach.session.restraints import no_interval_because
from coach.session.state import SessionState
from coach.session.transition import Transition

LOWEST_BORG, HIGHEST_BORG = 6, 20
LOWEST_MOOD, HIGHEST_MOOD = 1, 5
HIGHEST_SPEED_KMH = 30.0
LOWEST_INCLINE_PERCENT, HIGHEST_INCLINE_PERCENT = -10.0, 40.0
EARLY_WARM_UP_END_S = 300
LONGEST_EXTENSION_S = 180
EXTENSION_S = 30
MOST_LOWERED_FRACTION = 0.10
HIGHEST_SENT_BPM = 65535.0


class StepResult(Struct, frozen=True):
    """What one message brought: the next state, and the events and cues that fell due, in order."""

    state: SessionState
    events: tuple[AnyEvent, ...]
    cues: tuple[Cue, ...]


def step(state: SessionState, message: AnyMessage, budget: Budget = unlimited) -> StepResult:
    """Live through the time until `message`, then take it.

    Raises `MessageRefused` where the message is not allowed now, not possible, or from before the session's time; the
    state that was passed in stays valid. `budget` runs each call of the guidance, and raises where one takes too long.
    """
    if not isfinite(message.t) or message.t < state.t:
        raise MessageRefused(
            "time_backwards",
            f"t is {message.t:g}, but the session is at {state.t:g} s already; send times that never fall",
        )
    turn = Transition(state, budget)
    if _makes_safer(message):
        turn = _lived_or_not(turn, message.t)
    else:
        turn.live_until(message.t)
    _take(turn, message)
    return StepResult(turn.state, tuple(turn.events), tuple(turn.cues))


def guidance_off(events: tuple[AnyEvent, ...]) -> str | None:
    """Return where the guidance of a journaled session failed; None where it did not."""
    failed = (event for event in events if isinstance(event, NoticeRaised) and event.code == "guidance_off")
    return next((event.detail for event in failed), None)


def without_guidance(state: SessionState, place: str) -> SessionState:
    """Return a restored session whose guidance failed before the restart, and stays out of action.

    A time budget is in no message, so living through the messages again need not bring the failure back.
    """
    turn = Transition(state)
    turn.guidance_failed(place)
    return turn.state


def _makes_safer(message: AnyMessage) -> bool:
    """Whether a message only ever makes things safer, so that nothing may stand before it (H6)."""
    stops = isinstance(message, SessionCommand) and message.name in (
        CommandName.STOP,
        CommandName.PAUSE,
        CommandName.EASE,
    )
    return stops or (isinstance(message, AllRightAnswer) and not message.ok)


def _lived_or_not(turn: Transition, t: float) -> Transition:
    """Live until `t`. Where that fails, go on from the last state that was whole, at that time."""
    before, budget = turn.state, turn.budget
    try:
        turn.live_until(t)
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001 - the barrier: stop must work whatever fails
        return Transition(replace(before, t=t), budget)
    return turn


def next_due_s(state: SessionState) -> float | None:
    """Return the session second at which something falls due next; None where nothing will. No caller need tick."""
    return Transition(state).next_due_t()


def _take(turn: Transition, message: AnyMessage) -> None:
    match message:
        case HeartRate():
            if not 0 <= message.bpm <= HIGHEST_SENT_BPM:
                raise MessageRefused("bad_heart_rate", f"bpm is {message.bpm:g}; a strap sends 0 (no rate) or more")
            turn.heart_rate(message)
        case Time():
            pass
        case SourceLost():
            turn.source_lost(message.reason)
        case StrapChosen():
            _strap(turn, message)
        case TreadmillSpeed():
            _treadmill(turn, message)
        case SessionCommand():
            _command(turn, message)
        case Exertion():
            _exertion(turn, message)
        case AllRightAnswer():
            waits = turn.state.question is not None or any(one.code == "no_answer" for one in turn.state.notices)
            by_staff = message.source == "therapist"
            if not waits and not by_staff and turn.state.belt.question_kmh is not None:
                belt.answered(turn, ok=message.ok)
                return
            _require(waits, "no_question", "nothing was asked")
            turn.answered(ok=message.ok, by="therapist" if by_staff else "participant")
        case Readiness():
            _readiness(turn, message)
        case Mood():
            _mood(turn, message)
        case Restored():
            turn.restored()
        case _:
            assert_never(message)


def _strap(turn: Transition, message: StrapChosen) -> None:
    """Keep the strap that the session started with; one that started without may still get one."""
    bound = turn.state.strap_key
    if bound is not None and turn.state.started_t is not None and message.key != bound:
        raise MessageRefused(
            "other_strap", f"this session belongs to the strap {bound}; end it before another one is worn"
        )
    if message.key != bound:
        turn.strap(message.key, message.name)


def _treadmill(turn: Transition, message: TreadmillSpeed) -> None:
    speed_ok = 0 <= message.speed_kmh <= HIGHEST_SPEED_KMH
    if not (speed_ok and LOWEST_INCLINE_PERCENT <= message.incline_percent <= HIGHEST_INCLINE_PERCENT):
        raise MessageRefused(
            "bad_treadmill",
            f"{message.speed_kmh:g} km/h at {message.incline_percent:g} % is no treadmill's setting; "
            f"0–{HIGHEST_SPEED_KMH:g} km/h and {LOWEST_INCLINE_PERCENT:g}–{HIGHEST_INCLINE_PERCENT:g} % are",
        )
    speed_kmh: float | None = message.speed_kmh
    if message.source == "participant":
        belt.confirmed(turn, message.speed_kmh)
    else:
        if message.source == "trusted_belt":
            belt.trusted(turn)
        speed_kmh = belt.take_speed(turn, message.speed_kmh, message.incline_percent)
    turn.treadmill(speed_kmh, message.incline_percent)


def _exertion(turn: Transition, message: Exertion) -> None:
    if not LOWEST_BORG <= message.borg <= HIGHEST_BORG:
        raise MessageRefused("bad_borg", f"borg is {message.borg}; Borg's scale is {LOWEST_BORG}–{HIGHEST_BORG}")
    if turn.state.started_t is None:
        raise MessageRefused("not_started", "perceived exertion belongs to a session that has started")
    turn.exertion(message.borg)


def _mood(turn: Transition, message: Mood) -> None:
    if turn.state.stage != "ended":
        raise MessageRefused("not_ended", "the mood is asked after the session")
    if not LOWEST_MOOD <= message.mood <= HIGHEST_MOOD:
        raise MessageRefused("bad_mood", f"mood is {message.mood}; it must lie in {LOWEST_MOOD}–{HIGHEST_MOOD}")
    turn.mood(message.mood)


def _readiness(turn: Transition, message: Readiness) -> None:
    state = turn.state
    afterwards = state.stage == "ended" and state.not_all_right and not state.said_why
    if state.stage != "questions" and not afterwards:
        raise MessageRefused("no_question", "no questions about how the person feels are open now")
    questions = UNWELL_QUESTIONS if afterwards else state.plan.questions
    missing = [key for key in questions if key not in message.answers]
    answers = {key: message.answers[key] for key in questions if key in message.answers}
    if missing and (afterwards or not is_urgent(answers)):
        raise MessageRefused("unanswered", f"not all questions are answered: {', '.join(missing)}")
    turn.readiness(tuple(key for key, yes in answers.items() if yes))


def _command(turn: Transition, command: SessionCommand) -> None:
    if command.source == "panel" and turn.state.question is not None:
        turn.answered(ok=True)
    match command.name:
        case CommandName.STOP:
            turn.stop()
        case CommandName.START:
            _start(turn)
        case CommandName.PAUSE:
            _require(turn.state.stage == "running", "not_running", "only a running session can be paused")
            turn.pause("asked", command.source)
        case CommandName.RESUME if command.source == "therapist":
            # From afar only what was stopped from afar goes on (hazard H6).
            own = turn.state.stage == "paused" and turn.state.paused_by == "therapist"
            _require(own, "not_paused", "the session is not in a pause that a therapist made")
            turn.resume()
        case CommandName.RESUME:
            if turn.state.before_stop is not None:
                turn.take_stop_back()
                return
            _require(turn.state.stage == "paused", "not_paused", "the session is not paused")
            turn.resume()
        case CommandName.SKIP_WARM_UP:
            _require(turn.state.stage == "running", "no_skip", "only a running warm-up can be skipped")
            refusal = skip_refusal(turn.state)
            if refusal is not None:
                raise MessageRefused("no_skip", refusal)
            turn.end_phase("skipped")
        case CommandName.EXTEND_RECOVERY:
            _extend(turn, EXTENSION_S if command.seconds is None else command.seconds)
        case CommandName.ADJUST:
            _adjust(turn, command)
        case CommandName.EASE:
            _require(_working(turn.state), "not_in_work", "only work can be eased into recovery")
            turn.ease("eased")
        case _:
            assert_never(command.name)


def _require(allowed: bool, code: str, reason: str) -> None:  # noqa: FBT001 - reads as a sentence
    if not allowed:
        raise MessageRefused(code, reason)


def _working(state: SessionState) -> bool:
    return state.stage == "running" and state.in_work


def _start(turn: Transition) -> None:
    state = turn.state
    if state.stage == "ready":
        turn.start()
    elif state.stage == "ended" and state.cool_down_offered:
        turn.start_offered_cool_down()
    elif state.stage == "not_today":
        raise MessageRefused("not_today", f"no session today ({state.closed_because}); the therapist can release it")
    elif state.stage == "questions":
        raise MessageRefused("unanswered", "answer the questions before the start")
    else:
        raise MessageRefused("started", "the session has started already")


def skip_refusal(state: SessionState) -> str | None:
    """Return why the warm-up may not end early; None where it may (training.md: for some 5 minutes are enough).

    A pause offers the choice, so that a paused warm-up is judged like a running one.
    """
    warming_up = state.index == 0 and state.phase.kind is PhaseKind.WARM_UP
    if state.stage not in ("running", "paused") or not warming_up:
        return "only a running warm-up can be skipped"
    if not state.plan.early_warm_up_end:
        return "the plan does not allow a shorter warm-up"
    if state.second < EARLY_WARM_UP_END_S:
        return f"the warm-up lasts at least {EARLY_WARM_UP_END_S // 60} min"
    zone, bpm = state.zone_bpm, state.source.usable_bpm
    if zone is None or bpm is None or bpm < zone[0]:
        return "the rate has not reached the warm-up's zone"
    held = no_interval_because(state, by_rate=not state.by_exertion)
    return f"the interval is held back ({', '.join(held)})" if held else None


def _adjust(turn: Transition, command: SessionCommand) -> None:
    """Lower the target: a zone is never moved above the plan's, whoever asks."""
    lowered = command.lowered_fraction
    _require(turn.state.stage in ("ready", "running", "paused"), "not_running", "there is no session to adjust")
    possible = lowered is not None and 0.0 <= lowered <= MOST_LOWERED_FRACTION
    _require(
        possible,
        "bad_adjustment",
        f"lowered_fraction is {lowered}; a target can be lowered by 0–{MOST_LOWERED_FRACTION:g} of HRmax, never raised",
    )
    turn.adjust(lowered or 0.0, command.source)


def _extend(turn: Transition, seconds: int) -> None:
    state = turn.state
    recovering = state.stage == "running" and state.phase.kind == "recovery"
    _require(recovering, "not_in_recovery", "only a running recovery can be extended")
    _require(seconds > 0, "bad_extension", f"cannot extend by {seconds} s")
    left_s = LONGEST_EXTENSION_S - state.extended_s
    _require(
        seconds <= left_s, "too_long", f"a recovery can be extended by {LONGEST_EXTENSION_S} s in all; {left_s} s left"
    )
    turn.extend(seconds)
