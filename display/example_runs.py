"""Views of sessions that ran: the states of a training session as the engine itself reaches them.

A person whose heart follows the phases with a lag trains by a plan, and does one thing out of the ordinary where a
state needs it. The pictures of the documents are drawn from these, so none shows what no session can show.
"""

import math
from collections.abc import Callable
from functools import cache

from msgspec.structs import replace

from coach.guidance.interface import GuidanceMaker
from coach.guidance.learned import learned_guidance
from coach.guidance.rules import rule_guidance
from coach.kiosk.flow import KioskState, view
from coach.kiosk.view import DisplayState, ScreenId
from coach.model.events import AdviceGiven
from coach.model.messages import (
    AllRightAnswer,
    AnyMessage,
    CommandName,
    HeartRate,
    SessionCommand,
    Time,
    TreadmillSpeed,
)
from coach.model.plan import Load, Plan
from coach.model.protocol import BorgRange, Phase, PhaseKind, Protocol, Zone
from coach.session.engine import step
from coach.session.state import SessionState, begin

HR_MAX_BPM, CEILING_BPM = 185.0, 182.0
PLAN = Plan(
    participant="p1",
    nickname="Rev",
    hr_max_bpm=HR_MAX_BPM,
    ceiling_bpm=CEILING_BPM,
    start=Load(6.4, 5.0),
    session_number=7,
    early_warm_up_end=True,
)
AIM_OF: dict[PhaseKind, float] = {
    PhaseKind.WARM_UP: 0.67,
    PhaseKind.INTERVAL: 0.895,
    PhaseKind.RECOVERY: 0.64,
    PhaseKind.COOL_DOWN: 0.52,
}
TAU_S, TAU_WARM_UP_S = 45.0, 160.0
FOUR_BY_FOUR = Protocol(
    "4x4",
    {"nb": "4×4", "en": "4×4"},
    (
        Phase(PhaseKind.WARM_UP, 600, Zone(0.55, 0.70)),
        *(
            phase
            for number in (1, 2, 3)
            for phase in (
                Phase(PhaseKind.INTERVAL, 240, Zone(0.85, 0.95), BorgRange(16, 18), number),
                Phase(PhaseKind.RECOVERY, 180, Zone(0.60, 0.70)),
            )
        ),
        Phase(PhaseKind.INTERVAL, 240, Zone(0.85, 0.95), BorgRange(16, 18), 4),
        Phase(PhaseKind.COOL_DOWN, 300, Zone(0.45, 0.60)),
    ),
)
Rate = Callable[[SessionState], float | None]


def usual_bpm(state: SessionState, aim: float | None = None) -> float:
    """Return the rate one second later, on its way to what the phase asks of this heart."""
    kind = state.phase.kind
    last_bpm = state.source.bpm or 82.0
    aim_bpm = (AIM_OF.get(kind, 0.7) if aim is None else aim) * HR_MAX_BPM
    share = 1 - math.exp(-1 / (TAU_WARM_UP_S if kind is PhaseKind.WARM_UP else TAU_S))
    return last_bpm + (aim_bpm - last_bpm) * share + 0.6 * math.sin(1.7 * state.t) + 0.3 * math.sin(0.4 * state.t)


def lived(state: SessionState, until_t: float, rate: Rate = usual_bpm, *, answers: bool = True) -> SessionState:
    """Live until a session second. The person sets the speed that is asked for, and answers unless told otherwise."""
    while state.t < until_t:
        t = state.t + 1.0
        bpm = rate(state)
        incoming: list[AnyMessage] = [Time(t) if bpm is None else HeartRate(t, round(bpm, 1))]
        if answers and state.question is not None:
            incoming.append(AllRightAnswer(t))
        for message in incoming:
            stepped = step(state, message)
            state = stepped.state
            for event in stepped.events:
                asked = event.advice.speed_kmh if isinstance(event, AdviceGiven) else None
                if asked is not None and t > 1:
                    state = step(state, TreadmillSpeed(t, asked, state.advice.incline_percent or 0.0)).state
    return state


def started(plan: Plan = PLAN, guidance: GuidanceMaker = rule_guidance) -> SessionState:
    """Return a session that has just begun."""
    state = begin(plan, FOUR_BY_FOUR, guidance)
    for message in (HeartRate(0.0, 82.0), TreadmillSpeed(0.0, 4.6, 5.0), SessionCommand(0.0, CommandName.START)):
        state = step(state, message).state
    return state


def shown(state: SessionState) -> DisplayState:
    """Return what the machine shows of a session."""
    return view(KioskState(chosen=True), state)


@cache
def running_examples() -> dict[str, DisplayState]:
    """Return the states of a running session by name, each as a session reached it."""
    base = started()
    points: dict[float, SessionState] = {}
    for t in (240.0, 500.0, 845.0, 860.0, 1023.0, 1110.0, 1132.0, 1238.0, 1263.0, 1390.0, 2230.0):
        base = lived(base, t)
        points[t] = base
    in_work = points[1110.0]
    learned = lived(started(guidance=learned_guidance), 1042.0)
    exertion = lived(started(replace(PLAN, mode="exertion")), 1132.0)
    by_exertion = lived(started(replace(PLAN, exertion_when_lost=True)), 1110.0)
    asked = lived(lived(points[1238.0], 1272.0, answers=False), 1276.0, answers=False)
    over = lived(in_work, 1131.0, _climbing_to(186.0))
    silent = lived(in_work, 1118.0, _silence)
    eased = lived(silent, 1136.0, _silence)
    paused = step(points[1132.0], SessionCommand(1132.0, CommandName.PAUSE)).state
    resumed = step(
        lived(paused, 1180.0, lambda state: (state.source.bpm or 160) - 0.6), SessionCommand(1180.0, CommandName.RESUME)
    )
    doubtful = lived(in_work, 1114.0, lambda state: 96.0 + state.t % 2)
    return {
        "warm_up": shown(points[240.0]),
        "warm_up_may_skip": shown(points[500.0]),
        "interval_begins": shown(points[1023.0]),
        "interval_run_up": shown(learned),
        "interval": shown(points[1132.0]),
        "interval_faster": shown(_first_advice(points[860.0], 0.80, "faster")),
        "interval_slower": shown(_first_advice(points[860.0], 0.97, "slower")),
        "interval_good": shown(points[1238.0]),
        "recovery_begins": shown(points[1263.0]),
        "recovery": shown(points[1390.0]),
        "cool_down": shown(points[2230.0]),
        "paused": shown(paused),
        "resumed": shown(lived(resumed.state, 1184.0)),
        "signal_weak": shown(_without_contact(in_work, 1126.0)),
        "signal_stale": shown(silent),
        "signal_lost": shown(lived(in_work, 1110.0 + 21.0, _silence)),
        "signal_implausible": shown(doubtful),
        "over_ceiling": shown(over),
        "notice_attention": shown(lived(eased, 1138.0, _silence)),
        "notice_older": shown(lived(eased, 1180.0, _silence)),
        "notice_information": shown(lived(by_exertion, 1136.0, _silence)),
        "all_right": shown(asked),
        "notice_stop_now": shown(lived(asked, 1320.0, answers=False)),
        "by_feeling": shown(exertion),
        "ready": shown(_in_touch()),
        "stopped": shown(step(points[1132.0], SessionCommand(1132.0, CommandName.STOP)).state),
        "ended": _after(lived(points[2230.0], 2401.0)),
        "ended_at_once": _after(_stopped_for_good(lived(started(), 70.0))),
        "therapist_says": replace(shown(points[1132.0]), message="Bra jobba! Rett ryggen og pust rolig."),
    }


def _in_touch() -> SessionState:
    """Return a session that waits for its start, with a strap that is heard."""
    return step(begin(PLAN, FOUR_BY_FOUR, rule_guidance), HeartRate(0.0, 84.0)).state


def _stopped_for_good(state: SessionState) -> SessionState:
    for _ in range(2):
        state = step(state, SessionCommand(state.t, CommandName.STOP)).state
    return state


def _after(state: SessionState) -> DisplayState:
    """Return what the machine shows when Borg and mood have been said, and the diary has the session."""
    desk = KioskState(chosen=True, asked=(ScreenId.EXERTION, ScreenId.MOOD))
    return view(desk, state, saved="saved")


def _climbing_to(bpm: float) -> Rate:
    return lambda state: min((state.source.bpm or bpm) + 1.6, bpm + state.t % 2)


def _silence(_: SessionState) -> None:
    return None


def _without_contact(state: SessionState, until_t: float) -> SessionState:
    while state.t < until_t:
        state = step(state, HeartRate(state.t + 1.0, round(usual_bpm(state), 1), contact=False)).state
    return state


def _first_advice(state: SessionState, aim: float, direction: str) -> SessionState:
    """Live the next interval with another effort, until the first such advice within it."""
    state = lived(state, 1025.0)
    while state.t < 1250.0:  # noqa: PLR2004 - within the second interval
        state = lived(state, state.t + 1.0, lambda now: usual_bpm(now, aim))
        if state.second > 60 and (state.advice.direction, state.advice.reason[-5:]) == (direction, "_zone"):  # noqa: PLR2004 - past the run-up
            break
    return state
