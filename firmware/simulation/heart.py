"""The simulated participant: how a heart answers a treadmill. Numbers: training.md «The simulated participant».

A `SimulatedHeart` is who somebody is, a `DayForm` how they are today, and a `Body` lives through seconds. Chance comes
only from the generator that is passed in, so one seed is one course of events.
"""

from collections import deque
from math import exp
from typing import Literal

import numpy as np
from msgspec import Struct

from coach.model.plan import HrMaxSource, Load, Mode, Plan, formula_hr_max_bpm

Kind = Literal["ordinary", "chronotropic", "beta_blocked", "wrong_hr_max"]
Group = Literal["addiction", "schizophrenia"]
Model = Literal["first_order", "two_component"]
Sex = Literal["man", "woman"]

KINDS: tuple[Kind, ...] = ("ordinary", "chronotropic", "beta_blocked", "wrong_hr_max")

STANDING_VO2 = 3.5
"""Oxygen uptake at rest, ml/kg/min (one MET; ACSM)."""

WALK_UP_TO_KMH, RUN_FROM_KMH = 6.0, 8.0
"""ACSM's equations hold for walking up to about 6 km/h and running from about 8; between, people do some of each."""

HR_MAX_SD_BPM = 10.8
"""Spread of true HRmax around 211 − 0.64·age (Nes 2013)."""

WRONG_HR_MAX_BPM = 12.0
"""How far off the plan's HRmax is for the kind `wrong_hr_max`, to either side."""

MEDIAN_TAU_DOWN_S = 58.0
PER_INTERVAL_DRIFT_BPM = 2.5
DRIFT_ABOVE_RESERVE_FRACTION = 0.6
BOUT_AT_LEAST_S = 60
HANDRAIL_GAIN = 0.8
NOISE = ((10.0, 0.8), (60.0, 1.2))
"""The two AR(1) noises: time constant in s, standard deviation in bpm."""
CALM_ABOVE_FRACTION = 0.9
"""Above this share of HRmax the noise is halved, since heart-rate variability vanishes near the maximum."""
SLOWER_FROM_FRACTION = 0.85
SLOWER_AT_MAX = 1.5
"""Time constants grow linearly from 85 % of HRmax to this factor at HRmax."""
SOFT_FROM = 0.9
"""The steady rate bends from this share of the reserve, and nears HRmax without passing it."""


class SimulatedHeart(Struct, frozen=True, kw_only=True):
    """Who somebody is. Rates in bpm, times in s, `vo2max` in ml/kg/min; `hr_max_bpm` is the *true* one.

    `gain` multiplies the share of the reserve. The `fast_*`, `slow_*` and `hill_*` traits drive the second model only.
    """

    kind: Kind
    group: Group
    sex: Sex
    age: int
    vo2max: float
    hr_max_bpm: float
    resting_bpm: float
    gain: float
    tau_up_s: float
    tau_down_s: float
    dead_up_s: float
    dead_down_s: float
    drift_bpm_per_min: float
    fast_share: float
    fast_tau_s: float
    slow_tau_s: float
    hill_exponent: float
    hill_crossing: float
    holds_handrail: bool


class DayForm(Struct, frozen=True):
    """How somebody is today: the rate is `offset_bpm` higher, and the gain is multiplied by `gain_factor`."""

    offset_bpm: float = 0.0
    gain_factor: float = 1.0


class Population(Struct, frozen=True):
    """Whom the participants are drawn from. `men_fraction` and `handrail_fraction` are guesses [G]."""

    group: Group = "schizophrenia"
    men_fraction: float = 0.65
    handrail_fraction: float = 0.2

    def draw(self, rng: np.random.Generator, kind: Kind = "ordinary") -> SimulatedHeart:
        """Draw somebody of this kind.

        Normal draws are cut where no living person is: VO2max at 15, gain at 0.7 and 1.9, resting rate at 45 and at 45
        bpm under HRmax. «Unfit» (slower rise, ×1.3) is a VO2max under the median of the sex.
        """
        sex: Sex = "man" if rng.random() < self.men_fraction else "woman"
        mean_age, sd_age = (35, 11) if self.group == "schizophrenia" else (32, 8)
        age = round(float(np.clip(rng.normal(mean_age, sd_age), 18, 70)))
        fitness = _fitness(self.group, sex)
        vo2max = float(np.clip(rng.normal(*fitness), 15, 70))
        hr_max = _true_hr_max(rng, kind, age)
        unfit = vo2max < fitness[0]
        return SimulatedHeart(
            kind=kind,
            group=self.group,
            sex=sex,
            age=age,
            vo2max=vo2max,
            hr_max_bpm=hr_max,
            resting_bpm=float(np.clip(rng.normal(68 if kind == "beta_blocked" else 80, 12), 45, hr_max - 45)),
            gain=float(np.clip(rng.normal(1.25, 0.20), 0.7, 1.9)),
            tau_up_s=float(42 * np.exp(rng.normal(0, 0.3))) * (1.3 if unfit else 1.0),
            tau_down_s=float(MEDIAN_TAU_DOWN_S * np.exp(rng.normal(0, 0.5))),
            dead_up_s=float(rng.uniform(0, 8)),
            dead_down_s=float(rng.uniform(8, 25)),
            drift_bpm_per_min=float(rng.normal(0.25, 0.2)),
            fast_share=float(rng.uniform(0.3, 0.55)),
            fast_tau_s=float(14 * np.exp(rng.normal(0, 0.25))),
            slow_tau_s=float(75 * np.exp(rng.normal(0, 0.3))) * (1.15 if unfit else 1.0),
            hill_exponent=float(rng.uniform(1.7, 2.5)),
            hill_crossing=float(rng.uniform(0.65, 0.8)),
            holds_handrail=bool(rng.random() < self.handrail_fraction),
        )


def _fitness(group: Group, sex: Sex) -> tuple[float, float]:
    """Return mean and SD of VO2max. Women with schizophrenia: lowered as much as the men (no number in the source)."""
    match group, sex:
        case "schizophrenia", "man":
            return 34.3, 9.9
        case "schizophrenia", _:
            return 26.5, 7.6
        case _, "man":
            return 44.0, 8.0
        case _:
            return 34.0, 9.0


def _true_hr_max(rng: np.random.Generator, kind: Kind, age: int) -> float:
    """Draw true HRmax: the chronotropic reach 70–85 % of the formula; a beta-blocker gives another formula."""
    if kind == "chronotropic":
        return float(rng.uniform(0.70, 0.85)) * formula_hr_max_bpm(age)
    expected = formula_hr_max_bpm(age, beta_blocked=kind == "beta_blocked")
    return float(np.clip(rng.normal(expected, HR_MAX_SD_BPM), 110, 215))


def draw_day(rng: np.random.Generator) -> DayForm:
    """Draw one day: offset N(0, 4) bpm, gain ± 8 % (as a standard deviation)."""
    return DayForm(float(rng.normal(0, 4)), float(np.clip(rng.normal(1, 0.08), 0.75, 1.25)))


def oxygen_uptake(speed_kmh: float, incline_percent: float) -> float:
    """Return VO2 in ml/kg/min at a treadmill's setting (ACSM): walking, running, or a blend between 6 and 8 km/h."""
    metres = speed_kmh * (1000 / 60)
    climb = metres * incline_percent / 100
    walking = STANDING_VO2 + 0.1 * metres + 1.8 * climb
    if speed_kmh <= WALK_UP_TO_KMH:
        return walking
    running = STANDING_VO2 + 0.2 * metres + 0.9 * climb
    share = min(1.0, (speed_kmh - WALK_UP_TO_KMH) / (RUN_FROM_KMH - WALK_UP_TO_KMH))
    return walking + share * (running - walking)


def speed_for(vo2: float, incline_percent: float) -> float:
    """Return the speed in km/h that asks for this VO2 at this incline, between 0 and 22 km/h."""
    low, high = 0.0, 22.0
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (middle, high) if oxygen_uptake(middle, incline_percent) < vo2 else (low, middle)
    return high


def plan_for(
    participant: SimulatedHeart,
    rng: np.random.Generator,
    *,
    name: str = "p1",
    protocol: str = "4x4",
    mode: Mode = "heart_rate",
    incline_percent: float = 5.0,
) -> Plan:
    """Make the plan that a therapist would make, who does not know what the simulation knows.

    HRmax: `ordinary` measured, off by N(0, 2) bpm; `beta_blocked` measured under treatment, off by N(0, 5), so the
    usual zones may be used (pass `mode="exertion"` for the cautious clinic); `chronotropic` the formula by age, since
    nobody has noticed; `wrong_hr_max` 12 bpm off, up or down. Start speed: 87 % of that HRmax for a person of a VO2max
    judged by eye (off by N(0, 5) ml/kg/min) with the mean gain and the resting rate felt at the wrist (off by N(0, 3)),
    in half steps, 2.5–14 km/h.
    """
    source: HrMaxSource = "measured"
    match participant.kind:
        case "ordinary":
            hr_max = participant.hr_max_bpm + float(rng.normal(0, 2))
        case "beta_blocked":
            hr_max = participant.hr_max_bpm + float(rng.normal(0, 5))
        case "chronotropic":
            hr_max, source = formula_hr_max_bpm(participant.age), "formula"
        case "wrong_hr_max":
            hr_max = participant.hr_max_bpm + WRONG_HR_MAX_BPM * (1 if rng.integers(2) else -1)
    hr_max = float(round(hr_max))
    judged = max(15.0, participant.vo2max + float(rng.normal(0, 5)))
    resting = participant.resting_bpm + float(rng.normal(0, 3))
    wanted = max(0.1, (0.87 * hr_max - resting) / (hr_max - resting)) / 1.25
    speed = speed_for(STANDING_VO2 + (judged - STANDING_VO2) * wanted, incline_percent)
    start = Load(min(14.0, max(2.5, round(speed * 2) / 2)), incline_percent)
    return Plan(
        participant=name,
        protocol=protocol,
        hr_max_bpm=hr_max,
        hr_max_source=source,
        age=participant.age,
        mode=mode,
        start=start,
    )


class Body:
    """A participant's heart through the seconds of one day.

    `second()` takes the treadmill's setting and returns the rate that a perfect strap would read. `rate_bpm` is the
    same without noise.
    """

    __slots__ = (
        "_bout_s",
        "_calm_bpm",
        "_dead_down",
        "_dead_up",
        "_demands",
        "_drift_bpm",
        "_drift_per_s",
        "_fast",
        "_first_order",
        "_gain",
        "_hill_half",
        "_keep_long",
        "_keep_short",
        "_load",
        "_noise_at",
        "_noises",
        "_push_long",
        "_push_short",
        "_reserve",
        "_resting",
        "_rng",
        "_slow",
        "_wobble_long",
        "_wobble_short",
        "participant",
        "rate_bpm",
    )

    def __init__(
        self, participant: SimulatedHeart, day: DayForm, rng: np.random.Generator, *, model: Model = "first_order"
    ) -> None:
        """Wake up rested, standing still."""
        self.participant = participant
        self._rng = rng
        self._first_order = model == "first_order"
        self._resting = min(participant.resting_bpm + day.offset_bpm, participant.hr_max_bpm - 30)
        self._reserve = participant.hr_max_bpm - self._resting
        self._gain = participant.gain * day.gain_factor
        self._dead_up = round(participant.dead_up_s) + 1
        self._dead_down = round(participant.dead_down_s) + 1
        self._demands = deque([0.0] * self._dead_down, maxlen=self._dead_down)
        self._drift_bpm = 0.0
        self._drift_per_s = participant.drift_bpm_per_min / 60
        self._bout_s = 0
        self._calm_bpm = CALM_ABOVE_FRACTION * participant.hr_max_bpm
        exponent, crossing = participant.hill_exponent, participant.hill_crossing
        self._hill_half = crossing**exponent * (1 / crossing - 1)
        self.rate_bpm = self._resting
        self._fast = self._slow = 0.0
        self._load = (-1.0, -1.0, False, 0.0)
        self._noises: list[float] = []
        self._noise_at = 0
        (short, short_sd), (long, long_sd) = NOISE
        self._keep_short, self._keep_long = exp(-1 / short), exp(-1 / long)
        self._push_short = short_sd * (1 - self._keep_short**2) ** 0.5
        self._push_long = long_sd * (1 - self._keep_long**2) ** 0.5
        self._wobble_short = short_sd * float(rng.standard_normal())
        self._wobble_long = long_sd * float(rng.standard_normal())

    def steady_bpm(self, speed_kmh: float, incline_percent: float, *, handrail: bool = False) -> float:
        """Return the rate that this load would settle at today, without drift."""
        return self._resting + self._reserve * _softened(self._demand(speed_kmh, incline_percent, handrail=handrail))

    def _demand(self, speed_kmh: float, incline_percent: float, *, handrail: bool) -> float:
        """Return the share of the heart-rate reserve that a load asks for; in the first model it may be above 1."""
        uptake = oxygen_uptake(speed_kmh, incline_percent) - STANDING_VO2
        share = uptake / (self.participant.vo2max - STANDING_VO2) * self._gain * (HANDRAIL_GAIN if handrail else 1.0)
        if self._first_order:
            return share
        powered: float = share**self.participant.hill_exponent
        return powered / (powered + self._hill_half) if powered else 0.0

    def second(self, speed_kmh: float, incline_percent: float, *, handrail: bool = False) -> float:
        """Live one second at this setting; return the rate in bpm, noise included."""
        load = self._load
        if load[0] != speed_kmh or load[1] != incline_percent or load[2] is not handrail:
            demand = self._demand(speed_kmh, incline_percent, handrail=handrail)
            self._load = (speed_kmh, incline_percent, handrail, demand)
        else:
            demand = load[3]
        demands = self._demands
        demands.append(demand)
        rate = self.rate_bpm
        level = (rate - self._resting) / self._reserve
        # A fall takes longer to begin than a rise: the older demand rules as long as the newer one lies below the rate
        # now.
        drive, rising = self._drive(demands, level)
        if self._first_order:
            self._follow_first_order(drive, rate, rising=rising)
        else:
            self._follow_two_components(drive, level, rising=rising)
        self._tire(level)
        return self._with_noise(self.rate_bpm)

    def _drive(self, demands: "deque[float]", level: float) -> tuple[float, bool]:
        """Return the share of the reserve that the heart now strives for, and whether that is upwards."""
        drift = self._drift_bpm / self._reserve
        newer = _softened(demands[-self._dead_up] + drift)
        if newer >= level:
            return newer, True
        older = _softened(demands[0] + drift)
        return older, older >= level

    def _follow_first_order(self, drive: float, rate: float, *, rising: bool) -> None:
        person = self.participant
        near = rate / person.hr_max_bpm - SLOWER_FROM_FRACTION
        slower = 1.0 if near <= 0 else 1.0 + (SLOWER_AT_MAX - 1) * near / (1 - SLOWER_FROM_FRACTION)
        tau = (person.tau_up_s if rising else person.tau_down_s) * slower
        target = self._resting + self._reserve * drive
        self.rate_bpm = rate + (target - rate) / tau

    def _follow_two_components(self, drive: float, level: float, *, rising: bool) -> None:
        """Fast (vagal) and slow (sympathetic) share of the rate; the slow one is the slower the higher the rate is."""
        person = self.participant
        slow_tau = person.slow_tau_s * (0.7 + 0.6 * level)
        # Vagal tone comes back more slowly than it goes, and people differ in that more than in anything else.
        fast_tau = person.fast_tau_s * (1.0 if rising else 0.5 + person.tau_down_s / MEDIAN_TAU_DOWN_S)
        self._fast += (person.fast_share * drive - self._fast) / fast_tau
        self._slow += ((1 - person.fast_share) * drive - self._slow) / slow_tau
        self.rate_bpm = self._resting + self._reserve * (self._fast + self._slow)

    def _tire(self, level: float) -> None:
        """Let the rate drift upwards in hard work, and by a step after each hard bout of a minute or more."""
        if level > DRIFT_ABOVE_RESERVE_FRACTION:
            self._bout_s += 1
            self._drift_bpm += self._drift_per_s
        elif self._bout_s:
            if self._bout_s >= BOUT_AT_LEAST_S:
                self._drift_bpm += PER_INTERVAL_DRIFT_BPM
            self._bout_s = 0

    def _with_noise(self, rate: float) -> float:
        at = self._noise_at
        if at >= len(self._noises):
            # Drawn in blocks, since a single draw costs more than the rest of the second.
            self._noises = self._rng.standard_normal(2048).tolist()
            at = 0
        self._noise_at = at + 2
        self._wobble_short = self._keep_short * self._wobble_short + self._push_short * self._noises[at]
        self._wobble_long = self._keep_long * self._wobble_long + self._push_long * self._noises[at + 1]
        wobble = self._wobble_short + self._wobble_long
        noisy = rate + (wobble / 2 if rate > self._calm_bpm else wobble)
        highest = self.participant.hr_max_bpm
        # Mirrored, not cut: a rate cut at HRmax would stand as still as a frozen strap.
        return noisy if noisy <= highest else 2 * highest - noisy


def _softened(share: float) -> float:
    """Bend a share of the reserve so that it nears 1 and never passes it; below 0.9 it is unchanged."""
    if share <= SOFT_FROM:
        return share
    room = 1 - SOFT_FROM
    return 1 - room * exp(-(share - SOFT_FROM) / room)


def borg_for(rate_bpm: float, hr_max_bpm: float) -> float:
    """Return perceived exertion (6–20, not rounded): 12 / 15 / 17 / 19 at 70 / 85 / 93 / 99 % of true HRmax."""
    return float(np.interp(rate_bpm / hr_max_bpm, (0.40, 0.70, 0.85, 0.93, 0.99, 1.0), (6, 12, 15, 17, 19, 19.5)))
