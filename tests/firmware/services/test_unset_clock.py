"""No person is refused, expired or called back by a clock that is not set (docs/clock.md)."""

from msgspec.structs import replace

from coach.guidance.defaults import default_guidance
from coach.model.messages import Readiness
from coach.model.plan import TRAINED_LATELY, TRAINED_OFTEN, Plan
from coach.progress.my_training import TrainingDay, my_training, step_back
from coach.session.engine import step
from coach.session.state import begin
from firmware.participants.plan_files import expired
from firmware.participants.protocol_files import load
from firmware.services.training_history import TrainingHistory, training_day
from firmware.system.known_time import KnownTime, trusted_moment
from firmware.system.timestamps import Timestamp
from tests.support.machine.session_factory import summary
from tests.support.machine.unplugged_weeks import as_if_set, live_through

WALL_S = 1_800_000_000.0
HOUR_S = 3600.0
PLAN = Plan(participant="p1", hr_max_bpm=185.0, rest_hours=20.0, weekly_cap=1)


def unset(boot_id: str, monotonic_s: float, wall_s: float) -> Timestamp:
    return Timestamp(boot_id, monotonic_s, wall_s, synchronised=False)


def trained(begun: Timestamp) -> TrainingHistory:
    return TrainingHistory().with_session("s1", begun, replace(summary(), participant="p1"))


def test_in_weeks_of_nights_without_power_no_person_is_refused_wrongly() -> None:
    """The short form of `python -m benchmarks.campaign_clock`, which lives through 1,000 weeks."""
    found = live_through(24)
    assert (found.wrongly_refused, found.rest_broken, found.over_the_cap, found.closure_broken) == (0, 0, 0, 0)
    assert found.begun > 100
    assert found.rightly_refused > 100
    assert live_through(24, believed=as_if_set).wrongly_refused > 0


def test_after_a_night_without_power_the_person_is_asked_whether_they_trained() -> None:
    past = trained(unset("boot-1", 100.0, WALL_S))
    now = past.known_time(unset("boot-2", 60.0, WALL_S + 4 * HOUR_S))
    told = past.informed(PLAN, now)
    assert (told.sessions_last_7_days, told.hours_since_last, told.opens_wall_s) == (0, None, None)
    assert told.questions == (TRAINED_LATELY, TRAINED_OFTEN)
    state = begin(told, load("4x4"), default_guidance)
    assert step(state, Readiness(1.0, dict.fromkeys(told.questions, False))).state.stage == "ready"
    for question, reason in ((TRAINED_LATELY, "rest"), (TRAINED_OFTEN, "weekly_cap")):
        rests = step(state, Readiness(1.0, dict.fromkeys(told.questions, False) | {question: True})).state
        assert (rests.stage, rests.closed_because, rests.notices) == ("not_today", reason, ())


def test_within_one_boot_rest_and_cap_hold_whatever_the_wall_clock_shows() -> None:
    past = trained(unset("boot-1", 100.0, WALL_S))
    hours = (past.sessions["s1"].ended.monotonic_s - 100.0) / HOUR_S
    now = past.known_time(unset("boot-1", 100.0 + (hours + 5.0) * HOUR_S, 0.0))
    told = past.informed(PLAN, now)
    assert (told.sessions_last_7_days, told.hours_since_last, told.questions) == (1, 5.0, ())


def test_of_what_the_server_counted_nothing_is_held_against_a_person_by_an_unset_clock() -> None:
    plan = replace(PLAN, sessions_last_7_days=3, hours_since_last=2.0, counted_at_wall_s=WALL_S)
    told = TrainingHistory().informed(plan, KnownTime(unset("boot-2", 60.0, WALL_S + HOUR_S)))
    assert (told.sessions_last_7_days, told.hours_since_last) == (0, None)
    assert told.questions == (TRAINED_LATELY, TRAINED_OFTEN)
    later = KnownTime(unset("boot-2", 60.0, 0.0), {}, WALL_S + 169 * HOUR_S)
    assert TrainingHistory().informed(plan, later).questions == ()


def test_a_plan_expires_by_a_time_that_is_known_and_by_no_other() -> None:
    plan = replace(PLAN, valid_until_wall_s=WALL_S)
    assert not expired(plan, KnownTime(unset("b", 5.0, WALL_S + 3 * 365 * 24 * HOUR_S)))
    assert expired(plan, KnownTime(trusted_moment(WALL_S)))
    assert expired(plan, KnownTime(unset("b", 5.0, 0.0), {}, WALL_S + 1.0))


def test_a_session_of_an_unset_clock_keeps_its_place_and_has_no_date() -> None:
    past = TrainingHistory()
    for number, wall_s in enumerate((WALL_S, 12.0, WALL_S + 90 * HOUR_S)):
        begun = Timestamp(f"boot-{number}", 9.0, wall_s, synchronised=wall_s > WALL_S - 1)
        past = past.with_session(f"s{number}", begun, replace(summary(), participant="p1"))
    now = past.known_time(Timestamp("boot-9", 60.0, WALL_S + 100 * HOUR_S, synchronised=True))
    sessions = past.trained_by("p1", now)
    assert [one.session_id for one in sessions] == ["s0", "s1", "s2"]
    shown = my_training(sessions, PLAN, None, training_day(now.wall_s))
    assert [one.ended_wall_s is None for one in shown.sessions] == [False, True, False]


def test_my_training_names_no_week_and_no_break_by_an_unset_clock() -> None:
    past = trained(Timestamp("boot-1", 9.0, WALL_S, synchronised=True))
    sessions = past.trained_by("p1", KnownTime(unset("boot-2", 60.0, 4e9), {"boot-1": WALL_S - 9.0}))
    day = TrainingDay(None)
    shown = my_training(sessions, PLAN, None, day)
    assert (shown.week_done, shown.weeks, shown.back_after_days) == (None, 0, None)
    assert step_back(sessions, PLAN, day) == PLAN
