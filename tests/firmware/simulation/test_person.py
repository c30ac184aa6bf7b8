from functools import cache

import numpy as np
import pytest
from msgspec.structs import replace

from coach.guidance.rules import rule_guidance
from coach.model.events import (
    Advice,
    AdviceGiven,
    Direction,
    PhaseEnded,
    PhaseStarted,
    QuestionAsked,
    SessionEnded,
    SessionPaused,
    SessionResumed,
)
from coach.model.messages import AllRightAnswer, Exertion, HeartRate, Mood, TreadmillSpeed
from coach.model.plan import Plan
from coach.model.protocol import PhaseKind
from coach.model.snapshot import Snapshot
from coach.session.snapshots import snapshot
from coach.session.state import begin
from firmware.participants.protocol_files import load
from firmware.simulation.heart import DayForm, Population
from firmware.simulation.person import Habits, SimulatedPerson, draw_habits


@cache
def seen() -> Snapshot:
    """Give what the screen shows before a session."""
    return snapshot(begin(Plan(participant="p", hr_max_bpm=190, hr_max_source="measured"), load("4x4"), rule_guidance))


def somebody(seed: int = 1, *, ignores: float = 0.0, obeys: bool = True) -> SimulatedPerson:
    rng = np.random.default_rng(seed)
    habits = Habits(step_kmh=0.2, ignores_fraction=ignores)
    return SimulatedPerson(replace(Population().draw(rng), vo2max=35.0), DayForm(), rng, habits=habits, obeys=obeys)


def faster(kmh: float) -> AdviceGiven:
    return AdviceGiven(0.0, Advice(Direction.FASTER, kmh, None, None, "below_zone"))


def walking(person: SimulatedPerson) -> None:
    """Let the person reach 4 km/h."""
    advice = Advice(Direction.FASTER, None, 4.0, 5.0, "phase_start")
    person.second(0.0, seen(), (AdviceGiven(0.0, advice),))
    for t in range(20):
        person.second(float(t), seen(), ())
    assert person.speed_kmh == 4.0


def test_advice_is_followed_after_3_to_15_seconds_in_whole_steps() -> None:
    for seed in range(20):
        person = somebody(seed)
        walking(person)
        person.second(0.0, seen(), (faster(0.5),))
        late_s = 0
        while person.speed_kmh == 4.0:
            person.second(0.0, seen(), ())
            late_s += 1
        assert 3 <= late_s <= 15
        assert person.speed_kmh in (4.4, 4.6)


def test_advice_is_ignored_as_often_as_the_habit_says() -> None:
    ignored = 0
    for seed in range(200):
        person = somebody(seed, ignores=0.2)
        walking(person)
        person.second(0.0, seen(), (faster(0.4),))
        for _ in range(16):
            person.second(0.0, seen(), ())
        ignored += person.speed_kmh == 4.0
    assert 20 <= ignored <= 60


def test_a_phase_begins_with_the_speed_on_the_screen_or_else_by_feel() -> None:
    started = PhaseStarted(0.0, 1, PhaseKind.INTERVAL, 1, 240)
    told = replace(seen(), advice=Advice(Direction.FASTER, 6.0, 6.0, 5.0, "phase_start"))
    obeying, feeling = somebody(3), somebody(3)
    for t in range(10):
        obeying.second(float(t), told, (started,) if t == 0 else ())
        feeling.second(float(t), seen(), (started,) if t == 0 else ())
    assert (obeying.speed_kmh, obeying.incline_percent) == (6.0, 5.0)
    assert feeling.speed_kmh > 2.0


def test_nobody_is_made_to_work_above_their_oxygen_uptake() -> None:
    person = somebody(4)
    walking(person)
    for _ in range(100):
        person.second(0.0, seen(), (faster(3.0),))
        for _ in range(16):
            person.second(0.0, seen(), ())
    assert person.speed_kmh < 16


def test_somebody_who_does_not_obey_heeds_no_advice() -> None:
    person = somebody(5, obeys=False)
    person.second(0.0, seen(), (faster(3.0),))
    for _ in range(20):
        person.second(0.0, seen(), ())
    assert person.speed_kmh == 0.0


def test_beats_and_rate_agree() -> None:
    person = somebody(6)
    walking(person)
    beats: list[float] = []
    rates: list[float] = []
    for t in range(300):
        for message in person.second(float(t), seen(), ()):
            if isinstance(message, HeartRate):
                beats += message.rr_ms
                rates.append(message.bpm)
    assert sum(beats) / 1000 == pytest.approx(300, abs=2)
    assert 60_000 / np.mean(beats) == pytest.approx(np.mean(rates), rel=0.02)
    assert len(set(beats)) > 20


def test_questions_are_answered_exertion_and_mood_said_each_once() -> None:
    person = somebody(7)
    events = (
        PhaseEnded(0.0, 1, PhaseKind.INTERVAL, 1, 240.0, "done"),
        QuestionAsked(0.0, "phase_end"),
        SessionEnded(0.0, "done", completed=True),
    )
    asked = replace(seen(), question="phase_end")
    said = [m for t in range(40) for m in person.second(float(t), asked, events if t == 0 else ())]
    others = [message for message in said if not isinstance(message, HeartRate | TreadmillSpeed)]
    assert sorted(type(message).__name__ for message in others) == ["AllRightAnswer", "Exertion", "Mood"]
    for message in others:
        match message:
            case Exertion():
                assert 6 <= message.borg <= 20
            case Mood():
                assert 1 <= message.mood <= 5
            case AllRightAnswer():
                assert message.ok
                assert 2 <= message.t <= 8
            case _:
                pytest.fail(f"nobody says {message}")


def test_a_question_that_is_no_longer_open_is_not_answered() -> None:
    person = somebody(8)
    asked = (QuestionAsked(0.0, "phase_end"),)
    said = [m for t in range(20) for m in person.second(float(t), seen(), asked if t == 0 else ())]
    assert not any(isinstance(message, AllRightAnswer) for message in said)


def test_habits_stay_within_the_numbers_of_the_training_facts() -> None:
    for seed in range(100):
        habits = draw_habits(np.random.default_rng(seed))
        assert 0.1 <= habits.step_kmh <= 0.5
        assert 0.05 <= habits.ignores_fraction <= 0.20


def test_a_direction_without_a_number_is_one_step() -> None:
    for direction, kmh in ((Direction.FASTER, 4.2), (Direction.SLOWER, 3.8), (Direction.HOLD, 4.0)):
        person = somebody(9)
        walking(person)
        person.second(0.0, seen(), (AdviceGiven(0.0, Advice(direction, None, None, None, "below_zone")),))
        for _ in range(16):
            person.second(0.0, seen(), ())
        assert person.speed_kmh == kmh


def test_a_pause_is_a_stroll_and_going_on_means_the_speed_before() -> None:
    person = somebody(10)
    walking(person)
    person.second(0.0, seen(), (SessionPaused(0.0, "asked"),))
    for _ in range(20):
        person.second(0.0, seen(), ())
    assert person.speed_kmh == 3.0
    person.second(0.0, seen(), (SessionResumed(0.0, 20.0),))
    for _ in range(20):
        person.second(0.0, seen(), ())
    assert person.speed_kmh == 4.0


def test_the_treadmill_is_told_once_for_each_change_and_only_where_it_can_tell() -> None:
    rng = np.random.default_rng(1)
    silent = SimulatedPerson(Population().draw(rng), DayForm(), rng, reports_speed=False)
    cases: list[tuple[SimulatedPerson, list[float]]] = [(somebody(11), [0.0, 2.0, 4.0]), (silent, [])]
    for person, expected in cases:
        advice = Advice(Direction.FASTER, None, 4.0, 5.0, "phase_start")
        said = [
            message
            for t in range(30)
            for message in person.second(float(t), seen(), (AdviceGiven(0.0, advice),) if t == 0 else ())
        ]
        assert [message.speed_kmh for message in said if isinstance(message, TreadmillSpeed)] == expected
