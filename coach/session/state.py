"""The whole state of one session: an immutable value that the engine's `step` turns into the next one."""

from typing import Literal

from msgspec import Struct

from coach.errors import PlanError
from coach.guidance.barrier import Budget, Outlook, make_guidance, unlimited
from coach.guidance.interface import Guidance, GuidanceMaker
from coach.model.events import Advice, Limit
from coach.model.plan import (
    HIGHEST_HR_MAX_BPM,
    LEAST_CLOSED_H,
    LEAST_SLOWEST_KMH,
    LOWEST_HR_MAX_BPM,
    MOST_CLOSED_H,
    MOST_SLOWEST_KMH,
    TRAINED_LATELY,
    TRAINED_OFTEN,
    URGENT_QUESTIONS,
    WORTH_A_NUMBER_S,
    Plan,
)
from coach.model.protocol import WORK, Phase, PhaseKind, Protocol, Zone
from coach.model.snapshot import NoticeNow, Stage
from coach.model.summary import Summary
from coach.session.belt import STANDS_BELOW_KMH, Belt
from coach.session.signal_quality import HeartRateSource
from coach.session.statistics import SessionStatistics
from coach.session.zone_position import ZonePosition

TRACE_EVERY_S = 5
_WORK = ((PhaseKind.INTERVAL,), (PhaseKind.STEADY, PhaseKind.MOTOR), tuple(PhaseKind))
"""What a session is for: its intervals, where it has any; else steady and motor phases; else all of it."""


class PhaseRun(Struct, frozen=True):
    """A phase that has run: where it began and ended on the axis of training seconds, and whether it ran to its end."""

    phase: Phase
    start_s: int
    end_s: int
    whole: bool


class Ceiling(Struct, frozen=True):
    """Hazard H1: since when the rate is above the ceiling, and how often that has turned work into recovery."""

    over_since_t: float | None = None
    below_since_t: float | None = None
    acted: bool = False
    times: int = 0


class Question(Struct, frozen=True):
    """Hazard H5: a question that waits for an answer.

    `repeated`: asked once more. `called_t`: when the room was called last; None: not yet. `speed_kmh`: the speed
    that the belt kept when it was asked, or first kept afterwards.
    """

    reason: str
    asked_t: float
    repeated: bool = False
    called_t: float | None = None
    speed_kmh: float | None = None


class SessionState(Struct, frozen=True, kw_only=True):
    """One session.

    `program` holds the phases run, running (`index`) and to come; limits may change what is to come. While running,
    second k of the phase ends at `anchor_t` + k + 1; pauses move the anchor. `second`: whole seconds of the phase
    that have passed. `training_before_s`: training seconds before this phase. `asked_kmh`: the speed that was asked for
    last. `recorded`: the session is long over and read from a file, so that holding an interval back would protect no
    one. `speed_kmh`: the belt's speed that is believed; `belt`: what the treadmill says, and why it is not believed.
    `advised_t`: when an advice was last spoken; `advice_t`: when the advice that is shown was given.
    `before_stop`: after a stop, the session as it stood before, while that stop can be taken back.
    """

    plan: Plan
    protocol: Protocol
    guidance: Guidance
    stage: Stage
    outlook: Outlook = Outlook()
    t: float = 0.0
    closed_because: str | None = None
    started_t: float | None = None
    program: tuple[Phase, ...] = ()
    intervals: int = 0
    ran: tuple[PhaseRun, ...] = ()
    index: int = 0
    anchor_t: float = 0.0
    second: int = 0
    length_s: int = 0
    training_before_s: int = 0
    paused_t: float | None = None
    pause_reason: Literal["asked", "restart"] = "asked"
    paused_by: str = ""
    source: HeartRateSource = HeartRateSource()
    place: ZonePosition = ZonePosition()
    strap_key: str | None = None
    strap_name: str = ""
    silent_since_t: float | None = None
    extended_s: int = 0
    waited_s: int = 0
    ceiling: Ceiling = Ceiling()
    cool_down_only: tuple[str, ...] = ()
    session_limits: tuple[Limit, ...] = ()
    question: Question | None = None
    recent_bpm: tuple[float, ...] = ()
    fall_due_s: int | None = None
    speed_kmh: float | None = None
    speed_t: float = 0.0
    belt: Belt = Belt()
    incline_percent: float | None = None
    asked_kmh: float | None = None
    speed_before_pause_kmh: float | None = None
    resumed_t: float | None = None
    advice: Advice = Advice()
    advised_t: float | None = None
    advice_t: float | None = None
    new_borg: int | None = None
    borg: int | None = None
    mood: int | None = None
    notices: tuple[NoticeNow, ...] = ()
    notice_codes: tuple[str, ...] = ()
    tally: SessionStatistics = SessionStatistics()
    trace: tuple[tuple[float, float | None], ...] = ()
    by_exertion: bool = False
    recorded: bool = False
    lowered_fraction: float = 0.0
    cool_down_offered: bool = False
    before_stop: "SessionState | None" = None
    ended_t: float | None = None
    end_reason: Literal["done", "stopped", "pause_limit", "no_answer"] | None = None
    completed: bool = False
    said_why: bool = False
    summary: Summary | None = None

    @property
    def phase(self) -> Phase:
        """The phase that runs now."""
        return self.program[self.index]

    @property
    def not_all_right(self) -> bool:
        """Whether the person said in this session that they were not all right."""
        return "not_all_right" in self.cool_down_only

    @property
    def barely_begun(self) -> bool:
        """Whether so little was trained that no figure says anything of it."""
        return self.tally.training_s < WORTH_A_NUMBER_S

    @property
    def stands_still(self) -> bool:
        """Whether the treadmill says that its belt does not move."""
        return self.speed_kmh is not None and self.speed_kmh < STANDS_BELOW_KMH

    @property
    def called(self) -> bool:
        """Whether the room was called, and nobody has answered yet."""
        return self.question is not None and self.question.called_t is not None

    @property
    def in_work(self) -> bool:
        """Whether an interval, a steady or a motor phase runs."""
        return self.phase.kind in WORK

    @property
    def warming_up(self) -> bool:
        """Whether no work has begun yet."""
        return self.stage != "running" or (self.index == 0 and self.phase.kind is PhaseKind.WARM_UP)

    @property
    def all_work_done(self) -> bool:
        """Whether all that the session is for has run its whole length."""
        planned = [phase.kind for phase in self.protocol.phases]
        kinds = next(kinds for kinds in _WORK if any(kind in kinds for kind in planned))
        ran = sum(run.whole and run.phase.kind in kinds for run in self.ran)
        return ran >= sum(kind in kinds for kind in planned)

    @property
    def zone_hr_max_bpm(self) -> float | None:
        """The HRmax that zones are taken of: the plan's, or a lower one by the evidence. Never a higher one."""
        finding, hr_max_bpm = self.outlook.finding, self.plan.hr_max_bpm
        if finding is None or finding.code != "hr_max_seems_lower" or hr_max_bpm is None:
            return hr_max_bpm
        return min(hr_max_bpm, finding.suggested_bpm)

    def bounds_bpm(self, zone: Zone | None) -> tuple[float, float] | None:
        """Give a zone in bpm, as low as evidence and therapist have moved it; None where it or HRmax is missing."""
        hr_max_bpm = self.zone_hr_max_bpm
        if zone is None or hr_max_bpm is None:
            return None
        return zone.bounds_bpm(hr_max_bpm, self.lowered_fraction)

    @property
    def zone_bpm(self) -> tuple[float, float] | None:
        """The target zone now, in bpm; None where the phase, the mode or HRmax gives none."""
        return self.bounds_bpm(self.phase.zone)


def begin(
    plan: Plan,
    protocol: Protocol,
    guidance: GuidanceMaker,
    budget: Budget = unlimited,
    *,
    recorded: bool = False,
) -> SessionState:
    """Return a session that waits for its start. `recorded`: see `SessionState`.

    Raises `PlanError` where the plan lacks what its mode needs, or holds a value that no person has.
    """
    _check(plan)
    closed = _closed_because(plan)
    stage: Stage = "not_today" if closed else "questions" if plan.questions else "ready"
    guide, outlook = make_guidance(guidance, plan, budget)
    return SessionState(
        plan=plan,
        protocol=protocol,
        guidance=guide,
        outlook=outlook,
        stage=stage,
        closed_because=closed,
        program=protocol.phases,
        intervals=protocol.intervals,
        length_s=protocol.phases[0].length_s,
        by_exertion=plan.mode == "exertion",
        recorded=recorded,
    )


def _check(plan: Plan) -> None:
    if plan.hr_max_bpm is None and plan.mode == "heart_rate":
        msg = "the plan has no HRmax; give hr_max_bpm, or set the mode to exertion"
        raise PlanError(msg)
    for name, bpm in (("hr_max_bpm", plan.hr_max_bpm), ("ceiling_bpm", plan.ceiling_bpm)):
        if bpm is not None and not LOWEST_HR_MAX_BPM <= bpm <= HIGHEST_HR_MAX_BPM:
            msg = f"{name} is {bpm:g}; it must lie in {LOWEST_HR_MAX_BPM:g}–{HIGHEST_HR_MAX_BPM:g} bpm"
            raise PlanError(msg)
    if not 0.05 <= plan.speed_step_kmh <= 1.0:  # noqa: PLR2004 - a treadmill's own steps are 0.1–0.5 km/h
        msg = f"speed_step_kmh is {plan.speed_step_kmh:g}; it must lie in 0.05–1 km/h"
        raise PlanError(msg)
    if not LEAST_SLOWEST_KMH <= plan.slowest_kmh <= MOST_SLOWEST_KMH:
        msg = f"slowest_kmh is {plan.slowest_kmh:g}; it must lie in {LEAST_SLOWEST_KMH:g}–{MOST_SLOWEST_KMH:g} km/h"
        raise PlanError(msg)
    if not LEAST_CLOSED_H <= plan.closed_after_yes_h <= MOST_CLOSED_H:
        msg = (
            f"closed_after_yes_h is {plan.closed_after_yes_h:g}; it must lie in {LEAST_CLOSED_H:g}–{MOST_CLOSED_H:g} h"
        )
        raise PlanError(msg)
    start = plan.start
    if start is not None and not (0 < start.speed_kmh <= plan.max_speed_kmh and -5 <= start.incline_percent <= 30):  # noqa: PLR2004
        msg = (
            f"start is {start.speed_kmh:g} km/h at {start.incline_percent:g} %; "
            f"it must lie above 0 and up to {plan.max_speed_kmh:g} km/h, at -5 to 30 %"
        )
        raise PlanError(msg)


def closed_by(yes: tuple[str, ...]) -> str:
    """Return why there is no session after these answers: `unwell` where something must be done now.

    `rest` or `weekly_cap` where the participant only says that they trained too lately or too often, which no clock
    could say.
    """
    if any(question in URGENT_QUESTIONS for question in yes):
        return "unwell"
    if all(question in (TRAINED_LATELY, TRAINED_OFTEN) for question in yes):
        return "rest" if TRAINED_LATELY in yes else "weekly_cap"
    return "readiness"


def _closed_because(plan: Plan) -> str | None:
    """Hazard H13: the weekly cap and the rest between sessions, unless the therapist released them."""
    if plan.closed_by_yes:
        return closed_by(plan.closed_by_yes)
    if plan.cap_released:
        return None
    if plan.weekly_cap is not None and plan.sessions_last_7_days >= plan.weekly_cap:
        return "weekly_cap"
    if plan.hours_since_last is not None and plan.hours_since_last < plan.rest_hours:
        return "rest"
    return None
