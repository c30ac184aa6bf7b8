"""The first guidance: plain rules that know about lag (training.md «Heart rate lags» and the third-minute rule).

It is silent in the run-up, reads where the rate is heading rather than where it is, and asks for small steps. The
same work speed serves all intervals unless the third minute of the one before says otherwise.
"""

from typing import Any, Self

import numpy as np
from msgspec import Struct, convert
from msgspec.structs import replace

from coach.guidance.interface import PHASE_START, GuidanceInput, asks_for_more_effort
from coach.model.events import Advice, Direction
from coach.model.plan import Plan, rounded_kmh
from coach.model.protocol import THIRD_MINUTE_S, PhaseKind
from coach.model.snapshot import Prediction

GAIN_BPM_PER_KMH = 24.2 / 3.6
"""24.2 ± 8.3 bpm per m/s (Hunt 2015)."""
RISE_AT_S = (0.0, 30.0, 60.0, 90.0, 120.0, 180.0, 240.0)
RISE_SHARE = (0.05, 0.53, 0.72, 0.81, 0.88, 0.95, 1.0)
"""Share of an interval's rise reached (training.md; the last two are the same curve carried on)."""
WARM_UP_SHARE, STEADY_SHARE, RECOVERY_SHARE, COOL_DOWN_SHARE = 0.72, 0.80, 0.60, 0.50
"""Speed of each phase against the work speed: a first guess, corrected by the rate."""
AIM_OVER_LOW_BPM = 2.0
LARGEST_CHANGE_KMH = 0.6
CHANGE_SHOWS_AFTER_S = 60.0
"""A change of speed shows in the rate about a minute later: none of the same direction comes before that."""
WARM_UP_RUN_UP_S = 180
_SHARES = {
    PhaseKind.WARM_UP: WARM_UP_SHARE,
    PhaseKind.INTERVAL: 1.0,
    PhaseKind.STEADY: STEADY_SHARE,
    PhaseKind.RECOVERY: RECOVERY_SHARE,
    PhaseKind.COOL_DOWN: COOL_DOWN_SHARE,
}


class RuleResponse(Struct, frozen=True, tag_field="kind", tag="rule"):
    """What the rules carry to the next session: the speed and incline that work was done at."""

    work_speed_kmh: float | None = None
    incline_percent: float | None = None


class RuleGuidance(Struct, frozen=True, kw_only=True):
    """The rules with what they remember. `setting_kmh`: the speed asked for last, taken as followed if none is told."""

    step_kmh: float
    max_speed_kmh: float
    slowest_kmh: float
    work_speed_kmh: float | None = None
    incline_percent: float | None = None
    setting_kmh: float | None = None
    pending: Advice | None = None
    direction: Direction = Direction.NONE
    changed_t: float | None = None
    start_bpm: float | None = None
    third_sum_bpm: float = 0.0
    third_seconds: int = 0
    third_zone: tuple[float, float] | None = None

    @property
    def prediction(self) -> Prediction | None:
        """The rules do not claim to predict."""
        return None

    @property
    def finding(self) -> None:
        """The rules take the plan's HRmax as it is."""

    @property
    def doubt(self) -> None:
        """The rules have no model to hold the rate against."""

    @property
    def response(self) -> Any:  # noqa: ANN401 - any JSON value, see `coach.guidance.interface.Guidance`
        """The work speed found, for the next plan."""
        return {
            "kind": "rule",
            "work_speed_kmh": self.work_speed_kmh,
            "incline_percent": self.incline_percent,
        }

    def second(self, moment: GuidanceInput) -> tuple[Self, Advice | None]:
        """See `coach.guidance.interface.Guidance.second`."""
        if moment.second == 0:
            return self._phase_start(moment)
        if self.pending is not None and moment.increase_allowed:
            return replace(self, pending=None, setting_kmh=self.pending.speed_kmh), self.pending
        guidance = self._note(moment)
        patient = moment.phase.kind is PhaseKind.WARM_UP and moment.second < WARM_UP_RUN_UP_S
        if moment.quiet or moment.bpm is None or patient:
            return guidance, None
        change_kmh, reason = guidance.wish(moment, moment.bpm)
        return guidance.advised(moment, change_kmh, reason)

    def _note(self, moment: GuidanceInput) -> Self:
        """Remember the third minute of an interval, and Borg where the rate has no zone."""
        guidance = self
        if moment.phase.kind is PhaseKind.INTERVAL and moment.bpm is not None:
            if THIRD_MINUTE_S[0] <= moment.second < THIRD_MINUTE_S[1]:
                guidance = replace(
                    guidance, third_sum_bpm=self.third_sum_bpm + moment.bpm, third_seconds=self.third_seconds + 1
                )
            if moment.speed_kmh is not None and self.work_speed_kmh is None:
                guidance = replace(guidance, work_speed_kmh=moment.speed_kmh, incline_percent=moment.incline_percent)
        borg = moment.phase.borg
        if moment.borg is not None and moment.low_bpm is None and self.work_speed_kmh is not None:
            low, high = (borg.low, borg.high) if borg else (16, 18)
            steps = (moment.borg < low) - (moment.borg > high)
            guidance = replace(guidance, work_speed_kmh=self._rounded(self.work_speed_kmh + 2 * steps * self.step_kmh))
        return guidance

    def _phase_start(self, moment: GuidanceInput) -> tuple[Self, Advice | None]:
        """Return the phase's setting; an urging one waits until it may be given."""
        work_kmh = self._next_work_speed()
        now_kmh = self.setting_kmh if moment.speed_kmh is None else moment.speed_kmh
        share = _SHARES.get(moment.phase.kind)
        guidance = replace(
            self,
            work_speed_kmh=work_kmh,
            pending=None,
            direction=Direction.NONE,
            changed_t=None,
            start_bpm=moment.bpm,
            third_sum_bpm=0.0,
            third_seconds=0,
            third_zone=None if moment.low_bpm is None or moment.high_bpm is None else (moment.low_bpm, moment.high_bpm),
        )
        if share is None or work_kmh is None:
            direction = Direction.FASTER if moment.phase.kind is PhaseKind.INTERVAL else Direction.SLOWER
            known = share is not None and moment.phase.kind in (
                PhaseKind.INTERVAL,
                PhaseKind.RECOVERY,
                PhaseKind.COOL_DOWN,
            )
            advice = Advice(direction if known else Direction.NONE, reason=PHASE_START)
        else:
            speed_kmh = self._rounded(work_kmh * share)
            change_kmh = None if now_kmh is None else round(speed_kmh - now_kmh, 2)
            direction = (
                Direction.NONE
                if change_kmh is None
                else Direction.FASTER
                if change_kmh > 0
                else Direction.SLOWER
                if change_kmh < 0
                else Direction.HOLD
            )
            advice = Advice(direction, change_kmh, speed_kmh, self.incline_percent, PHASE_START)
        if asks_for_more_effort(advice, moment.speed_kmh, moment.incline_percent) and not moment.increase_allowed:
            return replace(guidance, pending=advice), advice
        return replace(
            guidance, setting_kmh=advice.speed_kmh if advice.speed_kmh is not None else self.setting_kmh
        ), advice

    def _next_work_speed(self) -> float | None:
        """Return the third-minute rule: the same load again, unless the third minute lay outside the zone."""
        if self.work_speed_kmh is None or not self.third_seconds or self.third_zone is None:
            return self.work_speed_kmh
        third_bpm = self.third_sum_bpm / self.third_seconds
        low_bpm, high_bpm = self.third_zone
        if low_bpm <= third_bpm <= high_bpm - AIM_OVER_LOW_BPM:
            return self.work_speed_kmh
        change_kmh = (low_bpm + AIM_OVER_LOW_BPM - third_bpm) / GAIN_BPM_PER_KMH / 2
        return self._rounded(self.work_speed_kmh + min(max(change_kmh, -LARGEST_CHANGE_KMH), LARGEST_CHANGE_KMH))

    def wish(self, moment: GuidanceInput, bpm: float) -> tuple[float, str]:
        """Return the change of speed to wish for, in km/h, and why."""
        low_bpm, high_bpm = moment.low_bpm, moment.high_bpm
        if low_bpm is None or high_bpm is None:
            return 0.0, "by_feeling"
        heading_bpm = self._heading_bpm(moment, bpm)
        if bpm > high_bpm or heading_bpm > high_bpm:
            return (low_bpm + AIM_OVER_LOW_BPM - max(bpm, heading_bpm)) / GAIN_BPM_PER_KMH / 2, "above_zone"
        resting = moment.phase.kind in (PhaseKind.RECOVERY, PhaseKind.COOL_DOWN)
        if heading_bpm < low_bpm - 1 and not resting:
            return (low_bpm + AIM_OVER_LOW_BPM - heading_bpm) / GAIN_BPM_PER_KMH, "below_zone"
        return 0.0, "in_zone" if low_bpm <= bpm <= high_bpm else "on_the_way"

    def _heading_bpm(self, moment: GuidanceInput, bpm: float) -> float:
        """Where the rate will be at the interval's end if nothing changes."""
        if moment.phase.kind is not PhaseKind.INTERVAL or self.start_bpm is None or bpm <= self.start_bpm:
            return bpm
        share = float(np.interp(moment.second, RISE_AT_S, RISE_SHARE))
        return self.start_bpm + (bpm - self.start_bpm) / share

    def advised(self, moment: GuidanceInput, change_kmh: float, reason: str) -> tuple[Self, Advice | None]:
        """Return the wish as an advice in the treadmill's steps, if it is worth saying now."""
        steps = round(min(max(change_kmh, -LARGEST_CHANGE_KMH), LARGEST_CHANGE_KMH) / self.step_kmh)
        if change_kmh and not steps:
            steps = 1 if change_kmh > 0 else -1
        direction = Direction.FASTER if steps > 0 else Direction.SLOWER if steps < 0 else Direction.HOLD
        if direction is Direction.HOLD and self.direction is Direction.HOLD:
            return self, None
        if direction is Direction.FASTER and not moment.increase_allowed:
            return self, None
        waiting = self.changed_t is not None and moment.t - self.changed_t < CHANGE_SHOWS_AFTER_S
        if direction is self.direction and waiting:
            return self, None
        now_kmh = self.setting_kmh if moment.speed_kmh is None else moment.speed_kmh
        step_kmh = round(steps * self.step_kmh, 2)
        speed_kmh = None if now_kmh is None else self._rounded(now_kmh + step_kmh)
        warming_up = moment.phase.kind is PhaseKind.WARM_UP
        if warming_up and steps > 0 and speed_kmh and self.work_speed_kmh and speed_kmh >= self.work_speed_kmh:
            return self, None
        advice = Advice(
            direction,
            step_kmh if steps else None,
            speed_kmh,
            moment.incline_percent if self.incline_percent is None else self.incline_percent,
            reason,
        )
        changed_t = moment.t if steps else self.changed_t
        guidance = replace(self, direction=direction, setting_kmh=speed_kmh, changed_t=changed_t)
        if moment.phase.kind is PhaseKind.INTERVAL and speed_kmh is not None:
            guidance = replace(guidance, work_speed_kmh=speed_kmh)
        return guidance, advice

    def _rounded(self, speed_kmh: float) -> float:
        """Return a speed on the treadmill's own steps that a person may be asked for."""
        return rounded_kmh(speed_kmh, self.step_kmh, self.slowest_kmh, self.max_speed_kmh)


def rule_guidance(plan: Plan) -> RuleGuidance:
    """Return the rules at a session's start: the work speed that the last session found, else the plan's."""
    learned = RuleResponse()
    if isinstance(plan.response, dict) and plan.response.get("kind") == "rule":
        learned = convert(plan.response, RuleResponse)
    start = plan.start
    return RuleGuidance(
        step_kmh=plan.speed_step_kmh,
        max_speed_kmh=plan.max_speed_kmh,
        slowest_kmh=plan.floor_kmh,
        work_speed_kmh=learned.work_speed_kmh or (start.speed_kmh if start else None),
        incline_percent=learned.incline_percent
        if learned.incline_percent is not None
        else (start.incline_percent if start else None),
    )
