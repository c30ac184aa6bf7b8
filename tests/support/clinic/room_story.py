"""What a simulated machine of the room tells: a person on the treadmill, told second by second, light enough for forty.

No engine runs here: a rate that follows its phase with a lag, and the few answers to commands that a room needs.
"""

import math
import random
import time
from dataclasses import dataclass, field
from typing import Literal

from coach.model.events import Direction, Level, Signal
from sync.wire.messages import (
    Adjust,
    AdviceNow,
    Attend,
    Clocks,
    Command,
    CommandResult,
    Ease,
    End,
    Finding,
    Foretold,
    Live,
    LiveNotice,
    Pause,
    Resume,
    Software,
    StartGroup,
    State,
    Text,
)

HR_MAX_BPM = 187.0
PHASES = (
    ("warm_up", 600, 0, 0.60, 0.70),
    *(
        one
        for number in (1, 2, 3, 4)
        for one in (("interval", 240, number, 0.85, 0.95), ("recovery", 180, 0, 0.60, 0.70))
    )[:-1],
    ("cool_down", 300, 0, 0.50, 0.60),
)
SESSION_S = float(sum(length_s for _, length_s, *_ in PHASES))


def session_of(number: int) -> str:
    """Return a session's id."""
    return f"01a201a2-20b4-7dc4-b145-{number:012x}"


@dataclass
class StoryPerson:
    """Who stands at a machine, and how it goes. `t`: seconds since the session began; None: none runs.

    `goal_fraction`: where the rate ends in an interval, of HRmax. `silent_from_t`: the strap is lost from there on.
    """

    participant: str | None = None
    t: float | None = None
    face: str = "choose_participant"
    goal_fraction: float = 0.89
    silent_from_t: float | None = None
    paused: bool = False
    notices: list[LiveNotice] = field(default_factory=list)
    rate_bpm: float = 82.0
    lowered: float = 0.0


class StoryMachine:
    """One machine. `next_picture` makes its next picture; `asked` answers a command."""

    def __init__(self, clinic: str, name: str, number: int, person: StoryPerson) -> None:
        """Begin. `number` seeds its noise and names its session."""
        self.clinic = clinic
        self.name = name
        self.person = person
        self._session = session_of(number)
        self._chance = random.Random(number)
        self._count = 0
        self._starts_wall_s: float | None = None
        self._to_tell: list[CommandResult] = []
        if person.t is not None:
            for second in range(int(person.t)):
                self._lag(second)

    def state(self, *, online: bool = True, findings: tuple[str, ...] = ()) -> State:
        """Birth, or what a will says."""
        return State(
            online=online,
            connection=1,
            clinic=self.clinic,
            machine=self.name,
            software=Software("0.1.0", "3.11", "Debian 12"),
            findings=tuple(Finding(code, "", time.time() - 3600) for code in findings),
            at=_clocks(),
            instance=self.name,
        )

    def next_person(self, participant: str) -> None:
        """Begin with another person, who is well and whose strap is on."""
        self._session = session_of(self._chance.getrandbits(40))
        self.person = StoryPerson(participant, 0.0, "session", self._chance.uniform(0.86, 0.91))

    def earlier(self, seconds: int) -> list[Live]:
        """Return the pictures of the last minutes, each as old as it would be: a room that was watched all along."""
        now_t = self.person.t
        if now_t is None:
            return []
        told = []
        paused, self.person.paused = self.person.paused, False
        self.person.t = max(0.0, now_t - seconds)
        self.person.rate_bpm = 82.0
        for second in range(int(self.person.t)):
            self._lag(second)
        while self.person.t < now_t:
            told.append(self.next_picture(age_s=now_t - self.person.t))
        self.person.paused = paused
        return told

    def next_picture(self, age_s: float = 0.05) -> Live:
        """Return the picture of this second; the next one is a second later."""
        self._count += 1
        person = self.person
        if self._starts_wall_s is not None and time.time() >= self._starts_wall_s:
            self._starts_wall_s = None
            person.t, person.face = 0.0, "session"
        if person.t is None:
            return Live(
                number=self._count,
                connection=1,
                at=_clocks(),
                age_s=age_s,
                face=person.face,
                participant=person.participant,
                session_id=self._session if person.face in ("ready", "exertion", "ended") else None,
                stage={"ready": "ready", "exertion": "ended", "ended": "ended"}.get(person.face),
                saved="saved" if person.face in ("exertion", "ended") else "no",
            )
        phase, length_s, interval, low, high, elapsed_s = _phase(person.t)
        silent_s = None if person.silent_from_t is None else max(0.0, person.t - person.silent_from_t)
        signal = Signal.LIVE if not silent_s or silent_s < 5 else Signal.STALE if silent_s < 20 else Signal.LOST
        if not person.paused:
            self._lag(person.t)
        rate = round(person.rate_bpm) if signal is Signal.LIVE else None
        low_bpm, high_bpm = (round((share - person.lowered) * HR_MAX_BPM, 1) for share in (low, high))
        position = "unknown" if rate is None else "below" if rate < low_bpm else "above" if rate > high_bpm else "in"
        live = Live(
            number=self._count,
            connection=1,
            at=_clocks(),
            age_s=age_s,
            face="session",
            participant=person.participant,
            session_id=self._session,
            saved="saving",
            t=person.t,
            stage="paused" if person.paused else "running",
            phase=phase,
            interval=interval,
            intervals=4,
            phase_remaining_s=length_s - elapsed_s,
            phase_length_s=length_s,
            session_elapsed_s=person.t,
            rate_bpm=rate,
            fraction=None if rate is None else round(rate / HR_MAX_BPM, 3),
            low_bpm=low_bpm,
            high_bpm=high_bpm,
            position=position,
            signal=signal,
            signal_age_s=0.3 if silent_s is None else silent_s,
            mode="heart_rate",
            speed_kmh=6.4 if phase == "interval" else 4.2,
            incline_percent=5.0 if phase == "interval" else 2.0,
            advice=_advice(phase, position),
            prediction=Foretold(person.goal_fraction * HR_MAX_BPM, 164.0, 158.0, 171.0)
            if phase == "interval"
            else None,
            limits=("ceiling",),
            notices=tuple(person.notices),
        )
        if not person.paused:
            person.t += 1.0
        return live

    def asked(self, command: Command) -> CommandResult:
        """Return what becomes of a command."""
        person, action = self.person, command.action
        outcome: Literal["accepted", "done", "refused"] = "done"
        code = ""
        if command.participant is not None and command.participant != person.participant:
            outcome, code = "refused", "other_participant"
        else:
            match action:
                case StartGroup():
                    if person.face != "ready":
                        outcome, code = "refused", "not_ready"
                    else:
                        self._starts_wall_s = action.at_wall_s
                        outcome = "accepted"
                case Text():
                    outcome = "done"
                case Attend():
                    calls = [one for one in person.notices if one.code == "no_answer"]
                    person.notices = [one for one in person.notices if one not in calls]
                    outcome, code = ("done", "") if calls else ("refused", "no_question")
                case _ if person.t is None:
                    outcome, code = "refused", "not_started"
                case Pause():
                    person.paused = True
                case Resume():
                    outcome, code = ("done", "") if person.paused else ("refused", "not_paused")
                    person.paused = False
                case End():
                    person.t, person.face = None, "exertion"
                case Adjust(lowered_fraction=float(lowered)):
                    person.lowered = lowered
                case Adjust() if _phase(person.t)[0] != "recovery":
                    outcome, code = "refused", "not_in_recovery"
                case Ease() if _phase(person.t)[0] != "interval":
                    outcome, code = "refused", "not_in_work"
                case Ease():
                    _phase_now, length_s, *_rest, elapsed_s = _phase(person.t)
                    person.t += length_s - elapsed_s
                case _:
                    pass
        return CommandResult(id=command.id, outcome=outcome, at=_clocks(), code=code, reason=code)

    def _lag(self, t: float) -> None:
        person = self.person
        phase, _length_s, interval, low, high, _elapsed_s = _phase(t)
        goal = person.goal_fraction + 0.008 * (interval - 1) if phase == "interval" else (low + high) / 2
        target = goal * HR_MAX_BPM
        lag_s = 42.0 if target > person.rate_bpm else 58.0
        person.rate_bpm += (target - person.rate_bpm) / lag_s + self._chance.gauss(0.0, 0.5)


def room_of(clinic: str, count: int, people: list[str]) -> list[StoryMachine]:
    """Return a room on a busy morning: most train, one is in need, one strap is silent, some stand ready."""
    starts = [700.0, 1655.0, 1130.0, 930.0, 1000.0, 300.0, 1350.0, 1900.0, 2250.0, 760.0, 1420.0, 1500.0]
    goals = [0.89, 0.985, 0.90, 0.83, 0.88, 0.87, 0.91, 0.86, 0.88, 0.885, 0.92, 0.87]
    machines = []
    for number in range(count):
        who = people[number % len(people)]
        shift = 37.0 * (number // len(starts))
        person = StoryPerson(who, starts[number % 12] + shift, "session", goals[number % 12])
        if number == 1:
            person.notices = [LiveNotice("over_ceiling", Level.ATTENTION, 1637.0)]
        if number == 5:
            person.silent_from_t = 276.0
            person.notices = [LiveNotice("signal_lost", Level.ATTENTION, 296.0)]
        if number == 8:
            person.paused = True
        if number in (9, 10):
            person = StoryPerson(who, None, "ready")
        if number == 11:
            person = StoryPerson(who, None, "questions")
        machines.append(StoryMachine(clinic, f"molle-{number + 1}", number, person))
    return machines


def _phase(t: float) -> tuple[str, int, int, float, float, float]:
    begun = 0.0
    for phase, length_s, interval, low, high in PHASES:
        if t < begun + length_s:
            return phase, length_s, interval, low, high, t - begun
        begun += length_s
    return ("cool_down", 300, 0, 0.50, 0.60, math.fmod(t - begun, 300.0))


def _advice(phase: str, position: str) -> AdviceNow:
    match phase, position:
        case "interval", "above":
            return AdviceNow(Direction.SLOWER, 5.9, 5.0, "above_zone")
        case "interval", "in":
            return AdviceNow(Direction.HOLD, 6.4, 5.0, "in_zone")
        case _:
            return AdviceNow()


def _clocks() -> Clocks:
    return Clocks("0b1c", time.monotonic(), time.time(), synchronised=True)
