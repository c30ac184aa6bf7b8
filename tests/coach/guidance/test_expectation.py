"""What is expected before a strap has spoken: the measure by which a dry strap's low rate is doubted."""

import numpy as np
import pytest
from msgspec.structs import replace

from coach.guidance.first_reading_check import PriorPrediction, RateFall, RateRise, expectation
from coach.guidance.heart_model import GAIN, REST
from coach.guidance.priors import first_bank
from coach.guidance.treadmill_load import demand
from coach.model.plan import Load, Plan

START = Load(6.0, 5.0)
PLAN = Plan(participant="p1", hr_max_bpm=180, hr_max_source="measured", age=40, start=START)


def walked(share: float, minutes: float) -> float:
    """The rate expected after so long at this share of the start load's speed."""
    told = expectation(first_bank(PLAN, START, None))
    for _ in range(int(minutes * 12)):
        told = told.after(demand(share * START.speed_kmh, START.incline_percent), 5)
    return told.rest_bpm + told.rise_bpm


def test_somebody_standing_still_is_expected_at_rest() -> None:
    assert walked(0.0, 3) == pytest.approx(80, abs=1)


def test_the_start_load_is_expected_to_bring_somebody_to_where_the_therapist_meant() -> None:
    assert walked(1.0, 10) == pytest.approx(0.87 * 180, abs=6)


def test_a_rate_of_somebody_at_rest_is_far_off_for_somebody_who_walks_briskly() -> None:
    told = expectation(first_bank(PLAN, START, None))
    for _ in range(36):
        told = told.after(demand(4.0, 5.0), 5)
    assert told.standard_deviations_off(66) < -1.3
    assert abs(told.standard_deviations_off(118)) < 1


EXPECTED = PriorPrediction(
    rest_bpm=80.0, gain=0.0, rest_variance=64.0, gain_variance=0.01, reserve_bpm=100.0, bends_from=0.9, rise_bpm=0.0
)
"""At rest 80 bpm are expected, ± 10."""


def test_a_belief_expects_the_weighted_mean_and_spread_of_its_hypotheses() -> None:
    bank = first_bank(PLAN, START, None)
    told, weight = expectation(bank), bank.weight
    rest, gain = bank.mean[:, REST], bank.mean[:, GAIN]
    assert told.rest_bpm == pytest.approx(float(weight @ rest))
    assert told.gain == pytest.approx(float(weight @ gain))
    assert told.rest_variance == pytest.approx(float(weight @ (bank.cov[:, REST, REST] + (rest - told.rest_bpm) ** 2)))
    assert told.gain_variance == pytest.approx(float(weight @ (bank.cov[:, GAIN, GAIN] + (gain - told.gain) ** 2)))
    assert told.reserve_bpm == pytest.approx(float(weight @ bank.hr_max_bpm) - told.rest_bpm)
    assert told.bends_from == pytest.approx(float(weight @ bank.bends_from))
    assert told.rise_bpm == 0.0
    low = replace(bank, hr_max_bpm=np.full_like(bank.hr_max_bpm, 90.0))
    assert expectation(low).reserve_bpm == 20.0


def test_the_rise_nears_what_the_load_gives_within_minutes() -> None:
    told = replace(EXPECTED, gain=0.5, rise_bpm=10.0)
    steady = np.exp(0.5) * 20.0
    assert told.after(20.0, 5).rise_bpm == pytest.approx(10 + (1 - np.exp(-5 / 60)) * (steady - 10))
    assert told.after(20.0, 6000).rise_bpm == pytest.approx(steady)
    assert told.after(1000.0, 6000).rise_bpm == pytest.approx(100.0)


def test_how_far_a_rate_is_off_counts_rest_gain_and_what_neither_explains() -> None:
    assert EXPECTED.standard_deviations_off(90.0) == pytest.approx(1.0)
    assert replace(EXPECTED, rise_bpm=50.0).standard_deviations_off(105.0) == pytest.approx(-25 / np.sqrt(125.0))


def test_a_rate_is_low_where_three_standard_deviations_are_missing_at_rest_and_walking() -> None:
    walking = replace(EXPECTED, rise_bpm=30.0, gain_variance=0.0)
    assert [walking.reads_low(110 + off) for off in (-30.1, -29.9)] == [True, False]
    assert [EXPECTED.reads_low(80 + off) for off in (-30.1, -29.9)] == [True, False]


def test_a_fall_is_what_the_rate_has_lost_while_nobody_lowered_the_load() -> None:
    fall = RateFall().after(10.0, 100.0).after(10.0, 105.0).after(10.0, 99.0)
    assert fall == RateFall(highest_bpm=104.75, load=10.0)
    assert (fall.doubts(97.8), fall.doubts(97.7)) == (False, True)
    assert fall.after(12.0, None) == RateFall(highest_bpm=104.75, load=12.0)


def test_a_fall_is_remembered_up_to_twelve_beats_and_forgotten_within_two_minutes() -> None:
    fall = RateFall(highest_bpm=180.0, load=10.0).after(10.0, 100.0)
    assert fall.highest_bpm == 111.75
    doubted = 0
    while fall.doubts(100.0):
        fall, doubted = fall.after(10.0, 100.0), doubted + 1
    assert doubted == 20


def test_a_load_that_was_lowered_lets_the_rate_fall_for_a_minute() -> None:
    fall = RateFall(highest_bpm=120.0, load=10.0)
    assert fall.after(9.5, 100.0).eased_slots == 0
    eased = fall.after(9.4, 100.0)
    assert eased == RateFall(highest_bpm=100.0, load=9.4, eased_slots=12)
    for n in range(11, 0, -1):
        eased = eased.after(9.4, 90.0)
        assert eased == RateFall(highest_bpm=90.0, load=9.4, eased_slots=n)
    assert eased.after(9.4, 80.0) == RateFall(highest_bpm=89.75, load=9.4, eased_slots=0)
    assert eased.after(9.4, None) == RateFall(highest_bpm=90.0, load=9.4, eased_slots=0)


def kept_load(bpm: float, slots: int, rise: RateRise | None = None) -> RateRise:
    """The rise after so many slots of one rate at a load of 10."""
    rise = RateRise(load=10.0, raised_slots=0) if rise is None else rise
    for _ in range(slots):
        rise = rise.after(10.0, bpm)
    return rise


def test_a_rate_that_rises_by_eight_beats_a_minute_at_a_kept_load_is_doubted_for_a_while_after_it() -> None:
    steady = kept_load(100.0, 15)
    assert steady == RateRise((100.0,) * 15, 10.0, 0, 0)
    assert not kept_load(107.9, 3, steady).doubts
    rising = kept_load(108.0, 3, steady)
    assert rising == RateRise((100.0,) * 12 + (108.0,) * 3, 10.0, 0, 15)
    assert rising.doubts
    # Twelve slots later the window holds the new rate alone; the last rise that was seen is doubted for 75 s.
    assert kept_load(108.0, 10, rising).doubted_slots == 14
    assert kept_load(108.0, 23, rising).doubts
    assert not kept_load(108.0, 24, rising).doubts


def test_less_than_a_minute_of_rates_shows_no_rise() -> None:
    assert not kept_load(120.0, 3, kept_load(100.0, 11)).doubts
    assert kept_load(120.0, 3, kept_load(100.0, 12)).doubts
    gap = kept_load(100.0, 14).after(10.0, None)
    assert gap == RateRise((), 10.0, 0, 0)


@pytest.mark.parametrize(("load", "slots"), [(10.6, 12), (15.0, 12), (15.1, 24)])
def test_a_raised_load_lets_the_rate_rise_for_one_or_two_minutes(load: float, slots: int) -> None:
    steady = kept_load(100.0, 15)
    assert steady.after(10.5, 100.0).raised_slots == 0
    raised = steady.after(load, 100.0)
    assert raised == RateRise((), load, slots, 0)
    for n in range(slots - 1, 0, -1):
        raised = raised.after(load, 130.0)
        assert raised == RateRise((), load, n, 0)
    assert raised.after(load, 130.0) == RateRise((130.0,), load, 0, 0)


def test_a_small_step_does_not_shorten_what_a_large_one_allows() -> None:
    large = kept_load(100.0, 15).after(20.0, 100.0)
    assert large.after(20.6, 110.0).raised_slots == 23
    assert kept_load(100.0, 15).after(5.0, 90.0).raised_slots == 0
    assert RateRise().raised_slots == 24


def test_a_larger_rise_is_doubted_for_longer_also_while_a_raised_load_hides_it() -> None:
    rising = kept_load(120.0, 3, kept_load(100.0, 15))
    assert rising.doubted_slots == round(30 * np.log(20 / 4.9)) == 42
    raised = rising.after(20.0, 125.0)
    assert raised == RateRise((), 20.0, 24, 41)
    assert kept_load(110.0, 3, kept_load(100.0, 15)).doubted_slots == 21
