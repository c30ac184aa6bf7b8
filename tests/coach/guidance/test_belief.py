"""What the guidance believes from second to second, and when it doubts the rate (hazard H3)."""

import numpy as np
import pytest
from msgspec.structs import replace

from coach.guidance import perceived_exertion
from coach.guidance.advice_policy import Setting
from coach.guidance.belief import BeliefState
from coach.guidance.first_reading_check import PriorPrediction, RateFall, RateRise, expectation
from coach.guidance.heart_model import DRIFT, FAST, GAIN, SLOW, FilterBank
from coach.guidance.interface import GuidanceInput
from coach.guidance.priors import GAIT_SHARES, first_bank, met_today
from coach.guidance.treadmill_load import demands
from coach.guidance.unknown_load import (
    FLAT,
    LATE,
    WAY_SHARES,
    WAYS,
    loads_by_way,
    merge_hypotheses,
    relabelled,
    settings_after,
    split_hypotheses,
)
from coach.model.events import HrMaxFinding, Signal
from coach.model.plan import Load, Plan
from coach.model.protocol import Phase, PhaseKind, Zone

PLAN = Plan(participant="p", hr_max_bpm=180.0, hr_max_source="measured", age=40, start=Load(6.0, 5.0))
BANK = first_bank(PLAN, PLAN.start, None)
STANDS, WALKS, CLIMBS = Setting(0.0, 0.0), Setting(4.0, 5.0), Setting(6.0, 5.0)
UNKNOWN = (CLIMBS,) * WAYS + (WALKS,) * WAYS
WARM_UP = Phase(PhaseKind.WARM_UP, 600, Zone(0.6, 0.7))
INTERVAL = Phase(PhaseKind.INTERVAL, 240, Zone(0.85, 0.95), interval=1)
RECOVERY = Phase(PhaseKind.RECOVERY, 180, Zone(0.6, 0.7))
EXPECTED = PriorPrediction(
    rest_bpm=80.0,
    gain=0.0,
    rest_variance=64.0,
    gain_variance=0.0,
    reserve_bpm=100.0,
    bends_from=0.9,
    rise_bpm=20.0,
)
"""100 bpm is expected, ± 10: the root of 8² for rest and 6² for the rest of it."""


def watch(**known: object) -> BeliefState:
    """A belief before anything was read, with some of it given."""
    return BeliefState(**({"plan": PLAN, "bank": BANK, "person": None} | known))  # type: ignore[arg-type]


def moment(t: float, bpm: float | None = 100.0, **known: object) -> GuidanceInput:
    """One second of a warm-up at 4 km/h and 5 %, with a live rate."""
    usual: dict[str, object] = {
        "phase": WARM_UP,
        "second": int(t),
        "length_s": 600,
        "signal": Signal.LIVE,
        "fresh_s": 0.0,
        "flat_s": 0.0,
        "low_bpm": None,
        "high_bpm": None,
        "speed_kmh": 4.0,
        "incline_percent": 5.0,
        "borg": None,
        "increase_allowed": True,
        "quiet": False,
    }
    return GuidanceInput(t=t, bpm=bpm, **(usual | known))  # type: ignore[arg-type]


def load_of(*settings: Setting) -> np.ndarray:
    return np.array([demands(one.speed_kmh, one.incline_percent) for one in settings])


def slot(before: BeliefState, bpm: float, start_t: float = 1.0, **known: object) -> BeliefState:
    """Live five seconds with this rate."""
    now = before
    for second in range(5):
        now = now.with_observation(moment(start_t + second, bpm, **known))
    return now


# When the rate is doubted


@pytest.mark.parametrize(
    ("phase", "misfit", "doubt"),
    [
        (PhaseKind.WARM_UP, 9.0, None),
        (PhaseKind.WARM_UP, 9.1, "model_disagrees"),
        (PhaseKind.WARM_UP, -9.0, None),
        (PhaseKind.WARM_UP, -9.1, "model_disagrees"),
        (PhaseKind.INTERVAL, 11.25, None),
        (PhaseKind.INTERVAL, 11.3, "model_disagrees"),
        (PhaseKind.RECOVERY, -11.25, None),
        (PhaseKind.RECOVERY, -11.3, "model_disagrees"),
        (None, 11.25, None),
    ],
)
def test_misses_that_add_up_to_three_quarters_of_the_limit_are_a_doubt(
    phase: PhaseKind | None, misfit: float, doubt: str | None
) -> None:
    assert watch(phase=phase, misfit=misfit).doubt == doubt


def test_misses_are_no_doubt_where_the_load_is_not_known() -> None:
    assert watch(phase=PhaseKind.WARM_UP, misfit=50.0, settings=UNKNOWN).doubt is None


def test_a_doubt_holds_until_its_time_has_passed() -> None:
    assert watch(doubted_until_t=70.0).doubt == "model_disagrees"
    assert watch(jumped_until_t=70.0).doubt == "model_disagrees"
    assert watch().doubt is None


@pytest.mark.parametrize(
    ("bpm", "known", "doubt"),
    [
        (69.9, {}, "model_disagrees"),
        (70.1, {}, None),
        (69.9, {"phase": PhaseKind.INTERVAL}, "model_disagrees"),
        (70.1, {"phase": PhaseKind.INTERVAL}, None),
        (140.0, {}, None),
        (50.0, {"expected": None}, None),
        (49.9, {"expected": replace(EXPECTED, rise_bpm=0.0)}, "model_disagrees"),
        (100.0, {"fall": RateFall(highest_bpm=107.0)}, "model_disagrees"),
        (100.1, {"fall": RateFall(highest_bpm=107.0)}, None),
        (100.0, {"fall": RateFall(highest_bpm=107.0), "expected": None}, "model_disagrees"),
    ],
)
def test_a_rate_that_may_be_a_dry_straps_is_doubted(bpm: float, known: dict[str, object], doubt: str | None) -> None:
    state: dict[str, object] = {"phase": PhaseKind.WARM_UP, "expected": EXPECTED, "recent_bpm": (120.0, bpm)}
    assert watch(**(state | known)).doubt == doubt
    assert watch(**(state | known | {"recent_bpm": ()})).doubt is None


# A rate that leaps


@pytest.mark.parametrize(
    ("t", "miss_bpm", "known", "expected"),
    [
        (60.0, 20.1, {}, (180.0, 0)),
        (60.0, -20.1, {}, (180.0, 0)),
        (60.0, 20.0, {}, (None, 0)),
        (59.0, 40.0, {}, (None, 0)),
        (90.0, 40.0, {"settings": UNKNOWN}, (None, 0)),
        (90.0, 30.0, {"jumped_until_t": 100.0}, (210.0, 0)),
        (90.0, 7.9, {"jumped_until_t": 150.0, "calm": 10}, (150.0, 11)),
        (90.0, -7.9, {"jumped_until_t": 150.0, "calm": 11}, (None, 12)),
        (90.0, 8.0, {"jumped_until_t": 150.0, "calm": 11}, (150.0, 0)),
        (150.0, 15.0, {"jumped_until_t": 150.0, "calm": 3}, (150.0, 0)),
        (151.0, 15.0, {"jumped_until_t": 150.0, "calm": 3}, (None, 0)),
        (90.0, 0.0, {"calm": 20}, (None, 21)),
    ],
)
def test_a_leap_of_over_20_bpm_is_doubted_for_two_minutes_or_until_the_rate_was_calm_for_12_seconds(
    t: float, miss_bpm: float, known: dict[str, object], expected: tuple[float | None, int]
) -> None:
    assert watch(**known).leapt(t, miss_bpm) == expected


def test_a_second_with_a_rate_is_held_against_the_forecast_and_one_without_is_not() -> None:
    before = watch(foretold_bpm=100.0, t=79.0, calm=4)
    assert (
        before.with_observation(moment(80.0, 121.0)).jumped_until_t,
        before.with_observation(moment(80.0, 121.0)).calm,
    ) == (
        200.0,
        0,
    )
    assert (
        before.with_observation(moment(80.0, 120.0)).jumped_until_t,
        before.with_observation(moment(80.0, 99.0)).calm,
    ) == (None, 5)
    silent = before.with_observation(moment(80.0, None, signal=Signal.STALE))
    assert (silent.jumped_until_t, silent.calm) == (None, 4)
    assert watch(t=79.0).with_observation(moment(80.0, 190.0)).jumped_until_t is None


# The treadmill's setting


def test_a_measured_setting_is_taken() -> None:
    before = watch(settings=(WALKS,))
    measured = before.treadmill_now(moment(1.0))
    assert (measured.settings, measured.measured, measured.bank == BANK) == ((WALKS,), True, True)
    assert before.treadmill_now(moment(1.0, speed_kmh=6.0)).settings == (CLIMBS,)
    assert before.treadmill_now(moment(1.0, speed_kmh=3.0, incline_percent=None)).settings == (Setting(3.0, 0.0),)


def test_a_setting_that_is_believed_no_more_is_unlearned_and_what_was_asked_for_is_supposed() -> None:
    before = watch(settings=(WALKS,), measured=True, bank=BANK.predict(load_of(CLIMBS)))
    doubted = before.treadmill_now(moment(1.0, speed_kmh=None, asked_kmh=6.0))
    assert (doubted.settings, doubted.measured) == ((CLIMBS,), False)
    assert doubted.bank == replace(BANK, inputs=before.bank.inputs).inflate_covariance(SLOW, 8.0)
    unasked = before.treadmill_now(moment(1.0, speed_kmh=None, incline_percent=None))
    assert unasked.settings == (Setting(4.0, 0.0),)


def test_a_setting_that_was_asked_for_is_supposed_once_it_can_have_been_set() -> None:
    late = tuple(1 + 2 * (place % WAYS == LATE) for place in range(2 * WAYS))
    now = watch(settings=(STANDS,) * (2 * WAYS), next_settings=UNKNOWN, switch_in_s=late)
    asked = moment(1.0, speed_kmh=None)
    waiting = now.treadmill_now(asked)
    assert waiting.settings == now.settings
    supposed = waiting.treadmill_now(asked)
    assert [place % WAYS for place, one in enumerate(supposed.settings) if one == STANDS] == [LATE, LATE]
    settled = supposed.treadmill_now(asked).treadmill_now(asked)
    assert settled.settings == UNKNOWN
    assert settled.treadmill_now(asked) is settled


def test_a_speed_that_becomes_known_leaves_one_branch_of_the_belief() -> None:
    branches = split_hypotheses(BANK, 6.0)
    seen = (CLIMBS, *(STANDS,) * (2 * WAYS - 1))
    before = watch(bank=branches, settings=UNKNOWN, next_settings=UNKNOWN, loads=(seen,) * 2, by_way=True)
    known = before.treadmill_now(moment(1.0))
    bank, best = merge_hypotheses(branches, 2)
    assert best == 0
    assert (known.settings, known.next_settings, known.measured, known.by_way) == ((WALKS,), (), True, False)
    assert known.bank == relabelled(bank, GAIT_SHARES)
    assert known.loads == ((CLIMBS,),) * 2


def test_each_way_makes_its_own_of_an_advice() -> None:
    was = (WALKS,) * WAYS
    assert settings_after(was, CLIMBS, working=True) == (CLIMBS, CLIMBS, CLIMBS, Setting(5.0, 5.0), WALKS)
    assert settings_after(was, CLIMBS, working=False)[FLAT] == Setting(6.0, 0.0)
    assert settings_after((STANDS,) * WAYS, CLIMBS, working=True)[-1] == CLIMBS


def test_what_one_day_showed_of_following_and_of_the_heart_serves_a_day_whose_belt_is_read() -> None:
    ways = relabelled(BANK, WAY_SHARES)
    person = met_today(None, ways, PLAN, by_way=True)
    today = watch(bank=first_bank(PLAN, PLAN.start, person), person=person, by_way=True)
    known = today.treadmill_now(moment(1.0))
    assert not known.by_way
    assert known.bank == relabelled(today.bank, GAIT_SHARES)
    assert known.treadmill_now(moment(2.0, speed_kmh=None)).by_way
    assert known._forgotten(known.bank).mean.shape == BANK.mean.shape


# Seconds and slots


def test_four_seconds_are_gathered_and_the_fifth_moves_the_belief_on() -> None:
    now = watch()
    for t in (1.0, 2.0):
        now = now.with_observation(moment(t, 100.0 + t))
    now = now.with_observation(moment(3.0, None, signal=Signal.STALE)).with_observation(
        moment(4.0, 99.0, signal=Signal.WEAK)
    )
    gathered = (now.t, now.slot_s, now.loads, now.reading_sum_bpm, now.readings, now.weak, now.phase_s)
    assert gathered == (4.0, 4, ((WALKS,),) * 4, 302.0, 3, True, 4)
    assert now.bank == BANK
    closed = now.with_observation(moment(5.0, 98.0))
    bank, surprise = BANK.predict(load_of(WALKS)).update(100.0, 4.0)
    assert closed.bank == bank
    assert (closed.recent_bpm, closed.misfit, closed.odd) == ((100.0,), surprise, int(abs(surprise) >= 2.5))
    assert (closed.slot_s, closed.loads, closed.reading_sum_bpm, closed.readings, closed.weak) == (0, (), 0.0, 0, False)
    assert closed.foretold_bpm == bank.average(bank.rate_bpm)


def test_a_rate_that_is_not_usable_teaches_nothing() -> None:
    now = slot(watch(), 150.0, signal=Signal.IMPLAUSIBLE)
    assert now.bank == BANK.predict(load_of(WALKS))
    assert (now.recent_bpm, now.misfit, now.odd) == ((), 0.0, 0)


def test_live_rates_are_met_with_the_readings_own_spread() -> None:
    now = slot(watch(), 96.0)
    bank, _ = BANK.predict(load_of(WALKS)).update(96.0)
    assert now.bank == bank


def test_a_setting_that_changes_within_a_slot_counts_by_its_seconds() -> None:
    now = watch()
    for t in (1.0, 2.0, 3.0):
        now = now.with_observation(moment(t))
    for t in (4.0, 5.0):
        now = now.with_observation(moment(t, speed_kmh=6.0))
    load = (3 * load_of(WALKS) + 2 * load_of(CLIMBS)) / 5
    expected = BANK.predict(load).update(100.0)[0]
    assert np.allclose(now.bank.mean, expected.mean)
    assert np.allclose(now.bank.inputs, expected.inputs)


def test_a_pause_makes_the_rate_less_sure_and_two_seconds_in_a_row_do_not() -> None:
    before = watch(t=10.0, settings=(WALKS,))
    assert before.with_observation(moment(11.5)).bank == BANK
    assert before.with_observation(moment(11.6)).bank == BANK.inflate_covariance(SLOW, 15.0)
    assert watch().with_observation(moment(100.0)).bank == BANK


def test_the_seconds_of_the_phase_are_kept_through_its_second_nought() -> None:
    assert watch(phase_s=240).with_observation(moment(300.0, second=0)).phase_s == 240
    assert watch(phase_s=240).with_observation(moment(300.0, second=7)).phase_s == 7


def test_the_last_minute_of_readings_is_kept() -> None:
    now = slot(watch(recent_bpm=tuple(float(n) for n in range(12))), 100.0)
    assert now.recent_bpm == (*(float(n) for n in range(1, 12)), 100.0)


def test_a_rate_is_proven_once_it_was_heard_for_twelve_minutes() -> None:
    before = watch(heard_s=719)
    assert not before.proven
    assert before.with_observation(moment(1.0, signal=Signal.STALE)).heard_s == 719
    heard = before.with_observation(moment(1.0))
    assert (heard.heard_s, heard.proven) == (720, True)


def test_a_tenth_of_the_misses_is_forgotten_in_each_slot() -> None:
    _, surprise = BANK.predict(load_of(WALKS)).update(100.0)
    assert slot(watch(misfit=5.0), 100.0).misfit == 0.9 * 5.0 + surprise


def odd_bank() -> tuple[FilterBank, float]:
    """A belief that is sure of a rate near 80, so that 150 surprises it by the most that counts."""
    bank = BANK
    for _ in range(40):
        bank, _ = bank.predict(load_of(WALKS)).update(80.0)
    return bank, bank.predict(load_of(WALKS)).update(150.0)[1]


def test_surprises_in_a_row_are_counted_and_one_that_is_none_ends_the_row() -> None:
    bank, surprise = odd_bank()
    assert surprise >= 2.5
    assert slot(watch(bank=bank, odd=1), 150.0).odd == 2
    assert slot(watch(bank=bank, odd=1), 80.0).odd == 0


@pytest.mark.parametrize(("misfit", "after"), [(11.0, 70.0), (9.0, None)])
def test_misses_past_the_limit_are_a_doubt_for_a_minute_and_count_half_from_then(
    misfit: float, after: float | None
) -> None:
    bank, surprise = odd_bank()
    now = slot(watch(bank=bank, misfit=misfit, phase=PhaseKind.WARM_UP), 150.0, start_t=6.0)
    total = 0.9 * misfit + surprise
    assert (now.doubted_until_t, now.misfit) == (after, total / 2 if after else total)


def test_a_warm_up_that_missed_too_much_is_unlearned_and_any_later_phase_is_not() -> None:
    bank, _ = odd_bank()
    unlearned = slot(watch(bank=bank, misfit=11.0, phase=PhaseKind.WARM_UP), 150.0)
    inputs = bank.predict(load_of(WALKS)).inputs
    assert unlearned.bank == replace(BANK, inputs=inputs).inflate_covariance(SLOW, 25.0).inflate_covariance(FAST, 12.5)
    assert unlearned.calm == -120
    later = slot(watch(bank=bank, misfit=15.0, phase=PhaseKind.INTERVAL), 150.0)
    assert later.bank == bank.predict(load_of(WALKS)).update(150.0)[0]
    assert (later.doubted_until_t, later.calm) == (65.0, 5)


def test_misses_up_to_fifteen_are_no_doubt_after_the_warm_up() -> None:
    bank, _ = odd_bank()
    assert slot(watch(bank=bank, misfit=12.0, phase=PhaseKind.INTERVAL), 150.0).doubted_until_t is None


def test_a_doubt_is_over_at_the_first_slot_after_its_time() -> None:
    assert slot(watch(doubted_until_t=5.0), 100.0).doubted_until_t == 5.0
    assert slot(watch(doubted_until_t=4.9), 100.0).doubted_until_t is None


def test_what_anybody_would_show_is_followed_until_the_rate_has_proven_itself() -> None:
    told = expectation(BANK)
    later = told.after(demands(4.0, 5.0)[0][0], 5)
    before = watch(expected=told, phase=PhaseKind.WARM_UP)
    assert slot(before, 100.0).expected == later
    assert slot(before, 40.0).expected == later
    assert slot(before, 100.0, signal=Signal.STALE).expected == later
    working = replace(before, phase=PhaseKind.INTERVAL)
    assert slot(working, 100.0).expected is None
    assert slot(working, 40.0).expected == later
    assert slot(working, 100.0, signal=Signal.STALE).expected == later


def test_where_no_load_is_known_the_least_that_a_person_who_follows_would_take_is_expected() -> None:
    told = expectation(BANK)
    taken, left_out = (CLIMBS, replace(CLIMBS, incline_percent=0.0), CLIMBS, CLIMBS, CLIMBS), (STANDS,) * WAYS
    branches = watch(
        bank=split_hypotheses(BANK, 6.0), settings=(*taken, *left_out), expected=told, phase=PhaseKind.WARM_UP
    )
    least = told.after(demands(CLIMBS.speed_kmh, 0.0)[0][0], 5)
    assert slot(branches, 100.0, speed_kmh=None).expected == least
    assert slot(branches, 40.0, speed_kmh=None).expected == least
    assert slot(branches, 40.0, speed_kmh=None).doubt == "model_disagrees"


def test_falls_are_followed_in_warm_up_and_work_also_by_the_load_that_was_asked_for() -> None:
    before = watch(fall=RateFall(highest_bpm=104.0, load=demands(4.0, 5.0)[0][0]), phase=PhaseKind.WARM_UP)
    fallen = RateFall(highest_bpm=103.75, load=demands(4.0, 5.0)[0][0])
    assert slot(before, 100.0).fall == fallen
    assert slot(replace(before, phase=PhaseKind.INTERVAL), 100.0).fall == fallen
    assert slot(before, 100.0, signal=Signal.STALE).fall == before.fall
    assert slot(replace(before, phase=PhaseKind.RECOVERY), 100.0).fall == RateFall()
    branches = replace(before, bank=split_hypotheses(BANK, 6.0), settings=(WALKS,) * len(UNKNOWN), by_way=True)
    unknown = slot(branches, 96.0, speed_kmh=None)
    assert unknown.fall == fallen
    assert unknown.doubt == "model_disagrees"


def test_rises_are_followed_until_an_interval_is_over_also_where_no_load_is_known() -> None:
    load = demands(4.0, 5.0)[0][0]
    before = watch(rise=RateRise((99.0,), load, 0, 0), phase=PhaseKind.WARM_UP)
    risen = RateRise((99.0, 100.0), load, 0, 0)
    assert slot(before, 100.0).rise == risen
    assert slot(before, 100.0, signal=Signal.STALE).rise == RateRise((), load, 0, 0)
    branches = replace(before, bank=split_hypotheses(BANK, 6.0), settings=(WALKS,) * len(UNKNOWN))
    assert slot(branches, 100.0, speed_kmh=None).rise == risen
    # A person who follows in part or late raises the load when they like: their rate may rise then.
    assert slot(replace(branches, by_way=True), 100.0, speed_kmh=None).rise == RateRise()
    begun = before.entered(moment(600.0, phase=INTERVAL, second=0))
    assert begun.rise == before.rise
    assert slot(begun, 100.0).rise == risen
    over = begun.entered(moment(840.0, phase=RECOVERY, second=0))
    assert over.rise is None
    assert slot(over, 100.0).rise is None


@pytest.mark.parametrize("phase", [PhaseKind.WARM_UP, PhaseKind.INTERVAL])
def test_a_rate_that_rises_at_a_kept_load_is_doubted(phase: PhaseKind) -> None:
    known = watch(recent_bpm=(100.0,), phase=phase)
    assert known.doubt is None
    assert replace(known, rise=RateRise(doubted_slots=1)).doubt == "model_disagrees"
    assert replace(known, rise=None).doubt is None


def test_a_believed_rate_above_the_plans_hr_max_is_a_finding_unless_it_is_weak_or_surprising() -> None:
    sure = BANK
    for _ in range(60):
        sure, _ = sure.predict(load_of(CLIMBS)).update(182.0)
    before = watch(bank=sure, settings=(CLIMBS,), recent_bpm=(182.0, 182.0))
    now = slot(before, 182.0, speed_kmh=6.0)
    assert now.odd == 0
    assert now.finding == HrMaxFinding("hr_max_seems_higher", 182.0, 182.0, 197.0, "rate_seen")
    assert slot(before, 182.0, speed_kmh=6.0, signal=Signal.WEAK).finding is None
    surprising = slot(replace(before, bank=odd_bank()[0]), 182.0, speed_kmh=6.0)
    assert (surprising.odd, surprising.finding) == (1, None)
    known = HrMaxFinding("hr_max_seems_lower", 160.0, 150.0, 170.0, "exertion")
    assert slot(replace(before, finding=known), 182.0, speed_kmh=6.0).finding == known


# Where the load is not known


def test_an_unknown_load_may_roam_and_a_known_one_does_not() -> None:
    assert (watch().roam_sd, watch(settings=UNKNOWN).roam_sd) == (0.0, 0.003)
    bank = split_hypotheses(BANK, 6.0)
    now = slot(watch(bank=bank, settings=UNKNOWN, phase_s=100), 100.0, speed_kmh=None, second=100)
    assert now.bank == bank.predict(loads_by_way(UNKNOWN), 0.003).update(100.0)[0]


@pytest.mark.parametrize(("second", "late_sd"), [(25, 10.0), (26, 0.0)])
def test_early_in_a_phase_nobody_knows_to_the_second_when_the_treadmill_was_set(second: int, late_sd: float) -> None:
    bank = split_hypotheses(BANK, 6.0)
    now = slot(watch(bank=bank, settings=UNKNOWN), 100.0, speed_kmh=None, second=second)
    assert now.bank == bank.predict(loads_by_way(UNKNOWN), 0.003).inflate_covariance(FAST, late_sd).update(100.0)[0]
    known = slot(watch(settings=(WALKS,)), 100.0, second=second)
    assert known.bank == BANK.predict(load_of(WALKS)).update(100.0)[0]


def test_a_rate_that_surprises_twice_where_the_speed_is_unknown_is_a_load_of_the_persons_own() -> None:
    bank = split_hypotheses(odd_bank()[0], 6.0)
    load = loads_by_way((WALKS,) * (2 * WAYS))
    corrected, surprise = bank.predict(load, 0.003).update(150.0)
    assert surprise >= 2.5
    before = watch(bank=bank, settings=(WALKS,) * (2 * WAYS), phase=PhaseKind.WARM_UP, misfit=20.0)
    once = slot(before, 150.0, speed_kmh=None, second=99)
    assert once.bank == corrected
    twice = slot(replace(before, odd=1), 150.0, speed_kmh=None, second=99)
    assert twice.bank == corrected.inflate_covariance(DRIFT, 12.0).inflate_covariance(SLOW, 6.0)
    assert (twice.doubted_until_t, twice.misfit) == (None, 0.9 * 20.0 + surprise)
    known = slot(watch(bank=odd_bank()[0], odd=1), 150.0)
    assert known.bank == odd_bank()[0].predict(load_of(WALKS)).update(150.0)[0]


# What the person says, and phases


def test_exertion_in_an_interval_belongs_to_its_last_minute_and_later_to_the_interval_before() -> None:
    within = watch(phase=PhaseKind.INTERVAL, recent_bpm=(150.0, 160.0), worked_bpm=120.0).heard(17)
    likely = perceived_exertion.log_likelihood(17, 155.0, BANK.hr_max_bpm)
    assert within.borgs == ((155.0, 17),)
    assert within.bank == BANK.reweight(likely)
    after = watch(phase=PhaseKind.RECOVERY, recent_bpm=(110.0,), worked_bpm=161.04).heard(17)
    assert after.borgs == ((161.0, 17),)
    assert watch(phase=PhaseKind.INTERVAL, worked_bpm=161.0).heard(15).borgs == ((161.0, 15),)
    unworked = watch(phase=PhaseKind.RECOVERY, recent_bpm=(110.0,))
    assert unworked.heard(17) is unworked


def test_the_last_24_answers_are_kept() -> None:
    borgs = tuple((float(n), 15) for n in range(24))
    assert watch(worked_bpm=160.0, borgs=borgs).heard(16).borgs == (*borgs[1:], (160.0, 16))


def test_exertion_that_the_plans_hr_max_does_not_explain_is_a_finding() -> None:
    formula = Plan(participant="p", hr_max_bpm=180.0, hr_max_source="formula", age=48, start=Load(6.0, 5.0))
    now = BeliefState(plan=formula, bank=first_bank(formula, formula.start, None), person=None, worked_bpm=135.0)
    for _ in range(4):
        now = now.heard(19)
    assert now.finding is not None
    assert (now.finding.code, now.finding.source) == ("hr_max_seems_lower", "exertion")


def test_an_interval_of_a_minute_leaves_its_rate_and_tiredness() -> None:
    before = watch(phase=PhaseKind.INTERVAL, phase_s=60, recent_bpm=(150.0, 160.0), worked_bpm=1.0, expected=EXPECTED)
    now = before.entered(moment(300.0, phase=RECOVERY, second=0))
    assert (now.phase, now.phase_s, now.worked_bpm, now.expected) == (PhaseKind.RECOVERY, 0, 155.0, None)
    assert now.bank == BANK.shift_mean(DRIFT, 1.0, 1.0)
    short = replace(before, phase_s=59, recent_bpm=()).entered(moment(300.0, phase=RECOVERY, second=0))
    assert (short.worked_bpm, short.bank == BANK) == (None, True)


def test_other_phases_leave_what_was_known() -> None:
    now = watch(phase=PhaseKind.RECOVERY, phase_s=180, recent_bpm=(100.0,), worked_bpm=150.0, expected=EXPECTED)
    began = now.entered(moment(480.0, phase=INTERVAL, second=0))
    assert (began.phase, began.worked_bpm, began.bank == BANK) == (PhaseKind.INTERVAL, 150.0, True)
    assert began.expected == EXPECTED


def test_from_the_second_interval_on_somebody_may_hold_the_handrail() -> None:
    before = watch(phase=PhaseKind.RECOVERY)
    second = before.entered(moment(480.0, phase=replace(INTERVAL, interval=2), second=0))
    assert second.bank == BANK.inflate_covariance(GAIN, 0.05)
    rest = before.entered(moment(480.0, phase=replace(RECOVERY, interval=2), second=0))
    assert rest.bank == BANK
