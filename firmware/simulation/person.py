"""A simulated person in training: a body, a pulse strap, and habits. Follows advice late, in steps, and not always.

Numbers of behaviour: training.md «The simulated participant». The person hears and sees only what a real one would: the
session's snapshot and events, never the plan's or the engine's inside.
"""

from collections import deque
from typing import assert_never

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from coach.model.events import (
    Advice,
    AdviceGiven,
    AnyEvent,
    Direction,
    PhaseEnded,
    PhaseStarted,
    QuestionAsked,
    SessionEnded,
    SessionPaused,
    SessionResumed,
)
from coach.model.messages import AllRightAnswer, AnyMessage, Exertion, HeartRate, Mood, TreadmillSpeed
from coach.model.protocol import PhaseKind
from coach.model.snapshot import Snapshot
from firmware.simulation.heart import Body, DayForm, Model, SimulatedHeart, borg_for, oxygen_uptake, speed_for

BORG_NOISE_SD = 1.2
ACTS_AFTER_S = (3, 15)
AT_PHASE_START_AFTER_S = (1, 4)
"""A phase start is counted down, so the hand is already on the panel."""
SAYS_BORG_AFTER_S = (8, 20)
ANSWERS_AFTER_S = (2, 8)
STROLL_KMH = 3.0
FASTEST_KMH = 18.0
HANDRAIL_IN_INTERVAL = 0.6
"""Whoever holds the handrail does so in this share of the intervals, from the second one on."""
RR_UNIT_MS = 1000 / 1024
"""The strap counts time between beats in 1/1024 s (Bluetooth heart rate service)."""
RR_IN_ONE_NOTIFICATION = 9


class Habits(Struct, frozen=True):
    """How a person handles a treadmill and advice.

    `feel_sd` is the relative error of a load chosen by feel; `fastest_kmh`: no advice makes them go faster.
    """

    step_kmh: float = 0.2
    ignores_fraction: float = 0.1
    feel_sd: float = 0.1
    incline_percent: float = 5.0
    fastest_kmh: float = FASTEST_KMH


def draw_habits(rng: np.random.Generator) -> Habits:
    """Draw somebody's habits: steps of 0.1–0.5 km/h, 5–20 % of all advice ignored."""
    step = (0.1, 0.2, 0.3, 0.4, 0.5)[int(rng.integers(5))]
    return Habits(step_kmh=step, ignores_fraction=float(rng.uniform(0.05, 0.20)))


class SimulatedPerson:
    """One simulated person for one session.

    Call `second()` once for every second. With `reports_speed` the treadmill's setting is told to the session; without,
    the coach must do with the heart alone. `obeys` off makes somebody who trains by feel only and heeds no advice: the
    control of a benchmark.
    """

    def __init__(
        self,
        participant: SimulatedHeart,
        day: DayForm,
        rng: np.random.Generator,
        *,
        model: Model = "first_order",
        habits: Habits | None = None,
        reports_speed: bool = True,
        obeys: bool = True,
    ) -> None:
        """Stand beside the treadmill, rested, with the strap on."""
        self.participant = participant
        self.habits = habits or draw_habits(rng)
        self.body = Body(participant, day, rng, model=model)
        self.rate_bpm = self.body.rate_bpm
        self.speed_kmh = 0.0
        self.incline_percent = 0.0
        self.handrail = False
        self._reports_speed = reports_speed
        self._obeys = obeys
        self._rng = rng
        self._age_s = 0
        self._goal: tuple[float, float] | None = None
        self._goal_from_s = 0
        self._before_pause: tuple[float, float] = (STROLL_KMH, 0.0)
        self._to_say: list[tuple[int, Exertion | AllRightAnswer | Mood]] = []
        self._last_minute_bpm: deque[float] = deque([self.rate_bpm], maxlen=60)
        self._told: tuple[float, float] | None = None
        self._beat_in_s = 0.5
        self._swing = 0.0

    def second(self, t: float, snapshot: Snapshot | None, events: tuple[AnyEvent, ...]) -> list[AnyMessage]:
        """Live the second that ends at `t`; return what strap, treadmill and person tell the session, all stamped `t`.

        `snapshot` is what the screen shows (None: no session yet), `events` what has happened since the last call.
        """
        self._age_s += 1
        for event in events:
            self._heed(event, snapshot)
        self._walk_towards_goal()
        self.rate_bpm = self.body.second(self.speed_kmh, self.incline_percent, handrail=self.handrail)
        self._last_minute_bpm.append(self.rate_bpm)
        messages: list[AnyMessage] = [HeartRate(t, float(round(self.rate_bpm)), self._beats(), contact=True)]
        setting = (self.speed_kmh, self.incline_percent)
        if self._reports_speed and snapshot is not None and setting != self._told:
            self._told = setting
            messages.append(TreadmillSpeed(t, *setting))
        if self._to_say:
            messages += self._say(t, snapshot)
        return messages

    def _heed(self, event: AnyEvent, snapshot: Snapshot | None) -> None:
        match event:
            case PhaseStarted():
                self._begin_phase(event, snapshot)
            case AdviceGiven() if event.advice.reason == "phase_start":
                if self._obeys:
                    self._aim(event.advice, AT_PHASE_START_AFTER_S)
            case AdviceGiven():
                if self._obeys and self._rng.random() >= self.habits.ignores_fraction:
                    self._aim(event.advice, ACTS_AFTER_S)
            case PhaseEnded() if event.kind is PhaseKind.INTERVAL:
                borg = self.felt_exertion(float(np.mean(self._last_minute_bpm)))
                self._to_say.append((self._later(SAYS_BORG_AFTER_S), Exertion(0.0, borg)))
            case QuestionAsked():
                self._to_say.append((self._later(ANSWERS_AFTER_S), AllRightAnswer(0.0)))
            case SessionPaused():
                self._before_pause = self._goal or (self.speed_kmh, self.incline_percent)
                self._set_out((STROLL_KMH, self.incline_percent), AT_PHASE_START_AFTER_S)
            case SessionResumed():
                self._set_out(self._before_pause, AT_PHASE_START_AFTER_S)
            case SessionEnded():
                self._set_out((0.0, 0.0), AT_PHASE_START_AFTER_S)
                self._to_say.append((self._later(SAYS_BORG_AFTER_S), Mood(0.0, int(self._rng.integers(2, 6)))))
            case _:
                pass

    def _later(self, between_s: tuple[int, int]) -> int:
        low, high = between_s
        return self._age_s + int(self._rng.integers(low, high + 1))

    def _begin_phase(self, event: PhaseStarted, snapshot: Snapshot | None) -> None:
        """Set the treadmill for a new phase: as the screen says, else by feel."""
        self.handrail = (
            self.participant.holds_handrail
            and event.kind is PhaseKind.INTERVAL
            and event.interval > 1
            and bool(self._rng.random() < HANDRAIL_IN_INTERVAL)
        )
        advice = snapshot.advice if snapshot else Advice()
        if self._obeys and advice.speed_kmh is not None:
            self._aim(advice, AT_PHASE_START_AFTER_S)
            return
        incline = 0.0 if event.kind is PhaseKind.WARM_UP else self.habits.incline_percent
        self._set_out((self._speed_by_feel(event.kind, incline), incline), AT_PHASE_START_AFTER_S)

    def _speed_by_feel(self, kind: PhaseKind, incline_percent: float) -> float:
        """Choose a speed that feels right for the phase: the wanted share of the reserve, misjudged by `feel_sd`."""
        person = self.participant
        wanted = _felt_share(kind) / person.gain * float(np.exp(self._rng.normal(0, self.habits.feel_sd)))
        at_rest = oxygen_uptake(0, 0)
        return max(1.5, round(speed_for(at_rest + (person.vo2max - at_rest) * wanted, incline_percent), 1))

    def _aim(self, advice: Advice, after_s: tuple[int, int]) -> None:
        """Turn an advice into a setting to walk towards."""
        speed, _ = self._goal or (self.speed_kmh, self.incline_percent)
        if advice.speed_kmh is not None:
            speed = advice.speed_kmh
        elif advice.speed_change_kmh is not None:
            speed = self.speed_kmh + advice.speed_change_kmh
        else:
            match advice.direction:
                case Direction.FASTER:
                    speed = self.speed_kmh + self.habits.step_kmh
                case Direction.SLOWER:
                    speed = self.speed_kmh - self.habits.step_kmh
                case Direction.HOLD | Direction.NONE:
                    pass
                case unreachable:
                    assert_never(unreachable)
        incline = self.incline_percent if advice.incline_percent is None else advice.incline_percent
        self._set_out((speed, incline), after_s)

    def _set_out(self, setting: tuple[float, float], after_s: tuple[int, int]) -> None:
        speed, incline = setting
        # Nobody goes on for long at more than VO2max, whoever asks.
        fastest = min(self.habits.fastest_kmh, speed_for(self.participant.vo2max, incline))
        self._goal = (min(fastest, max(0.0, speed)), incline)
        self._goal_from_s = self._later(after_s)

    def _walk_towards_goal(self) -> None:
        """Press the panel's buttons: at most ten steps a second, whole steps, so the goal is met to half a step."""
        if self._goal is None or self._age_s < self._goal_from_s:
            return
        speed, self.incline_percent = self._goal
        step = self.habits.step_kmh
        steps = round((speed - self.speed_kmh) / step)
        pressed = max(-10, min(10, steps))
        self.speed_kmh = max(0.0, round(self.speed_kmh + pressed * step, 3))
        if pressed == steps:
            self._goal = None

    def felt_exertion(self, bpm: float) -> int:
        """Return what the person says on Borg's scale at this rate: by *true* HRmax, with noise, rounded."""
        felt = borg_for(bpm, self.participant.hr_max_bpm) + float(self._rng.normal(0, BORG_NOISE_SD))
        return int(min(20, max(6, round(felt))))

    def _say(self, t: float, snapshot: Snapshot | None) -> list[AnyMessage]:
        due = [said for at_s, said in self._to_say if at_s <= self._age_s]
        self._to_say = [(at_s, said) for at_s, said in self._to_say if at_s > self._age_s]
        asked = snapshot is not None and snapshot.question is not None
        others = [replace(said, t=t) for said in due if not isinstance(said, AllRightAnswer)]
        answers = asked and len(others) < len(due)
        # The answer first: Borg or mood, once said, is an answer too, and closes the question.
        return [AllRightAnswer(t), *others] if answers else [*others]

    def _beats(self) -> tuple[float, ...]:
        """Return the intervals of the beats that fell in this second; they vary less the harder the work is."""
        beat_s = 60 / self.rate_bpm
        if self._beat_in_s > 1:
            self._beat_in_s -= 1
            return ()
        effort = self.rate_bpm / self.participant.hr_max_bpm
        variation = 0.03 * max(0.08, 1 - effort)
        beats: list[float] = []
        while self._beat_in_s <= 1 and len(beats) < RR_IN_ONE_NOTIFICATION:
            self._swing = -0.6 * self._swing + float(self._rng.standard_normal()) * variation
            interval_s = beat_s * (1 + self._swing)
            beats.append(round(interval_s * 1000 / RR_UNIT_MS) * RR_UNIT_MS)
            self._beat_in_s += interval_s
        self._beat_in_s -= 1
        return tuple(beats)


def _felt_share(kind: PhaseKind) -> float:
    """Return the share of the heart-rate reserve that somebody aims at by feel (about 65 / 88 / 65 / 55 % of HRmax)."""
    match kind:
        case PhaseKind.INTERVAL:
            return 0.78
        case PhaseKind.STEADY | PhaseKind.MOTOR:
            return 0.5
        case PhaseKind.WARM_UP | PhaseKind.RECOVERY:
            return 0.4
        case PhaseKind.COOL_DOWN:
            return 0.25
        case unreachable:
            assert_never(unreachable)
