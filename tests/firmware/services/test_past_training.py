"""What the diary knows of earlier sessions reaches the next plan."""

from typing import Any

from msgspec.structs import replace

from coach.guidance.defaults import default_guidance
from coach.model.plan import KnownSession, Plan
from coach.model.summary import SignalSeconds, Summary
from coach.session.state import begin
from firmware.participants.plan_files import GUEST
from firmware.participants.protocol_files import load
from firmware.services.training_history import TrainingHistory
from firmware.system.known_time import KnownTime
from firmware.system.timestamps import Timestamp

HOUR_S = 3600.0
NOW_S = 1_800_000_000.0
PLAN = Plan(participant="p1", hr_max_bpm=185)


def summary(participant: str = "p1", training_s: float = 2400.0, response: dict[str, Any] | None = None) -> Summary:
    return Summary(
        protocol="4x4",
        participant=participant,
        completed=True,
        end_reason="done",
        duration_s=training_s,
        training_s=training_s,
        completed_intervals=4,
        planned_intervals=4,
        time_in_zone_s=600.0,
        above_95_s=0.0,
        peak_bpm=170.0,
        mean_bpm=140.0,
        load=100.0,
        hr_max_bpm=185.0,
        borg=None,
        mood=None,
        intervals=(),
        signal=SignalSeconds(),
        signal_quality_fraction=1.0,
        notices=(),
        response=response,
    )


def moment(wall_s: float) -> Timestamp:
    """A moment in a boot that is over, when the clock was set."""
    return Timestamp("past", 0.0, wall_s, synchronised=True)


def at(wall_s: float) -> KnownTime:
    """Now, with the clock set."""
    return KnownTime(Timestamp("now", 60.0, wall_s, synchronised=True))


def hours_ago(*sessions: tuple[float, Summary]) -> TrainingHistory:
    past = TrainingHistory()
    for place, (hours, one) in enumerate(sessions):
        past = past.with_session(f"s{place}", moment(NOW_S - hours * HOUR_S - one.duration_s), one)
    return past


def test_sessions_of_the_week_are_counted_and_the_last_one_is_timed() -> None:
    past = hours_ago((200, summary()), (90, summary()), (30, summary()), (10, summary("p2")))
    told = past.informed(PLAN, at(NOW_S))
    assert (told.sessions_last_7_days, told.hours_since_last, told.session_number) == (2, 30.0, 4)


def test_a_session_broken_off_early_counts_for_nothing() -> None:
    told = hours_ago((5, summary(training_s=300.0))).informed(PLAN, at(NOW_S))
    assert (told.sessions_last_7_days, told.hours_since_last, told.session_number) == (0, None, 1)


def test_what_was_learned_last_goes_into_the_next_plan() -> None:
    past = hours_ago((30, summary(response={"kind": "x", "n": 2})), (90, summary(response={"kind": "x", "n": 1})))
    assert past.informed(PLAN, at(NOW_S)).response == {"kind": "x", "n": 2}
    own = replace(PLAN, response={"kind": "x", "n": 9})
    assert past.informed(own, at(NOW_S)).response == {"kind": "x", "n": 9}


def test_of_what_the_server_counted_and_the_diary_the_stricter_counts() -> None:
    past = hours_ago((100, summary()), (60, summary()))
    elsewhere = replace(PLAN, sessions_last_7_days=3, hours_since_last=5.0)
    told = past.informed(elsewhere, at(NOW_S))
    assert (told.sessions_last_7_days, told.hours_since_last) == (3, 5.0)
    rested = past.informed(replace(PLAN, sessions_last_7_days=1, hours_since_last=90.0), at(NOW_S))
    assert (rested.sessions_last_7_days, rested.hours_since_last) == (2, 60.0)


def test_a_count_ages_with_the_plan_that_holds_it() -> None:
    """A plan of last week must not close today's session for ever."""
    counted = replace(PLAN, sessions_last_7_days=3, hours_since_last=5.0)
    two_days = replace(counted, counted_at_wall_s=NOW_S - 48 * HOUR_S)
    told = TrainingHistory().informed(two_days, at(NOW_S))
    assert (told.sessions_last_7_days, told.hours_since_last) == (3, 53.0)
    a_week = replace(counted, counted_at_wall_s=NOW_S - 168 * HOUR_S)
    assert TrainingHistory().informed(a_week, at(NOW_S)).sessions_last_7_days == 0
    behind = replace(counted, counted_at_wall_s=NOW_S + 48 * HOUR_S)
    assert TrainingHistory().informed(behind, at(NOW_S)).hours_since_last == 5.0


def known(*told: tuple[str, float], not_theirs: tuple[str, float] | None = None, counted_h_ago: float = 0.0) -> Plan:
    """A plan that names sessions, each by its id and how many hours ago it ended."""
    sessions = [KnownSession(session_id, NOW_S - hours * HOUR_S) for session_id, hours in told]
    if not_theirs is not None:
        sessions.append(KnownSession(not_theirs[0], NOW_S - not_theirs[1] * HOUR_S, counts=False))
    return replace(PLAN, weekly_cap=2, known_sessions=tuple(sessions), counted_at_wall_s=NOW_S - counted_h_ago * HOUR_S)


def week(plan: Plan) -> tuple[int, float | None]:
    return plan.sessions_last_7_days, plan.hours_since_last


def test_a_session_that_the_server_and_the_diary_know_is_one() -> None:
    past = hours_ago((30, summary()), (10, summary()))
    told = past.informed(known(("s0", 30.0), ("elsewhere", 20.0)), at(NOW_S))
    assert week(told) == (3, 10.0)
    assert told.known_sessions is None


def test_without_a_word_from_the_server_the_own_diary_counts() -> None:
    assert week(hours_ago((30, summary())).informed(known(), at(NOW_S))) == (1, 30.0)


def test_each_session_elsewhere_leaves_the_week_at_its_own_time() -> None:
    plan = known(("a", 100.0), ("b", 5.0), counted_h_ago=1.0)
    assert week(TrainingHistory().informed(plan, at(NOW_S))) == (2, 5.0)
    assert week(TrainingHistory().informed(plan, at(NOW_S + 68 * HOUR_S))) == (1, 73.0)
    assert week(TrainingHistory().informed(plan, at(NOW_S + 163 * HOUR_S))) == (0, 168.0)


def test_a_session_counted_for_somebody_else_leaves_the_cap() -> None:
    past = hours_ago((30, summary()))
    assert week(past.informed(known(not_theirs=("s0", 30.0)), at(NOW_S))) == (0, None)


def test_a_session_of_another_person_that_is_this_ones_counts() -> None:
    past = hours_ago((30, summary("p2")))
    assert week(past.informed(known(("s0", 30.0)), at(NOW_S))) == (1, 30.0)


def test_a_clock_that_is_behind_counts_from_when_the_server_made_its_list() -> None:
    past = hours_ago((2, summary()))
    assert week(past.informed(known(("a", 20.0)), at(NOW_S - 1000 * HOUR_S))) == (2, 2.0)


def test_the_cap_that_was_reached_elsewhere_closes_the_session_here() -> None:
    """Hazard H13: whoever trained twice at another machine has reached a cap of two here."""
    capped = TrainingHistory().informed(known(("a", 90.0), ("b", 30.0)), at(NOW_S))
    assert begin(capped, load("4x4"), default_guidance).stage == "not_today"


def test_guests_inherit_nothing_from_each_other() -> None:
    guest = replace(PLAN, participant=GUEST)
    assert hours_ago((3, summary(GUEST, response={"kind": "x"}))).informed(guest, at(NOW_S)) == guest


def test_a_session_from_the_future_is_left_out() -> None:
    told = hours_ago((-500, summary())).informed(PLAN, at(NOW_S))
    assert (told.sessions_last_7_days, told.hours_since_last) == (0, None)


def test_a_newer_summary_of_the_same_session_is_no_second_session() -> None:
    begun = moment(NOW_S - 7200)
    past = TrainingHistory().with_session("s", begun, summary()).with_session("s", begun, summary())
    assert past.informed(PLAN, at(NOW_S)).sessions_last_7_days == 1


def test_the_weekly_cap_closes_the_next_session_by_the_diary_alone() -> None:
    """Hazard H13: the machine itself counts; the therapist releases."""
    capped = hours_ago((90, summary()), (30, summary())).informed(replace(PLAN, weekly_cap=2), at(NOW_S))
    assert begin(capped, load("4x4"), default_guidance).stage == "not_today"
    assert begin(replace(capped, cap_released=True), load("4x4"), default_guidance).stage == "ready"
