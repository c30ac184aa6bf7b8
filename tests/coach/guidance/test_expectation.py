"""What is expected before a strap has spoken: the measure by which a dry strap's low rate is doubted."""

import pytest

from coach.guidance.first_reading_check import expectation
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
