"""What a session's guidance knows: every fifth second the belief moves on and meets what was read.

Two doubts live here. Where misses of the forecast add up in one direction at a known load, the rate isn't the heart's:
nothing is urged then, and a warm-up that was learned from a drying strap is unlearned. Where the load itself is not
known, a rate that keeps surprising is a load of the person's own.
"""

from typing import Self

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from coach.guidance import perceived_exertion
from coach.guidance.advice_policy import Setting
from coach.guidance.end_rate import EndRateForecast
from coach.guidance.first_reading_check import PriorPrediction, RateFall, RateRise
from coach.guidance.heart_model import (
    DRIFT,
    DRIFT_PER_INTERVAL_BPM,
    DRIFT_PER_INTERVAL_SD_BPM,
    FAST,
    GAIN,
    SLOW,
    STEP_S,
    Array,
    FilterBank,
)
from coach.guidance.hr_max_finding import judged, sailed_above
from coach.guidance.interface import GuidanceInput
from coach.guidance.priors import GAIT_SHARES, GuidedPerson, first_bank
from coach.guidance.treadmill_load import GRADUAL, demands
from coach.guidance.unknown_load import WAYS, loads_by_way, merge_hypotheses, relabelled, way_weights
from coach.model.events import HrMaxFinding, Signal
from coach.model.plan import Plan
from coach.model.protocol import PhaseKind

WEAK_SD_BPM = 4.0
PAUSED_SD_BPM = 15.0
UNKNOWN_ROAM_SD = 0.003
"""Log gain per step: somebody whose treadmill is not known may change it a little at any time."""
LATE_CHANGE_S, LATE_CHANGE_SD_BPM = 25, 10.0
"""Nobody knows to the second when the treadmill was set."""
MISFIT_KEEPS = 0.9
MISFIT_WARMING_UP, MISFIT_LATER = 12.0, 15.0
"""Misses in one direction add up. Clean rates reach 4–7 in the warm-up and 5–10 later, a drying strap 9–29
(docs/guidance.md)."""
DOUBTED_SHARE, DOUBTED_FOR_S = 0.75, 60.0
"""From this share of the limit nothing is urged; at the limit, nor for a minute after, and the warm-up is unlearned."""
FORGOTTEN_SD_BPM = 25.0
UNLEARNED_SD_BPM = 8.0
"""Where a treadmill's speed turns out false, the rate was still the heart's: less is forgotten than of a dry strap."""
LEAP_BPM, LEAP_DOUBTED_S, SETTLED_S = 20.0, 120.0, 60.0
CALM_BPM, CALM_S = 8.0, 12
"""A heart does not leap 20 bpm from a forecast five seconds old. Near it again for 12 s, it is believed."""
RISING = (PhaseKind.WARM_UP, PhaseKind.INTERVAL)
"""Phases in which no heart's rate falls by itself."""
ODD_SD, ODD_LOOSENS = 2.5, 2
UNKNOWN_ODD_OFF_BPM, UNKNOWN_ODD_BPM = 12.0, 6.0
"""A rate that keeps surprising, where the speed is unknown, is a load of the person's own: then the load is learned
anew."""
PROVEN_AFTER_S = 720
"""A strap may be dry for 15 min (training.md). From two thirds of that on, what is left of the error shows itself: it
fades by 8 bpm a minute or more where 10 bpm are left."""
MOST_BORGS = 24
TIRING_S = 60
"""A bout of a minute or more tires: the next equal load costs some beats more (training.md «drift»)."""
HANDRAIL_SD = 0.05
"""From the second interval some hold the handrail (gain − 20 %), some let go again."""


class BeliefState(Struct, frozen=True, kw_only=True):
    """The belief and what it was made from.

    `settings`: the treadmill's, known, or one for each branch and way of following.

    `measured`: treadmill or participant told them. `by_way`: the bank's gaits are ways of following (`unknown_load`).
    `next_settings`: what each becomes, in `switch_in_s` seconds.

    `odd` and `misfit`: readings in a row that surprised, and their running sum; `borgs`: (rate, Borg) heard so far.
    `foretold_bpm`: the rate by the belief of the last whole slot.
    """

    plan: Plan
    bank: FilterBank
    person: GuidedPerson | None
    settings: tuple[Setting, ...] = (Setting(0.0, 0.0),)
    measured: bool = False
    by_way: bool = False
    next_settings: tuple[Setting, ...] = ()
    switch_in_s: tuple[int, ...] = ()
    slot_s: int = 0
    loads: tuple[tuple[Setting, ...], ...] = ()
    reading_sum_bpm: float = 0.0
    readings: int = 0
    weak: bool = False
    t: float | None = None
    recent_bpm: tuple[float, ...] = ()
    odd: int = 0
    misfit: float = 0.0
    phase: PhaseKind | None = None
    phase_s: int = 0
    worked_bpm: float | None = None
    borgs: tuple[tuple[float, int], ...] = ()
    finding: HrMaxFinding | None = None
    doubted_until_t: float | None = None
    jumped_until_t: float | None = None
    calm: int = 0
    expected: PriorPrediction | None = None
    fall: RateFall = RateFall()
    rise: RateRise | None = RateRise()
    foretold_bpm: float | None = None
    heard_s: int = 0
    end_rate: EndRateForecast = EndRateForecast()

    @property
    def proven(self) -> bool:
        """Whether the rate has been heard for so long that more may be asked than the plan does."""
        return self.heard_s >= PROVEN_AFTER_S

    @property
    def doubt(self) -> str | None:
        """Why the rate does not fit what a heart would do at this load."""
        misfits = len(self.settings) == 1 and abs(self.misfit) > DOUBTED_SHARE * self._misfit_limit
        doubted = misfits or self.doubted_until_t is not None or self.jumped_until_t is not None or self._reads_dry
        return "model_disagrees" if doubted else None

    @property
    def _reads_dry(self) -> bool:
        """Whether the rate may be a dry strap's, by what was expected before it or by its fall."""
        if not self.recent_bpm:
            return False
        bpm, expected = self.recent_bpm[-1], self.expected
        becomes_wet = self.fall.doubts(bpm) or (self.rise is not None and self.rise.doubts)
        return becomes_wet or (expected is not None and expected.reads_low(bpm))

    @property
    def branches(self) -> int:
        """Return how many branches the belief is in: one, or one more for an advice that may have been left out."""
        return max(1, len(self.settings) // WAYS)

    @property
    def _misfit_limit(self) -> float:
        return MISFIT_WARMING_UP if self.phase is PhaseKind.WARM_UP else MISFIT_LATER

    @property
    def roam_sd(self) -> float:
        """How the effort may roam: not at all at a known speed."""
        return UNKNOWN_ROAM_SD if len(self.settings) > 1 else 0.0

    def with_observation(self, moment: GuidanceInput) -> Self:
        """Note a second; at every fifth the belief moves on."""
        guidance: Self = self
        if self.t is not None and moment.t - self.t > 1.5:  # noqa: PLR2004 - seconds come one by one, but for a pause
            guidance = replace(self, bank=self.bank.inflate_covariance(SLOW, PAUSED_SD_BPM))
        guidance = guidance.treadmill_now(moment)
        if moment.bpm is not None:
            miss_bpm = 0.0 if guidance.foretold_bpm is None else moment.bpm - guidance.foretold_bpm
            jumped_until_t, calm = guidance.leapt(moment.t, miss_bpm)
            guidance = replace(guidance, jumped_until_t=jumped_until_t, calm=calm)
        bpm = moment.bpm if moment.signal in (Signal.LIVE, Signal.WEAK) else None
        guidance = replace(
            guidance,
            t=moment.t,
            slot_s=guidance.slot_s + 1,
            loads=(*guidance.loads, guidance.settings),
            reading_sum_bpm=guidance.reading_sum_bpm + (bpm or 0.0),
            readings=guidance.readings + (bpm is not None),
            heard_s=guidance.heard_s + (bpm is not None),
            weak=guidance.weak or moment.signal is Signal.WEAK,
            phase_s=moment.second or guidance.phase_s,
        )
        return guidance.slot_closed() if guidance.slot_s == STEP_S else guidance

    def treadmill_now(self, moment: GuidanceInput) -> Self:
        """Return the treadmill's setting, measured; or what is supposed of it."""
        if moment.speed_kmh is not None:
            known = Setting(moment.speed_kmh, moment.incline_percent or 0.0)
            bank, seen = self.bank, self.loads
            if len(self.settings) > 1:
                best = int(np.argmax(way_weights(bank, self.branches)))
                bank = merge_hypotheses(bank, self.branches)[0]
                seen = tuple((one[best],) for one in self.loads)
            if self.by_way:
                bank = relabelled(bank, GAIT_SHARES)
            return replace(
                self, bank=bank, settings=(known,), loads=seen, next_settings=(), measured=True, by_way=False
            )
        if self.measured:
            # What was measured is not believed any more: what was asked for is supposed, and what was learned from it
            # is unlearned.
            supposed = Setting(moment.asked_kmh or self.settings[0].speed_kmh, moment.incline_percent or 0.0)
            fresh = replace(first_bank(self.plan, self.plan.start, self.person), inputs=self.bank.inputs)
            return replace(
                self,
                bank=fresh.inflate_covariance(SLOW, UNLEARNED_SD_BPM),
                settings=(supposed,),
                measured=False,
                by_way=self.person is not None and self.person.by_way,
            )
        if not self.next_settings or max(self.switch_in_s) < 0:
            return self
        settings = tuple(
            after if in_s <= 0 else now
            for now, after, in_s in zip(self.settings, self.next_settings, self.switch_in_s, strict=True)
        )
        return replace(self, settings=settings, switch_in_s=tuple(in_s - 1 for in_s in self.switch_in_s))

    def slot_closed(self) -> Self:
        """Five seconds have passed: the belief moves on, and meets what was read."""
        load = _mean_load(self.loads)
        unknown = len(self.settings) > 1
        bank = self.bank.predict(load, self.roam_sd)
        base = float(load[0, GRADUAL, 0])
        if unknown and self.phase_s <= LATE_CHANGE_S:
            bank = bank.inflate_covariance(FAST, LATE_CHANGE_SD_BPM)
        recent, odd, misfit = self.recent_bpm, self.odd, self.misfit
        calm = self.calm
        doubted_until_t = self.doubted_until_t
        if doubted_until_t is not None and self.t is not None and self.t > doubted_until_t:
            doubted_until_t = None
        bpm = None
        if self.readings:
            bpm = self.reading_sum_bpm / self.readings
            bank, surprise = bank.update(bpm, WEAK_SD_BPM) if self.weak else bank.update(bpm)
            recent = (*recent, bpm)[-12:]
            misfit = MISFIT_KEEPS * misfit + surprise
            odd = odd + 1 if abs(surprise) >= ODD_SD else 0
            if not unknown and abs(misfit) > self._misfit_limit:
                doubted_until_t = (self.t or 0.0) + DOUBTED_FOR_S
                misfit /= 2
                if self.phase is PhaseKind.WARM_UP:
                    bank = self._forgotten(bank)
                    calm = -int(LEAP_DOUBTED_S)
            if unknown and odd >= ODD_LOOSENS:
                bank = bank.inflate_covariance(DRIFT, UNKNOWN_ODD_OFF_BPM).inflate_covariance(SLOW, UNKNOWN_ODD_BPM)
        return replace(
            self,
            bank=bank,
            recent_bpm=recent,
            finding=self.finding or (sailed_above(recent, self.plan) if odd == 0 and not self.weak else None),
            odd=odd,
            misfit=misfit,
            doubted_until_t=doubted_until_t,
            calm=calm,
            expected=self._expected_after(float(load[0, :, 0].min()) if unknown else base, bpm),
            # Where no belt is read, the load is the one that was asked for.
            fall=self.fall.after(base, bpm) if self.phase in RISING else RateFall(),
            # Who sets the load in a way of their own raises it when they like, and their rate may rise then.
            rise=None if self.rise is None else RateRise() if self.by_way else self.rise.after(base, bpm),
            foretold_bpm=bank.average(bank.rate_bpm),
            end_rate=self._end_rate_after(bpm),
            slot_s=0,
            loads=(),
            reading_sum_bpm=0.0,
            readings=0,
            weak=False,
        )

    def _expected_after(self, base: float, bpm: float | None) -> PriorPrediction | None:
        """Return what anybody would show now; nothing once the rate has proven itself.

        `base`: the load; where it is not known, the least that a person who follows in a way of their own takes.
        """
        if self.expected is None:
            return None
        expected = self.expected.after(base, STEP_S)
        if bpm is None:
            return expected
        return None if self.phase is not PhaseKind.WARM_UP and not expected.reads_low(bpm) else expected

    def _end_rate_after(self, bpm: float | None) -> EndRateForecast:
        """Return the forecast of the interval's end with this slot's reading, where no load is known."""
        if bpm is None or self.weak or self.phase is not PhaseKind.INTERVAL or self.measured:
            return self.end_rate
        return self.end_rate.with_reading(self.phase_s - STEP_S / 2, bpm)

    def leapt(self, t: float, miss_bpm: float) -> tuple[float | None, int]:
        """Doubt a rate that leaps from the forecast at a known load until it is back, or has stayed long."""
        calm = self.calm + 1 if abs(miss_bpm) < CALM_BPM else 0
        if t >= SETTLED_S and len(self.settings) == 1 and abs(miss_bpm) > LEAP_BPM:
            return t + LEAP_DOUBTED_S, 0
        over = self.jumped_until_t is not None and (calm >= CALM_S or t > self.jumped_until_t)
        return None if over else self.jumped_until_t, calm

    def _forgotten(self, bank: FilterBank) -> FilterBank:
        """Unlearn the warm-up: a dry strap that became wet leaves what was known before, and the rate now."""
        fresh = first_bank(self.plan, self.plan.start, self.person)
        if self.person is not None and self.person.by_way:
            fresh = relabelled(fresh, GAIT_SHARES)
        return (
            replace(fresh, inputs=bank.inputs)
            .inflate_covariance(SLOW, FORGOTTEN_SD_BPM)
            .inflate_covariance(FAST, FORGOTTEN_SD_BPM / 2)
        )

    def heard(self, borg: int) -> Self:
        """Perceived exertion tells on true HRmax."""
        rate_bpm = self.worked_bpm
        if self.phase is PhaseKind.INTERVAL and self.recent_bpm:
            rate_bpm = float(np.mean(self.recent_bpm))
        if rate_bpm is None:
            return self
        bank = self.bank.reweight(perceived_exertion.log_likelihood(borg, rate_bpm, self.bank.hr_max_bpm))
        borgs = (*self.borgs, (round(rate_bpm, 1), borg))[-MOST_BORGS:]
        return replace(self, bank=bank, borgs=borgs, finding=judged(bank, self.plan, borgs, self.finding))

    def entered(self, moment: GuidanceInput) -> Self:
        """Begin a phase. What the last one leaves: the rate that it ended with, and tiredness."""
        kind, bank, worked_bpm = moment.phase.kind, self.bank, self.worked_bpm
        if self.phase is PhaseKind.INTERVAL:
            worked_bpm = float(np.mean(self.recent_bpm)) if self.recent_bpm else None
            if self.phase_s >= TIRING_S:
                bank = bank.shift_mean(DRIFT, DRIFT_PER_INTERVAL_BPM, DRIFT_PER_INTERVAL_SD_BPM)
        if kind is PhaseKind.INTERVAL and moment.phase.interval > 1:
            bank = bank.inflate_covariance(GAIN, HANDRAIL_SD)
        # A strap is wet by the end of the first interval, or it is not told apart from a heart of its own.
        was_interval = self.phase is PhaseKind.INTERVAL
        return replace(
            self,
            bank=bank,
            worked_bpm=worked_bpm,
            phase=kind,
            phase_s=0,
            expected=None if was_interval else self.expected,
            rise=None if was_interval else self.rise,
            end_rate=self.end_rate.after_bout(),
        )


def _mean_load(loads: tuple[tuple[Setting, ...], ...]) -> Array:
    """Return demand and gait span over these seconds: (1, gaits, 2) of a known setting, else (branches, ways, 2)."""
    each = {
        settings: np.array([demands(settings[0].speed_kmh, settings[0].incline_percent)])
        if len(settings) == 1
        else loads_by_way(settings)
        for settings in dict.fromkeys(loads)
    }
    if len(each) == 1:
        return each[loads[0]]
    mean: Array = np.mean([each[settings] for settings in loads], axis=0)
    return mean
