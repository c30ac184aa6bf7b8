"""The guidance that learns: a model of this person's heart, a forecast from it, and the setting that the forecast finds best.

Theory of operation. Every second is noted; every fifth one the belief (`coach.heart_model`) moves on and meets the mean
rate of those seconds. At each phase's start the belief is drawn out into possible people (`coach.forecast`), candidates are
scored on them (`coach.advice_policy`), and the best setting is advised. Later in the phase it is advised anew only when the
forecast gains clearly by it. Without a known speed the belief forks at each advice (`coach.fork`).
"""

from typing import Any, Self

import numpy as np
from msgspec import Struct
from msgspec.structs import astuple, replace

from coach import effort
from coach.advice_policy import (
    Setting,
    Treadmill,
    aim_of,
    loads_of,
    middle_setting,
    rest_worth,
    work_worth,
    zone_fractions,
)
from coach.events import Advice, Direction, HrMaxFinding, Signal
from coach.forecast import Cloud, cloud, spread_sd_bpm
from coach.fork import FOLLOWED, IGNORED, branch_weights, forked, merged
from coach.guidance import EASE_FROM_S, PHASE_START, REMINDER, Moment, urges
from coach.heart_model import DRIFT, DRIFT_PER_INTERVAL_BPM, DRIFT_PER_INTERVAL_SD_BPM, FAST, GAIN, SLOW, STEP_S, Bank
from coach.heart_prior import Person, first_bank, met_today
from coach.hr_max_finding import estimate, judged, sailed_above
from coach.plan import Load, Plan
from coach.protocol import PhaseKind
from coach.response import Response, as_json, kinds_of, person_of, read_response
from coach.snapshot import Prediction
from coach.treadmill_load import GAITS, demand, demands

WEAK_SD_BPM = 4.0
ACTS_AFTER_S, SETS_AFTER_S = 8.0, 3.0
"""An advice is acted on after 3–15 s (training.md); at a phase's start the hand is on the panel."""
HANDRAIL_SD = 0.05
"""From the second interval some hold the handrail (gain − 20 %), some let go again."""
PAUSED_SD_BPM = 15.0
WARM_UP_STEPS = ((0.0, 0.61), (0.35, 0.66), (0.68, 0.70))
"""The warm-up climbs in three steps, (share of its length, fraction of HRmax): each shows a little more of the person."""
KEEP_WORTH = 0.04
"""The same load serves all intervals unless another is expected to be worth this much more."""
FASTER_WORTH, SLOWER_WORTH, AGAIN_FACTOR = 0.12, 0.10, 2.0
STRANGER_FACTOR = 0.6
"""Within a phase an advice must be worth this much of it; each further one twice as much; less so in a first session."""
MOST_CORRECTIONS = 3
REST_WORTH = 0.5
MOST_WORK_SHARE, MOST_WORK_SHARE_UNKNOWN, MOST_REST_SHARE = 1.8, 1.4, 0.90
"""The most load that is asked, as a share of the highest work load known (the plan's, or the last interval's)."""
UNKNOWN_MOST_DEMAND = 25.0
"""Where no work load is known: brisk walking uphill, ml/kg/min above standing."""
REMIND_AFTER_S, REMINDERS = (20, 50), 2
RESTING_LOOKS_S = 15
"""Outside intervals nothing is so urgent that the forecast must be made anew every five seconds."""
UNKNOWN_ROAM_SD = 0.005
"""Log gain per step: somebody whose treadmill is not known may change it a little at any time."""
LATE_CHANGE_S, LATE_CHANGE_SD_BPM = 25, 10.0
"""Nobody knows to the second when the treadmill was set."""
MISFIT_KEEPS = 0.9
MISFIT_WARMING_UP, MISFIT_LATER = 10.0, 15.0
"""Misses in one direction add up. Clean rates reach 4–7 in the warm-up and 5–10 later, a drying strap 9–29 (docs/guidance.md)."""
DOUBTED_SHARE, DOUBTED_FOR_S = 0.75, 60.0
"""From this share of the limit nothing is urged; at the limit, nor for a minute after, and the warm-up is unlearned."""
FORGOTTEN_SD_BPM = 25.0
ODD_SD, ODD_LOOSENS = 2.5, 2
UNKNOWN_ODD_SD, UNKNOWN_ODD_BPM = 0.15, 6.0
"""A rate that keeps surprising, where the speed is unknown, is a load of the person's own: then the load is learned anew."""
MOST_BORGS = 24
QUANTILE_80 = 1.2816


class LearnedGuidance(Struct, frozen=True, kw_only=True):
    """The guidance with all that it remembers."""

    plan: Plan
    treadmill: Treadmill
    incline_percent: float
    bank: Bank
    person: Person | None
    sessions: int
    settings: tuple[Setting, ...] = (Setting(0.0, 0.0),)
    next_settings: tuple[Setting, ...] | None = None
    switch_in_s: int = 0
    slot_s: int = 0
    loads: tuple[tuple[Setting, ...], ...] = ()
    reading_sum_bpm: float = 0.0
    readings: int = 0
    weak: bool = False
    t: float | None = None
    recent_bpm: tuple[float, ...] = ()
    odd: int = 0
    misfit: float = 0.0
    work: Setting | None = None
    advised: Setting | None = None
    advised_s: int = 0
    corrections: int = 0
    reminders: int = 0
    reason: str = ""
    pending: Advice | None = None
    phase: PhaseKind | None = None
    phase_s: int = 0
    worked_bpm: float | None = None
    borgs: tuple[tuple[float, int], ...] = ()
    prediction: Prediction | None = None
    finding: HrMaxFinding | None = None
    doubted_until_t: float | None = None

    @property
    def response(self) -> Any:  # noqa: ANN401 - any JSON value, see `coach.guidance.Guidance`
        """What was learned, for the next plan."""
        bank = merged(self.bank, len(self.settings))[0]
        person = met_today(self.person, bank, self.plan)
        return as_json(
            Response(
                sessions=self.sessions + 1,
                kinds=kinds_of(person),
                hr_max_bpm=tuple(round(float(x), 2) for x in person.hr_max_bpm),
                evidence=tuple(round(float(x), 4) for x in person.evidence),
                work=None if self.work is None else Load(self.work.speed_kmh, self.work.incline_percent),
                hr_max=estimate(bank, self.plan),
                borgs=self.borgs,
            )
        )

    @property
    def doubt(self) -> str | None:
        """Why the rate does not fit what a heart would do at this load."""
        misfits = len(self.settings) == 1 and abs(self.misfit) > DOUBTED_SHARE * self._misfit_limit
        return "model_disagrees" if misfits or self.doubted_until_t is not None else None

    @property
    def _misfit_limit(self) -> float:
        return MISFIT_WARMING_UP if self.phase is PhaseKind.WARM_UP else MISFIT_LATER

    @property
    def _roam_sd(self) -> float:
        """How the effort may roam: not at all at a known speed."""
        return UNKNOWN_ROAM_SD if len(self.settings) > 1 else 0.0

    def second(self, moment: Moment) -> tuple[Self, Advice | None]:
        """See `coach.guidance.Guidance.second`."""
        guidance = self._observed(moment)
        if moment.borg is not None:
            guidance = guidance._heard(moment.borg)
        if moment.second == 0:
            return guidance._phase_start(moment)
        if guidance.pending is not None and moment.may_urge:
            advice = guidance.pending
            return replace(guidance, pending=None)._set_out(moment, advice, 5), advice
        busy = moment.phase.kind is PhaseKind.INTERVAL and moment.second >= EASE_FROM_S
        every_s = STEP_S if busy else RESTING_LOOKS_S
        if moment.second % every_s or moment.phase.pattern is not None:
            return guidance, None
        return guidance._looked_ahead(moment)

    # What is seen

    def _observed(self, moment: Moment) -> Self:
        """This second noted; at every fifth the belief moves on."""
        guidance = self
        if self.t is not None and moment.t - self.t > 1.5:  # noqa: PLR2004 - seconds come one by one, but for a pause
            guidance = replace(self, bank=self.bank.loosened(SLOW, PAUSED_SD_BPM))
        guidance = guidance._treadmill_now(moment)
        bpm = moment.bpm if moment.signal in (Signal.LIVE, Signal.WEAK) else None
        guidance = replace(
            guidance,
            t=moment.t,
            slot_s=guidance.slot_s + 1,
            loads=(*guidance.loads, guidance.settings),
            reading_sum_bpm=guidance.reading_sum_bpm + (bpm or 0.0),
            readings=guidance.readings + (bpm is not None),
            weak=guidance.weak or moment.signal is Signal.WEAK,
            phase_s=moment.second,
        )
        return guidance._slot_closed() if guidance.slot_s == STEP_S else guidance

    def _treadmill_now(self, moment: Moment) -> Self:
        """The treadmill's setting, measured; or what is supposed of it."""
        if moment.speed_kmh is not None:
            known = Setting(moment.speed_kmh, moment.incline_percent or 0.0)
            if len(self.settings) > 1:
                bank, best = merged(self.bank, len(self.settings))
                seen = tuple((one[best],) for one in self.loads)
                return replace(self, bank=bank, settings=(known,), loads=seen, next_settings=None)
            return self if self.settings[0] == known else replace(self, settings=(known,))
        if self.next_settings is None:
            return self
        if self.switch_in_s > 0:
            return replace(self, switch_in_s=self.switch_in_s - 1)
        return replace(self, settings=self.next_settings, next_settings=None)

    def _slot_closed(self) -> Self:
        """Five seconds have passed: the belief moves on, and meets what was read."""
        first = self.loads[0]
        if all(one == first for one in self.loads):
            load = np.array([demands(one.speed_kmh, one.incline_percent) for one in first])
        else:
            each = [[demands(one.speed_kmh, one.incline_percent) for one in second] for second in self.loads]
            load = np.array(each).mean(axis=0)
        unknown = len(self.settings) > 1
        bank = self.bank.advanced(load, self._roam_sd)
        if unknown and self.phase_s <= LATE_CHANGE_S:
            bank = bank.loosened(FAST, LATE_CHANGE_SD_BPM)
        recent, odd, misfit = self.recent_bpm, self.odd, self.misfit
        doubted_until_t = self.doubted_until_t
        if doubted_until_t is not None and self.t is not None and self.t > doubted_until_t:
            doubted_until_t = None
        if self.readings:
            bpm = self.reading_sum_bpm / self.readings
            bank, surprise = bank.corrected(bpm, WEAK_SD_BPM) if self.weak else bank.corrected(bpm)
            recent = (*recent, bpm)[-12:]
            misfit = MISFIT_KEEPS * misfit + surprise
            odd = odd + 1 if abs(surprise) >= ODD_SD else 0
            if not unknown and abs(misfit) > self._misfit_limit:
                doubted_until_t = (self.t or 0.0) + DOUBTED_FOR_S
                misfit /= 2
                if self.phase is PhaseKind.WARM_UP:
                    bank = self._forgotten(bank)
            if unknown and odd >= ODD_LOOSENS:
                bank = bank.loosened(GAIN, UNKNOWN_ODD_SD).loosened(SLOW, UNKNOWN_ODD_BPM)
        return replace(
            self,
            bank=bank,
            recent_bpm=recent,
            finding=self.finding or (sailed_above(recent, self.plan) if odd == 0 and not self.weak else None),
            odd=odd,
            misfit=misfit,
            doubted_until_t=doubted_until_t,
            slot_s=0,
            loads=(),
            reading_sum_bpm=0.0,
            readings=0,
            weak=False,
        )

    def _forgotten(self, bank: Bank) -> Bank:
        """Today's warm-up unlearned: a dry strap that becomes wet leaves only what was known before, and where the rate is."""
        fresh = first_bank(self.plan, self.plan.start, self.person)
        return replace(fresh, inputs=bank.inputs).loosened(SLOW, FORGOTTEN_SD_BPM).loosened(FAST, FORGOTTEN_SD_BPM / 2)

    def _heard(self, borg: int) -> Self:
        """Perceived exertion tells on true HRmax."""
        rate_bpm = self.worked_bpm
        if self.phase is PhaseKind.INTERVAL and self.recent_bpm:
            rate_bpm = float(np.mean(self.recent_bpm))
        if rate_bpm is None:
            return self
        bank = self.bank.weighed(effort.log_likelihood(borg, rate_bpm, self.bank.hr_max_bpm))
        borgs = (*self.borgs, (round(rate_bpm, 1), borg))[-MOST_BORGS:]
        return replace(self, bank=bank, borgs=borgs, finding=judged(bank, self.plan, borgs, self.finding))

    # What is advised

    def _phase_start(self, moment: Moment) -> tuple[Self, Advice | None]:
        """The setting for a phase; an urging one waits until it may be given."""
        kind = moment.phase.kind
        bank, worked_bpm = self.bank, self.worked_bpm
        if self.phase is PhaseKind.INTERVAL:
            worked_bpm = float(np.mean(self.recent_bpm)) if self.recent_bpm else None
            if self.phase_s >= 60:  # noqa: PLR2004 - a bout of a minute or more tires
                bank = bank.shifted(DRIFT, DRIFT_PER_INTERVAL_BPM, DRIFT_PER_INTERVAL_SD_BPM)
        if kind is PhaseKind.INTERVAL and moment.phase.interval > 1:
            bank = bank.loosened(GAIN, HANDRAIL_SD)
        guidance = replace(
            self,
            bank=bank,
            treadmill=self._allowed(moment),
            worked_bpm=worked_bpm,
            phase=kind,
            phase_s=0,
            pending=None,
            corrections=0,
            reminders=0,
        )
        setting = guidance._best_for_phase(moment, cloud(bank))
        if kind is PhaseKind.INTERVAL:
            guidance = replace(guidance, work=setting)
        advice = guidance._advice(setting, PHASE_START)
        if urges(advice, moment.speed_kmh, moment.incline_percent) and not moment.may_urge:
            return replace(guidance, pending=advice), advice
        return guidance._set_out(moment, advice, 2), advice

    def _allowed(self, moment: Moment) -> Treadmill:
        """The treadmill with the most that may be asked in this phase: a belief may be wrong, so it goes up by stages."""
        start = self.plan.start
        known = [demand(one.speed_kmh, one.incline_percent) for one in (start, self.work) if one is not None]
        usual = max(known, default=UNKNOWN_MOST_DEMAND)
        if moment.phase.kind is PhaseKind.INTERVAL:
            share = MOST_WORK_SHARE if moment.speed_kmh is not None else MOST_WORK_SHARE_UNKNOWN
        else:
            share = MOST_REST_SHARE
        return replace(self.treadmill, most_demand=usual * share)

    def _best_for_phase(self, moment: Moment, people: Cloud) -> Setting:
        kind, length_s = moment.phase.kind, moment.length_s
        if kind is PhaseKind.INTERVAL:
            low, high = zone_fractions(moment)
            middle = middle_setting(people, (low + high) / 2, self.treadmill, self.incline_percent)
            times = np.arange(20.0, length_s + 1, 20.0)
            candidates = self.treadmill.around(middle)
            kept = self.work if self.work is not None and moment.phase.interval > 1 else None
            if kept is not None and kept not in candidates:
                candidates.append(kept)
            rates = people.ahead(loads_of(candidates), times, SETS_AFTER_S)[:, 1:]
            worth = work_worth(rates, times, length_s, people.hr_max_bpm, moment)
            best = int(np.argmax(worth))
            if kept is not None and worth[best] < worth[candidates.index(kept)] + KEEP_WORTH:
                return kept
            return candidates[best]
        aim, until_s, from_s = aim_of(moment), float(length_s), 80.0
        if kind is PhaseKind.WARM_UP:
            aim, until_s = aim + WARM_UP_STEPS[0][1] - WARM_UP_STEPS[-1][1], WARM_UP_STEPS[1][0] * length_s
            from_s = until_s - 40
        elif kind is not PhaseKind.RECOVERY:
            from_s = length_s / 2
        return self._best_level(people, aim, until_s, from_s, SETS_AFTER_S)

    def _best_level(self, people: Cloud, aim: float, until_s: float, from_s: float, acts_after_s: float) -> Setting:
        """The setting that brings the rate nearest to a level between `from_s` and `until_s` from now."""
        middle = middle_setting(people, aim, self.treadmill, self.incline_percent)
        candidates = self.treadmill.around(middle)
        times = np.linspace(min(from_s, until_s), until_s, 5)
        rates = people.ahead(loads_of(candidates), times, acts_after_s)[:, 1:]
        return candidates[int(np.argmax(rest_worth(rates, times, people.hr_max_bpm, aim, from_s)))]

    def _looked_ahead(self, moment: Moment) -> tuple[Self, Advice | None]:
        """The forecast anew, and an advice where it gains clearly by one."""
        people = cloud(self.bank)
        guidance = replace(self, prediction=self._predicted(moment, people))
        kind, second = moment.phase.kind, moment.second
        reminder = guidance._reminder(moment)
        if reminder is not None:
            return replace(guidance, reminders=self.reminders + 1)._set_out(moment, reminder, 5), reminder
        if moment.bpm is None:
            return guidance, None
        if kind is PhaseKind.WARM_UP:
            return guidance._climb(moment, people)
        if moment.quiet and (moment.quiet_slower or kind is not PhaseKind.INTERVAL):
            return guidance, None
        if kind is PhaseKind.INTERVAL:
            return guidance._correct_work(moment, people)
        if second - self.advised_s >= 60 and moment.length_s - second >= 40:  # noqa: PLR2004 - an advice shows after a minute
            return guidance._correct_rest(moment, people)
        return guidance, None

    def _climb(self, moment: Moment, people: Cloud) -> tuple[Self, Advice | None]:
        """The warm-up's next step, once its time has come."""
        done = self.corrections + 1
        if done >= len(WARM_UP_STEPS) or moment.quiet:
            return self, None
        length_s = moment.length_s
        if moment.second < WARM_UP_STEPS[done][0] * length_s:
            return self, None
        last = done + 1 == len(WARM_UP_STEPS)
        until_s = (length_s if last else WARM_UP_STEPS[done + 1][0] * length_s) - moment.second
        aim = aim_of(moment) + WARM_UP_STEPS[done][1] - WARM_UP_STEPS[-1][1]
        setting = self._best_level(people, aim, until_s, until_s - 30, ACTS_AFTER_S)
        return self._change(moment, setting, "warm_up")

    def _correct_work(self, moment: Moment, people: Cloud) -> tuple[Self, Advice | None]:
        left_s = moment.length_s - moment.second
        now = self._now()
        if left_s < 30 or self.advised is None or self.corrections >= MOST_CORRECTIONS:  # noqa: PLR2004 - too late to show
            return self, None
        candidates = [one for one in self.treadmill.around(now) if one != now]
        times = np.arange(10.0, left_s + 1, 10.0)
        seconds = times + moment.second
        rates = people.ahead(loads_of(candidates), times, ACTS_AFTER_S)
        worth = work_worth(rates, seconds, moment.length_s, people.hr_max_bpm, moment)
        best = int(np.argmax(worth[1:]))
        setting = candidates[best]
        gain = (worth[1 + best] - worth[0]) * min(1.0, left_s / (moment.length_s / 2))
        faster = setting.speed_kmh > now.speed_kmh
        needed = (FASTER_WORTH if faster else SLOWER_WORTH) * AGAIN_FACTOR**self.corrections
        needed *= STRANGER_FACTOR if self.sessions == 0 else 1.0
        if gain < needed or (faster and (moment.quiet or not moment.may_urge)):
            return self, None
        guidance, advice = self._change(moment, setting, "below_zone" if faster else "above_zone")
        return replace(guidance, work=setting), advice

    def _correct_rest(self, moment: Moment, people: Cloud) -> tuple[Self, Advice | None]:
        left_s = float(moment.length_s - moment.second)
        aim, now = aim_of(moment), self._now()
        candidates = [one for one in self.treadmill.around(now) if one != now]
        if not candidates:
            return self, None
        times = np.linspace(left_s / 2, left_s, 4)
        rates = people.ahead(loads_of(candidates), times, ACTS_AFTER_S)
        worth = rest_worth(rates, times, people.hr_max_bpm, aim, 0.0)
        best = int(np.argmax(worth[1:]))
        setting = candidates[best]
        faster = setting.speed_kmh > now.speed_kmh
        if worth[1 + best] - worth[0] < REST_WORTH * AGAIN_FACTOR**self.corrections or (faster and not moment.may_urge):
            return self, None
        return self._change(moment, setting, "below_zone" if faster else "above_zone")

    def _reminder(self, moment: Moment) -> Advice | None:
        """The phase's setting once more, where it was plainly not taken."""
        if self.advised is None or self.reminders >= REMINDERS or moment.second - self.advised_s < REMIND_AFTER_S[self.reminders]:
            return None
        if moment.speed_kmh is not None:
            missed = abs(moment.speed_kmh - self.advised.speed_kmh) > 0.3  # noqa: PLR2004 - half of the coarsest panel step
        elif len(self.settings) > 1:
            weights = branch_weights(self.bank, len(self.settings))
            unlike = abs(self.settings[FOLLOWED].speed_kmh - self.settings[IGNORED].speed_kmh) > 0.5  # noqa: PLR2004
            missed = unlike and bool(weights[IGNORED] > 0.8)  # noqa: PLR2004
        else:
            missed = False
        if not missed:
            return None
        # Said once more with the other reason, so that it is a new advice also to whoever only watches for changes.
        advice = self._advice(self.advised, PHASE_START if self.reason == REMINDER else REMINDER)
        return None if urges(advice, moment.speed_kmh, moment.incline_percent) and not moment.may_urge else advice

    def _change(self, moment: Moment, setting: Setting, reason: str) -> tuple[Self, Advice | None]:
        guidance = replace(self, corrections=self.corrections + 1)
        advice = self._advice(setting, reason)
        if setting == self._now() or (advice.direction is Direction.FASTER and not moment.may_urge):
            return guidance, None
        return guidance._set_out(moment, advice, 8), advice

    def _now(self) -> Setting:
        """The treadmill's setting now, as far as known."""
        if len(self.settings) == 1:
            return self.settings[0]
        return self.settings[int(np.argmax(branch_weights(self.bank, len(self.settings))[:2]))]

    def _advice(self, setting: Setting, reason: str) -> Advice:
        now = self._now()
        change_kmh = round(setting.speed_kmh - now.speed_kmh, 2)
        harder = demand(setting.speed_kmh, setting.incline_percent) - demand(now.speed_kmh, now.incline_percent)
        direction = Direction.HOLD if setting == now else Direction.FASTER if harder > 0 else Direction.SLOWER
        return Advice(direction, change_kmh, setting.speed_kmh, setting.incline_percent, reason)

    def _set_out(self, moment: Moment, advice: Advice, after_s: int) -> Self:
        """An advice has been given: where no speed is known, the belief forks."""
        setting, reason = _setting(advice), advice.reason
        guidance = replace(self, advised=setting, advised_s=moment.second, reason=reason)
        if moment.speed_kmh is not None:
            return guidance
        bank, best = merged(self.bank, len(self.settings)) if len(self.settings) > 1 else (self.bank, 0)
        was = self.settings[best]
        if self.next_settings is not None:
            was = self.next_settings[0]
        return replace(
            guidance,
            bank=forked(bank),
            settings=(was, was, was),
            loads=tuple((one[best],) * 3 for one in self.loads),
            next_settings=(setting, was, setting),
            switch_in_s=after_s,
        )

    # What is foretold

    def _predicted(self, moment: Moment, people: Cloud) -> Prediction:
        """Rate at the phase's end and in its third minute, if the setting stays."""
        left_s = float(max(moment.length_s - moment.second, 1))
        interval = moment.phase.kind is PhaseKind.INTERVAL
        third_s = 150.0 - moment.second
        times = np.array([left_s, max(third_s, 0.0)])
        rates = people.ahead(np.zeros((0, len(GAITS), 2)), times, 0.0)[:, 0]
        sd = spread_sd_bpm(rates, times, self._roam_sd)
        end_bpm = float(rates[:, 0].mean())
        wide = QUANTILE_80 * float(sd[0])
        return Prediction(
            third_minute_bpm=round(float(rates[:, 1].mean()), 1) if interval and third_s > 0 else None,
            end_bpm=round(end_bpm, 1),
            end_low_bpm=round(end_bpm - wide, 1),
            end_high_bpm=round(end_bpm + wide, 1),
        )


def _setting(advice: Advice) -> Setting:
    return Setting(advice.speed_kmh or 0.0, advice.incline_percent or 0.0)


def learned_guidance(plan: Plan) -> LearnedGuidance:
    """The guidance at a session's start: the plan's start load, and what earlier sessions learned."""
    response = read_response(plan.response)
    person = None if response is None else person_of(response)
    start = plan.start
    incline = start.incline_percent if start else response.work.incline_percent if response and response.work else 5.0
    bank = first_bank(plan, start, person)
    borgs = () if response is None else response.borgs
    return LearnedGuidance(
        plan=plan,
        treadmill=Treadmill(plan.speed_step_kmh, plan.max_speed_kmh),
        incline_percent=incline,
        work=None if response is None or response.work is None else Setting(*astuple(response.work)),
        bank=bank,
        person=person,
        sessions=0 if response is None else response.sessions,
        borgs=borgs,
        finding=judged(bank, plan, borgs, None),
    )
