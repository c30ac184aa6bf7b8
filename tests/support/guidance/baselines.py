"""What the learned guidance is compared with: timer only, ±0.2 km/h, a PI controller, and one who knows the body.

Each is a `Guidance`, so that all lead the same people through the same engine, days, noise and disobedience.
"""

from collections import deque
from collections.abc import Callable
from copy import copy
from typing import Any, Self

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from coach.guidance.interface import PHASE_START, GuidanceInput, GuidanceMaker
from coach.model.events import Advice, Direction
from coach.model.plan import Plan
from coach.model.protocol import PhaseKind
from coach.model.snapshot import Prediction
from firmware.simulation.heart import Body, DayForm, Model, SimulatedHeart

SHARES = {PhaseKind.WARM_UP: 0.65, PhaseKind.INTERVAL: 1.0, PhaseKind.RECOVERY: 0.55, PhaseKind.COOL_DOWN: 0.45}
RULE_STEP_KMH, RULE_EVERY_S = 0.2, 10
PI_EVERY_S, PI_KP, PI_TI_S = 10, 0.03, 60.0
"""km/h per bpm and integral time: a slow loop of about 60 s, as published treadmill controllers use (Hunt 2015)."""
PI_MIDDLE = {PhaseKind.WARM_UP: 0.70, PhaseKind.INTERVAL: 0.90, PhaseKind.RECOVERY: 0.68, PhaseKind.COOL_DOWN: 0.60}


class _Plain(Struct, frozen=True, kw_only=True):
    """What the simple ones share: a setting per phase, no prediction, no finding, nothing learned."""

    work_kmh: float
    incline_percent: float
    now_kmh: float = 0.0
    integral: float = 0.0
    prediction: Prediction | None = None
    finding: None = None
    doubt: None = None
    response: Any = None

    def advised(self, moment: GuidanceInput, speed_kmh: float, reason: str) -> tuple[Self, Advice]:
        speed_kmh = round(min(max(speed_kmh, 1.0), 20.0), 1)
        now_kmh = moment.speed_kmh if moment.speed_kmh is not None else self.now_kmh
        change = round(speed_kmh - now_kmh, 2)
        direction = Direction.FASTER if change > 0 else Direction.SLOWER if change < 0 else Direction.HOLD
        advice = Advice(direction, change, speed_kmh, self.incline_percent, reason)
        return replace(self, now_kmh=speed_kmh), advice

    def _start(self, moment: GuidanceInput) -> tuple[Self, Advice]:
        return self.advised(moment, self.work_kmh * SHARES.get(moment.phase.kind, 0.8), PHASE_START)


class Timer(_Plain, frozen=True):
    """Phases and the start speed; nothing follows the rate."""

    def second(self, moment: GuidanceInput) -> tuple[Self, Advice | None]:
        """The phase's setting, and then silence."""
        return self._start(moment) if moment.second == 0 else (self, None)


class PlusMinus(_Plain, frozen=True):
    """As today's treadmill software: below the zone + 0.2 km/h every 10 s, above it − 0.2."""

    def second(self, moment: GuidanceInput) -> tuple[Self, Advice | None]:
        """A step whenever the rate lies outside the zone."""
        if moment.second == 0:
            return self._start(moment)
        outside = moment.bpm is not None and moment.low_bpm is not None and moment.high_bpm is not None
        if moment.second % RULE_EVERY_S or not outside:
            return self, None
        step = RULE_STEP_KMH * ((moment.bpm < moment.low_bpm) - (moment.bpm > moment.high_bpm))  # type: ignore[operator]
        if not step:
            return self, None
        now_kmh = moment.speed_kmh if moment.speed_kmh is not None else self.now_kmh
        # Spoken at any time, as that software does: the reason passes the coach's quiet times.
        return self.advised(moment, now_kmh + step, PHASE_START)


class ProportionalIntegral(_Plain, frozen=True):
    """A published-style PI loop around the middle of the zone; the person follows the speed that is shown."""

    def second(self, moment: GuidanceInput) -> tuple[Self, Advice | None]:
        """A new speed every ten seconds."""
        if moment.second == 0:
            guidance, advice = self._start(moment)
            return replace(guidance, integral=0.0), advice
        if moment.second % PI_EVERY_S or moment.bpm is None or moment.high_bpm is None:
            return self, None
        hr_max = moment.high_bpm / (moment.phase.zone.high_fraction if moment.phase.zone else 1.0)
        off = PI_MIDDLE.get(moment.phase.kind, 0.8) * hr_max - moment.bpm
        integral = self.integral + off * PI_EVERY_S
        base = self.work_kmh * SHARES.get(moment.phase.kind, 0.8)
        speed = base + PI_KP * (off + integral / PI_TI_S)
        guidance = replace(self, integral=min(max(integral, -6000.0), 6000.0))
        now_kmh = moment.speed_kmh if moment.speed_kmh is not None else self.now_kmh
        return guidance.advised(moment, speed, PHASE_START) if abs(speed - now_kmh) >= 0.1 else (guidance, None)


class Knower(_Plain, frozen=True):
    """Knows the person's exact physiology today, and holds the best single speed in each phase."""

    speeds_kmh: tuple[float, ...] = ()
    phases: int = 0

    def second(self, moment: GuidanceInput) -> tuple[Self, Advice | None]:
        """The phase's one speed."""
        if moment.second:
            return self, None
        speed = self.speeds_kmh[min(self.phases, len(self.speeds_kmh) - 1)]
        guidance, advice = self.advised(moment, speed, PHASE_START)
        return replace(guidance, phases=self.phases + 1), advice


PHASES = ((600, 0.70, 480, 600), *(((240, 0.90, 120, 240), (180, 0.68, 90, 180)) * 4)[:7], (300, 0.60, 150, 300))
"""(length, aim, scored from, scored to) of the 4×4's nine phases."""


def knower(participant: SimulatedHeart, day: DayForm, model: Model, plan: Plan) -> GuidanceMaker:
    """The one speed for each phase, found by trying it on the person's own body."""
    incline = plan.start.incline_percent if plan.start else 5.0
    body = Body(participant, day, np.random.default_rng(0), model=model)
    speeds: list[float] = []
    for length, aim, first, last in PHASES:
        low, high = 0.6, 18.0
        for _ in range(7):
            middle = (low + high) / 2
            reached, _after = _lived(body, middle, incline, length, (first, last))
            low, high = (middle, high) if reached < aim * participant.hr_max_bpm else (low, middle)
        speeds.append(round((low + high) / 2, 1))
        _reached, body = _lived(body, speeds[-1], incline, length, (first, last))
    made = Knower(work_kmh=1.0, incline_percent=incline, speeds_kmh=tuple(speeds))
    return lambda _: made


def _lived(body: Body, speed_kmh: float, incline: float, length_s: int, scored: tuple[int, int]) -> tuple[float, Body]:
    """Mean true rate in the scored part of a phase, and the body after it."""
    trying = copy(body)
    trying._demands = deque(body._demands, maxlen=body._demands.maxlen)
    rates = []
    for second in range(length_s):
        trying.second(speed_kmh, incline)
        if scored[0] <= second < scored[1]:
            rates.append(trying.rate_bpm)
    return float(np.mean(rates)), trying


def plain(kind: type[_Plain]) -> Callable[[Plan], Any]:
    """A maker for one of the simple ones."""

    def maker(plan: Plan) -> Any:  # noqa: ANN401 - a guidance
        start = plan.start
        return kind(work_kmh=start.speed_kmh if start else 6.0, incline_percent=start.incline_percent if start else 5.0)

    return maker
