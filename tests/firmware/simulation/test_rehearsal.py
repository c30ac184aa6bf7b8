import numpy as np
import pytest

from coach.guidance.defaults import default_guidance
from coach.model.events import AdviceGiven, Direction, Signal, SignalChanged
from coach.model.messages import CommandName, HeartRate, SessionCommand
from coach.model.plan import Plan
from coach.session.engine import step
from coach.session.state import begin
from firmware.participants.protocol_files import builtin_names, load
from firmware.recordings.errors import RecordingFileError
from firmware.recordings.reader import SampleRecording
from firmware.recordings.sample import Sample
from firmware.simulation.faults import AnyFault, BurstAfterGap, Doubled, Dropout, Frozen, Offset, Reads, draw_fault
from firmware.simulation.heart import KINDS, Kind, Model, Population, draw_day, plan_for
from firmware.simulation.person import SimulatedPerson
from firmware.simulation.session import Recorded, Rehearsal, RehearsalError, simulate_session

PLAN = Plan(participant="p", hr_max_bpm=185, hr_max_source="measured", questions=("chest_pain",))


def session(
    seed: int, kind: Kind = "ordinary", *faults: AnyFault, model: Model = "first_order", name: str = "4x4"
) -> Rehearsal:
    rng = np.random.default_rng(seed)
    person = Population("addiction").draw(rng, kind)
    plan = plan_for(person, rng, protocol=name)
    return simulate_session(
        plan, load(name), SimulatedPerson(person, draw_day(rng), rng, model=model), faults=faults, rng=rng
    )


@pytest.mark.parametrize("model", ["first_order", "two_component"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_person_comes_to_the_end_of_a_session(kind: Kind, model: Model) -> None:
    rehearsal = session(1, kind, model=model)
    assert rehearsal.summary.end_reason == "done"
    assert rehearsal.summary.mood is not None
    assert all(one.borg is not None for one in rehearsal.summary.intervals)
    assert rehearsal.refused == ()


@pytest.mark.parametrize("name", builtin_names())
def test_every_built_in_protocol_can_be_rehearsed(name: str) -> None:
    assert session(2, name=name).summary.end_reason == "done"


def test_the_same_seed_gives_the_same_session() -> None:
    assert session(3) == session(3)


def test_the_messages_are_a_journal_that_gives_the_same_session_again() -> None:
    rehearsal = session(4)
    state = begin(rehearsal.plan, rehearsal.protocol, default_guidance)
    for message in rehearsal.messages:
        state = step(state, message).state
    assert state.summary == rehearsal.summary


def test_a_clean_strap_is_believed_throughout() -> None:
    for seed in range(6):
        signal = session(seed).summary.signal
        assert (signal.implausible_s, signal.lost_s, signal.stale_s) == (0, 0, 0)


def test_guided_people_who_obey_spend_most_of_their_intervals_near_the_zone() -> None:
    minutes = [session(seed).summary.time_in_zone_s / 60 for seed in range(12)]
    assert float(np.median(minutes)) >= 6


@pytest.mark.parametrize(
    ("fault", "signals"),
    [
        (Dropout(start_s=700, length_s=40), {Signal.STALE, Signal.LOST}),
        (BurstAfterGap(start_s=700, length_s=15), {Signal.STALE}),
        (Frozen(start_s=700, length_s=120), {Signal.IMPLAUSIBLE}),
        (Doubled(start_s=700, length_s=60), {Signal.IMPLAUSIBLE}),
        (Offset(start_s=700, length_s=60, bpm=-40), {Signal.IMPLAUSIBLE}),
        (Reads(start_s=700, length_s=30, bpm=255), {Signal.IMPLAUSIBLE}),
        (Reads(start_s=700, length_s=30, bpm=0), {Signal.LOST}),
    ],
)
def test_a_fault_of_the_strap_is_noticed(fault: AnyFault, signals: set[Signal]) -> None:
    rehearsal = session(1, "ordinary", fault)
    seen = {event.signal for event in rehearsal.events if isinstance(event, SignalChanged) and event.t >= 700}
    assert signals <= seen


def test_nobody_is_urged_while_the_strap_is_silent_or_disbelieved() -> None:
    for seed in range(25):
        rng = np.random.default_rng(seed)
        rehearsal = session(seed, "ordinary", draw_fault(rng, 2520), draw_fault(rng, 2520))
        signal = Signal.LOST
        for event in rehearsal.events:
            match event:
                case SignalChanged():
                    signal = event.signal
                case AdviceGiven() if event.advice.direction is Direction.FASTER:
                    assert signal is Signal.LIVE, f"seed {seed}: urged at {event.t:g} s while {signal}"
                case _:
                    pass


def recording(seconds: int) -> SampleRecording:
    return SampleRecording(name="r.csv", samples=tuple(Sample(float(t), 120.0 + t % 3) for t in range(seconds)))


def test_a_recording_that_is_too_short_stops_the_session_where_it_ends() -> None:
    rehearsal = simulate_session(PLAN, load("4x4"), Recorded(recording(900)))
    assert (rehearsal.summary.end_reason, rehearsal.summary.training_s) == ("stopped", 899.0)
    assert rehearsal.messages.count(SessionCommand(899.0, CommandName.STOP, source="recording")) == 1


def test_a_recording_begins_where_it_is_told_to() -> None:
    rehearsal = simulate_session(PLAN, load("4x4"), Recorded(recording(4000), from_s=100.5))
    first = next(message for message in rehearsal.messages if isinstance(message, HeartRate))
    assert (first.t, first.bpm) == (0.5, 122.0)
    assert rehearsal.summary.completed


def test_a_beginning_beyond_the_end_is_refused() -> None:
    with pytest.raises(RecordingFileError, match="ends at 9 s, before 10 s"):
        Recorded(recording(10), from_s=10)


def test_a_plan_that_allows_no_session_today_is_told() -> None:
    capped = Plan(participant="p", hr_max_bpm=185, hr_max_source="measured", weekly_cap=2, sessions_last_7_days=3)
    with pytest.raises(RehearsalError, match="none today"):
        simulate_session(capped, load("4x4"), Recorded(recording(900)))
