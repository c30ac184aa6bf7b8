"""The guidance that learns: a model of this person's heart, a forecast, and the setting that it finds best.

Theory of operation. Every second is noted; every fifth one the belief (`coach.guidance.heart_model`) moves on and meets
the mean rate of those seconds. At each phase's start the belief is drawn out into possible people
(`coach.guidance.forecast`), candidates are scored on them (`coach.guidance.advice_policy`), and the best setting is
advised. Later in the phase it is advised anew only when the forecast gains clearly by it. Without a known speed the
belief forks at each advice (`coach.guidance.unknown_load`).
"""

from typing import Any, Self

import numpy as np
from msgspec import structs
from msgspec.structs import astuple, replace

from coach.guidance.advice_policy import (
    Setting,
    SpeedRange,
    aim_of,
    loads_of,
    middle_setting,
    rest_worth,
    work_worth,
    zone_fractions,
)
from coach.guidance.belief import BeliefState
from coach.guidance.carried_response import LearnedResponse, NextTime, as_json, kinds_of, person_of, read_response
from coach.guidance.first_reading_check import expectation
from coach.guidance.forecast import SigmaPoints, cloud, spread_sd_bpm
from coach.guidance.heart_model import DRIFT, STATES, STEP_S, Array, FilterBank
from coach.guidance.hr_max_finding import estimate, judged
from coach.guidance.interface import EASE_FROM_S, PHASE_START, REMINDER, GuidanceInput, asks_for_more_effort
from coach.guidance.priors import as_labelled, first_bank, met_today
from coach.guidance.treadmill_load import GAITS, WALK_UP_TO_KMH, demand, speed_for
from coach.guidance.unknown_load import (
    FLAT,
    FOLLOWED,
    HALF,
    HALF_SHARE,
    IGNORED,
    LATE,
    LATE_S,
    OFF_KEEPS,
    OFF_LITTLE_SD_BPM,
    OFF_SD_BPM,
    STILL,
    WAY_SHARES,
    WAYS,
    branch_weights,
    loads_by_way,
    merge_hypotheses,
    relabelled,
    settings_after,
    split_hypotheses,
    way_weights,
)
from coach.model.events import Advice, Direction
from coach.model.plan import Load, Plan
from coach.model.protocol import PhaseKind
from coach.model.snapshot import Prediction

ACTS_AFTER_S, SETS_AFTER_S = 8.0, 3.0
"""An advice is acted on after 3–15 s (training.md); at a phase's start the hand is on the panel."""
WARM_UP_STEPS = ((0.0, 0.61), (0.35, 0.66), (0.68, 0.70))
"""The warm-up climbs in three steps, (share of its length, fraction of HRmax): each shows a little more of the
person."""
KEEP_WORTH = 0.04
"""The same load serves all intervals unless another is expected to be worth this much more."""
FASTER_WORTH, SLOWER_WORTH, AGAIN_FACTOR = 0.12, 0.10, 2.0
STRANGER_FACTOR = 0.45
"""Within a phase an advice must be worth this much of it; each further one twice as much; less so in a first
session."""
MOST_CORRECTIONS = 3
REST_WORTH = 0.5
WORK_AIM = 0.90
"""What work has shown to be right is judged by the middle of its zone (training.md: 85–95 %)."""
NEAR_MAX_FRACTION, NEAR_MAX_CHANCE = 0.95, 0.05
"""A formula's HRmax is far too high for a quarter to almost half (training.md): more is asked once Borg has told."""
UNPROVEN_WARM_UP_STEP = 0.66
"""Until the rate is proven the warm-up has one level, which nothing raises (docs/guidance.md)."""
MOST_WORK_SHARE, MOST_WORK_SHARE_UNKNOWN, MOST_REST_SHARE = 1.8, 1.4, 0.90
"""The most load that is asked, as a share of the highest work load known (the plan's, or the last interval's)."""
UNKNOWN_MOST_DEMAND = 25.0
"""Where no work load is known: brisk walking uphill, ml/kg/min above standing."""
REMIND_AFTER_S, REMINDERS = (20, 50), 2
RESTING_LOOKS_S = 15
"""Outside intervals nothing is so urgent that the forecast must be made anew every five seconds."""
NEXT_TIME_AIM, SAME_LOAD_KMH, MOST_NEXT_TIME_SHARE = 0.89, 0.2, 1.1
"""Progress is slow on purpose: 0.2–0.5 km/h from one session to the next (training.md [G])."""
_WITHOUT_DRIFT = np.where(np.arange(STATES) == DRIFT, 0.0, 1.0)
QUANTILE_80 = 1.2816
THIRD_MINUTE_MIDDLE_S = 150.0


class LearnedGuidance(BeliefState, frozen=True, kw_only=True):
    """The guidance with all that it remembers. `earned`: the demand that the last interval has shown to be right."""

    treadmill: SpeedRange
    incline_percent: float
    sessions: int
    work: Setting | None = None
    advised: Setting | None = None
    advised_s: int = 0
    corrections: int = 0
    reminders: int = 0
    reason: str = ""
    pending: Advice | None = None
    prediction: Prediction | None = None
    earned: float = 0.0

    @property
    def response(self) -> Any:  # noqa: ANN401 - any JSON value, see `coach.guidance.interface.Guidance`
        """What was learned, for the next plan."""
        bank = merge_hypotheses(self.bank, self.branches)[0]
        person = met_today(self.person, bank, self.plan, by_way=self.by_way)
        return as_json(
            LearnedResponse(
                sessions=self.sessions + 1,
                kinds=kinds_of(person),
                hr_max_bpm=tuple(round(float(x), 2) for x in person.hr_max_bpm),
                evidence=tuple(round(float(x), 4) for x in person.evidence),
                work=None if self.work is None else Load(self.work.speed_kmh, self.work.incline_percent),
                hr_max=estimate(bank, self.plan),
                next_time=self.next_time(bank),
                borgs=self.borgs,
                by_way=self.by_way,
            )
        )

    def next_time(self, bank: FilterBank) -> NextTime | None:
        """Return the load proposed for the next session's first interval, rested; and why: against today's."""
        if self.work is None:
            return None
        people = cloud(bank)
        people = structs.replace(people, state=people.state * _WITHOUT_DRIFT)
        most = MOST_NEXT_TIME_SHARE * demand(self.work.speed_kmh, self.work.incline_percent)
        treadmill = replace(self.treadmill, most_demand=most)
        best = middle_setting(people, NEXT_TIME_AIM, treadmill, self.incline_percent)
        change_kmh = best.speed_kmh - self.work.speed_kmh
        if abs(change_kmh) <= max(self.treadmill.step_kmh, SAME_LOAD_KMH):
            best, reason = self.work, "same_load"
        else:
            reason = "more_load" if change_kmh > 0 else "less_load"
        return NextTime(Load(best.speed_kmh, best.incline_percent), reason)

    def second(self, moment: GuidanceInput) -> tuple[Self, Advice | None]:
        """See `coach.guidance.interface.Guidance.second`."""
        guidance = self.with_observation(moment)
        if guidance.doubt is not None:
            moment = replace(moment, increase_allowed=False)
        if guidance.doubt is not None or moment.bpm is None or moment.second == 0:
            guidance = replace(guidance, prediction=None)
        if moment.borg is not None:
            guidance = guidance.heard(moment.borg)
        if moment.second == 0:
            return guidance.phase_start(moment)
        if guidance.pending is not None and moment.increase_allowed:
            advice = guidance.pending
            return replace(guidance, pending=None).set_out(moment, advice, 5), advice
        busy = moment.phase.kind is PhaseKind.INTERVAL and moment.second >= EASE_FROM_S
        every_s = STEP_S if busy else RESTING_LOOKS_S
        if moment.second % every_s or moment.phase.pattern is not None:
            return guidance, None
        return guidance.looked_ahead(moment)

    # What is advised

    def phase_start(self, moment: GuidanceInput) -> tuple[Self, Advice | None]:
        """Return the setting for a phase; an urging one waits until it may be given."""
        kind, after_work = moment.phase.kind, self.phase is PhaseKind.INTERVAL
        guidance = replace(
            self.entered(moment), treadmill=self._allowed(moment), pending=None, corrections=0, reminders=0
        )
        people = cloud(guidance.bank)
        if after_work:
            guidance = replace(guidance, earned=guidance.earned_by_work(people))
        setting = guidance.one_way(guidance.best_for_phase(moment, people), kind)
        if kind is PhaseKind.INTERVAL:
            guidance = replace(guidance, work=setting)
        elif kind is PhaseKind.WARM_UP and not guidance.proven and not guidance.follows(HALF):
            # What the plan and earlier sessions ask for: a dry strap has no say in it, and asks for no more later.
            last = setting
            if moment.speed_kmh is None:
                last = middle_setting(people, aim_of(moment), guidance.treadmill, self.incline_percent)
            most = max(demand(one.speed_kmh, one.incline_percent) for one in (setting, last))
            guidance = replace(guidance, treadmill=replace(guidance.treadmill, most_demand=most))
        advice = guidance.advice_for(setting, PHASE_START)
        if asks_for_more_effort(advice, moment.speed_kmh, moment.incline_percent) and not moment.increase_allowed:
            return replace(guidance, pending=advice), advice
        return guidance.set_out(moment, advice, 2), advice

    def earned_by_work(self, people: SigmaPoints) -> float:
        """Return the demand that work has shown to be right: a recovery's rate alone raises no interval's load."""
        if self.work is None or self.doubt is not None:
            return 0.0
        at_will = SpeedRange(self.treadmill.step_kmh, self.treadmill.fastest_kmh, self.treadmill.slowest_kmh)
        best = self.as_asked(middle_setting(people, WORK_AIM, at_will, self.incline_percent))
        return demand(best.speed_kmh, best.incline_percent)

    def _allowed(self, moment: GuidanceInput) -> SpeedRange:
        """Return the most that may be asked in this phase: a belief may be wrong, so load goes up by stages."""
        start = self.plan.start
        known = [demand(one.speed_kmh, one.incline_percent) for one in (start, self.work) if one is not None]
        if moment.speed_kmh is None and start is None:
            # What was asked and never confirmed is no reason to ask for less and less.
            known.append(UNKNOWN_MOST_DEMAND)
        usual = max(known, default=UNKNOWN_MOST_DEMAND)
        if moment.phase.kind is PhaseKind.INTERVAL:
            share = MOST_WORK_SHARE if moment.speed_kmh is not None else MOST_WORK_SHARE_UNKNOWN
            if self.follows(HALF):
                # What is asked of them is not what they take.
                share = max(share, MOST_WORK_SHARE)
            elif not self.proven:
                share = 1.0
            elif moment.second == 0 and self.work is not None and moment.phase.interval > 1:
                worked = demand(self.work.speed_kmh, self.work.incline_percent)
                share = min(share, max(worked, self.earned) / usual)
        else:
            share = MOST_REST_SHARE
        return replace(self.treadmill, most_demand=usual * share)

    def best_for_phase(self, moment: GuidanceInput, people: SigmaPoints) -> Setting:
        """Return the setting for the whole phase; in a later interval the same, unless another is clearly better."""
        kind, length_s = moment.phase.kind, moment.length_s
        if kind is PhaseKind.INTERVAL:
            low, high = zone_fractions(moment)
            aim = (low + high) / 2
            middle = self.as_asked(middle_setting(people, aim, self.treadmill, self.incline_percent))
            times = _every(20.0, length_s)
            candidates = self.treadmill.around(middle)
            kept = self.work if self.work is not None and moment.phase.interval > 1 else None
            if kept is not None and kept not in candidates:
                candidates.append(kept)
            rates = self.rates_at(candidates, people, times, SETS_AFTER_S, moment)[:, 1:]
            worth = work_worth(rates, times, length_s, people.hr_max_bpm, moment)
            best = int(np.argmax(worth))
            if kept is not None and worth[best] < worth[candidates.index(kept)] + KEEP_WORTH:
                return kept
            return candidates[best]
        aim, until_s, from_s = aim_of(moment), float(length_s), 80.0
        if kind is PhaseKind.WARM_UP:
            climbs = self.proven or moment.speed_kmh is None
            step = WARM_UP_STEPS[0][1] if climbs else UNPROVEN_WARM_UP_STEP
            aim, until_s = aim + step - WARM_UP_STEPS[-1][1], WARM_UP_STEPS[1][0] * length_s
            from_s = until_s - 40
        elif kind is not PhaseKind.RECOVERY:
            from_s = length_s / 2
        return self._best_level(people, aim, (from_s, until_s), SETS_AFTER_S, moment)

    def _best_level(
        self,
        people: SigmaPoints,
        aim: float,
        span_s: tuple[float, float],
        acts_after_s: float,
        moment: GuidanceInput,
    ) -> Setting:
        """Return the setting that brings the rate nearest to a level within `span_s` from now."""
        from_s, until_s = span_s
        middle = self.as_asked(middle_setting(people, aim, self.treadmill, self.incline_for(moment)))
        candidates = self.treadmill.around(middle)
        # A phase of a few seconds is over before its level would be reached: its end is what counts then.
        until_s = max(until_s, 1.0)
        times = np.linspace(min(max(from_s, 0.0), until_s), until_s, 5)
        rates = self.rates_at(candidates, people, times, acts_after_s, moment)[:, 1:]
        return candidates[int(np.argmax(rest_worth(rates, times, people.hr_max_bpm, aim, from_s)))]

    def looked_ahead(self, moment: GuidanceInput) -> tuple[Self, Advice | None]:
        """Return the forecast anew, and an advice where it gains clearly by one."""
        people = cloud(self.bank)
        guidance = replace(self, prediction=self.predicted(moment, people))
        kind, second = moment.phase.kind, moment.second
        reminder = guidance.reminder(moment)
        if reminder is not None:
            return replace(guidance, reminders=self.reminders + 1).set_out(moment, reminder, 5), reminder
        if moment.bpm is None:
            return guidance, None
        if kind is PhaseKind.WARM_UP:
            return guidance.climb(moment, people)
        if moment.quiet and (moment.quiet_slower or kind is not PhaseKind.INTERVAL):
            return guidance, None
        if kind is PhaseKind.INTERVAL:
            return guidance.correct_work(moment, people)
        if second - self.advised_s >= 60 and moment.length_s - second >= 40:  # noqa: PLR2004 - an advice shows after a minute
            return guidance.correct_rest(moment, people)
        return guidance, None

    def climb(self, moment: GuidanceInput, people: SigmaPoints) -> tuple[Self, Advice | None]:
        """Return the warm-up's next step, once its time has come."""
        done = self.corrections + 1
        if done >= len(WARM_UP_STEPS) or moment.quiet:
            return self, None
        length_s = moment.length_s
        if moment.second < WARM_UP_STEPS[done][0] * length_s:
            return self, None
        last = done + 1 == len(WARM_UP_STEPS)
        until_s = (length_s if last else WARM_UP_STEPS[done + 1][0] * length_s) - moment.second
        aim = aim_of(moment) + WARM_UP_STEPS[done][1] - WARM_UP_STEPS[-1][1]
        best = self._best_level(people, aim, (until_s - 30, until_s), ACTS_AFTER_S, moment)
        setting = self.one_way(best, PhaseKind.WARM_UP)
        return self.changed(moment, setting, "warm_up")

    def correct_work(self, moment: GuidanceInput, people: SigmaPoints) -> tuple[Self, Advice | None]:
        """In an interval: another setting, where the rest of it gains enough by that."""
        left_s = moment.length_s - moment.second
        now = self.asked_now()
        treadmill = self._allowed(moment)
        if left_s < 30 or self.advised is None or self.corrections >= MOST_CORRECTIONS:  # noqa: PLR2004 - too late to show
            return self, None
        candidates = [one for one in treadmill.around(now) if one != now]
        if not candidates:
            return self, None
        times = _every(10.0, left_s)
        seconds = times + moment.second
        rates = self.rates_at(candidates, people, times, ACTS_AFTER_S, moment)
        worth = work_worth(rates, seconds, moment.length_s, people.hr_max_bpm, moment)
        best = int(np.argmax(worth[1:]))
        setting = candidates[best]
        gain = (worth[1 + best] - worth[0]) * min(1.0, left_s / (moment.length_s / 2))
        faster = setting.speed_kmh > now.speed_kmh
        needed = (FASTER_WORTH if faster else SLOWER_WORTH) * AGAIN_FACTOR**self.corrections
        needed *= STRANGER_FACTOR if self.sessions == 0 else 1.0
        if gain < needed or (faster and (moment.quiet or not moment.increase_allowed or self.may_be_near_max(moment))):
            return self, None
        guidance, advice = self.changed(moment, setting, "below_zone" if faster else "above_zone")
        return replace(guidance, work=setting), advice

    def may_be_near_max(self, moment: GuidanceInput) -> bool:
        """Return whether the rate may well be near true HRmax already: then it stands still, and no load mends that."""
        if moment.bpm is None:
            return True
        near = NEAR_MAX_FRACTION * self.bank.hr_max_bpm <= moment.bpm
        return self.bank.average(near.astype(float)) > NEAR_MAX_CHANCE

    def correct_rest(self, moment: GuidanceInput, people: SigmaPoints) -> tuple[Self, Advice | None]:
        """In a recovery, cool-down or steady phase: another setting, where the level is clearly missed."""
        left_s = float(moment.length_s - moment.second)
        aim, now = aim_of(moment), self.asked_now()
        candidates = [one for one in self.treadmill.around(now) if one != now]
        if not candidates:
            return self, None
        times = np.linspace(left_s / 2, left_s, 4)
        rates = self.rates_at(candidates, people, times, ACTS_AFTER_S, moment)
        worth = rest_worth(rates, times, people.hr_max_bpm, aim, 0.0)
        best = int(np.argmax(worth[1:]))
        setting = candidates[best]
        faster = setting.speed_kmh > now.speed_kmh
        if worth[1 + best] - worth[0] < REST_WORTH * AGAIN_FACTOR**self.corrections or (
            faster and not moment.increase_allowed
        ):
            return self, None
        return self.changed(moment, setting, "below_zone" if faster else "above_zone")

    def reminder(self, moment: GuidanceInput) -> Advice | None:
        """Return the phase's setting once more, where it was plainly not taken."""
        if (
            self.advised is None
            or self.reminders >= REMINDERS
            or moment.second - self.advised_s < REMIND_AFTER_S[self.reminders]
        ):
            return None
        if moment.speed_kmh is not None:
            missed = abs(moment.speed_kmh - self.advised.speed_kmh) > 0.3  # noqa: PLR2004 - half of the coarsest panel step
        elif len(self.settings) > 1:
            weights = branch_weights(self.bank, self.branches)
            unlike = abs(self.settings[FOLLOWED].speed_kmh - self.settings[IGNORED * WAYS].speed_kmh) > 0.5  # noqa: PLR2004
            missed = unlike and not self.follows(STILL) and bool(weights[IGNORED] > 0.8)  # noqa: PLR2004
        else:
            missed = False
        if not missed:
            return None
        # Said once more with the other reason, so that it is a new advice also to whoever only watches for changes.
        advice = self.advice_for(self.advised, PHASE_START if self.reason == REMINDER else REMINDER)
        return (
            None
            if asks_for_more_effort(advice, moment.speed_kmh, moment.incline_percent) and not moment.increase_allowed
            else advice
        )

    def changed(self, moment: GuidanceInput, setting: Setting, reason: str) -> tuple[Self, Advice | None]:
        """Return the advice of a new setting, where it is one and may be given."""
        guidance = replace(self, corrections=self.corrections + 1)
        advice = self.advice_for(setting, reason)
        if setting == self.setting_now() or (advice.direction is Direction.FASTER and not moment.increase_allowed):
            return guidance, None
        return guidance.set_out(moment, advice, 8), advice

    def setting_now(self) -> Setting:
        """Return the treadmill's setting now, as far as known."""
        if len(self.settings) == 1:
            return self.settings[0]
        return self.settings[int(np.argmax(way_weights(self.bank, self.branches)))]

    def asked_now(self) -> Setting:
        """Return the setting that advice is to change: the treadmill's, or what was asked last where it is not read."""
        return self.setting_now() if len(self.settings) == 1 or self.advised is None else self.advised

    # How this person follows, where no belt is read

    def settings_by_way(self) -> tuple[Setting, ...]:
        """Return the setting now by each way of following, in the likeliest branch; a change on its way has come."""
        settings = self.next_settings or self.settings
        if len(settings) == 1:
            return settings * WAYS
        best = int(np.argmax(branch_weights(self.bank, self.branches)))
        return settings[best * WAYS : (best + 1) * WAYS]

    def follows(self, way: int) -> bool:
        """Return whether one way of following is likelier than all others together."""
        return self.by_way and bool(way_weights(self.bank, self.branches)[:, way].sum() > 0.5)  # noqa: PLR2004

    def incline_for(self, moment: GuidanceInput) -> float:
        """Return the incline to ask for: none outside intervals where this person takes none anyway."""
        flat = moment.phase.kind is not PhaseKind.INTERVAL and self.follows(FLAT)
        return 0.0 if flat else self.incline_percent

    def as_asked(self, wanted: Setting) -> Setting:
        """Return the setting to ask for, so that this person gets `wanted`: twice the change where half is taken."""
        if not self.follows(HALF):
            return wanted
        now_kmh = self.settings_by_way()[HALF].speed_kmh
        asked_kmh = now_kmh + (wanted.speed_kmh - now_kmh) / HALF_SHARE
        return replace(wanted, speed_kmh=self.treadmill.rounded(asked_kmh))

    def rates_at(
        self, candidates: list[Setting], people: SigmaPoints, times: Array, acts_after_s: float, moment: GuidanceInput
    ) -> Array:
        """Return the rates foretold if nothing changes, and for each candidate: see `SigmaPoints.ahead`."""
        if not self.by_way:
            return people.ahead(loads_of(candidates), times, acts_after_s)
        was = self.settings_by_way()
        working = moment.phase.kind is PhaseKind.INTERVAL
        taken = [one for asked in candidates for one in settings_after(was, asked, working=working)]
        delay = np.full(WAYS, acts_after_s)
        delay[LATE] += LATE_S
        return people.ahead(loads_by_way(taken), times, delay)

    def one_way(self, setting: Setting, kind: PhaseKind) -> Setting:
        """Return the setting, or one like it whose speed goes the way of its load: to slow down to more is no help.

        A higher incline that would take a lower speed is left out. So is a lower one that would take a higher speed;
        to rest, it comes with a speed one step lower.
        """
        now = self.setting_now()
        harder = demand(setting.speed_kmh, setting.incline_percent) - demand(now.speed_kmh, now.incline_percent)
        if (
            now.speed_kmh <= 0
            or setting.incline_percent == now.incline_percent
            or (harder * (setting.speed_kmh - now.speed_kmh) > 0)
        ):
            return setting
        if harder <= 0 and kind not in (PhaseKind.RECOVERY, PhaseKind.COOL_DOWN):
            return now
        if harder <= 0:
            return replace(setting, speed_kmh=self.treadmill.rounded(now.speed_kmh - self.treadmill.step_kmh))
        base = demand(setting.speed_kmh, setting.incline_percent)
        level = replace(now, speed_kmh=self.treadmill.rounded(speed_for(base, now.incline_percent)))
        return level if level.speed_kmh <= max(now.speed_kmh, WALK_UP_TO_KMH) else setting

    def advice_for(self, setting: Setting, reason: str) -> Advice:
        """Return a setting as an advice, against the setting now."""
        now = self.setting_now()
        change_kmh = round(setting.speed_kmh - now.speed_kmh, 2)
        harder = demand(setting.speed_kmh, setting.incline_percent) - demand(now.speed_kmh, now.incline_percent)
        direction = Direction.HOLD if setting == now else Direction.FASTER if harder > 0 else Direction.SLOWER
        return Advice(direction, change_kmh, setting.speed_kmh, setting.incline_percent, reason)

    def set_out(self, moment: GuidanceInput, advice: Advice, after_s: int) -> Self:
        """Take in that an advice has been given: where no speed is known, the belief forks."""
        setting, reason = _setting(advice), advice.reason
        guidance = replace(self, advised=setting, advised_s=moment.second, reason=reason)
        if moment.speed_kmh is not None:
            return guidance
        was = self.settings_by_way()
        bank, best = merge_hypotheses(self.bank, self.branches)
        if not self.by_way:
            bank = relabelled(bank, WAY_SHARES)
        kept, off_sd_bpm = (OFF_KEEPS, OFF_SD_BPM) if moment.second == 0 else (1.0, OFF_LITTLE_SD_BPM)
        taken = settings_after(was, setting, working=moment.phase.kind is PhaseKind.INTERVAL)
        late = tuple(after_s + LATE_S if way == LATE else after_s for way in range(WAYS))
        here = slice(best * WAYS, (best + 1) * WAYS)
        return replace(
            guidance,
            bank=split_hypotheses(bank, off_sd_bpm, kept=kept),
            by_way=True,
            settings=(self.settings * WAYS if len(self.settings) == 1 else self.settings[here]) * 2,
            loads=tuple((one * WAYS if len(one) == 1 else one[here]) * 2 for one in self.loads),
            next_settings=(*taken, *was),
            switch_in_s=(*late, *late),
        )

    # What is foretold

    def predicted(self, moment: GuidanceInput, people: SigmaPoints) -> Prediction | None:
        """Rate at the phase's end and in its third minute, if the setting stays; None where none can be trusted."""
        if self.doubt is not None or moment.bpm is None:
            return None
        if moment.speed_kmh is None:
            return self.predicted_by_rate(moment)
        left_s = float(max(moment.length_s - moment.second, 1))
        interval = moment.phase.kind is PhaseKind.INTERVAL
        third_s = THIRD_MINUTE_MIDDLE_S - moment.second
        times = np.array([left_s, max(third_s, 0.0)])
        rates = people.ahead(np.zeros((0, len(GAITS), 2)), times, 0.0)[:, 0]
        sd = spread_sd_bpm(rates, times, self.roam_sd)
        end_bpm = float(rates[:, 0].mean())
        wide = QUANTILE_80 * float(sd[0])
        return Prediction(
            third_minute_bpm=round(float(rates[:, 1].mean()), 1) if interval and third_s > 0 else None,
            end_bpm=round(end_bpm, 1),
            end_low_bpm=round(end_bpm - wide, 1),
            end_high_bpm=round(end_bpm + wide, 1),
        )

    def predicted_by_rate(self, moment: GuidanceInput) -> Prediction | None:
        """Return what the rate alone foretells of an interval; of other phases it foretells nothing."""
        end = self.end_rate.foretell(float(moment.length_s))
        third = self.end_rate.foretell(THIRD_MINUTE_MIDDLE_S)
        if end is None or third is None or moment.phase.kind is not PhaseKind.INTERVAL:
            return None
        end_bpm, wide = end[0], QUANTILE_80 * end[1]
        return Prediction(
            third_minute_bpm=round(third[0], 1) if moment.second < THIRD_MINUTE_MIDDLE_S else None,
            end_bpm=round(end_bpm, 1),
            end_low_bpm=round(end_bpm - wide, 1),
            end_high_bpm=round(end_bpm + wide, 1),
        )


def _every(step_s: float, until_s: float) -> Array:
    """Return the times of a forecast: every step up to the end, or the end alone where it comes before a step."""
    times: Array = np.arange(step_s, until_s + 1, step_s)
    return times if len(times) else np.array([max(float(until_s), 1.0)])


def _setting(advice: Advice) -> Setting:
    return Setting(advice.speed_kmh or 0.0, advice.incline_percent or 0.0)


def learned_guidance(plan: Plan) -> LearnedGuidance:
    """Return the guidance at a session's start: the plan's start load, and what earlier sessions learned."""
    response = read_response(plan.response)
    person = None if response is None else person_of(response)
    start = plan.start
    incline = start.incline_percent if start else response.work.incline_percent if response and response.work else 5.0
    bank = first_bank(plan, start, person)
    borgs = () if response is None else response.borgs
    return LearnedGuidance(
        plan=plan,
        treadmill=SpeedRange(plan.speed_step_kmh, plan.max_speed_kmh, plan.floor_kmh),
        incline_percent=incline,
        work=None if response is None or response.work is None else Setting(*astuple(response.work)),
        bank=bank,
        by_way=person is not None and person.by_way,
        person=person,
        sessions=0 if response is None else response.sessions,
        borgs=borgs,
        finding=judged(bank, plan, borgs, None),
        expected=expectation(as_labelled(bank, plan)),
    )
