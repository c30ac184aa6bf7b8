"""What a load and a rate say about fitness, in one session and over many."""

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coach.model.course_progress import Sex
from coach.progress.fitness import (
    HUNT_AGES,
    FitnessAge,
    FitnessEvidence,
    average_vo2_max,
    fitness_age,
    fitness_trend,
    vo2_at,
    vo2_max,
)


def test_uptake_follows_acsm() -> None:
    assert vo2_at(4.8, 5.0) == pytest.approx(3.5 + 0.1 * 80 + 1.8 * 80 * 0.05)
    assert vo2_at(9.0, 5.0) == pytest.approx(3.5 + 0.2 * 150 + 0.9 * 150 * 0.05)


def test_an_estimate_is_the_uptake_divided_by_its_share_of_the_greatest() -> None:
    assert vo2_max(4.8, 5.0, 0.85) == pytest.approx(18.7 / 0.75)


@pytest.mark.parametrize(
    ("speed", "fraction"), [(None, 0.85), (6.0, None), (2.0, 0.85), (6.0, 0.6), (6.0, 1.05), (6.0, float("nan"))]
)
def test_without_a_load_or_a_rate_that_allow_it_there_is_none(speed: float | None, fraction: float | None) -> None:
    assert vo2_max(speed, 5.0, fraction) is None


def test_the_average_of_a_decade_is_that_decades_middle() -> None:
    assert [fitness_age(mean, "f").years for mean in (43, 40, 38, 34, 31, 27)] == list(HUNT_AGES)
    assert fitness_age(48.0, "m") == FitnessAge(40.0)


def test_the_average_beyond_the_tables_ends_is_that_of_its_ends() -> None:
    assert (average_vo2_max(18.0, "m"), average_vo2_max(90.0, "m")) == (54.0, 34.0)


def test_beyond_the_table_it_says_so() -> None:
    assert fitness_age(60.0, "m") == FitnessAge(25.0, "younger")
    assert fitness_age(20.0, "f") == FitnessAge(75.0, "older")


@given(sex=st.sampled_from(["f", "m"]), age=st.floats(25, 75))
def test_the_age_of_an_ages_average_is_that_age(sex: Sex, age: float) -> None:
    assert fitness_age(average_vo2_max(age, sex), sex).years == pytest.approx(age, abs=1e-6)


def sessions(count: int, *, gain: float = 0.0, noise_bpm: float = 4.0, seed: int = 1) -> list[FitnessEvidence]:
    """Sessions at 6.0 km/h and 5 %, each with a day of its own, of a heart that gains this share until the last."""
    draw = random.Random(seed)
    return [
        FitnessEvidence(160.0 - gain * 60.0 * at / max(count - 1, 1) + draw.gauss(0.0, noise_bpm), 6.0, 5.0)
        for at in range(count)
    ]


def years(evidence: list[FitnessEvidence], hr_max_bpm: float = 185.0) -> list[float]:
    trend = fitness_trend(evidence, hr_max_bpm, "measured")
    return [] if trend is None else [one.age("f").years for one in trend.points]


def test_too_little_evidence_gives_no_trend() -> None:
    assert fitness_trend(sessions(3), 185.0, "measured") is None
    without = [FitnessEvidence(None, 6.0, 5.0), FitnessEvidence(160.0, None, 5.0), FitnessEvidence(160.0, 2.0, 5.0)]
    assert fitness_trend([*sessions(3), *without], 185.0, "measured") is None


@pytest.mark.parametrize(
    ("hr_max_bpm", "source"),
    [(None, "measured"), (130.0, "formula_beta_blocker")],
)
def test_without_hr_max_or_with_a_formula_on_a_beta_blocker_there_is_none(
    hr_max_bpm: float | None, source: str
) -> None:
    assert fitness_trend(sessions(12), hr_max_bpm, source) is None


def test_an_estimate_that_spans_half_a_life_is_not_given() -> None:
    assert fitness_trend(sessions(12, noise_bpm=25.0, seed=3), 185.0, "measured") is None


def test_points_come_with_every_fourth_observation_at_its_session() -> None:
    evidence = sessions(14)
    evidence.insert(2, FitnessEvidence(None, 6.0, 5.0))
    trend = fitness_trend(evidence, 185.0, "measured")
    assert trend is not None
    assert [(one.sessions, one.at) for one in trend.points] == [(4, 5), (8, 9), (12, 13)]
    assert all(one.low < one.vo2_max < one.high for one in trend.points)


def test_one_session_that_is_far_off_does_not_make_the_age_jump() -> None:
    evidence = sessions(24, gain=0.12)
    before = years(evidence)
    for at in range(4, 24):
        odd = [*evidence[:at], FitnessEvidence(131.0, 7.5, 8.0), *evidence[at + 1 :]]
        assert max(abs(one - other) for one, other in zip(before, years(odd), strict=True)) < 3.0


@pytest.mark.parametrize("seed", range(8))
def test_from_point_to_point_the_age_moves_by_few_years(seed: int) -> None:
    ages = years(sessions(24, gain=0.15, seed=seed))
    assert max(abs(one - other) for one, other in pairwise(ages)) < 8.0


def test_a_gain_of_a_tenth_is_seen_and_none_is_not() -> None:
    gained = fitness_trend(sessions(24, gain=0.25), 185.0, "measured")
    same = fitness_trend(sessions(24), 185.0, "measured")
    assert gained is not None
    assert same is not None
    assert (gained.change_is_certain, same.change_is_certain) == (True, False)
    assert gained.newest.vo2_max > gained.first.vo2_max * 1.08


def test_a_corrected_hr_max_moves_all_points_and_makes_no_change_of_its_own() -> None:
    evidence = sessions(24)
    before, after = years(evidence, 190.0), years(evidence, 180.0)
    assert after[-1] - before[-1] == pytest.approx(after[0] - before[0], abs=3.0)


def test_the_share_of_the_average_has_the_range_of_the_estimate() -> None:
    trend = fitness_trend(sessions(8), 185.0, "measured")
    assert trend is not None
    share, low, high = trend.newest.share_of_average(45.0, "f")
    assert share == pytest.approx(trend.newest.vo2_max / 38.0)
    assert low < share < high
    younger, older = trend.newest.ages("f")
    assert younger.years < trend.newest.age("f").years < older.years
