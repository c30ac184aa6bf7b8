"""What the diary knows of earlier sessions reaches the next plan."""

from typing import Any

from msgspec.structs import replace

from coach.default_guidance import default_guidance
from coach.plan import Plan
from coach.state import begin
from coach.summary import SignalSeconds, Summary
from firmware.past_training import PastTraining
from firmware.plans import GUEST
from firmware.protocol_store import load

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


def hours_ago(*sessions: tuple[float, Summary]) -> PastTraining:
    past = PastTraining()
    for place, (hours, one) in enumerate(sessions):
        past = past.with_session(f"s{place}", NOW_S - hours * HOUR_S - one.duration_s, one)
    return past


def test_sessions_of_the_week_are_counted_and_the_last_one_is_timed() -> None:
    past = hours_ago((200, summary()), (90, summary()), (30, summary()), (10, summary("p2")))
    told = past.informed(PLAN, NOW_S)
    assert (told.sessions_last_7_days, told.hours_since_last, told.session_number) == (2, 30.0, 4)


def test_a_session_broken_off_early_counts_for_nothing() -> None:
    told = hours_ago((5, summary(training_s=300.0))).informed(PLAN, NOW_S)
    assert (told.sessions_last_7_days, told.hours_since_last, told.session_number) == (0, None, 1)


def test_what_was_learned_last_goes_into_the_next_plan() -> None:
    past = hours_ago((30, summary(response={"kind": "x", "n": 2})), (90, summary(response={"kind": "x", "n": 1})))
    assert past.informed(PLAN, NOW_S).response == {"kind": "x", "n": 2}
    own = replace(PLAN, response={"kind": "x", "n": 9})
    assert past.informed(own, NOW_S).response == {"kind": "x", "n": 9}


def test_of_what_the_server_counted_and_the_diary_the_stricter_counts() -> None:
    past = hours_ago((100, summary()), (60, summary()))
    elsewhere = replace(PLAN, sessions_last_7_days=3, hours_since_last=5.0)
    told = past.informed(elsewhere, NOW_S)
    assert (told.sessions_last_7_days, told.hours_since_last) == (3, 5.0)
    rested = past.informed(replace(PLAN, sessions_last_7_days=1, hours_since_last=90.0), NOW_S)
    assert (rested.sessions_last_7_days, rested.hours_since_last) == (2, 60.0)


def test_a_count_ages_with_the_plan_that_holds_it() -> None:
    """A plan of last week must not close today's session for ever."""
    counted = replace(PLAN, sessions_last_7_days=3, hours_since_last=5.0)
    two_days = replace(counted, counted_at_wall_s=NOW_S - 48 * HOUR_S)
    told = PastTraining().informed(two_days, NOW_S)
    assert (told.sessions_last_7_days, told.hours_since_last) == (3, 53.0)
    a_week = replace(counted, counted_at_wall_s=NOW_S - 168 * HOUR_S)
    assert PastTraining().informed(a_week, NOW_S).sessions_last_7_days == 0
    behind = replace(counted, counted_at_wall_s=NOW_S + 48 * HOUR_S)
    assert PastTraining().informed(behind, NOW_S).hours_since_last == 5.0


def test_guests_inherit_nothing_from_each_other() -> None:
    guest = replace(PLAN, participant=GUEST)
    assert hours_ago((3, summary(GUEST, response={"kind": "x"}))).informed(guest, NOW_S) == guest


def test_a_session_from_the_future_is_left_out() -> None:
    told = hours_ago((-500, summary())).informed(PLAN, NOW_S)
    assert (told.sessions_last_7_days, told.hours_since_last) == (0, None)


def test_a_newer_summary_of_the_same_session_is_no_second_session() -> None:
    past = PastTraining().with_session("s", NOW_S - 7200, summary()).with_session("s", NOW_S - 7200, summary())
    assert past.informed(PLAN, NOW_S).sessions_last_7_days == 1


def test_the_weekly_cap_closes_the_next_session_by_the_diary_alone() -> None:
    """Hazard H13: the machine itself counts; the therapist releases."""
    capped = hours_ago((90, summary()), (30, summary())).informed(replace(PLAN, weekly_cap=2), NOW_S)
    assert begin(capped, load("4x4"), default_guidance).stage == "not_today"
    assert begin(replace(capped, cap_released=True), load("4x4"), default_guidance).stage == "ready"
