"""The limits and notices of safety.md: H1 ceiling, H2 silent strap, H3 doubtful rate, H5 no answer.

Limits only tighten. Numbers are safety.md's defaults; a therapist's plan can only make them stricter.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, assert_never

from msgspec.structs import replace

from coach.guidance.interface import (
    ADVICE_APART_S,
    EASE_FROM_S,
    QUIET_INTERVAL_S,
    QUIET_RECOVERY_S,
    RESUMED,
    asks_for_more_effort,
)
from coach.model.cue import CueName
from coach.model.events import Advice, Direction, Level, Limit, LimitsChanged, Signal
from coach.model.plan import Plan
from coach.model.protocol import WORK, PhaseKind, Protocol
from coach.session.restraints import BY_SIGNAL, no_interval_because, no_urging_because
from coach.session.signal_quality import HIGHEST_BPM, LOWEST_BPM
from coach.session.state import Ceiling, Question, SessionState

if TYPE_CHECKING:
    from coach.model.events import HrMaxFinding
    from coach.session.transition import Transition

OVER_CEILING_EASES_S = 15.0
OVER_CEILING_COOLS_DOWN_S = 60.0
BELOW_CEILING_CLEARS_S = 3.0
SILENT_EASES_S = 20.0
DOUBTFUL_EASES_S = 60.0
WAIT_FOR_SIGNAL_S, WAIT_STEP_S = 180, 30
UNANSWERED_REPEATS_S, UNANSWERED_CALLS_S = 20.0, 40.0
"""A question is asked once more, calmly, before the room is called: a tired person may only not have reached it."""
CALLS_AGAIN_S = 60.0
SPEED_KEPT_S = 3.0
LEAST_SET_KMH = 0.2
"""A belt's own reports differ by a tenth at one setting."""
SHORT_WAIT_STEP_S = 5
ODD_FALL_BPM, ODD_FALL_WITHIN_S = 25.0, 15
ODD_FALL_FROM_S = 30
QUESTION_AFTER_S = 10
LONG_WORK_ASKS_EVERY_S, LONG_WORK_LEFT_S = 600, 300
"""Steady work is one long phase: who trains alone in it is asked every ten minutes, and after its end."""
QUIET_LAST_S = 10
EASE_CEILING_KMH = 1.0
QUIET_AFTER_PAUSE_S = 60.0
HOLD_ADVICE = Advice(Direction.HOLD, reason="no_urging")
"""What is said in the place of an urging that the gate held back."""


def session_began(turn: Transition) -> None:
    """Journal the limits in force from the start with their reasons, and count a missing rate from here."""
    announce(turn)
    state = turn.state
    usable = state.source.signal in (Signal.LIVE, Signal.WEAK)
    turn.state = replace(state, silent_since_t=None if usable else state.t)
    if not _has_signal(state):
        turn.raise_notice("signal_lost", Level.ATTENTION)
    elif not usable:
        turn.raise_notice("signal_implausible", Level.ATTENTION)


def announce(turn: Transition) -> None:
    """Journal the session's lasting limits when they have changed."""
    lasting = lasting_limits(turn.state)
    if lasting != turn.state.session_limits:
        turn.events.append(LimitsChanged(turn.state.t, lasting))
        turn.state = replace(turn.state, session_limits=lasting)


def lasting_limits(state: SessionState) -> tuple[Limit, ...]:
    """Return the ceiling and, once set, «only cooling down»."""
    limits = []
    ceiling_bpm = state.plan.effective_ceiling_bpm
    if ceiling_bpm is not None:
        reasons = tuple(
            name
            for name, bpm in (("plan", state.plan.ceiling_bpm), ("hr_max", state.plan.hr_max_bpm))
            if bpm == ceiling_bpm
        )
        limits.append(Limit("ceiling", reasons, ceiling_bpm))
    finding = state.outlook.finding
    if finding is not None and finding.code == "hr_max_seems_lower":
        limits.append(Limit("safer_zone", (finding.source,), finding.suggested_bpm))
    if state.cool_down_only:
        limits.append(Limit("cool_down_only", state.cool_down_only))
    return tuple(limits)


def on_hr_max_finding(turn: Transition, before: HrMaxFinding | None, now: HrMaxFinding | None) -> None:
    """H7: the evidence disagrees with the plan's HRmax. The participant is told kindly, the therapist exactly."""
    if before == now and (now is None or now.code in turn.state.notice_codes):
        return
    if before is not None and (now is None or now.code != before.code):
        turn.clear_notice(before.code)
    if now is not None:
        turn.raise_notice(now.code, Level.INFORMATION, to_therapist=True, finding=now)
    announce(turn)


def limits_now(state: SessionState) -> tuple[Limit, ...]:
    """Every limit in force, each with all its reasons."""
    reasons = no_urging_because(state)
    lasting = state.session_limits or lasting_limits(state)
    return (*lasting, Limit("no_faster", reasons)) if reasons else lasting


def increase_allowed(state: SessionState) -> bool:
    """Whether an advice may ask for more effort now."""
    return not no_urging_because(state)


def within_plan(advice: Advice, plan: Plan, now_kmh: float | None) -> Advice:
    """Return the advice with no speed above the plan's highest, or under its slowest except standing still.

    Where the belt runs slower than that already, and less is asked for, nothing is left to ask.
    """
    speed_kmh, floor_kmh = advice.speed_kmh, plan.floor_kmh
    if speed_kmh is not None and speed_kmh > plan.max_speed_kmh:
        change_kmh = None if now_kmh is None else round(plan.max_speed_kmh - now_kmh, 2)
        return replace(advice, speed_kmh=plan.max_speed_kmh, speed_change_kmh=change_kmh)
    if speed_kmh is None or speed_kmh == 0 or speed_kmh >= floor_kmh:
        return advice
    if now_kmh is None:
        return replace(advice, speed_kmh=floor_kmh, speed_change_kmh=None)
    if now_kmh <= floor_kmh and advice.direction is not Direction.FASTER:
        return Advice(Direction.HOLD, incline_percent=advice.incline_percent, reason=advice.reason)
    return replace(advice, speed_kmh=floor_kmh, speed_change_kmh=round(floor_kmh - now_kmh, 2))


def advice_now(state: SessionState) -> Advice:
    """Return the advice that may stand on the screen: one that urges stands no longer than it may be given."""
    advice = state.advice
    if asks_for_more_effort(advice, state.speed_kmh, state.incline_percent) and not increase_allowed(state):
        advice = Advice(reason=advice.reason) if advice.reason in (RESUMED, "eased") else HOLD_ADVICE
    blind = state.source.usable_bpm is None and not state.by_exertion
    if advice.direction is Direction.HOLD and (state.stands_still or blind):
        # Nothing is "held" by somebody who stands still, nor by a rate that nobody sees.
        return replace(advice, direction=Direction.NONE)
    return advice


def is_quiet(state: SessionState, *, slower: bool = False) -> bool:
    """Whether advice would come too early, too late or too soon after the last (docs/screen.md)."""
    kind, second = state.phase.kind, state.second
    if kind is PhaseKind.INTERVAL and second < (EASE_FROM_S if slower else QUIET_INTERVAL_S):
        return True
    if kind is PhaseKind.RECOVERY and second < QUIET_RECOVERY_S:
        return True
    if state.length_s - second <= QUIET_LAST_S:
        return True
    if not slower and state.resumed_t is not None and state.t - state.resumed_t < QUIET_AFTER_PAUSE_S:
        return True
    return state.advised_t is not None and state.t - state.advised_t < ADVICE_APART_S


def overrides_advice(state: SessionState) -> bool:
    """Whether a limit speaks instead of the guidance: «slower» stands while the rate is above the ceiling."""
    return state.ceiling.over_since_t is not None


def heart_rate(turn: Transition) -> None:
    """H1 at each notification. Any possible rate counts here, doubtful or not: a sudden jump may be the heart's own."""
    state = turn.state
    ceiling_bpm, bpm = state.plan.effective_ceiling_bpm, state.source.bpm
    if state.stage != "running" or ceiling_bpm is None or bpm is None:
        return
    ceiling = state.ceiling
    if LOWEST_BPM <= bpm <= HIGHEST_BPM and bpm > ceiling_bpm:
        if ceiling.over_since_t is None:
            turn.state = replace(state, ceiling=replace(ceiling, over_since_t=state.t, below_since_t=None))
            turn.raise_notice("over_ceiling", Level.ATTENTION, to_therapist=True)
            _say_slower(turn)
        elif ceiling.below_since_t is not None:
            turn.state = replace(state, ceiling=replace(ceiling, below_since_t=None))
    elif ceiling.over_since_t is not None and ceiling.below_since_t is None:
        turn.state = replace(state, ceiling=replace(ceiling, below_since_t=state.t))


def _say_slower(turn: Transition) -> None:
    """Ask for a concrete lower speed: less than the treadmill's, or than what was asked last where it tells none."""
    state = turn.state
    incline_percent = state.advice.incline_percent if state.incline_percent is None else state.incline_percent
    if state.stands_still:
        turn.give(Advice(Direction.NONE, None, None, None, "over_ceiling"), spoken=False)
        return
    now_kmh, floor_kmh = state.asked_kmh if state.speed_kmh is None else state.speed_kmh, state.plan.floor_kmh
    speed_kmh = change_kmh = None
    if now_kmh is not None:
        # Under the slowest walking speed only standing still is left to ask for.
        eased_kmh = round(now_kmh - EASE_CEILING_KMH, 2)
        speed_kmh = eased_kmh if eased_kmh >= floor_kmh else floor_kmh if now_kmh > floor_kmh else 0.0
        change_kmh = round(speed_kmh - now_kmh, 2)
    turn.give(Advice(Direction.SLOWER, change_kmh, speed_kmh, incline_percent, "over_ceiling"), spoken=True)


def signal_changed(turn: Transition) -> None:
    """H2, H3: say what the source's new state means, once."""
    state = turn.state
    source = state.source
    if state.stage not in ("running", "paused"):
        return
    gone = source.signal in (Signal.STALE, Signal.LOST)
    unusable = gone or source.signal is Signal.IMPLAUSIBLE
    since_t = state.silent_since_t
    if since_t is None:
        since_t = source.at_t if gone and source.at_t is not None else state.t
    turn.state = replace(state, silent_since_t=since_t if unusable else None)
    said_lost = any(notice.code == "signal_lost" for notice in state.notices)
    if source.signal is Signal.LOST:
        turn.clear_notice("signal_stale")
        turn.clear_notice("signal_implausible")
    match source.signal:
        case Signal.STALE if not said_lost:
            turn.raise_notice("signal_stale", Level.INFORMATION)
        case Signal.IMPLAUSIBLE:
            turn.raise_notice("signal_implausible", Level.ATTENTION)
        case Signal.LOST:
            turn.raise_notice("signal_lost", Level.ATTENTION)
            if state.stage == "running" and not said_lost:
                turn.cue(CueName.SIGNAL_LOST, level=Level.ATTENTION)
        case Signal.STALE:
            pass
        case Signal.LIVE | Signal.WEAK:
            turn.clear_notice("eased_without_signal")
            if not source.relapsed:
                _signal_is_back(turn)
        case _:
            assert_never(source.signal)
    if unusable and turn.state.advice.direction is Direction.FASTER:
        turn.state = replace(turn.state, advice=HOLD_ADVICE)


def signal_settled(turn: Transition) -> None:
    """Take back what was said of a source that has been usable for a while: one notice for one lasting state."""
    if turn.state.source.steady(turn.state.t):
        turn.clear_notice("signal_stale")
        turn.clear_notice("signal_implausible")
        _signal_is_back(turn)


def _signal_is_back(turn: Transition) -> None:
    """Take back that the signal is lost; of a source that is lost again and again, only once it is steady."""
    if any(notice.code == "signal_lost" for notice in turn.state.notices):
        turn.clear_notice("signal_lost")
        if turn.state.stage == "running":
            turn.cue(CueName.SIGNAL_BACK)


def _has_signal(state: SessionState) -> bool:
    return state.source.signal not in (Signal.STALE, Signal.LOST)


def check_limits(turn: Transition) -> None:
    """All limits, each second of the running phase. One may end the phase; then the rest waits for the next second."""
    index = turn.state.index
    for rule in (_ceiling, _silence, _odd_fall, _question):
        rule(turn)
        if turn.state.index != index:
            return


def _ceiling(turn: Transition) -> None:
    """H1: after 15 s above the ceiling work becomes recovery; after 60 s or the second time, only cool-down is left."""
    state = turn.state
    ceiling = state.ceiling
    if ceiling.over_since_t is None:
        return
    if ceiling.below_since_t is not None:
        if state.t - ceiling.below_since_t >= BELOW_CEILING_CLEARS_S:
            turn.state = replace(state, ceiling=Ceiling(times=ceiling.times))
            turn.clear_notice("over_ceiling")
            _end_slower(turn)
        return
    if not _has_signal(state):
        return
    over_s = state.t - ceiling.over_since_t
    if over_s >= OVER_CEILING_EASES_S and not ceiling.acted:
        turn.state = replace(state, ceiling=replace(ceiling, acted=True, times=ceiling.times + 1))
        if ceiling.times >= 1:
            turn.cue(CueName.OVER_CEILING, level=Level.STOP_NOW)
            turn.cool_down("over_ceiling_twice", "over_ceiling")
        elif state.in_work:
            turn.cue(CueName.OVER_CEILING, level=Level.ATTENTION)
            turn.ease("over_ceiling")
    elif over_s >= OVER_CEILING_COOLS_DOWN_S and "over_ceiling_long" not in state.cool_down_only:
        turn.cue(CueName.OVER_CEILING, level=Level.STOP_NOW)
        turn.cool_down("over_ceiling_long", "over_ceiling")
    elif state.advised_t is None or state.t - state.advised_t >= ADVICE_APART_S:
        _say_slower(turn)


def _end_slower(turn: Transition) -> None:
    """Show "slow down now" no longer, since the rate is below the ceiling again; keep the lower speed."""
    state = turn.state
    turn.give(setting_to_keep(state, state.advice.speed_kmh, "eased"), spoken=False)


def setting_to_keep(state: SessionState, speed_kmh: float | None, reason: str) -> Advice:
    """Return a setting to keep or go back to; without its speed where that would urge and nothing may."""
    incline_percent = state.advice.incline_percent if state.incline_percent is None else state.incline_percent
    advice = Advice(Direction.NONE, None, speed_kmh, incline_percent, reason)
    if asks_for_more_effort(advice, state.speed_kmh, state.incline_percent) and not increase_allowed(state):
        return Advice(reason=reason)
    return advice


def _silence(turn: Transition) -> None:
    """H2: 20 s without a rate (60 s with a doubtful one) ease work into recovery, or it goes on by exertion."""
    state = turn.state
    if state.silent_since_t is None or not state.in_work or state.by_exertion:
        return
    allowed_s = SILENT_EASES_S if not _has_signal(state) else DOUBTFUL_EASES_S
    since_t = max(state.silent_since_t, state.anchor_t)
    if state.t - since_t < allowed_s:
        return
    if state.plan.exertion_when_lost:
        turn.state = replace(state, by_exertion=True)
        turn.raise_notice("by_exertion", Level.INFORMATION, to_therapist=True)
        turn.cue(CueName.BY_FEELING)
        turn.give(Advice(Direction.NONE, reason="by_feeling"), spoken=False)
    else:
        turn.raise_notice("eased_without_signal", Level.ATTENTION, to_therapist=True)
        turn.cue(CueName.EASED, level=Level.ATTENTION)
        turn.ease("signal_lost")


def holds_interval(turn: Transition) -> bool:
    """Hold back the next interval where anything restrains it; the phase before it goes on, 3 min at most.

    H2: no interval begins into silence or doubt. H5: none begins before a question is answered, and where the room was
    called, no work of any kind: only cooling down.
    """
    state = turn.state
    following = state.program[state.index + 1] if state.index + 1 < len(state.program) else None
    kind = None if following is None else following.kind
    if state.called and kind in WORK:
        return turn.cool_down("no_answer", "eased")
    by_rate = following is not None and following.zone is not None and not state.by_exertion
    by_rate = by_rate and not (state.recorded and _has_signal(state))
    reasons = no_interval_because(state, by_rate=by_rate) if kind is PhaseKind.INTERVAL else ()
    by_signal = bool(BY_SIGNAL & set(reasons))
    if by_signal and state.plan.exertion_when_lost and (state.waited_s >= WAIT_FOR_SIGNAL_S or not _has_signal(state)):
        turn.state = state = replace(state, by_exertion=True)
        turn.raise_notice("by_exertion", Level.INFORMATION, to_therapist=True)
        turn.cue(CueName.BY_FEELING)
        reasons = no_interval_because(turn.state, by_rate=False)
        by_signal = False
    if not by_signal:
        turn.clear_notice("waiting_for_signal")
    if not reasons:
        return False
    if state.waited_s >= WAIT_FOR_SIGNAL_S:
        turn.clear_notice("waiting_for_signal")
        return turn.cool_down("no_signal" if by_signal else reasons[0], "signal_lost" if by_signal else "eased")
    if state.in_work:
        # Hard work is never made longer to wait for something.
        turn.ease("signal_lost" if by_signal else "eased")
        return True
    step_s = SHORT_WAIT_STEP_S if _has_signal(state) else WAIT_STEP_S
    if by_signal:
        turn.raise_notice("waiting_for_signal", Level.ATTENTION, to_therapist=True)
    turn.state = replace(turn.state, length_s=state.length_s + step_s, waited_s=state.waited_s + step_s)
    if by_signal and not _has_signal(state):
        turn.cue(CueName.SIGNAL_LOST, level=Level.ATTENTION)
    return True


def _odd_fall(turn: Transition) -> None:
    """H5: in work, a rate that falls faster than it does when a person rests makes the coach ask."""
    state = turn.state
    bpm = state.source.usable_bpm
    if bpm is None or not state.in_work:
        turn.state = replace(state, recent_bpm=()) if state.recent_bpm else state
        return
    recent = (*state.recent_bpm, bpm)[-ODD_FALL_WITHIN_S:]
    turn.state = replace(state, recent_bpm=recent)
    if state.second >= ODD_FALL_FROM_S and max(recent) - bpm >= ODD_FALL_BPM:
        turn.state = replace(turn.state, recent_bpm=())
        turn.ask("odd_fall")


def _question(turn: Transition) -> None:
    """H5: ask a little after an interval; without an answer ask once more, then call, and call again each minute.

    While nobody has answered the call there is no work: an interval is eased, and after the recovery comes cool-down.
    """
    state = turn.state
    question = state.question
    if question is None:
        if state.second == QUESTION_AFTER_S and not state.in_work and _asked_after(state):
            turn.ask("phase_end")
        elif _asked_within(state):
            turn.ask("long_work")
        return
    if question.speed_kmh is None:
        question = replace(question, speed_kmh=kept_speed_kmh(state))
        turn.state = state = replace(state, question=question)
    if _speed_was_set(state, question):
        turn.answered(ok=True, by="treadmill")
        return
    unanswered_s = state.t - question.asked_t
    if not question.repeated and unanswered_s >= UNANSWERED_REPEATS_S:
        turn.state = replace(state, question=replace(question, repeated=True))
        turn.cue(CueName.ARE_YOU_ALL_RIGHT)
    elif question.called_t is None and unanswered_s >= UNANSWERED_CALLS_S:
        turn.state = replace(state, question=replace(question, called_t=state.t))
        turn.raise_notice("no_answer", Level.STOP_NOW, to_therapist=True)
        turn.cue(CueName.CALL_FOR_HELP, level=Level.STOP_NOW)
        turn.drop_urging()
        if state.in_work:
            turn.ease("eased")
    elif state.t >= calls_again_t(state):
        call_again(turn)


def calls_again_t(state: SessionState) -> float:
    """Return when the room is called once more, also in a pause; infinity where no call is open."""
    question = state.question
    return inf if question is None or question.called_t is None else question.called_t + CALLS_AGAIN_S


def call_again(turn: Transition) -> None:
    """Call the room once more, calmly."""
    state, question = turn.state, turn.state.question
    assert question is not None  # noqa: S101 - `calls_again_t` is infinite without one
    turn.state = replace(state, question=replace(question, called_t=state.t))
    turn.cue(CueName.CALL_FOR_HELP, level=Level.ATTENTION)


def _asked_within(state: SessionState) -> bool:
    """Whether the coach asks now, in the middle of long work."""
    second = state.second
    due = second > 0 and second % LONG_WORK_ASKS_EVERY_S == 0 and state.length_s - second >= LONG_WORK_LEFT_S
    return due and state.in_work and _asks_about_all_work(state)


def _asked_after(state: SessionState) -> bool:
    """Whether the plan lets the coach ask after the phase that has just ended."""
    if not state.ran or state.ran[-1].phase.kind not in WORK:
        return False
    if state.plan.ask_after == "hardest_interval":
        # Where a session has no interval, each of its phases of work counts.
        return state.ran[-1].phase.interval == hardest_interval(state.protocol)
    return _asks_about_all_work(state)


def _asks_about_all_work(state: SessionState) -> bool:
    """Whether the coach asks about all work: by the plan, or where no rate can show the fall that it waits for."""
    match state.plan.ask_after:
        case "every_interval":
            return True
        case "hardest_interval":
            return False
        case "odd_fall":
            return state.by_exertion
        case _:
            assert_never(state.plan.ask_after)


def hardest_interval(protocol: Protocol) -> int:
    """Return the number of the hardest interval: of the highest zone, then the longest, then the last."""
    intervals = [phase for phase in protocol.phases if phase.kind is PhaseKind.INTERVAL]
    hardest = max(
        intervals,
        key=lambda phase: (phase.zone.high_fraction if phase.zone else 0.0, phase.length_s, phase.interval),
        default=None,
    )
    return 0 if hardest is None else hardest.interval


def kept_speed_kmh(state: SessionState) -> float | None:
    """Return the belt's speed once it has kept it; None while it still speeds up or runs out.

    A belt may take 15 s to reach what was set before a question, and that is no answer to it.
    """
    return state.speed_kmh if state.t - state.speed_t >= SPEED_KEPT_S else None


def _speed_was_set(state: SessionState, question: Question) -> bool:
    """Whether somebody has set the belt since the question: to another speed that it then keeps.

    A belt that runs out, or was stopped by its safety key, is no answer, and neither is one that shows a step more or
    less by itself.
    """
    now_kmh, then_kmh = kept_speed_kmh(state), question.speed_kmh
    if not now_kmh or then_kmh is None:
        return False
    return abs(now_kmh - then_kmh) >= max(state.plan.speed_step_kmh, LEAST_SET_KMH) - 1e-9
